"""The same computation as a Python loop, in NumPy, and in C++: what vectorisation is worth."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np

from minimand._common.arrays import Floats, one_of, positive_int
from minimand._common.backend import kernels
from minimand._common.random import as_key, uniform

TASKS = ("add", "dot", "sgd")
_RATE, _BATCH = 0.03, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopComparison:
    """Three times for one result.

    Attributes
    ----------
    task : str
        "add": x + y of n numbers; "dot": their inner product; "sgd": one epoch of least squares
        with n rows of d columns in batches of 10.
    n, d : int
        The size.
    python, numpy, cpp : float
        Seconds, the best of the repeats: a loop over lists, NumPy calls, and our kernels.
    difference : float
        The largest difference between the three results, relative to the largest number.
    """

    task: str
    n: int
    d: int
    python: float
    numpy: float
    cpp: float
    difference: float

    @property
    def numpy_ratio(self) -> float:
        """How many times faster NumPy is than the Python loop."""
        return self.python / self.numpy

    @property
    def cpp_ratio(self) -> float:
        """How many times faster C++ is than the Python loop."""
        return self.python / self.cpp

    def __str__(self) -> str:
        rows = (
            ("Python loop", self.python, ""),
            ("NumPy", self.numpy, f"{self.numpy_ratio:.0f} times faster"),
            ("C++", self.cpp, f"{self.cpp_ratio:.0f} times faster"),
        )
        lines = [f"{self.task}, n = {self.n}" + (f", d = {self.d}" if self.task == "sgd" else "")]
        lines += [
            f"  {name:<12}{seconds:>10.3g} s  {text}".rstrip() for name, seconds, text in rows
        ]
        return "\n".join(lines)


def compare_loops(
    *,
    n: int = 10_000,
    d: int = 10,
    task: Literal["add", "dot", "sgd"] = "add",
    repeats: int = 5,
    rng: object = 0,
) -> LoopComparison:
    """Run one computation as a Python loop, as NumPy calls and in C++, and compare the times.

    Parameters
    ----------
    n : int
        Numbers, or rows.
    d : int
        Columns, for "sgd".
    task : {"add", "dot", "sgd"}
        See `LoopComparison`.
    repeats : int
        How often each of them runs; the best time counts.
    rng : None, int, SeedSequence, BitGenerator or Generator
        Of the data.

    Returns
    -------
    LoopComparison
        Times and the largest difference: none for "add", rounding errors of other orders of
        summation for the rest.

    Raises
    ------
    ValueError, TypeError
        Bad arguments.

    Examples
    --------
    >>> import minimand
    >>> result = minimand.compare_loops(n=2000)
    >>> result.difference, result.numpy_ratio > 1
    (0.0, True)
    """
    n, d = positive_int("n", n), positive_int("d", d)
    one_of("task", task, TASKS)
    repeats = positive_int("repeats", repeats)
    key = as_key(rng)
    columns = d if task == "sgd" else 1
    numbers = uniform(key, 0, n, columns + 1) - 0.5
    X, y = np.ascontiguousarray(numbers[:, :-1]), np.ascontiguousarray(numbers[:, -1])
    x = X[:, 0].copy()
    calls: tuple[Callable[[], Any], ...]
    compiled = kernels("sgd", "cpp")
    if task == "add":
        lists, out = (x.tolist(), y.tolist()), np.empty(n)
        add = compiled.add_loop
        calls = (lambda: _add(*lists), lambda: np.add(x, y), lambda: add(x, y, out) or out)
    elif task == "dot":
        lists = x.tolist(), y.tolist()
        calls = (
            lambda: _dot(*lists),
            lambda: x @ y,
            lambda: compiled.dot_loop(x, y),
        )
    else:
        rows, targets = X.tolist(), y.tolist()
        calls = (
            lambda: _epoch_in_python(rows, targets),
            lambda: _epoch_in_numpy(X, y),
            lambda: _epoch_in_cpp(X, y, compiled),
        )
    timed = [_best(call, repeats) for call in calls]
    results = [np.asarray(result, dtype=np.float64) for _, result in timed]
    size = max(float(np.abs(results[0]).max()), 1e-300)
    worst = max(float(np.abs(result - results[0]).max()) for result in results[1:])
    return LoopComparison(
        task=task,
        n=n,
        d=d,
        python=timed[0][0],
        numpy=timed[1][0],
        cpp=timed[2][0],
        difference=worst / size,
    )


def _best(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    best, result = np.inf, None
    for _ in range(repeats):
        begin = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - begin)
    return max(best, 1e-9), result


def _add(x: list[float], y: list[float]) -> list[float]:
    out = []
    for i in range(len(x)):
        out.append(x[i] + y[i])  # noqa: PERF401 -- the plain loop is the point
    return out


def _dot(x: list[float], y: list[float]) -> float:
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


def _epoch_in_python(X: list[list[float]], y: list[float]) -> list[float]:
    """Return w and b after one epoch in order, number by number."""
    n, d = len(X), len(X[0])
    w, b = [0.0] * d, 0.0
    for begin in range(0, n, _BATCH):
        batch = range(begin, min(begin + _BATCH, n))
        gradient, constant = [0.0] * d, 0.0
        for i in batch:
            residual = b - y[i]
            for j in range(d):
                residual += X[i][j] * w[j]
            for j in range(d):
                gradient[j] += residual * X[i][j]
            constant += residual
        for j in range(d):
            w[j] -= _RATE / len(batch) * gradient[j]
        b -= _RATE / len(batch) * constant
    return [*w, b]


def _epoch_in_numpy(X: Floats, y: Floats) -> Floats:
    """Return the same, vectorised over a batch."""
    n, d = X.shape
    w, b = np.zeros(d), 0.0
    for begin in range(0, n, _BATCH):
        rows = X[begin : begin + _BATCH]
        residual = rows @ w + b - y[begin : begin + _BATCH]
        w -= _RATE / len(rows) * (residual @ rows)
        b -= _RATE / len(rows) * residual.sum()
    return np.append(w, b)


def _epoch_in_cpp(X: Floats, y: Floats, compiled: ModuleType) -> Floats:
    """Return the same from our kernel."""
    n, d = X.shape
    theta, none, vector = np.zeros((1, d + 1)), np.empty((0, 0)), np.empty(0)
    order, rates = np.empty(0, dtype=np.int64), np.full(-(-n // _BATCH), _RATE)
    compiled.sgd_steps(
        *(X, y, vector, order, 0, _BATCH, 0, rates, 0.0, 0.0, 0.0, False, True, False),
        *(theta, none, none, 0, none, none, np.zeros(1), 1),
    )
    return np.asarray(theta[0])
