"""The kind of a stationary point, found again in plain NumPy."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate
from minimand.derivatives.stationary import certificates
from minimand.derivatives.verification.rules import FIVE_POINTS, Plain

if TYPE_CHECKING:
    from minimand.derivatives.stationary import StationaryPoint

_EPS = 2.0**-52


def recompute(
    result: StationaryPoint, f: Any, x: object, grad: Any, hess: Any, args: tuple[Any, ...]
) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as f alone shows them.

    Raises
    ------
    ValueError
        x has another shape than the result.
    CertificateError
        A number of the result is not what f shows.
    """
    where = np.array(x, dtype=np.float64)
    if where.shape != result.x.shape:
        raise ValueError(f"x has shape {where.shape} but the result is for {result.x.shape}")
    one = Plain(f, args, many=False, scalars=False, vector=False)
    problems = _points(result, one, where) + _spectrum(result)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        g, g_error = slopes(one, where)
        worst = worst_ratio(result.gradient - g, result.gradient_error + g_error)
        if grad is not None:
            exact = np.ravel(grad(where, *args))
            apart = np.abs(result.gradient - exact)
            if (apart > 2.0 * result.gradient_error + 16.0 * _EPS * np.abs(exact)).any():
                problems.append("gradient is not what grad returns")
        if result.kind != "not_stationary":
            H, H_error = curvatures(one, where)
            worst = max(worst, worst_ratio(result.hessian - H, result.hessian_error + H_error))
            if hess is not None:
                apart = np.abs(result.hessian - hess(where, *args))
                if (apart > 2.0 * result.hessian_error).any():
                    problems.append("hessian is not what hess returns")
    if problems:
        raise CertificateError(f"StationaryPoint does not verify: {'; '.join(problems)}")
    H, V, values = result.hessian, result.directions, result.eigenvalues
    unit = float(np.abs(H).max(initial=0.0)) or 1.0
    size = float(np.linalg.norm(H / unit)) or 1.0
    apart = np.linalg.norm((H / unit) @ V - V * (values / unit), axis=0)
    return certificates(float(apart.max(initial=0.0)) / size, worst)


def _points(result: StationaryPoint, f: Plain, x: Floats) -> list[str]:
    """Return what is wrong with x, f(x) and the points that are lower or higher."""
    problems = []
    if not np.array_equal(x, result.x):
        problems.append("x is not the point of the result")
    value = float(f(x[np.newaxis])[0, 0])
    rounding = f.eps * abs(value)
    if not abs(result.fun - value) <= 4.0 * rounding:
        problems.append(f"f(x) is {value:.17g}, recorded was {result.fun:.17g}")
    for name, point, sign in (
        ("lower_point", result.lower_point, -1.0),
        ("higher_point", result.higher_point, 1.0),
    ):
        if point is None:
            continue
        there = float(f(point[np.newaxis])[0, 0])
        if not sign * (there - value) > 2.0 * f.eps * max(abs(value), abs(there)):
            problems.append(f"f at {name} is {there:.17g}, at x it is {value:.17g}")
    slope = np.abs(result.gradient) <= result.tol + 3.0 * result.gradient_error
    if bool(slope.all()) == (result.kind == "not_stationary"):
        problems.append("the gradient does not say what the kind says")
    return problems


def _spectrum(result: StationaryPoint) -> list[str]:
    """Return what is wrong with the eigenvalues, their intervals, and the kind."""
    if result.kind == "not_stationary":
        return []
    unit = float(np.abs(result.hessian).max()) or float(result.hessian_error.max()) or 1.0
    V, values, H = result.directions, result.eigenvalues / unit, result.hessian / unit
    n = len(values)
    problems = []
    if not np.linalg.norm(V.T @ V - np.eye(n)) <= 1e-12 * n:
        problems.append("directions are not orthonormal")
    if not np.array_equal(H, H.T):
        problems.append("the Hessian is not symmetric")
    # With V orthonormal, the eigenvalues of H are those of V'HV, whose rest is the residual.
    rest = float(np.linalg.norm(V.T @ H @ V - np.diag(values)))
    radius = rest + float(np.sqrt(np.sum((result.hessian_error / unit) ** 2)))
    low, high = result.intervals.T / unit
    slack = 1e-9 * (radius + 1e-6 * np.abs(values).max())
    if ((low > values - radius + slack) | (high < values + radius - slack)).any():
        problems.append("intervals are smaller than the errors of the Hessian allow")
    widest = 1.01 * radius + 100.0 * n * _EPS * float(np.linalg.norm(H))
    if ((high - low) > 2.0 * widest).any():
        problems.append("intervals are wider than the errors of the Hessian make them")
    positive, negative = bool((low > 0).any()), bool((high < 0).any())
    expected = "saddle" if positive and negative else "undetermined"
    if (low > 0).all():
        expected = "minimum"
    elif (high < 0).all():
        expected = "maximum"
    if result.kind != expected:
        problems.append(f"kind is {result.kind}, the intervals say {expected}")
    return problems


def worst_ratio(apart: Floats, errors: Floats) -> float:
    """Return the largest |apart|/errors, 0 where nothing is apart."""
    ratio = np.where(apart == 0.0, 0.0, np.abs(apart) / errors)
    return float(ratio.max()) if not np.isnan(ratio).any() else float("nan")


def slopes(f: Plain, x: Floats) -> tuple[Floats, Floats]:
    """Return the gradient by five points, and its error."""
    return _by_tables(f, x, 7e-4, [(i, i) for i in range(len(x))], order=1)


def curvatures(f: Plain, x: Floats) -> tuple[Floats, Floats]:
    """Return the Hessian by five points and four corners, and its error."""
    n = len(x)
    H, error = np.empty((n, n)), np.empty((n, n))
    pairs = [(i, j) for i in range(n) for j in range(i, n)]
    values, errors = _by_tables(f, x, 2e-3, pairs, order=2)
    for (i, j), value, e in zip(pairs, values, errors, strict=True):
        H[i, j] = H[j, i] = value
        error[i, j] = error[j, i] = e
    return H, error


def _by_tables(
    f: Plain, x: Floats, step: float, pairs: list[tuple[int, int]], *, order: int
) -> tuple[Floats, Floats]:
    s = np.maximum(1.0, np.abs(x))
    corners = [(a, b, a * b / 4.0) for a in (-1, 1) for b in (-1, 1)]
    values, errors = np.empty(len(pairs)), np.empty(len(pairs))
    centre = float(f(x[np.newaxis])[0, 0])
    for k, (i, j) in enumerate(pairs):
        lines = [(a, 0, w) for a, w in FIVE_POINTS[order].items()]
        table = lines if i == j else corners
        found, size, change = [], abs(centre), 0.0
        for m in (1, 2):
            hi, hj = m * step * s[i], m * step * s[j]
            points = np.tile(x, (len(table), 1))
            for row, (a, b, _) in zip(points, table, strict=True):
                row[i] += a * hi
                row[j] += b * hj
            at = f(points)[:, 0]
            weights = np.array([w for _, _, w in table])
            found.append(float(weights @ at) / (hi if order == 1 else hi * hj))
            size = max(size, float(np.abs(at).max()))
            change = max(change, float(np.abs(at - centre).max()))
        width = (step * s[i]) * (step * s[j] if order == 2 else 1.0)
        total = float(np.abs(weights).sum())
        values[k] = found[0]
        # Rounding of f, and of the argument where f changes.
        moves = (abs(x[i]) + abs(x[j])) * change / (step * min(s[i], s[j]))
        noise = f.eps * (size + moves)
        errors[k] = abs(found[0] - found[1]) + 2.0 * total * noise / width
    return values, errors
