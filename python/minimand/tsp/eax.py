"""A run of the genetic algorithm with edge assembly crossover."""

from __future__ import annotations

import math
import time
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from minimand._common.iterate import Advance
from minimand._common.random import Key
from minimand._common.result import Status
from minimand.tsp.instance import Integers
from minimand.tsp.problem import Problem, Vertices

_CHILDREN = 30  # of a pair
_PATIENCE = 1500 // _CHILDREN  # generations without a better best tour, after which a stage may end
_BATCH = 8  # pairs that see the same population
_BUDGET = 20_000  # vertices that one call of a descent looks at
_LARGE = 2000  # cities from which on a smaller population has to do
_POPULATION, _POPULATION_LARGE = 200, 100
_FEWEST = 10  # tours worth crossing, when there is no time for more
_SHARE = 0.25  # of the time, for making tours
_SLOTS = 4  # of the table of edges, for each edge that is there in the beginning


class Eax:
    """A population of local optima whose edges are recombined until all tours are alike; see `tsp`.

    Parameters
    ----------
    population : int, optional
        Tours; by default by the size of the problem.
    deadline : float, optional
        The clock at which the run ends. Of the time until then, making tours takes a quarter, or
        as long as a few of them need; crossing takes the rest.

    Attributes
    ----------
    generations : int
        Generations done.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        population: int | None,
        generations: int | None,
        key: Key,
        kernels: ModuleType,
        threads: int,
        deadline: float | None = None,
    ) -> None:
        self.generations, self.stopped_by = 0, "converged"
        self._problem, self._limit, self._key = problem, generations, key
        self._kernels, self._threads = kernels, threads
        n = problem.size
        self._wanted = population or (_POPULATION if n < _LARGE else _POPULATION_LARGE)
        self._deadline = deadline
        self._until = math.inf

        # Until there are enough local optima, tours are arrays. One more, the greedy one, is good
        # soon: it is the best until the others are ready, and no more.
        self._random = np.random.Generator(np.random.Philox(key=key))
        self._first = problem.start.copy()
        self._first_pending = np.ones((1, n), dtype=np.uint8)
        self._descending = np.empty((0, n), dtype=np.int32)
        self._pending = np.empty((0, n), dtype=np.uint8)
        self._ready: list[Vertices] = []
        self._crossing = False
        self._shortest = 0
        self._stage = _Stage()
        self._pair = 0
        self._best = problem.instance.length(problem.tour(self._first))

    def advance(self, count: int) -> Advance:
        """Descend some tours, or cross at most `count` batches of pairs."""
        if not self._crossing:
            self._descend()
            return Advance(1, self._measures())
        status: Status | None = None
        done = 0
        while done < count and status is None:
            pairs = len(self._links) - self._pair
            last = self._pair + min(pairs, _BATCH * (count - done))
            done += -(-(last - self._pair) // _BATCH)
            self._kernels.eax_pairs(
                *self._problem.ways, self._problem.near, self._links, self._lengths, self._table,
                self._entropy, self._key, self.generations, self._pair, last, _BATCH, _CHILDREN,
                self._stage.block, self._threads,
            )  # fmt: skip
            self._pair = last
            if last == len(self._links):
                self._pair = 0
                self.generations += 1
                status = self._end_of_generation()
        if int(self._lengths.min()) < self._shortest:
            self._shortest = int(self._lengths.min())
            self._best = self._problem.instance.length(self.best())
        return Advance(done, self._measures(), status)

    def best(self) -> Integers:
        """Return the shortest tour so far."""
        return self._problem.tour(self.best_vertices())

    def best_vertices(self) -> Vertices:
        """Return it in the numbers of the problem."""
        if not self._crossing:
            return self._first
        return _order(self._links[int(self._lengths.argmin())])

    def _descend(self) -> None:
        """Take some tours down to local optima; when there are enough, set up what crossing needs.

        A call does a bounded piece of that.
        """
        problem = self._problem
        if self._first_pending.any():
            if self._deadline is not None and math.isinf(self._until):
                now = time.perf_counter()
                self._until = now + _SHARE * (self._deadline - now)
            self._descend_on(self._first.reshape(1, -1), self._first_pending)
            self._best = problem.instance.length(problem.tour(self._first))
            return
        if len(self._descending) == 0:
            count = min(self._threads, self._wanted - len(self._ready))
            self._descending = np.stack([problem.random_tour(self._random) for _ in range(count)])
            self._pending = np.ones(self._descending.shape, dtype=np.uint8)
        if self._descend_on(self._descending, self._pending) == 0:
            self._ready.extend(self._descending)
            self._descending = self._descending[:0]
            late = time.perf_counter() > self._until
            if len(self._ready) >= (min(_FEWEST, self._wanted) if late else self._wanted):
                self._start_crossing(np.array(self._ready))

    def _descend_on(self, tours: Vertices, pending: NDArray[np.uint8]) -> int:
        left: int = self._kernels.descend(
            *self._problem.ways, self._problem.close, tours, pending, _BUDGET, self._threads
        )
        return left

    def _start_crossing(self, tours: Vertices) -> None:
        problem = self._problem
        self._crossing = True
        rows = np.arange(len(tours))[:, np.newaxis]
        self._links = np.empty((len(tours), 2 * problem.size), dtype=np.int32)
        self._links[rows, 2 * tours] = np.roll(tours, 1, axis=1)
        self._links[rows, 2 * tours + 1] = np.roll(tours, -1, axis=1)
        self._lengths = np.array([problem.measure(tour) for tour in tours], dtype=np.int64)
        share = np.arange(1, len(tours) + 2) / len(tours)
        self._entropy = np.concatenate([[0.0], share * np.log(share)])
        slots = 16
        while slots < _SLOTS * problem.size:
            slots *= 2
        self._table = np.zeros(slots, dtype=np.uint64)
        while _SLOTS * self._kernels.count_edges(self._links, self._table) > len(self._table):
            self._table = np.zeros(2 * len(self._table), dtype=np.uint64)
        self._ready.clear()
        self._shortest = int(self._lengths.min())
        self._best = problem.instance.length(self.best())

    def _end_of_generation(self) -> Status | None:
        shortest = int(self._lengths.min())
        if shortest == int(self._lengths.max()):
            return Status.CONVERGED
        if self._stage.is_over(self.generations, shortest):
            if self._stage.block:
                return Status.CONVERGED
            self._stage = _Stage(block=True, begin=self.generations)
        if self._limit is not None and self.generations >= self._limit:
            self.stopped_by = "generations"
            return Status.MAX_ITERATIONS
        return None

    def _measures(self) -> dict[str, float]:
        measures = {"generation": float(self.generations), "best": self._best, "mean": self._best}
        if not self._crossing:
            return measures | {"spread": 1}
        excess = float(self._lengths.mean()) - float(self._lengths.min())
        return measures | {
            "mean": self._best + float(np.ldexp(excess, -self._problem.instance.unit_exponent)),
            "spread": len(np.unique(self._lengths)),
        }


class _Stage:
    """When a stage of a run is over: the best tour did not get better for long enough.

    With G the generation at which it had not for `_PATIENCE` generations, the stage ends once it
    does not for G/10 more.
    """

    def __init__(self, *, block: bool = False, begin: int = 0) -> None:
        self.block = block
        self._begin = self._improved = begin
        self._shortest: int | None = None
        self._extra: int | None = None

    def is_over(self, generation: int, shortest: int) -> bool:
        """Tell after each generation how long the shortest tour is."""
        if self._shortest is None or shortest < self._shortest:
            self._shortest, self._improved = shortest, generation
        if self._extra is None:
            if generation - self._improved < _PATIENCE:
                return False
            self._extra = (generation - self._begin) // 10
            self._improved = generation
        return generation - self._improved >= self._extra


def _order(links: NDArray[np.int32]) -> Vertices:
    """Return the vertices of a closed tour in order."""
    mates: list[int] = links.tolist()
    tour, at = [0], mates[0]
    while at != 0:
        before = tour[-1]
        tour.append(at)
        at = mates[2 * at] if mates[2 * at] != before else mates[2 * at + 1]
    return np.array(tour, dtype=np.int32)
