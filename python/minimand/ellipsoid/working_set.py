"""Few points decide: an interior-point method on them, and passes that look for violators.

A round solves the problem for a working set, and looks at all points through the ellipsoid found.
With omega the largest squared distance, weights u on the working set prove

    gap = d/2 log(omega / d)

for the whole cloud: the ellipsoid scaled by sqrt(omega / d) holds all points, and weights that are
feasible for some points are feasible for all. The farthest points join the set, those without
weight leave it; log det grows with every round, so no set comes twice.

P. Kumar, E. A. Yildirim, J. Optim. Theory Appl. 126 (2005) 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.iterate import Advance, interruptible
from minimand._common.result import Status
from minimand.ellipsoid.cloud import Cloud, Frame
from minimand.ellipsoid.selection import reduced, spread_out

Rows = NDArray[np.int64]

MAX_ROUNDS = 100
_ALL = 400  # points, or 4 d, that one round takes together
_JOIN = 40  # points, or 4 d, may join the set
_POOL = 8  # times as many violators are looked at
_SPARE = 100  # points beyond twice what a core set needs, before the set is reduced to one
_MIX = 0.2  # share of equal weights in a warm start
_MAX_STEPS = 60
_CHUNK_WORK = 5e8  # multiply-adds of interior-point steps between two chances for Ctrl-C
_INNER = 1e-11  # gap on the working set
_SINGULAR = 1e-10  # reciprocal condition of a set that does not span the space
_IDLE, _INSIDE = 1e-8, 0.95  # leaves the set: a weight below, and a distance below that share of d

# Places in the report of the interior-point kernel
_BEST, _OUTCOME = 2, 4


@dataclass(frozen=True, slots=True)
class Weighted:
    """The ellipsoid that weights define: ||local y + offset||^2 <= d, local lower triangular.

    With c = sum u_i y_i and S = sum u_i (y_i - c)(y_i - c)' = L L': local = L^-1, offset = -L^-1 c.
    """

    center: Floats
    factor: Floats
    local: Floats
    offset: Floats

    def rounded(self, y: Floats) -> Floats:
        """Return points of the frame in the metric of the ellipsoid, where it is a ball."""
        return np.asarray(y @ self.local.T + self.offset)

    def distances(self, y: Floats) -> Floats:
        """Return the squared distances of points of the frame."""
        z = self.rounded(y)
        return np.asarray((z * z).sum(axis=1))


class WorkingSet:
    """The rows of the set, their weights, and what the last pass over all points found.

    Attributes
    ----------
    rows, y, weights
        The set: rows of the cloud, its points in the frame, their weights.
    found
        The ellipsoid of the weights.
    gap
        What the last pass proved for the whole cloud.
    steps
        Of the interior-point method so far.
    """

    def __init__(self, cloud: Cloud, frame: Frame, tol: float) -> None:
        self.cloud = cloud
        self.frame = frame
        self.tol = tol
        self.found: Weighted
        self.gap = math.inf
        self.steps = 0
        m, d = cloud.points.shape
        self._join = max(_JOIN, 4 * d)
        self._inner = max(min(0.1 * tol, _INNER), 1e-14 * (d + 1))
        if m <= max(_ALL, 4 * d):
            self._take(np.arange(m))
        else:
            extreme = cloud.extremes(frame.center, frame.transform)
            far, _ = cloud.farthest(frame.center, frame.transform, np.zeros(d), self._join)
            self._take(np.unique(np.concatenate([extreme, far])))
            if self._is_singular():
                self._take(np.union1d(self.rows, self._spanning()))
        self.weights = np.full(len(self.rows), 1.0 / len(self.rows))

    def advance(self, _count: int) -> Advance:
        """Do one round."""
        d = self.cloud.dimension
        self.weights = self.solve(self.y, self.weights)
        self.found = found = self.weighted(self.y, self.weights)
        far, distances = self.cloud.farthest(
            self.frame.center, found.local @ self.frame.transform, found.offset, _POOL * self._join
        )
        self.gap = excess(distances[0], d)
        measures = {"gap": self.gap, "working_set": len(self.rows), "steps": self.steps}
        if self.gap <= 0.5 * self.tol:  # half, because the rounding of the answer adds to it
            return Advance(1, measures, Status.CONVERGED)
        inside = found.distances(self.y)
        joining = far[(distances > inside.max()) & ~np.isin(far, self.rows)]
        if not joining.size:
            return Advance(1, measures, Status.NOT_CERTIFIED)
        joining = joining[spread_out(found.rounded(self._in_frame(joining)), self._join)]
        if len(self.rows) > d * (d + 3) + _SPARE:
            self.weights = reduced(found.rounded(self.y), self.weights)
            stay = self.weights > 0
        else:
            stay = (self.weights >= _IDLE) | (inside > _INSIDE * d)
        weights = np.concatenate([self.weights[stay], np.zeros(len(joining))])
        self._take(np.concatenate([self.rows[stay], joining]))
        self.weights = (1.0 - _MIX) * weights / weights.sum() + _MIX / len(weights)
        return Advance(1, measures)

    def solve(self, y: Floats, start: Floats) -> Floats:
        """Return the best weights for points in the frame, from positive ones."""
        k, D = len(y), y.shape[1] + 1
        q = np.ones((k, D))
        q[:, :-1] = y
        weights, slack, best, report = start.copy(), np.empty(k), start.copy(), np.empty(5)
        kernels, work = self.cloud.kernels, k * k * (k / 6 + D / 2)
        kernels.interior_point_start(q, weights, slack, report)
        steps, chunk = 0, max(1, int(_CHUNK_WORK / work))
        while report[_OUTCOME] == 0 and steps < _MAX_STEPS:
            count = min(chunk, _MAX_STEPS - steps)
            steps += interruptible(
                work, kernels.interior_point_steps, q, weights, slack, best, report, self._inner,
                count, self.cloud.threads,
            )  # fmt: skip
        self.steps += steps
        return best

    def weighted(self, y: Floats, weights: Floats) -> Weighted:
        """Return the ellipsoid of the weights."""
        center = weights @ y
        apart = y - center
        covariance = (apart * weights[:, np.newaxis]).T @ apart
        factor = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
        local = np.eye(len(center))
        self.cloud.linear.solve_triangular(factor, local, True, False, 1)
        return Weighted(center, factor, local, -local @ center)

    def _take(self, rows: Rows) -> None:
        self.rows = rows
        self.y = self._in_frame(rows)

    def _in_frame(self, rows: Rows) -> Floats:
        points = self.cloud.points[rows] - self.frame.center
        return np.ascontiguousarray(points @ self.frame.transform.T)

    def _is_singular(self) -> bool:
        """Whether the set does not span the space, as when few points are extreme everywhere."""
        singular = np.linalg.svd(self.y - self.y.mean(axis=0), compute_uv=False)
        return bool(len(self.y) <= len(singular) or singular[-1] < _SINGULAR * singular[0])

    def _spanning(self) -> Rows:
        """Return at most 2 d rows that span the space (Kumar and Yildirim, lemma 3.1).

        Each direction is orthogonal to all differences so far; its two ends give the next one.
        """
        d = self.cloud.dimension
        rows: list[int] = []
        found = np.empty((0, d))
        for _ in range(d):
            direction = (
                np.linalg.svd(found, full_matrices=True)[2][-1:] if len(found) else np.eye(1, d)
            )
            ends = self.cloud.extremes(self.frame.center, direction @ self.frame.transform)
            rows += ends.tolist()
            difference = self.cloud.points[ends[1]] - self.cloud.points[ends[0]]
            found = np.vstack([found, self.frame.transform @ difference])
        return np.unique(np.array(rows, dtype=np.int64))


def excess(largest: float, d: int) -> float:
    """Return d/2 log(largest / d), the gap that a largest squared distance proves."""
    return max(0.0, 0.5 * d * math.log(largest / d))
