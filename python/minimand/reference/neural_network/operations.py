"""One pair of functions for each operation: the value of its output, and the way back.

The way back returns ((delta of in0, delta of in1), (gradient of param, gradient of bias)), each as
far as there is one.
"""

# ruff: noqa: ARG001 -- all take the same arguments

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from minimand.neural_network.program import BIAS, IN0, IN1, INTS, OUT, PARAM, STATE, WIDTH, Op
from minimand.reference.random import philox_words

Array = NDArray[Any]
Parts = tuple[tuple[Array, ...], tuple[Array, ...]]

GOLDEN = 0x9E3779B97F4A7C15  # between the keys of two streams
FIRST_DROPOUT = 16  # number of the first stream of masks


def _params(run: Any, row: Array, column: int, shape: tuple[int, ...]) -> Array:
    begin = int(row[column])
    part: Array = run.theta[begin : begin + int(np.prod(shape))]
    return part.reshape(shape)


def _linear(run: Any, number: int, row: Array) -> Array:
    shape = (int(row[INTS]), int(row[INTS + 1]))
    Z: Array = run.values[row[IN0]] @ _params(run, row, PARAM, shape)
    return Z + _params(run, row, BIAS, shape[1:]) if row[BIAS] >= 0 else Z


def _linear_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    W = _params(run, row, PARAM, (int(row[INTS]), int(row[INTS + 1])))
    return (D @ W.T,), (run.values[row[IN0]].T @ D, D.sum(axis=0))


def _patches(x: Array, row: Array, geometry: Array, fill: float) -> Array:
    """Return the windows of images, (n, C, H_out, W_out, kh, kw)."""
    C, H, W = (int(k) for k in row[INTS : INTS + 3])
    kh, kw, sh, sw, ph, pw = (int(k) for k in geometry)
    images = x.reshape(-1, C, H, W)
    padded = np.pad(images, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=fill)
    return sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]


def _spread(parts: Array, row: Array, geometry: Array) -> Array:
    """Add windows (n, C, H_out, W_out, kh, kw) back to their cells: the adjoint of `_patches`."""
    C, H, W = (int(k) for k in row[INTS : INTS + 3])
    kh, kw, sh, sw, ph, pw = (int(k) for k in geometry)
    n, _, rows, columns = parts.shape[:4]
    image = np.zeros((n, C, H + 2 * ph, W + 2 * pw), parts.dtype)
    for i in range(kh):
        for j in range(kw):
            cells = (slice(i, i + sh * rows, sh), slice(j, j + sw * columns, sw))
            image[:, :, *cells] += parts[..., i, j]
    return image[:, :, ph : ph + H, pw : pw + W].reshape(n, -1)


def _conv2d(run: Any, number: int, row: Array) -> Array:
    geometry = row[INTS + 4 : INTS + 10]
    patches = _patches(run.values[row[IN0]], row, geometry, 0.0)
    shape = (int(row[INTS + 3]), int(row[INTS]), *patches.shape[4:])
    Y = np.einsum("ncyxij,kcij->nkyx", patches, _params(run, row, PARAM, shape), optimize=True)
    if row[BIAS] >= 0:
        Y = Y + _params(run, row, BIAS, (shape[0], 1, 1))
    flat: Array = Y.reshape(len(Y), -1)
    return flat


def _conv2d_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    geometry = row[INTS + 4 : INTS + 10]
    patches = _patches(run.values[row[IN0]], row, geometry, 0.0)
    k = int(row[INTS + 3])
    W = _params(run, row, PARAM, (k, int(row[INTS]), *patches.shape[4:]))
    D = D.reshape(len(D), k, *patches.shape[2:4])
    dW = np.einsum("nkyx,ncyxij->kcij", D, patches, optimize=True)
    parts = np.einsum("nkyx,kcij->ncyxij", D, W, optimize=True)
    return (_spread(parts, row, geometry),), (dW, D.sum(axis=(0, 2, 3)))


def _maxpool(run: Any, number: int, row: Array) -> Array:
    patches = _patches(run.values[row[IN0]], row, row[INTS + 3 : INTS + 9], -np.inf)
    flat = patches.reshape(*patches.shape[:4], -1)
    winner = flat.argmax(axis=-1)[..., np.newaxis]  # the first of equal ones
    run.saved[number] = winner, patches.shape
    return np.take_along_axis(flat, winner, axis=-1).reshape(len(flat), -1)


def _maxpool_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    winner, shape = run.saved[number]
    parts = np.zeros((*shape[:4], shape[4] * shape[5]), D.dtype)
    np.put_along_axis(parts, winner, D.reshape(winner.shape), axis=-1)
    return (_spread(parts.reshape(shape), row, row[INTS + 3 : INTS + 9]),), ()


def _cells(row: Array, dtype: Any) -> Array:
    """Return how many cells of each window lie in the image, (H_out, W_out)."""
    geometry = row[INTS + 3 : INTS + 9]
    ones = np.ones((1, int(row[INTS + 1] * row[INTS + 2])), dtype)
    single = row.copy()
    single[INTS] = 1
    counts: Array = _patches(ones, single, geometry, 0.0).sum(axis=(0, 1, 4, 5))
    return counts


def _avgpool(run: Any, number: int, row: Array) -> Array:
    x = run.values[row[IN0]]
    sums = _patches(x, row, row[INTS + 3 : INTS + 9], 0.0).sum(axis=(4, 5))
    means: Array = (sums / _cells(row, x.dtype)).reshape(len(x), -1)
    return means


def _avgpool_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    kh, kw = int(row[INTS + 3]), int(row[INTS + 4])
    counts = _cells(row, D.dtype)
    share = D.reshape(len(D), int(row[INTS]), *counts.shape) / counts
    parts = np.broadcast_to(share[..., np.newaxis, np.newaxis], (*share.shape, kh, kw))
    return (_spread(parts, row, row[INTS + 3 : INTS + 9]),), ()


def _copy(run: Any, number: int, row: Array) -> Array:
    value: Array = run.values[row[IN0]]
    return value


def _copy_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    return (D,), ()


def softmax(z: Array) -> Array:
    """e^z_k / sum_j e^z_j for each row, with the largest z subtracted."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    h: Array = e / e.sum(axis=1, keepdims=True)
    return h


def _softmax(run: Any, number: int, row: Array) -> Array:
    return softmax(run.values[row[IN0]])


def _softmax_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    h = run.values[row[OUT]]
    return (h * (D - (D * h).sum(axis=1, keepdims=True)),), ()


def _dropout(run: Any, number: int, row: Array) -> Array:
    x: Array = run.values[row[IN0]]
    if not run.training:
        return x
    run.saved[number] = dropout_mask(run, row, len(x)) * x.dtype.type(run.reals[number, 1])
    kept: Array = x * run.saved[number]
    return kept


def dropout_mask(run: Any, row: Array, samples: int) -> Array:
    """1 where a number stays: one 16-bit draw each, four in a word of item 2**32 step + sample."""
    stream, drop, width = int(row[INTS]), int(row[INTS + 1]), int(run.slots[row[IN0], WIDTH])
    key = run.key.copy()
    key[1] = (int(key[1]) + (FIRST_DROPOUT + stream) * GOLDEN) % 2**64
    words = np.empty((samples, -(-width // 4)), dtype=np.uint64)
    philox_words(key, run.step << 32, words, 1)
    draws = np.stack([words >> np.uint64(16 * k) & np.uint64(0xFFFF) for k in range(4)], axis=2)
    mask: Array = (draws.reshape(samples, -1)[:, :width] >= drop).astype(run.theta.dtype)
    return mask


def _dropout_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    return (D * run.saved[number] if run.training else D,), ()


def _batchnorm(run: Any, number: int, row: Array) -> Array:
    channels, cells = int(row[INTS]), int(row[INTS + 1])
    x = run.values[row[IN0]].reshape(-1, channels, cells)
    epsilon, momentum = run.reals[number, 1:]
    at = int(row[STATE])
    state = run.running[at : at + 2 * channels].reshape(2, channels)
    if run.training:
        wide = x.astype(np.float64)
        mean, variance = wide.mean(axis=(0, 2)), wide.var(axis=(0, 2))
        if run.update_running:
            count = x.shape[0] * cells
            fresh = np.stack([mean, variance * (count / (count - 1))])
            state[...] = (1.0 - momentum) * state + momentum * fresh
    else:
        mean, variance = state.astype(np.float64)
    inverse = (1.0 / np.sqrt(variance + epsilon)).astype(x.dtype)[:, np.newaxis]
    normalised = (x - mean.astype(x.dtype)[:, np.newaxis]) * inverse
    run.saved[number] = normalised, inverse
    scale, shift = (_params(run, row, column, (channels, 1)) for column in (PARAM, BIAS))
    out: Array = (scale * normalised + shift).reshape(len(x), -1)
    return out


def _batchnorm_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    normalised, inverse = run.saved[number]
    D = D.reshape(normalised.shape)
    wide = D.astype(np.float64)
    dscale = (wide * normalised).sum(axis=(0, 2)).astype(D.dtype)
    dshift = wide.sum(axis=(0, 2)).astype(D.dtype)
    scale = _params(run, row, PARAM, (D.shape[1], 1))
    dx = D
    if run.training:
        count = D.shape[0] * D.shape[2]
        mean = (dshift / count).astype(D.dtype)[:, np.newaxis]
        slope = (dscale / count).astype(D.dtype)[:, np.newaxis]
        dx = D - mean - normalised * slope
    return ((scale * inverse * dx).reshape(len(D), -1),), (dscale, dshift)


def _add(run: Any, number: int, row: Array) -> Array:
    total: Array = run.values[row[IN0]] + run.values[row[IN1]]
    return total


def _add_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    return (D, D), ()


def _concat(run: Any, number: int, row: Array) -> Array:
    return np.concatenate([run.values[row[IN0]], run.values[row[IN1]]], axis=1)


def _concat_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    cut = int(run.slots[row[IN0], WIDTH])
    return (D[:, :cut], D[:, cut:]), ()


def _slice(run: Any, number: int, row: Array) -> Array:
    begin = int(row[INTS])
    part: Array = run.values[row[IN0]][:, begin : begin + int(run.slots[row[OUT], WIDTH])]
    return part


def _slice_back(run: Any, number: int, row: Array, D: Array) -> Parts:
    whole = np.zeros((len(D), int(run.slots[row[IN0], WIDTH])), D.dtype)
    begin = int(row[INTS])
    whole[:, begin : begin + D.shape[1]] = D
    return (whole,), ()


FORWARD = {
    Op.LINEAR: _linear,
    Op.CONV2D: _conv2d,
    Op.MAXPOOL: _maxpool,
    Op.AVGPOOL: _avgpool,
    Op.COPY: _copy,
    Op.SOFTMAX: _softmax,
    Op.DROPOUT: _dropout,
    Op.BATCHNORM: _batchnorm,
    Op.ADD: _add,
    Op.CONCAT: _concat,
    Op.SLICE: _slice,
}
BACKWARD = {
    Op.LINEAR: _linear_back,
    Op.CONV2D: _conv2d_back,
    Op.MAXPOOL: _maxpool_back,
    Op.AVGPOOL: _avgpool_back,
    Op.COPY: _copy_back,
    Op.SOFTMAX: _softmax_back,
    Op.DROPOUT: _dropout_back,
    Op.BATCHNORM: _batchnorm_back,
    Op.ADD: _add_back,
    Op.CONCAT: _concat_back,
    Op.SLICE: _slice_back,
}
