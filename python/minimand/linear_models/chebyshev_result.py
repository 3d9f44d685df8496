"""What `chebyshev_fit` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.result import Certificate, Result
from minimand.linear_models.result import LinearModelResult

DUAL_BALANCE = 1e-12  # how far X'dual may be from 0, relative to sum |dual| max |x_j|
INTERVAL_BALANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ChebyshevResult(LinearModelResult):
    """The fit with the smallest largest residual, and the proof that no other has a smaller one.

    `dual` (m,) has X'dual = 0 and sum |dual| = 1, so every fit has a residual of at least
    y'dual = `lower_bound`; where `half_width` is smaller than that, it is the proof (Farkas) that
    no coefficients keep all residuals within it. `noise_scale` is the half-width of the noise.

    Attributes
    ----------
    lower_bound : float
        No coefficients make the largest residual smaller than this.
    reference : ndarray of int
        The rows on which `dual` rests.
    half_width : float or None
        The half-width a that was given. All coefficients with |r| <= a are equally likely;
        those returned are the ones with the most slack.
    slack : float or None
        half_width - max |r|; negative where no coefficients are possible.
    intervals : ndarray (n, 2) or (n + 1, 2), or None
        With `intervals=True`: the least and the largest value of each coefficient, and in the last
        row of the constant term, among all coefficients with |r| <= a.
    interval_rows, interval_duals : ndarray (2 p, k), or None
        For each end of an interval (all lower ends, then all upper ends, aliased columns left
        out) the multipliers that prove it, and their rows.
    exchanges : int
        Exchanges of a row; `iterations` counts passes over all rows.
    tol : float
        The gap that was asked for.
    """

    lower_bound: float
    reference: NDArray[np.int64]
    half_width: float | None
    slack: float | None
    intervals: Floats | None
    interval_rows: NDArray[np.int64] | None
    interval_duals: Floats | None
    exchanges: int
    tol: float

    def verify(self, X: object, y: object) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and return them.

        Parameters
        ----------
        X, y
            As they were given to `chebyshev_fit`.

        Raises
        ------
        CertificateError
            When a certificate fails, or a number of the result is stated better than it is.
        """
        return Result.verify(self, X, y)

    def _recompute(self, X: object, y: object) -> tuple[Certificate, ...]:
        from minimand.linear_models.verification.chebyshev import recompute

        return recompute(self, X, y)


@dataclass(frozen=True, slots=True)
class Found:
    """What the certificates are made of; the solver and the verification fill it in on their own.

    Attributes
    ----------
    largest : float
        max |r|.
    rounding : float
        What rounding leaves of a residual: (p + 4) u (max |y| + sum_j max |x_j| |theta_j|).
    lower_bound : float
        What the dual proves.
    balance : float
        Largest |X'dual|_j / (sum |dual| max |x_j|) on the reference, and |sum |dual| - 1|.
    excess : float or None
        By how much the intervals are too narrow, relative to their ends.
    interval_balance : float
        As `balance`, for the multipliers of the intervals.
    """

    largest: float
    rounding: float
    lower_bound: float
    balance: float
    excess: float | None = None
    interval_balance: float = 0.0

    @property
    def floor(self) -> float:
        """Return the relative rounding error of max |r|."""
        return self.rounding / self.largest if self.largest > 0 else 1.0

    @property
    def gap(self) -> float:
        """Return the relative gap between max |r| and its lower bound."""
        if not self.largest > 0:
            return 0.0
        return max(0.0, (self.largest - self.lower_bound) / self.largest)


def certificates(
    found: Found, tol: float, *, exact: bool, half_width: float | None, infeasible: bool
) -> tuple[Certificate, ...]:
    """Put what was found into words."""
    listed = []
    if exact:
        text = "largest residual, against what rounding makes of it"
        listed.append(Certificate("exact fit", found.largest, found.rounding, text, found.rounding))
    else:
        text = "excess of the largest residual over its lower bound, relative to it"
        listed.append(
            Certificate("duality gap", found.gap, tol + found.floor, text, found.floor + 1e-15)
        )
        text = "X'dual, against sum |dual| and the largest entry of each column"
        listed.append(Certificate("dual balance", found.balance, DUAL_BALANCE, text, 1e-15))
    if infeasible and half_width is not None:
        text = "half_width, below what every fit has as its largest residual"
        below = float(np.nextafter(found.lower_bound, -np.inf))
        listed.append(Certificate("infeasible half-width", half_width, below, text))
    elif half_width is not None:
        text = "largest residual, within half_width"
        bound = half_width + found.rounding
        listed.append(Certificate("half-width", found.largest, bound, text, found.rounding))
    if found.excess is not None:
        text = "by how much a coefficient may leave its interval, relative to its ends"
        listed.append(Certificate("intervals", found.excess, 1e-9, text, 1e-10))
        text = "X'multipliers - unit vector, against the multipliers and the columns"
        value = found.interval_balance
        listed.append(Certificate("interval balance", value, INTERVAL_BALANCE, text, 1e-12))
    return tuple(listed)
