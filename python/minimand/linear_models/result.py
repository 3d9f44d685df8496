"""What all linear models return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats, as_matrix
from minimand._common.result import Result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LinearModelResult(Result):
    """A maximum-likelihood fit of a linear model, and the proof that it is one.

    Attributes
    ----------
    coef : ndarray (n,)
        Coefficients; 0 for columns that depend on others.
    intercept : float
        The constant term, 0 without one.
    objective : float
        What was minimised.
    log_likelihood : float
        Its maximum over the coefficients and the noise scale, all constants included.
    noise_scale : float
        The scale of the noise that goes with it; NaN where the model has none.
    dual : ndarray
        The dual variables that prove the answer, in the order of the rows.
    gap : float
        Bound on objective - minimum, relative to the objective.
    unique : bool or None
        Whether no other coefficients do as well; None where that was not decided.
    aliased : tuple of int
        Columns that depend on others.
    has_intercept : bool
        Whether a constant term was fitted.
    feature_names : tuple of str or None
        Names of the columns, where X had any.
    """

    coef: Floats
    intercept: float
    objective: float
    log_likelihood: float
    noise_scale: float
    dual: Floats
    gap: float
    unique: bool | None
    aliased: tuple[int, ...]
    has_intercept: bool
    feature_names: tuple[str, ...] | None

    def linear_predictor(self, X: object) -> Floats:
        """Return X @ coef + intercept."""
        rows = as_matrix("X", X, columns=self.coef.shape[0])
        predictor: Floats = np.asarray(rows @ self.coef + self.intercept)
        return predictor
