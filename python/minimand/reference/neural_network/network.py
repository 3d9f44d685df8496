"""The interpreter: executes a program forward, and in reverse for deltas and gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.neural_network.program import (
    ACTIVATION,
    BIAS,
    CODE,
    FLAGS,
    IN0,
    IN1,
    OUT,
    PARAM,
    Activation,
    Flag,
    Indices,
    Op,
)
from minimand.reference.neural_network.operations import BACKWARD, FORWARD

Array = NDArray[Any]


@dataclass
class Run:
    """A program on one batch: what every operation needs, and what it leaves for the way back.

    `values` and `deltas` have one matrix (samples, width) for each slot; `running` changes where
    `update_running` says so.
    """

    ops: Indices
    reals: NDArray[np.float64]
    slots: Indices
    theta: Array
    running: Array
    training: bool
    key: NDArray[np.uint64]
    step: int
    update_running: bool = False

    def forward(self, X: Array, count: int) -> list[Array]:
        """Execute the first `count` operations; return the values of all slots."""
        self.values: list[Array] = [X] * len(self.slots)
        self.saved: dict[int, Any] = {}
        for number, row in enumerate(self.ops[:count]):
            out = FORWARD[Op(int(row[CODE]))](self, number, row)
            slope = self.reals[number, 0]
            self.values[row[OUT]] = activate(out, Activation(int(row[ACTIVATION])), slope)
        return self.values

    def backward(self, slot: int, delta: Array, count: int, gradient: Array) -> Array:
        """Take the delta of `slot` back to the input, which is returned; fill `gradient`.

        `count` operations are executed, in reverse.
        """
        rows = len(delta)
        self.deltas = [np.zeros((rows, width), delta.dtype) for width in self.slots[:, 0]]
        self.deltas[slot] = delta
        for number in reversed(range(count)):
            row = self.ops[number]
            flags = Flag(int(row[FLAGS]))
            out = int(row[OUT])
            kind, slope = Activation(int(row[ACTIVATION])), self.reals[number, 0]
            D = chain(self.deltas[out], self.values[out], kind, slope)
            inputs, parameters = BACKWARD[Op(int(row[CODE]))](self, number, row, D)
            columns = ((IN0, Flag.ADD_DELTA0), (IN1, Flag.ADD_DELTA1))
            for (column, flag), part in zip(columns, inputs, strict=False):
                source = int(row[column])
                self.deltas[source] = self.deltas[source] + part if flag in flags else part
            for column, part in zip((PARAM, BIAS), parameters, strict=False):
                if row[column] >= 0:
                    run = slice(row[column], row[column] + part.size)
                    flat = part.reshape(-1)
                    gradient[run] = gradient[run] + flat if Flag.ADD_GRADIENT in flags else flat
        return self.deltas[0]


def activate(z: Array, kind: Activation, slope: float) -> Array:
    """f(z)."""
    if kind is Activation.RELU:
        return np.where(z < 0, z.dtype.type(0), z)
    if kind is Activation.LEAKY:
        return np.where(z < 0, z.dtype.type(slope) * z, z)
    if kind is Activation.SIGMOID:
        with np.errstate(over="ignore"):
            share: Array = 1 / (1 + np.exp(-z))
        return share
    bent: Array = np.tanh(z) if kind is Activation.TANH else z
    return bent


def chain(D: Array, h: Array, kind: Activation, slope: float) -> Array:
    """D f'(z), from h = f(z)."""
    if kind is Activation.RELU:
        return np.where(h > 0, D, D.dtype.type(0))
    if kind is Activation.LEAKY:
        return np.where(h > 0, D, D.dtype.type(slope) * D)
    if kind is Activation.SIGMOID:
        D = D * (h * (1 - h))
    bent: Array = D * (1 - h * h) if kind is Activation.TANH else D
    return bent
