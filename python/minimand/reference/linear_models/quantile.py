"""Quantile regression: Frisch–Newton steps, and the passes over the rows around them.

minimise ``sum_i rho(y_i - x_i' theta)``, ``rho(r) = w max(tau r, (tau - 1) r)``. The dual is

    maximise y'a  subject to  X'a = (1 - tau) X'w,  0 <= a <= w,    psi = a - (1 - tau) w.

R. Koenker, S. Portnoy, Statist. Sci. 12 (1997) 279; S. Mehrotra, SIAM J. Optim. 2 (1992) 575.
"""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

BACK_OFF = 0.99995  # of the step to the boundary
CONDITION = 1e-7  # ratio of the Cholesky diagonal below which its squares have lost half the digits


def _predicted(X: Array, theta: Array, intercept: bool) -> Array:
    n = X.shape[1]
    values: Array = X @ theta[:n]
    return values + theta[n] if intercept else values


def _times_rows(X: Array, values: Array, intercept: bool) -> Array:
    return np.append(X.T @ values, values.sum()) if intercept else np.asarray(X.T @ values)


def quantile_residuals(
    X: Array, y: Array, intercept: bool, theta: Array, r: Array, threads: int
) -> None:
    """Set ``r := y - X theta``, the constant term last in theta."""
    r[...] = y - _predicted(X, theta, intercept)


def quantile_normal(X: Array, psi: Array, intercept: bool, normal: Array, threads: int) -> None:
    """Set ``normal := X' psi``, the sum of psi last."""
    normal[...] = _times_rows(X, psi, intercept)


def quantile_bands(X: Array, intercept: bool, factor: Array, bands: Array, threads: int) -> None:
    """Set ``bands[i] := |factor' x_i|``, the constant term last in x_i."""
    n = X.shape[1]
    Q = X @ factor[:n] + (factor[n] if intercept else 0.0)
    bands[...] = np.sqrt((Q * Q).sum(axis=1))


@np.errstate(all="ignore")
def quantile_steps(
    X: Array,
    y: Array,
    weights: Array,
    scale: Array,
    intercept: bool,
    quantile: float,
    tol: float,
    max_iterations: int,
    theta: Array,
    state: Array,
    report: Array,
    threads: int,
) -> int:
    """At most `max_iterations` predictor-corrector steps; return how many were done.

    The columns of X are taken times ``scale``, and theta belongs to these. ``state`` (9, m) has the
    rows a, s = w - a, z, v with v - z = r, which are the iterate, then r and the weights d of the
    last step, and work space. ``report`` is (objective, gap, what happened): 0 more to do, 1 the
    gap is at most tol times the objective, 2 no further step is possible. Objective and gap are
    those of the iterate before the last step.
    """
    m = len(X)
    a, s, z, v, r, d = state[:6]
    w = weights if weights.size else np.ones(m)
    for done in range(max_iterations):
        # Where we are; r is computed afresh, and the larger of z and v follows from it.
        r[...] = y - _predicted(X, scale * theta, intercept)
        lower, upper = np.maximum(-r, 0.0), np.maximum(r, 0.0)
        smaller = np.where(r >= 0.0, z, v)
        z[...], v[...] = smaller + lower, smaller + upper
        objective = float(w @ (quantile * upper + (1.0 - quantile) * lower))
        gap = float(upper @ s + lower @ a)
        report[:] = objective, gap, 0.0
        d[...] = a * s / (z * s + v * a)
        if gap <= tol * (1e-300 + objective):
            report[2] = 1.0
            return done

        # Affine step: where Newton's equations for complementarity zero would lead
        normal = scale * _times_rows(X, d * r + (a - (1.0 - quantile) * w), intercept)
        R = _triangle(X, d, scale, intercept)
        step = _solve(R, normal)
        da = d * (r - _predicted(X, scale * step, intercept))
        dz, dv = -z - z / a * da, -v + v / s * da
        primal = _step(1.0 + max(np.max(da / a), np.max(-da / s)))
        dual = _step(max(np.max(-da / a), np.max(da / s)))
        mu = z @ a + v @ s
        along = (z - v) @ da
        after = mu + dual * along - primal * (mu + along) + primal * dual * (da @ (dz - dv))
        nu = mu * min(1.0, max(after / mu, 0.0)) ** 3 / (2 * m)

        # Corrected step, with the same matrix
        twice_z, twice_v = da * dz, da * dv
        xi = nu * (1.0 / s - 1.0 / a) + twice_v / s + twice_z / a
        step = _solve(R, normal - scale * _times_rows(X, d * xi, intercept))
        da = d * (r - xi - _predicted(X, scale * step, intercept))
        dz = -z + (nu - twice_z) / a - z / a * da
        dv = -v + (nu + twice_v) / s + v / s * da
        primal = _step(max(np.max(-dz / z), np.max(-dv / v)))
        dual = _step(max(np.max(-da / a), np.max(da / s)))
        if not (np.isfinite(step).all() and primal > 0.0 and dual > 0.0):
            report[2] = 2.0
            return done
        theta += primal * step
        z += primal * dz
        v += primal * dv
        a += dual * da
        s -= dual * da
    return max_iterations


def _triangle(X: Array, d: Array, scale: Array, intercept: bool) -> Array:
    """Return R with R'R = X' diag(d) X: by Cholesky, or by QR where that would be inaccurate."""
    Z = np.column_stack([X, np.ones(len(X))]) if intercept else X
    Z = Z * (np.sqrt(d)[:, np.newaxis] * scale)
    try:
        R = np.linalg.cholesky(Z.T @ Z).T
        if (np.diag(R) / np.sqrt((R * R).sum(axis=0))).min() > CONDITION:
            return np.asarray(R)
    except np.linalg.LinAlgError:
        pass
    return np.asarray(np.linalg.qr(np.nan_to_num(Z), mode="r"))


def _solve(R: Array, normal: Array) -> Array:
    """Return (R'R)^-1 normal, NaN where that does not exist."""
    try:
        return np.asarray(np.linalg.solve(R, np.linalg.solve(R.T, normal)))
    except np.linalg.LinAlgError:
        return np.full_like(normal, np.nan)


def _step(inverse: float) -> float:
    """Return the step, given one over the step to the boundary; NaN gives 0."""
    if not np.isfinite(inverse):
        return 0.0
    return 1.0 if inverse <= BACK_OFF else BACK_OFF / inverse
