"""Linear models against scikit-learn: the gradient norm that was reached is stored beside the time.

Run with `pytest benchmarks/bench_linear_models.py`.
"""

import warnings

import numpy as np
import pytest

import minimand


def data(family, *, correlated):
    m, n = (1_000_000, 50) if family == "logistic" else (600_000, 100)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((m, n))
    if correlated:
        X = X @ (np.eye(n) + 0.5 * rng.standard_normal((n, n)) / np.sqrt(n))
    coef = 0.7 * rng.standard_normal(n) / np.sqrt(n)
    eta = X @ coef + 0.3
    if family == "logistic":
        return X, (rng.random(m) < 1.0 / (1.0 + np.exp(-eta))).astype(float)
    return X, rng.poisson(np.exp(eta)).astype(float)


def gradient_norm(family, X, y, coef, intercept):
    eta = X @ np.ravel(coef) + float(np.ravel(intercept)[0])
    residual = y - (1.0 / (1.0 + np.exp(-eta)) if family == "logistic" else np.exp(eta))
    return float(np.linalg.norm(np.append(residual @ X, residual.sum())))


def peers(family):
    from sklearn.linear_model import LogisticRegression, PoissonRegressor

    if family == "logistic":
        return {
            f"sklearn {solver} {tol:g}": LogisticRegression(
                C=np.inf, solver=solver, tol=tol, max_iter=1000
            )
            for solver in ("lbfgs", "newton-cholesky")
            for tol in (1e-4, 1e-8)
        }
    return {
        f"sklearn {solver} {tol:g}": PoissonRegressor(
            alpha=0.0, solver=solver, tol=tol, max_iter=1000
        )
        for solver in ("lbfgs", "newton-cholesky")
        for tol in (1e-4, 1e-8)
    }


SOLVERS = ["minimand"] + [
    f"sklearn {solver} {tol}"
    for solver in ("lbfgs", "newton-cholesky")
    for tol in ("0.0001", "1e-08")
]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("correlated", [False, True], ids=["independent", "correlated"])
@pytest.mark.parametrize("family", ["logistic", "poisson"])
def bench_glm(benchmark, family, correlated, solver):
    X, y = data(family, correlated=correlated)
    benchmark.group = f"{family} {X.shape[0]} x {X.shape[1]}, correlated={correlated}"
    if solver == "minimand":
        function = getattr(minimand, f"{family}_regression")
        fit = benchmark.pedantic(function, args=(X, y), rounds=3, warmup_rounds=1)
        coef, intercept = fit.coef, fit.intercept
    else:
        model = peers(family)[solver]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            benchmark.pedantic(model.fit, args=(X, y), rounds=1)
        coef, intercept = model.coef_, model.intercept_
    benchmark.extra_info["gradient_norm"] = gradient_norm(family, X, y, coef, intercept)
