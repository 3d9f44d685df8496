"""Certificates of `sgd`, recomputed from the data in plain NumPy and SciPy.

Nothing here is shared with the solver: neither its kernels nor its dual points.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from numpy.typing import NDArray

from minimand._common.result import Certificate

if TYPE_CHECKING:
    from minimand.sgd.result import SGDResult

Array = NDArray[np.float64]


@np.errstate(all="ignore")
def recompute(result: SGDResult, X: Any, y: object, weights: object) -> tuple[Certificate, ...]:
    """Return all certificates of `result`, computed from the data as the user gave them."""
    from minimand.sgd.result import certificates

    rows = scipy.sparse.csr_array(X) if scipy.sparse.issparse(X) else np.asarray(X)
    rows = rows.astype(np.float64, copy=False)
    target = np.asarray(y, dtype=np.float64)
    share = np.ones(len(target)) if weights is None else np.asarray(weights, dtype=np.float64)
    share = share / share.max() / (share / share.max()).sum()
    own = (target[:, None] == np.asarray(result.classes)).astype(float)  # what was observed

    margins = rows @ result.coef.T + result.intercept
    mean, loss = _model(result.loss, margins, target, own)
    w = result.coef
    penalty = 0.5 * result.l2 * float((w * w).sum()) + result.l1 * float(np.abs(w).sum())
    fun = float(share @ loss) + penalty
    gradient, unbalanced, slack = math.nan, 0.0, 0.0
    exact = result.loss == "squared" and result.l1 == 0.0 and result.gradient_norm is not None
    if exact or result.l1 == result.l2 == 0.0:
        a = _signs(margins, target) if result.loss == "absolute" else _miss(mean, target, own)
        slope = (rows.T @ (share[:, None] * a if a.ndim == 2 else share * a)).T + result.l2 * w
        constant = share @ a if result.fit_intercept else np.zeros_like(share @ a)
        gradient = math.hypot(float(np.linalg.norm(slope)), float(np.linalg.norm(constant)))
        slack = _slack(result, rows, share, a, gradient)
        dual = highest = -math.inf
        if exact and math.isfinite(result.gap):
            # where the rows hardly differ, rounding decides: a bound between these two is right
            excess, least = _excess(result, rows, share, slope, float(constant))
            dual, highest = fun - excess, fun - least
    else:
        dual, unbalanced = _best_dual(result, rows, target, own, share, margins)
        highest = dual
    gap = max(fun - dual, 0.0)
    if fun - dual < -1e-12 * max(1.0, abs(fun)):
        gap = math.nan  # a bound above the objective is none
    return certificates(
        gap=gap,
        fun=fun,
        tol=result.tol_gap,
        unbalanced=unbalanced,
        gradient=gradient,
        stated=max(
            _difference(result.fun, fun, fun),
            _difference(max(result.dual, highest) if exact else result.dual, highest, fun),
            _difference(result.gap, max(result.fun - result.dual, 0.0), fun),
            _distance_difference(result),
            slack,
        ),
    )


def _distance_difference(result: SGDResult) -> float:
    if result.distance_bound is None or result.l2 == 0.0:
        return 0.0 if result.distance_bound is None and result.l2 == 0.0 else math.inf
    bound = math.sqrt(2.0 * result.gap / result.l2)
    return _difference(result.distance_bound, bound, bound)


def _slack(result: SGDResult, rows: Any, c: Array, a: Array, gradient: float) -> float:
    """Return by how much the stated norm differs, relative to the sum of the gradients' norms."""
    if result.gradient_norm is None or result.loss == "absolute":  # rounding turns its signs
        return 0.0
    squares = rows.multiply(rows) if scipy.sparse.issparse(rows) else rows * rows
    lengths = np.sqrt(np.asarray(squares.sum(axis=1)).reshape(-1) + 1.0)
    reach = float(c @ (lengths * np.abs(a).reshape(len(c), -1).sum(axis=1)))
    return _difference(result.gradient_norm, gradient, reach)


def _difference(stated: float, found: float, fun: float) -> float:
    if stated == found:
        return 0.0
    difference = abs(stated - found) / max(1.0, abs(found), abs(fun))
    return difference if math.isfinite(difference) else math.inf


def _model(loss: str, m: Array, y: Array, own: Array) -> tuple[Array, Array]:
    """Return the mean under the model and the loss of each row."""
    if loss == "softmax":
        z = np.exp(m - m.max(axis=1, keepdims=True))
        mean = z / z.sum(axis=1, keepdims=True)
        return mean, np.log(z.sum(axis=1)) + m.max(axis=1) - (own * m).sum(axis=1)
    if loss == "logistic":
        return 1.0 / (1.0 + np.exp(-m)), np.logaddexp(0.0, m) - own[:, 1] * m
    if loss == "poisson":
        return np.exp(m), np.exp(m) - y * m
    return m, np.abs(m - y) if loss == "absolute" else 0.5 * (m - y) ** 2


def _miss(mean: Array, y: Array, own: Array) -> Array:
    """Return mean - observation."""
    if own.shape[1] == 0:
        return np.asarray(mean - y)
    return np.asarray(mean - (own if mean.ndim == 2 else own[:, 1]))


def _signs(m: Array, y: Array) -> Array:
    """Return the sign of m - y, 0 where it is rounding."""
    return np.where(np.abs(m - y) <= 1e-13 * (np.abs(m) + np.abs(y)), 0.0, np.sign(m - y))


def _best_dual(
    result: SGDResult, rows: Any, y: Array, own: Array, c: Array, m: Array
) -> tuple[float, float]:
    """Return the lower bound, and |sum c a| of the dual point that proves it."""
    if result.loss == "absolute":
        unit = float(c @ np.abs(m - y))
        widths = [unit * 2.0**-k for k in range(21)] if unit > 0 else [0.0]
        points = [np.clip((m - y) / s, -1, 1) if s > 0 else np.sign(m - y) for s in widths]
        if result.fit_intercept:
            points = [_two_sided(a, c) for a in points]
    elif not result.fit_intercept:
        points = [_miss(_model(result.loss, m, y, own)[0], y, own)]
    elif result.loss == "squared":
        points = [m - y - c @ (m - y)]
    elif result.loss == "poisson":
        mu = np.exp(m - m.max())
        points = [mu * ((c @ y) / (c @ mu)) - y]
    else:
        points = [_matched(result.loss, m, own, c)]
    values = [_dual_value(result, rows, y, own, c, a) for a in points]
    best = int(np.argmax(values))
    off = np.abs(c @ points[best]) / np.maximum(c @ np.abs(points[best]), 1.0)
    unbalanced = float(off.max()) if result.fit_intercept else 0.0
    return values[best], unbalanced


def _two_sided(a: Array, c: Array) -> Array:
    """Scale the heavier sign down until both weigh the same."""
    up, down = float(c @ a.clip(min=0.0)), float(c @ (-a).clip(min=0.0))
    if up > down:
        return np.where(a > 0, a * (down / up), a)
    return np.where(a < 0, a * (up / down), a) if down > 0 else a


def _matched(loss: str, m: Array, own: Array, c: Array) -> Array:
    """Return probabilities - observations whose class totals agree, by the best constant terms."""
    z = m if loss == "softmax" else np.column_stack([np.zeros_like(m), m])
    share, b = c @ own, np.zeros(z.shape[1])
    if loss == "logistic":
        b[1] = _constant_term(m, share[1], c)
    else:
        b = _shares(z, share, c)
    q = scipy.special.softmax(z + b, axis=1)
    total = c @ q
    kept = q * np.minimum(1.0, np.divide(share, total, out=np.ones_like(total), where=total > 0))
    lacking = np.maximum(share - c @ kept, 0.0)
    if lacking.sum() > 0:
        kept += (1.0 - kept.sum(axis=1, keepdims=True)) * (lacking / lacking.sum())
    a = kept - own
    return np.asarray(a if loss == "softmax" else a[:, 1])


def _shares(z: Array, share: Array, c: Array) -> Array:
    """Return constant terms with which every class has its share: they minimise a convex sum."""

    def value(b: Array) -> tuple[float, Array]:
        q = np.exp(z + b - (z + b).max(axis=1, keepdims=True))
        total = q.sum(axis=1, keepdims=True)
        loss = np.log(total[:, 0]) + (z + b).max(axis=1)
        return float(c @ loss - share @ b), c @ (q / total) - share

    b = scipy.optimize.minimize(value, np.zeros(len(share)), jac=True, tol=1e-13).x
    for _ in range(20):  # Newton's method, as long as it helps
        q = scipy.special.softmax(z + b, axis=1)
        miss = share - c @ q
        move = np.linalg.pinv(np.diag(c @ q) - (q * c[:, None]).T @ q, rcond=1e-13) @ miss
        if not np.abs(value(b + move)[1]).max() < np.abs(miss).max():
            break
        b = b + move
    return np.asarray(b)


def _constant_term(m: Array, share: float, c: Array) -> float:
    """Return b with sum_i c_i / (1 + exp(-m_i - b)) = share, by bisection."""
    low, high = -float(m.max()) - 750.0, 750.0 - float(m.min())
    for _ in range(100):
        b = 0.5 * (low + high)
        if float(c @ scipy.special.expit(m + b)) < share:
            low = b
        else:
            high = b
    return 0.5 * (low + high)


def _dual_value(result: SGDResult, rows: Any, y: Array, own: Array, c: Array, a: Array) -> float:
    """Return D(a); with l2 = 0, of the multiple of a that is feasible."""
    weighted = c[:, None] * a if a.ndim == 2 else c * a
    v = rows.T @ weighted
    scale, cost = 1.0, 0.0
    if result.l2 > 0:
        cost = float((np.maximum(np.abs(v) - result.l1, 0.0) ** 2).sum()) / (2.0 * result.l2)
    else:
        most = result.l1 / float(np.abs(v).max()) if v.any() else math.inf
        scale = min(1.0, most)
        if result.loss == "squared":
            square = float(c @ (a * a))
            scale = float(np.clip(-float(c @ (a * y)) / square, -most, most)) if square else 0.0
    return -float(c @ _conjugate(result.loss, scale * a, y, own)) - cost


def _conjugate(loss: str, a: Array, y: Array, own: Array) -> Array:
    """Return phi*(a) in every row."""
    xlogy = scipy.special.xlogy
    if loss == "squared":
        return np.asarray(a * (0.5 * a + y))
    if loss == "absolute":
        return np.asarray(np.where(np.abs(a) <= 1.0 + 1e-12, a * y, np.inf))
    if loss == "poisson":
        return np.asarray(np.where(a + y >= 0, xlogy(a + y, a + y) - (a + y), np.inf))
    q = a + own if loss == "softmax" else np.column_stack([own[:, 0] - a, own[:, 1] + a])
    inside = (q >= -1e-15).all(axis=1) & (np.abs(q.sum(axis=1) - 1.0) < 1e-9)
    q = np.maximum(q, 0.0)
    return np.asarray(np.where(inside, xlogy(q, q).sum(axis=1), np.inf))


def _excess(
    result: SGDResult, rows: Any, c: Array, slope: Array, constant: float
) -> tuple[float, float]:
    """Return how far a sum of squares is above its least, and at least is; by normal equations."""
    if scipy.sparse.issparse(rows):
        rows = rows.toarray()
    mean = c @ rows if result.fit_intercept else np.zeros(rows.shape[1])
    Z = (rows - mean) * np.sqrt(c)[:, None]
    size = np.sqrt((Z * Z).sum(axis=0))
    Z[:, size <= 1e-12 * np.abs(mean)] = 0.0
    hessian = Z.T @ Z + result.l2 * np.eye(len(mean))
    unit = np.sqrt(np.diag(hessian))
    usable = unit > 0.0
    hessian = hessian[np.ix_(usable, usable)] / np.outer(unit[usable], unit[usable])
    g = (slope - mean * constant)[usable] / unit[usable]
    values, vectors = np.linalg.eigh(hessian)
    good = values > 1e-12 * values.max(initial=0.0)
    square, rounding = (vectors.T @ g)[good] ** 2, 1e-14 * len(values) * values.max(initial=0.0)
    excess, least = (float((square / (values[good] + e)).sum()) for e in (0.0, rounding))
    return 0.5 * excess + 0.5 * constant**2, 0.5 * least + 0.5 * constant**2
