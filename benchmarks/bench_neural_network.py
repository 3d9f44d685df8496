"""Networks by minibatch descent with momentum, against PyTorch's eager mode and scikit-learn.

Seconds of the best epoch are in `epoch_seconds`, microseconds of an update in `step_microseconds`;
the time of the whole run, which the table of ratios shows, includes set-up and diagnostics.
"""

from __future__ import annotations

import os

import pytest
from conftest import TOY, turns
from neural_network_problems import CONTENDERS, Task, data

ALL = list(CONTENDERS)
NO_SKLEARN = ALL[:-1]
OURS = ALL[:2]

if TOY:
    TASKS = {
        Task((8, 6, 3), 16, 64, epochs=1): ALL,
        Task("lenet", 16, 32, epochs=1): NO_SKLEARN,
    }
else:
    TASKS = {
        Task((64, 32, 10), 32, 1797, epochs=20): ALL,
        Task((64, 100, 10), 32, 1797, epochs=20): ALL,
        Task((20, 64, 64, 2), 32, 100_000): ALL,
        Task((784, 128, 10), 64, 60_000, mnist=True): ALL,
        Task((784, 512, 512, 10), 128, 20_000, mnist=True): ALL,
        Task("lenet", 64, 12_800, mnist=True): NO_SKLEARN,
        **{Task((64, width, 10), 32, 8000): OURS for width in (8, 16, 32, 64, 128, 256, 512)},
    }


BEST: dict[tuple[Task, str], float] = {}  # seconds of an epoch, over all turns so far


@pytest.mark.parametrize(
    ("task", "turn", "contender"),
    [parameters for task, contenders in TASKS.items() for parameters in turns([task], contenders)],
)
def test_train(measure, benchmark, task, turn, contender):
    if "PyTorch" in contender:
        pytest.importorskip("torch")
    if task.mnist and "MINIMAND_DATA" not in os.environ:
        pytest.skip("MNIST: set MINIMAND_DATA to the folder of the larger data sets")
    X, y = data(task)
    trained = measure(f"train {task.name}", contender, lambda: CONTENDERS[contender](task, X, y))
    steps = -(-len(X) // task.batch)
    best = BEST[task, contender] = min(BEST.get((task, contender), float("inf")), trained.seconds)
    benchmark.extra_info["epoch_seconds"] = best
    benchmark.extra_info["step_microseconds"] = 1e6 * best / steps
    if turn == 0:
        benchmark.extra_info["loss"] = trained.loss
