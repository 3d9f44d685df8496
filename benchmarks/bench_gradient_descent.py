"""Descent on data, against a NumPy loop and SciPy: time, objective and gradient norm in one run."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from conftest import TOY, turns

import minimand
from minimand.problems import gradient_descent as problems


@dataclass(frozen=True)
class Data:
    """Random data of n rows, p columns, and a number of steps."""

    kind: str
    n: int
    p: int
    steps: int
    turns: int = 3

    @property
    def name(self) -> str:
        return f"{self.kind} {self.n:,} x {self.p}, {self.steps} steps"

    def load(self) -> tuple[Any, float]:
        """Return the objective and its L."""
        make = problems.least_squares if self.kind == "least squares" else problems.logistic
        problem = make(self.n, self.p, condition=1000.0)
        return problem.f, problem.lipschitz * (1.0 + 1e-12)


# Each takes (objective, L, steps) and returns x.


def ours(**options: Any) -> Callable[..., np.ndarray]:
    def call(f: Any, L: float, steps: int) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", minimand.ConvergenceWarning)
            return minimand.gradient_descent(
                f, np.zeros(f.dimension), lipschitz=L, tol=1e-300, max_iterations=steps, **options
            ).x

    return call


def numpy_loop(f: Any, L: float, steps: int) -> np.ndarray:
    """Do what everybody writes; it checks nothing."""
    x = np.zeros(f.dimension)
    if isinstance(f, minimand.LeastSquares):
        for _ in range(steps):
            x -= f.A.T @ (f.A @ x - f.b) / L
    else:
        n = len(f.y)
        for _ in range(steps):
            x += (f.A.T @ (f.y / (1.0 + np.exp(f.y * (f.A @ x)))) / n - f.l2 * x) / L
    return x


def scipy_minimize(f: Any, _L: float, steps: int) -> np.ndarray:
    from scipy import optimize

    if isinstance(f, minimand.LeastSquares):

        def both(x: np.ndarray) -> tuple[float, np.ndarray]:
            r = f.A @ x - f.b
            return 0.5 * float(r @ r), f.A.T @ r
    else:

        def both(x: np.ndarray) -> tuple[float, np.ndarray]:
            m = f.y * (f.A @ x)
            loss = float(np.mean(np.logaddexp(0.0, -m))) + 0.5 * f.l2 * float(x @ x)
            return loss, -(f.A.T @ (f.y / (1.0 + np.exp(m)))) / len(m) + f.l2 * x

    options = {"maxiter": steps, "gtol": 1e-12, "ftol": 0.0}
    return optimize.minimize(
        both, np.zeros(f.dimension), jac=True, method="L-BFGS-B", options=options
    ).x


CONTENDERS = {
    "minimand": ours(),
    "minimand, from the data": ours(method="data"),
    "NumPy loop": numpy_loop,
    "SciPy L-BFGS-B, to convergence": scipy_minimize,
}
PROBLEMS = (
    [Data("least squares", 300, 5, 60), Data("logistic", 200, 4, 10)]
    if TOY
    else [
        Data("least squares", 200, 20, 1000),
        Data("least squares", 100_000, 50, 1000, 2),
        Data("least squares", 100_000, 100, 1000, 2),
        Data("logistic", 100_000, 50, 200, 2),
    ]
)


@pytest.mark.parametrize(("data", "turn", "contender"), turns(PROBLEMS, CONTENDERS))
def test_steps(measure, benchmark, data, turn, contender):
    if contender == "minimand, from the data" and data.kind == "logistic":
        pytest.skip("there is no other way for logistic loss")
    f, L = data.load()
    call = CONTENDERS[contender]
    call(f, L, 2)  # imports and caches
    x = measure(data.name, contender, lambda: call(f, L, data.steps))
    if turn == 0:
        benchmark.extra_info["objective"] = f(x)
        benchmark.extra_info["gradient_norm"] = float(np.linalg.norm(f.grad(x)))
