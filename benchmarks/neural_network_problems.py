"""The networks that are measured, and every way to train them: the same data for all of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from minimand import nn
from minimand.problems.neural_network import gaussian_classes, mnist

MOMENTUM = 0.9


@dataclass(frozen=True)
class Task:
    """A network of layers of these sizes ("lenet": a convolutional one), and how it is trained."""

    sizes: tuple[int, ...] | str
    batch: int
    rows: int
    epochs: int = 3
    lr: float = 0.01
    turns: int = 3
    mnist: bool = False

    @property
    def name(self) -> str:
        sizes = self.sizes if isinstance(self.sizes, str) else "-".join(map(str, self.sizes))
        return f"{sizes} batch {self.batch}, {self.rows} rows{', MNIST' if self.mnist else ''}"

    @property
    def classes(self) -> int:
        return 10 if isinstance(self.sizes, str) else self.sizes[-1]


@lru_cache(maxsize=2)
def data(task: Task) -> tuple[np.ndarray, np.ndarray]:
    if task.mnist:
        (X, y), _ = mnist(Path(os.environ["MINIMAND_DATA"]) / "mnist")
        X, y = X[: task.rows], y[: task.rows]
        return (X[:, None] if task.sizes == "lenet" else X.reshape(len(X), -1)), y
    inputs = 784 if isinstance(task.sizes, str) else task.sizes[0]
    X, y = gaussian_classes(task.rows, inputs, task.classes, distance=2.0)
    X = X.astype(np.float32)
    return (X.reshape(-1, 1, 28, 28) if task.sizes == "lenet" else X), y


@dataclass(frozen=True)
class Trained:
    """What training gave: seconds of an epoch (the best one), and the last one's mean loss."""

    seconds: float
    loss: float


def by_minimand(task: Task, X: np.ndarray, y: np.ndarray, threads: int | None = None) -> Trained:
    if task.sizes == "lenet":
        module = nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
        )  # fmt: skip
    else:
        module = nn.Sequential(*_layers(nn.Linear, nn.ReLU, task.sizes))
    network = nn.Network(module, nn.CrossEntropy(), X.shape[1:], rng=0)
    result = nn.train(
        network, X, y, optimizer=nn.SGD(task.lr, MOMENTUM), epochs=task.epochs,
        batch_size=task.batch, rng=0, threads=threads,
    )  # fmt: skip
    seconds = np.diff([0.0, *(record["seconds"] for record in result.history)])
    return Trained(float(seconds.min()), result.history[-1]["loss"])


def by_one_thread(task: Task, X: np.ndarray, y: np.ndarray) -> Trained:
    return by_minimand(task, X, y, 1)


def _layers(linear: Any, relu: Any, sizes: tuple[int, ...]) -> list[Any]:
    layers = []
    for a, b in pairwise(sizes):
        layers += [linear(a, b), relu()]
    return layers[:-1]


def by_torch(task: Task, X: np.ndarray, y: np.ndarray) -> Trained:
    """The usual loop, in eager mode, on tensors that are already there."""
    import torch

    T = torch.nn
    torch.manual_seed(0)
    if task.sizes == "lenet":
        model = T.Sequential(
            T.Conv2d(1, 6, 5), T.ReLU(), T.MaxPool2d(2),
            T.Conv2d(6, 16, 5), T.ReLU(), T.MaxPool2d(2), T.Flatten(),
            T.Linear(256, 120), T.ReLU(), T.Linear(120, 84), T.ReLU(), T.Linear(84, 10),
        )  # fmt: skip
    else:
        model = T.Sequential(*_layers(T.Linear, T.ReLU, task.sizes))
    optimizer = torch.optim.SGD(model.parameters(), task.lr, MOMENTUM)
    loss_of = T.CrossEntropyLoss()
    samples, labels = torch.from_numpy(X), torch.from_numpy(y)
    best = float("inf")
    for _ in range(task.epochs):
        start = time.perf_counter()
        total, order = torch.zeros(()), torch.randperm(len(samples))
        for begin in range(0, len(samples), task.batch):
            rows = order[begin : begin + task.batch]
            optimizer.zero_grad()
            loss = loss_of(model(samples[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(rows)
        best = min(best, time.perf_counter() - start)
    return Trained(best, float(total) / len(samples))


def by_sklearn(task: Task, X: np.ndarray, y: np.ndarray) -> Trained:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    assert not isinstance(task.sizes, str)
    model = MLPClassifier(
        task.sizes[1:-1], solver="sgd", learning_rate_init=task.lr, momentum=MOMENTUM,
        nesterovs_momentum=False, alpha=0.0, batch_size=task.batch, max_iter=task.epochs,
        random_state=0, n_iter_no_change=task.epochs + 1,
    )  # fmt: skip
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    return Trained((time.perf_counter() - start) / task.epochs, float(model.loss_))


CONTENDERS: dict[str, Callable[[Task, np.ndarray, np.ndarray], Trained]] = {
    "minimand": by_minimand,
    "minimand, threads=1": by_one_thread,
    "PyTorch eager": by_torch,
    "scikit-learn": by_sklearn,
}
