"""The losses of each sample, their deltas, and which samples are predicted right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.neural_network.program import LossCode
from minimand.reference.neural_network.operations import softmax

Array = NDArray[Any]


def sample_losses(code: LossCode, z: Array, labels: Array, targets: Array) -> tuple[Array, Array]:
    """Return the loss of each sample and its derivative for z."""
    if code is LossCode.SQUARED_ERROR:
        return 0.5 * np.square(z - targets).sum(axis=1), z - targets
    if code is LossCode.CROSS_ENTROPY:
        h = softmax(z)
        rows = np.arange(len(z))
        top = z.max(axis=1)
        total = np.exp(z - top[:, np.newaxis]).sum(axis=1)
        losses = np.log(total) + (top - z[rows, labels])
        h[rows, labels] -= 1
        return losses, h
    if code in (LossCode.BINARY_CROSS_ENTROPY, LossCode.CATEGORICAL_SIGMOID):
        h = 1 / (1 + np.exp(-np.abs(z)))
        softplus = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
        return (softplus - targets * z).sum(axis=1), np.where(z < 0, 1 - h, h) - targets
    return _both_terms(z, targets)


def _both_terms(z: Array, y: Array) -> tuple[Array, Array]:
    """-sum [y log h + (1 - y) log(1 - h)] of h = softmax(z).

    With m = argmax z, s = sum_{k != m} e^(z_k - z_m), q = softmax without class m: no 1 - h_k with
    k != m is below 1/2, and 1 - h_m = s / (1 + s) has an accurate logarithm.
    """
    rows = np.arange(len(z))
    m = z.argmax(axis=1)
    shifted = z - z[rows, m][:, np.newaxis]
    others = shifted.copy()
    others[rows, m] = -np.inf
    second = others.max(axis=1)
    e = np.exp(others - second[:, np.newaxis])
    q = e / e.sum(axis=1, keepdims=True)
    log_s = second + np.log(e.sum(axis=1))
    log1p_s = np.log1p(np.exp(log_s))[:, np.newaxis]
    log_h = shifted - log1p_s
    h = np.exp(log_h)
    h_others, y_others = h.copy(), y.copy()
    h_others[rows, m] = y_others[rows, m] = 0
    log_rest = np.log1p(-h_others)
    log_rest[rows, m] = log_s - log1p_s[:, 0]
    losses = -(y * log_h + (1 - y) * log_rest).sum(axis=1)

    u = (h_others - y_others) / (1 - h_others)
    U = u.sum(axis=1, keepdims=True)
    top = (h[rows, m] - y[rows, m])[:, np.newaxis]
    D = u - h * U - q * top
    D[rows, m] = (top - h[rows, m][:, np.newaxis] * U)[:, 0]
    return losses, D


def predicted_right(code: LossCode, z: Array, labels: Array, targets: Array) -> Array:
    """Return 1 for each sample whose label is the most probable one, 0 else."""
    if code is LossCode.SQUARED_ERROR:
        return np.zeros(len(z))
    if code is LossCode.CROSS_ENTROPY:
        right: Array = z.argmax(axis=1) == labels
    elif code is not LossCode.BINARY_CROSS_ENTROPY and z.shape[1] > 1:
        right = z.argmax(axis=1) == targets.argmax(axis=1)
    else:
        right = ((z > 0) == (targets > 0.5)).all(axis=1)
    return right.astype(np.float64)
