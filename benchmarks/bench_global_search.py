"""Certified global minima against SciPy's global optimisers: evaluations, gap and time in one run.

SciPy's methods prove nothing; `gap` is how far their value is above the known minimum. `proved` is
the gap that minimand proves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from conftest import TOY, turns

import minimand
from minimand.global_search import Quadratic
from minimand.problems import global_search as problems


@dataclass(frozen=True)
class Task:
    """A problem with the gap to reach."""

    problem: Any
    tol: float
    turns: int = 3

    @property
    def name(self) -> str:
        return f"{self.problem.name}, tol={self.tol:g}"

    @property
    def box(self) -> np.ndarray:
        return np.reshape(self.problem.bounds, (-1, 2))


def ours(*known: str, **options: Any) -> Callable[[Task], Any]:
    """Return a contender that knows these constants."""

    def call(task: Task) -> Any:
        constants = {name: getattr(task.problem, name) for name in known}
        return minimand.minimize_lipschitz(
            task.problem.f,
            task.problem.bounds,
            tol=task.tol,
            vectorized=True,
            **constants,
            **options,
        )

    return call


def scipy_method(name: str, **options: Any) -> Callable[[Task], Any]:
    """Return one of SciPy's, on a function of one point (n,)."""

    def call(task: Task) -> Any:
        import scipy

        f, line = task.problem.f, len(task.box) == 1
        one = (lambda x: float(f(x[0]))) if line else (lambda x: float(f(x)))
        return getattr(scipy.optimize, name)(one, task.box.tolist(), **options)

    return call


CONTENDERS: dict[str, Callable[[Task], Any]] = {
    "minimand, curvature": ours("gradient_lipschitz"),
    "minimand, curvature and gradient": ours("gradient_lipschitz", "grad"),
    "minimand, curvature and gradient, NumPy": ours("gradient_lipschitz", "grad", backend="numpy"),
    "minimand, slopes": ours("lipschitz"),
    "minimand, direct": ours(),
    "SciPy direct": scipy_method("direct"),
    "SciPy direct, maxfun=20000": scipy_method("direct", maxfun=20_000, maxiter=20_000),
    "SciPy shgo": scipy_method("shgo"),
    "SciPy dual_annealing": scipy_method("dual_annealing", rng=0),
}
LINE = list(problems.univariate().values())
SPACE = problems.multivariate()
TASKS = [
    *(Task(problem, 1e-6) for problem in (LINE[:2] if TOY else LINE)),
    *(
        Task(problem, 1e-3 * max(1.0, abs(problem.minimum)))
        for problem in ([SPACE["McCormick"]] if TOY else SPACE.values())
    ),
]


def applies(task: Task, contender: str) -> bool:
    plane = len(task.box) > 1
    if "gradient" in contender:
        return plane  # one variable: values alone
    return not ("slopes" in contender and plane)  # minutes: first order is for one variable


@pytest.mark.parametrize(("task", "turn", "contender"), turns(TASKS, CONTENDERS))
def test_gap(measure, benchmark, task, turn, contender):
    if not applies(task, contender):
        pytest.skip(f"{contender} is left out of {task.name}")
    call = CONTENDERS[contender]
    call(task)  # imports and caches
    found = measure(task.name, contender, lambda: call(task))
    if turn == 0:
        benchmark.extra_info["gap"] = float(found.fun - task.problem.minimum)
        benchmark.extra_info["evaluations"] = int(
            getattr(found, "evaluations", getattr(found, "nfev", 0))
        )
        if isinstance(found, minimand.GlobalResult):
            benchmark.extra_info["proved"] = float(found.gap)
            benchmark.extra_info["grid"] = float(found.grid_points_equivalent)
        else:
            benchmark.extra_info["success"] = bool(found.success)


@dataclass(frozen=True)
class Form:
    """A quadratic function over a box."""

    n: int
    convex: bool
    turns: int = 3

    @property
    def name(self) -> str:
        return f"{'convex' if self.convex else 'indefinite'} quadratic, n={self.n}"

    def load(self) -> tuple[Quadratic, np.ndarray]:
        rng = np.random.default_rng(self.n)
        basis = np.linalg.qr(rng.standard_normal((self.n, self.n)))[0]
        low = 1.0 if self.convex else -100.0
        eigenvalues = np.linspace(low, 100.0, self.n)
        Q = basis * eigenvalues @ basis.T
        return Quadratic(0.5 * (Q + Q.T), 50.0 * rng.standard_normal(self.n)), np.array(
            [(-1.0, 2.0)] * self.n
        )


FORMS = [Form(n, convex) for n in ((2,) if TOY else (2, 4, 6)) for convex in (True, False)]
QUADRATIC = ["minimand", "minimand, NumPy", "SciPy dual_annealing"]


@pytest.mark.parametrize(("form", "turn", "contender"), turns(FORMS, QUADRATIC))
def test_quadratic(measure, benchmark, form, turn, contender):
    f, box = form.load()

    def call() -> Any:
        if contender == "SciPy dual_annealing":
            import scipy

            return scipy.optimize.dual_annealing(f, box, rng=0)
        backend = "numpy" if "NumPy" in contender else "cpp"
        return minimand.minimize_lipschitz(f, box, tol=1e-3, backend=backend)

    call()
    found = measure(form.name, contender, call)
    if turn == 0:
        benchmark.extra_info["fun"] = float(found.fun)
        benchmark.extra_info["evaluations"] = int(
            getattr(found, "evaluations", getattr(found, "nfev", 0))
        )
        if isinstance(found, minimand.GlobalResult):
            benchmark.extra_info["proved"] = float(found.gap)


@dataclass(frozen=True)
class Many:
    """Cells by values alone: what a cell costs."""

    evaluations: int
    turns: int = 1

    @property
    def name(self) -> str:
        return f"six-hump camel by slopes, {self.evaluations:,} evaluations"


@pytest.mark.filterwarnings("ignore::minimand.ConvergenceWarning")
@pytest.mark.parametrize(
    ("many", "turn", "contender"),
    turns([Many(2_000 if TOY else 200_000)], ["minimand", "minimand, NumPy"]),
)
def test_cost_of_a_cell(measure, benchmark, many, turn, contender):
    problem = SPACE["six-hump camel"]
    backend = "numpy" if "NumPy" in contender else "cpp"
    found = measure(
        many.name,
        contender,
        lambda: minimand.minimize_lipschitz(
            problem.f,
            problem.bounds,
            lipschitz=problem.lipschitz,
            max_evaluations=many.evaluations,
            backend=backend,
            vectorized=True,
        ),
    )
    if turn == 0:
        benchmark.extra_info["evaluations"] = found.evaluations
