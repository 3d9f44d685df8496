"""Linear models by maximum likelihood, against the packages that fit them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from conftest import TOY, turns
from scipy.optimize import linprog

import minimand
from minimand.problems.linear_models.chebyshev import alternating

# Minimax fits: no Python package has them; SciPy's HiGHS solves them as a linear program.


@dataclass(frozen=True)
class Minimax:
    """Random rows with a known optimum, residuals evenly spread inside the band."""

    m: int
    n: int
    turns: int = 3

    @property
    def name(self) -> str:
        return f"{self.m:,} x {self.n}"


Fit = Callable[[np.ndarray, np.ndarray], tuple[float, float]]


def by_minimand(threads: int | None = None, backend: str = "cpp") -> Fit:
    def fit(X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        result = minimand.chebyshev_fit(X, y, threads=threads, backend=backend)
        return result.objective, result.gap

    return fit


def by_linprog(method: str) -> Fit:
    def fit(X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        A = np.hstack([X, np.ones((len(X), 1))])
        one = np.ones((len(X), 1))
        found = linprog(
            np.append(np.zeros(A.shape[1]), 1.0),
            A_ub=np.vstack([np.hstack([A, -one]), np.hstack([-A, -one])]),
            b_ub=np.concatenate([y, -y]),
            bounds=(None, None),
            method=method,
        )
        largest = float(np.abs(y - A @ found.x[:-1]).max())
        return largest, largest / found.fun - 1

    return fit


CONTENDERS: dict[str, Fit] = {
    "minimand": by_minimand(),
    "minimand, threads=1": by_minimand(threads=1),
    "minimand, NumPy": by_minimand(backend="numpy"),
    "SciPy linprog, highs-ds": by_linprog("highs-ds"),
    "SciPy linprog, highs-ipm": by_linprog("highs-ipm"),
}
OURS = [name for name in CONTENDERS if name.startswith("minimand")]

# problem: who takes part, as far as they need no more than about a minute
MINIMAX = (
    {Minimax(300, 3): list(CONTENDERS)}
    if TOY
    else {
        Minimax(2000, 10): list(CONTENDERS),
        Minimax(20_000, 20): list(CONTENDERS),
        Minimax(200_000, 20, turns=2): OURS,
        Minimax(1_000_000, 20, turns=2): OURS,
        Minimax(20_000, 200, turns=2): OURS,
    }
)


@pytest.mark.parametrize(
    ("problem", "turn", "contender"),
    [
        parameters
        for problem, contenders in MINIMAX.items()
        for parameters in turns([problem], contenders)
    ],
)
def test_minimax(measure, benchmark, problem, turn, contender):
    data = alternating(problem.m, problem.n)
    fit = CONTENDERS[contender]
    group = f"chebyshev_fit {problem.name}"
    largest, gap = measure(group, contender, lambda: fit(data.X, data.y))
    if "threads=1" in contender:
        benchmark.extra_info["threads"] = 1
    if turn == 0:
        benchmark.extra_info |= {"objective": largest, "gap": gap}
