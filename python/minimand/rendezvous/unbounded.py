"""Free inputs: the plan of least energy in closed form, or as a boundary problem."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.result import Status
from minimand.rendezvous.boundary import Boundary, Path
from minimand.rendezvous.certificates import ENERGY_GAP, Found, plan_certificates
from minimand.rendezvous.motion import (
    EPS,
    Dual,
    dual_of,
    energy_found,
    follow,
    move,
)
from minimand.rendezvous.reach import Reach
from minimand.rendezvous.solution import Solution, prove
from minimand.rendezvous.system import System

_REFINEMENTS = 3
_ENOUGH = 8 * EPS  # of a relative mismatch: nothing is left to refine
_ENOUGH_A_STEP = EPS / 16


def solve_free(system: System, kernels: ModuleType, reach: Reach) -> Solution:
    """Return the plan of least energy: in closed form if that can be certified."""
    closed = _closed(system, kernels, reach) if reach.finite else None
    if closed is not None and closed.status is not Status.NOT_CERTIFIED:
        return closed
    other = solve_boundary(system, kernels)
    if other.status is Status.NOT_CERTIFIED and closed is not None and closed.found is not None:
        worse = other.found is None or other.found.meeting > closed.found.meeting
        return closed if worse else other
    return other


def _closed(system: System, kernels: ModuleType, reach: Reach) -> Solution:
    if np.isinf(reach.energy):
        proof = prove(system, kernels, reach.direction, (None, None))
        status = Status.INFEASIBLE if proof.holds else Status.NOT_CERTIFIED
        return Solution(status, "gramian", reach.condition, proof=proof)
    multiplier, best = reach.multiplier, None
    enough = _ENOUGH + _ENOUGH_A_STEP * system.steps
    for _ in range(_REFINEMENTS):
        dual = dual_of(system, kernels, multiplier)
        motion = move(system, kernels, dual.y)
        if best is not None and not motion.share < best[0].share:
            break
        best = motion, dual
        if motion.share <= enough:
            break
        multiplier = multiplier + reach.correction(-system.in_units(motion.mismatch))
    assert best is not None
    motion, dual = best
    found = energy_found(motion, dual)
    return Solution(status_of(found, ENERGY_GAP), "gramian", reach.condition, motion, dual, found)


def status_of(found: Found, tol: float) -> Status:
    """Return whether all certificates hold."""
    certificates = plan_certificates(found, tol)
    holds = all(certificate.holds for certificate in certificates)
    return Status.CONVERGED if holds else Status.NOT_CERTIFIED


def solve_boundary(system: System, kernels: ModuleType) -> Solution:
    """Return the plan of least energy from the boundary problem."""
    with np.errstate(all="ignore"):  # what overflows is not certified
        problem = Boundary(system, kernels)
        paths = problem.solve()
        if paths is None:
            proof = prove(system, kernels, problem.direction, (None, None))
            status = Status.INFEASIBLE if proof.holds else Status.NOT_CERTIFIED
            return Solution(status, "boundary", np.nan, proof=proof)
        solution = _of_paths(system, kernels, paths, problem.multiplier[:, 0])
        gain = gain_of(paths)
        if abs(gain) > 4 and solution.found.resolution > ENERGY_GAP:  # type: ignore[union-attr]
            problem = Boundary(system, kernels, gain=gain)
            paths = problem.solve()
            if paths is not None:
                other = _of_paths(system, kernels, paths, problem.multiplier[:, 0], gain)
                return min(solution, other, key=_quality)
    return solution


def _of_paths(
    system: System,
    kernels: ModuleType,
    paths: tuple[Path, Path],
    multiplier: Floats,
    gain: int = 0,
) -> Solution:
    dual = dual_of_paths(system, paths, multiplier)
    first, second = paths
    motion = follow(system, kernels, dual.y, (first.x[..., 0], second.x[..., 0]))
    found = energy_found(motion, dual)
    status = status_of(found, ENERGY_GAP)
    return Solution(status, "boundary", np.nan, motion, dual, found, gain=gain)


def _quality(solution: Solution) -> tuple[bool, float]:
    found = solution.found
    assert found is not None
    return solution.status is not Status.CONVERGED, abs(found.gap) + found.resolution


def gain_of(paths: tuple[Path, Path]) -> int:
    """Return the power of two by which multipliers are larger than states."""
    mu, x = (
        _exponent([path.mu[..., 0] for path in paths]),
        _exponent([path.x[..., 0] for path in paths]),
    )
    return mu - x


def _exponent(arrays: list[Floats]) -> int:
    largest = max(float(np.abs(array).max()) for array in arrays)
    return int(np.frexp(largest)[1]) if np.isfinite(largest) and largest > 0 else 0


def dual_of_paths(system: System, paths: tuple[Path, Path], multiplier: Floats) -> Dual:
    """Return what the multipliers of all steps say, mu[t] = A'mu[t+1] up to rounding.

    With a residual r[t] = mu[t] - A'mu[t+1] the dual changes by 2 r[t]'x[t] for a plan with states
    x; `rounding` allows for that along a thousand times the states of this one.
    """
    costates, y = [], []
    pull = rounding = 0.0
    for body, path in zip(system.bodies, paths, strict=True):
        mu = path.mu[..., 0].copy()
        mu[-1] = body.E.T @ multiplier
        mu[0] = body.A.T @ mu[1]
        residual = np.abs(mu[1:-1] - mu[2:] @ body.A)
        rounding += 1e3 * float(np.sum(residual * np.abs(path.x[1:-1, :, 0])))
        rounding += EPS * (64 + system.steps) * float(np.abs(mu[0]) @ np.abs(body.start))
        pull -= float(mu[0] @ body.start)
        costates.append(mu)
        y.append(mu[1:] @ body.B)
    return Dual(multiplier, (y[0], y[1]), pull, rounding, (costates[0], costates[1]))
