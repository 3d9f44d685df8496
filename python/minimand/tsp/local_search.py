"""A run of local search: descents, whose tours are crossed if there is time; then kicks."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from minimand._common.iterate import Advance
from minimand._common.random import Key
from minimand._common.result import Status
from minimand.tsp.eax import Eax
from minimand.tsp.instance import Integers
from minimand.tsp.problem import Problem

_BUDGET = 20_000  # vertices that one call of the descent looks at
_KICKS = 100  # of one iteration
_CROWD = 100  # tours at the most that are crossed
_CROWD_SECONDS = 0.05  # for 1000 cities, in which to cross some; grows with the power 1.5


class LocalSearch:
    """One tour, improved by exchanges of edges and kicked where it does not get better; see `tsp`.

    Kicks lead away from a local optimum slowly: on small problems most of their gain comes within a
    few for each city. When a time limit leaves room, the tour they begin with is therefore the best
    that comes of crossing several local optima, as many as are ready in a part of the time.

    Parameters
    ----------
    kicks_per_city : int or None
        After which to stop.
    begin, time_limit : float
        When the run began, and the seconds it may take, if that is limited.

    Attributes
    ----------
    generations : int
        Kicks done for each vertex.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        kicks_per_city: int | None,
        key: Key,
        kernels: ModuleType,
        threads: int,
        begin: float = 0.0,
        time_limit: float | None = None,
    ) -> None:
        self._problem, self._key = problem, key
        self._kernels, self._threads = kernels, threads
        self._tour = problem.start.copy()
        self._pending = np.ones((1, problem.size), dtype=np.uint8)
        self._left = problem.size
        self._kicks, self._limit = 0, None
        if kicks_per_city is not None:
            self._limit = kicks_per_city * problem.size
        self._length = problem.instance.length(problem.tour(self._tour))
        self._crowd: Eax | None = None
        if time_limit is not None and time_limit > _CROWD_SECONDS * (problem.size / 1000) ** 1.5:
            self._crowd = Eax(
                problem,
                population=_CROWD,
                generations=None,
                key=key,
                kernels=kernels,
                threads=threads,
                deadline=begin + time_limit,
            )

    @property
    def generations(self) -> int:
        """Kicks done for each vertex."""
        return self._kicks // self._problem.size

    def advance(self, count: int) -> Advance:
        """Look at some vertices, or do at most `count` times 100 kicks."""
        problem = self._problem
        if self._crowd is not None:
            step = self._crowd.advance(count)
            self._tour = self._crowd.best_vertices()
            if step.status is not None:
                self._crowd = None
            return Advance(step.iterations, step.measures)
        if self._left:
            self._left = self._kernels.descend(
                *problem.ways, problem.close, self._tour.reshape(1, -1), self._pending, _BUDGET, 1
            )
            gained = True
            count = 1
        else:
            # `count` comes from what the iterations before took, which may have been others.
            kicks = min(_KICKS * count, _KICKS + self._kicks // 16)
            if self._limit is not None:
                kicks = min(kicks, self._limit - self._kicks)
            gained = (
                self._kernels.kick(
                    *problem.ways, problem.close, self._tour, self._key, self._kicks, kicks
                )
                > 0
            )
            self._kicks += kicks
        if gained:
            self._length = problem.instance.length(self.best())
        measures = {"generation": self.generations, "best": self._length, "mean": self._length}
        done = not self._left and self._limit is not None and self._kicks >= self._limit
        return Advance(count, measures | {"spread": 1}, Status.CONVERGED if done else None)

    @property
    def stopped_by(self) -> str:
        """Why the run ended by itself."""
        return "generations"

    def best(self) -> Integers:
        """Return the shortest tour so far."""
        return self._problem.tour(self._tour)
