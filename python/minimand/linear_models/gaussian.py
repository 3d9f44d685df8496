"""The least-squares fit as a maximum-likelihood fit: noise scale and log-likelihood beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, as_matrix, as_vector
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate, Result, Status
from minimand.least_squares import LeastSquaresResult

_AGREE = 1e-7  # as `verify` of a least-squares fit asks of residual_norm
_UNIT = 2.0**-53
_TYPES = (np.float64, np.float32)  # those that `lstsq` reads as they are


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GaussianResult(LeastSquaresResult):
    """A least-squares fit: the maximum of the likelihood when the noise is Gaussian.

    Attributes
    ----------
    log_likelihood : float
        Its maximum over the coefficients and the noise scale, all constants included; infinite
        for an exact fit.
    noise_scale : float
        sigma = sqrt(RSS / W), W being the sum of the weights. (The unbiased estimate has W minus
        the number of parameters instead.)
    """

    log_likelihood: float
    noise_scale: float

    @property
    def objective(self) -> float:
        """The weighted sum of squared residuals."""
        return float(self.residual_norm) ** 2

    def _recompute(self, X: object, y: object, weights: object) -> tuple[Certificate, ...]:
        found = LeastSquaresResult._recompute(self, X, y, weights)
        total, size = _totals(self, X, y, weights)
        scale, likelihood = gaussian_scale(float(self.residual_norm), total, size)
        # A relative error e of the scale moves the log-likelihood by W e.
        allowed = {"noise_scale": _AGREE * scale, "log_likelihood": _AGREE * (total + 1)}
        here = {"noise_scale": scale, "log_likelihood": likelihood}
        for name, value in here.items():
            stated = getattr(self, name)
            if not (stated == value or abs(stated - value) <= allowed[name]):
                raise CertificateError(
                    f"{type(self).__name__} does not verify: {name} is {value:.9g}, "
                    f"recorded was {stated:.9g}"
                )
        return found


def gaussian_scale(residual_norm: float, total: float, size: float) -> tuple[float, float]:
    """Return sigma and the log-likelihood; a residual that is rounding of `size` counts as 0."""
    if residual_norm <= size:
        return 0.0, math.inf
    scale = residual_norm / math.sqrt(total)
    return scale, -total / 2 * (math.log(2 * math.pi) + 2 * math.log(scale) + 1)


def as_likelihood(
    fit: LeastSquaresResult, X: object, y: object, weights: object = None
) -> GaussianResult:
    """Return the fit with its noise scale and log-likelihood."""
    total, size = _totals(fit, X, y, weights)
    scale, likelihood = gaussian_scale(float(fit.residual_norm), total, size)
    values: dict[str, Any] = {one.name: getattr(fit, one.name) for one in fields(fit)}
    if scale == 0 and fit.status.ok:
        values["status"] = Status.EXACT_FIT
    return GaussianResult(**values, noise_scale=scale, log_likelihood=likelihood)


def _totals(fit: Result, X: object, y: object, weights: object) -> tuple[float, float]:
    """Return the sum of the weights, and what rounding makes of the residual norm."""
    assert isinstance(fit, LeastSquaresResult)
    matrix = as_matrix("X", X, dtypes=_TYPES, columns=fit.coef.shape[0])
    targets = as_vector("y", y, length=matrix.shape[0], like="X")
    weight = np.ones(len(targets)) if weights is None else as_vector("weights", weights)
    coef: Floats = np.where(np.isnan(fit.coef), 0.0, fit.coef)
    counted = weight > 0
    rows = matrix if counted.all() else matrix[counted]
    largest = np.maximum(rows.max(axis=0), -rows.min(axis=0)).astype(np.float64)
    size = float(largest @ np.abs(coef)) + abs(float(fit.intercept))
    size += float(np.abs(targets[counted]).max())
    total = math.fsum(weight)
    return total, (len(coef) + 5) * _UNIT * size * math.sqrt(total)
