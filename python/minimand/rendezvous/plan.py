"""The public function for the plan of least energy."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import replace
from types import ModuleType

import numpy as np

from minimand._common.arrays import one_of, positive_int
from minimand._common.backend import Backend, kernels
from minimand._common.errors import ConvergenceWarning
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.rendezvous.arguments import NORMS, as_bound, as_given, as_weights
from minimand.rendezvous.bounded import solve_bounded
from minimand.rendezvous.bounds import thrust_of
from minimand.rendezvous.certificates import ENERGY_GAP, plan_certificates
from minimand.rendezvous.coordinates import coordinates_of
from minimand.rendezvous.reach import Reach
from minimand.rendezvous.report import meeting_fields, proof_certificates, warn_of_motion
from minimand.rendezvous.result import RendezvousResult
from minimand.rendezvous.solution import Solution, prove
from minimand.rendezvous.system import System, make_system, passive
from minimand.rendezvous.unbounded import solve_free


def rendezvous(
    A: object,
    B: object,
    C: object,
    D: object,
    x0: object,
    z0: object,
    T: int,
    *,
    match: object = None,
    input_weights: object = None,
    u_max: object = None,
    v_max: object = None,
    norm: str = "inf",
    max_iterations: int = 100,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> RendezvousResult:
    """Let two bodies meet after T steps with the least energy, or prove that they cannot.

    Minimises over the inputs u[0], ..., u[T-1] and v[0], ..., v[T-1]

        sum_t u[t]'R1 u[t] + v[t]'R2 v[t]   subject to   E x[T] = E z[T],
        x[t+1] = A x[t] + B u[t], x[0] = x0,   z[t+1] = C z[t] + D v[t], z[0] = z0,

    and, if wanted, |u[t]| <= u_max, |v[t]| <= v_max.

    Parameters
    ----------
    A, C : array_like (n, n), (k, k)
        How the states of the two bodies move on.
    B, D : array_like (n, m), (k, l)
        How inputs move them.
    x0, z0 : array_like (n,), (k,)
        Where they start.
    T : int
        The number of steps, T >= 1.
    match : array_like, or a pair, optional
        What has to be equal at the end: indices of states (the positions only: a fly-by with any
        velocity), or a matrix E (q, n); by default the full state. A tuple (for x, for z) where
        the bodies have different states.
    input_weights : pair, optional
        (R1, R2), each a positive number, a diagonal, or a symmetric positive definite matrix. With
        bounds: diagonal for norm="inf", a number for norm="2".
    u_max, v_max : float or array_like, optional
        Bounds: a number, or one per step (T,), and for norm="inf" also one per component (m,) or
        for each (T, m). 0 is a body that only drifts, None one without a bound.
    norm : {"inf", "2"}
        Whether a bound is one on components or on the length of an input.
    max_iterations : int
        Limit on Newton's steps, which only bounds need.
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    RendezvousResult
        Inputs, states, energy, a lower bound for the energy of all other plans and the multiplier
        that proves it; or the direction that proves that there is no plan.
        `result.verify(A, B, C, D, x0, z0, T, ...)` checks all of it in plain NumPy.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument, and shapes that do not fit each other.

    Notes
    -----
    Without bounds it is a closed form through square roots of the reachability Gramian (R. E.
    Kalman, Y. C. Ho, K. S. Narendra, Contrib. Differ. Equ. 1 (1963) 189), with bounds Newton's
    method on the dual (L. Qi, J. Sun, Math. Program. 58 (1993) 353), for unstable bodies and long
    times a boundary problem (S. J. Wright, SIAM J. Sci. Stat. Comput. 13 (1992) 742).

    Examples
    --------
    Two carts on a line, one unit apart; each comes half of the way, and both stand still then.

    >>> import minimand
    >>> A, B = [[1, 1], [0, 1]], [[0], [1]]
    >>> plan = minimand.rendezvous(A, B, A, B, [0, 0], [1, 0], 3)
    >>> round(float(plan.x[-1, 0]), 6), round(plan.energy, 6)
    (0.5, 0.25)
    >>> minimand.rendezvous(A, B, A, B, [0, 0], [1, 0], 3, match=[0]).x[-1].round(6)
    array([0.5, 0.3])
    """
    # Check
    start = time.perf_counter()
    norm = one_of("norm", norm, NORMS)
    max_iterations = positive_int("max_iterations", max_iterations)
    compiled = kernels("rendezvous", backend)
    workers = resolve_threads(threads)

    # Convert
    given = as_given(A, B, C, D, x0, z0, T, match)
    weights = as_weights(input_weights, given.B.shape[1], given.D.shape[1])
    limits = (
        as_bound("u_max", u_max, given.steps, given.B.shape[1], norm, weights[0]),
        as_bound("v_max", v_max, given.steps, given.D.shape[1], norm, weights[1]),
    )
    moves = tuple(limit is None or bool(limit.any()) for limit in limits)
    system = passive(make_system(given, weights), moves)  # type: ignore[arg-type]
    if any(limit is not None for limit in limits):
        system = replace(system, limits=limits, norm=norm)

    # Drive
    with np.errstate(over="ignore", under="ignore"):
        solution = solve(system, compiled, max_iterations, workers)

        # Certify, return
        result = _result(system, solution, compiled, backend, start)
    _warn(result, system, solution)
    return result


def solve(system: System, kernels: ModuleType, max_iterations: int, threads: int) -> Solution:
    """Return the plan without bounds if it keeps to them, and else the one with bounds."""
    if all(limit is None for limit in system.limits):
        return solve_free(system, kernels, Reach(system, kernels))
    unlimited = replace(system, limits=(None, None))
    free = solve_free(unlimited, kernels, Reach(system, kernels))
    bounds = system.bounds
    if free.proof is not None and free.motion is None:
        free.proof = prove(system, kernels, free.proof.direction, bounds)
        free.status = Status.INFEASIBLE if free.proof.holds else Status.NOT_CERTIFIED
        return free
    if free.motion is None or free.found is None:
        return free
    longest = thrust_of((free.motion.u, free.motion.v), system.limits, system.norm)
    if longest <= 1.0:
        free.found = replace(free.found, thrust=longest)
        return free
    coordinates = coordinates_of(system, kernels, free)
    return solve_bounded(system, kernels, coordinates, max_iterations, threads)


def _result(
    system: System, solution: Solution, kernels: ModuleType, backend: str, start: float
) -> RendezvousResult:
    found = solution.found
    energy = lower = math.inf
    if found is not None:
        energy = float(np.ldexp(found.value, system.energy))
        lower = float(np.ldexp(found.lower, system.energy))
    fields = meeting_fields(system, solution, kernels, backend, start)
    certificates = proof_certificates(solution)
    if found is not None:
        certificates = plan_certificates(found, ENERGY_GAP)
    return RendezvousResult(
        **fields,
        certificates=certificates,
        energy=energy,
        lower_bound=lower,
        gap=found.gap if found is not None else math.nan,
    )


def _warn(result: RendezvousResult, system: System, solution: Solution) -> None:
    """Say what was not reached, and which knob to turn."""
    if result.status is not Status.INFEASIBLE or not solution.bounded or solution.proof is None:
        warn_of_motion(result, system)
        return
    warnings.warn(
        f"No meeting is possible after T = {system.steps} steps: the bounds are too tight: they "
        f"would have to be at least {solution.proof.needed:.9g} times as large; "
        f"min_rendezvous_thrust finds the smallest ones",
        ConvergenceWarning,
        stacklevel=3,
    )
