"""Principal components: all, the leading ones, and from a stream, against scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from conftest import TOY, turns

import minimand

decomposition = pytest.importorskip("sklearn.decomposition")


@dataclass(frozen=True)
class Problem:
    """Rows of a Gaussian with singular values that are proportional to `spectrum`."""

    rows: int
    columns: int
    components: int | None
    spectrum: str
    dtype: str = "float64"
    turns: int = 3

    @property
    def name(self) -> str:
        wanted = "all" if self.components is None else self.components
        kind = "" if self.dtype == "float64" else f" {self.dtype}"
        return f"{self.rows} x {self.columns}{kind}, {self.spectrum}, {wanted} components"


if TOY:
    ALL = [Problem(3000, 8, None, "white")]
    LEADING = [Problem(600, 400, 5, "decaying")]
    STREAMS = [Problem(3000, 8, 4, "decaying")]
    BLOCK = 300
else:
    ALL = [
        Problem(1_000_000, 50, None, "white", turns=5),
        Problem(1_000_000, 50, None, "white", "float32"),
    ]
    LEADING = [Problem(100_000, 2000, 10, spectrum) for spectrum in ("decaying", "signal", "slow")]
    STREAMS = [Problem(1_000_000, 50, 10, "decaying")]
    BLOCK = 10_000

_SPECTRA = {
    "white": lambda n: np.linspace(1.1, 1.0, n),
    "decaying": lambda n: 1.0 / np.arange(1.0, n + 1.0),
    "slow": lambda n: np.arange(1.0, n + 1.0) ** -0.5,
    "signal": lambda n: np.where(np.arange(n) < 15, 1.0 - 0.03 * np.arange(n), 0.1),
}


@lru_cache(maxsize=1)  # the large ones do not fit into memory together
def data(problem: Problem) -> np.ndarray:
    rng = np.random.default_rng(0)
    n = problem.columns
    mixed = _SPECTRA[problem.spectrum](n)[:, None] * np.linalg.qr(rng.standard_normal((n, n)))[0]
    X = np.empty((problem.rows, n), dtype=problem.dtype)
    for begin in range(0, problem.rows, 10_000):  # no temporary of the size of X
        block = X[begin : begin + 10_000]
        block[:] = rng.standard_normal(block.shape) @ mixed + 1.0
    return X


def residual(X: np.ndarray, V: np.ndarray) -> float:
    """Largest ||C v - lambda v|| over the first lambda, lambda being the Rayleigh quotients."""
    V = np.asarray(V, dtype=np.float64)
    mean = X.mean(axis=0, dtype=np.float64)
    image, values = np.zeros_like(V), np.zeros(len(V))
    for begin in range(0, len(X), 10_000):
        B = X[begin : begin + 10_000] - mean
        scores = B @ V.T
        image += scores.T @ B
        values += np.sum(scores**2, axis=0)
    rest = image - values[:, None] * V
    return float(np.linalg.norm(rest, axis=1).max() / values[0])


def scikit_learn(solver):
    def fit(X, k):
        return decomposition.PCA(k, svd_solver=solver, random_state=0).fit(X).components_

    return fit


def ours(**options):
    return lambda X, k: minimand.pca(X, k, **options).components


def stream(method):
    def fit(X, k):
        state = minimand.PCAState(method=method)
        for begin in range(0, len(X), BLOCK):
            state.update(X[begin : begin + BLOCK])
        return state.solve(k).components

    return fit


def incremental(X, k):
    model = decomposition.IncrementalPCA(k)
    for begin in range(0, len(X), BLOCK):
        model.partial_fit(X[begin : begin + BLOCK])
    return model.components_


ALL_CONTENDERS = {
    "minimand": ours(),
    "minimand svd": ours(method="svd"),
    "minimand, data read again": ours(certify="data"),
    "PCA covariance_eigh": scikit_learn("covariance_eigh"),
    "PCA full": scikit_learn("full"),
}
LEADING_CONTENDERS = {
    "minimand": ours(),
    "minimand gram": ours(method="gram"),
    "PCA covariance_eigh": scikit_learn("covariance_eigh"),
    "PCA randomized": scikit_learn("randomized"),
    "PCA arpack": scikit_learn("arpack"),
}
STREAM_CONTENDERS = {
    "minimand PCAState gram": stream("gram"),
    "minimand PCAState qr": stream("qr"),
    "IncrementalPCA": incremental,
}
GROUPS = [(ALL, ALL_CONTENDERS), (LEADING, LEADING_CONTENDERS), (STREAMS, STREAM_CONTENDERS)]


@pytest.mark.parametrize(
    ("problem", "turn", "contender"),
    [parameters for problems, contenders in GROUPS for parameters in turns(problems, contenders)],
)
def test_components(measure, benchmark, problem, turn, contender):
    X = data(problem)
    contenders = next(found for problems, found in GROUPS if problem in problems)
    fit = contenders[contender]
    group = "stream " if problem in STREAMS else ""
    V = measure(f"pca {group}{problem.name}", contender, lambda: fit(X, problem.components))
    if turn == 0:
        benchmark.extra_info["residual"] = residual(X, V)
