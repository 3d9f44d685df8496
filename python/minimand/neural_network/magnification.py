"""By how much operations and networks magnify differences: from above, from below."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from minimand._common.backend import Backend
from minimand._common.random import Key
from minimand.neural_network.losses import SquaredError
from minimand.neural_network.modules import Conv2d, Linear, Module
from minimand.neural_network.network import Network
from minimand.neural_network.program import (
    ACTIVATION,
    CODE,
    IN0,
    IN1,
    INTS,
    OUT,
    PARAM,
    STATE,
    Activation,
    Indices,
    Op,
    Program,
)
from minimand.neural_network.streams import normals

Floats = NDArray[np.float64]
Norm = Callable[[Floats], float]

_UP = 1.0 + 2.0**-50  # outward rounding of a few operations
_ROUNDS = 12  # of power iteration
_STARTS = 8
_DISTANCES = (1e-4, 1e-2, 1.0)  # between two points of the lower bound
_DOWN = 1.0 - 1e-9  # for the rounding of a quotient of differences


def in_float64(network: Network) -> Network:
    """Return a copy in float64."""
    copy = Network(network.module, network.loss, network.program.input_shape, "float64", rng=0)
    copy.parameters[...] = network.parameters
    copy.running[...] = network.running
    return copy


# Layers


def layer_norms(network: Network, norm: Norm) -> dict[int, float]:
    """Return by operation a bound on its magnification, made of `norm` of its matrix."""
    p, norms = network.program, {}
    shared: dict[int, float] = {}
    for number, row in enumerate(p.ops):
        code, at = Op(int(row[CODE])), int(row[PARAM])
        if code in (Op.LINEAR, Op.CONV2D):
            if at not in shared:
                shared[at] = norm(_matrix(network, row))
            norms[number] = shared[at] * _overlap(code, row) * _UP
        elif code is Op.BATCHNORM:
            channels, state = int(row[INTS]), int(row[STATE])
            variance = network.running[state + channels : state + 2 * channels]
            scale = np.abs(network.parameters[at : at + channels])
            epsilon = p.reals[number, 1]
            norms[number] = float((scale / np.sqrt(variance + epsilon)).max()) * _UP
    return norms


def _matrix(network: Network, row: Indices) -> Floats:
    """Return W (in, out) of a linear layer, (C_out, C_in kh kw) of a convolution."""
    if row[CODE] == Op.LINEAR:
        shape = (int(row[INTS]), int(row[INTS + 1]))
    else:
        channels, _, _, k, kh, kw = (int(i) for i in row[INTS : INTS + 6])
        shape = (k, channels * kh * kw)
    begin = int(row[PARAM])
    W: Floats = network.parameters[begin : begin + shape[0] * shape[1]].reshape(shape)
    return W


def _overlap(code: Op, row: Indices) -> float:
    """Return the root of how many windows share a cell, at most."""
    if code not in (Op.CONV2D, Op.MAXPOOL, Op.AVGPOOL):
        return 1.0
    first = INTS + (4 if code is Op.CONV2D else 3)
    kh, kw, sh, sw = (int(i) for i in row[first : first + 4])
    return math.sqrt(-(-kh // sh) * -(-kw // sw)) * _UP


def lower_norms(network: Network, key: Key, backend: Backend, threads: int) -> dict[int, float]:
    """Return by operation how much it stretches some vector, found by power iteration."""
    lowers: dict[int, float] = {}
    shared: dict[int, float] = {}
    for number, upper in layer_norms(network, lambda _W: 1.0).items():
        row = network.program.ops[number]
        if row[CODE] == Op.BATCHNORM:
            lowers[number] = upper / _UP
            continue
        at = int(row[PARAM])
        if at not in shared:
            alone = Network(*_alone(row), "float64", rng=0)
            alone.parameters[...] = _matrix(network, row).reshape(-1)
            size = alone.program.n_inputs
            x = normals(key, 2 + number, _STARTS * size, backend=backend).reshape(_STARTS, size)
            shared[at] = _stretch(alone, x, backend, threads)
        lowers[number] = shared[at]
    return lowers


def _alone(row: Indices) -> tuple[Module, SquaredError, tuple[int, ...]]:
    """Return the module of an operation, without its bias, and the shape of its input."""
    if row[CODE] == Op.LINEAR:
        n, k = int(row[INTS]), int(row[INTS + 1])
        return Linear(n, k, bias=False), SquaredError(), (n,)
    C, H, W, k, kh, kw, sh, sw, ph, pw = (int(i) for i in row[INTS : INTS + 10])
    module = Conv2d(C, k, (kh, kw), stride=(sh, sw), padding=(ph, pw), bias=False)
    return module, SquaredError(), (C, H, W)


def _stretch(linear: Network, x: Floats, backend: Backend, threads: int) -> float:
    shape = (len(x), *linear.program.input_shape)
    best = 0.0
    for _ in range(_ROUNDS):
        x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)
        y = linear.fprop(x.reshape(shape), backend=backend, threads=threads)
        best = max(best, float(np.linalg.norm(y.reshape(len(x), -1), axis=1).max()))
        x = linear.bprop(y, backend=backend, threads=threads).reshape(len(x), -1)
    return best * _DOWN


def layer_name(program: Program, number: int) -> str:
    """Return the name of the weights of an operation."""
    begin = int(program.ops[number, PARAM])
    return next(segment.name for segment in program.segments if segment.begin == begin)


# The whole network


def product_bound(network: Network, norms: Mapping[int, float]) -> float:
    """Return the bound on the whole network that follows from those of its layers."""
    p = network.program
    bounds: dict[int, float] = {0: 1.0}
    for number, row in enumerate(p.ops):
        code, first = Op(int(row[CODE])), bounds[int(row[IN0])]
        if code is Op.ADD:
            bound = first + bounds[int(row[IN1])]
        elif code is Op.CONCAT:
            bound = math.hypot(first, bounds[int(row[IN1])])
        elif code is Op.SOFTMAX:
            bound = 0.5 * first
        elif code is Op.MAXPOOL:
            bound = _overlap(code, row) * first
        elif code is Op.AVGPOOL:
            bound = _overlap(code, row) / math.sqrt(_least_cells(row)) * first
        else:
            bound = norms.get(number, 1.0) * first
        if Activation(int(row[ACTIVATION])) is Activation.SIGMOID:
            bound *= 0.25
        bounds[int(row[OUT])] = bound * _UP
    return bounds[p.output_slot]


def _least_cells(row: Indices) -> int:
    """Return the least number of cells that a window has in the image."""
    H, W, kh, kw, sh, sw, ph, pw = (int(i) for i in row[INTS + 1 : INTS + 9])

    def least(size: int, k: int, s: int, p: int) -> int:
        begins = range(-p, size + p - k + 1, s)
        return min(min(begin + k, size) - max(begin, 0) for begin in begins)

    return max(1, least(H, kh, sh, ph) * least(W, kw, sw, pw))


def steepest_pair(
    network: Network, samples: Floats, v: Floats, backend: Backend, threads: int
) -> tuple[Floats, Floats, float]:
    """Return two points and by how much the network stretches their difference.

    Power iteration on J'J at each sample: J v by a difference, J'u by backpropagation.
    """
    shape = (len(samples), *network.program.input_shape)
    size = 1.0 + np.linalg.norm(samples, axis=1, keepdims=True)

    def outputs(x: Floats) -> Floats:
        out = network.fprop(x.reshape(shape), backend=backend, threads=threads)
        flat: Floats = out.reshape(len(x), -1)
        return flat

    def unit(x: Floats) -> Floats:
        scaled: Floats = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)
        return scaled

    step = 1e-6 * size
    v = unit(v)
    for _ in range(_ROUNDS):
        u = unit(outputs(samples + step * v) - outputs(samples - step * v))
        outputs(samples)
        back = network.bprop(u.reshape(-1, *network.program.output_shape), backend=backend,
                             threads=threads).reshape(samples.shape)  # fmt: skip
        flat = np.linalg.norm(back, axis=1) == 0.0
        v = np.where(flat[:, np.newaxis], v, unit(back))
    best = (samples[0], samples[0] + v[0], 0.0)
    for distance in _DISTANCES:
        a, b = samples + distance * size * v, samples - distance * size * v
        found = quotient(network, a, b, backend, threads)
        k = int(found.argmax())
        if found[k] > best[2]:
            best = (a[k].copy(), b[k].copy(), float(found[k]))
    return best


def quotient(network: Network, a: Floats, b: Floats, backend: Backend, threads: int = 1) -> Floats:
    """Return ||f(a) - f(b)|| / ||a - b|| for each pair, rounded downwards."""
    out = [network.fprop(x, backend=backend, threads=threads).reshape(len(a), -1) for x in (a, b)]
    apart = np.linalg.norm((a - b).reshape(len(a), -1), axis=1)
    share: Floats = np.linalg.norm(out[0] - out[1], axis=1) / np.maximum(apart, 1e-300) * _DOWN
    return share


def distinct_layers(program: Program, norms: Mapping[int, float]) -> dict[int, float]:
    """Leave out operations whose parameters another one before has: later steps of an RNN."""
    seen: set[int] = set()
    first: dict[int, float] = {}
    for number, norm in norms.items():
        at = int(program.ops[number, PARAM])
        if at not in seen:
            seen.add(at)
            first[number] = norm
    return first
