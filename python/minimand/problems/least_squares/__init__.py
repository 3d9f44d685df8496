"""Least-squares problems with known answers.

- `nist`, `read_nist`: the NIST sets with certified values;
- generators: `random_full_rank`, `lauchli`, `hilbert`, `kahan`, `vandermonde`,
  `dependent_columns`, `badly_scaled_columns`, `powell_reid`, `stiff_weights`, `offset_columns`,
  `wide`;
- `exact_lstsq`: the truth for any small problem; `correct_digits`: how near an answer is to it.
"""

from minimand.problems.least_squares.exact import ExactSolution, exact_lstsq
from minimand.problems.least_squares.known_answers import (
    badly_scaled_columns,
    dependent_columns,
    hilbert,
    kahan,
    lauchli,
    offset_columns,
    powell_reid,
    random_full_rank,
    stiff_weights,
    vandermonde,
    wide,
)
from minimand.problems.least_squares.nist import nist
from minimand.problems.least_squares.nist_file import read_nist
from minimand.problems.least_squares.problem import (
    LeastSquaresProblem,
    NistProblem,
    correct_digits,
)

__all__ = [
    "ExactSolution",
    "LeastSquaresProblem",
    "NistProblem",
    "badly_scaled_columns",
    "correct_digits",
    "dependent_columns",
    "exact_lstsq",
    "hilbert",
    "kahan",
    "lauchli",
    "nist",
    "offset_columns",
    "powell_reid",
    "random_full_rank",
    "read_nist",
    "stiff_weights",
    "vandermonde",
    "wide",
]
