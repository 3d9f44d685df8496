"""The epochs of `sgd`: orders, rates, averages, snapshots, and when to stop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.iterate import Advance, Outcome, drive
from minimand._common.random import Key, permutation
from minimand._common.result import Status
from minimand._common.schedules import Schedule
from minimand.sgd.data import LOSSES
from minimand.sgd.dual import Bounds, Problem, bounds, full_gradient
from minimand.sgd.losses import least_poisson, residuals
from minimand.sgd.rates import Smoothness, default_rate
from minimand.sgd.result import SGDProgress, split

_NONE = np.empty((0, 0))
_IN_ORDER = np.empty(0, dtype=np.int64)
_EXPLODED = 1e6  # times the first objective
_TEST_EVERY = 5  # epochs, where a test of the gap costs as much as an epoch
_MANY_ROWS = 100_000  # whose order takes longer than to start a thread
_SVRG_EPOCHS = 2  # between snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to step; the names are those of the arguments of `sgd`."""

    batch: int
    rate: float
    adaptive: bool  # Poisson without lr: the rate follows the curvature of the data
    schedule: Schedule
    momentum: float
    nesterov: bool
    epochs: int
    averaging: bool
    variance_reduction: str | None
    tol_gap: float | None
    shuffle: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """Coefficients, and what is known of them."""

    bounds: Bounds
    theta: Floats
    averaged: bool
    epoch: int


class Run:
    """The state of a run."""

    def __init__(
        self, problem: Problem, smooth: Smoothness, options: Options, start: Floats, key: Key
    ) -> None:
        self.problem, self.smooth, self.options, self.key = problem, smooth, options, key
        self.design = problem.design
        self.per_epoch = -(-self.design.rows // options.batch)
        self.theta = start.copy()
        self.velocity = np.zeros_like(start) if options.momentum else _NONE
        self.average, self.averaged = _NONE, 0
        self.table, self.mean = _NONE, _NONE
        self.order = _IN_ORDER
        self.next_order: Future[NDArray[np.int64]] | None = None
        self.steps, self.rate, self.last_rate = 0, options.rate, options.rate
        self.good, self.good_average, self.good_epoch = self.theta.copy(), _NONE, 0
        self.earlier = self.good, _NONE, 0
        self.epoch_losses, self.running_loss = 0.0, math.nan
        self.adaptive_share = 1.0
        first, null, least = self._first_losses()
        if not math.isfinite(first):
            raise ValueError("w0 and b0 give an infinite objective; expected a start nearer to 0")
        self.start = start
        self.largest = least + _EXPLODED * (max(first, null) - least)
        self._last_objective = first + problem.penalty(start[:, :-1])
        if options.variance_reduction is not None:
            self._take_table()
        if options.adaptive:
            self._follow_curvature()

    def solve(
        self,
        *,
        time_limit: float | None,
        callback: Callable[[SGDProgress], object] | None,
        progress: bool,
        start: float,
    ) -> Outcome:
        """Run all epochs under the common driver."""

        def report(_: object) -> None:
            if callback is not None and self.steps % self.per_epoch == 0:
                callback(self._progress(start))

        return drive(
            self.advance,
            max_iterations=self.options.epochs * self.per_epoch,
            time_limit=time_limit,
            callback=report,
            progress=progress,
            description="sgd",
            on_interrupt="return",
            first_chunk=max(1, min(self.per_epoch, 1_000_000 // (self.options.batch * 8))),
        )

    def advance(self, count: int) -> Advance:
        """Do at most `count` steps, within one epoch."""
        options = self.options
        epoch, position = divmod(self.steps, self.per_epoch)
        if position == 0:
            self._begin(epoch)
        steps = min(count, self.per_epoch - position)
        losses = self._step(position, steps)
        self.steps += steps
        self.epoch_losses += losses
        rows = min((position + steps) * options.batch, self.design.rows)
        rows -= position * options.batch
        measures = {"running_loss": losses / rows, "rate": self.last_rate}
        if not self._is_sound(losses / rows):
            if not options.adaptive:
                return Advance(steps, measures, Status.DIVERGED)
            self._retreat()
        if position + steps < self.per_epoch:
            return Advance(steps, measures)
        return Advance(steps, *self._end(epoch, measures))

    def answer(self) -> Answer:
        """Return the better one of the last coefficients and their average.

        Coefficients of an infinite objective, which a last step can lead to, are not good after
        all: then those of the epoch before, or the start.
        """
        last = self.good, self.good_average, self.good_epoch
        for theta, average, epoch in (last, self.earlier, (self.start, _NONE, 0)):
            choice = [self._assess(theta, averaged=False, epoch=epoch)]
            if average.size:
                choice.append(self._assess(average, averaged=True, epoch=epoch))
            best = min(choice, key=_quality)
            loss = best.bounds.objective - self.problem.penalty(best.theta[:, :-1])
            if math.isfinite(best.bounds.objective) and loss <= self.largest:
                break
        return best

    def keep(self) -> None:
        """Take the steps of an unfinished epoch for good, when a run ends within it."""
        if self.steps % self.per_epoch and np.isfinite(self.theta).all():
            self._store(math.ceil(self.steps / self.per_epoch))

    def _store(self, epoch: int) -> None:
        self.earlier = self.good, self.good_average, self.good_epoch
        self.good, self.good_average = self.theta.copy(), self.average.copy()
        self.good_epoch = epoch

    def _assess(self, theta: Floats, *, averaged: bool, epoch: int) -> Answer:
        return Answer(bounds(self.problem, theta), theta, averaged, epoch)

    def _begin(self, epoch: int) -> None:
        options = self.options
        self.epoch_losses = 0.0
        if options.shuffle:
            self.order = self._shuffled(epoch)
        if options.averaging and epoch == options.epochs // 2:
            self.average = self.theta.copy()
        if options.variance_reduction == "svrg" and epoch % _SVRG_EPOCHS == 0 and epoch:
            self._take_table()

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        """Return the order of an epoch; of many rows, a second thread prepares the next one."""
        ready, self.next_order = self.next_order, None
        more = epoch + 1 < self.options.epochs and self.design.rows >= _MANY_ROWS
        if more and self.design.threads > 1 and self.design.backend == "cpp":
            self.next_order = Future()
            work = self.next_order, self.key, epoch + 1, self.design.rows
            threading.Thread(target=_shuffle, args=work, name="shuffle", daemon=True).start()
        if ready is not None:
            return ready.result()
        return permutation(self.key, epoch, self.design.rows, backend=self.design.backend)

    def _first_losses(self) -> tuple[float, float, float]:
        """Return the mean losses at the start, at 0, and the least that there can be."""
        problem, y, shares = self.problem, self.problem.y, self.design.shares
        null = float(shares @ residuals(problem.loss, np.zeros((len(y), len(self.theta))), y)[1])
        least = float(shares @ least_poisson(y)) if problem.loss == "poisson" else 0.0
        first = full_gradient(problem, self.theta)[0] if self.theta.any() else null
        return first, null, least

    def _take_table(self) -> None:
        """Store the residuals of all rows, and the mean gradient that goes with them."""
        _, self.mean, self.table = full_gradient(self.problem, self.theta)

    def _step(self, position: int, steps: int) -> float:
        options, problem, design = self.options, self.problem, self.design
        factors = options.schedule.factors(self.steps + 1, steps, self.per_epoch)
        rates = self.rate * factors
        self.last_rate = float(rates[-1])
        sums = np.zeros(1)
        common = (
            *(problem.y, design.weights, self.order, position, options.batch),
            *(LOSSES.index(problem.loss), rates, problem.l2, problem.l1),
            *(options.momentum, options.nesterov, design.intercept),
            options.variance_reduction == "saga",
            *(self.theta, self.velocity, self.average, self.averaged, self.table, self.mean, sums),
        )
        if design.sparse:
            design.kernels.sgd_steps_csr(*design.entries, *common)
        else:
            design.kernels.sgd_steps(*design.entries, *common, design.threads)
        if self.average.size:
            self.averaged += steps
        return float(sums[0])

    def _is_sound(self, loss: float) -> bool:
        sound = math.isfinite(loss) and loss <= self.largest
        return bool(sound and np.isfinite(self.theta).all())

    def _end(
        self, epoch: int, measures: dict[str, float]
    ) -> tuple[dict[str, float], Status | None]:
        """Close an epoch: keep its coefficients, follow the curvature, test the gap."""
        options = self.options
        self.running_loss = self.epoch_losses / self.design.rows
        if options.adaptive:
            self._adapt()
        self._store(epoch + 1)
        if options.tol_gap is None or not self._tests(epoch):
            return measures, None
        found = self.answer().bounds
        size = max(1.0, abs(found.objective))
        met = found.gap <= options.tol_gap * size
        measures |= {"fun": found.objective, "gap": found.gap}
        return measures, Status.CONVERGED if met else None

    def _tests(self, epoch: int) -> bool:
        dear = self.options.batch < 8 or self.options.variance_reduction is not None
        last = epoch + 1 == self.options.epochs
        return dear or last or (epoch + 1) % _TEST_EVERY == 0

    def _adapt(self) -> None:
        """Poisson: follow the curvature; a rise is undone, and the step halved from then on."""
        objective = full_gradient(self.problem, self.theta)[0]
        objective += self.problem.penalty(self.theta[:, :-1])
        if objective <= self._last_objective:
            self._last_objective = objective
            self._follow_curvature()
            return
        self._retreat()

    def _retreat(self) -> None:
        """Return to the last good coefficients, with half the step."""
        self.theta[...] = self.good
        if self.velocity.size:
            self.velocity[...] = 0.0
        self.adaptive_share *= 0.5
        self.rate *= 0.5

    def _follow_curvature(self) -> None:
        largest = float(self.design.margins(self.theta).max())
        curvature = float(max(np.exp(largest), self.problem.y.max()))
        options = self.options
        kind = options.variance_reduction
        rate = default_rate(self.smooth, "poisson", options.batch, curvature, kind)
        self.rate = self.adaptive_share * rate * (1.0 - options.momentum)

    def _progress(self, start: float) -> SGDProgress:
        coef, intercept = split(self.theta)
        return SGDProgress(
            epoch=self.steps // self.per_epoch,
            iterations=self.steps,
            seconds=time.perf_counter() - start,
            running_loss=self.running_loss,
            rate=self.last_rate,
            coef=coef,
            intercept=intercept,
        )


def _shuffle(future: Future[NDArray[np.int64]], key: Key, epoch: int, rows: int) -> None:
    try:
        future.set_result(permutation(key, epoch, rows))
    except BaseException as error:
        future.set_exception(error)


def _quality(one: Answer) -> tuple[bool, float, float]:
    found = one.bounds
    return not math.isfinite(found.objective), found.gap, found.objective
