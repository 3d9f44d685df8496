"""The objective over all samples: its value, its gradient, and evaluation of a validation set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.neural_network.data import Targets
from minimand.neural_network.plan import plan
from minimand.neural_network.program import CODE, Indices, Op, Program

Array = NDArray[Any]
Floats = NDArray[np.float64]

_ROWS = 8192  # samples of one call, so that Ctrl-C arrives


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """The mean loss, with penalties the objective, the share predicted right, the gradient.

    The gradient is that of the mean loss plus l2 ||W||^2 / 2.
    """

    loss: float
    objective: float
    accuracy: float
    gradient: Array


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """The mean loss on given samples plus penalties; `weights` are empty or have mean 1."""

    program: Program
    dtype: str
    samples: Array
    targets: Targets
    weights: Floats
    l2: float
    l1: float

    def evaluate(self, theta: Array, running: Array, compiled: Any, threads: int) -> Value:
        """Return the value without a gradient, as in inference."""
        p, n = self.program, len(self.samples)
        rows = min(n, _ROWS)
        cut = plan(p, rows, training=False, dtype=self.dtype)
        stats = np.zeros(3)
        for begin in range(0, n, rows):
            compiled.evaluate(
                p.ops, p.reals, p.slots, cut.layout, theta, running,
                *self._part(begin, begin + rows), stats, cut.work, cut.threads(threads),
            )  # fmt: skip
        return self._value(stats, theta, np.empty(0))

    def gradient(
        self, theta: Array, running: Array, compiled: Any, threads: int, *, training: bool = False
    ) -> Value:
        """Return the value and the gradient.

        `training`: batch norms take the statistics of all samples, which then are one batch.
        """
        p, n = self.program, len(self.samples)
        together = training and bool((p.ops[:, CODE] == Op.BATCHNORM).any())
        rows = n if together else min(n, _ROWS)
        if together and n == 1:
            raise ValueError("X has 1 sample, expected at least 2: a batch norm is to be trained")
        cut = plan(p, rows, training=training, dtype=self.dtype)
        stats = np.zeros(3)
        total = np.zeros(p.n_parameters, self.dtype)
        for begin in range(0, n, rows):
            gradient = np.zeros((cut.lanes, p.n_parameters), self.dtype)
            compiled.loss_and_gradient(
                p.ops, p.reals, p.slots, cut.layout, theta, running, training,
                *self._part(begin, begin + rows), 1.0 / n, np.zeros(2, dtype=np.uint64), 0,
                gradient, stats, cut.work, cut.threads(threads),
            )  # fmt: skip
            total += gradient[0]
        if self.l2 > 0.0:
            for segment in p.segments:
                if segment.penalised:
                    run = slice(segment.begin, segment.end)
                    total[run] += self.l2 * theta[run]
        return self._value(stats, theta, total)

    def _part(self, begin: int, end: int) -> tuple[Array, Indices, Array, Floats]:
        t = self.targets
        part = slice(begin, end)
        return (
            self.samples[part],
            t.labels[part] if len(t.labels) else t.labels,
            t.values[part] if len(t.values) else t.values,
            self.weights[part] if len(self.weights) else self.weights,
        )

    def _value(self, stats: Floats, theta: Array, gradient: Array) -> Value:
        loss = float(stats[0] / len(self.samples))
        objective = loss + penalty(self.program, theta, self.l2, self.l1)
        return Value(loss, objective, float(stats[2] / max(stats[1], 1e-300)), gradient)


def penalty(program: Program, theta: Array, l2: float, l1: float) -> float:
    """Return l2 ||W||^2 / 2 + l1 ||W||_1 over the weights."""
    total = 0.0
    if l2 > 0.0 or l1 > 0.0:
        for segment in program.segments:
            if segment.penalised:
                W = theta[segment.begin : segment.end].astype(np.float64)
                total += 0.5 * l2 * float(W @ W) + l1 * float(np.abs(W).sum())
    return total


def norm_with_l1(program: Program, gradient: Array, theta: Array, l1: float) -> float:
    """Return the norm of the least subgradient of the objective, from that of its smooth part."""
    g = gradient.astype(np.float64)
    if l1 > 0.0:
        for segment in program.segments:
            if segment.penalised:
                run = slice(segment.begin, segment.end)
                W, own = theta[run], g[run]
                shrunk = np.sign(own) * np.maximum(np.abs(own) - l1, 0.0)
                g[run] = np.where(W == 0.0, shrunk, own + l1 * np.sign(W))
    return norm(g)


def norm(g: Array) -> float:
    """Return the Euclidean norm; entries whose squares overflow are no problem."""
    largest = float(np.abs(g).max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    scaled = g.astype(np.float64) / largest
    return largest * math.sqrt(float(scaled @ scaled))
