"""Poisson regression."""

from __future__ import annotations

import time
import warnings

import numpy as np

from minimand._common.arrays import (
    Floats,
    as_matrix,
    as_vector,
    boolean,
    check_nonnegative,
    nonnegative_float,
    positive_float,
    positive_int,
)
from minimand._common.backend import Backend, kernels
from minimand._common.errors import MinimandWarning
from minimand._common.threads import resolve_threads
from minimand.linear_models import glm_report, likelihood_fit
from minimand.linear_models.glm import POISSON
from minimand.linear_models.glm_result import PoissonResult


def poisson_regression(
    X: object,
    y: object,
    *,
    ridge: float = 0.0,
    intercept: bool = True,
    exposure: object = None,
    weights: object = None,
    tol: float = 1e-12,
    max_iterations: int = 100,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> PoissonResult:
    """Fit expected counts, and prove that the fit is the best or that none is.

    Minimises over (coef, b0), with eta_i = X_i coef + b0 + log(exposure_i),

        sum_i w_i (exp(eta_i) - y_i eta_i) + ridge/2 ||coef||^2

    Parameters
    ----------
    X : array_like (m, n)
        One row for each observation.
    y : array_like (m,)
        Counts >= 0. Numbers that are no integers bring a warning: the log-likelihood is then a
        quasi-likelihood.
    ridge : float
        Penalty on the squares of the coefficients, not of the constant term; alpha times the sum
        of the weights for scikit-learn's alpha.
    intercept : bool
        Whether to fit a constant term b0.
    exposure : array_like (m,), optional
        Time or size, > 0, to which the expected count is proportional.
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
    PoissonResult
        Coefficients, a dual point that proves that the maximum exists and how near the fit is to
        it; or the rows that are separated, the direction that proves it, and the limit.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    As `logistic_regression`. Rows can only be separated where y = 0.

    Examples
    --------
    >>> import minimand
    >>> fit = minimand.poisson_regression([[0.0], [0.0], [1.0], [1.0]], [1, 3, 2, 6])
    >>> fit.coef.round(6), round(fit.intercept, 6)
    (array([0.693147]), 0.693147)
    >>> all(certificate.holds for certificate in fit.certificates)
    True
    """
    # Check
    start = time.perf_counter()
    options = likelihood_fit.Options(
        family=POISSON,
        ridge=nonnegative_float("ridge", ridge),
        tol=positive_float("tol", tol),
        max_iterations=positive_int("max_iterations", max_iterations),
        threads=resolve_threads(threads),
        backend=backend,
    )
    intercept = boolean("intercept", intercept)
    kernels("linear_models", backend)

    # Convert
    rows = as_matrix("X", X, finite=False)
    counts = as_vector("y", y, length=len(rows), like="X")
    check_nonnegative("y", counts)
    offset = as_offset(exposure, len(rows))
    if not (counts == np.rint(counts)).all():
        warnings.warn(
            "y has entries that are not integers: the log-likelihood is a quasi-likelihood",
            MinimandWarning,
            stacklevel=2,
        )
    design = likelihood_fit.prepare(
        X, counts, weights=weights, intercept=intercept, options=options
    )
    if design.rows is not None and offset.size:
        offset = offset[design.rows]

    # Drive
    found = likelihood_fit.fit(design, offset, options)

    # Certify and return
    result = glm_report.report(PoissonResult, design, found, options, start)
    glm_report.announce(result, design, found)
    return result


def as_offset(exposure: object, rows: int) -> Floats:
    """Return log(exposure), of length 0 for none."""
    if exposure is None:
        return np.empty(0)
    vector = as_vector("exposure", exposure, length=rows, like="X")
    if not vector.min() > 0:
        first = int((vector <= 0).argmax())
        raise ValueError(f"exposure has {vector[first]} at entry {first}, expected numbers > 0")
    return np.log(vector)
