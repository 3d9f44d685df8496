"""What a result claims, and the rows of the data it is about, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import (
    Floats,
    as_columns,
    as_matrix,
    as_vector,
    check_nonnegative,
)
from minimand.least_squares.verification.pairs import Pair, two_prod

if TYPE_CHECKING:
    from minimand.least_squares.result import LeastSquaresResult

BLOCK = 1 << 17  # entries that are looked at together: temporaries of a megabyte stay in cache
QR_BLOCK = 1 << 20  # entries that are factored together


class Fit:
    """The claims of a result, with an axis for the right-hand sides throughout."""

    def __init__(self, result: LeastSquaresResult) -> None:
        self.claimed = result
        self.single = result.coef.ndim == 1
        columns = result.coef.reshape(result.coef.shape[0], -1)
        self.coef: Floats = np.where(np.isnan(columns), 0.0, columns)  # NaN: column left out
        k = self.coef.shape[1]
        self.intercept = _one_each("intercept", result.intercept, k, result.has_intercept)
        self.residual_norm = _one_each("residual_norm", result.residual_norm, k, True)
        self.ridge = float(result.ridge)

    @property
    def columns(self) -> int:
        """Number of columns n."""
        return int(self.coef.shape[0])


def _one_each(name: str, value: object, k: int, several: bool) -> Floats:
    numbers = np.asarray(value, dtype=np.float64).ravel()
    if numbers.size != k and not (numbers.size == 1 and not several):
        raise ValueError(f"{name} has {numbers.size} entries, expected {k}, one for each column")
    return np.broadcast_to(numbers, (k,))


@dataclass(frozen=True, slots=True)
class Rows:
    """X (m, n), Y (m, k), weights, each seen in a unit 2^exponent in which nothing overflows."""

    X: NDArray[np.floating[Any]]
    Y: Floats
    weights: Floats | None
    unit_x: NDArray[np.int64]
    unit_y: NDArray[np.int64]
    unit_w: int  # even: its square root is a power of two as well
    intercept: bool

    def blocks(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Yield rows of X, Y and weights, those of weight 0 left out."""
        return self._blocks(max(1, BLOCK // (self.X.shape[1] + self.Y.shape[1])))

    def tall_blocks(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Yield the same in blocks that are worth a QR factorisation."""
        n = self.X.shape[1]
        return self._blocks(max(2 * n, QR_BLOCK // n))

    def _blocks(self, rows: int) -> Iterator[tuple[Floats, Floats, Floats]]:
        for begin in range(0, self.X.shape[0], rows):
            block = slice(begin, begin + rows)
            x, y = self.X[block], self.Y[block]
            w = np.ones(len(y)) if self.weights is None else self.weights[block]
            if not w.all():
                x, y, w = x[w > 0], y[w > 0], w[w > 0]
            if len(y):
                yield (
                    np.multiply(x, np.ldexp(1.0, -self.unit_x), dtype=np.float64),
                    y * np.ldexp(1.0, -self.unit_y),
                    w * np.ldexp(1.0, -self.unit_w),
                )


def read(fit: Fit, X: object, y: object, weights: object) -> Rows:
    """Return the data, which must have the shape of the result."""
    matrix = as_matrix("X", X, dtypes=(np.float64, np.float32), columns=fit.columns)
    targets, single = as_columns("y", y, length=matrix.shape[0], like="X")
    if single is not fit.single or targets.shape[1] != fit.coef.shape[1]:
        came, expected = targets.shape[: 2 - single], fit.claimed.coef.shape[1:]
        raise ValueError(f"y has shape {came}, expected {(matrix.shape[0], *expected)}")
    vector = None
    if weights is not None:
        vector = as_vector("weights", weights, length=matrix.shape[0], like="X")
        check_nonnegative("weights", vector)
        if not vector.any():
            raise ValueError("weights are all zero, expected at least one positive entry")
    unit_w = 0 if vector is None else int(_exponents(vector[:, None])[0]) // 2 * 2
    return Rows(
        matrix, targets, vector, _exponents(matrix), _exponents(targets), unit_w,
        fit.claimed.has_intercept,
    )  # fmt: skip


def _exponents(array: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return for each column the power of two next to its largest entry."""
    largest = np.zeros(array.shape[1])
    rows = max(1, BLOCK // array.shape[1])
    for begin in range(0, array.shape[0], rows):
        np.maximum(largest, np.abs(array[begin : begin + rows]).max(axis=0), out=largest)
    return np.clip(np.frexp(largest)[1], -1020, 1020).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Moments:
    """Sum of the weights, means of X and y as pairs, lengths c_j of the columns of X."""

    weight: Floats
    weight_low: Floats
    mean_x: Floats
    mean_x_low: Floats
    mean_y: Floats
    mean_y_low: Floats
    raw: Floats


def column_moments(data: Rows) -> Moments:
    """Return the moments in one pass; the means are accurate beyond float64."""
    n, k = data.X.shape[1], data.Y.shape[1]
    weight = Pair(np.zeros(1))
    sums = Pair(np.zeros(n + k))
    squares = np.zeros(n)
    for x, y, w in data.blocks():
        column = w[:, None]
        weight.add(column, np.zeros_like(column))
        rows = np.hstack([x, y])
        sums.add(*two_prod(rows, column))
        squares += np.sum(x * x * column, axis=0)
    if not data.intercept:
        mean = Pair(np.zeros(n + k))
    else:
        mean = Pair(sums.high / weight.high)
        product, lost = two_prod(mean.high, weight.high)
        rest = (sums.high - product) - lost + sums.low - mean.high * weight.low
        mean.low = rest / weight.high
    return Moments(
        weight.high, weight.low, mean.high[:n], mean.low[:n], mean.high[n:], mean.low[n:],
        np.sqrt(squares),
    )  # fmt: skip
