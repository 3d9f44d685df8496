"""Bounds on the thrust: Newton's method on the dual, in as many dimensions as there are conditions.

The inputs of least energy without bounds are F eta with F'F = I, from the Gramian or from the
boundary problem; with bounds they are F eta, cut.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import Advance, drive
from minimand._common.result import Status
from minimand.rendezvous.bounds import conjugate, thrust_of
from minimand.rendezvous.certificates import ENERGY_GAP, Found
from minimand.rendezvous.coordinates import Coordinates
from minimand.rendezvous.motion import ENOUGH, Dual, Motion
from minimand.rendezvous.solution import Solution, prove
from minimand.rendezvous.system import System
from minimand.rendezvous.unbounded import status_of

_TOL = 1e-13  # of what is missing to the meeting, in coordinates
_DAMPING = 1e-4
_POLISH = 4


class Newton:
    """The state of the iteration, on arrays that the kernel works on."""

    def __init__(
        self,
        coordinates: Coordinates,
        bounds: Floats,
        free: Floats,
        kernels: ModuleType,
        threads: int,
    ) -> None:
        self.coordinates, self.bounds, self.free = coordinates, bounds, free
        self.kernels, self.threads = kernels, threads
        rows = len(coordinates.F)
        self.eta = coordinates.d.copy()
        self.y, self.w = np.empty(rows), np.empty(rows)
        self.report = np.array([0.0, 0.0, 0.0, 0.0, 0.0, _DAMPING, np.inf])

    def advance(self, count: int) -> Advance:
        """Do up to `count` steps."""
        c = self.coordinates
        done = self.kernels.dual_newton_steps(
            c.F, c.first, c.m1, c.m2, self.bounds, c.d, self.free, _TOL, count, self.eta, self.y,
            self.w, self.report, self.threads,
        )  # fmt: skip
        reasons = {1: Status.CONVERGED, 2: Status.INFEASIBLE, 3: Status.NOT_CERTIFIED}
        measures = {"dual": float(self.report[0]), "missing": float(self.report[1])}
        return Advance(int(done), measures, reasons.get(int(self.report[4])))

    def correct(self, missing: Floats) -> None:
        """Move inputs that are not at their bounds so that `missing` is made up for."""
        c = self.coordinates
        self.kernels.correct_inputs(
            c.F, c.first, c.m1, c.m2, self.bounds, missing, self.y, self.w, self.threads
        )


def solve_bounded(
    system: System,
    kernels: ModuleType,
    coordinates: Coordinates,
    max_iterations: int,
    threads: int,
) -> Solution:
    """Return the plan of least energy within bounds, or the proof that there is none."""
    bounds = system.bounds
    state = Newton(
        coordinates, coordinates.flat_bounds(bounds), coordinates.free_directions(bounds), kernels,
        threads,
    )  # fmt: skip
    outcome = drive(state.advance, max_iterations=max_iterations)
    solution = Solution(
        outcome.status, coordinates.method, coordinates.condition, bounded=True, outcome=outcome
    )
    if outcome.status is Status.INFEASIBLE:
        direction = coordinates.to_multiplier(state.eta)
        solution.proof = prove(system, kernels, direction, bounds)
        if not solution.proof.holds:
            solution.status = Status.NOT_CERTIFIED
        return solution
    motion, dual = _polish(state, system)
    lower = 2 * dual.pull - conjugate(dual.y, bounds, system.norm)
    thrust = thrust_of((motion.u, motion.v), system.limits, system.norm)
    found = Found(motion.share, motion.dynamics, motion.energy, lower, 2 * dual.rounding, thrust)
    solution.motion, solution.dual, solution.found = motion, dual, found
    certified = status_of(found, ENERGY_GAP)
    if outcome.status is not Status.MAX_ITERATIONS or certified is Status.CONVERGED:
        solution.status = certified
    return solution


def _polish(state: Newton, system: System) -> tuple[Motion, Dual]:
    """Simulate, and correct the inputs for what rounding leaves of the mismatch."""
    c = state.coordinates
    dual = c.dual(state.eta)
    best: Motion | None = None
    for _ in range(_POLISH):
        motion = c.motion(state.w)
        if best is not None and not motion.error < best.error:
            break
        best = motion
        if motion.error <= ENOUGH:
            break
        state.correct(c.missing(-system.in_units(motion.mismatch)))
    assert best is not None
    return best, dual
