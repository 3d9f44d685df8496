"""One of the two networks of a game: forward, back, and a step of its optimiser."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.random import Key
from minimand.neural_network.data import Targets
from minimand.neural_network.network import Network
from minimand.neural_network.optimizers import Optimizer
from minimand.neural_network.plan import aligned_zeros, plan

Array = NDArray[Any]


class Player:
    """A network with its optimiser; `rows` is the largest batch it sees."""

    def __init__(
        self, network: Network, optimizer: Optimizer, rows: int, key: Key, compiled: Any,
        threads: int,
    ) -> None:  # fmt: skip
        self.network, self.optimizer, self.key = network, optimizer, key
        p, dtype = network.program, network.dtype
        self._compiled = compiled
        self._plan = plan(p, rows, training=True, dtype=dtype)
        self._threads = self._plan.threads(threads)
        lanes = self._plan.lanes
        self._gradient = aligned_zeros(lanes * p.n_parameters, dtype).reshape(lanes, -1)
        self._moments = np.zeros((optimizer.moments, p.n_parameters), dtype)
        self._hyper = np.array([0.0, 0.0, *optimizer.hyper])
        self._penalised = np.empty((0, 2), dtype=np.int64)
        self.steps = 0
        self._saved = self._copies()

    def forward(self, X: Array) -> Array:
        """Return the outputs for a batch, as in training."""
        p = self.network.program
        out = np.empty((len(X), p.n_outputs), self.network.dtype)
        self._compiled.forward(*self._shared(), X, self.key, self.steps, out, *self._rest())
        return out

    def backward(self, X: Array, delta: Array) -> Array:
        """Leave the gradient of sum(delta * output) and return the derivative for X."""
        back = np.empty_like(X)
        self._compiled.backward(
            *self._shared(), X, delta, self.key, self.steps, self._gradient, back, *self._rest()
        )
        return back

    def loss(self, X: Array, targets: Targets, scale: float) -> float:
        """Leave the gradient of scale * sum of losses and return that sum."""
        stats = np.zeros(3)
        self._compiled.loss_and_gradient(
            *self._shared(), X, targets.labels, targets.values, np.empty(0), scale, self.key,
            self.steps, self._gradient, stats, *self._rest(),
        )  # fmt: skip
        return scale * float(stats[0])

    def step(self, per_epoch: int) -> None:
        """Move by the gradient."""
        self.steps += 1
        rate = float(self.optimizer.rates(self.steps, 1, per_epoch)[0])
        self._compiled.update(
            self.network.parameters, self._gradient, self._moments, self._penalised,
            self.optimizer.code, self._hyper, rate, self.steps, self._threads,
        )  # fmt: skip

    def keep(self) -> None:
        """Remember the parameters."""
        self._saved = self._copies()

    def go_back(self) -> None:
        """Return to the parameters that were remembered."""
        self.network.parameters[...], self._moments[...], self.steps = self._saved

    def _copies(self) -> tuple[Array, Array, int]:
        return self.network.parameters.copy(), self._moments.copy(), self.steps

    def _shared(self) -> tuple[Any, ...]:
        p, network = self.network.program, self.network
        return (
            p.ops, p.reals, p.slots, self._plan.layout, network.parameters, network.running, True,
        )  # fmt: skip

    def _rest(self) -> tuple[Array, int]:
        return self._plan.work, self._threads
