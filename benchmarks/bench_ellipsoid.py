"""Ellipsoids of least volume: random clouds, against CVXPY's solvers where they can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from conftest import TOY, turns

import minimand
from minimand.problems.ellipsoid import cloud


@dataclass(frozen=True)
class Points:
    """A random cloud; `turns` is how often each contender has its turn, with `calls` calls."""

    kind: str
    m: int
    d: int
    turns: int = 3
    calls: int = 1

    @property
    def name(self) -> str:
        return f"{self.kind} {self.m:,} x {self.d}"


@lru_cache(maxsize=1)
def points_of(problem: Points) -> np.ndarray:
    points = cloud(problem.kind, problem.m, problem.d)
    points.setflags(write=False)
    return points


Ellipsoid = tuple[np.ndarray, np.ndarray]
Contender = Callable[[np.ndarray], Ellipsoid]


def by_minimand(threads: int | None = None, backend: str = "cpp") -> Contender:
    def solve(points: np.ndarray) -> Ellipsoid:
        result = minimand.min_volume_ellipsoid(points, threads=threads, backend=backend)
        assert result.gap <= 1e-9
        return result.A, result.b

    return solve


def by_cvxpy(solver: str, form: str) -> Contender:
    """CVXPY with one cone for each point (the baseline of AlgoTune) or one norm of all rows."""

    def solve(points: np.ndarray) -> Ellipsoid:
        cp = pytest.importorskip("cvxpy")
        pytest.importorskip(solver.lower())
        d = points.shape[1]
        A, b = cp.Variable((d, d), symmetric=True), cp.Variable(d)
        if form == "cones":
            constraints = [cp.SOC(1, A @ x + b) for x in points]
        else:
            constraints = [cp.norm(points @ A + b[None, :], 2, axis=1) <= 1]
        cp.Problem(cp.Minimize(-cp.log_det(A)), constraints).solve(solver=solver)
        return A.value, b.value

    return solve


CONTENDERS: dict[str, Contender] = {
    "minimand": by_minimand(),
    "minimand, threads=1": by_minimand(threads=1),
    "minimand, NumPy": by_minimand(backend="numpy"),
    "CVXPY cones, Clarabel": by_cvxpy("CLARABEL", "cones"),
    "CVXPY norm, Clarabel": by_cvxpy("CLARABEL", "norm"),
    "CVXPY cones, SCS": by_cvxpy("SCS", "cones"),
    "CVXPY norm, SCS": by_cvxpy("SCS", "norm"),
}
OURS = [name for name in CONTENDERS if name.startswith("minimand")]
NORMS = [*OURS, "CVXPY norm, Clarabel", "CVXPY norm, SCS"]

# problem: who takes part, as far as they need no more than about a minute
CLOUDS = (
    {Points("gaussian", 12, 3): list(CONTENDERS), Points("gaussian", 1000, 5): OURS}
    if TOY
    else {
        Points("gaussian", 28, 14, calls=5): list(CONTENDERS),
        Points("gaussian", 666, 2): NORMS,
        Points("gaussian", 1000, 10): NORMS,
        Points("gaussian", 200, 100): OURS,
        Points("gaussian", 5000, 100): ["minimand", "minimand, threads=1"],
        Points("gaussian", 30_000, 30): OURS,
        Points("gaussian", 1_000_000, 2): OURS,
        Points("gaussian", 1_000_000, 10): OURS,
        Points("cauchy", 1_000_000, 10): OURS,
        Points("cube", 200_000, 10): OURS,
        Points("sphere", 100_000, 10): OURS,
    }
)


@pytest.mark.parametrize(
    ("problem", "turn", "contender"),
    [
        parameters
        for problem, contenders in CLOUDS.items()
        for parameters in turns([problem], contenders)
    ],
)
def test_min_volume_ellipsoid(measure, benchmark, problem, turn, contender):
    points = points_of(problem)
    solve = CONTENDERS[contender]
    solve(points[: 2 * problem.d + 2])  # imports
    group = f"min_volume_ellipsoid {problem.name}"
    answer = measure(group, contender, lambda: solve(points), calls=problem.calls)
    if "threads=1" in contender or "CVXPY" in contender:
        benchmark.extra_info["threads"] = 1
    if turn == 0:
        benchmark.extra_info |= quality(points, *answer, lower_bound(problem))


@lru_cache(maxsize=1)
def lower_bound(problem: Points) -> float:
    """Return what minimand proves for -log det A of every enclosing ellipsoid."""
    result = minimand.min_volume_ellipsoid(points_of(problem))
    result.verify(points_of(problem))
    return -float(np.linalg.slogdet(result.A)[1]) - result.gap


def quality(points: np.ndarray, A: np.ndarray, b: np.ndarray, bound: float) -> dict[str, Any]:
    """Assess any contender's ellipsoid: as it is, and made as large as containment demands."""
    largest = float(np.linalg.norm(points @ A.T + b, axis=1).max())
    objective = -float(np.linalg.slogdet(A)[1])
    gap = objective + A.shape[0] * np.log(max(1.0, largest)) - bound
    assert gap > -1e-12 * max(1.0, abs(bound)) - 1e-11, "an objective below the bound refutes it"
    return {"objective": objective, "gap": gap, "violation": max(0.0, largest - 1.0)}
