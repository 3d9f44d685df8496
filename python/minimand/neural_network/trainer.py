"""The state of a training run and how it moves: epochs, best weights, divergence."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.backend import Backend
from minimand._common.iterate import Advance
from minimand._common.random import Key, permutation
from minimand._common.result import Status
from minimand.neural_network.full_batch import Objective
from minimand.neural_network.network import Network
from minimand.neural_network.optimizers import Optimizer
from minimand.neural_network.plan import Plan, aligned_zeros, plan
from minimand.neural_network.result import TrainingProgress, TrainingState
from minimand.neural_network.streams import PERMUTATION, stream

Array = NDArray[Any]

_SNAPSHOT_SECONDS = 0.5  # between two copies to return to


@dataclass
class _Snapshot:
    step: int
    theta: Array
    running: Array
    moments: Array


class Trainer:
    """A run on checked data. `advance` is what the driver calls."""

    def __init__(
        self,
        network: Network,
        data: Objective,
        validation: Objective | None,
        *,
        optimizer: Optimizer,
        batch: int,
        shuffle: bool,
        patience: int | None,
        key: Key,
        callback: Callable[[TrainingProgress], object] | None,
        compiled: Any,
        threads: int,
        backend: Backend,
    ) -> None:
        self.network, self.data, self.validation = network, data, validation
        self.optimizer, self.batch, self.shuffle = optimizer, batch, shuffle
        self.patience, self.key, self.callback = patience, key, callback
        self._compiled, self._threads = compiled, threads
        self._backend = backend
        p, n = network.program, len(data.samples)
        self.steps_per_epoch = -(-n // batch)
        self._plan: Plan = plan(p, batch, training=True, dtype=network.dtype)
        self._gradient = aligned_zeros(self._plan.lanes * p.n_parameters, network.dtype).reshape(
            self._plan.lanes, p.n_parameters
        )
        self._moments = np.zeros((optimizer.moments, p.n_parameters), network.dtype)
        self._hyper = np.array([data.l2, data.l1, *optimizer.hyper])
        self._penalised = np.array(
            [[s.begin, s.end] for s in p.segments if s.penalised], dtype=np.int64
        ).reshape(-1, 2)
        self._order = np.arange(n, dtype=np.int64)
        self._ordered = -1  # the epoch that `_order` belongs to
        self._sums = np.zeros(3)
        self.step = self.epoch = self.position = 0
        self.history: list[Mapping[str, float]] = []
        self.best: tuple[float, int, Array, Array] | None = None
        self._start = time.perf_counter()
        self._snapshots: list[_Snapshot] = []
        self._copied = -math.inf

    # What the driver calls

    def advance(self, count: int) -> Advance:
        """Do at most `count` updates, not beyond the end of the epoch."""
        self._keep_snapshot()
        count = min(count, self.steps_per_epoch - self.position)
        done = self._steps(count)
        if done < count:
            self._return_to_finite(self.step)
            return Advance(done, {}, Status.DIVERGED)
        if self.position < self.steps_per_epoch:
            return Advance(done, {"loss": self._mean_loss()})
        status = self._end_epoch()
        return Advance(done, self.history[-1], status)

    def _steps(self, count: int) -> int:
        if self.shuffle and self._ordered != self.epoch:
            key = stream(self.key, PERMUTATION)
            self._order = permutation(key, self.epoch, self._order.size, backend=self._backend)
            self._ordered = self.epoch
        p, d = self.network.program, self.data
        rates = self.optimizer.rates(self.step + 1, count, self.steps_per_epoch)
        done: int = self._compiled.train_steps(
            p.ops, p.reals, p.slots, self._plan.layout, self.network.parameters,
            self.network.running, self._gradient, self._moments, d.samples, d.targets.labels,
            d.targets.values, d.weights, self._order, self.position * self.batch, self.batch,
            self.optimizer.code, self._hyper, rates, self._penalised, self.key, self.step,
            self._sums, self._plan.work, self._plan.threads(self._threads),
        )  # fmt: skip
        self.step += done
        self.position += done
        return done

    def _mean_loss(self) -> float:
        return float(self._sums[0] / max(self._sums[1], 1e-300))

    # The end of an epoch

    def _end_epoch(self) -> Status | None:
        rate = self.optimizer.rates(self.step, 1, self.steps_per_epoch)[0]
        self.epoch += 1
        self.position = 0
        record = {
            "epoch": self.epoch,
            "iteration": self.step,
            "seconds": time.perf_counter() - self._start,
            "loss": self._mean_loss(),
        }
        classes = bool(self.data.targets.classes.size)
        if classes:
            record["accuracy"] = float(self._sums[2] / max(self._sums[1], 1e-300))
        self._sums[...] = 0.0
        status = self._validate(record, classes) if self.validation is not None else None
        record["rate"] = float(rate)
        self.history.append(record)
        if self.callback is not None and self._asks_to_stop(record):
            status = status or Status.STOPPED_BY_CALLBACK
        return status

    def _validate(self, record: dict[str, float], classes: bool) -> Status | None:
        assert self.validation is not None
        network = self.network
        value = self.validation.evaluate(
            network.parameters, network.running, self._compiled, self._threads
        )
        record["validation_loss"] = value.loss
        if classes:
            record["validation_accuracy"] = value.accuracy
        if not math.isfinite(value.loss):
            self._return_to_finite(self.step)
            return Status.DIVERGED
        if self.best is None or value.loss < self.best[0]:
            self.best = (
                value.loss, self.epoch, network.parameters.copy(), network.running.copy()
            )  # fmt: skip
        waited = self.epoch - self.best[1]
        return Status.CONVERGED if self.patience is not None and waited >= self.patience else None

    def _asks_to_stop(self, record: Mapping[str, float]) -> bool:
        assert self.callback is not None
        progress = TrainingProgress(
            epoch=self.epoch,
            iterations=self.step,
            seconds=time.perf_counter() - self._start,
            record=record,
            network=self.network,
        )
        try:
            self.callback(progress)
        except StopIteration:
            return True
        return False

    # Divergence: back to the last parameters whose loss was finite

    def _keep_snapshot(self) -> None:
        now = time.perf_counter()
        if self._snapshots and now - self._copied < _SNAPSHOT_SECONDS:
            return
        if self._snapshots and self._snapshots[-1].step == self.step:
            return
        self._copied = now
        network = self.network
        # The last but one stays: of the last it is not known yet whether its loss is finite.
        self._snapshots = [
            *self._snapshots[-1:],
            _Snapshot(
                self.step, network.parameters.copy(), network.running.copy(), self._moments.copy()
            ),
        ]

    def _return_to_finite(self, bad: int) -> None:
        """Restore the parameters before update bad - 1, from a copy and the updates after it.

        The parameters before update `bad` have no finite loss, those before update bad - 1 have.
        Which copy is taken makes no difference to the bits.
        """
        good = max(bad - 1, self._snapshots[0].step)
        start = next(s for s in reversed(self._snapshots) if s.step <= good)
        self.network.parameters[...] = start.theta
        self.network.running[...] = start.running
        self._moments[...] = start.moments
        self.step = start.step
        self.epoch, self.position = divmod(start.step, self.steps_per_epoch)
        while self.step < good:
            count = min(good - self.step, self.steps_per_epoch - self.position)
            self._steps(count)
            if self.position == self.steps_per_epoch:
                self.epoch, self.position = self.epoch + 1, 0
        self._sums[...] = 0.0

    # Ends and beginnings

    def restore_best(self) -> None:
        """Give the network the parameters of the best epoch, if there was a validation set."""
        if self.best is not None:
            self.network.parameters[...] = self.best[2]
            self.network.running[...] = self.best[3]

    def state(self) -> TrainingState:
        """Return what a later run needs; to be called before `restore_best`."""
        return TrainingState(
            theta=self.network.parameters.copy(),
            running=self.network.running.copy(),
            moments=self._moments.copy(),
            step=self.step,
            epoch=self.epoch,
            position=self.position,
            key=self.key,
            sums=self._sums.copy(),
            best=self.best,
        )

    def resume(self, state: TrainingState) -> None:
        """Take over where another run ended."""
        expected = (self.network.parameters.shape, self.network.running.shape, self._moments.shape)
        came = (state.theta.shape, state.running.shape, state.moments.shape)
        if came != expected:
            raise ValueError(
                f"resume has parameters, averages and moments of shapes {came}, "
                f"expected {expected}: network or optimizer are not those of that run"
            )
        self.network.parameters[...] = state.theta
        self.network.running[...] = state.running
        self._moments[...] = state.moments
        self.step, self.epoch, self.position = state.step, state.epoch, state.position
        self._sums[...] = state.sums
        self.best = state.best
