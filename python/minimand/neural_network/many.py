"""Many small networks at once: one thread each, so that none waits for another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from minimand._common.backend import Backend
from minimand._common.iterate import progress_bar
from minimand._common.random import Key, words
from minimand.neural_network.network import Network
from minimand.neural_network.notices import silence
from minimand.neural_network.result import TrainingProgress, TrainingResult
from minimand.neural_network.streams import SEARCH, stream
from minimand.neural_network.train import train

T = TypeVar("T")

# What a search may say about a run. The rest of `train`'s arguments is the search's own business.
TRAINING_OPTIONS = (
    "optimizer", "epochs", "batch_size", "l2", "l1", "patience", "class_weight", "shuffle",
    "time_limit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """A network to be made like `model` and trained; all its random numbers come from `seed`."""

    model: Network
    X: Any
    y: Any
    options: Mapping[str, Any]
    seed: np.random.SeedSequence

    def run(self, backend: Backend, callback: Callable[[TrainingProgress], object]) -> Any:
        """Train; what is wrong is told with the options that are wrong."""
        model = self.model
        first, second = self.seed.spawn(2)
        network = Network(
            model.module, model.loss, model.program.input_shape, model.dtype, rng=first
        )
        try:
            with silence():
                return train(
                    network, self.X, self.y, **self.options, rng=second, callback=callback,
                    threads=1, backend=backend,
                )  # fmt: skip
        except Exception as error:
            error.add_note(f"with the options {dict(self.options)}")
            raise


def seed_of(key: Key, number: int, part: int = 0) -> np.random.SeedSequence:
    """Return the seed of a job, by its number alone: not by who comes first."""
    return np.random.SeedSequence([*words(stream(key, SEARCH), number, 1, 2)[0].tolist(), part])


def train_all(
    jobs: Sequence[Job],
    finish: Callable[[int, TrainingResult], T],
    *,
    threads: int,
    progress: bool,
    backend: Backend,
    description: str,
) -> list[T]:
    """Train all networks, `threads` at a time, and return what `finish` makes of each result.

    The kernels run without the GIL. Ctrl-C ends the runs that are under way after their epoch.
    """
    stop = threading.Event()
    bar = progress_bar(len(jobs), description) if progress else None

    def look(_: TrainingProgress) -> None:
        if stop.is_set():
            raise StopIteration

    def work(number: int) -> T:
        found = finish(number, jobs[number].run(backend, look))
        if bar is not None:
            bar.update(1)
        return found

    try:
        if threads == 1 or len(jobs) == 1:
            return [work(number) for number in range(len(jobs))]
        with ThreadPoolExecutor(min(threads, len(jobs)), "minimand-train") as pool:
            futures = [pool.submit(work, number) for number in range(len(jobs))]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
                failed = [f for f in futures if f.done() and f.exception() is not None]
                if failed:
                    failed[0].result()
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            return [future.result() for future in futures]
    finally:
        if bar is not None:
            bar.close()
