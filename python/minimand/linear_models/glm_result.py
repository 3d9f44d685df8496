"""What logistic and Poisson regression return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, as_matrix, as_vector
from minimand._common.result import Certificate, Result
from minimand.linear_models.result import LinearModelResult


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GlmResult(LinearModelResult):
    """A logistic or Poisson fit, with the proof that it exists or that it does not.

    Where rows are separated the likelihood has no maximum: it grows for ever along `direction`,
    towards the fit of the other rows, whose coefficients are `limit_coef` and `limit_intercept`.
    There `coef` and `intercept` are -inf or inf where the direction is not 0; objective,
    log-likelihood and deviance are the limits.

    Attributes
    ----------
    dual : ndarray (m,)
        y - q for a point q strictly inside the range of the model with X'W(y - q) = 0 (with a
        penalty: as `ridge` demands): the existence of the maximum, and the bound on how far it is.
        0 in rows of weight 0 and in separated rows.
    deviance : float
        Twice the distance of the log-likelihood from that of a perfect fit.
    separated : ndarray of bool (m,)
        The rows S on which the likelihood only grows; none if the maximum exists.
    direction : ndarray (n,)
        X @ direction + direction_intercept is 0 outside S, and on S positive where y = 1, negative
        where y = 0. All 0 if the maximum exists.
    direction_intercept : float
        The constant term of the direction.
    limit_coef : ndarray (n,)
        Finite coefficients: `coef`, or those of the fit of the rows outside S.
    limit_intercept : float
        The constant term that goes with it.
    ridge : float
        The penalty that was asked for.
    tol : float
        The accuracy that was asked for.
    """

    deviance: float
    separated: NDArray[np.bool_]
    direction: Floats
    direction_intercept: float
    limit_coef: Floats
    limit_intercept: float
    ridge: float
    tol: float

    def linear_predictor(self, X: object) -> Floats:
        """Return X @ coef + intercept, -inf or inf where separation decides."""
        rows = as_matrix("X", X, columns=self.coef.shape[0])
        eta: Floats = np.asarray(rows @ self.limit_coef + self.limit_intercept)
        if self.direction.any() or self.direction_intercept:
            t = rows @ self.direction + self.direction_intercept
            size = np.abs(rows) @ np.abs(self.direction) + abs(self.direction_intercept)
            eta = np.where(np.abs(t) > 1e-9 * size, np.copysign(np.inf, t), eta)
        return eta

    def verify(self, X: object, y: object, weights: object = None) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and return them.

        Parameters
        ----------
        X, y, weights
            As they were given to the solver.

        Raises
        ------
        CertificateError
            When a certificate fails or was understated.
        """
        return Result.verify(self, X, y, weights)

    def _recompute(
        self, X: object, y: object, weights: object = None, exposure: object = None
    ) -> tuple[Certificate, ...]:
        from minimand.linear_models.verification import glm

        return glm.recompute(self, X, y, weights, exposure)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LogisticResult(GlmResult):
    """A logistic regression; the fields are those of `GlmResult`."""

    def predict_probability(self, X: object) -> Floats:
        """Return the probability of y = 1.

        Examples
        --------
        >>> import minimand
        >>> X = [[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]]
        >>> fit = minimand.logistic_regression(X, [0, 0, 1, 0, 1, 1])
        >>> fit.predict_probability([[0.0], [1.0]]).round(6)
        array([0.333333, 0.666667])
        """
        with np.errstate(over="ignore"):
            probability: Floats = 1.0 / (1.0 + np.exp(-self.linear_predictor(X)))
        return probability


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PoissonResult(GlmResult):
    """A Poisson regression; the fields are those of `GlmResult`."""

    def predict(self, X: object, exposure: object = None) -> Floats:
        """Return the expected counts, for exposure 1 if none is given.

        Examples
        --------
        >>> import minimand
        >>> fit = minimand.poisson_regression([[0.0], [0.0], [1.0], [1.0]], [1, 3, 2, 6])
        >>> fit.predict([[0.0], [1.0]]).round(6)
        array([2., 4.])
        """
        with np.errstate(over="ignore"):
            mean = np.exp(self.linear_predictor(X))
        if exposure is None:
            return mean
        return mean * as_vector("exposure", exposure, length=mean.size, like="X")

    def verify(
        self, X: object, y: object, weights: object = None, exposure: object = None
    ) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and return them.

        Parameters
        ----------
        X, y, weights, exposure
            As they were given to the solver.

        Raises
        ------
        CertificateError
            When a certificate fails or was understated.
        """
        return Result.verify(self, X, y, weights, exposure)
