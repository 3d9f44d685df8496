"""The whole way of a descent again, in plain NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, as_vector
from minimand._common.result import Certificate, Status
from minimand.gradient_descent.evaluate import pointwise
from minimand.gradient_descent.rate import convergence_rate
from minimand.gradient_descent.result import DescentResult, Measured
from minimand.reference.gradient_descent.loop import EPS

_NEAR = 1e-5  # relative: rounding on the way, and what a Gram matrix loses
_TINY = 1e-9  # of the largest number of the run
_LEAST = 1e-300  # below which exp has no digits left
_MARGIN = 1e4  # times what one shaking changes: sums of many terms are off by more
# Relative errors of gradients: rounding, and what A'A in place of the data does to them
_SHAKE = {"function": 1e-14, "data": 1e-14, "gram": 1e-9}
# Relative to the steepest gradient so far: A'A x - A'b is a difference of large numbers
_SHAKE_AT_LEAST = {"function": 0.0, "data": 0.0, "gram": 1e-14}


@dataclass(frozen=True, slots=True)
class Walk:
    """The points of a run, recomputed: f, gradients, rounding errors."""

    points: Floats
    values: Floats
    gradients: Floats
    errors: Floats  # (N + 1, 2)

    @property
    def norms(self) -> Floats:
        """The gradient norms."""
        return np.asarray(np.linalg.norm(self.gradients, axis=1))


def recompute(result: DescentResult, f: Any, x0: object, grad: Any) -> tuple[Certificate, ...]:
    """Return the certificates of a descent from f alone, and what differs from the record."""
    start = as_vector("x0", x0)
    function = pointwise(f, grad, start)
    walk, shaken = (_walk(result, function, start, shaken) for shaken in (False, True))
    lower, slack = _curvature(walk)
    if result.violation is not None:
        pair = [_at(function, point) for point in result.violation]
        both = Walk(*(np.array(part) for part in zip(*pair, strict=True)))
        lower = max(lower, _curvature(both)[0])
    _, fun, gradient, errors = _at(function, np.array(result.x))
    measured = Measured(
        status=result.status,
        values=np.append(walk.values[:-1], fun),
        norms=np.append(walk.norms[:-1], np.linalg.norm(gradient)),
        steps=result.steps,
        error=errors[1],
        slack=max(slack, result.slack),
        lower=lower,
        lipschitz=result.lipschitz,
        strong_convexity=result.strong_convexity,
        f_lower=result.f_lower,
        tol=result.tol,
        step_rule=result.step_rule,
        momentum=result.momentum,
        reach=float(np.linalg.norm(start)),
    )
    worst = max(_of_the_way(result, walk, shaken), _of_the_end(result, fun, gradient, start))
    if not _consistent(result, lower):
        worst = math.inf
    return (*measured.certificates(), record(worst))


def record(worst: float) -> Certificate:
    """Return the certificate that the record of a run is what f shows."""
    return Certificate(
        "record", worst, 1.0, "largest difference to the run made again, in units of rounding", 1.0
    )


def _walk(result: DescentResult, function: Any, x0: Floats, shaken: bool) -> Walk:
    """Make the recorded steps again, maybe with points and gradients off by what rounding does."""
    generator = np.random.default_rng(0)
    shake, at_least = (table[result.method] for table in (_SHAKE, _SHAKE_AT_LEAST))
    steepest = 0.0
    x, before = x0.copy(), x0.copy()
    rows = [_at(function, x)]
    for eta, beta in zip(result.steps, result.momenta, strict=True):
        gradient = rows[-1][2]
        if shaken:
            steepest = max(steepest, float(np.abs(gradient).max()))
            off = generator.uniform(-1.0, 1.0, len(x))
            x = x * (1.0 + EPS * off)
            gradient = gradient * (1.0 + shake * off) + at_least * steepest * off
        z = x - eta * gradient
        if result.momentum == "nesterov":
            x, before = z + beta * (z - before), z
        else:
            x, before = z + beta * (x - before), x
        rows.append(_at(function, x))
    return Walk(*(np.array(part) for part in zip(*rows, strict=True)))


def _at(function: Any, x: Floats) -> tuple[Floats, float, Floats, tuple[float, float]]:
    gradient = np.empty_like(x)
    fun = function(x, gradient)
    return x, fun, gradient, function.rounding(fun, x, gradient)


def _curvature(walk: Walk) -> tuple[float, float]:
    """Return the largest curvature between neighbours beyond rounding, and the sum of slacks."""
    d, change = np.diff(walk.points, axis=0), np.diff(walk.gradients, axis=0)
    lengths = np.linalg.norm(d, axis=1)
    moved = lengths > 0.0
    if not moved.any():
        return 0.0, 0.0
    d, change, lengths = d[moved], change[moved], lengths[moved]
    error, gradient_error = (walk.errors[:-1] + walk.errors[1:])[moved].T
    slope = np.sum(walk.gradients[:-1][moved] * d, axis=1)
    slack = error + gradient_error * lengths + 1e-14 * np.abs(slope)
    rise = np.diff(walk.values)[moved] - slope
    values = 2.0 * (rise - slack) / lengths**2
    gradients = (np.linalg.norm(change, axis=1) - gradient_error) / lengths * (1.0 - 1e-14)
    return max(float(values.max()), float(gradients.max()), 0.0), float(slack.sum())


def _of_the_way(result: DescentResult, walk: Walk, shaken: Walk) -> float:
    """Return the largest difference of record and walk, 1 being what rounding may do.

    What rounding does on such a way, the shaken walk shows: much, where steps are beyond 2/L or
    near a saddle.
    """
    pairs: list[tuple[Floats, Floats, Floats]] = [
        (result.values, walk.values, shaken.values),
        (result.gradient_norms, walk.norms, shaken.norms),
        (result.x[np.newaxis], walk.points[-1:], shaken.points[-1:]),
    ]
    if result.path is not None:
        pairs.append((result.path, walk.points, shaken.points))
    if result.violation is not None:
        pairs.append((result.violation[:1], walk.points[-1:], shaken.points[-1:]))
    worst = 0.0
    for recorded, again, other in pairs:
        if recorded.shape != again.shape or not np.isfinite(recorded).all():
            return math.inf
        sensitivity = np.maximum.accumulate(np.abs(again - other), axis=0).max(initial=0.0)
        scale = float(np.abs(again).max(initial=0.0))
        worst = max(worst, apart(recorded, again, scale + _MARGIN / _TINY * sensitivity))
    best = float(walk.norms[: max(1, len(result.steps))].min())
    drift = float(np.abs(walk.norms - shaken.norms).max())
    scale = float(walk.norms.max()) + _MARGIN / _TINY * drift
    return max(worst, apart(result.best_gradient_norm, best, scale))


def _of_the_end(result: DescentResult, fun: float, gradient: Floats, x0: Floats) -> float:
    """Return the largest difference of record and f at the last point."""
    norm = float(np.linalg.norm(gradient))
    steepest = float(result.gradient_norms.max())
    pairs: list[tuple[Any, Any, float]] = [
        (result.x0, x0, 0.0),
        (result.fun, fun, float(np.abs(result.values).max())),
        (result.values[-1], fun, float(np.abs(result.values).max())),
        (result.gradient, gradient, steepest),
        (result.gradient_norm, norm, steepest),
        (result.gradient_norms[-1], norm, steepest),
    ]
    mu = result.strong_convexity
    if mu > 0.0:
        pairs.append((result.gap_bound, norm**2 / (2.0 * mu), steepest**2 / mu))
    return max(apart(*pair) for pair in pairs)


def _consistent(result: DescentResult, lower: float) -> bool:
    """Return whether the parts of the record fit each other."""
    fixed = {"none": 0.0, "heavy_ball": result.momenta[-1:].sum()}.get(result.momentum)
    if fixed is not None and (result.momenta != fixed).any():
        return False
    refuted = result.status is Status.CONSTANT_REFUTED
    if not refuted and result.lipschitz is not None and result.lipschitz_lower > result.lipschitz:
        return False
    # In the last steps it depends on rounding which of them shows the most.
    if result.step_rule != "backtracking" and not result.lipschitz_lower <= 1.1 * lower:
        return False
    return result.rate == convergence_rate(result.gradient_norms)


def apart(recorded: Any, again: Any, scale: float) -> float:
    """Return the largest difference in units of what rounding on the way may do."""
    if np.shape(recorded) != np.shape(again):
        return math.inf
    difference = np.abs(np.asarray(recorded, dtype=np.float64) - again)
    allowed = _NEAR * np.abs(again) + _TINY * float(scale) + _LEAST
    ratio = np.divide(
        difference, allowed, out=np.where(difference > 0, np.inf, 0.0), where=allowed > 0
    )
    return float(np.max(ratio, initial=0.0)) if np.isfinite(difference).all() else math.inf
