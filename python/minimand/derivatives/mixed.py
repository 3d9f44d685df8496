"""Mixed second derivatives, from half the points of the rule with four corners."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.derivatives.estimate import LISTED, Estimate
from minimand.derivatives.evaluate import BLOCK
from minimand.derivatives.lines import CoordinateLines, Rows
from minimand.derivatives.rules import CENTRAL

SIGNS = np.array(CENTRAL.offsets, dtype=np.float64)  # 1, -1, 2, -2
# First derivatives as (offset, weight), for pairs next to a bound.
_ONE_SIDED = ((0.0, -1.5), (1.0, 2.0), (2.0, -0.5))
_CENTRAL = ((1.0, 0.5), (-1.0, -0.5))


class Matrices:
    """Value, truncation and rounding (3, n, n) of a Hessian, symmetric."""

    def __init__(self, lines: CoordinateLines, diagonal: Estimate, noise: float) -> None:
        n = len(lines.position)
        self.entries = np.empty((3, n, n))
        self.missed = bool(diagonal.missed.any())
        self.undefined = diagonal.undefined
        self._lines, self._noise = lines, noise
        self._h, self._sides = diagonal.step, diagonal.sides
        k = np.arange(n)
        parts = (diagonal.value, diagonal.truncation, diagonal.rounding)
        self.entries[:, k, k] = np.stack([part[:, 0] for part in parts])
        first, second = np.triu_indices(n, 1)
        if len(first) == 0:
            return
        both = (self._sides[first] == 0) & (self._sides[second] == 0)
        self._central(first[both], second[both])
        for a in (0, 1, -1):
            for b in (0, 1, -1):
                chosen = (self._sides[first] == a) & (self._sides[second] == b) & ~both
                if chosen.any():
                    self._beside_bounds(first[chosen], second[chosen])

    def _central(self, first: Rows, second: Rows) -> None:
        """Fill the entries of pairs that look to both sides, block by block."""
        if len(first) == 0:
            return
        lines, h, n = self._lines, self._h, len(self._h)
        rows = np.tile(np.arange(n), 4)
        with np.errstate(invalid="ignore"):
            axes = lines.at(rows, np.outer(SIGNS, h).reshape(-1)).reshape(4, n)
        size = np.abs(lines.position)
        per_block = max(1, BLOCK // (4 * n))
        for begin in range(0, len(first), per_block):
            i, j = first[begin : begin + per_block], second[begin : begin + per_block]
            points = self._corners(i, j, SIGNS, SIGNS)
            corners = lines.f.many(points).reshape(4, len(i))
            out = np.empty((3, len(i)))
            lines.kernels.mixed_differences(
                corners,
                axes,
                float(lines.centre[0, 0]),
                h,
                size,
                self._noise,
                lines.f.eps,
                i,
                j,
                out,
            )
            self._store(i, j, out, points, corners)

    def _beside_bounds(self, i: Rows, j: Rows) -> None:
        """Fill entries of pairs of which one looks to one side: products of first derivatives."""
        lines = self._lines
        rules = [_CENTRAL if self._sides[k[0]] == 0 else _ONE_SIDED for k in (i, j)]
        sides = [float(self._sides[k[0]] or 1) for k in (i, j)]
        pairs = [(a, b, u * v) for a, u in rules[0] for b, v in rules[1]]
        a = np.array([pair[0] for pair in pairs]) * sides[0]
        b = np.array([pair[1] for pair in pairs]) * sides[1]
        w = np.array([pair[2] for pair in pairs]) * sides[0] * sides[1]
        points = self._corners(i, j, np.concatenate([a, 2 * a]), np.concatenate([b, 2 * b]))
        values = lines.f.many(points).reshape(2, len(w), len(i))
        with np.errstate(all="ignore"):
            near, far = np.einsum("q,sqm->sm", w, values - lines.centre[0, 0])
            near, far = near / self._h[i] / self._h[j], far / (4 * self._h[i]) / self._h[j]
            level = np.maximum(self._noise, lines.f.eps * np.abs(values).max(axis=(0, 1)))
            rounding = np.abs(w).sum() * level / self._h[i] / self._h[j]
            out = np.stack([near, np.abs(near - far) / 3.0, rounding])
        self._store(i, j, out, points, values.reshape(-1, len(i)))

    def _corners(self, i: Rows, j: Rows, a: Floats, b: Floats) -> Floats:
        """Return x + a h_i e_i + b h_j e_j for all offsets (a, b), pairs within offsets."""
        lines, h = self._lines, self._h
        points = np.empty((len(a) * len(i), len(h)))
        lines.kernels.displaced_points(
            lines.position,
            np.tile(i, len(a)),
            np.outer(a, h[i]).reshape(-1),
            np.tile(j, len(b)),
            np.outer(b, h[j]).reshape(-1),
            lines.lower,
            lines.upper,
            points,
        )
        return points

    def _store(self, i: Rows, j: Rows, out: Floats, points: Floats, values: Floats) -> None:
        bad: NDArray[np.bool_] = np.logical_not(np.isfinite(values).all(axis=0))
        if bad.any():
            self.missed = True
            out[0, bad], out[1:, bad] = np.nan, np.inf
            where = np.flatnonzero(~np.isfinite(values.reshape(-1)))
            room = max(0, LISTED - len(self.undefined))
            self.undefined = [*self.undefined, *points[where[:room]]]
        self.entries[:, i, j] = out
        self.entries[:, j, i] = out

    def bounded(self, bound: float) -> None:
        """Replace the truncation by what a bound of all fourth derivatives proves."""
        h, mixed = self._h, _amplify(self._sides)
        hi, hj = h[:, np.newaxis], h[np.newaxis, :]
        rigorous = bound * ((hi * hi + hj * hj) * mixed[0] + hi * hj * mixed[1])
        k = np.arange(len(h))
        rigorous[k, k] = bound * h * h * np.where(self._sides == 0, 1 / 12, 11 / 12)
        good = np.isfinite(self.entries[1])
        self.entries[1][good] = rigorous[good]


def _amplify(sides: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the factors of h_i^2 + h_j^2 and of h_i h_j in the truncation of mixed entries.

    Of one-sided products: 1/3 h^2 from each factor, and once more for what their weights make of
    it (4 is the sum of the weights' sizes).
    """
    sided = (sides[:, np.newaxis] != 0) | (sides[np.newaxis, :] != 0)
    return np.where(sided, 4 / 3, 1 / 6), np.where(sided, 1.0, 1 / 4)
