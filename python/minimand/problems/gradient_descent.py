"""Objectives with known constants and minima, and sequences with known rates.

Functions with known stationary points are in `minimand.problems.functions`.

- `least_squares`, `logistic`: random data with prescribed singular values;
- `quadratic`: a diagonal with prescribed curvatures;
- `sequences`: errors whose rates are known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import positive_float, positive_int
from minimand.gradient_descent.objectives import LeastSquares, Logistic, Objective, Quadratic

Array: TypeAlias = NDArray[np.float64]

__all__ = [
    "DescentProblem",
    "LeastSquares",
    "Logistic",
    "Quadratic",
    "least_squares",
    "logistic",
    "quadratic",
    "sequences",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DescentProblem:
    """An objective and what is known of it.

    Attributes
    ----------
    f
        The objective.
    x0
        A start.
    lipschitz, strong_convexity
        L and mu of the gradient.
    minimizer, minimum
        Where f is least, and how small; NaN where unknown.
    """

    f: Objective
    x0: Array
    lipschitz: float
    strong_convexity: float
    minimizer: Array
    minimum: float


def least_squares(
    n: int, p: int, *, condition: float = 100.0, l2: float = 0.0, rng: int = 0
) -> DescentProblem:
    """Return ||A x - b||^2/2 + l2 ||x||^2/2 where A'A has eigenvalues from 1 to `condition`."""
    A, generator = _data(n, p, condition, rng)
    x = generator.standard_normal(p)
    b = A @ x + generator.standard_normal(n)
    f = LeastSquares(A, b, l2=l2)
    solution = np.asarray(np.linalg.solve(A.T @ A + l2 * np.eye(p), A.T @ b), dtype=np.float64)
    return DescentProblem(
        f=f,
        x0=np.zeros(p),
        lipschitz=float(condition) + l2,
        strong_convexity=1.0 + l2,
        minimizer=solution,
        minimum=f(solution),
    )


def logistic(
    n: int, p: int, *, condition: float = 100.0, l2: float = 0.01, rng: int = 0
) -> DescentProblem:
    """Return the mean logistic loss of noisy answers, with a ridge; A'A/n up to `condition`."""
    A, generator = _data(n, p, condition, rng)
    A *= math.sqrt(n)
    w = generator.standard_normal(p)
    y = np.where(generator.uniform(size=n) < 1.0 / (1.0 + np.exp(-A @ w)), 1.0, -1.0)
    return DescentProblem(
        f=Logistic(A, y, l2=l2),
        x0=np.zeros(p),
        lipschitz=condition / 4.0 + l2,
        strong_convexity=l2,
        minimizer=np.full(p, math.nan),
        minimum=math.nan,
    )


def quadratic(n: int = 50, *, condition: float = 100.0) -> DescentProblem:
    """Return sum_i lambda_i x_i^2/2, lambda evenly from 1 to `condition`, with x0 all ones."""
    n, condition = positive_int("n", n), positive_float("condition", condition)
    return DescentProblem(
        f=Quadratic(np.diag(np.linspace(1.0, condition, n))),
        x0=np.ones(n),
        lipschitz=condition,
        strong_convexity=1.0,
        minimizer=np.zeros(n),
        minimum=0.0,
    )


def sequences() -> dict[str, tuple[Array, str, float]]:
    """Return errors, their kind, and their exponent, ratio or order, by name."""
    t = np.arange(1.0, 400.0)
    noise = np.random.default_rng(0).standard_normal(len(t))
    return {
        "1/t": (1.0 / t, "sublinear", 1.0),
        "1/t^2": (t**-2.0, "sublinear", 2.0),
        "1/sqrt(t)": (t**-0.5, "sublinear", 0.5),
        "0.9^t": (0.9**t, "linear", 0.9),
        "0.999^t": (0.999 ** np.arange(3000.0), "linear", 0.999),
        "0.9^t, 2% noise": (0.9**t * (1.0 + 0.02 * noise), "linear", 0.9),
        "1/t!": (np.array([1 / math.factorial(k) for k in range(1, 19)]), "superlinear", 1.0),
        "0.5^(1.618^t)": (0.5 ** (1.618 ** np.arange(8.0)), "superlinear", 1.618),
        "0.5^(2^t)": (0.5 ** (2.0 ** np.arange(7.0)), "quadratic", 2.0),
        "0.5^(3^t)": (0.5 ** (3.0 ** np.arange(4.0)), "cubic", 3.0),
    }


def _data(n: int, p: int, condition: float, rng: int) -> tuple[Array, np.random.Generator]:
    n, p, condition = (
        positive_int("n", n),
        positive_int("p", p),
        positive_float("condition", condition),
    )
    generator = np.random.default_rng(rng)
    Q = np.linalg.qr(generator.standard_normal((n, p)))[0]
    V = np.linalg.qr(generator.standard_normal((p, p)))[0]
    return np.ascontiguousarray(Q * np.geomspace(1.0, math.sqrt(condition), p) @ V.T), generator
