"""Stochastic gradient descent: epochs over many rows, against NumPy loops and scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from conftest import TOY, turns

import minimand

Fit = Callable[[np.ndarray, np.ndarray, "Epochs"], tuple[np.ndarray, float]]


@dataclass(frozen=True)
class Epochs:
    """Least squares, or logistic, with so many epochs of steps that suit it."""

    n: int
    d: int
    loss: str = "squared"
    epochs: int = 6
    shuffle: bool = True
    turns: int = 3

    @property
    def name(self) -> str:
        order = "shuffled" if self.shuffle else "in order"
        return f"{self.loss} {self.n:,} x {self.d}, {self.epochs} epochs, {order}"


@lru_cache(maxsize=1)
def data(problem: Epochs) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((problem.n, problem.d))
    y = X @ rng.standard_normal(problem.d) + 1.0 + rng.standard_normal(problem.n)
    return X, y if problem.loss == "squared" else (y > 0).astype(float)


def by_minimand(batch: int, rate: float, **options: Any) -> Fit:
    def fit(X: np.ndarray, y: np.ndarray, problem: Epochs) -> tuple[np.ndarray, float]:
        result = minimand.sgd(
            X,
            y,
            loss=problem.loss,
            batch_size=batch,
            lr=rate,
            epochs=problem.epochs,
            shuffle=problem.shuffle,
            rng=0,
            **options,
        )
        return result.coef, result.intercept

    return fit


def by_numpy(X: np.ndarray, y: np.ndarray, problem: Epochs) -> tuple[np.ndarray, float]:
    """The usual loop, vectorised over a batch."""
    n, rng = len(X), np.random.default_rng(0)
    w, b, batch, rate = np.zeros(problem.d), 0.0, 32, 0.002
    for _ in range(problem.epochs):
        order = rng.permutation(n) if problem.shuffle else None
        for begin in range(0, n, batch):
            chosen = slice(begin, begin + batch) if order is None else order[begin : begin + batch]
            rows = X[chosen]
            m = rows @ w + b
            target = y[chosen]
            miss = m - target if problem.loss == "squared" else 1.0 / (1.0 + np.exp(-m)) - target
            w -= rate / len(rows) * (miss @ rows)
            b -= rate / len(rows) * miss.sum()
    return w, b


def by_scikit_learn(X: np.ndarray, y: np.ndarray, problem: Epochs) -> tuple[np.ndarray, float]:
    """Rows one by one, its only mode; the step is a batch's divided by its rows."""
    models = pytest.importorskip("sklearn.linear_model")
    kind = models.SGDRegressor if problem.loss == "squared" else models.SGDClassifier
    more = {} if problem.loss == "squared" else {"loss": "log_loss"}
    model = kind(
        penalty=None,
        tol=None,
        max_iter=problem.epochs,
        learning_rate="constant",
        eta0=0.002 / 32,
        shuffle=problem.shuffle,
        random_state=0,
        **more,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])


CONTENDERS: dict[str, Fit] = {
    "minimand": by_minimand(32, 0.002),
    "minimand, threads=1": by_minimand(32, 0.002, threads=1),
    "minimand, rows one by one": by_minimand(1, 0.002 / 32),
    "NumPy loop": by_numpy,
    "scikit-learn SGD, rows one by one": by_scikit_learn,
}

# The difference between the first two is what an epoch costs without set-up and certificate.
PROBLEMS = (
    [Epochs(2000, 5), Epochs(2000, 5, "logistic")]
    if TOY
    else [
        Epochs(1_000_000, 50, epochs=1),
        Epochs(1_000_000, 50),
        Epochs(1_000_000, 50, shuffle=False),
        Epochs(1_000_000, 50, "logistic"),
    ]
)


@pytest.mark.parametrize(("problem", "turn", "contender"), turns(PROBLEMS, CONTENDERS))
def test_sgd(measure, benchmark, problem, turn, contender):
    X, y = data(problem)
    fit = CONTENDERS[contender]
    coef, intercept = measure(problem.name, contender, lambda: fit(X, y, problem))
    benchmark.extra_info["threads"] = (
        1 if contender != "minimand" else benchmark.extra_info["threads"]
    )
    if turn == 0:
        m = X @ coef + intercept
        loss = 0.5 * (m - y) ** 2 if problem.loss == "squared" else np.logaddexp(0.0, m) - y * m
        benchmark.extra_info["objective"] = float(loss.mean())
