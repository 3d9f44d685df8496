"""What the rendezvous functions return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.result import Certificate, Result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MeetingResult(Result):
    """What plans of a meeting have in common.

    Attributes
    ----------
    u : ndarray (T, inputs of the first body), or None
        Its inputs; None where no meeting is possible, like the next three.
    v : ndarray (T, inputs of the second body), or None
    x : ndarray (T + 1, states), or None
        States of the first body; x[0] = x0.
    z : ndarray (T + 1, states), or None
    multiplier : ndarray (q,), or None
        lambda, of the q conditions E x[T] = E z[T].
    costates : tuple of two ndarrays, or None
        (mu, nu), (T + 1, states): multipliers of the steps, mu[t] = A'mu[t+1], where method is
        "boundary": there lambda alone does not determine them in float64.
    miss : float
        Largest |E x[T] - E z[T]|.
    open_loop_miss : float
        What it becomes when the inputs are applied from x0 and z0 with no correction, in float64.
    certificate : ndarray (q,), or None
        Where no meeting is possible: a direction in which what can be reached ends before the
        place of the meeting.
    first_feasible : int or None
        Where there are too few steps for free inputs: the smallest number of steps that suffices.
    condition : float
        Ratio of the largest to the smallest pivot of the equations of the meeting.
    method : str
        "gramian", "newton" (with bounds), or "boundary" (for unstable bodies).
    """

    u: Floats | None
    v: Floats | None
    x: Floats | None
    z: Floats | None
    multiplier: Floats | None
    costates: tuple[Floats, Floats] | None
    miss: float
    open_loop_miss: float
    certificate: Floats | None
    first_feasible: int | None
    condition: float
    method: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RendezvousResult(MeetingResult):
    """The plan of least energy, and a lower bound for the energy of every other plan.

    Attributes
    ----------
    energy : float
        sum u'R1 u + v'R2 v; infinite where no meeting is possible.
    lower_bound : float
        No plan needs less: the value of the dual at `multiplier`.
    gap : float
        (energy - lower_bound) / energy. Slightly negative when the miss saves energy.
    """

    energy: float
    lower_bound: float
    gap: float

    def verify(
        self,
        A: object,
        B: object,
        C: object,
        D: object,
        x0: object,
        z0: object,
        T: object,
        match: object = None,
        input_weights: object = None,
        u_max: object = None,
        v_max: object = None,
        norm: str = "inf",
    ) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and return them.

        Parameters
        ----------
        A, B, C, D, x0, z0, T, match, input_weights, u_max, v_max, norm
            As they were given to `rendezvous`.

        Raises
        ------
        CertificateError
            When a certificate fails, or a number of the result is stated better than it is.
        """
        return Result.verify(self, A, B, C, D, x0, z0, T, match, input_weights, u_max, v_max, norm)

    def _recompute(self, *data: Any) -> tuple[Certificate, ...]:
        from minimand.rendezvous.verification.plan import recompute

        return recompute(self, *data)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ThrustResult(MeetingResult):
    """The least bound on the thrust with which two bodies can still meet, and a plan that does.

    Attributes
    ----------
    bound : float
        With u_max = bound and v_max = ratio * bound the plan is possible; infinite where none is.
    lower_bound : float
        With less none is.
    gap : float
        (bound - lower_bound) / bound.
    tol : float
        The gap that was asked for.
    """

    bound: float
    lower_bound: float
    gap: float
    tol: float

    def verify(
        self,
        A: object,
        B: object,
        C: object,
        D: object,
        x0: object,
        z0: object,
        T: object,
        match: object = None,
        norm: str = "inf",
        ratio: float = 1.0,
    ) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and return them.

        Parameters
        ----------
        A, B, C, D, x0, z0, T, match, norm, ratio
            As they were given to `min_rendezvous_thrust`.

        Raises
        ------
        CertificateError
            When a certificate fails, or a number of the result is stated better than it is.
        """
        return Result.verify(self, A, B, C, D, x0, z0, T, match, norm, ratio)

    def _recompute(self, *data: Any) -> tuple[Certificate, ...]:
        from minimand.rendezvous.verification.thrust import recompute

        return recompute(self, *data)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RendezvousEnergies(Result):
    """The least energy for every number of steps. Entry T - 1 of an array belongs to T steps.

    Attributes
    ----------
    energy : ndarray (T_max,)
        Infinite where no meeting is possible, NaN where float64 cannot decide.
    first_feasible : int or None
        The smallest number of steps that suffices.
    best : int or None
        The number of steps with the least energy.
    rank : ndarray (T_max,) of int
        How many of the q conditions inputs can influence.
    condition : ndarray (T_max,)
        The energy has an error of about condition * 1e-16, relative to it.
    multiplier : ndarray (T_max, q)
        Each proves its energy to be the least; where that is infinite, the direction that proves
        it.
    """

    energy: Floats
    first_feasible: int | None
    best: int | None
    rank: NDArray[np.int64]
    condition: Floats
    multiplier: Floats

    def verify(
        self,
        A: object,
        B: object,
        C: object,
        D: object,
        x0: object,
        z0: object,
        T_max: object,
        match: object = None,
        input_weights: object = None,
    ) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and return them.

        Parameters
        ----------
        A, B, C, D, x0, z0, T_max, match, input_weights
            As they were given to `rendezvous_energy`.

        Raises
        ------
        CertificateError
            When a certificate fails, or a number of the result is stated better than it is.
        """
        return Result.verify(self, A, B, C, D, x0, z0, T_max, match, input_weights)

    def _recompute(self, *data: Any) -> tuple[Certificate, ...]:
        from minimand.rendezvous.verification.energies import recompute

        return recompute(self, *data)
