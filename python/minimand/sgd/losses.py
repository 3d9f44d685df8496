"""Losses, their derivatives and conjugates, and residuals repaired to be a feasible dual point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy

from minimand._common.arrays import Floats

_NEWTON = 60
_NEWTON_CLASSES = 20
_FAR = 750.0  # beyond the margins, where every probability is 0 or 1
_SLIGHT = 1e-13  # an imbalance whose repair changes nothing
_BLOCK = 8192  # rows


def residuals(loss: str, m: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return phi'(m; y), (rows, outputs), and phi(m; y), (rows,)."""
    a, phi = np.empty(m.shape), np.empty(len(y))
    for rows in _blocks(len(y)):
        a[rows], phi[rows] = _residuals(loss, m[rows], y[rows])
    return a, phi


def _blocks(rows: int) -> Iterator[slice]:
    """Cut rows into pieces whose temporary arrays stay in cache."""
    for begin in range(0, rows, _BLOCK):
        yield slice(begin, begin + _BLOCK)


def _residuals(loss: str, m: Floats, y: Floats) -> tuple[Floats, Floats]:
    if loss == "softmax":
        p = scipy.special.softmax(m, axis=1)
        rows, label = np.arange(len(y)), y.astype(np.int64)
        phi = scipy.special.logsumexp(m, axis=1) - m[rows, label]
        p[rows, label] -= 1.0
        return p, phi
    z = m[:, 0]
    if loss == "squared":
        a = z - y
        phi = 0.5 * a * a
    elif loss == "logistic":
        a, phi = -y * scipy.special.expit(-y * z), np.logaddexp(0.0, -y * z)
    elif loss == "poisson":
        mean = np.exp(z)
        a, phi = mean - y, mean - y * z
    else:
        a, phi = np.sign(z - y), np.abs(z - y)
    return a[:, np.newaxis], phi


def least_poisson(y: Floats) -> Floats:
    """Return the least e^m - y m over m in every row."""
    return np.asarray(y - scipy.special.xlogy(y, y))


def conjugate(loss: str, a: Floats, y: Floats, c: Floats, t: float = 1.0) -> float:
    """Return sum_i c_i phi*(t a_i; y_i), infinite outside the domain."""
    return sum(float(c[rows] @ _conjugate(loss, t * a[rows], y[rows])) for rows in _blocks(len(y)))


def _conjugate(loss: str, a: Floats, y: Floats) -> Floats:
    entropy = scipy.special.entr
    if loss == "softmax":
        q = a.copy()
        q[np.arange(len(y)), y.astype(np.int64)] += 1.0
        return np.asarray(-entropy(q).sum(axis=1))
    s = a[:, 0]
    if loss == "squared":
        return np.asarray(0.5 * s * s + s * y)
    if loss == "logistic":
        p = -y * s
        return np.asarray(-entropy(p) - entropy(1.0 - p))
    if loss == "poisson":
        return np.asarray(-entropy(s + y) - (s + y))
    return np.asarray(s * y)


def imbalance(a: Floats, c: Floats) -> float:
    """Return |sum_i c_i a_i|, of residuals with a mean size above 1 relative to that."""
    return float((np.abs(c @ a) / np.maximum(c @ np.abs(a), 1.0)).max())


def balanced(loss: str, m: Floats, y: Floats, c: Floats) -> Floats:
    """Return residuals whose weighted sum is 0: those of the best constant term, then repaired."""
    if loss == "squared":
        a = m[:, 0] - y
        return np.asarray((a - c @ a)[:, np.newaxis])
    if loss == "poisson":
        top = m[:, 0].max()
        mean = np.exp(m[:, 0] - top)
        return np.asarray((mean * ((c @ y) / (c @ mean)) - y)[:, np.newaxis])
    if loss == "softmax":
        return _balanced_classes(m, y, c)
    return _balanced_signs(m[:, 0], y, c)


def _balanced_signs(m: Floats, y: Floats, c: Floats) -> Floats:
    """Logistic: the best constant term, then the heavier class is scaled down.

    Newton's method between bounds, bisection where it leaves them.
    """
    p, shift = np.empty(len(y)), 0.0
    low, high = -float(m.max()) - _FAR, _FAR - float(m.min())
    for _ in range(_NEWTON):
        positive = negative = curve = 0.0
        for rows in _blocks(len(y)):
            p[rows] = part = scipy.special.expit(-y[rows] * (m[rows] + shift))
            share = c[rows] * part
            up = float(share @ (y[rows] > 0.0))
            positive, negative = positive + up, negative + float(share.sum()) - up
            curve += float(share @ (1.0 - part))
        if not abs(positive - negative) > _SLIGHT:
            break
        low, high = (shift, high) if positive > negative else (low, shift)
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        newton = shift + (positive - negative) / curve if curve > 0.0 else np.inf
        shift = newton if low < newton < high else middle
    heavy, light = max(positive, negative), min(positive, negative)
    if heavy > 0.0:
        p[(y > 0.0) == (positive > negative)] *= light / heavy
    return np.asarray((-y * p)[:, np.newaxis])


def _newton(m: Floats, c: Floats, share: Floats, start: Floats) -> tuple[Floats, bool]:
    """Return constant terms whose classes have their shares, and whether they do; else `start`."""
    shift = start.copy()
    for _ in range(_NEWTON_CLASSES):
        q = scipy.special.softmax(m + shift, axis=1)
        total = c @ q
        if np.abs(total - share).max() <= _SLIGHT:
            return shift, True
        curve = np.diag(total) - (c[:, np.newaxis] * q).T @ q
        step = np.linalg.lstsq(curve, share - total, rcond=1e-13)[0]
        if not np.isfinite(step).all():
            break
        shift += np.clip(step, -4.0, 4.0)
    return start, False


def _balanced_classes(m: Floats, y: Floats, c: Floats) -> Floats:
    """Softmax: row by row, move probability from classes with too much to those with too little.

    The best constant terms come first: by Newton's method, where that fails by BFGS before it.
    """
    classes = m.shape[1]
    own = y[:, np.newaxis] == np.arange(classes)
    share = c @ own

    def slope(shift: Floats) -> tuple[float, Floats]:
        value = float(c @ scipy.special.logsumexp(m + shift, axis=1) - share @ shift)
        return value, c @ scipy.special.softmax(m + shift, axis=1) - share

    shift, found = _newton(m, c, share, np.zeros(classes))
    if not found:
        shift = scipy.optimize.minimize(slope, np.zeros(classes), jac=True, tol=_SLIGHT).x
        shift, _ = _newton(m, c, share, shift)
    q = scipy.special.softmax(m + shift, axis=1)
    total = c @ q
    kept = np.where(total > share, share / total, 1.0)
    freed = (q * (1.0 - kept)).sum(axis=1, keepdims=True)
    wanted = np.maximum(share - total, 0.0)
    q *= kept
    if wanted.sum() > 0:
        q += freed * (wanted / wanted.sum())
    return np.asarray(q - own)
