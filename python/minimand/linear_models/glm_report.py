"""A fit in the user's terms: coefficients, certificates, warnings."""

from __future__ import annotations

import math
import time
import warnings
from typing import TypeVar

import numpy as np
import scipy

from minimand._common.arrays import Floats
from minimand._common.errors import ConditionWarning, ConvergenceWarning, SeparationWarning
from minimand._common.result import Certificate, Status
from minimand.linear_models import separation
from minimand.linear_models.design import Design, warn_of_aliased
from minimand.linear_models.glm import LOGISTIC
from minimand.linear_models.glm_result import GlmResult
from minimand.linear_models.likelihood_fit import Fit, Options
from minimand.linear_models.verification import glm

_ResultType = TypeVar("_ResultType", bound=GlmResult)

_SATURATED = 30.0  # |eta| beyond which a fit that exists deserves a second look
_NOTHING = 1e-10  # of the direction, relative to what was added up


def report(
    kind: type[_ResultType], design: Design, found: Fit, options: Options, start: float
) -> _ResultType:
    """Put a fit into the user's terms, and certify it."""
    # Coefficients
    problem, columns = found.problem, design.columns
    limit_coef, direction = np.zeros(design.user_columns), np.zeros(design.user_columns)
    coefficients, constant = problem.to_user(found.theta)
    limit_coef[columns] = coefficients[: columns.size]
    ahead = 0.0
    if found.direction is not None:
        part, ahead = problem.to_user(found.direction)
        direction[columns] = part[: columns.size]
        size = abs(float(found.direction[-1])) + float(np.abs(problem.shift) @ np.abs(part))
        ahead = ahead if abs(ahead) > _NOTHING * size else 0.0
    coef = np.where(direction == 0.0, limit_coef, np.copysign(np.inf, direction))
    intercept = float(np.copysign(np.inf, ahead)) if ahead else constant

    # Certificates
    objective = found.loss
    likelihood, deviance = _likelihood(design, found, options, limit_coef, objective)
    certificates = _certify(found, options, objective)
    status = found.status
    gap = next((c.value for c in certificates if c.name == "duality gap"), 0.0)
    if found.status is Status.CONVERGED:
        if not all(certificate.holds for certificate in certificates):
            status = Status.NOT_CERTIFIED
        elif found.separated.any():
            whole = bool(found.separated.all())
            status = Status.SEPARATED_COMPLETELY if whole else Status.SEPARATED_QUASI
    elif found.status is Status.UNBOUNDED:
        status = Status.NOT_CERTIFIED
    apart = design.to_user_rows(found.separated.astype(np.float64)) > 0
    unique = None if found.separated.any() else not design.aliased
    return kind(
        status=status, iterations=found.iterations, history=found.history,
        seconds=time.perf_counter() - start, backend=options.backend, certificates=certificates,
        coef=coef, intercept=intercept, objective=objective, log_likelihood=likelihood,
        noise_scale=float("nan"), dual=design.to_user_rows(found.dual), gap=gap, unique=unique,
        aliased=design.aliased, has_intercept=design.intercept, feature_names=design.names,
        deviance=deviance, separated=apart, direction=direction, direction_intercept=ahead,
        limit_coef=limit_coef, limit_intercept=constant, ridge=options.ridge, tol=options.tol,
    )  # fmt: skip


def _likelihood(
    design: Design, found: Fit, options: Options, coef: Floats, objective: float
) -> tuple[float, float]:
    """Return log-likelihood (of counts and classes: with all constants) and deviance."""
    penalty = 0.5 * options.ridge * float(coef @ coef) if options.ridge else 0.0
    loss = objective - penalty
    y, weights, perfect = design.y, design.weights, 0.0
    if options.family == LOGISTIC:
        if found.fractions:
            self_information = -scipy.special.xlogy(y, y) - scipy.special.xlogy(1.0 - y, 1.0 - y)
            perfect = _total(weights, self_information)
        return -loss, 2.0 * (loss - perfect)
    left = ~found.separated
    perfect = _total(weights, np.where(left, y - scipy.special.xlogy(y, y), 0.0))
    return -loss - _total(weights, scipy.special.gammaln(y + 1.0)), 2.0 * (loss - perfect)


def _total(weights: Floats, values: Floats) -> float:
    return float(weights @ values) if weights.size else float(values.sum())


def _certify(found: Fit, options: Options, objective: float) -> tuple[Certificate, ...]:
    """Return the certificates from what the passes of the solver measured."""
    certificates = []
    if found.direction is not None:
        t = found.problem.products(found.direction)
        largest = float(np.abs(t).max())
        rest = float(np.abs(t[~found.separated]).max(initial=0.0)) / largest
        grows = separation.side(found.problem.y, options.family) * t
        wrong = int((grows[found.separated] <= glm.OUTSIDE * largest).sum())
        certificates += glm.separation_certificates(wrong, rest)
    unbalanced = excess = largest_t = 0.0
    problem, dual = found.last, found.dual_point
    if found.status is not Status.CONVERGED and dual is None:
        unbalanced = excess = largest_t = math.inf
    if problem is not None and dual is not None and found.last_theta is not None:
        n = problem.X.shape[1]
        residual = dual.residual - problem.penalty * found.last_theta
        penalised = (problem.penalty > 0) & (np.abs(residual) > glm.ROUNDING * dual.sizes)
        missing = residual[penalised]
        excess = dual.divergence + float(missing @ (missing / problem.penalty[penalised])) / 2.0
        excess /= 1.0 + abs(objective)
        largest_t = dual.largest
        # From the frame to the user's columns: x = z / scale + shift.
        residual, sizes = np.where(penalised, 0.0, residual), dual.sizes.copy()
        residual[:n] /= problem.scale
        sizes[:n] /= problem.scale
        if problem.intercept:
            residual[:n] += problem.shift * residual[n] * ~penalised[:n]
            sizes[:n] = np.maximum(sizes[:n], np.abs(problem.shift) * sizes[n])
        with np.errstate(all="ignore"):
            share = np.where(residual == 0.0, 0.0, np.abs(residual) / sizes)
        unbalanced = float(share.max(initial=0.0))
    certificates += glm.optimality_certificates(unbalanced, largest_t, excess, 0.0, options.tol)
    return tuple(certificates)


def announce(result: GlmResult, design: Design, found: Fit, *, stacklevel: int = 3) -> None:
    """Warn of what the user should not overlook."""
    warn_of_aliased(design, stacklevel=stacklevel + 1)
    if result.separated.any():
        count, m = int(result.separated.sum()), result.separated.size
        infinite = f"{int(np.isinf(result.coef).sum())} coefficients"
        if np.isinf(result.intercept):
            infinite += " and the constant term"
        warnings.warn(
            f"the likelihood has no maximum: {count} of {m} rows are separated (`separated`), and "
            f"{infinite} go to infinity along `direction`; "
            f"limit_coef fits the other rows; ridge > 0 makes all coefficients finite",
            SeparationWarning,
            stacklevel=stacklevel,
        )
    if result.status is Status.MAX_ITERATIONS:
        warnings.warn(
            f"the duality gap {result.gap:.1e} is not below tol={result.tol:g} after "
            f"{result.iterations} iterations; raise max_iterations",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )
    elif result.status is Status.NOT_CERTIFIED:
        warnings.warn(
            f"the duality gap {result.gap:.1e} could not be brought below tol={result.tol:g}; "
            f"raise tol, or rescale the columns of X",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )
    elif found.largest > _SATURATED and found.problem.family == LOGISTIC:
        warnings.warn(
            f"a linear predictor has size {found.largest:.0f}: the fit exists, but some outcomes "
            f"are all but certain under it",
            ConditionWarning,
            stacklevel=stacklevel,
        )
