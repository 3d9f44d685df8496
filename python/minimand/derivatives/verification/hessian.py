"""Rules of second derivatives by two variables, as tables of offsets and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.derivatives.verification.rules import (
    CENTRAL,
    FIVE_POINTS,
    FIVE_POINTS_SIDED,
    SIDED,
    Plain,
    Table,
)

if TYPE_CHECKING:
    from minimand.derivatives.result import DerivativeResult

Pair = tuple[int, int]
PairTable = dict[Pair, float]

_BLOCK = 1 << 16
_TWO_CORNERS: PairTable = {
    (1, 1): 0.5,
    (1, 0): -0.5,
    (0, 1): -0.5,
    (0, 0): 1.0,
    (-1, 0): -0.5,
    (0, -1): -0.5,
    (-1, -1): 0.5,
}


class Pairs:
    """Entries i <= j of a Hessian, group by group of the sides that their variables look to."""

    def __init__(self, f: Plain, result: DerivativeResult) -> None:
        self.f = f
        self.x = np.asarray(result.x, dtype=np.float64)
        self.step = np.asarray(result.step, dtype=np.float64)
        self.sides = np.asarray(result.sides)
        self.noise = float(np.max(result.noise))
        n = len(self.x)
        self._i, self._j = np.triu_indices(n)
        self._centre = float(f(self.x[np.newaxis])[0, 0])

    def recorded(self) -> tuple[Floats, Floats, Floats]:
        """Return value, truncation and rounding of the rule that `hessian` uses."""
        out = np.empty((3, len(self.x), len(self.x)))
        for i, j, a, b in self._groups():
            on_diagonal = i[0] == j[0]
            if on_diagonal:
                table = _line((SIDED if a else CENTRAL)[2], a)
            elif a == 0 and b == 0:
                table = _TWO_CORNERS
            else:
                table = _product((SIDED if a else CENTRAL)[1], (SIDED if b else CENTRAL)[1], a, b)
            hi, hj = self.step[i], self.step[j]
            near, size = self._apply(table, i, j, hi, hj)
            far, larger = self._apply(table, i, j, 2 * hi, 2 * hj)
            size = np.maximum(np.maximum(size, larger), abs(self._centre))
            weight = sum(map(abs, table.values()))
            level = self.f.eps * size
            if on_diagonal:
                weight = 12.0 if a else 4.0
                if a:
                    size = np.maximum(size, self._apply({(6 * a, 0): 1.0}, i, j, hi, hj)[1])
                    level = self.f.eps * size
                level = level + self.f.eps * self._move(i, self.step[i], side=a)
            elif a == 0 and b == 0:
                level = level + self.f.eps * (
                    self._move(i, self.step[i]) + self._move(j, self.step[j])
                )
            rounding = weight * np.maximum(level, self.noise) / hi / hj
            out[:, i, j] = out[:, j, i] = np.stack([near, np.abs(near - far) / 3.0, rounding])
        return out[0], out[1], out[2]

    def fresh(self) -> tuple[Floats, Floats]:
        """Return value and error by other rules: five points, and four corners."""
        out = np.empty((2, len(self.x), len(self.x)))
        for i, j, a, b in self._groups():
            if i[0] == j[0]:
                table = _line((FIVE_POINTS_SIDED if a else FIVE_POINTS)[2], a)
                reach = 0.7 if a else 4.0
            else:
                table = _product((SIDED if a else CENTRAL)[1], (SIDED if b else CENTRAL)[1], a, b)
                reach = 0.7
            hi, hj = reach * self.step[i], reach * self.step[j]
            near, size = self._apply(table, i, j, hi, hj)
            far, _ = self._apply(table, i, j, 2 * hi, 2 * hj)
            weight = sum(map(abs, table.values()))
            slopes = self._move(i, hi) + self._move(j, hj)
            level = np.maximum(self.f.eps * (size + slopes), self.noise)
            error = np.abs(near - far) + 2.0 * weight * level / hi / hj
            out[:, i, j] = out[:, j, i] = np.stack([near, error])
        return out[0], out[1]

    def _groups(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64], int, int]]:
        """Return (i, j, side of i, side of j) of entries that share a rule."""
        groups = []
        for diagonal in (True, False):
            for a in (0, 1, -1):
                for b in (0, 1, -1):
                    chosen = (self.sides[self._i] == a) & (self.sides[self._j] == b)
                    chosen &= (self._i == self._j) == diagonal
                    if chosen.any():
                        groups.append((self._i[chosen], self._j[chosen], a, b))
        return groups

    def _move(self, i: NDArray[np.int64], h: Floats, side: int = 0) -> Floats:
        """Return |x_i| times the slope to the nearest points."""
        slope = np.zeros(len(i))
        for sign in (side,) if side else (1, -1):
            values = self._values(i, i, sign * h, 0.0 * h)
            slope = np.maximum(slope, np.abs(values - self._centre))
        return np.abs(self.x[i]) * slope / h

    def _apply(
        self, table: PairTable, i: NDArray[np.int64], j: NDArray[np.int64], hi: Floats, hj: Floats
    ) -> tuple[Floats, Floats]:
        total, largest = np.zeros(len(i)), np.zeros(len(i))
        for (a, b), weight in table.items():
            values = self._values(i, j, a * hi, b * hj)
            total += weight * (values - self._centre)
            largest = np.maximum(largest, np.abs(values))
        return total / hi / hj, largest

    def _values(self, i: NDArray[np.int64], j: NDArray[np.int64], ti: Floats, tj: Floats) -> Floats:
        """Return f(x + t_i e_i + t_j e_j)."""
        size = max(1, _BLOCK // len(self.x))
        parts = []
        for begin in range(0, len(i), size):
            part = slice(begin, begin + size)
            rows = np.arange(len(i[part]))
            points = np.tile(self.x, (len(rows), 1))
            points[rows, i[part]] += ti[part]
            points[rows, j[part]] += tj[part]
            parts.append(self.f(points)[:, 0])
        return np.concatenate(parts)


def _line(table: Table, side: int) -> PairTable:
    """Return a rule of one variable: of i = j, the second offset stays 0."""
    return {(offset * (side or 1), 0): weight for offset, weight in table.items()}


def _product(first: Table, second: Table, a: int, b: int) -> PairTable:
    """Return the product of two rules of first derivatives."""
    a, b = a or 1, b or 1
    return {(p * a, q * b): u * v * a * b for p, u in first.items() for q, v in second.items()}
