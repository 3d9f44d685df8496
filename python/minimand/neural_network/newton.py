"""Damped Newton steps on the whole training set, for networks of at most 2000 parameters."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.iterate import Advance
from minimand._common.random import Key
from minimand._common.result import Status
from minimand.neural_network.full_batch import Objective, Value
from minimand.neural_network.network import Network
from minimand.neural_network.optimizers import Newton
from minimand.neural_network.result import TrainingProgress, TrainingState

Floats = NDArray[np.float64]

_LARGEST = 2000
_SUFFICIENT = 1e-4  # Armijo's share of the promised decrease
_STEP = 6.1e-6  # eps^(1/3), of the differences


class NewtonTrainer:
    """A run with one Newton step an epoch; the counterpart of `Trainer`."""

    steps_per_epoch = 1

    def __init__(
        self,
        network: Network,
        data: Objective,
        validation: Objective | None,
        *,
        optimizer: Newton,
        patience: int | None,
        key: Key,
        callback: Callable[[TrainingProgress], object] | None,
        compiled: Any,
        threads: int,
    ) -> None:
        p = network.program.n_parameters
        if p > _LARGEST or network.dtype != "float64":
            raise ValueError(
                f"Newton needs dtype float64 and at most {_LARGEST} parameters (its matrix would "
                f"take {8 * p * p} bytes), but the network has {p} in {network.dtype}; "
                "take another optimizer"
            )
        if data.l1 > 0.0:
            raise ValueError(f"l1 is {data.l1}, expected 0: Newton needs a smooth objective")
        self.network, self.data, self.validation = network, data, validation
        self.patience, self.key, self.callback = patience, key, callback
        self._optimizer, self._compiled, self._threads = optimizer, compiled, threads
        self._mu = optimizer.mu
        self.epoch = self.step = 0
        self.history: list[Mapping[str, float]] = []
        self.best: tuple[float, int, Floats, Floats] | None = None
        self._start = time.perf_counter()

    def advance(self, count: int) -> Advance:
        """Do one step."""
        del count
        value = self._value(self.network.parameters)
        if not math.isfinite(value.objective):
            return Advance(1, {}, Status.DIVERGED)
        direction = self._direction(value.gradient, self._hessian())
        slope = float(value.gradient @ direction)
        origin = self.network.parameters.copy()
        size = 1.0
        for _ in range(self._optimizer.max_halvings):
            trial = origin + size * direction
            objective = self.data.evaluate(
                trial, self.network.running, self._compiled, self._threads
            ).objective
            if objective <= value.objective + _SUFFICIENT * size * slope:
                break
            size /= 2.0
        else:
            self.epoch += 1
            self.step += 1
            return Advance(1, self._record(value), Status.CONVERGED)
        self.network.parameters[...] = trial
        self._mu = max(self._mu / 10.0, 1e-12)
        self.epoch += 1
        self.step += 1
        status = self._validated()
        record = self._record(value)
        if self.callback is not None:
            try:
                self.callback(
                    TrainingProgress(
                        epoch=self.epoch,
                        iterations=self.step,
                        seconds=time.perf_counter() - self._start,
                        record=record,
                        network=self.network,
                    )
                )
            except StopIteration:
                status = status or Status.STOPPED_BY_CALLBACK
        return Advance(1, record, status)

    def _record(self, value: Value) -> Mapping[str, float]:
        record = {
            "epoch": self.epoch,
            "iteration": self.step,
            "seconds": time.perf_counter() - self._start,
            "loss": value.loss,
            "damping": self._mu,
        }
        if self.validation is not None and self.best is not None:
            record["validation_loss"] = self._validation_loss
        self.history.append(record)
        return record

    def _validated(self) -> Status | None:
        if self.validation is None:
            return None
        network = self.network
        value = self.validation.evaluate(
            network.parameters, network.running, self._compiled, self._threads
        )
        self._validation_loss = value.loss
        if self.best is None or value.loss < self.best[0]:
            self.best = (
                value.loss, self.epoch, network.parameters.copy(), network.running.copy()
            )  # fmt: skip
        waited = self.epoch - self.best[1]
        return Status.CONVERGED if self.patience is not None and waited >= self.patience else None

    def _value(self, theta: Floats) -> Value:
        return self.data.gradient(theta, self.network.running, self._compiled, self._threads)

    def _hessian(self) -> Floats:
        """Return the symmetric part of central differences of the gradient."""
        origin = self.network.parameters
        H = np.empty((origin.size, origin.size))
        for i in range(origin.size):
            h = _STEP * max(1.0, abs(float(origin[i])))
            ahead, behind = origin.copy(), origin.copy()
            ahead[i] += h
            behind[i] -= h
            difference = self._value(ahead).gradient - self._value(behind).gradient
            H[i] = difference / (ahead[i] - behind[i])
        symmetric: Floats = 0.5 * (H + H.T)
        return symmetric

    def _direction(self, gradient: Floats, H: Floats) -> Floats:
        """Solve (H + mu I) d = -g, raising mu until the matrix is positive definite."""
        import scipy.linalg

        while True:
            try:
                factor = scipy.linalg.cho_factor(H + self._mu * np.eye(len(H)), lower=True)
            except np.linalg.LinAlgError:
                self._mu *= 10.0
                continue
            direction: Floats = scipy.linalg.cho_solve(factor, -gradient)
            return direction

    def restore_best(self) -> None:
        """Give the network the parameters of the best epoch, if there was a validation set."""
        if self.best is not None:
            self.network.parameters[...] = self.best[2]

    def state(self) -> TrainingState:
        """Return what a later run needs; the damping is kept among the moments."""
        return TrainingState(
            theta=self.network.parameters.copy(),
            running=self.network.running.copy(),
            moments=np.array([[self._mu]]),
            step=self.step,
            epoch=self.epoch,
            position=0,
            key=self.key,
            sums=np.zeros(3),
            best=self.best,
        )

    def resume(self, state: TrainingState) -> None:
        """Take over where another run ended."""
        if state.theta.shape != self.network.parameters.shape or state.moments.shape != (1, 1):
            raise ValueError("resume is not the state of a run with Newton on this network")
        self.network.parameters[...] = state.theta
        self._mu = float(state.moments[0, 0])
        self.step, self.epoch, self.best = state.step, state.epoch, state.best
