"""A checked gradient checked again: five-point differences in plain NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate
from minimand.derivatives.check import certificate, relative_size

if TYPE_CHECKING:
    from minimand.derivatives.check import GradientCheck

_EPS = 2.0**-52


def recompute(
    result: GradientCheck, f: Any, grad: Any, x: object, args: tuple[Any, ...]
) -> tuple[Certificate, ...]:
    """Return the certificate of `result` as f and grad alone show it.

    A check that failed verifies when it fails again; then the certificate does not hold, and that
    is what the error of `verify` says.
    """
    where = np.array(x, dtype=np.float64)
    if where.shape != result.x.shape:
        raise ValueError(f"x has shape {where.shape} but the result is for {result.x.shape}")
    problems = []
    if not np.array_equal(where, result.x):
        problems.append("x is not the point of the result")
    directions = np.eye(len(where)) if result.directions is None else result.directions
    if not np.allclose(np.linalg.norm(directions, axis=1), 1.0, atol=1e-12):
        problems.append("directions are no unit vectors")
    given = directions @ np.ravel(grad(where, *args))
    if not np.allclose(result.given, given, rtol=1e-12, atol=1e-14 * np.abs(given).max()):
        problems.append("given is not what grad returns")
    value, error = _five_points(f, where, directions, args)
    finite = np.isfinite(value)
    smooth = np.ones(len(value), dtype=np.bool_)
    smooth[result.kinks] = False
    apart = np.abs(result.numerical - value)
    if (apart > result.error + error)[finite & smooth].any():
        problems.append("numerical is not the slope of f within its error")
    size = relative_size(result.given, result.numerical)
    difference = np.abs(result.given - result.numerical)
    relative = np.divide(difference, size, out=np.zeros_like(size), where=size > 0.0)
    relative[~np.isfinite(difference)] = np.inf
    if not np.array_equal(relative, result.relative):
        problems.append("relative is not that of given and numerical")
    covered = np.where(smooth, 1.0, 0.5) * result.error * (1.0 + 1e-9)
    passed = (difference <= covered) | (relative <= result.rtol)
    # An error that is stated ten times too large would let wrong slopes pass.
    generous = smooth & finite & (result.error > 100.0 * (error + apart) + 1e-6 * np.abs(value))
    if generous.any():
        problems.append(f"error is {result.error[generous][0]:.2g}, far above {error.max():.2g}")
    if not np.array_equal(passed, result.passed) or result.ok != bool(passed.all()):
        problems.append("the verdict is not that of the numbers")
    if result.relative_error != relative.max():
        problems.append("relative_error is not the largest")
    if problems:
        raise CertificateError(f"GradientCheck does not verify: {'; '.join(problems)}")
    return (certificate(int(np.count_nonzero(~passed))),)


def _five_points(
    f: Any, x: Floats, directions: Floats, args: tuple[Any, ...]
) -> tuple[Floats, Floats]:
    """Return slopes with an error of fourth order, and what that error is at most, about."""
    centre = float(np.ravel(f(x, *args))[0])
    value, error = np.empty(len(directions)), np.empty(len(directions))
    for i, u in enumerate(directions):
        h = 7e-4 * max(1.0, float(np.abs(x).max() / np.abs(u).max()))
        with np.errstate(all="ignore"):
            t = (-4, -2, -1, 1, 2, 4)
            g = {k: float(np.ravel(f(x + k * h * u, *args))[0]) for k in t}
            near = (8 * (g[1] - g[-1]) - (g[2] - g[-2])) / (12 * h)
            far = (8 * (g[2] - g[-2]) - (g[4] - g[-4])) / (24 * h)
        noise = _EPS * max(abs(centre), *(abs(v) for v in g.values()))
        change = max(abs(v - centre) for v in g.values())
        noise += _EPS * float(np.abs(x).max() / np.abs(u).max()) * change / h
        value[i], error[i] = near, abs(near - far) + 4.0 * noise / h
    return value, error
