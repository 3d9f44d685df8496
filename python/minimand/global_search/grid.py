"""The uniform grid: what the guarantee costs when nothing is left out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import Advance
from minimand._common.result import Status
from minimand.global_search.incumbent import Incumbent
from minimand.global_search.problem import EPS, Constants
from minimand.global_search.samples import Samples

_BLOCK = 1 << 14  # points in a call of f


class Grid:
    """The centres of equal cells, row by row."""

    def __init__(self, samples: Samples, constants: Constants, counts: list[int]) -> None:
        self.samples, self.constants = samples, constants
        self.counts, self.total, self.done = counts, math.prod(counts), 0
        self.best = Incumbent()
        half = 0.5 * (samples.box[:, 1] - samples.box[:, 0])
        self._radius = reach(half / counts, constants)
        # Any point bounds f everywhere: what an interrupted run can say of cells not seen.
        self._far = reach(2.0 * half, constants)
        self._least, self._everywhere = math.inf, -math.inf
        self._low: list[tuple[Floats, Floats]] = []
        self._steepest, self._pair = 0.0, np.empty((0, len(counts)))

    def advance(self, count: int) -> Advance:
        """Ask f at up to `count` blocks of centres."""
        for step in range(count):
            if self.done == self.total:
                return Advance(step, self.measures(), Status.CONVERGED)
            last = min(self.total, self.done + _BLOCK)
            points = centres(self.samples.box, self.counts, self.done, last)
            values = self.samples.values(points)
            self.best.offer(points, values)
            self._observe(points, values)
            lower = values - self.constants.margin
            size = np.abs(values) + self._radius
            bounds = (lower - self._radius) - 4.0 * EPS * size
            self._least = min(self._least, float(bounds.min()))
            near = bounds <= self.best.fun + self._radius
            self._low.append((points[near], bounds[near]))
            anywhere = (lower - self._far) - 4.0 * EPS * (size + self._far)
            self._everywhere = max(self._everywhere, float(anywhere.max()))
            self.done = last
            if self.refuted is not None:
                return Advance(step + 1, self.measures(), Status.CONSTANT_REFUTED)
        return Advance(count, self.measures())

    def _observe(self, points: Floats, values: Floats) -> None:
        """Note the steepest pair of points that follow one another, in units of the constants."""
        d = np.abs(np.diff(points, axis=0))
        slack = 2.0 * self.constants.margin + 16.0 * EPS * float(np.abs(values).max())
        allowed = _reaches(d, self.constants)
        with np.errstate(all="ignore"):
            ratio = (np.abs(np.diff(values)) - slack) / allowed
        if len(ratio) and ratio.max() > self._steepest:
            i = int(ratio.argmax())
            self._steepest, self._pair = float(ratio[i]), points[i : i + 2].copy()

    def undo(self) -> None:
        """Nothing is half done when an interruption comes."""

    def finish(self) -> Floats | None:
        """Nothing is left to do, and nothing to object to."""
        return None

    @property
    def lower_bound(self) -> float:
        """What f is at least, if the constant is right."""
        least = self._least if self.done == self.total else min(self._least, self._everywhere)
        return min(least, self.best.fun)

    @property
    def refuted(self) -> Floats | None:
        """The points that show that the constant is too small, if there are some."""
        return self._pair if self._steepest > 1.0 + 1e-12 else None

    @property
    def lipschitz_observed(self) -> float:
        """The largest slope that neighbours show."""
        if not len(self._pair):
            return 0.0
        d = np.abs(self._pair[1] - self._pair[0])
        return self._steepest * reach(d, self.constants) / float(np.linalg.norm(d))

    def measures(self) -> dict[str, float]:
        """Return what the history records."""
        return {
            "fun": self.best.fun,
            "lower_bound": self.lower_bound,
            "evaluations": self.samples.evaluations,
        }

    def minimizer_boxes(self, least: float) -> Floats:
        """Return the cells whose bound is not above `least`, if all were seen."""
        n = len(self.counts)
        if self.done < self.total:
            return np.empty((0, n, 2))
        points, bounds = (np.concatenate(parts) for parts in zip(*self._low, strict=True))
        c = points[bounds <= least]
        h = 0.5 * (self.samples.box[:, 1] - self.samples.box[:, 0]) / self.counts
        return np.stack([c - h, c + h], axis=-1)

    def record(self) -> dict[str, Any]:
        """Return nothing: box and counts say what the cover is."""
        none = np.empty(0)
        return {"points": none, "values": none, "actions": np.empty(0, dtype=np.int64)}


def centres(box: Floats, counts: list[int], first: int, last: int) -> Floats:
    """Return the centres first .. last - 1."""
    index = np.stack(np.unravel_index(np.arange(first, last), counts), axis=1)
    low, width = box[:, 0], box[:, 1] - box[:, 0]
    return np.asarray(
        np.minimum(low + width * ((2.0 * index + 1.0) / (2.0 * np.array(counts))), box[:, 1])
    )


def reach(d: Floats, constants: Constants) -> float:
    """Return how much f can change over a step d >= 0."""
    return float(_reaches(d[np.newaxis], constants)[0])


def _reaches(d: Floats, constants: Constants) -> Floats:
    if math.isfinite(constants.lipschitz):
        return np.asarray(constants.lipschitz * np.sqrt(np.sum(d * d, axis=1)))
    return np.asarray(d @ constants.slopes)
