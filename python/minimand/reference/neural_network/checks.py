"""The loss next to a point, and norms that bound the largest singular value."""

# ruff: noqa: ARG001 -- `work` and `threads` belong to the signatures of the compiled kernels

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.neural_network.program import Indices
from minimand.reference.neural_network.kernels import add_losses
from minimand.reference.neural_network.network import Run

Array = NDArray[Any]
Floats = NDArray[np.float64]


def losses_around(
    ops: Indices,
    reals: Floats,
    slots: Indices,
    layout: Indices,
    thetas: Floats,
    running: Floats,
    training: bool,
    X: Floats,
    labels: Indices,
    targets: Floats,
    weights: Floats,
    key: NDArray[np.uint64],
    step: int,
    index: Indices,
    offsets: Floats,
    out: Floats,
    work: Floats,
    threads: int,
) -> None:
    """Entry (k, j) of out := sum w loss with offsets[k, j] added to parameter index[k]."""
    for k, i in enumerate(index):
        theta = thetas[k % len(thetas)]
        run = Run(ops, reals, slots, theta, running, training, key, step)
        at = theta[i]
        for j, offset in enumerate(offsets[k]):
            theta[i] = at + offset
            stats = np.zeros(3)
            add_losses(run, layout, X, labels, targets, weights, stats)
            out[k, j] = stats[0]
        theta[i] = at


def gram_norms(W: Floats, norms: Floats, work: Floats, threads: int) -> None:
    """norms[i] := |G_i|_F with G_0 = W and G_{i+1} = H'H, H = G_i / |G_i|_F."""
    norms[...] = 0.0
    G = W
    for i in range(len(norms)):
        norms[i] = np.sqrt(np.vdot(G, G))
        if norms[i] == 0.0:
            return
        H = G / norms[i]
        G = H.T @ H
