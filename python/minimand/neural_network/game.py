"""The game of two networks, step by step, and how far it is from its end."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.backend import Backend
from minimand._common.iterate import Advance
from minimand._common.random import Key, below, uniform
from minimand._common.result import Status
from minimand.neural_network.data import Targets
from minimand.neural_network.network import Network
from minimand.neural_network.optimizers import Optimizer
from minimand.neural_network.player import Player
from minimand.neural_network.streams import (
    DISCRIMINATOR,
    GENERATOR,
    LATENT,
    PERMUTATION,
    normals,
    stream,
)

Array = NDArray[Any]
Latent = Callable[[Key, int, int], Array]

RECORDS = 200  # of the history
LOOKED_AT = 1024  # samples by which the value of the game is judged
_JUDGE = 2**40  # the item of the latent numbers for that


def softplus(z: Array) -> Array:
    """log(1 + e^z), without overflow."""
    wide = z.astype(np.float64)
    value: Array = np.maximum(wide, 0.0) + np.log1p(np.exp(-np.abs(wide)))
    return value


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z), without overflow."""
    e = np.exp(-np.abs(z))
    share: Array = np.where(z >= 0, 1.0, e) / (1.0 + e)
    return share


def game_value(real: Array, fake: Array) -> float:
    """Return mean log D(x) + mean log(1 - D(G(z))) from the logits."""
    return -float(softplus(-real).mean()) - float(softplus(fake).mean())


class Draws:
    """Latent numbers and rows of the data, by the number of the draw alone."""

    def __init__(self, key: Key, latent: str, width: int, rows: int, dtype: str, backend: Backend):
        self._latent, self._rows = stream(key, LATENT), stream(key, PERMUTATION)
        self._kind, self._width, self._n = latent, width, rows
        self._dtype, self._backend = dtype, backend

    def latent(self, item: int, count: int) -> Array:
        """Return `count` inputs of the generator."""
        size, backend = count * self._width, self._backend
        if self._kind == "normal":
            numbers = normals(self._latent, item, size, backend=backend)
        else:
            numbers = 2.0 * uniform(self._latent, item, 1, size, backend=backend)[0] - 1.0
        return np.ascontiguousarray(numbers.reshape(count, self._width), dtype=self._dtype)

    def rows(self, item: int, count: int) -> NDArray[np.int64]:
        """Return `count` rows of the data, drawn with repetition."""
        rows: NDArray[np.int64] = below(self._rows, item, self._n, 1, count, backend=self._backend)[
            0
        ]
        return rows

    def for_judging(self, rows: int) -> Array:
        """Return the latent numbers by which the value of the game is judged."""
        return self.latent(_JUDGE, rows)


class Game:
    """Alternate steps: the discriminator up, the generator down. `advance` is for the driver."""

    def __init__(
        self,
        generator: Network,
        discriminator: Network,
        samples: Array,
        draws: Draws,
        *,
        optimizers: tuple[Optimizer, Optimizer],
        batch: int,
        d_steps: int,
        saturating: bool,
        key: Key,
        compiled: Any,
        threads: int,
    ) -> None:
        self.samples, self.draws = samples, draws
        self.batch, self.d_steps, self.saturating = batch, d_steps, saturating
        self._key, self._compiled, self._threads = key, compiled, threads
        keys = (stream(key, GENERATOR), stream(key, DISCRIMINATOR))
        self.G = Player(generator, optimizers[0], batch, keys[0], compiled, threads)
        self.D = Player(discriminator, optimizers[1], 2 * batch, keys[1], compiled, threads)
        values = np.repeat([[1.0], [0.0]], batch, axis=0).astype(generator.dtype)
        self._targets = Targets(np.empty(0, np.int64), values, np.empty(0, np.int64))
        self.per_epoch = -(-len(samples) // batch)
        self.step = self._draw = 0
        self.every = 1
        self.history: list[dict[str, float]] = []

    def advance(self, count: int) -> Advance:
        """Do `count` steps."""
        self.G.keep()
        self.D.keep()
        kept = self.step
        record: dict[str, float] = {}
        for _ in range(count):
            if not (self._discriminate() and self._generate()):
                self.G.go_back()
                self.D.go_back()
                done, self.step = self.step - kept + 1, kept
                return Advance(done, {}, Status.DIVERGED)
            self.step += 1
            if self.step % self.every == 0:
                record = self._record()
        return Advance(count, record)

    def _fakes(self) -> tuple[Array, Array]:
        self._draw += 1
        z = self.draws.latent(self._draw, self.batch)
        return z, self.G.forward(z)

    def _discriminate(self) -> bool:
        """Do steps of D on -(mean log D(x) + mean log(1 - D(G(z))))."""
        for _ in range(self.d_steps):
            fake = self._fakes()[1]
            real = self.samples[self.draws.rows(self._draw, self.batch)]
            both = np.concatenate([real, fake])
            self._d_loss = self.D.loss(both, self._targets, 1.0 / self.batch)
            if not math.isfinite(self._d_loss):
                return False
            self.D.step(self.per_epoch)
        return True

    def _generate(self) -> bool:
        """Do a step of G on -mean log D(G(z)), or on mean log(1 - D(G(z)))."""
        z, fake = self._fakes()
        logits = self.D.forward(fake)
        share = sigmoid(logits)
        self._g_loss = float((-softplus(logits) if self.saturating else softplus(-logits)).mean())
        if not math.isfinite(self._g_loss):
            return False
        D = (-share if self.saturating else share - 1.0) / self.batch
        delta = self.D.backward(fake, np.asarray(D, logits.dtype))
        self.G.backward(z, delta)
        self.G.step(self.per_epoch)
        return True

    def _record(self) -> dict[str, float]:
        real, fake = (sigmoid(z) for z in self.logits())
        record = {
            "iteration": self.step,
            "discriminator_loss": self._d_loss,
            "generator_loss": self._g_loss,
            "real": float(real.mean()),
            "fake": float(fake.mean()),
        }
        self.history.append(record)
        return record

    def logits(self) -> tuple[Array, Array]:
        """Return what D says, in inference, of the first samples and of as many fakes."""
        real = self.samples[:LOOKED_AT]
        G, D = self.G.network, self.D.network
        fake = G.outputs(self.draws.for_judging(len(real)), self._compiled, self._threads)
        return (
            D.outputs(real, self._compiled, self._threads),
            D.outputs(fake, self._compiled, self._threads),
        )

    def gap(self, steps: int) -> float:
        """Return what D alone can still gain plus what G alone can, in so many steps of each."""
        best_D = self._fork(saturating=False)
        best_G = self._fork(saturating=True)
        for _ in range(steps):
            if not (best_D._discriminate() and best_G._generate()):
                return math.inf
        return game_value(*best_D.logits()) - game_value(*best_G.logits())

    def _fork(self, *, saturating: bool) -> Game:
        """Return the game on copies of both networks, with fresh optimisers."""
        G, D = (_copied(player.network) for player in (self.G, self.D))
        fork = Game(
            G, D, self.samples, self.draws, optimizers=(self.G.optimizer, self.D.optimizer),
            batch=self.batch, d_steps=1, saturating=saturating, key=self._key,
            compiled=self._compiled, threads=self._threads,
        )  # fmt: skip
        fork._draw = _JUDGE + 1
        return fork


def _copied(network: Network) -> Network:
    twin = copy(network)
    twin.use(network.parameters.copy())
    return twin
