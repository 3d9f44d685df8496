"""The kernels that Python calls: forward, backward, loss, gradient, training steps.

`layout` is (elements of a sample in the arena, scratch elements, loss, slot of the loss, operations
of the loss, slot of the output, rows of a panel, rows of a lane). The compiled kernels work panel
by panel in the arena `work`, lanes side by side; here every batch is done at once. `stats` gets
(sum w loss, sum w, sum w [predicted right]) added.
"""

# ruff: noqa: ARG001 -- `work` and `threads` belong to the signatures of the compiled kernels

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.neural_network.program import Indices, LossCode
from minimand.reference.neural_network.losses import predicted_right, sample_losses
from minimand.reference.neural_network.network import Run
from minimand.reference.neural_network.updates import update

Array = NDArray[Any]
Floats = NDArray[np.float64]
Key = NDArray[np.uint64]

LOSS, LOSS_SLOT, LOSS_OPS, OUTPUT = 2, 3, 4, 5
_NO_KEY = np.zeros(2, dtype=np.uint64)


def forward(
    ops: Indices,
    reals: Floats,
    slots: Indices,
    layout: Indices,
    theta: Array,
    running: Array,
    training: bool,
    X: Array,
    key: Key,
    step: int,
    output: Array,
    work: Array,
    threads: int,
) -> None:
    """Output := what the network makes of the samples X."""
    run = Run(ops, reals, slots, theta, running, training, key, step)
    output[...] = run.forward(X, len(ops))[layout[OUTPUT]]


def backward(
    ops: Indices,
    reals: Floats,
    slots: Indices,
    layout: Indices,
    theta: Array,
    running: Array,
    training: bool,
    X: Array,
    delta: Array,
    key: Key,
    step: int,
    gradient: Array,
    input_delta: Array,
    work: Array,
    threads: int,
) -> None:
    """Row 0 of gradient and input_delta := derivatives of sum(delta * output) at X."""
    run = Run(ops, reals, slots, theta, running, training, key, step)
    run.forward(X, len(ops))
    back = run.backward(int(layout[OUTPUT]), delta, len(ops), gradient[0])
    if len(input_delta):
        input_delta[...] = back


def evaluate(
    ops: Indices,
    reals: Floats,
    slots: Indices,
    layout: Indices,
    theta: Array,
    running: Array,
    X: Array,
    labels: Indices,
    targets: Array,
    weights: Floats,
    stats: Floats,
    work: Array,
    threads: int,
) -> None:
    """Add the losses of the samples to stats, as in inference."""
    run = Run(ops, reals, slots, theta, running, False, _NO_KEY, 0)
    add_losses(run, layout, X, labels, targets, weights, stats)


def loss_and_gradient(
    ops: Indices,
    reals: Floats,
    slots: Indices,
    layout: Indices,
    theta: Array,
    running: Array,
    training: bool,
    X: Array,
    labels: Indices,
    targets: Array,
    weights: Floats,
    scale: float,
    key: Key,
    step: int,
    gradient: Array,
    stats: Floats,
    work: Array,
    threads: int,
) -> None:
    """Row 0 of gradient := the derivative of scale * sum w loss; its value goes to stats."""
    run = Run(ops, reals, slots, theta, running, training, key, step)
    _gradient(run, layout, X, labels, targets, weights, scale, gradient, stats)


def add_losses(
    run: Run,
    layout: Indices,
    X: Array,
    labels: Indices,
    targets: Array,
    weights: Floats,
    stats: Floats,
) -> Array:
    """Run forward, add to stats, return the weighted delta of the loss."""
    code = LossCode(int(layout[LOSS]))
    z = run.forward(X, int(layout[LOSS_OPS]))[layout[LOSS_SLOT]]
    losses, D = sample_losses(code, z, labels, targets)
    w = weights if weights.size else np.ones(len(X))
    stats[0] += (w * losses.astype(np.float64)).sum()
    stats[1] += w.sum()
    stats[2] += (w * predicted_right(code, z, labels, targets)).sum()
    weighted: Array = D * w.astype(D.dtype)[:, np.newaxis]
    return weighted


def _gradient(
    run: Run,
    layout: Indices,
    X: Array,
    labels: Indices,
    targets: Array,
    weights: Floats,
    scale: float,
    gradient: Array,
    stats: Floats,
) -> None:
    D = add_losses(run, layout, X, labels, targets, weights, stats) * X.dtype.type(scale)
    run.backward(int(layout[LOSS_SLOT]), D, int(layout[LOSS_OPS]), gradient[0])


def train_steps(
    ops: Indices,
    reals: Floats,
    slots: Indices,
    layout: Indices,
    theta: Array,
    running: Array,
    gradient: Array,
    moments: Array,
    X: Array,
    labels: Indices,
    targets: Array,
    weights: Floats,
    order: Indices,
    first: int,
    batch: int,
    optimizer: int,
    hyper: Floats,
    rates: Floats,
    penalised: Indices,
    key: Key,
    step: int,
    stats: Floats,
    work: Array,
    threads: int,
) -> int:
    """Do len(rates) steps on batches of order[first:]; return how many had a finite loss.

    `step` counts the steps before. The first loss that is not finite ends the run before its step.
    """
    for done, rate in enumerate(rates):
        rows = order[first + done * batch : first + (done + 1) * batch]
        own = np.zeros(3)
        run = Run(ops, reals, slots, theta, running, True, key, step + done, True)
        y = labels[rows] if labels.size else labels
        t = targets[rows] if targets.size else targets
        w = weights[rows] if weights.size else weights
        with np.errstate(all="ignore"):
            _gradient(run, layout, X[rows], y, t, w, 1.0 / len(rows), gradient, own)
        if not np.isfinite(own[0]):
            return done
        stats += own
        with np.errstate(all="ignore"):
            update(
                theta,
                gradient,
                moments,
                penalised,
                optimizer,
                hyper,
                rate,
                step + done + 1,
                threads,
            )
    return len(rates)
