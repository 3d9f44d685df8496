"""A Taylor model checked in plain NumPy: its derivatives by other rules, its bound at points."""

from __future__ import annotations

from math import comb, factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate, Status
from minimand.derivatives.taylor_result import certificates
from minimand.derivatives.verification.rules import Plain
from minimand.derivatives.verification.stationary import curvatures, slopes, worst_ratio

if TYPE_CHECKING:
    from minimand.derivatives.taylor_result import TaylorModel

_POINTS = 64


def recompute(
    result: TaylorModel, f: Any, a: object, args: tuple[Any, ...]
) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as f and a alone show them.

    Raises
    ------
    ValueError
        a has another shape than the result.
    CertificateError
        A number of the result is not what f shows.
    """
    where = np.array(a, dtype=np.float64)
    if where.shape != np.shape(result.a):
        raise ValueError(f"a has shape {where.shape} but the result is for {np.shape(result.a)}")
    scalar = where.ndim == 0
    one = Plain(f, args, many=False, scalars=scalar, vector=False)
    with np.errstate(all="ignore"):
        problems = _numbers(result, one, where)
        agreement = _line(result, one, where) if scalar else _space(result, one, where)
        remainder = _remainder(result, one, where)
    if problems:
        raise CertificateError(f"TaylorModel does not verify: {'; '.join(problems)}")
    return certificates(agreement, remainder)


def _numbers(result: TaylorModel, f: Plain, a: Floats) -> list[str]:
    """Return what is wrong with the numbers among themselves, and with f(a)."""
    problems = []
    if not np.array_equal(a, np.asarray(result.a)):
        problems.append("a is not the centre of the result")
    value = float(f(a[np.newaxis])[0, 0])
    if not abs(result.value - value) <= 8.0 * f.eps * abs(value):
        problems.append(f"f(a) is {value:.17g}, recorded was {result.value:.17g}")
    c, e = result.coefficients, result.coefficient_errors
    if c is not None and e is not None:
        parts: list[tuple[Any, Any]] = [(result.gradient, c[1]), (result.value, c[0])]
        parts.append((result.gradient_error, e[1]))
        if result.hessian is not None:
            parts += [(result.hessian, 2 * c[2]), (result.hessian_error, 2 * e[2])]
        if any(not np.array_equal(np.ravel(u), np.ravel(v)) for u, v in parts):
            problems.append("coefficients are not those of the derivatives")
    elif result.hessian is not None and not np.array_equal(result.hessian, result.hessian.T):
        problems.append("the Hessian is not symmetric")
    refuted = (
        result.observed is not None
        and result.constant is not None
        and result.observed > result.constant * (1.0 + 1e-9)
    )
    if refuted != (result.status is Status.CONSTANT_REFUTED):
        problems.append("the status is not what the observed constant says")
    return problems


def _space(result: TaylorModel, f: Plain, a: Floats) -> float:
    g, g_error = slopes(f, a)
    worst = worst_ratio(result.gradient - g, result.gradient_error + g_error)
    if result.hessian is not None:
        assert result.hessian_error is not None
        H, H_error = curvatures(f, a)
        worst = max(worst, worst_ratio(result.hessian - H, result.hessian_error + H_error))
    return worst


def _line(result: TaylorModel, f: Plain, a: Floats) -> float:
    """Compare coefficients with differences, or above order 2 with means over another circle."""
    assert result.coefficients is not None
    assert result.coefficient_errors is not None
    if result.order > 2:
        return _circle(result, f, a)
    worst = 0.0
    scale = max(1.0, abs(float(a)))
    for k in range(1, result.order + 1):
        h = (2.0**k * f.eps) ** (1.0 / (k + 4)) * scale / k
        found = []
        size = 0.0
        for m in (1, 2, 4):
            j = np.arange(k + 1)
            weights = np.array([(-1.0) ** (k - i) * comb(k, i) for i in j])
            values = f(a + (j - k / 2.0) * m * h)[:, 0]
            found.append(float(weights @ values) / (m * h) ** k / factorial(k))
            size = max(size, float(np.abs(values).max()))
        near = (4.0 * found[0] - found[1]) / 3.0
        far = (4.0 * found[1] - found[2]) / 3.0
        rounding = 2.0**k * f.eps * size * (1.0 + scale) / h**k / factorial(k)
        error = abs(near - far) + 4.0 * rounding
        apart = abs(near - result.coefficients[k])
        worst = max(worst, apart / (error + result.coefficient_errors[k]) if apart else 0.0)
    return worst


def _circle(result: TaylorModel, f: Plain, a: Floats) -> float:
    """Compare all coefficients with means over 48 points of a smaller circle, term by term."""
    assert result.coefficients is not None
    assert result.coefficient_errors is not None
    count, radius = 48, 0.8 * result.circle
    turns = np.exp(2j * np.pi * np.arange(count) / count)
    values = f(a + radius * turns)[:, 0]
    means = [np.mean(values * turns[(-k * np.arange(count)) % count]) for k in range(count)]
    last = max(abs(mean) for mean in means[36:])
    worst = 0.0
    for k in range(result.order + 1):
        apart = abs(means[k].real / radius**k - result.coefficients[k])
        error = (last + 4.0 * f.eps * float(np.abs(values).max())) / radius**k
        worst = max(worst, apart / (error + result.coefficient_errors[k]))
    return float(worst)


def _remainder(result: TaylorModel, f: Plain, a: Floats) -> float | None:
    """Return the largest |f - model| in units of its bound; 0 where f is not finite.

    A constant that the result itself says to be refuted is not held to its bound.
    """
    if result.constant is None:
        return None
    n = len(result.gradient)
    directions = np.random.default_rng(1).standard_normal((_POINTS, n))
    directions /= np.linalg.norm(directions, axis=1)[:, np.newaxis]
    reach = 0.1 if result.radius is None else result.radius
    steps = directions * reach * np.geomspace(1e-2, 1.0, _POINTS)[:, np.newaxis]
    d = steps[:, 0] if a.ndim == 0 else steps
    values = f(a + d)[:, 0]
    apart = np.abs(values - result(a + d))
    bound = result.remainder_bound(d) + 8.0 * f.eps * np.abs(values)
    if result.status is Status.CONSTANT_REFUTED:
        return 0.0
    return float(np.nan_to_num(apart / bound, nan=0.0, posinf=0.0).max())
