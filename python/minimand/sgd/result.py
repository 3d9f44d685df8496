"""What `sgd` returns, and what it tells a callback on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from minimand._common.arrays import Floats, as_matrix, freeze
from minimand._common.result import Certificate, Result
from minimand.sgd.data import as_rows, is_sparse


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SGDProgress:
    """Where a run is; a callback gets it after each epoch.

    Attributes
    ----------
    epoch : int
        Epochs done.
    iterations : int
        Steps done.
    seconds : float
        Since the start.
    running_loss : float
        Mean loss of the epoch's rows, each at the coefficients that its batch met: not the
        objective.
    rate : float
        The last step's.
    coef, intercept : ndarray or float
        As in `SGDResult`, read-only.
    """

    epoch: int
    iterations: int
    seconds: float
    running_loss: float
    rate: float
    coef: Floats
    intercept: float | Floats

    def __post_init__(self) -> None:
        for name in ("coef", "intercept"):
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, freeze(value))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SGDResult(Result):
    """Coefficients of a linear model, and a lower bound for the objective of any others.

    Attributes
    ----------
    coef : ndarray (d,) or (K, d)
        The slopes w; for softmax, one row for each class.
    intercept : float or ndarray (K,)
        The constant term b, 0 without one.
    fun : float
        The objective P(w, b).
    dual : float
        No coefficients have a smaller objective than this; -inf where no such bound is known.
    gap : float
        fun - dual: by so much can the objective still fall at most.
    gradient_norm : float or None
        Norm of the gradient, for objectives without a penalty and for squares without l1.
    distance_bound : float or None
        sqrt(2 gap / l2): the minimiser's slopes are no farther away than this.
    epochs : int
        Epochs that were begun and whose steps are in the answer.
    rate : float
        The learning rate, before the schedule.
    expected_rate : float or None
        What theory promises for independent batches: the factor by which an epoch multiplies the
        expected squared distance from the minimiser (for SVRG, the expected excess).
    noise_floor : float or None
        The squared distance below which plain steps of this constant length do not get, with the
        noise of the gradients as it is at the answer.
    averaged : bool
        Whether the mean of the iterates was better than the last one, and is returned.
    classes : tuple of int
        The labels, in the order of the rows of `coef`; two for logistic, none for numbers.
    loss, batch_size, l2, l1, fit_intercept, tol_gap
        As they were asked for.
    notes : tuple of str
        What else is to be known of this problem.
    """

    coef: Floats
    intercept: float | Floats
    fun: float
    dual: float
    gap: float
    gradient_norm: float | None
    distance_bound: float | None
    epochs: int
    rate: float
    expected_rate: float | None
    noise_floor: float | None
    averaged: bool
    classes: tuple[int, ...]
    loss: str
    batch_size: int
    l2: float
    l1: float
    fit_intercept: bool
    tol_gap: float | None
    notes: tuple[str, ...]

    @property
    def certified(self) -> bool:
        """Whether a lower bound is known."""
        return math.isfinite(self.gap)

    def linear_predictor(self, X: object) -> Floats:
        """Return X @ coef + intercept, (m,), or (m, K) for softmax."""
        columns = self.coef.shape[-1]
        rows = as_rows(X) if is_sparse(X) else as_matrix("X", X, columns=columns)
        if rows.shape[1] != columns:
            raise ValueError(f"X has {rows.shape[1]} columns, expected {columns}")
        return np.asarray(rows @ self.coef.T + self.intercept)

    def predict(self, X: object) -> Any:
        """Return the mean (squared, poisson), the median (absolute) or the likeliest label.

        Examples
        --------
        >>> import minimand
        >>> X = [[0.0], [1.0], [2.0], [3.0]]
        >>> fit = minimand.sgd(X, [0, 0, 1, 1], loss="logistic", l2=0.01, epochs=200)
        >>> fit.predict([[0.2], [2.8]])
        array([0, 1])
        """
        m = self.linear_predictor(X)
        if self.loss == "softmax":
            return np.asarray(self.classes)[m.argmax(axis=1)]
        if self.loss == "logistic":
            return np.asarray(self.classes)[(m > 0).astype(int)]
        with np.errstate(over="ignore"):
            return np.exp(m) if self.loss == "poisson" else m

    def predict_probability(self, X: object) -> Floats:
        """Return the probability of the second label (logistic) or of each class (softmax)."""
        m = self.linear_predictor(X)
        if self.loss == "softmax":
            return np.asarray(scipy.special.softmax(m, axis=1))
        if self.loss == "logistic":
            return np.asarray(scipy.special.expit(m))
        raise ValueError(f"loss is {self.loss!r}, which has no probabilities of classes")

    def verify(self, X: object, y: object, sample_weight: object = None) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and return them.

        Parameters
        ----------
        X, y, sample_weight
            As they were given to `sgd`.

        Raises
        ------
        CertificateError
            When a certificate fails, or when `fun`, `dual` or `gap` is stated better than it is.
        """
        return Result.verify(self, X, y, sample_weight)

    def _recompute(self, X: object, y: object, weights: object = None) -> tuple[Certificate, ...]:
        from minimand.sgd.verification import recompute

        return recompute(self, X, y, weights)


def split(theta: Floats) -> tuple[Floats, float | Floats]:
    """Return the slopes and constant terms of [w_k, b_k] as the user sees them."""
    if len(theta) == 1:
        return theta[0, :-1].copy(), float(theta[0, -1])
    return theta[:, :-1].copy(), theta[:, -1].copy()


def certificates(
    *, gap: float, fun: float, tol: float | None, unbalanced: float, gradient: float, stated: float
) -> tuple[Certificate, ...]:
    """Return what proves an answer; without a finite gap, only the gradient is known."""
    bound = math.inf if tol is None else tol
    size = max(1.0, abs(fun))
    agreement = Certificate(
        "stated numbers",
        stated,
        1e-9,
        "difference between the objective and bound of the result and those of its coefficients",
        resolution=1e-9,
    )
    if not math.isfinite(gap):
        norm = Certificate(
            "gradient norm",
            gradient,
            math.inf,
            "no lower bound is known without a penalty: 0 would mean a minimum",
            resolution=1e-9 * size,
        )
        return norm, agreement
    return (
        Certificate(
            "duality gap",
            gap / size,
            bound,
            "objective - lower bound, relative to max(1, |objective|)",
            resolution=1e-9,
        ),
        Certificate(
            "dual feasibility",
            unbalanced,
            1e-10,
            "|sum c a| of the dual point",
            resolution=1e-12,
        ),
        agreement,
    )
