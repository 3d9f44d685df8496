"""Certificates of a quantile fit, computed anew from the data in plain NumPy.

For rho(r) = max(tau r, (tau - 1) r) and any psi with (tau - 1) w <= psi <= tau w,

    sum_i w_i rho(y_i - x_i'theta) >= sum_i psi_i (y_i - x_i'theta) = psi'y - theta'(X'psi)

for all theta. With X'psi = 0 the right-hand side is the same number for all of them, and the excess
of the objective over it is a sum of terms w_i rho(r_i) - psi_i r_i, none of them negative.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minimand._common.arrays import Floats, as_matrix, as_vector, check_nonnegative
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate, Status
from minimand.linear_models.quantile_result import certificates, exact_certificates

if TYPE_CHECKING:
    from minimand.linear_models.quantile_result import QuantileResult

UNIT = 2.0**-53
_BLOCK = 1 << 14  # rows that are looked at together


def recompute(
    result: QuantileResult, X: object, y: object, weights: object
) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the data alone show them.

    Raises
    ------
    ValueError
        The data have another shape than the result.
    CertificateError
        A number of the result is not what the data show.
    """
    matrix = as_matrix("X", X, columns=result.coef.shape[0])
    targets = as_vector("y", y, length=matrix.shape[0], like="X")
    w = np.ones(len(targets))
    if weights is not None:
        w = as_vector("weights", weights, length=len(targets), like="X")
        check_nonnegative("weights", w)
    if result.dual.shape != targets.shape:
        raise ValueError(f"X has {len(targets)} rows but the result is for {len(result.dual)}")
    with np.errstate(all="ignore"):  # what is not finite fails
        return _recompute(result, matrix, targets, w)


def _recompute(result: QuantileResult, X: Floats, y: Floats, w: Floats) -> tuple[Certificate, ...]:
    tau, psi = result.quantile, result.dual
    r, level = _residuals(X, y, result.coef, result.intercept)
    objective = _sum(w * np.maximum(tau * r, (tau - 1.0) * r))
    rounding = _sum(w * level)
    exact = result.status is Status.EXACT_FIT
    used = w > 0.0

    problems = []
    if not abs(result.objective - objective) <= rounding:
        problems.append(f"objective is {objective:.17g}, recorded was {result.objective:.17g}")
    problems += _likelihood(result, objective, _sum(w), rounding)
    if exact:
        proof = exact_certificates(
            float((np.abs(r) / np.where(level > 0.0, level, 1.0))[used].max())
        )
    else:
        upper, lower = tau * w, (tau - 1.0) * w
        box = float(np.maximum(np.maximum(psi - upper, lower - psi), 0.0).max())
        excess = _sum(np.where(r > 0.0, r * (upper - psi), r * (lower - psi)))
        # A sum of rounded terms differs by its own rounding; X'psi = 0 is exact in no order.
        resolution = rounding / objective
        proof = certificates(
            box,
            _stationarity(X, psi, result.has_intercept),
            excess / objective,
            result.tol,
            resolution,
        )
        gap = excess / objective
        if not abs(result.gap - gap) <= resolution + 1e-9 * gap:
            problems.append(f"gap is {gap:.6g}, recorded was {result.gap:.6g}")
    if result.basis is not None:
        problems += _basis(result, r, level, used)
    if result.unique and not exact:
        problems += _unique(result, X, w)
    if result.other_coef is not None:
        problems += _other(result, X, y, w, objective)
    if problems:
        raise CertificateError(f"QuantileResult does not verify: {'; '.join(problems)}")
    return proof


def _residuals(X: Floats, y: Floats, coef: Floats, intercept: float) -> tuple[Floats, Floats]:
    """Return r and what may be its rounding error, in blocks: there is no copy of X."""
    r = y - (X @ coef + intercept)
    size = np.abs(y) + abs(intercept)
    for begin in range(0, len(y), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        size[part] += np.abs(X[part]) @ np.abs(coef)
    # Where a coefficient is 0 but for rounding, other rows decide what is left of it.
    return r, 4 * (len(coef) + 3) * UNIT * (size + 4 * UNIT * _largest(X, y, coef, intercept))


def _largest(X: Floats, y: Floats, coef: Floats, intercept: float) -> float:
    """Return a bound of the terms of a residual."""
    peak = np.maximum(X.max(axis=0), -X.min(axis=0))
    return float(peak @ np.abs(coef)) + abs(intercept) + float(np.abs(y).max())


def _stationarity(X: Floats, psi: Floats, intercept: bool) -> float:
    total, size = np.zeros(X.shape[1] + 1), np.zeros(X.shape[1] + 1)
    for begin in range(0, len(psi), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        total[:-1] += X[part].T @ psi[part]
        size[:-1] += np.abs(X[part]).T @ np.abs(psi[part])
    total[-1], size[-1] = math.fsum(psi), np.abs(psi).sum()
    # A column may meet no dual variables but zeros that are rounded.
    size[:-1] = np.maximum(size[:-1], np.maximum(X.max(axis=0), -X.min(axis=0)) * np.abs(psi).max())
    if not intercept:
        total, size = total[:-1], size[:-1]
    return float((np.abs(total) / np.where(size > 0.0, size, 1.0)).max())


def _likelihood(result: QuantileResult, objective: float, W: float, rounding: float) -> list[str]:
    tau = result.quantile
    if result.status is Status.EXACT_FIT:
        stated = result.log_likelihood == math.inf and result.noise_scale == 0.0
        return [] if stated else ["the fit is exact, but the likelihood is stated to be bounded"]
    mean = objective / W
    scale = 2.0 * mean if tau == 0.5 else mean
    value = W * (math.log(tau * (1.0 - tau)) - math.log(mean)) - W
    relative = rounding / objective + 1e-12
    problems = []
    if not abs(result.noise_scale - scale) <= relative * scale:
        problems.append(f"noise_scale is {scale:.17g}, recorded was {result.noise_scale:.17g}")
    if not abs(result.log_likelihood - value) <= relative * (W + abs(value)):
        problems.append(
            f"log_likelihood is {value:.17g}, recorded was {result.log_likelihood:.17g}"
        )
    return problems


def _basis(result: QuantileResult, r: Floats, level: Floats, used: np.ndarray) -> list[str]:
    basis = result.basis
    assert basis is not None
    if len(basis) and not (basis.min() >= 0 and basis.max() < len(r) and used[basis].all()):
        return ["basis names rows that do not exist or have no weight"]
    missed = basis[~(np.abs(r[basis]) <= level[basis])]
    return [f"the residual of row {missed[0]} of the basis does not vanish"] if len(missed) else []


def _unique(result: QuantileResult, X: Floats, w: Floats) -> list[str]:
    """Rows with psi strictly inside the box vanish for every optimum, so they have to span."""
    tau, psi = result.quantile, result.dual
    inside = np.flatnonzero((psi > (tau - 1.0) * w) & (psi < tau * w))
    kept = np.setdiff1d(np.arange(X.shape[1]), result.aliased)
    A = X[np.ix_(inside, kept)]
    if result.has_intercept:
        A = np.column_stack([A, np.ones(len(A))])
    if not A.shape[1]:
        return []
    if not A.shape[0]:
        return ["unique is stated, but no dual variable is inside its box"]
    A = A / np.where(A.any(axis=0), np.abs(A).max(axis=0), 1.0)
    A = A / np.where(A.any(axis=1), np.abs(A).max(axis=1), 1.0)[:, None]
    rank = int(np.linalg.matrix_rank(A, tol=1e-13 * max(A.shape)))
    if rank < A.shape[1]:
        return [f"unique is stated, but the dual variables prove {rank} of {A.shape[1]} parameters"]
    return []


def _other(result: QuantileResult, X: Floats, y: Floats, w: Floats, objective: float) -> list[str]:
    assert result.other_coef is not None
    assert result.other_intercept is not None
    r, level = _residuals(X, y, result.other_coef, result.other_intercept)
    tau = result.quantile
    other = _sum(w * np.maximum(tau * r, (tau - 1.0) * r))
    if not abs(other - objective) <= 1e-9 * objective + _sum(w * level):
        return [f"the other coefficients have objective {other:.17g}, not {objective:.17g}"]
    return []


def _sum(values: Floats) -> float:
    """Return the sum with two roundings: of its block, and of the whole."""
    blocks = (values[begin : begin + _BLOCK] for begin in range(0, len(values), _BLOCK))
    return math.fsum(math.fsum(block.tolist()) for block in blocks)
