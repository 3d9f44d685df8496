"""What `least_absolute_deviations` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.result import Certificate, Result
from minimand.linear_models.result import LinearModelResult

Integers = NDArray[np.intp]

STATIONARITY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class QuantileResult(LinearModelResult):
    """Coefficients of least weighted absolute deviation, and the proof.

    `dual` holds psi, one number for each row, with (quantile - 1) w <= psi <= quantile w and
    X' psi = 0. Any coefficients whatever have an objective of at least sum psi y. `noise_scale` is
    the mean absolute deviation for quantile 1/2, else the mean loss, as the Laplace distribution
    and its asymmetric sister have it.

    Attributes
    ----------
    quantile : float
        Which conditional quantile was fitted.
    basis : ndarray of int or None
        Rows that the coefficients meet exactly, as many as there are independent parameters; None
        for an interior point.
    other_coef, other_intercept : ndarray and float, or None
        Where the coefficients are not unique: others that are as good, and so is all in between.
    tol : float
        The relative gap that was asked for.
    """

    quantile: float
    basis: Integers | None
    other_coef: Floats | None
    other_intercept: float | None
    tol: float

    def verify(self, X: object, y: object, weights: object = None) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and return them.

        Parameters
        ----------
        X, y, weights
            As they were given to `least_absolute_deviations`.

        Raises
        ------
        CertificateError
            When a certificate fails, or when a number of the result is not what the data show.
        """
        return Result.verify(self, X, y, weights)

    def _recompute(self, X: object, y: object, weights: object = None) -> tuple[Certificate, ...]:
        from minimand.linear_models.verification.quantile import recompute

        return recompute(self, X, y, weights)


def certificates(
    box: float, stationarity: float, gap: float, tol: float, resolution: float
) -> tuple[Certificate, ...]:
    """Return the certificates of a fit that leaves residuals.

    `resolution` is what rounding leaves of the gap.
    """
    return (
        Certificate("dual box", box, 0.0, "how far dual variables leave their box"),
        Certificate(
            "stationarity",
            stationarity,
            STATIONARITY,
            "largest |X'psi|_j, relative to the sizes of its terms",
            1e-15,
        ),
        Certificate(
            "duality gap",
            gap,
            tol,
            "excess of the objective over its lower bound, relative to it",
            resolution,
        ),
    )


def exact_certificates(worst: float) -> tuple[Certificate, ...]:
    """Return the certificate of a fit that leaves none."""
    return (
        Certificate(
            "exact fit", worst, 1.0, "largest residual, in units of its rounding error", 1.0
        ),
    )
