"""Least squares in rational arithmetic: the truth for small problems."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from minimand.problems.least_squares.problem import Array

Rows: TypeAlias = list[list[Fraction]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactSolution:
    """Shortest minimiser of ``sum_i w_i (y_i - X_i coef)^2``, without rounding.

    Attributes
    ----------
    fractions
        Solution, exactly.
    coef
        The same (n,), each entry rounded once.
    rank
        Rank of the rows whose weight is not zero.
    independent
        Lexicographically first set of independent columns.
    basic
        Solution that is zero outside ``independent``, each entry rounded once.
    variances
        Diagonal of ``(X' W X)^-1`` if X has full column rank, else empty.
    squares
        Weighted sum of squared residuals.
    """

    fractions: tuple[Fraction, ...]
    coef: Array
    rank: int
    independent: tuple[int, ...]
    basic: Array
    variances: tuple[Fraction, ...]
    squares: Fraction


def exact_lstsq(X: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> ExactSolution:
    """Solve a small least-squares problem exactly, through rational normal equations.

    Parameters
    ----------
    X, y, weights
        Data (m, n), (m,), (m,), finite; every float64 is a rational number.

    Returns
    -------
    ExactSolution
        The shortest solution, its rank and the sum of squares.

    Examples
    --------
    >>> from minimand.problems.least_squares import exact_lstsq
    >>> exact_lstsq([[4], [5], [6]], [3, 4, 4]).fractions
    (Fraction(8, 11),)
    """
    A = [[Fraction(float(v)) for v in row] for row in np.asarray(X, dtype=np.float64)]
    b = [Fraction(float(v)) for v in np.asarray(y, dtype=np.float64)]
    w = [Fraction(1)] * len(b)
    if weights is not None:
        w = [Fraction(float(v)) for v in np.asarray(weights, dtype=np.float64)]
    if not len(A) == len(b) == len(w):
        raise ValueError(f"X has {len(A)} rows but y has {len(b)} entries and weights {len(w)}")
    n = len(A[0])

    # Normal equations X'WX x = X'W y, reduced together with the identity, which gives the inverse.
    weighted = [[w_i * v for v in row] for w_i, row in zip(w, A, strict=True)]
    gram = _product(_transpose(weighted), A)
    moments = [row[0] for row in _product(_transpose(weighted), [[v] for v in b])]
    identity = [[Fraction(i == j) for j in range(n)] for i in range(n)]
    table = [[*gram[i], moments[i], *identity[i]] for i in range(n)]
    pivots = _reduce(table, n)
    rank = len(pivots)

    # X = X[:, pivots] F, so every solution has F x = a, and the shortest one is F'(F F')^-1 a.
    F = [row[:n] for row in table[:rank]]
    a = [row[n] for row in table[:rank]]
    small = [[*row, a_i] for row, a_i in zip(_product(F, _transpose(F)), a, strict=True)]
    _reduce(small, rank)
    x = [sum((F[i][j] * small[i][rank] for i in range(rank)), Fraction(0)) for j in range(n)]

    basic = np.zeros(n)
    basic[pivots] = [float(v) for v in a]
    residual = [b_i - _dot(row, x) for b_i, row in zip(b, A, strict=True)]
    return ExactSolution(
        fractions=tuple(x),
        coef=np.array([float(v) for v in x]),
        rank=rank,
        independent=tuple(pivots),
        basic=basic,
        variances=tuple(table[j][n + 1 + j] for j in range(n)) if rank == n else (),
        squares=sum((w_i * r * r for w_i, r in zip(w, residual, strict=True)), Fraction(0)),
    )


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((p * q for p, q in zip(a, b, strict=True)), Fraction(0))


def _transpose(A: Rows) -> Rows:
    return [list(column) for column in zip(*A, strict=True)]


def _product(A: Rows, B: Rows) -> Rows:
    columns = _transpose(B)
    return [[_dot(row, column) for column in columns] for row in A]


def _reduce(table: Rows, columns: int) -> list[int]:
    """Bring the first columns of the table to reduced row echelon form; return their pivots."""
    pivots: list[int] = []
    for j in range(columns):
        done = len(pivots)
        candidates = [i for i in range(done, len(table)) if table[i][j] != 0]
        if not candidates:
            continue
        table[done], table[candidates[0]] = table[candidates[0]], table[done]
        head = table[done][j]
        table[done] = [v / head for v in table[done]]
        for i, row in enumerate(table):
            factor = row[j]
            if i != done and factor != 0:
                table[i] = [v - factor * p for v, p in zip(row, table[done], strict=True)]
        pivots.append(j)
    return pivots
