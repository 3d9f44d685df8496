"""How a problem was solved: a plan, a proof that there is none, or neither."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import Outcome
from minimand._common.result import Certificate, Status
from minimand.rendezvous.bounds import Bounds, lengths
from minimand.rendezvous.certificates import Found, impossible
from minimand.rendezvous.motion import Dual, Motion, dual_of
from minimand.rendezvous.sweeps import adjoint
from minimand.rendezvous.system import System


@dataclass(frozen=True, slots=True)
class Proof:
    """No meeting is possible: all inputs together do not reach as far as `direction` shows."""

    direction: Floats
    certificates: tuple[Certificate, ...]
    needed: float = 0.0  # by what factor all bounds would have to grow, at least

    @property
    def holds(self) -> bool:
        """Whether it proves it."""
        return all(certificate.holds for certificate in self.certificates)


@dataclass(slots=True)
class Solution:
    """What a solver found.

    Attributes
    ----------
    status, outcome
        How it ended.
    motion, dual, found
        The plan, what bounds it from below, and the numbers of both; None where there is no plan.
    proof
        That no meeting is possible.
    bounded
        Whether free inputs would meet.
    gain
        Power of two in which a boundary problem was solved.
    method, condition
        As in the result.
    """

    status: Status
    method: str
    condition: float
    motion: Motion | None = None
    dual: Dual | None = None
    found: Found | None = None
    proof: Proof | None = None
    gain: int = 0
    bounded: bool = False
    outcome: Outcome = field(default_factory=lambda: Outcome(Status.CONVERGED, 0, (), 0.0))


def prove(system: System, kernels: ModuleType, direction: Floats, bounds: Bounds) -> Proof:
    """Look whether `direction` separates what inputs reach from the place of the meeting.

    `bounds` are those of the solver's inputs, None for a free body.
    """
    largest = np.abs(direction).max(initial=0.0)
    if not (largest > 0 and np.isfinite(largest)):
        return Proof(direction, impossible(np.inf, None))
    direction = np.ldexp(direction, -int(np.frexp(largest)[1]))
    dual = dual_of(system, kernels, direction)
    support = 0.0
    influence: float | None = None
    for k, bound in enumerate(bounds):
        if bound is None:
            influence = max(influence or 0.0, _influence(system, kernels, k, direction, dual.y[k]))
        else:
            support += float(np.sum(bound * lengths(dual.y[k], system.norm)))
    reach = support + dual.rounding
    separation = reach / dual.pull if dual.pull > 0 else np.inf
    needed = dual.pull / support if support > 0 else np.inf
    return Proof(direction, impossible(separation, influence), needed)


def _influence(system: System, kernels: ModuleType, k: int, direction: Floats, y: Floats) -> float:
    """Return the largest |B'mu| along the sweep of a direction, relative to |B| and the mu so far.

    Rounding of mu is relative to what mu has been, not to what is left of it.
    """
    body = system.bodies[k]
    n = len(body.A)
    path, _ = adjoint(kernels, replace(body, B=np.eye(n)), direction, len(y))  # mu[t + 1]
    largest = np.abs(path).max(axis=1)
    largest[-1] = np.abs(body.E).sum(axis=0).max() * np.abs(direction).max()
    largest = np.maximum.accumulate(largest[::-1])[::-1]
    size = np.abs(body.B).max(axis=0)
    ratio = np.abs(y) / np.where(size > 0, size, 1.0)
    terms = largest[:, np.newaxis]
    return float(np.divide(ratio, terms, out=np.zeros_like(ratio), where=terms > 0).max())
