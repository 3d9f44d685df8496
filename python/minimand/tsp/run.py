"""A run of `tsp`: the bound first, then the search under the common driver, which it may end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Protocol

import numpy as np

from minimand._common.iterate import Advance, Outcome, drive
from minimand._common.result import Certificate, Status
from minimand.tsp.certificate import BoundCertificate
from minimand.tsp.exact import all_subsets, exact
from minimand.tsp.instance import Instance, Integers
from minimand.tsp.lower_bound import lower_bound
from minimand.tsp.result import TSPProgress, certificates

_SHARE = 0.1  # of the time limit that the bound may take
_PROOF_SECONDS = 1e-6  # for each pair of cities: what a proof takes at the least
_OPTIMAL = 1e-9  # relative gap of real lengths that counts as none

_STOPPED = {
    Status.TIME_LIMIT: "time_limit",
    Status.STOPPED_BY_CALLBACK: "callback",
    Status.INTERRUPTED: "interrupt",
}


class Engine(Protocol):
    """What searches; `advance` as the driver wants it."""

    @property
    def generations(self) -> int:
        """Generations done."""

    @property
    def stopped_by(self) -> str:
        """Why it ended by itself."""

    def advance(self, count: int) -> Advance:
        """Work on."""

    def best(self) -> Integers:
        """Return the best tour so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a run found; the fields are those of `TSPResult`."""

    status: Status
    tour: Integers
    length: float
    certificate: BoundCertificate | None
    stopped_by: str
    generations: int = 0
    history: tuple[Mapping[str, float], ...] = ()
    proven_optimal: bool = False

    @property
    def lower_bound(self) -> float:
        """The certified bound, NaN without one."""
        return math.nan if self.certificate is None else self.certificate.lower_bound

    @property
    def gap(self) -> float:
        """(length - lower bound) / length, 0 for a length of 0."""
        return (self.length - self.lower_bound) / self.length if self.length > 0 else 0.0

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """What the result states about itself."""
        return certificates(max(0.0, self.gap), bounded=self.certificate is not None)


class Run:
    """One call of `tsp`.

    Parameters
    ----------
    instance : Instance
        What to solve.
    bound : str or None
        The kind of lower bound.
    begin, time_limit : float
        When the call began, and how many seconds it may take.
    kernels, threads
        As everywhere.
    """

    def __init__(
        self,
        instance: Instance,
        bound: str | None,
        begin: float,
        time_limit: float | None,
        kernels: ModuleType,
        threads: int,
    ) -> None:
        self.instance, self._kind = instance, bound
        self._begin, self._limit = begin, time_limit
        self._kernels, self._threads = kernels, threads

    def solve(
        self,
        engine: Engine,
        *,
        callback: Callable[[TSPProgress], object] | None,
        progress: bool,
    ) -> Found:
        """Bound, search until the engine, a limit or the bound ends it, and assess the tour."""
        try:
            certificate = self._bound(None)
        except KeyboardInterrupt:
            return self._found(engine, Outcome(Status.INTERRUPTED, 0, (), 0.0), None)
        target = self._target(certificate)
        reached = False

        def advance(count: int) -> Advance:
            nonlocal reached
            step = engine.advance(count)
            reached = step.measures["best"] <= target
            if not reached:
                return step
            return Advance(step.iterations, step.measures, Status.CONVERGED)

        def snapshot() -> TSPProgress:
            tour = engine.best()
            return TSPProgress(
                generations=engine.generations,
                seconds=time.perf_counter() - self._begin,
                length=self.instance.length(tour),
                lower_bound=math.nan if certificate is None else certificate.lower_bound,
                tour=tour,
            )

        outcome = drive(
            advance,
            max_iterations=None,
            time_limit=self._left(),
            callback=callback,
            snapshot=snapshot if callback is not None else None,
            progress=progress,
            description="tsp",
            on_interrupt="return",
        )
        found = self._found(engine, outcome, certificate)
        return replace(found, stopped_by="bound") if reached else found

    def solve_directly(self, tour: Sequence[int], reason: str) -> Found:
        """Assess a tour that is known to be the shortest."""
        best = np.array(tour, dtype=np.int64)
        certificate = None if self._kind is None else self._bound(best)
        return Found(
            status=Status.CONVERGED,
            tour=best,
            length=self.instance.length(best),
            certificate=certificate,
            stopped_by=reason,
            proven_optimal=certificate is not None,
        )

    def solve_by_subsets(self) -> Found:
        """Find the shortest tour among all."""
        answer = all_subsets(self.instance, self._kernels)
        return Found(
            status=Status.CONVERGED,
            tour=answer.tour,
            length=self.instance.length(answer.tour),
            certificate=answer.certificate,
            stopped_by="converged",
            proven_optimal=answer.proven,
        )

    def prove(self, found: Found) -> Found:
        """Prove that a tour is optimal, or find one that is."""
        if found.proven_optimal or found.stopped_by == "interrupt":
            return found
        deadline = math.inf if self._limit is None else self._begin + self._limit
        if deadline - time.perf_counter() < _PROOF_SECONDS * self.instance.N**2:
            return found
        try:
            answer = exact(self.instance, found.tour, deadline=deadline)
        except KeyboardInterrupt:
            return replace(found, status=Status.INTERRUPTED, stopped_by="interrupt")
        return replace(
            found,
            status=Status.CONVERGED if answer.proven else Status.TIME_LIMIT,
            tour=answer.tour,
            length=self.instance.length(answer.tour),
            certificate=answer.certificate,
            proven_optimal=answer.proven,
            stopped_by="converged" if answer.proven else "time_limit",
        )

    def _bound(self, tour: Integers | None) -> BoundCertificate | None:
        if self._kind is None:
            return None
        deadline = math.inf
        if self._limit is not None:
            deadline = time.perf_counter() + _SHARE * self._limit
        return lower_bound(
            self.instance,
            self._kind,
            tour=tour,
            deadline=deadline,
            kernels=self._kernels,
            threads=self._threads,
        )[0]

    def _target(self, certificate: BoundCertificate | None) -> float:
        """Return the length that would be proved to be the shortest."""
        if certificate is None:
            return -math.inf
        bound = certificate.lower_bound
        return bound if self.instance.integer else bound / (1.0 - _OPTIMAL)

    def _left(self) -> float | None:
        if self._limit is None:
            return None
        return max(1e-9, self._begin + self._limit - time.perf_counter())

    def _found(
        self, engine: Engine, outcome: Outcome, certificate: BoundCertificate | None
    ) -> Found:
        tour = engine.best()
        length = self.instance.length(tour)
        return Found(
            status=outcome.status,
            tour=tour,
            length=length,
            certificate=certificate,
            stopped_by=_STOPPED.get(outcome.status, engine.stopped_by),
            generations=engine.generations,
            history=outcome.history,
            proven_optimal=length <= self._target(certificate),
        )
