"""Derivatives with errors, against SciPy and numdifftools: time and true error in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from conftest import TOY, turns

import minimand
from minimand.problems import derivatives as problems
from minimand.problems import functions


@dataclass(frozen=True)
class Point:
    """A random point of a function of n variables that takes many points at once."""

    what: str
    function: str
    n: int
    calls: int = 20
    turns: int = 3

    @property
    def name(self) -> str:
        return f"{self.what} {self.function}, n={self.n}"

    def load(self) -> tuple[Any, np.ndarray, np.ndarray]:
        """Return f, x and the true derivative."""
        x = np.random.default_rng(1).standard_normal(self.n)
        if self.function == "Rosenbrock":
            f = functions.rosenbrock(self.n)
            return f, x, f.grad(x) if self.what == "gradient" else f.hess(x)
        f = problems.least_squares(3 * self.n, self.n)
        return f, x, f.grad(x) if self.what == "gradient" else f.hessian


# Each returns (derivative, claimed errors or None).


def ours(**options: Any) -> Callable[..., Any]:
    def call(f: Any, x: np.ndarray, what: str) -> Any:
        result = getattr(minimand, what)(f, x, **options)
        return result.value, result.error

    return call


def approx_derivative(rule: str) -> Callable[..., Any]:
    """What `scipy.optimize.minimize` calls for jac="2-point" and jac="3-point"."""

    def call(f: Any, x: np.ndarray, what: str) -> Any:
        from scipy.optimize._numdiff import approx_derivative as slope

        if what == "gradient":
            return slope(f, x, method=rule), None
        h = {"2-point": 1e-5, "3-point": 3e-4}[rule]  # the default is for first derivatives
        inner = lambda y: slope(f, y, method=rule, abs_step=h)  # noqa: E731
        return slope(inner, x, method=rule, abs_step=h), None

    return call


def differentiate(f: Any, x: np.ndarray, what: str) -> Any:
    from scipy import differentiate

    columns = lambda X: f(np.moveaxis(X, 0, -1))  # noqa: E731
    if what == "gradient":
        found = differentiate.jacobian(columns, x)
        return found.df, found.error
    found = differentiate.hessian(columns, x)
    return found.ddf, found.error


def numdifftools(f: Any, x: np.ndarray, what: str) -> Any:
    nd = pytest.importorskip("numdifftools")
    kind = nd.Gradient if what == "gradient" else nd.Hessian
    found = kind(f, full_output=True)(x)
    return found[0], np.reshape(found[1], np.shape(found[0]))


CONTENDERS: dict[str, Callable[..., Any]] = {
    "minimand": ours(),
    "minimand, NumPy": ours(backend="numpy"),
    "minimand, one by one": ours(vectorized=False),
    "minimand, forward": ours(method="forward"),
    "SciPy approx_derivative, 2-point": approx_derivative("2-point"),
    "SciPy approx_derivative, 3-point": approx_derivative("3-point"),
    "scipy.differentiate": differentiate,
    "numdifftools": numdifftools,
}
GRADIENT = (
    [Point("gradient", "Rosenbrock", 5, 1), Point("gradient", "least squares", 5, 1)]
    if TOY
    else [
        Point("gradient", "Rosenbrock", 10),
        Point("gradient", "Rosenbrock", 100),
        Point("gradient", "least squares", 100),
    ]
)
HESSIAN = (
    [Point("hessian", "Rosenbrock", 4, 1)]
    if TOY
    else [Point("hessian", "Rosenbrock", 20, 1), Point("hessian", "Rosenbrock", 100, 1)]
)
# Minutes; and a method that Hessians do not have.
LEFT_OUT = {("hessian", 100, "scipy.differentiate")} | {
    ("hessian", point.n, "minimand, forward") for point in HESSIAN
}


@pytest.mark.parametrize(("point", "turn", "contender"), turns([*GRADIENT, *HESSIAN], CONTENDERS))
def test_point(measure, benchmark, point, turn, contender):
    if (point.what, point.n, contender) in LEFT_OUT:
        pytest.skip(f"{contender} is left out of {point.name}")
    f, x, exact = point.load()
    call = CONTENDERS[contender]
    call(f, x[:2] if point.function == "Rosenbrock" else x, point.what)  # imports and caches
    calls = point.calls if "numdifftools" not in contender else 1
    value, claimed = measure(point.name, contender, lambda: call(f, x, point.what), calls=calls)
    if turn == 0:
        error = np.abs(value - exact)
        benchmark.extra_info["true_error"] = float(error.max())
        if claimed is not None:
            benchmark.extra_info["claimed_error"] = float(np.max(claimed))
            benchmark.extra_info["covered"] = float(np.mean(error <= 10.0 * claimed))


@dataclass(frozen=True)
class Samples:
    """All functions of several variables of the catalogue, at random points of their boxes."""

    what: str
    points: int = 2 if TOY else 50
    turns: int = 1

    @property
    def name(self) -> str:
        return f"{self.what} of all functions at {self.points} points each"

    def load(self) -> list[tuple[Any, np.ndarray, np.ndarray]]:
        """Return f, x and the true derivative, point by point."""
        rng = np.random.default_rng(2)
        tasks = []
        for f in [*functions.catalogue().values(), functions.rosenbrock(20)]:
            if f.dimension > 1:
                X = rng.uniform(*f.bounds.T, (self.points, f.dimension))
                exact = f.gradients(X) if self.what == "gradient" else f.hessians(X)
                tasks += list(zip([f] * self.points, X, exact, strict=True))
        return tasks


JUDGED = ["minimand", "scipy.differentiate", "numdifftools"]  # who states errors


@pytest.mark.parametrize(
    ("samples", "turn", "contender"), turns([Samples("gradient"), Samples("hessian")], JUDGED)
)
def test_stated_errors(measure, benchmark, samples, turn, contender):
    tasks = samples.load()
    call = CONTENDERS[contender]

    def run() -> list[Any]:
        return [call(f, x, samples.what) for f, x, _ in tasks]

    found = measure(samples.name, contender, run)
    if turn == 0:
        within = [
            np.ravel(np.abs(value - exact) <= 10.0 * claimed)
            for (value, claimed), (_, _, exact) in zip(found, tasks, strict=True)
        ]
        benchmark.extra_info["covered"] = float(np.mean(np.concatenate(within)))


@dataclass(frozen=True)
class Points:
    """One variable, many points."""

    method: str
    count: int
    turns: int = 3

    @property
    def name(self) -> str:
        return f"derivative of exp, {self.method}, {self.count:,} points"


MANY = (
    [Points("central", 50), Points("richardson", 50)]
    if TOY
    else [Points("central", 1_000_000), Points("richardson", 100_000)]
)


def many(contender: str, method: str) -> Callable[[np.ndarray], Any]:
    if contender == "scipy.differentiate":
        from scipy import differentiate

        def peer(x: np.ndarray) -> Any:
            found = differentiate.derivative(np.exp, x)
            return found.df, found.error

        return peer
    backend = "numpy" if "NumPy" in contender else "cpp"

    def call(x: np.ndarray) -> Any:
        result = minimand.derivative(np.exp, x, method=method, backend=backend)
        return result.value, result.error

    return call


@pytest.mark.parametrize(
    ("points", "turn", "contender"),
    turns(MANY, ["minimand", "minimand, NumPy", "scipy.differentiate"]),
)
def test_many_points(measure, benchmark, points, turn, contender):
    x = np.linspace(-1.0, 1.0, points.count)
    call = many(contender, points.method)
    value, claimed = measure(points.name, contender, lambda: call(x))
    if turn == 0:
        error = np.abs(value - np.exp(x))
        benchmark.extra_info["true_error"] = float(error.max())
        benchmark.extra_info["claimed_error"] = float(np.max(claimed))
        benchmark.extra_info["covered"] = float(np.mean(error <= 10.0 * claimed))
