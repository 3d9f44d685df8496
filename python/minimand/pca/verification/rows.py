"""The rows of the data as the components see them, and what one read of them shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, as_matrix, as_vector, check_nonnegative
from minimand.least_squares.verification.pairs import Pair, two_prod

if TYPE_CHECKING:
    from minimand.pca.result import PCAResult

_UNIT = 2.0**-53
_BLOCK = 1 << 17  # entries that are looked at together


@dataclass(frozen=True, slots=True)
class Rows:
    """X and weights, seen in powers of two, 2^unit and 2^unit_w, in which nothing overflows."""

    X: NDArray[np.floating[Any]]
    weights: Floats | None
    unit: int
    unit_w: int  # even: its square root is a power of two as well
    mean: Floats  # in the unit, as a pair
    mean_low: Floats
    weight: float  # the sum, in the user's units
    length: Floats  # of the columns of A, uncentred
    spread: Floats  # of the columns of B
    constant: NDArray[np.bool_]  # as the result says
    used: int  # rows of positive weight

    def blocks(self, entries: int = _BLOCK) -> Iterator[Floats]:
        """Yield rows of B, those of weight 0 left out; constant columns are 0."""
        for x, w in _blocks(self.X, self.weights, self.unit, self.unit_w, entries):
            centred = (x - self.mean) - self.mean_low
            centred[:, self.constant] = 0.0
            yield centred * np.sqrt(w)[:, None]


def _blocks(
    X: NDArray[np.floating[Any]], weights: Floats | None, unit: int, unit_w: int, entries: int
) -> Iterator[tuple[Floats, Floats]]:
    rows = max(1, entries // X.shape[1])
    for begin in range(0, len(X), rows):
        x = X[begin : begin + rows].astype(np.float64)
        w = np.ones(len(x)) if weights is None else weights[begin : begin + rows]
        if not w.all():
            x, w = x[w > 0], w[w > 0]
        if len(x):
            yield np.ldexp(x, -unit), np.ldexp(w, -unit_w)


def read(result: PCAResult, X: object, weights: object) -> Rows:
    """Return the data, which must have the shape of the result, with their means."""
    n = result.mean.size
    matrix = as_matrix("X", X, dtypes=(np.float64, np.float32), columns=n)
    vector = None
    if weights is not None:
        vector = as_vector("weights", weights, length=matrix.shape[0], like="X")
        check_nonnegative("weights", vector)
        if not vector.any():
            raise ValueError("weights are all zero, expected at least one positive entry")
    unit = int(np.clip(np.frexp(float(np.abs(matrix).max()))[1], -1020, 1020))
    unit_w = 0 if vector is None else int(np.frexp(vector.max())[1]) // 2 * 2
    total, sums = Pair(np.zeros(1)), Pair(np.zeros(n))
    squares, used = np.zeros(n), 0
    for x, w in _blocks(matrix, vector, unit, unit_w, _BLOCK):
        column = w[:, None]
        total.add(column, np.zeros_like(column))
        sums.add(*two_prod(x, column))
        squares += np.sum(x * x * column, axis=0)
        used += len(x)
    mean, low, spread = np.zeros(n), np.zeros(n), squares
    if result.centered:
        mean = sums.high / total.high
        product, lost = two_prod(mean, np.broadcast_to(total.high, n))
        low = ((sums.high - product) - lost + sums.low - mean * total.low) / total.high
        spread = np.zeros(n)
        for x, w in _blocks(matrix, vector, unit, unit_w, _BLOCK):
            spread += np.sum(((x - mean) - low) ** 2 * w[:, None], axis=0)
    constant = np.zeros(n, dtype=bool)
    constant[[j for j in result.constant_columns if 0 <= j < n]] = True
    return Rows(
        matrix, vector, unit, unit_w, mean, low,
        float(np.ldexp(total.high[0] + total.low[0], unit_w)),
        np.sqrt(squares), np.sqrt(spread), constant, used,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """What the data show of the claimed components, relative to their first eigenvalue.

    residual : ||C v - lambda v||; length : ||B v||, relative to the first singular value
    energy : ||B||_F^2; discarded : its share outside of the components, ||B - B V'V||_F^2 / energy
    relative : energy over the first eigenvalue
    floor : what the rounding errors of all this may amount to
    first : the first singular value in the units of the rows
    """

    residual: Floats
    length: Floats
    energy: float
    relative: float
    discarded: float
    floor: float
    first: float


def measure(result: PCAResult, rows: Rows) -> Measured:
    """Read the data once: B V', B'(B V') and the norms of B and of the columns of B V'."""
    V = result.components
    k, n = V.shape
    first = 1.0
    if k:
        first = float(np.ldexp(result.singular_values[0], -(rows.unit + rows.unit_w // 2)))
    image, lengths = Pair(np.zeros((k, n))), Pair(np.zeros(k))
    energy = rest = 0.0
    blocks = 0
    for B in rows.blocks():
        scores = B @ V.T
        image.add((scores.T @ B)[None], np.zeros((1, k, n)))
        lengths.add(np.sum(scores**2, axis=0)[None], np.zeros((1, k)))
        energy += float(np.sum(B * B))
        rest += float(np.sum((B - scores @ V) ** 2))
        blocks += 1
    values = (result.singular_values / result.singular_values[0]) ** 2 if k else np.ones(0)
    apart = image.high / first**2 - values[:, None] * V
    relative = energy / first**2
    # Sums over a block and over the blocks, inner products of n terms; times ||B||_F^2.
    depth = n + min(max(1, _BLOCK // n), rows.used) + blocks + 20
    return Measured(
        residual=np.linalg.norm(apart, axis=1),
        length=np.sqrt(lengths.high) / first,
        energy=energy,
        relative=relative,
        discarded=rest / energy if energy > 0 else 0.0,
        floor=depth * _UNIT * relative,
        first=first,
    )
