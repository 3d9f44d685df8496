"""A run of the classic genetic algorithm."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from minimand._common.iterate import Advance
from minimand._common.random import Key
from minimand._common.result import Status
from minimand.tsp.instance import Instance, Integers
from minimand.tsp.problem import length_table

_MIGRATION = 50  # generations between two visits of islands


class Genetic:
    """Populations of tours that mate, mutate and are selected; see `tsp`.

    Attributes
    ----------
    generations : int
        Generations done.
    """

    def __init__(
        self,
        instance: Instance,
        *,
        population: int,
        generations: int,
        mutation_rate: float,
        crossover: str,
        islands: int,
        key: Key,
        kernels: ModuleType,
        threads: int,
    ) -> None:
        self.instance, self.generations = instance, 0
        self._limit, self._key, self._kernels, self._threads = generations, key, kernels, threads
        N, n = instance.N, population
        start, end = instance.start, instance.end
        low, high = int(start is not None and not instance.closed), N - int(end is not None)
        mutants = max(1, round(mutation_rate * n)) if mutation_rate > 0 else 0
        swaps = max(1, round(mutation_rate * N)) if mutation_rate > 0 else 0
        self._rules = (instance.closed, crossover == "ox_linear", low, high)
        self._rates = (min(mutants, n), swaps, _MIGRATION)
        scale = 1.0 if instance.metric == "precomputed" else instance.scale
        self._ways = (instance.scaled_points, length_table(instance), instance.code, scale)

        self._population = np.empty((2 * n * islands, N), dtype=np.int32)
        random = np.random.Generator(np.random.Philox(key=key))
        middle = [city for city in range(N) if (city != start or not low) and city != end]
        for row in self._population:
            row[low:high] = random.permutation(np.array(middle, dtype=np.int32))
            row[:low] = start or 0
            row[high:] = end or 0
        self._slots = np.tile(np.arange(2 * n), (islands, 1))
        legs = self._population, np.roll(self._population, -1, axis=1)
        cut = N if instance.closed else N - 1
        lengths = instance.fixed_point(legs[0][:, :cut], legs[1][:, :cut]).sum(axis=1)
        self._lengths = lengths.reshape(islands, 2 * n)

    def advance(self, count: int) -> Advance:
        """Do at most `count` generations; few at first, since that is when most happens."""
        count = min(count, 1 + self.generations // 4, self._limit - self.generations)
        self._kernels.genetic_steps(
            *self._ways, *self._rules, *self._rates, self._population, self._lengths, self._slots,
            self._key, self.generations, count, self._threads,
        )  # fmt: skip
        self.generations += count
        done = self.generations >= self._limit
        return Advance(count, self._measures(), Status.CONVERGED if done else None)

    @property
    def stopped_by(self) -> str:
        """Why the run ended by itself."""
        return "generations"

    def best(self) -> Integers:
        """Return the shortest tour so far."""
        alive = self._alive()
        island, individual = np.unravel_index(int(alive.argmin()), alive.shape)
        row = int(island) * self._slots.shape[1] + int(self._slots[island, individual])
        tour: Integers = self._population[row].astype(np.int64)
        start = self.instance.start
        if self.instance.closed and start is not None:
            tour = np.roll(tour, -int(np.flatnonzero(tour == start)[0]))
        return tour

    def _alive(self) -> Integers:
        n = self._slots.shape[1] // 2
        return np.asarray(np.take_along_axis(self._lengths, self._slots[:, :n], axis=1))

    def _measures(self) -> dict[str, float]:
        alive, exponent = self._alive(), -self.instance.unit_exponent
        return {
            "generation": self.generations,
            "best": float(np.ldexp(float(alive.min()), exponent)),
            "mean": float(np.ldexp(float(alive.mean()), exponent)),
            "spread": len(np.unique(alive)),
        }
