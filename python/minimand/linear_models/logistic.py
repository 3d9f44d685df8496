"""Logistic regression."""

from __future__ import annotations

import time

import numpy as np

from minimand._common.arrays import (
    Floats,
    as_vector,
    boolean,
    nonnegative_float,
    positive_float,
    positive_int,
)
from minimand._common.backend import Backend, kernels
from minimand._common.threads import resolve_threads
from minimand.linear_models import glm_report, likelihood_fit
from minimand.linear_models.glm import LOGISTIC
from minimand.linear_models.glm_result import LogisticResult


def logistic_regression(
    X: object,
    y: object,
    *,
    ridge: float = 0.0,
    intercept: bool = True,
    weights: object = None,
    tol: float = 1e-12,
    max_iterations: int = 100,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> LogisticResult:
    """Fit the probabilities of two outcomes, and prove that the fit is the best or that none is.

    Minimises over (coef, b0), with eta_i = X_i coef + b0,

        sum_i w_i (log(1 + exp(eta_i)) - y_i eta_i) + ridge/2 ||coef||^2

    Parameters
    ----------
    X : array_like (m, n)
        One row for each observation.
    y : array_like (m,)
        0 or 1. Fractions are shares of successes in groups; the weights are then the group sizes.
    ridge : float
        Penalty on the squares of the coefficients, not of the constant term; 1/C of scikit-learn.
    intercept : bool
        Whether to fit a constant term b0.
    weights : array_like (m,), optional
        w >= 0. Weight 0 is the same as leaving the row out, weight 2 as repeating it.
    tol : float
        The duality gap to reach, relative to 1 + |objective|.
    max_iterations : int
        Limit on the Newton steps.
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    LogisticResult
        Coefficients, a dual point that proves that the maximum exists and how near the fit is to
        it; or the rows that are separated, the direction that proves it, and the limit.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    Newton's method; with many rows it starts on a sample and uses a Hessian as long as it is good
    for three digits a step. If q = mu + V X d, d the Newton step, is strictly between 0 and 1, the
    maximum exists, and the Kullback-Leibler divergence of q from mu bounds the distance from it.
    Sources: Albert, Anderson, Biometrika 71 (1984) 1; Konis, *Linear programming algorithms for
    detecting separated data* (2007); Correia, Guimarães, Zylkin, arXiv 1903.01633.

    Examples
    --------
    >>> import minimand
    >>> X = [[0.0], [1.0], [2.0], [3.0], [4.0]]
    >>> fit = minimand.logistic_regression(X, [0, 1, 0, 1, 1])
    >>> fit.coef.round(6), round(fit.intercept, 6)
    (array([1.090426]), -1.558161)
    >>> all(certificate.holds for certificate in fit.certificates)
    True
    """
    # Check
    start = time.perf_counter()
    options = likelihood_fit.Options(
        family=LOGISTIC,
        ridge=nonnegative_float("ridge", ridge),
        tol=positive_float("tol", tol),
        max_iterations=positive_int("max_iterations", max_iterations),
        threads=resolve_threads(threads),
        backend=backend,
    )
    intercept = boolean("intercept", intercept)
    kernels("linear_models", backend)

    # Convert
    target = as_shares(y)
    design = likelihood_fit.prepare(
        X, target, weights=weights, intercept=intercept, options=options
    )

    # Drive
    found = likelihood_fit.fit(design, np.empty(0), options)

    # Certify and return
    result = glm_report.report(LogisticResult, design, found, options, start)
    glm_report.announce(result, design, found)
    return result


def as_shares(y: object) -> Floats:
    """Return the outcomes as numbers from 0 to 1."""
    try:
        target = as_vector("y", y)
    except TypeError:
        labels = np.asarray(y).ravel()[:10_000]
        names = sorted({str(label) for label in labels})
        if len(names) != 2 or not all(isinstance(label, str) for label in labels):
            raise
        raise TypeError(
            f"y has the values {names[0]!r} and {names[1]!r} (dtype {labels.dtype}), "
            f"expected 0 and 1; pass np.asarray(y) == {names[1]!r}"
        ) from None
    if target.min() < 0.0 or target.max() > 1.0:
        values = np.unique(target)
        if values.size == 2:
            a, b = values
            raise ValueError(
                f"y has the values {a:g} and {b:g}, expected 0 and 1; pass np.asarray(y) == {b:g}"
            )
        first = int(((target < 0.0) | (target > 1.0)).argmax())
        raise ValueError(f"y has {target[first]} at entry {first}, expected numbers from 0 to 1")
    return target
