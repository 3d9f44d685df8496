"""Losses that split exactly into the loss of a mean prediction and the spread around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.neural_network.data import Targets
from minimand.neural_network.game import sigmoid, softplus
from minimand.neural_network.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Losses (R, n), the mean prediction (n, k), and by sample (n,) its loss and the spread."""

    losses: Floats
    mean: Floats
    bias: Floats
    variance: Floats


def is_decomposable(loss: Loss) -> bool:
    """Whether `decompose` knows the loss."""
    return isinstance(loss, (SquaredError, CrossEntropy, BinaryCrossEntropy))


def decompose(loss: Loss, z: NDArray[Any], targets: Targets) -> Parts:
    """Return the parts for outputs z (R, n, k); mean over R of losses = bias + variance."""
    if isinstance(loss, CrossEntropy):
        return _softmax(z, targets.labels)
    y = targets.values.astype(np.float64)
    if isinstance(loss, BinaryCrossEntropy):
        return _logistic(z, y)
    mean = z.mean(axis=0)
    return Parts(
        0.5 * np.square(z - y).sum(axis=2),
        mean,
        0.5 * np.square(mean - y).sum(axis=1),
        0.5 * np.square(z - mean).sum(axis=2).mean(axis=0),
    )


def _softmax(z: Floats, labels: NDArray[np.int64]) -> Parts:
    """Centre log f = mean of log f_r, normalised; spread KL(f || f_r)."""
    log_p = _log_softmax(z)
    log_mean = _log_softmax(log_p.mean(axis=0))
    mean = np.exp(log_mean)
    rows = np.arange(len(labels))
    return Parts(
        -log_p[:, rows, labels],
        mean,
        -log_mean[rows, labels],
        (mean * (log_mean - log_p)).sum(axis=2).mean(axis=0),
    )


def _logistic(z: Floats, y: Floats) -> Parts:
    """Output by output a softmax of (0, z), whose centre has the mean logit."""
    centre = z.mean(axis=0)
    p, q = sigmoid(centre), sigmoid(-centre)
    # log sigmoid(c) = -softplus(-c), so KL = p (softplus(-z) - softplus(-c)) + q (the same of z, c)
    spread = p * (softplus(-z) - softplus(-centre)) + q * (softplus(z) - softplus(centre))
    return Parts(
        (softplus(z) - y * z).sum(axis=2),
        p,
        (softplus(centre) - y * centre).sum(axis=1),
        spread.sum(axis=2).mean(axis=0),
    )


def _log_softmax(z: Floats) -> Floats:
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return log_p
