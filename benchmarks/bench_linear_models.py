"""Logistic and Poisson regression, against scikit-learn and statsmodels.

The norm of the gradient that each one reached stands beside its time: solvers stop where they
please, so a ratio counts against those that went as far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from conftest import TOY, turns

import minimand

Fit = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, float]]


@dataclass(frozen=True)
class Glm:
    """Rows of a model that is true; `turns` is how often each contender has its turn."""

    family: str
    m: int
    n: int
    correlated: bool = False
    turns: int = 3

    @property
    def name(self) -> str:
        columns = "correlated columns" if self.correlated else "independent columns"
        return f"{self.family} {self.m:,} x {self.n}, {columns}"


@lru_cache(maxsize=1)
def data(problem: Glm) -> tuple[np.ndarray, np.ndarray]:
    """Normal columns, mixed if correlated, and outcomes drawn from the model."""
    rng = np.random.default_rng(0)
    m, n = problem.m, problem.n
    X = rng.standard_normal((m, n))
    if problem.correlated:
        X = X @ (np.eye(n) + 0.5 * rng.standard_normal((n, n)) / np.sqrt(n))
    eta = X @ (0.7 * rng.standard_normal(n) / np.sqrt(n)) + 0.3
    if problem.family == "logistic":
        return X, (rng.random(m) < 1.0 / (1.0 + np.exp(-eta))).astype(float)
    return X, rng.poisson(np.exp(eta)).astype(float)


def quality(problem: Glm, coef: np.ndarray, intercept: float) -> dict[str, float]:
    """Return objective and norm of the gradient, both of sums over the rows."""
    X, y = data(problem)
    eta = X @ coef + intercept
    if problem.family == "logistic":
        mu, loss = 1.0 / (1.0 + np.exp(-eta)), np.logaddexp(0.0, eta) - y * eta
    else:
        mu, loss = np.exp(eta), np.exp(eta) - y * eta
    gradient = np.append((y - mu) @ X, (y - mu).sum())
    return {"objective": float(loss.sum()), "gradient_norm": float(np.linalg.norm(gradient))}


def by_minimand(family: str) -> Fit:
    solve = {"logistic": minimand.logistic_regression, "Poisson": minimand.poisson_regression}

    def fit(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
        result = solve[family](X, y)
        return result.coef, result.intercept

    return fit


def by_scikit_learn(family: str, solver: str, tol: float) -> Fit:
    from sklearn.linear_model import LogisticRegression, PoissonRegressor

    options: dict[str, Any] = {"solver": solver, "tol": tol, "max_iter": 1000}

    def fit(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
        if family == "logistic":
            model = LogisticRegression(C=np.inf, **options).fit(X, y)
        else:
            model = PoissonRegressor(alpha=0.0, **options).fit(X, y)
        return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])

    return fit


def by_statsmodels(family: str) -> Fit:
    models = pytest.importorskip("statsmodels.discrete.discrete_model")
    kind = {"logistic": models.Logit, "Poisson": models.Poisson}[family]

    def fit(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
        found = kind(y, np.column_stack([X, np.ones(len(y))])).fit(disp=0)
        return found.params[:-1], float(found.params[-1])

    return fit


def contenders(family: str) -> dict[str, Callable[[], Fit]]:
    everybody = {"minimand": lambda: by_minimand(family)}
    for solver in ("lbfgs", "newton-cholesky"):
        for tol in (1e-4, 1e-8):
            everybody[f"scikit-learn {solver}, tol={tol:g}"] = lambda solver=solver, tol=tol: (
                by_scikit_learn(family, solver, tol)
            )
    model = "Logit" if family == "logistic" else "Poisson"
    everybody[f"statsmodels {model}"] = lambda: by_statsmodels(family)
    return everybody


PROBLEMS = (
    [Glm("logistic", 2000, 5), Glm("Poisson", 2000, 5)]
    if TOY
    else [
        Glm("logistic", 1_000_000, 50),
        Glm("logistic", 1_000_000, 50, correlated=True),
        Glm("Poisson", 600_000, 100, turns=2),
        Glm("Poisson", 600_000, 100, correlated=True, turns=2),
    ]
)


@pytest.mark.parametrize(
    ("problem", "turn", "contender"),
    [
        parameters
        for problem in PROBLEMS
        for parameters in turns([problem], contenders(problem.family))
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_glm(measure, benchmark, problem, turn, contender):
    X, y = data(problem)
    fit = contenders(problem.family)[contender]()
    coef, intercept = measure(problem.name, contender, lambda: fit(X, y))
    if turn == 0:
        benchmark.extra_info |= quality(problem, coef, intercept)
