"""Functions along lines: what all derivatives are differences of.

Line i is t -> f(x + t e_i) for gradients, t -> f(x_i + t) for derivatives at many numbers, and
t -> f(x + t u_i) for slopes along directions. The methods see lines only.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.derivatives.evaluate import BLOCK, Evaluator
from minimand.derivatives.rules import scale

Rows = NDArray[np.int64]


class Lines:
    """m lines through the points x.

    Attributes
    ----------
    f : Evaluator
    kernels : module
    position : ndarray (m,)
        The number that a step is added to; its size is the unit of steps.
    lower, upper : ndarray (m,)
        Bounds of position + t.
    centre : ndarray (m, outputs)
        f at t = 0.
    """

    f: Evaluator
    kernels: ModuleType
    position: Floats
    lower: Floats
    upper: Floats
    centre: Floats

    def __init__(
        self,
        f: Evaluator,
        position: Floats,
        bounds: tuple[Floats, Floats] | None,
        centre: Floats,
        kernels: ModuleType,
    ) -> None:
        self.f, self.position, self.kernels = f, position, kernels
        infinite = np.full(len(position), np.inf)
        self.lower, self.upper = (-infinite, infinite) if bounds is None else bounds
        self.centre = np.ascontiguousarray(centre)

    @property
    def scale(self) -> Floats:
        """The unit of steps."""
        return scale(self.position)

    def at(self, rows: Rows, t: NDArray[Any]) -> NDArray[Any]:
        """Return f on the lines `rows` at the steps t, real or complex: (len(rows), outputs)."""
        raise NotImplementedError

    def points(self, rows: Rows, t: Floats) -> Floats:
        """Return those points, to be shown."""
        raise NotImplementedError


class PointLines(Lines):
    """t -> f(x_i + t), a function of one variable at many numbers."""

    def part(self, which: slice) -> PointLines:
        """Return some of the lines."""
        ends = self.lower[which], self.upper[which]
        return PointLines(self.f, self.position[which], ends, self.centre[which], self.kernels)

    def at(self, rows: Rows, t: NDArray[Any]) -> NDArray[Any]:
        """Return f at x_i + t."""
        return self.f.many(self.points(rows, t))

    def points(self, rows: Rows, t: NDArray[Any]) -> NDArray[Any]:
        """Return x_i + t, never outside the bounds."""
        moved: NDArray[Any] = self.position[rows] + t
        if moved.dtype.kind == "c":
            return moved
        inside: Floats = np.clip(moved, self.lower[rows], self.upper[rows])
        return inside


class CoordinateLines(Lines):
    """t -> f(x + t e_i), a function of several variables along the axes."""

    def at(self, rows: Rows, t: NDArray[Any]) -> NDArray[Any]:
        """Return f at x + t e_i, block by block."""
        size = max(1, BLOCK // len(self.position))
        if t.dtype.kind != "c" and len(rows) <= size:
            return self.f.many(self.points(rows, t))
        parts = [slice(begin, begin + size) for begin in range(0, len(rows), size)]
        if t.dtype.kind == "c":
            return np.concatenate([self.f.many(self._complex(rows[p], t[p])) for p in parts])
        return np.concatenate([self.f.many(self.points(rows[p], t[p])) for p in parts])

    def points(self, rows: Rows, t: Floats) -> Floats:
        """Return x + t e_i, never outside the bounds."""
        points = np.empty((len(rows), len(self.position)))
        zeros = np.zeros(len(rows))
        self.kernels.displaced_points(
            self.position, rows, t, rows, zeros, self.lower, self.upper, points
        )
        return points

    def _complex(self, rows: Rows, t: NDArray[Any]) -> NDArray[Any]:
        points = np.tile(self.position.astype(complex), (len(rows), 1))
        points[np.arange(len(rows)), rows] += t
        return points


class DirectionLines(Lines):
    """t -> f(x + t u_i), without bounds."""

    def __init__(
        self, f: Evaluator, x: Floats, directions: Floats, value: Floats, kernels: ModuleType
    ) -> None:
        size = np.abs(x).max() / np.abs(directions).max(axis=1)
        centre = np.broadcast_to(value, (len(directions), f.outputs))
        super().__init__(f, size, None, centre, kernels)
        self._x, self._directions = x, directions

    def at(self, rows: Rows, t: NDArray[Any]) -> NDArray[Any]:
        """Return f at x + t u_i, block by block."""
        size = max(1, BLOCK // len(self._x))
        parts = [slice(begin, begin + size) for begin in range(0, len(rows), size)]
        return np.concatenate([self.f.many(self.points(rows[p], t[p])) for p in parts])

    def points(self, rows: Rows, t: Floats) -> Floats:
        """Return x + t u_i."""
        return self._x + t[:, np.newaxis] * self._directions[rows]
