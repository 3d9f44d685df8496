"""From the rows to a minimax fit: special cases, exchanges, HiGHS where these break down."""

from __future__ import annotations

import math

import numpy as np

from minimand._common.iterate import Outcome, drive
from minimand._common.result import Status
from minimand.linear_models import highs
from minimand.linear_models.chebyshev_result import Found, certificates
from minimand.linear_models.exchange import Exchange, Fit, Rows, finish


def solve(rows: Rows, tol: float, limit: int) -> tuple[Fit, Outcome, int, bool]:
    """Return the fit, how it went, the number of exchanges, and whether it is exact."""
    design = rows.design
    done = Outcome(Status.CONVERGED, 0, (), 0.0)
    largest = float(abs(rows.extremes[0]))
    nothing = Fit(rows.start, largest, 0.0, np.empty(0, np.int64), np.empty(0))
    if not math.isfinite(largest):  # coefficients beyond float64
        return nothing, Outcome(Status.NOT_CERTIFIED, 0, (), 0.0), 0, False
    if largest <= rows.rounding(rows.start) or len(design.y) <= design.parameters:
        return nothing, done, 0, True
    if design.X.shape[1] == 0:
        return _constant(rows), done, 0, False
    run = Exchange(rows, tol)
    outcome = drive(run.advance, max_iterations=limit)
    fit = finish(rows, run.fit)
    if outcome.status in (Status.CONVERGED, Status.NOT_CERTIFIED):
        if not _certified(rows, fit, tol):  # rounding: ask HiGHS
            other = finish(rows, highs.minimax(rows, run.fit, tol))
            fit = other if other.gap < fit.gap else fit
        status = Status.CONVERGED if _certified(rows, fit, tol) else Status.NOT_CERTIFIED
        outcome = Outcome(status, outcome.iterations, outcome.history, outcome.seconds)
    return fit, outcome, int(run.state[2]), False


def _certified(rows: Rows, fit: Fit, tol: float) -> bool:
    numbers = found(rows, fit)
    return all(
        certificate.holds
        for certificate in certificates(
            numbers, tol, exact=False, half_width=None, infeasible=False
        )
    )


def found(rows: Rows, fit: Fit) -> Found:
    """Return what the certificates of a fit are made of."""
    rounding = rows.rounding(fit.theta)
    if not fit.dual.any():
        return Found(fit.largest, rounding, 0.0, 0.0)
    return Found(fit.largest, rounding, fit.lower_bound, rows.proven(fit)[1])


def _constant(rows: Rows) -> Fit:
    """Return the mid-range, or 0 without an intercept."""
    y = rows.design.y
    low, high = int(y.argmin()), int(y.argmax())
    if not rows.design.intercept:
        row = low if -y[low] > y[high] else high
        size = float(abs(y[row]))
        return Fit(np.empty(0), size, size, np.array([row]), np.array([np.sign(y[row])]))
    middle = y[low] + (y[high] - y[low]) / 2
    fit = Fit(np.array([middle]), float(max(y[high] - middle, middle - y[low])), 0.0,
              np.array([low, high]), np.array([-0.5, 0.5]))  # fmt: skip
    fit.lower_bound = max(0.0, rows.proven(fit)[0])
    return fit


def is_unique(rows: Rows, fit: Fit, *, exact: bool, width: float | None) -> bool | None:
    """Return whether no other coefficients do as well.

    Rows with a multiplier have the residual +-h in every best fit; where they span all directions,
    there is no other fit. Where they do not and no other row is at the bound, there is.
    """
    if exact and width is None:
        return True
    if width is not None and not width <= fit.largest:  # the set has an inner point
        return False
    p = rows.design.parameters
    held = fit.reference[np.abs(fit.dual) > 1e-10]
    if p == 0 or np.linalg.matrix_rank(rows.matrix(held)) == p:
        return True
    size = np.abs(rows.residuals(fit.reference, fit.theta))
    others = np.setdiff1d(rows.largest(fit.theta)[0], held)
    if len(others) and np.abs(rows.residuals(others, fit.theta)).max() >= fit.largest * (1 - 1e-9):
        return None
    return False if len(size) else None
