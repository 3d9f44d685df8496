"""What results of the solvers have in common, in the user's units, and the warnings."""

from __future__ import annotations

import math
import time
import warnings
from types import ModuleType
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import ConditionWarning, ConvergenceWarning
from minimand._common.result import Certificate, Status
from minimand.rendezvous.certificates import impossible
from minimand.rendezvous.curve import energy_curve
from minimand.rendezvous.result import MeetingResult
from minimand.rendezvous.solution import Solution
from minimand.rendezvous.system import System

_ILL = 1e10  # condition from which on the last six digits are in doubt
_DRIFT = 1e-6  # relative miss without correction that is worth a word


def meeting_fields(
    system: System,
    solution: Solution,
    kernels: ModuleType,
    backend: str,
    start: float,
    *,
    degree: int = 2,
) -> dict[str, Any]:
    """Return the fields of a result that do not depend on what is minimised.

    `degree` is 2 if that grows with the square of inputs, 1 if with inputs.
    """
    motion, dual = solution.motion, solution.dual
    less = (2 - degree) * (system.state - system.input)
    costates = None
    if dual is not None and dual.costates is not None:
        exponent = system.state - 2 * system.input - less
        costates = tuple(_frozen(np.ldexp(mu, exponent)) for mu in dual.costates)
    direction, first = None, None
    if solution.proof is not None and motion is None:
        direction = np.ldexp(solution.proof.direction, -system.match)
        first = None if solution.bounded else first_feasible(system, kernels)
    outcome = solution.outcome
    return {
        "status": solution.status,
        "iterations": outcome.iterations,
        "history": outcome.history,
        "backend": backend,
        "u": None if motion is None else motion.u,
        "v": None if motion is None else motion.v,
        "x": None if motion is None else motion.x,
        "z": None if motion is None else motion.z,
        "multiplier": None if dual is None else np.ldexp(dual.multiplier, system.multiplier - less),
        "costates": costates,
        "miss": math.inf if motion is None else motion.miss,
        "open_loop_miss": math.inf if motion is None else motion.open_loop,
        "certificate": direction,
        "first_feasible": first,
        "condition": solution.condition,
        "method": solution.method,
        "seconds": time.perf_counter() - start,
    }


def _frozen(array: Floats) -> Floats:
    array.flags.writeable = False
    return array


def proof_certificates(solution: Solution) -> tuple[Certificate, ...]:
    """Return what proves that there is no plan, or fails to."""
    if solution.proof is not None:
        return solution.proof.certificates
    return impossible(math.inf, None)


def search_length(system: System) -> int:
    """Return the number of steps after which more steps reach no more (Cayley and Hamilton)."""
    return max(len(body.A) for body in system.bodies)


def first_feasible(system: System, kernels: ModuleType) -> int | None:
    """Return the smallest number of steps with which free inputs meet, None if there is none."""
    energy = energy_curve(system, kernels, search_length(system)).energy
    possible = np.flatnonzero(np.isfinite(energy))
    return int(possible[0]) + 1 if possible.size else None


def warn_of_motion(result: MeetingResult, system: System) -> None:
    """Warn of plans that do not exist, are not certified, or are sensitive."""
    T = system.steps
    if result.status is Status.INFEASIBLE:
        knob = (
            f"no T up to {search_length(system)} works, and more steps reach no more: the inputs "
            f"do not control what has to match"
        )
        if result.first_feasible is not None:
            knob = f"the smallest T that works is {result.first_feasible}"
        _say(f"No meeting is possible after T = {T} steps: {knob}", ConvergenceWarning)
    elif not result.status.ok:
        text = f"The plan is not certified: it misses by {result.miss:.3g}"
        if result.x is None:
            text = f"Neither a plan nor a proof that there is none was found for T = {T}"
        knob = "the bodies are too unstable for so many steps in float64"
        if result.status is Status.MAX_ITERATIONS:
            knob = "raise max_iterations"
        _say(f"{text}; {knob}", ConvergenceWarning)
    elif result.condition > _ILL:
        _say(
            f"The conditions of the meeting are nearly dependent (condition {result.condition:.1e})"
            f": about {16 - math.log10(result.condition):.0f} digits are certain",
            ConditionWarning,
        )
    elif result.x is not None and result.z is not None and result.method == "boundary":
        size = max(float(np.abs(result.x).max()), float(np.abs(result.z).max()))
        if not result.open_loop_miss <= _DRIFT * size:
            _say(
                f"The bodies are unstable: applied without correction the inputs miss by "
                f"{result.open_loop_miss:.2g}, since rounding grows; correct towards x and z on "
                f"the way",
                ConditionWarning,
            )


def _say(text: str, category: type[Warning]) -> None:
    warnings.warn(text, category, stacklevel=4)
