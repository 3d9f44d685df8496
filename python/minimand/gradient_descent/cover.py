"""Slopes and curvatures at points of a box, and what they prove of all of it."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import DerivativeWarning
from minimand._common.random import as_key, uniform
from minimand.derivatives.given import gradient_of
from minimand.derivatives.given import hessian_of as hessian_by_differences
from minimand.gradient_descent.newton_result import hessian_of
from minimand.gradient_descent.objectives import Logistic, Objective

_VERTICES = 16  # variables up to which all vertices of a box are looked at
_CELLS = 4096
_SHARED = {"vectorized": None, "args": (), "backend": "cpp"}


def objective_slope(
    f: Objective, box: Floats | None, count: int, rng: object
) -> tuple[float, float, bool, str]:
    """Return bounds of the largest gradient norm of a built-in objective on a box."""
    A, _ = f.arrays
    if isinstance(f, Logistic):
        reach = 0.0 if box is None else float(np.linalg.norm(np.abs(box).max(axis=1)))
        upper = float(np.mean(np.linalg.norm(A, axis=1)))
        if f.l2 > 0.0:
            upper = math.inf if box is None else upper + f.l2 * reach
        points = np.zeros((1, f.dimension)) if box is None else points_of(box, count, rng)
        lower = float(norms_of(f, None, None, points, False).max())
        return lower, upper, False, "norms" if math.isfinite(upper) else "sampled"
    if box is None:
        raise ValueError("bounds is None, but the slope of this objective grows without limit")
    centre, half = box.mean(axis=1), 0.5 * np.ptp(box, axis=1)
    H, g = f.hess(centre), f.grad(centre)
    if len(half) <= _VERTICES:
        # The norm of a gradient that is linear in x is convex: largest at a vertex.
        best = 0.0
        for begin in range(0, 2 ** len(half), _CELLS):
            number = np.arange(begin, min(begin + _CELLS, 2 ** len(half)))
            signs = 1.0 - 2.0 * (number[:, np.newaxis] >> np.arange(len(half)) & 1)
            rows = g + (signs * half) @ H
            best = max(best, float(np.linalg.norm(rows, axis=1).max()))
        slack = 1e-14 * best
        return best - slack, best + slack, True, "vertices"
    upper = float(np.linalg.norm(np.abs(g) + np.abs(H) @ half))
    points = points_of(box, count, rng)
    return float(norms_of(f, None, None, points, False).max()), upper, False, "norms"


def cover(
    f: Any, grad: Any, hess: Any, box: Floats, slope: float | None, count: int, rng: object,
    *, of_gradient: bool,
) -> tuple[float, float, str]:  # fmt: skip
    """Return (lower, upper, method) from samples and, with a slope, from a cover by cells."""
    n = len(box)
    points = points_of(box, count, rng)
    lower = float(norms_of(f, grad, hess, points, of_gradient).max())
    if slope is None:
        return lower, math.inf, "sampled"
    budget = min(_CELLS, count)
    each = max(1, int(budget ** (1.0 / n) + 1e-9))
    lows = [np.linspace(low, high, each + 1) for low, high in box]
    centres = np.array(list(itertools.product(*[0.5 * (e[1:] + e[:-1]) for e in lows])))
    radius = 0.5 * float(np.linalg.norm(np.ptp(box, axis=1))) / each
    norms = norms_of(f, grad, hess, centres, of_gradient, upper=True)
    upper = (float(norms.max()) + slope * radius) * (1.0 + 1e-12)
    return max(lower, float(norms_of(f, grad, hess, centres, of_gradient).max())), upper, "cells"


def points_of(box: Floats, count: int, rng: object) -> Floats:
    """Return random points of a box."""
    return np.asarray(box[:, 0] + np.ptp(box, axis=1) * uniform(as_key(rng), 0, count, len(box)))


def norms_of(
    f: Any, grad: Any, hess: Any, points: Floats, of_gradient: bool, *, upper: bool = False
) -> Floats:
    """Return bounds of the norms of gradients, or of Hessians, at points: lower or upper ones."""
    side = 1.0 if upper else -1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DerivativeWarning)
        if of_gradient:
            return np.array([_hessian_norm(f, grad, hess, x, side) for x in points])
        if isinstance(f, Objective):
            return np.array([np.linalg.norm(f.grad(x)) for x in points])
        pairs = (gradient_of(f, grad, x, _SHARED) for x in points)
        return np.array([np.linalg.norm(g) + side * np.linalg.norm(error) for g, error in pairs])


def _hessian_norm(f: Any, grad: Any, hess: Any, x: Floats, side: float) -> float:
    if isinstance(f, Objective) or hess is not None:
        H, error = hessian_of(f, grad, hess)(x), 0.0
    else:
        H, errors = hessian_by_differences(f, grad, None, x, _SHARED)
        error = float(np.linalg.norm(errors))
    return float(np.abs(np.linalg.eigvalsh(H)).max()) + side * error
