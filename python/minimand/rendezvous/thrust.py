"""The public function for the smallest thrust with which two bodies can meet."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from types import ModuleType

import numpy as np

from minimand._common.arrays import nonnegative_float, one_of, positive_float, positive_int
from minimand._common.backend import Backend, kernels
from minimand._common.iterate import Advance, drive
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.rendezvous.arguments import NORMS, Weight, as_given
from minimand.rendezvous.bounds import lengths
from minimand.rendezvous.certificates import Found, plan_certificates
from minimand.rendezvous.coordinates import Coordinates, coordinates_of
from minimand.rendezvous.motion import ENOUGH, Dual, Motion
from minimand.rendezvous.reach import Reach
from minimand.rendezvous.report import meeting_fields, proof_certificates, warn_of_motion
from minimand.rendezvous.result import ThrustResult
from minimand.rendezvous.solution import Solution
from minimand.rendezvous.system import System, make_system, passive
from minimand.rendezvous.unbounded import solve_free, status_of

_POLISH = 3


def min_rendezvous_thrust(
    A: object,
    B: object,
    C: object,
    D: object,
    x0: object,
    z0: object,
    T: int,
    *,
    match: object = None,
    norm: str = "inf",
    ratio: float = 1.0,
    tol: float = 1e-10,
    max_iterations: int = 100,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> ThrustResult:
    """Find the smallest bound on the thrust with which two bodies can still meet after T steps.

    Minimises over the inputs of `rendezvous`, subject to E x[T] = E z[T],

        max_t max(|u[t]|, |v[t]| / ratio).

    Parameters
    ----------
    A, B, C, D, x0, z0, T, match
        The bodies, the number of steps, and what has to be equal, as for `rendezvous`.
    norm : {"inf", "2"}
        Whether the bound is one on components or on the length of an input.
    ratio : float
        How much stronger the second body is; 0 where it only drifts.
    tol : float
        The relative gap (bound - lower bound) / bound to reach.
    max_iterations : int
        Limit on Newton's steps.
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    ThrustResult
        The bound, a plan that keeps to it, and a lower bound with the multiplier that proves it.
        `result.verify(A, B, C, D, x0, z0, T, ...)` checks all of it in plain NumPy.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument, and shapes that do not fit each other.

    Notes
    -----
    The dual is a sum of norms in as many dimensions as there are conditions, which a primal-dual
    Newton method minimises (K. D. Andersen, E. Christiansen, A. R. Conn, M. L. Overton, SIAM J.
    Sci. Comput. 22 (2000) 243).

    Examples
    --------
    Two carts, one unit apart: accelerate for one step, drift for one, and brake.

    >>> import minimand
    >>> A, B = [[1, 1], [0, 1]], [[0], [1]]
    >>> thrust = minimand.min_rendezvous_thrust(A, B, A, B, [0, 0], [1, 0], 3)
    >>> round(thrust.bound, 6), thrust.u[[0, 2], 0].round(6)
    (0.25, array([ 0.25, -0.25]))
    """
    # Check
    start = time.perf_counter()
    norm = one_of("norm", norm, NORMS)
    ratio = nonnegative_float("ratio", ratio)
    tol = positive_float("tol", tol)
    max_iterations = positive_int("max_iterations", max_iterations)
    compiled = kernels("rendezvous", backend)
    workers = resolve_threads(threads)

    # Convert
    given = as_given(A, B, C, D, x0, z0, T, match)
    weights = (Weight(), Weight(1.0 / ratio if ratio > 0 else 1.0))
    system = passive(make_system(given, weights), (True, ratio > 0))
    system = replace(system, norm=norm)

    # Drive
    with np.errstate(over="ignore", under="ignore"):
        solution = solve_thrust(system, compiled, tol, max_iterations, workers)

        # Certify, return
        result = _result(system, solution, compiled, backend, tol, start)
    warn_of_motion(result, system)
    return result


def solve_thrust(
    system: System, kernels: ModuleType, tol: float, max_iterations: int, threads: int
) -> Solution:
    """Return the plan with the smallest thrust, in the solver's units."""
    free = solve_free(system, kernels, Reach(system, kernels))
    if free.motion is None or free.found is None:
        return free
    if free.motion.energy == 0:
        free.found = replace(free.found, value=0.0, lower=0.0, rounding=0.0, thrust=0.0)
        return free
    coordinates = coordinates_of(system, kernels, free)
    state = Newton(coordinates, kernels, tol / 4, threads)
    outcome = drive(state.advance, max_iterations=max_iterations)
    motion = _polish(state, system)
    dual = _normalised(coordinates.dual(state.best_eta), system)
    bound = _longest(motion, system)
    found = Found(motion.share, motion.dynamics, bound, dual.pull, dual.rounding, 1.0)
    status = status_of(found, tol)
    if outcome.status is Status.MAX_ITERATIONS and status is not Status.CONVERGED:
        status = Status.MAX_ITERATIONS
    return Solution(
        status, coordinates.method, coordinates.condition, motion, dual, found, outcome=outcome
    )


class Newton:
    """The state of the iteration, on arrays that the kernel works on."""

    def __init__(
        self, coordinates: Coordinates, kernels: ModuleType, tol: float, threads: int
    ) -> None:
        self._coordinates, self._kernels = coordinates, kernels
        self._tol, self._threads = tol, threads
        F, d = coordinates.F, coordinates.d
        self._basis = np.ascontiguousarray(np.linalg.qr(d[:, np.newaxis], mode="complete").Q[:, 1:])
        self.eta = d / (d @ d)
        self.best_eta = self.eta.copy()
        self._y = np.empty(len(F))
        # The plan of least energy, a little inside what p may be
        self._p = F @ d
        self._p *= 0.9 / np.abs(self._p).max() / np.sqrt(max(coordinates.m1, coordinates.m2))
        self.best_p = self._p.copy()
        beta = 0.1 * float(np.abs(F @ self.eta).max())
        self.state = np.array([beta, np.inf, 0.0, 0.0])

    def advance(self, count: int) -> Advance:
        """Do up to `count` steps."""
        c = self._coordinates
        done = self._kernels.thrust_newton_steps(
            c.F, c.first, c.m1, c.m2, c.d, self._basis, self._tol, count, self.eta, self._p,
            self._y, self.best_eta, self.best_p, self.state, self._threads,
        )  # fmt: skip
        _, upper, lower, what = self.state
        reasons = {1: Status.CONVERGED, 2: Status.NOT_CERTIFIED}
        return Advance(int(done), {"bound": upper, "lower_bound": lower}, reasons.get(int(what)))


def _polish(state: Newton, system: System) -> Motion:
    """Simulate, and correct the inputs for what rounding leaves of the mismatch."""
    c = state._coordinates
    w, best = state.best_p, None
    for _ in range(_POLISH):
        motion = c.motion(w)
        if best is not None and not motion.error < best.error:
            break
        best = motion
        if motion.error <= ENOUGH:
            break
        w = w + c.F @ c.missing(-system.in_units(motion.mismatch))
    assert best is not None
    return best


def _longest(motion: Motion, system: System) -> float:
    """Return the bound, of the user's inputs so that it holds for these, in the solver's units."""
    longest = 0.0
    for body, values in zip(system.bodies, (motion.u, motion.v), strict=True):
        if body.moves:
            scaled = np.ldexp(values, system.input - system.state)
            longest = max(longest, float(lengths(scaled, system.norm).max() * body.weight.root))
    return longest * (1 + 2.0**-50)


def _normalised(dual: Dual, system: System) -> Dual:
    """Return the dual with sum |y| = 1, so that its pull is the lower bound."""
    support = sum(
        float(np.sum(lengths(y, system.norm)))
        for y, body in zip(dual.y, system.bodies, strict=True)
        if body.moves
    )
    costates = dual.costates
    if costates is not None:
        costates = costates[0] / support, costates[1] / support
    y = dual.y[0] / support, dual.y[1] / support
    return Dual(
        dual.multiplier / support, y, dual.pull / support, dual.rounding / support, costates
    )


def _result(
    system: System,
    solution: Solution,
    kernels: ModuleType,
    backend: str,
    tol: float,
    start: float,
) -> ThrustResult:
    found = solution.found
    bound = lower = math.inf
    certificates = proof_certificates(solution)
    if found is not None:
        exponent = system.state - system.input
        bound, lower = (
            float(np.ldexp(found.value, exponent)),
            float(np.ldexp(found.lower, exponent)),
        )
        certificates = plan_certificates(found, tol)
    return ThrustResult(
        **meeting_fields(system, solution, kernels, backend, start, degree=1),
        certificates=certificates,
        bound=bound,
        lower_bound=lower,
        gap=found.gap if found is not None else math.nan,
        tol=tol,
    )
