"""The optimisers: one step on the flat parameter vector."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernel

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SGD, ADAGRAD, RMSPROP, ADAM = range(4)


def update(
    theta: Array,
    gradient: Array,
    moments: Array,
    penalised: NDArray[np.int64],
    optimizer: int,
    hyper: NDArray[np.float64],
    rate: float,
    step: int,
    threads: int,
) -> None:
    """Do one step with the gradient in row 0, `step` counted from 1.

    `hyper` is (l2, l1, ...): momentum and whether it is Nesterov's; epsilon; decay and epsilon;
    beta1, beta2, epsilon and whether it stands before the correction. `penalised` has the runs of
    weights.
    """
    l2, l1 = float(hyper[0]), float(hyper[1])
    g = gradient[0].copy()
    weights = np.zeros(theta.shape, dtype=np.bool_)
    for begin, end in penalised:
        weights[begin:end] = True
    g[weights] += l2 * theta[weights]

    rates: Array | float = rate
    if optimizer == SGD:
        move = g
        if len(moments):
            momentum, nesterov = float(hyper[2]), bool(hyper[3])
            moments[0] = momentum * moments[0] + g
            move = g + momentum * moments[0] if nesterov else moments[0]
        theta -= rate * move
    elif optimizer in (ADAGRAD, RMSPROP):
        if optimizer == ADAGRAD:
            moments[0] += g * g
        else:
            moments[0] = float(hyper[2]) * moments[0] + (1.0 - float(hyper[2])) * (g * g)
        rates = rate / (np.sqrt(moments[0]) + float(hyper[2 if optimizer == ADAGRAD else 3]))
        theta -= rates * g
    else:
        beta1, beta2, epsilon, before = (float(h) for h in hyper[2:6])
        moments[0] = beta1 * moments[0] + (1.0 - beta1) * g
        moments[1] = beta2 * moments[1] + (1.0 - beta2) * (g * g)
        correction1, root = 1.0 - beta1**step, math.sqrt(1.0 - beta2**step)
        if before:
            rates = rate * root / correction1 / (np.sqrt(moments[1]) + epsilon)
        else:
            rates = rate / correction1 / (np.sqrt(moments[1]) * (1.0 / root) + epsilon)
        theta -= rates * moments[0]
    if l1 > 0.0:
        threshold = np.broadcast_to(np.asarray(rates * l1, theta.dtype), theta.shape)[weights]
        W = theta[weights]
        theta[weights] = np.sign(W) * np.maximum(np.abs(W) - threshold, 0)
