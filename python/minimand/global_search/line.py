"""One variable: the sawtooth under f, refined where it is deepest."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import Advance
from minimand._common.result import Status
from minimand.global_search.incumbent import Incumbent
from minimand.global_search.problem import EPS, Constants
from minimand.global_search.samples import Samples, grown

_SHARE = 16  # of the open gaps, one in so many is divided at a time


class Line:
    """Points on an interval, and a lower bound of f for each gap between neighbours."""

    def __init__(
        self,
        samples: Samples,
        constants: Constants,
        kernels: ModuleType,
        *,
        tol: float,
        batch: int,
        limit: int,
    ) -> None:
        self.samples, self.kernels = samples, kernels
        self.constants = constants
        self.tol, self.batch, self.limit = tol, batch, limit
        self.best = Incumbent()
        self.observed, self.witness = np.zeros(2), np.zeros((2, 3), dtype=np.int64)
        self.counts = np.array([0, 2, 0], dtype=np.int64)
        self.x, self.bound, self.candidate = np.empty(0), np.empty(0), np.empty(0)
        self.following, self.heap = (np.empty(0, dtype=np.int64) for _ in range(2))
        self._settled = 2
        self._reserve(256)
        # The first gap
        ends = samples.box.T
        self.best.offer(ends, samples.add(np.ascontiguousarray(ends)))
        self.x[:2], self.following[0], self.following[1] = ends[:, 0], 1, -1
        kernels.line_open(*self._state(), np.zeros(1, dtype=np.int64))

    def advance(self, count: int) -> Advance:
        """Divide the gaps with the least bounds, `count` times, until none is left that matters."""
        chosen = np.empty(self.batch, dtype=np.int64)
        for done in range(count):
            room = self.limit - self.samples.evaluations
            if room < 1:
                return Advance(done, self.measures(), Status.EVALUATION_LIMIT)
            wanted = min(self.batch, room, 1 + int(self.counts[2]) // _SHARE)
            least = self.best.fun - self.tol + 2.0 * EPS * abs(self.best.fun)
            taken = self.kernels.pop_least(
                self.bound, self.heap, self.counts, least, chosen[:wanted]
            )
            if taken == 0:
                return Advance(done, self.measures(), Status.CONVERGED)
            self._divide(chosen[:taken])
            if self.refuted is not None:
                return Advance(done + 1, self.measures(), Status.CONSTANT_REFUTED)
        return Advance(count, self.measures())

    def _divide(self, gaps: Any) -> None:
        first, last = int(self.counts[1]), int(self.counts[1]) + len(gaps)
        self._reserve(last)
        points = self.candidate[gaps]
        self.x[first:last] = points
        column = points[:, np.newaxis]
        self.best.offer(column, self.samples.add(column))
        # Rounding of f is that of its argument, too.
        scale = self.samples.scale + float(np.abs(self.samples.box).max()) * self.observed[0]
        self.kernels.line_insert(*self._state(), gaps, scale, self.observed, self.witness)
        self._settled = last

    def _state(self) -> tuple[Any, ...]:
        s = self.samples
        slope = s.gradient[:, 0] if len(s.gradient) else np.empty(0)
        vector = self.constants.vector
        return (
            *(self.x, s.value, slope, self.following, self.bound, self.candidate),
            *(vector, self.heap, self.counts),
        )

    def _reserve(self, size: int) -> None:
        self.samples.reserve(size)
        if size > len(self.x):
            size = max(size, 2 * len(self.x))
            for name in ("x", "bound", "candidate", "following", "heap"):
                setattr(self, name, grown(getattr(self, name), size))

    def undo(self) -> None:
        """Take back a division that was interrupted: link and bound the points from before anew."""
        order = np.argsort(self.x[: self._settled])
        self.following[order[:-1]], self.following[order[-1]] = order[1:], -1
        self.counts[:] = 0, self._settled, 0
        self.kernels.line_open(*self._state(), order[:-1])

    def finish(self) -> Floats | None:
        """Nothing is left to do, and nothing to object to."""
        return None

    @property
    def lower_bound(self) -> float:
        """What f is at least, if the constants are right."""
        gaps = self.following[: self.counts[1]] >= 0
        return min(float(self.bound[: self.counts[1]][gaps].min()), self.best.fun)

    @property
    def refuted(self) -> Floats | None:
        """The points that show that a constant is too small, if there are some."""
        known = self.constants.vector[:2]
        wrong = self.observed > known * (1.0 + 1e-12)
        if not wrong.any():
            return None
        return np.unique(self.x[self.witness[int(wrong.argmax())]])[:, np.newaxis]

    @property
    def lipschitz_observed(self) -> float:
        """The largest slope that the samples prove."""
        return float(self.observed[0])

    def measures(self) -> dict[str, float]:
        """Return what the history records."""
        return {
            "fun": self.best.fun,
            "lower_bound": self.lower_bound,
            "evaluations": self.samples.evaluations,
        }

    def minimizer_boxes(self, least: float) -> Floats:
        """Return the gaps whose bound is not above `least`, from left to right."""
        left = np.argsort(self.x[: self.counts[1]])[:-1]
        left = left[self.bound[left] <= least]
        return np.stack([self.x[left], self.x[self.following[left]]], axis=1)[:, np.newaxis]

    def record(self) -> dict[str, Any]:
        """Return the points, from left to right, as the cover of the result."""
        order = np.argsort(self.x[: self.counts[1]])
        return {
            "points": self.x[order],
            "values": self.samples.value[order],
            "actions": np.empty(0, dtype=np.int64),
        }
