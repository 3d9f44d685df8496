"""Built-in objectives, and the descent loop on them.

An objective is (A, b, kind, scale, l2, constant):

    kind 0, least squares   scale ||A x - b||^2/2 + l2 ||x||^2/2 + constant
    kind 1, logistic        scale sum_i log(1 + exp(-b_i a_i'x)) + l2 ||x||^2/2 + constant
    kind 2, quadratic       x'A x/2 + b'x + constant, A symmetric

`threads` is accepted and ignored.
"""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

import math

import numpy as np

from minimand.reference.gradient_descent.loop import Array, descend


def value_gradient(
    A: Array, b: Array, x: Array, kind: int, scale: float, l2: float, constant: float,
    gradient: Array, threads: int,
) -> float:  # fmt: skip
    """Return the objective at x and write its gradient."""
    product = A @ x
    if kind == 2:
        gradient[:] = product + b
        return float(0.5 * (x @ product) + b @ x + constant)
    if kind == 1:
        margin = b * product
        small = np.exp(-np.abs(margin))
        loss = np.sum(np.log1p(small) + np.maximum(-margin, 0.0))
        share = -b * np.where(margin > 0.0, small, 1.0) / (1.0 + small)
    else:
        share = product - b
        loss = 0.5 * (share @ share)
    gradient[:] = scale * (A.T @ share) + l2 * x
    return float(scale * loss + 0.5 * l2 * (x @ x) + constant)


def descent_steps(
    A: Array, b: Array, kind: int, scale: float, l2: float, constant: float, noise: Array,
    point: Array, previous: Array, gradient: Array, saved: Array, trial: Array, state: Array,
    control: Array, variant: int, count: int, trace: Array, threads: int,
) -> tuple[int, int]:  # fmt: skip
    """Do at most `count` steps on a built-in objective; return how many, and why they ended."""

    def evaluate(x: Array, out: Array) -> float:
        return value_gradient(A, b, x, kind, scale, l2, constant, out, threads)

    def rounding(fun: float, x: Array, _gradient: Array) -> tuple[float, float]:
        root, size = math.sqrt(abs(fun)), math.sqrt(x @ x)
        value = noise[0] * abs(fun) + root * (noise[1] * size + noise[2])
        value += size * (noise[3] * size + noise[4]) + noise[5]
        return float(value), float(noise[6] * root + noise[7] * size + noise[8])

    return descend(
        evaluate, rounding, point, previous, gradient, saved, trial, state, control, variant,
        count, trace,
    )  # fmt: skip
