"""Options of `sgd` that have rules of their own, and what is taken where none is given."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats, nonnegative_float, one_of
from minimand._common.conversion import wrong_type
from minimand._common.schedules import Schedule
from minimand.sgd.data import Design, Target
from minimand.sgd.rates import CURVATURE, Smoothness, default_rate

_EXPONENT = 0.6  # of the default schedule for absolute losses


def as_schedule(value: object, loss: str) -> Schedule:
    """Return the schedule, or the default of the loss."""
    if value is None:
        return Schedule.power(_EXPONENT) if loss == "absolute" else Schedule.constant()
    if not isinstance(value, Schedule):
        raise wrong_type("schedule", value, "a minimand.Schedule or None")
    return value


def as_momentum(value: object, nesterov: bool) -> float:
    """Return the momentum, 0 <= momentum < 1."""
    momentum = nonnegative_float("momentum", value)
    if momentum >= 1.0:
        raise ValueError(f"momentum is {momentum:g}, expected 0 <= momentum < 1")
    if nesterov and momentum == 0.0:
        raise ValueError("nesterov is True, expected False where momentum is 0")
    return momentum


def as_variance_reduction(value: object, loss: str, momentum: float) -> None:
    """Check what variance reduction goes with."""
    if value is None:
        return
    one_of("variance_reduction", value, ("saga", "svrg"))
    if loss == "absolute":
        raise ValueError(
            f"variance_reduction is {value!r}, expected None for absolute losses: "
            "its theory needs smooth ones"
        )
    if momentum > 0.0:
        raise ValueError(
            f"variance_reduction is {value!r}, expected None with momentum: "
            "no step is known to converge"
        )


def default_start(design: Design, target: Target, loss: str) -> Floats:
    """Return 0, and for Poisson losses the best constant term."""
    theta = np.zeros((target.outputs, design.columns + 1))
    if loss == "poisson" and design.intercept:
        theta[0, -1] = np.log(design.shares @ target.values)
    return theta


def default_step(
    smooth: Smoothness,
    target: Target,
    loss: str,
    batch: int,
    momentum: float,
    variance_reduction: str | None,
) -> float:
    """Return the step for lr=None; see `sgd`."""
    if loss == "absolute":
        y = target.values
        spread = float(np.median(np.abs(y - np.median(y)))) or float(np.mean(np.abs(y)))
        square = float(smooth.design.row_squares.mean())
        step = spread / square if spread > 0.0 and square > 0.0 else 1.0
        if smooth.l2 > 0.0:
            step = min(step, 1.0 / smooth.l2)
    else:
        step = default_rate(smooth, loss, batch, CURVATURE[loss], variance_reduction)
    return step * (1.0 - momentum)
