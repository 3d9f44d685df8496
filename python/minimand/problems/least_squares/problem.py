"""A least-squares problem and what is known of its solution."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]

FULL_DIGITS = 53 * float(np.log10(2.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastSquaresProblem:
    """minimise ``sum_i weights_i (y_i - X_i coef)^2``, with its solution.

    Attributes
    ----------
    name
        Name of the problem.
    X, y
        Data, (m, n) and (m,), read-only.
    coef
        Solution (n,), the shortest one if there are several, rounded to float64.
    rank
        Rank of X in exact arithmetic.
    aliased
        Columns that depend on earlier columns.
    weights
        Row weights (m,), or None.
    condition
        2-norm condition number of X with columns of unit length, where it is known.
    leading_ones
        Whether column 0 of X is a column of ones, which an intercept can replace.
    """

    name: str
    X: Array
    y: Array
    coef: Array
    rank: int
    aliased: tuple[int, ...] = ()
    weights: Array | None = None
    condition: float | None = None
    leading_ones: bool = False

    def __post_init__(self) -> None:
        for array in (self.X, self.y, self.coef, self.weights):
            if array is not None:
                array.setflags(write=False)


# Condition number with unit columns, and the digits by which the exact solution of the data, once
# these are rounded to float64, agrees with the certified one (15 where nothing is listed).
UNIT_COLUMN_CONDITION = {
    "Norris": 2.801,
    "NoInt1": 1.0,
    "NoInt2": 1.0,
    "Longley": 4.328e4,
    "Filip": 5.207e9,
} | {f"Wampler{i}": 2.220e3 for i in range(1, 6)}
ATTAINABLE_DIGITS = {
    "Norris": 14.0,
    "NoInt1": 14.7,
    "Longley": 14.6,
    "Wampler2": 13.2,
    "Filip": 7.6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NistProblem(LeastSquaresProblem):
    """A NIST set; ``coef`` holds the certified estimates.

    Attributes
    ----------
    standard_error
        Certified standard deviations of the estimates (n,).
    residual_sd
        Certified residual standard deviation.
    attainable_digits
        Correct digits that the exact solution of the float64 data has.
    """

    standard_error: Array
    residual_sd: float
    attainable_digits: float

    def __post_init__(self) -> None:
        LeastSquaresProblem.__post_init__(self)
        self.standard_error.setflags(write=False)


def correct_digits(estimate: ArrayLike, truth: ArrayLike) -> float:
    """Least number of correct digits of ``estimate`` (the LRE of the NIST literature).

    ``min_j -log10(|estimate_j - truth_j| / |truth_j|)``, without the division where the truth is
    zero, and kept between 0 and 15.95, the precision of float64. A NaN counts as 0.

    Examples
    --------
    >>> from minimand.problems.least_squares import correct_digits
    >>> round(correct_digits([1.0001, 2.0], [1.0, 2.0]), 3)
    4.0
    """
    found = np.asarray(estimate, dtype=np.float64)
    wanted = np.asarray(truth, dtype=np.float64)
    if found.shape != wanted.shape:
        raise ValueError(f"estimate has shape {found.shape} but truth has shape {wanted.shape}")
    with np.errstate(all="ignore"):
        size = np.where(wanted == 0.0, 1.0, np.abs(wanted))
        digits = -np.log10(np.abs(found - wanted) / size)
    return float(np.min(np.clip(np.nan_to_num(digits, nan=0.0), 0.0, FULL_DIGITS), initial=16.0))
