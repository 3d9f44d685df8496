"""The Held-Karp bound: potentials that make the minimum one-tree as long as possible.

The ascent runs on a sparse graph, which proves nothing. What counts is the one-tree of the
complete graph under the best potentials, by Prim's algorithm; its edges, and the nearest vertices
under these potentials, then join the graph, and the ascent goes on.
"""

from __future__ import annotations

import math
import time
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minimand.tsp.closed_form import ClosedForm
from minimand.tsp.instance import Integers

_NEAREST = 6  # neighbours of a vertex at the start, and one less later
_ALL_PAIRS = 20_000  # vertices up to which neighbours are sought among all vertices again
_ARCS_OF_A_CALL = 1 << 21  # looked at in a kernel call: some 30 ms
_PAIRS_OF_A_CALL = 1 << 23
_ROUNDS = 12

# Steps, first step in mean edges of the one-tree, and the share of it that is left at the end.
_START = ((100, 1.0, 0.1), (400, 0.3, 0.003), (200, 0.03, 0.01))
_AGAIN = ((100, 3.0, 0.1), (300, 0.6, 0.003), (150, 0.02, 0.01))
NOTHING = -(2**62)  # weight of a bound that is not there
_WORTH = 2e-4  # relative growth of the bound in a round that makes another one worth while


class OneTreeBound(NamedTuple):
    """Potentials (n,) of the closed form, and the weight that they prove."""

    weight: int
    potentials: Integers
    steps: int


class OneTree:
    """The state of the ascent.

    Parameters
    ----------
    form : ClosedForm
        What the bound is for.
    kernels, threads
        As everywhere.
    tour : ndarray, optional
        A closed tour of all vertices; its edges join the graph.
    """

    def __init__(
        self, form: ClosedForm, kernels: ModuleType, threads: int, tour: Integers | None = None
    ) -> None:
        self.form, self.kernels, self.threads = form, kernels, threads
        self.best = np.zeros(form.n, dtype=np.int64)
        self.weight = NOTHING
        self.steps = 0
        self._dense_seconds = 0.0
        self._looked_around = False
        self._keys: Integers = np.empty(0, dtype=np.int64)
        self._add(form.fixed[:, 0], form.fixed[:, 1])
        if tour is not None:
            self._add(tour, np.roll(tour, -1))
        if not form.instance.closed:  # any city may be an end
            cities = np.arange(form.instance.N)
            self._add(cities, np.full(len(cities), form.root))

    def run(self, target: int | None = None, deadline: float = math.inf) -> OneTreeBound:
        """Ascend until the bound reaches `target` or grows no longer, or until the deadline.

        Without time for a single evaluation of the complete graph the weight is `NOTHING`.
        """
        if math.isfinite(deadline):  # whatever comes, there is a bound
            self.evaluate(self.best, deadline)
        self._add_nearest(self.best, _NEAREST, deadline)
        if time.perf_counter() >= deadline:
            return self._found()
        if self.weight == NOTHING:
            self.evaluate(self.best, deadline)
        mean = max(1.0, self.weight / self.form.n)
        for plan in (_START, *_ROUNDS * (_AGAIN,)):
            before = self.weight
            for steps, first, last in plan:
                if time.perf_counter() + self._dense_seconds >= deadline:
                    return self._found()
                optimal = self._ascend(steps, first * mean, last, deadline)
                if optimal or (target is not None and self.weight >= target):
                    return self._found()
            if plan is _AGAIN and self.weight - before <= _WORTH * abs(self.weight):
                break
        return self._found()

    def _found(self) -> OneTreeBound:
        return OneTreeBound(self.weight, self.best, self.steps)

    def _ascend(self, steps: int, first: float, last: float, deadline: float) -> bool:
        """Ascend on the sparse graph, evaluate on the complete one; return whether it is a tour."""
        form = self.form
        offsets, ends, costs = self._graph()
        pi, h, best = self.best.copy(), np.zeros(form.n, dtype=np.int64), self.best.copy()
        step, state = np.array([first]), np.array([NOTHING, 0, 0], dtype=np.int64)
        decay = math.exp(math.log(last) / max(1, steps - 1))
        chunk = max(1, _ARCS_OF_A_CALL // len(ends))
        while steps > 0 and not state[2]:
            self.kernels.ascent(
                offsets, ends, costs, form.root, form.limit, decay,
                pi, h, best, step, state, min(chunk, steps),
            )  # fmt: skip
            steps -= chunk
            if time.perf_counter() + 1.2 * self._dense_seconds >= deadline:
                break
        self.steps += int(state[1])
        sparse = int(state[0]) + form.fixed_offset
        exact = self.evaluate(best, deadline)
        if exact < sparse:
            self._add_nearest(best, _NEAREST - 1, deadline)
        return bool(state[2]) and exact == sparse

    def evaluate(self, pi: Integers, deadline: float = math.inf) -> int:
        """Return the weight that `pi` proves on the complete graph; keep the edges of its tree.

        `NOTHING` if the deadline passes before.
        """
        form, n = self.form, self.form.n
        begin = time.perf_counter()
        key, parent = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int32)
        state = np.zeros(5, dtype=np.int64)
        steps = max(1, _PAIRS_OF_A_CALL // n)
        while state[0] < n:
            self.kernels.prim_dense(*form.ways, pi, form.root, key, parent, state, steps)
            if state[0] < n and time.perf_counter() >= deadline:
                return NOTHING
        self._dense_seconds = time.perf_counter() - begin
        weight = int(state[2]) - 2 * int(pi.sum()) + form.fixed_offset
        child = np.flatnonzero(parent >= 0)
        self._add(child, parent[child])
        self._add(np.full(2, form.root), state[3:5])
        if weight > self.weight:
            self.weight, self.best = weight, pi.copy()
        return weight

    def _add_nearest(self, pi: Integers, count: int, deadline: float) -> None:
        """Add the vertices of least reduced weight; of very many vertices the nearest, once."""
        form, n = self.form, self.form.n
        count = min(count, n - 1)
        if n <= _ALL_PAIRS:
            near = np.empty((n, count), dtype=np.int32)
            rows = max(1, _PAIRS_OF_A_CALL // n)
            for begin in range(0, n, rows):
                if time.perf_counter() >= deadline:
                    return
                end = min(n, begin + rows)
                self.kernels.nearest_reduced(
                    *form.ways, pi, begin, end, near[begin:end], self.threads
                )
        elif not self._looked_around:
            self._looked_around = True
            near = np.empty((form.instance.N, count), dtype=np.int32)
            self.kernels.nearest(*form.ways[:4], 0, near, self.threads)
        else:
            return
        self._add(np.repeat(np.arange(len(near)), count), near.ravel())

    def _add(self, i: Integers, j: NDArray[np.integer]) -> None:
        i, j, n = i.astype(np.int64), j.astype(np.int64), self.form.n
        self._keys = np.unique(np.concatenate([self._keys, i * n + j, j * n + i]))

    def _graph(self) -> tuple[Integers, NDArray[np.int32], Integers]:
        form, n = self.form, self.form.n
        i, j = np.divmod(self._keys, n)
        costs = form.weights(i, j)
        fixed = np.concatenate([form.fixed, form.fixed[:, ::-1]])
        costs[np.isin(self._keys, fixed[:, 0] * n + fixed[:, 1])] = -form.penalty * form.unit
        offsets = np.searchsorted(i, np.arange(n + 1)).astype(np.int64)
        return offsets, j.astype(np.int32), costs
