"""The public function for all meeting times at once."""

from __future__ import annotations

import time
import warnings

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.backend import Backend, kernels
from minimand._common.errors import ConvergenceWarning
from minimand._common.result import Certificate, Status
from minimand.rendezvous.arguments import as_given, as_weights
from minimand.rendezvous.certificates import curve_certificates
from minimand.rendezvous.curve import EPS, Curve, energy_curve
from minimand.rendezvous.result import RendezvousEnergies
from minimand.rendezvous.system import make_system


def rendezvous_energy(
    A: object,
    B: object,
    C: object,
    D: object,
    x0: object,
    z0: object,
    T_max: int,
    *,
    match: object = None,
    input_weights: object = None,
    backend: Backend = "cpp",
) -> RendezvousEnergies:
    """Return the least energy of a meeting after T steps, for every T up to T_max in one pass.

    The energies are those of `rendezvous` without bounds. They need not decrease with T: two
    bodies that drift are sometimes near each other, sometimes not.

    Parameters
    ----------
    A, B, C, D, x0, z0
        The bodies, as for `rendezvous`.
    T_max : int
        The largest number of steps.
    match, input_weights : optional
        As for `rendezvous`.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    RendezvousEnergies
        energy[T - 1] belongs to T steps, and so does the multiplier that proves it.
        `result.verify(A, B, C, D, x0, z0, T_max, ...)` checks all of it in plain NumPy.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument, and shapes that do not fit each other.

    Notes
    -----
    Square roots of the Gramians, L[T+1] L[T+1]' = A L[T] L[T]' A' + B B', by orthogonal
    transformations: Gramians themselves would square the condition number (S. J. Hammarling, IMA
    J. Numer. Anal. 2 (1982) 303).

    Examples
    --------
    >>> import minimand
    >>> A, B = [[1, 1], [0, 1]], [[0], [1]]
    >>> energies = minimand.rendezvous_energy(A, B, A, B, [0, 0], [1, 0], 4)
    >>> energies.energy.round(6), energies.first_feasible, energies.best
    (array([ inf, 1.  , 0.25, 0.1 ]), 2, 4)
    """
    # Check
    start = time.perf_counter()
    compiled = kernels("rendezvous", backend)

    # Convert
    given = as_given(A, B, C, D, x0, z0, T_max, match, steps_name="T_max")
    weights = as_weights(input_weights, given.B.shape[1], given.D.shape[1])
    system = make_system(given, weights)

    # Drive
    with np.errstate(all="ignore"):
        curve = energy_curve(system, compiled, given.steps)
        possible = np.flatnonzero(np.isfinite(curve.energy))
        energy = np.ldexp(curve.energy, system.energy)
        exponents = np.where(
            np.isfinite(curve.energy)[:, np.newaxis], system.multiplier, -system.match
        )
        multiplier = np.ldexp(curve.multiplier, exponents)

    # Certify, return
    undecided = np.flatnonzero(np.isnan(energy))
    status = Status.CONVERGED if possible.size else Status.INFEASIBLE
    if undecided.size:
        status = Status.NOT_CERTIFIED
        warnings.warn(
            f"energy is NaN for {undecided.size} of {given.steps} numbers of steps, the first is "
            f"T = {undecided[0] + 1}: powers of A or C are too large for float64 there; "
            f"rendezvous may still find a plan",
            ConvergenceWarning,
            stacklevel=2,
        )
    elif status is Status.INFEASIBLE:
        warnings.warn(
            f"No meeting is possible with T up to {given.steps}; try more steps, or match less",
            ConvergenceWarning,
            stacklevel=2,
        )
    return RendezvousEnergies(
        status=status,
        iterations=0,
        history=(),
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=_certificates(curve),
        energy=energy,
        first_feasible=int(possible[0]) + 1 if possible.size else None,
        best=_best(energy),
        rank=curve.rank,
        condition=curve.condition,
        multiplier=multiplier,
    )


def _best(energy: Floats) -> int | None:
    finite = np.isfinite(energy)
    return int(np.argmin(np.where(finite, energy, np.inf))) + 1 if finite.any() else None


def _certificates(curve: Curve) -> tuple[Certificate, ...]:
    """Say what the factors promise: verification finds out whether it is so."""
    possible = np.isfinite(curve.energy)
    condition = float(curve.condition[possible].max(initial=1.0))
    rounding = EPS * (64 * condition + 16 * len(possible))
    influence = 0.0 if np.isinf(curve.energy).any() else None
    return curve_certificates(EPS * condition, rounding, influence)
