"""The fits that are measured, and every way to compute them: the same data for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.linalg
from sklearn.linear_model import LinearRegression

import minimand
from minimand.least_squares.verification import backward_error, rows


@dataclass(frozen=True)
class Fit:
    """A least-squares problem; `turns` is how often each contender has its turn."""

    rows: int
    columns: int
    dtype: str = "float64"
    intercept: bool = False
    turns: int = 3

    @property
    def name(self) -> str:
        constant = ", intercept" if self.intercept else ""
        return f"{self.rows} x {self.columns} {self.dtype}{constant}"


@lru_cache(maxsize=1)  # the large ones do not fit into memory together
def data(fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are correlated a little, a target with noise."""
    rng = np.random.default_rng(0)
    X = np.empty((fit.rows, fit.columns), dtype=fit.dtype)
    for begin in range(0, fit.rows, 10_000):  # no temporary of the size of X
        block = X[begin : begin + 10_000]
        block[:] = rng.standard_normal(block.shape)
        block += rng.standard_normal((len(block), 1)) + float(fit.intercept)
    noise = rng.standard_normal(fit.rows)
    y = (X @ np.linspace(1.0, 2.0, fit.columns, dtype=fit.dtype) + noise).astype(fit.dtype)
    return X, y


# Contenders: (X, y) -> coef, intercept


def by_minimand(X, y, intercept):
    result = minimand.lstsq(X, y, intercept=intercept)
    return result.coef, result.intercept


def by_numpy(X, y, intercept):
    return _split(np.linalg.lstsq(_with_ones(X, intercept), y, rcond=None)[0], intercept)


def by_scipy_gelsd(X, y, intercept):
    A = _with_ones(X, intercept)
    return _split(scipy.linalg.lstsq(A, y, lapack_driver="gelsd")[0], intercept)


def by_scipy_gelsy(X, y, intercept):
    A = _with_ones(X, intercept)
    return _split(scipy.linalg.lstsq(A, y, lapack_driver="gelsy")[0], intercept)


def by_scikit_learn(X, y, intercept):
    model = LinearRegression(fit_intercept=intercept).fit(X, y)
    return model.coef_, model.intercept_


def by_normal_equations(X, y, intercept):
    A = _with_ones(X, intercept)
    return _split(np.linalg.solve(A.T @ A, A.T @ y), intercept)


def _with_ones(X, intercept):
    return np.hstack([np.ones((len(X), 1), X.dtype), X]) if intercept else X


def _split(solution, intercept):
    return (solution[1:], solution[0]) if intercept else (solution, 0.0)


CONTENDERS: dict[str, Callable] = {
    "minimand": by_minimand,
    "solve(X.T @ X, X.T @ y)": by_normal_equations,
    "numpy.linalg.lstsq": by_numpy,
    "scipy gelsd": by_scipy_gelsd,
    "scipy gelsy": by_scipy_gelsy,
    "LinearRegression": by_scikit_learn,
}


# One measure of quality for all of them


@lru_cache(maxsize=1)
def _reference(fit: Fit):
    X, y = data(fit)
    claim = _claim(fit, np.ones(fit.columns), 0.0)
    read = rows.read(claim, X, y, None)
    moments = rows.column_moments(read)
    return read, moments, backward_error.design(read, moments, claim)


def _claim(fit: Fit, coef, intercept):
    return rows.Fit(
        SimpleNamespace(
            coef=np.asarray(coef, dtype=np.float64),
            intercept=float(intercept),
            has_intercept=fit.intercept,
            residual_norm=0.0,
            ridge=0.0,
        )
    )


def quality(fit: Fit, coef, intercept) -> dict[str, float]:
    """Backward error (Karlson, Walden) and residual norm, by the code of `verify`, for anybody."""
    claim = _claim(fit, coef, intercept)
    found = backward_error.assess(*_reference(fit), claim, 0)
    return {"backward_error": found.backward_error, "residual_norm": found.residual_norm}


def memory_calls(fit: Fit) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return a small call, after which threads and libraries are there, and the one to measure."""
    X, y = data(fit)
    few = X[:1000].copy(), y[:1000].copy()
    return (lambda: by_minimand(*few, fit.intercept)), (lambda: by_minimand(X, y, fit.intercept))
