"""Several variables: cells of a box, divided where their bounds are least, or as DIRECT does."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import Advance
from minimand._common.result import Status
from minimand.global_search.incumbent import Incumbent
from minimand.global_search.problem import EPS, Constants
from minimand.global_search.samples import Samples, grown
from minimand.reference.global_search.cells import EXCLUDE, LOW, levels, sides

_MOST_SIZES = 4096  # boxes that DIRECT divides in one iteration
_EPSILON = 1e-4  # DIRECT: promises below |fun| times this do not count


class Boxes:
    """A tree of cells; its leaves cover the box, each with a lower bound of f."""

    def __init__(
        self,
        samples: Samples,
        constants: Constants,
        kernels: ModuleType,
        *,
        tol: float,
        batch: int,
        limit: int,
        polish: bool,
        direct: bool,
    ) -> None:
        self.samples, self.constants, self.kernels = samples, constants, kernels
        self.tol, self.limit, self.polish = tol, limit, polish
        self.direct = direct
        self.box = samples.box
        n, width = len(self.box), self.box[:, 1] - self.box[:, 0]
        finite = np.isfinite(constants.slopes).all()
        self.weights = constants.slopes if finite else np.ones(n)
        if direct:  # DIRECT sees a cube
            self.weights = 1.0 / np.where(width > 0.0, width, 1.0)
        self.best, self._level, self._descend = Incumbent(), -math.inf, False
        self.observed, self.witness = np.zeros(n + 3), np.zeros((n + 3, 2), dtype=np.int64)
        self.counts = np.array([1, 1, 0], dtype=np.int64)
        self.cells = np.empty((0, n), dtype=np.int64)
        self.bound, self.size = np.empty(0), np.empty(0)
        self.point, self.action, self.child, self.heap = (
            np.empty(0, dtype=np.int64) for _ in range(4)
        )
        self.chosen = np.empty(_MOST_SIZES if direct else batch, dtype=np.int64)
        self._reserve(1024)
        # The root
        self.cells[0] = np.where(width > 0.0, 0, LOW)
        self.point[0], self.child[0] = 0, -1
        self._ask(sides(self.box, self.cells[:1])[0], 0)
        self._settled = self.counts[:2].copy()

    def advance(self, count: int) -> Advance:
        """Divide cells, `count` times as many as one call of f takes."""
        cost = 2 * self.samples.per_point
        for done in range(count):
            if self._descend:
                self._descend = False
                self.best.descend(self.samples, self.limit - self.samples.evaluations)
            room = (self.limit - self.samples.evaluations) // cost
            if room < 1:
                return Advance(done, self.measures(), Status.EVALUATION_LIMIT)
            taken = (self._promising if self.direct else self._least)(min(len(self.chosen), room))
            if taken == 0:
                return Advance(done, self.measures(), Status.CONVERGED)
            self._divide(self.chosen[:taken])
            if self.refuted is not None:
                return Advance(done + 1, self.measures(), Status.CONSTANT_REFUTED)
        return Advance(count, self.measures())

    def _least(self, most: int) -> int:
        least = self.best.fun - self.tol + 2.0 * EPS * abs(self.best.fun)
        taken = self.kernels.pop_least(
            self.bound, self.heap, self.counts, least, self.chosen[:most]
        )
        self._level = float(self.bound[self.chosen[0]]) if taken else least
        return int(taken)

    def _promising(self, most: int) -> int:
        """Choose as DIRECT does, unless a constant that is given closes the gap already."""
        if self.constants.of_values and self.best.fun - self.lower_bound <= self.tol:
            return 0
        leaves = self.heap[: self.counts[2]]
        if not len(leaves):
            return 0
        values = self.samples.value[self.point[leaves]]
        taken = self.kernels.hull_select(
            self.size[leaves], values, float(values.min()), _EPSILON, self.chosen[:most]
        )
        chosen = self.chosen[:taken].copy()
        self.chosen[:taken] = leaves[chosen]
        left = np.delete(leaves, chosen)
        self.heap[: len(left)] = left
        self.counts[2] = len(left)
        return int(taken)

    def _divide(self, chosen: Any) -> None:
        first = int(self.counts[0])
        self._reserve(first + 3 * len(chosen))
        n = len(self.box)
        points = np.empty((2 * len(chosen), n))
        new = self.kernels.boxes_divide(
            self.box, self.cells, self.point, self.action, self.child, self.counts, chosen, points
        )
        self._ask(points[:new], first)
        self._settled = self.counts[:2].copy()
        s = self.samples
        # Rounding of f is that of its argument, too.
        scale = s.scale + float(np.abs(self.box).max()) * self.lipschitz_observed
        self.kernels.boxes_observe(
            *(self.box, self.cells, self.point, s.value, s.gradient, s.error, s.hessian),
            *(self.constants.margin, scale, self.action, self.child, chosen),
            *(self.observed, self.witness),
        )

    def _ask(self, points: Floats, first: int) -> None:
        """Ask f at the points of the new nodes, and bound these."""
        values = self.samples.add(points)
        last = int(self.counts[0])
        s = self.samples
        self.kernels.boxes_bound(
            *(self.box, self.cells, self.point, s.value, s.gradient, s.error, s.hessian),
            *(self.constants.slopes, self.constants.vector, self.weights, first, last),
            *(self.bound, self.action, self.heap, self.counts, s.threads),
        )
        if self.direct:
            level = np.where(self.cells[first:last] < 0, 99, levels(self.cells[first:last]))
            # Equal sizes must be equal to the last bit.
            self.size[first:last] = np.sqrt(np.sum(9.0 ** -np.sort(level, axis=1), axis=1))
        if self.best.offer(points, values) and not self.direct:
            self._descend = self.polish

    def undo(self) -> None:
        """Take back a division that was interrupted; the open cells are then not to be used."""
        nodes = int(self._settled[0])
        self.counts[:2] = self._settled
        self.child[:nodes][self.child[:nodes] >= nodes] = -1

    def _reserve(self, size: int) -> None:
        self.samples.reserve(size)
        if size > len(self.point):
            size = max(size, 2 * len(self.point))
            for name in ("cells", "bound", "size", "point", "action", "child", "heap"):
                setattr(self, name, grown(getattr(self, name), size))

    @property
    def leaves(self) -> Any:
        """Nodes that were not divided, without those where no minimiser can be."""
        nodes = int(self.counts[0])
        action = self.action[:nodes]
        excluded = (action > 0) & ((action - 1) % 4 + 1 == EXCLUDE)
        return np.flatnonzero((self.child[:nodes] < 0) & ~excluded)

    @property
    def least_bound(self) -> float:
        """The least bound of the leaves; above the best value if a constant is wrong."""
        return float(self.bound[self.leaves].min(initial=math.inf))

    @property
    def lower_bound(self) -> float:
        """What f is at least, if the constants are right."""
        return min(self.least_bound, self.best.fun)

    @property
    def certified_up_to(self) -> float:
        """The largest Lipschitz constant for which the best value is within tol of the least."""
        leaves = self.leaves
        h = sides(self.box, self.cells[leaves])[1]
        r = np.sqrt(np.sum(h * h, axis=1))
        above = self.samples.value[self.point[leaves]] - self.best.fun
        with np.errstate(divide="ignore"):
            return float(((above - self.constants.margin + self.tol) / r).min())

    @property
    def refuted(self) -> Floats | None:
        """The points that show that a constant is too small, if there are some."""
        c = self.constants
        known = np.array([*c.slopes, c.lipschitz, c.curvature, c.third])
        wrong = self.observed > known * (1.0 + 1e-12)
        if wrong.any():
            return sides(self.box, self.cells[self.witness[int(wrong.argmax())]])[0]
        return None

    def finish(self) -> Floats | None:
        """Go down from the best point of DIRECT; return it if it is below all bounds.

        Only a wrong constant makes it so.
        """
        if self.direct and self.polish:
            self.best.descend(self.samples, self.limit - self.samples.evaluations)
        slack = 2.0 * self.constants.margin + 64.0 * EPS * self.samples.scale
        return self.best.x[np.newaxis] if self.least_bound > self.best.fun + slack else None

    @property
    def lipschitz_observed(self) -> float:
        """The largest slope that the samples prove."""
        return float(self.observed[len(self.box)])

    def measures(self) -> dict[str, float]:
        """Return what the history records."""
        return {
            "fun": self.best.fun,
            "lower_bound": self._level,
            "evaluations": self.samples.evaluations,
        }

    def minimizer_boxes(self, least: float) -> Floats:
        """Return the leaves whose bound is not above `least`."""
        leaves = self.leaves[self.bound[self.leaves] <= least]
        c, h = sides(self.box, self.cells[leaves])
        low, high = np.maximum(c - h, self.box[:, 0]), np.minimum(c + h, self.box[:, 1])
        return np.stack([low, high], axis=-1)

    def record(self) -> dict[str, Any]:
        """Return the tree, generation by generation, as the cover of the result."""
        nodes, generation, order = int(self.counts[0]), np.zeros(1, dtype=np.int64), []
        kind = (self.action[:nodes] - 1) % 4 + 1
        while len(generation):
            order.append(generation)
            parents = generation[self.child[generation] >= 0]
            first = self.child[parents]
            divided = kind[parents] == 1
            # One child, or three side by side.
            children = np.stack([first, first + 1, first + 2], axis=1)
            wanted = np.stack([np.ones_like(divided), divided, divided], axis=1)
            generation = children[wanted]
        tree = np.concatenate(order)
        # Nothing was done with an open leaf.
        done = (self.child[tree] >= 0) | (kind[tree] == EXCLUDE)
        return {
            "points": np.empty(0),
            "values": self.samples.value[self.point[tree]],
            "actions": np.where(done, self.action[tree], 0),
        }
