"""Quantile regressions that are measured, and every way to compute them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import minimand.linear_models


@dataclass(frozen=True)
class QuantileFit:
    """A median regression; `turns` is how often each contender has its turn."""

    rows: int
    columns: int
    turns: int = 3

    @property
    def name(self) -> str:
        return f"{self.rows} x {self.columns}"


@lru_cache(maxsize=1)
def data(fit: QuantileFit) -> tuple[np.ndarray, np.ndarray]:
    """Independent columns, noise with heavy tails."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((fit.rows, fit.columns))
    return X, X @ np.linspace(1.0, 2.0, fit.columns) + rng.standard_t(3, fit.rows)


# Contenders: (X, y) -> coefficients, the constant term last


def by_minimand(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    fit = minimand.linear_models.least_absolute_deviations(X, y)
    return np.append(fit.coef, fit.intercept)


def by_scikit_learn(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import QuantileRegressor

    fit = QuantileRegressor(quantile=0.5, alpha=0.0, solver="highs-ipm").fit(X, y)
    return np.append(fit.coef_, fit.intercept_)


def by_statsmodels(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    QuantReg = pytest.importorskip("statsmodels.regression.quantile_regression").QuantReg

    fit = QuantReg(y, np.column_stack([X, np.ones(len(y))])).fit(q=0.5)
    return np.asarray(fit.params)


CONTENDERS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "minimand": by_minimand,
    "statsmodels QuantReg": by_statsmodels,
    "scikit-learn QuantileRegressor, highs-ipm": by_scikit_learn,
}


def quality(fit: QuantileFit, theta: np.ndarray) -> dict[str, Any]:
    """Return the objective and its excess over the certified one, relative to it."""
    X, y = data(fit)
    best = minimand.linear_models.least_absolute_deviations(X, y).objective
    objective = float(np.abs(y - X @ theta[:-1] - theta[-1]).sum() / 2.0)
    return {"objective": objective, "gap": max(0.0, objective / best - 1.0)}
