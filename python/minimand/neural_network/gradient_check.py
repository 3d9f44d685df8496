"""Backpropagation against differences of the loss, with error bars and an eye for kinks."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import boolean, positive_int
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.iterate import Advance, drive
from minimand._common.random import Key, as_key, permutation, uniform
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.neural_network.compile import compile_program
from minimand.neural_network.data import as_samples, as_targets, as_weights, mean_one
from minimand.neural_network.full_batch import Objective
from minimand.neural_network.gradient_report import (
    SIDES,
    GradientCheck,
    certificates,
    read,
    read_directions,
    worst,
    worst_by_array,
)
from minimand.neural_network.network import Network, check_parameters
from minimand.neural_network.plan import plan
from minimand.neural_network.program import Indices
from minimand.neural_network.streams import CHECK, stream

Floats = NDArray[np.float64]

_STEP = 2.0**-17  # a power of 2 near eps^(1/3): theta + h is exact
_CLOSER = 1.0 / 16.0  # for a second look: fewer kinks within the step, more rounding
_GOOD = 1e-8  # relative error that needs no second look
_SAMPLES = 2048
_DIRECTIONS = 20  # along which the rest is looked at
_EACH = 200  # entries of an array that are looked at when there are too many
_ITEM = 2**32  # of the stream: the first one that is no array's
_NO_KEY = np.zeros(2, dtype=np.uint64)


def check_gradient(
    network: Network,
    X: object,
    y: object,
    *,
    sample_weight: object = None,
    training: bool = True,
    max_parameters: int = 5000,
    rng: object = None,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> GradientCheck:
    """Compare the gradient of the mean loss with central differences.

    For parameter i, with J the mean loss, e_i a unit vector and h near eps^(1/3) max(1, |theta_i|),

        D(h) = (J(theta + h e_i) - J(theta - h e_i)) / (2 h),   D = (4 D(h/2) - D(h)) / 3,

    and the entry g_i of backpropagation is right when |g_i - D| <= 3 (|D - D(h/2)| + rounding).
    Where J has a kink within the step (ReLU, max-pool) the slopes on the two sides differ however
    small the step; there g_i has to lie between them. A copy of the network in float64 is looked
    at, whatever its dtype.

    Parameters
    ----------
    network : Network
        Its parameters are where the gradient is checked; they do not change.
    X, y, sample_weight : array_like
        As in `train`; at most the first 2048 samples are used.
    training : bool
        Whether batch norms take the statistics of X, and dropout drops (always the same).
    max_parameters : int
        With more than these, 200 entries of each array are checked, chosen at random, and the
        slopes along 20 random directions.
    rng : None, int, SeedSequence, BitGenerator or Generator
        For that choice.
    threads, backend
        As everywhere. With backend="numpy" it is the NumPy interpreter that is checked.

    Returns
    -------
    GradientCheck
        Gradient, differences, error bars and verdict of each entry, the worst of each array.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    Sources: Richardson, Phil. Trans. A 210 (1911) 307; Gill, Murray, Wright, Practical
    Optimization (1981), 8.6.

    Examples
    --------
    >>> from minimand import nn
    >>> module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    >>> network = nn.Network(module, nn.CrossEntropy(), 3, rng=0)
    >>> check = nn.check_gradient(network, [[0.5, 1.0, -1.0], [2.0, 0.0, 1.0]], [0, 1])
    >>> check.relative_error < 1e-8
    True
    >>> int(check.wrong.sum())
    0
    """
    start = time.perf_counter()
    if not isinstance(network, Network):
        raise wrong_type("network", network, "a Network")
    boolean("training", training)
    positive_int("max_parameters", max_parameters)
    compiled, workers = kernels("neural_network", backend), resolve_threads(threads)
    if network.parameters.size == 0:
        raise ValueError(f"network is {network}, expected one with parameters")
    point = Point(network, X, y, sample_weight, training)
    check_parameters(network)
    key = as_key(rng)
    index = chosen(network, max_parameters, key)

    value = point.data.gradient(point.theta, point.running, compiled, workers, training=training)
    gradient = value.gradient[index]
    steps = _STEP * 2.0 ** np.ceil(np.log2(np.maximum(1.0, np.abs(point.theta[index]))))
    loss = point.losses(np.zeros(1, np.int64), np.zeros((1, 1)), compiled, workers)[0, 0]
    losses = point.losses(index, steps[:, np.newaxis] * SIDES, compiled, workers)
    first = read(gradient, losses, loss, steps, network.segments, index)
    # A second look, closer, at what is not plain.
    unclear = np.flatnonzero((first.errors > _GOOD) | first.wrong | first.kinks)
    if unclear.size:
        closer = _CLOSER * steps[unclear]
        again = point.losses(index[unclear], closer[:, np.newaxis] * SIDES, compiled, workers)
        second = read(gradient[unclear], again, loss, closer, network.segments, index[unclear])
        plain = ~second.wrong & ~second.kinks & (second.errors < first.errors[unclear])
        mended = plain | (first.wrong[unclear] & ~second.wrong)
        losses[unclear[mended]], steps[unclear[mended]] = again[mended], closer[mended]
    count = _DIRECTIONS if len(index) < point.theta.size else 0
    signs = directions(key, count, point.theta.size, backend)
    slopes = signs @ value.gradient
    along = point.losses_along(signs, compiled, workers)
    found = read(gradient, losses, loss, steps, network.segments, index)
    beside = read_directions(slopes, along, loss, point.stride)
    error = max(worst(found), worst(beside))
    wrong = int(found.wrong.sum() + beside.wrong.sum())
    return GradientCheck(
        status=Status.NOT_CERTIFIED if wrong else Status.COMPLETED,
        iterations=len(index),
        history=(),
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=certificates(error, wrong, 0.0),
        relative_error=error,
        by_array=worst_by_array(found, network.segments, index),
        slopes=slopes,
        slope_losses=along,
        key=(int(key[0]), int(key[1])),
        index=index,
        gradient=gradient,
        losses=losses,
        loss=float(loss),
        steps=steps,
        training=training,
        segments=network.segments,
    )


def chosen(network: Network, most: int, key: Key) -> Indices:
    """Return the parameters to check: all, or some of each array."""
    if network.parameters.size <= most:
        return np.arange(network.parameters.size, dtype=np.int64)
    parts = [
        s.begin + np.sort(permutation(stream(key, CHECK), number, s.end - s.begin)[:_EACH])
        for number, s in enumerate(network.segments)
    ]
    return np.concatenate(parts)


def directions(key: Key, count: int, size: int, backend: Backend) -> Floats:
    """Return unit vectors whose entries are +-1 / sqrt(size)."""
    coins = uniform(stream(key, CHECK), _ITEM, count, size, backend=backend) < 0.5
    signs: Floats = np.where(coins, 1.0, -1.0) / np.sqrt(size)
    return signs


class Point:
    """A copy of a network in float64 with its data: what is differentiated."""

    def __init__(
        self, network: Network, X: object, y: object, sample_weight: object, training: bool
    ) -> None:
        program = compile_program(
            network.module, network.loss, network.program.input_shape, "float64"
        )
        samples = as_samples("X", X, program, np.float64)
        targets = as_targets("y", y, network.loss, program, np.float64, len(samples), "X")
        weights = mean_one(as_weights(sample_weight, None, targets, len(samples)))
        rows = np.arange(min(len(samples), _SAMPLES))
        self.data = Objective(
            program, "float64", samples[rows], targets.take(rows),
            weights[rows] if weights.size else weights, 0.0, 0.0,
        )  # fmt: skip
        self.theta = network.parameters.astype(np.float64)
        self.running = network.running.astype(np.float64)
        self.training = training
        self.stride = _STEP * 2.0 ** np.ceil(np.log2(max(1.0, np.abs(self.theta).max(initial=0.0))))

    def losses_along(self, signs: Floats, compiled: Any, threads: int) -> Floats:
        """Return the mean loss some way along each direction and back, as `losses` does."""
        found = np.empty((len(signs), len(SIDES)))
        for k, direction in enumerate(signs):
            thetas = self.theta + self.stride * SIDES[:, np.newaxis] * direction
            found[k] = self._around(
                thetas, np.zeros(len(SIDES), np.int64), np.zeros((len(SIDES), 1)), compiled, threads
            )[:, 0]
        return found

    def losses(self, index: Indices, offsets: Floats, compiled: Any, threads: int) -> Floats:
        """Return the mean loss with each offset added to its parameter."""
        shares = max(1, min(threads, len(index)))
        return self._around(np.tile(self.theta, (shares, 1)), index, offsets, compiled, threads)

    def _around(
        self, thetas: Floats, index: Indices, offsets: Floats, compiled: Any, threads: int
    ) -> Floats:
        p, d, t = self.data.program, self.data, self.data.targets
        cut = plan(p, len(d.samples), training=self.training, dtype="float64")
        work = np.empty((len(thetas), cut.work.size))
        out = np.empty(offsets.shape)
        done = 0

        def advance(count: int) -> Advance:
            nonlocal done
            part = slice(done, done + count)
            compiled.losses_around(
                p.ops, p.reals, p.slots, cut.layout, thetas, self.running, self.training,
                d.samples, t.labels, t.values, d.weights, _NO_KEY, 0, index[part], offsets[part],
                out[part], work, threads,
            )  # fmt: skip
            done += count
            return Advance(count)

        if len(index):
            drive(advance, max_iterations=len(index), first_chunk=len(thetas))
        return out / len(d.samples)
