"""The descent loop, for any function: what the compiled `descent_steps` does.

It also drives functions of the user's own, on either backend.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

# Why a call ended
STEPS, CONVERGED, REFUTED, UNDEFINED, UNBOUNDED, DIVERGED, NOISE, NONSMOOTH, CYCLING = range(9)
# How a step is made
GRADIENT, HEAVY_BALL, NESTEROV = range(3)
# state: f, L, the step, Nesterov's t, the largest lower bound of L, the sum of what rounding may
# have added to f; steps done; the step at which `saved` was taken, and the longest step since;
# evaluations, |f| at the start, the first L
(FUN, LIPSCHITZ, STEP, THETA, LOWER, SLACK, DONE, SAVED_AT, LONGEST, EVALUATIONS, SIZE, FIRST) = (
    range(12)
)
# control: momentum (negative: Nesterov's sequence), tolerance of ||g||, largest relative error of
# g, and whether L is searched for, momentum restarts, and L is claimed
MOMENTUM, TOL, ACCURACY, BACKTRACKING, RESTART, CLAIMED = range(6)

FAR = 1e20  # beyond which a run has no limit
STEEP = 1e16  # times the first L: no smooth function is that steep
RETURN = 1e-8  # of the longest step: that near, an iterate counts as met before
EPS = 2.0**-52


def descend(
    evaluate: Callable[[Array, Array], float],
    rounding: Callable[[float, Array, Array], tuple[float, float]],
    point: Array, previous: Array, gradient: Array, saved: Array, trial: Array, state: Array,
    control: Array, variant: int, count: int, trace: Array,
) -> tuple[int, int]:  # fmt: skip
    """Do at most `count` steps; return how many, and why they ended.

    `point` and `gradient` are where f is known, `previous` the iterate before (for Nesterov the
    last end of a gradient step). `trial` gets a point that refutes L. Row k of `trace` gets f and
    ||g|| after step k, the step and the momentum.
    """
    new_gradient = np.empty_like(gradient)
    for k in range(count):
        fun, norm = state[FUN], math.sqrt(gradient @ gradient)
        if norm <= control[TOL]:
            return k, CONVERGED
        error, gradient_error = rounding(fun, point, gradient)
        if gradient_error > control[ACCURACY] * norm:
            return k, NOISE

        # 1. The gradient step; without an L it is halved until the descent lemma holds
        while True:
            z = point - state[STEP] * gradient
            if control[BACKTRACKING] == 0.0:
                break
            new_fun = evaluate(z, new_gradient)
            state[EVALUATIONS] += 1.0
            if math.isfinite(new_fun) and np.isfinite(new_gradient).all():
                excess, slack, curvature = _compare(
                    fun, new_fun, gradient, new_gradient, z - point, state[LIPSCHITZ], error,
                    gradient_error, rounding(new_fun, z, new_gradient),
                )  # fmt: skip
                # Near a minimum the values are too near to each other to tell.
                told = norm * norm > 2.0 * state[LIPSCHITZ] * slack
                if excess <= slack and (told or curvature <= state[LIPSCHITZ]):
                    break
            state[LIPSCHITZ] *= 2.0
            state[STEP] = 1.0 / state[LIPSCHITZ]
            if state[LIPSCHITZ] > STEEP * state[FIRST]:
                return k, NONSMOOTH

        # 2. Momentum
        momentum, theta = control[MOMENTUM], state[THETA]
        if variant == GRADIENT:
            momentum, new = 0.0, z
        elif variant == HEAVY_BALL:
            new = z + momentum * (point - previous)
        else:
            along = gradient @ (z - previous)
            if control[RESTART] != 0.0 and along > 0.0:
                theta, momentum = 1.0, 0.0
            elif momentum < 0.0:
                following = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * theta * theta))
                theta, momentum = following, (theta - 1.0) / following
            new = z + momentum * (z - previous)

        # 3. f there
        if not (new @ new <= FAR * FAR):
            return k, DIVERGED
        if control[BACKTRACKING] == 0.0 or variant != GRADIENT:
            new_fun = evaluate(new, new_gradient)
            state[EVALUATIONS] += 1.0
        if new_fun < -FAR * max(1.0, state[SIZE]):
            return k, UNBOUNDED
        if not (math.isfinite(new_fun) and np.isfinite(new_gradient).all()):
            return k, UNDEFINED

        # 4. What the two points say of L
        d = new - point
        length = math.sqrt(d @ d)
        if length > 0.0:
            _, slack, curvature = _compare(
                fun, new_fun, gradient, new_gradient, d, state[LIPSCHITZ], error, gradient_error,
                rounding(new_fun, new, new_gradient),
            )  # fmt: skip
            state[LOWER] = max(state[LOWER], curvature)
            state[SLACK] += slack
            if control[CLAIMED] != 0.0 and curvature > state[LIPSCHITZ]:
                trial[:] = new
                return k, REFUTED

        # 5. Go there
        trace[k] = new_fun, math.sqrt(new_gradient @ new_gradient), state[STEP], momentum
        if control[BACKTRACKING] != 0.0 and length > 0.0:
            change = new_gradient - gradient
            seen = math.sqrt(change @ change) / length
            state[LIPSCHITZ] = min(max(seen, 0.5 * state[LIPSCHITZ]), state[LIPSCHITZ])
            state[STEP] = 1.0 / state[LIPSCHITZ]
        previous[:] = z if variant == NESTEROV else point
        point[:], gradient[:] = new, new_gradient
        state[FUN], state[THETA] = new_fun, theta
        state[DONE] += 1.0

        # 6. Brent's test for cycles: one iterate is kept, and replaced at every power of two
        state[LONGEST] = max(state[LONGEST], length)
        back = point - saved
        if math.sqrt(back @ back) <= RETURN * state[LONGEST]:
            return k + 1, CYCLING
        if state[DONE] >= 2.0 * state[SAVED_AT]:
            saved[:] = point
            state[SAVED_AT], state[LONGEST] = state[DONE], 0.0
    return count, STEPS


def _compare(
    fun: float, new_fun: float, gradient: Array, new_gradient: Array, d: Array, lipschitz: float,
    error: float, gradient_error: float, new_error: tuple[float, float],
) -> tuple[float, float, float]:  # fmt: skip
    """Hold two points against the descent lemma f(x + d) <= f(x) + g'd + L ||d||^2/2.

    Return the excess, the rounding errors in it, and a lower bound of L from both values and both
    gradients.
    """
    squares, slope = float(d @ d), float(gradient @ d)
    length = math.sqrt(squares)
    quadratic = 0.5 * lipschitz * squares
    slack = error + new_error[0] + gradient_error * length + 8.0 * EPS * (abs(slope) + quadratic)
    rise = new_fun - fun - slope
    change = new_gradient - gradient
    apart = math.sqrt(change @ change)
    apart -= gradient_error + new_error[1] + 8.0 * EPS * lipschitz * length
    lower = max(2.0 * (rise - slack) / squares, apart / length, 0.0) if squares > 0.0 else 0.0
    return rise - quadratic, slack, lower
