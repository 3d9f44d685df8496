"""Least squares: fits, streaming, and the factorisations, against NumPy, SciPy and scikit-learn."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
import scipy.linalg
from conftest import TOY, turns
from least_squares_problems import CONTENDERS, Fit, data, quality
from peak_memory import extra_bytes

import minimand
from minimand._common.backend import kernels
from minimand._common.threads import resolve_threads
from minimand.least_squares.verification.pairs import Pair, two_prod

if TOY:
    FITS = [
        Fit(2000, 5), Fit(2000, 5, "float32"), Fit(2000, 5, intercept=True), Fit(400, 40),
        Fit(200, 5),
    ]  # fmt: skip
    GRAMS = [Fit(2000, 5)]
    STREAMS = [Fit(2000, 5)]
    MEMORY = []
    BLOCK = 300
else:
    FITS = [
        Fit(1_000_000, 50), Fit(1_000_000, 50, intercept=True), Fit(1_000_000, 50, "float32"),
        Fit(100_000, 500), Fit(200, 5, turns=5),
    ]  # fmt: skip
    GRAMS = [Fit(1_000_000, 50, turns=5), Fit(100_000, 500, turns=5)]
    STREAMS = [Fit(1_000_000, 50)]
    MEMORY = [Fit(1_000_000, 50), Fit(1_000_000, 50, "float32")]
    BLOCK = 10_000


def relative(residual, size):
    return float(np.linalg.norm(residual) / np.linalg.norm(size))


@pytest.mark.parametrize(("fit", "turn", "contender"), turns(FITS, CONTENDERS))
def test_fit(measure, benchmark, fit, turn, contender):
    X, y = data(fit)
    solve = CONTENDERS[contender]
    small = fit.rows * fit.columns < 10_000
    answer = measure(
        f"lstsq {fit.name}",
        contender,
        lambda: solve(X, y, fit.intercept),
        calls=200 if small and not TOY else 1,
    )
    if turn == 0:
        benchmark.extra_info |= quality(fit, *answer)
        if contender == "minimand" and fit in MEMORY and sys.platform == "linux":
            benchmark.extra_info["extra_megabytes"] = extra_bytes(fit) / 1e6


# The kernel under most fits: X'X of row-major X


@pytest.mark.parametrize(
    ("fit", "turn", "contender"), turns(GRAMS, ["minimand gram_pass", "X.T @ X"])
)
def test_gram(measure, benchmark, fit, turn, contender):
    X, _ = data(fit)
    m, n = X.shape
    gram, nothing = np.empty((n, n)), np.empty((m, 0))
    shift, scale, weights = np.zeros(n), np.ones(n), np.empty(0)
    gram_pass, workers = kernels("least_squares", "cpp").gram_pass, resolve_threads(None)

    def ours():
        gram_pass(X, nothing, weights, shift, scale, False, 0, m, gram, workers)
        return gram

    call = (lambda: X.T @ X) if contender == "X.T @ X" else ours
    found = measure(f"gram {fit.name}", contender, call)
    if turn == 0:
        expected = first_row(fit)
        benchmark.extra_info["backward_error"] = relative(found[0] - expected, expected)


@lru_cache(maxsize=1)
def first_row(fit: Fit) -> np.ndarray:
    """Return the first row of X'X, rounded once."""
    X, _ = data(fit)
    total = Pair(np.zeros(fit.columns))
    for begin in range(0, fit.rows, 1000):
        block = X[begin : begin + 1000]
        total.add(*two_prod(block, block[:, :1]))
    return total.high


# Rows that come block by block


def sums(X, y):
    """What one writes without a library: running sums of X'X and X'y."""
    n = X.shape[1]
    gram, product = np.zeros((n, n)), np.zeros(n)
    for begin in range(0, len(X), BLOCK):
        block = X[begin : begin + BLOCK]
        gram += block.T @ block
        product += block.T @ y[begin : begin + BLOCK]
    return np.linalg.solve(gram, product)


def stream(X, y, method):
    state = minimand.LeastSquaresState(intercept=False, method=method)
    for begin in range(0, len(X), BLOCK):
        state.update(X[begin : begin + BLOCK], y[begin : begin + BLOCK])
    return state.solve().coef


STREAMERS = {
    "minimand state gram": lambda X, y: stream(X, y, "gram"),
    "minimand state qr": lambda X, y: stream(X, y, "qr"),
    "minimand.lstsq, all at once": lambda X, y: minimand.lstsq(X, y).coef,
    "sums of X.T @ X": sums,
}


@pytest.mark.parametrize(("fit", "turn", "contender"), turns(STREAMS, STREAMERS))
def test_stream(measure, benchmark, fit, turn, contender):
    X, y = data(fit)
    call = STREAMERS[contender]
    coef = measure(f"blocks of {BLOCK} of {fit.name}", contender, lambda: call(X, y))
    if turn == 0:
        benchmark.extra_info |= quality(fit, coef, 0.0)


# Factorisations: residuals relative to the matrix, as in LAPACK's own tests


@dataclass(frozen=True)
class Matrix:
    """A random matrix that is factored."""

    operation: str
    rows: int
    columns: int
    turns: int = 3

    @property
    def name(self) -> str:
        return f"{self.operation} {self.rows} x {self.columns}"


@lru_cache(maxsize=1)
def matrix(problem: Matrix) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    A = rng.standard_normal((problem.rows, problem.columns))
    if problem.operation == "cholesky":
        A = A @ A.T / problem.rows + np.eye(problem.rows)
    if problem.operation == "solve_triangular":
        A = np.triu(A) + problem.rows * np.eye(problem.rows)
    return A, rng.standard_normal((problem.rows, 10))


def orthogonality(A, factors):
    Q, R = factors
    return max(relative(A - Q @ R, A), float(np.linalg.norm(Q.T @ Q - np.eye(Q.shape[1]))))


def componentwise(A, b, x):
    return float(np.max(np.abs(b - A @ x) / (np.abs(A) @ np.abs(x) + np.abs(b))))


# operation: (error of the answer, {contender: call})
FACTORISATIONS = {
    "cholesky": (
        lambda A, _, L: relative(A - L @ L.T, A),
        {
            "minimand": lambda A, _: minimand.cholesky(A).L,
            "numpy": lambda A, _: np.linalg.cholesky(A),
            "scipy": lambda A, _: scipy.linalg.cholesky(A, lower=True),
        },
    ),
    "qr": (
        lambda A, _, factors: orthogonality(A, factors),
        {
            "minimand": lambda A, _: tuple(minimand.qr(A)),
            "numpy": lambda A, _: np.linalg.qr(A),
            "scipy": lambda A, _: scipy.linalg.qr(A, mode="economic"),
        },
    ),
    "solve_triangular": (
        componentwise,
        {
            "minimand": lambda A, b: minimand.solve_triangular(A, b).x,
            "numpy (general solve)": np.linalg.solve,
            "scipy": scipy.linalg.solve_triangular,
        },
    ),
    "pinv": (
        lambda A, _, P: relative(A - A @ (P @ A), A),
        {
            "minimand": lambda A, _: minimand.pinv(A).pinv,
            "numpy": lambda A, _: np.linalg.pinv(A),
            "scipy": lambda A, _: scipy.linalg.pinv(A),
        },
    ),
}

if TOY:
    MATRICES = [
        Matrix("cholesky", 30, 30), Matrix("qr", 100, 10), Matrix("solve_triangular", 30, 30),
        Matrix("pinv", 100, 10),
    ]  # fmt: skip
else:
    MATRICES = [
        Matrix("cholesky", 2000, 2000), Matrix("qr", 100_000, 50), Matrix("qr", 2000, 1000),
        Matrix("solve_triangular", 3000, 3000), Matrix("pinv", 20_000, 100),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "turn", "contender"),
    [
        parameters
        for problem in MATRICES
        for parameters in turns([problem], FACTORISATIONS[problem.operation][1])
    ],
)
def test_factorisation(measure, benchmark, problem, turn, contender):
    A, b = matrix(problem)
    error, calls = FACTORISATIONS[problem.operation]
    answer = measure(problem.name, contender, lambda: calls[contender](A, b))
    if turn == 0:
        benchmark.extra_info["backward_error"] = error(A, b, answer)
