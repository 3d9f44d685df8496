"""The public minimax fit: maximum likelihood under uniform noise."""

from __future__ import annotations

import math
import time
import warnings

import numpy as np

from minimand._common.arrays import Floats, boolean, nonnegative_float, positive_float, positive_int
from minimand._common.backend import Backend, kernels
from minimand._common.errors import ConvergenceWarning
from minimand._common.iterate import Outcome
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.linear_models import half_width as feasible
from minimand.linear_models.chebyshev_result import ChebyshevResult, Found, certificates
from minimand.linear_models.chebyshev_solve import found as found_by
from minimand.linear_models.chebyshev_solve import is_unique, solve
from minimand.linear_models.design import Design, make_design, warn_of_aliased
from minimand.linear_models.exchange import Fit, Rows, independent_rows


def chebyshev_fit(
    X: object,
    y: object,
    *,
    half_width: float | None = None,
    intercept: bool = True,
    intervals: bool = False,
    tol: float = 1e-12,
    max_iterations: int = 1000,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> ChebyshevResult:
    """Fit a linear model with the smallest largest residual, and prove that none is smaller.

    Minimises over (coef, b0)

        max_i |y_i - X_i coef - b0|

    with b0 = 0 unless `intercept`: the maximum-likelihood fit when the noise is uniform on
    [-a, a] and a is not known.

    Parameters
    ----------
    X : array_like (m, n)
        One row for each observation.
    y : array_like (m,)
        The targets.
    half_width : float, optional
        a, where it is known. Then all coefficients with |r| <= a are equally likely, or none is
        possible; the result says which, and proves it.
    intercept : bool
        Whether to fit a constant term.
    intervals : bool
        With `half_width`: also the least and the largest possible value of each coefficient, by
        two linear programs each.
    tol : float
        The relative gap (max |r| - lower bound) / max |r| to certify, beyond the rounding of r.
    max_iterations : int
        Limit on the passes over all rows.
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    ChebyshevResult
        Coefficients, the largest residual, a lower bound for that of every other fit and the dual
        that proves it; `result.verify(X, y)` checks all of it in plain NumPy.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    One outlier decides the whole fit: this is the right model for rounding errors and tolerances,
    not for data with gross errors. Sources: Stiefel, Numer. Math. 1 (1959) 1; Barrodale, Phillips,
    ACM Trans. Math. Softw. 1 (1975) 264; de la Vallée Poussin, Ann. Soc. Sci. Bruxelles 35 (1911).

    Examples
    --------
    >>> import minimand
    >>> fit = minimand.chebyshev_fit([[0.0], [1.0], [2.0]], [0.0, 4.0, 2.0])
    >>> fit.coef.round(6), round(fit.intercept, 6), round(fit.objective, 6)
    (array([1.]), 1.5, 1.5)
    >>> minimand.chebyshev_fit([[0.0], [1.0], [2.0]], [0.0, 4.0, 2.0], half_width=2.0).slack
    0.5
    """
    # Check
    start = time.perf_counter()
    intercept = boolean("intercept", intercept)
    intervals = boolean("intervals", intervals)
    tol = positive_float("tol", tol)
    max_iterations = positive_int("max_iterations", max_iterations)
    width = None if half_width is None else nonnegative_float("half_width", half_width)
    if intervals and width is None:
        raise ValueError("intervals is True, expected a half_width with it")
    compiled = kernels("linear_models", backend)
    workers = resolve_threads(threads)

    # Convert
    design = make_design(X, y, weights=None, intercept=intercept, threads=threads, backend=backend)

    # Drive
    rows = Rows(design, compiled, workers)
    fit, outcome, exchanges, exact = solve(rows, tol, max_iterations)
    return _report(
        rows, fit, outcome, exchanges, exact=exact, tol=tol, width=width, wanted=intervals,
        backend=backend, start=start,
    )  # fmt: skip


def _report(
    rows: Rows,
    fit: Fit,
    outcome: Outcome,
    exchanges: int,
    *,
    exact: bool,
    tol: float,
    width: float | None,
    wanted: bool,
    backend: str,
    start: float,
) -> ChebyshevResult:
    """Certify, put the fit into the user's terms, and warn."""
    design = rows.design
    m, found = len(design.y), found_by(rows, fit)
    status = outcome.status
    possible = width is None or found.largest <= width + found.rounding
    infeasible = width is not None and width < found.lower_bound
    if exact and (width is None or width == 0):
        status = Status.EXACT_FIT
    elif infeasible:
        status = Status.INFEASIBLE
    elif status.ok and not possible:
        status = Status.NOT_CERTIFIED  # the half-width lies in the gap

    proof = None
    if wanted and width is not None and possible:
        if exact:
            fit.reference = independent_rows(rows)
            fit.dual = np.zeros(len(fit.reference))
        proof = feasible.intervals(rows, fit, width)
        if proof is None:
            status = Status.NOT_CERTIFIED
    if proof is not None:
        found = Found(found.largest, found.rounding, found.lower_bound, found.balance, 0.0,
                      proof.balance)  # fmt: skip
    dual = np.zeros(m)
    dual[fit.reference] = fit.dual
    coef, constant = design.coefficients(fit.theta)
    scale = 0.0 if exact else found.largest
    if width is not None:
        scale = width
    likelihood = math.inf if scale == 0 else -m * math.log(2 * scale)
    if width is not None and not possible:
        likelihood = -math.inf
    result = ChebyshevResult(
        status=status,
        iterations=outcome.iterations,
        history=outcome.history,
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=certificates(found, tol, exact=exact, half_width=width, infeasible=infeasible),
        coef=coef,
        intercept=constant,
        objective=found.largest,
        log_likelihood=likelihood,
        noise_scale=scale,
        dual=dual,
        gap=0.0 if exact else found.gap,
        unique=is_unique(rows, fit, exact=exact, width=width),
        aliased=design.aliased,
        has_intercept=design.intercept,
        feature_names=design.names,
        lower_bound=found.lower_bound,
        reference=fit.reference,
        half_width=width,
        slack=None if width is None else width - found.largest,
        intervals=None if proof is None else _of_user(design, proof.ends),
        interval_rows=None if proof is None else proof.rows,
        interval_duals=None if proof is None else proof.duals,
        exchanges=exchanges,
        tol=tol,
    )
    warn_of_aliased(design, stacklevel=4)
    _warn(result, wanted and proof is None)
    return result


def _of_user(design: Design, ends: Floats) -> Floats:
    """Return the intervals of the user's columns; those that were left out stay at 0."""
    n = design.X.shape[1]
    full = np.zeros((design.user_columns + design.intercept, 2))
    full[design.columns] = ends[:n]
    full[design.user_columns :] = ends[n:]
    return full


def _warn(result: ChebyshevResult, no_intervals: bool) -> None:
    """Say what was not reached, and which knob to turn."""
    status, a = result.status, result.half_width
    reached = result.gap <= result.certificates[0].bound
    if status in (Status.CONVERGED, Status.EXACT_FIT):
        return
    if status is Status.INFEASIBLE:
        text = (
            f"half_width is {a:.6g}, but every fit has a residual of at least "
            f"{result.lower_bound:.6g}; coef is the fit with the smallest largest residual"
        )
    elif reached and a is not None and a < result.objective:
        text = (
            f"half_width is {a:.17g}, between the lower bound {result.lower_bound:.17g} and the "
            f"largest residual {result.objective:.17g}: float64 cannot tell whether it is possible"
        )
    elif reached and no_intervals:
        text = "HiGHS could not solve the linear programs for the intervals; there are none"
    else:
        knob = "this is as far as float64 goes here, ask for a larger tol"
        if status is Status.MAX_ITERATIONS:
            knob = "raise max_iterations, or ask for a larger tol"
        text = (
            f"the gap is {result.gap:.1e}, above tol = {result.tol:.1e}: {status.value} "
            f"To get further, {knob}."
        )
    warnings.warn(text, ConvergenceWarning, stacklevel=4)
