"""Certificates of logistic and Poisson fits, recomputed from the data in plain NumPy.

Nothing here is shared with the solver: neither its frame of columns nor its kernels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import scipy
from numpy.typing import NDArray

from minimand._common.result import Certificate

if TYPE_CHECKING:
    from minimand.linear_models.glm_result import GlmResult

Array = NDArray[np.float64]

_UNIT = 2.0**-53
_TINY = 1e-290  # means that may underflow
FEASIBLE = 1e-10
ROUNDING = 1e-12  # relative to sum w |x|: an imbalance that counts as one, not as a gap
EXISTENCE = 0.5
OUTSIDE = 1e-12


def recompute(
    result: GlmResult, X: object, y: object, weights: object, exposure: object
) -> tuple[Certificate, ...]:
    """Return all certificates of `result`, computed from the data as the user gave them."""
    from minimand.linear_models.glm_result import PoissonResult

    rows, target = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    weight = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
    offset = np.zeros(len(rows))
    if exposure is not None:
        offset = np.log(np.asarray(exposure, dtype=np.float64))
    poisson = isinstance(result, PoissonResult)

    used = (weight > 0) & ~result.separated
    certificates = []
    if result.separated.any():
        certificates += _separation(result, rows, target, weight, poisson)
    certificates += _optimality(
        result, rows[used], target[used], weight[used], offset[used], result.dual[used], poisson
    )
    return tuple(certificates)


def _separation(
    result: GlmResult, X: Array, y: Array, weight: Array, poisson: bool
) -> list[Certificate]:
    S, counts = result.separated, weight > 0
    t = X @ result.direction + result.direction_intercept
    largest = float(np.abs(t[counts]).max(initial=0.0))
    rest = float(np.abs(t[counts & ~S]).max(initial=0.0))
    grows = np.where(y == 0.0, -1.0, np.where((y == 1.0) & (not poisson), 1.0, 0.0))
    wrong = int((grows * t <= OUTSIDE * largest)[S].sum()) + int((S & ~counts).sum())
    return separation_certificates(wrong, rest / largest if largest > 0 else math.inf)


def separation_certificates(wrong: int, motion: float) -> list[Certificate]:
    """Return what proves a separation."""
    return [
        Certificate(
            "wrong sides",
            float(wrong),
            0.0,
            "separated rows whose likelihood does not grow along the direction",
        ),
        Certificate(
            "motion of other rows",
            motion,
            OUTSIDE,
            "the direction leaves all other rows where they are",
            resolution=OUTSIDE / 2,
        ),
    ]


def optimality_certificates(
    unbalanced: float, largest: float, gap: float, difference: float, tol: float
) -> list[Certificate]:
    """Return what proves that a maximum exists and how near the fit is to it."""
    return [
        Certificate(
            "dual feasibility",
            unbalanced,
            FEASIBLE,
            "max_j |X'W(y - q)|_j / sum_i w_i |x_ij| over what is not penalised",
            resolution=1e-12,
        ),
        Certificate(
            "existence",
            largest,
            EXISTENCE,
            "q = mu + V t is strictly inside its range, so the maximum exists",
            resolution=1e-5,
        ),
        Certificate(
            "duality gap",
            gap,
            tol,
            "objective - minimum, relative to 1 + |objective|",
            resolution=1e-14,
        ),
        Certificate(
            "stated numbers",
            difference,
            1e-10,
            "difference between the objective, log-likelihood and deviance of the result and "
            "those of its coefficients",
            resolution=1e-10,
        ),
    ]


def _optimality(
    result: GlmResult, X: Array, y: Array, weight: Array, offset: Array, dual: Array, poisson: bool
) -> list[Certificate]:
    eta = X @ result.limit_coef + result.limit_intercept + offset
    with np.errstate(all="ignore"):
        if poisson:
            mu = variance = np.exp(eta)
            miss, loss = y - mu, mu - y * eta
        else:
            mu, rest = 1.0 / (1.0 + np.exp(-eta)), 1.0 / (1.0 + np.exp(eta))
            variance = mu * rest
            miss = y * rest - (1.0 - y) * mu
            loss = np.logaddexp(0.0, eta) - y * eta
        move = miss - dual  # q - mu; what rounding alone explains is none
        noise = 8 * _UNIT * (np.abs(miss) + (1.0 + np.abs(eta)) * variance) + _TINY
        t = np.where(np.abs(move) <= noise, 0.0, move / variance)
        if poisson:
            exact = mu * ((1.0 + t) * np.log1p(t) - t)
        else:
            up, down = rest * t, -mu * t  # q = mu (1 + up), 1 - q = rest (1 + down)
            exact = mu * (1.0 + up) * np.log1p(up) + rest * (1.0 + down) * np.log1p(down)
        bound = variance * t * t * (1.0 + np.abs(t)) / 2.0
        divergence = float(weight @ np.where(np.abs(t) < 1e-4, bound, exact))

    penalty = 0.0
    if result.ridge > 0:
        penalty = 0.5 * result.ridge * float(result.limit_coef @ result.limit_coef)
    objective = float(weight @ loss) + penalty
    balance = (weight * dual) @ X  # X'W(y - q)
    sizes = weight @ np.abs(X)
    free, unit = np.abs(balance), sizes
    if result.ridge > 0:
        missing = result.ridge * result.limit_coef - balance
        slight = np.abs(missing) <= ROUNDING * sizes
        divergence += float(missing[~slight] @ missing[~slight]) / (2.0 * result.ridge)
        free, unit = np.abs(missing[slight]), sizes[slight]
    if result.has_intercept:
        free = np.append(free, abs(float(weight @ dual)))
        unit = np.append(unit, weight.sum())
    with np.errstate(all="ignore"):
        unbalanced = float(np.where(free > 0, free / unit, 0.0).max(initial=0.0))
    return optimality_certificates(
        unbalanced,
        float(np.abs(t).max(initial=0.0)),
        divergence / (1.0 + abs(objective)),
        _stated(result, y, weight, objective, penalty, poisson=poisson),
        result.tol,
    )


def _stated(
    result: GlmResult, y: Array, weight: Array, objective: float, penalty: float, *, poisson: bool
) -> float:
    """Return the largest relative difference; infinite where infinities are not as they must be."""
    likelihood, perfect = -(objective - penalty), float(weight @ (scipy.special.xlogy(y, y) - y))
    if poisson:
        likelihood -= float(weight @ scipy.special.gammaln(y + 1.0))
        perfect -= float(weight @ scipy.special.gammaln(y + 1.0))
    else:
        perfect = float(
            weight @ (scipy.special.xlogy(y, y) + scipy.special.xlogy(1.0 - y, 1.0 - y))
        )
    size = 1.0 + abs(objective) + abs(likelihood)
    differences = [
        abs(result.objective - objective) / size,
        abs(result.log_likelihood - likelihood) / size,
        abs(result.deviance - 2.0 * (perfect - likelihood)) / size,
    ]
    stated = np.append(result.coef, result.intercept)
    limit = np.append(result.limit_coef, result.limit_intercept)
    direction = np.append(result.direction, result.direction_intercept)
    expected = np.where(direction == 0.0, limit, np.copysign(np.inf, direction))
    if not np.array_equal(stated, expected):
        return math.inf
    return max(differences)
