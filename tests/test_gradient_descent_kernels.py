"""Kernels of descent: both backends, any number of threads, gradients that are those of f."""

from __future__ import annotations

import numpy as np
import pytest

import minimand
from minimand._common.backend import kernels
from minimand.problems import gradient_descent as problems

SHAPES = [(1, 1), (3, 2), (7, 9), (64, 8), (301, 13), (4099, 3), (2500, 33)]


def objective(kind, n, p, seed=0):
    rng = np.random.default_rng([n, p, seed])
    A = rng.standard_normal((n, p))
    if kind == "least squares":
        return minimand.LeastSquares(A, rng.standard_normal(n), l2=0.3, mean=bool(seed))
    if kind == "logistic":
        return minimand.Logistic(5.0 * A, rng.integers(0, 2, n), l2=0.1)
    return minimand.Quadratic(A.T @ A, rng.standard_normal(p))


KINDS = ("least squares", "logistic", "quadratic")


def both(f, x, threads=1):
    found = []
    for backend in ("cpp", "numpy"):
        g = np.empty_like(x)
        value = kernels("gradient_descent", backend).value_gradient(
            *f.arrays, x, f.kind, f.scale, f.ridge, 0.5, g, threads
        )
        found.append((value, g))
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(kind, shape):
    f = objective(kind, *shape)
    x = np.random.default_rng(1).standard_normal(f.dimension)
    (value, g), (expected, gradient) = both(f, x)
    error, gradient_error = f.rounding(expected, x)
    assert abs(value - expected) <= 2 * error + 1e-15 * abs(expected)
    assert np.linalg.norm(g - gradient) <= 2 * gradient_error
    assert expected - 0.5 == pytest.approx(f(x), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_values(kind):
    f = objective(kind, 40, 6)
    x = np.random.default_rng(2).standard_normal(6)
    assert minimand.check_gradient(f, f.grad, x).ok
    H = minimand.hessian(None, x, grad=f.grad).value
    assert f.hess(x) == pytest.approx(H, rel=1e-6, abs=1e-6 * np.abs(H).max())


def test_large_margins_do_not_overflow():
    f = minimand.Logistic([[1.0], [-1.0]], [1, 0])
    for x in (800.0, -800.0):
        (value, g), (expected, gradient) = both(f, np.array([x]))
        assert value == pytest.approx(expected, rel=1e-14)
        assert g == pytest.approx(gradient, rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("kind", KINDS)
def test_any_number_of_threads_gives_the_same_bits(kind):
    f = objective(kind, 30_001, 17) if kind != "quadratic" else objective(kind, 700, 700)
    x = np.random.default_rng(3).standard_normal(f.dimension)
    results = []
    for threads in (1, 2, 3):
        g = np.empty_like(x)
        value = kernels("gradient_descent", "cpp").value_gradient(
            *f.arrays, x, f.kind, f.scale, f.ridge, 0.0, g, threads
        )
        results.append((value, g.tobytes()))
    assert results[0] == results[1] == results[2]


VARIANTS = [
    {},
    {"step": "backtracking"},
    {"momentum": "nesterov"},
    {"momentum": "nesterov", "step": "backtracking"},
    {"momentum": "nesterov", "restart": False},
    {"momentum": "heavy_ball", "strong_convexity": 0.1},
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_both_loops_go_the_same_way(kind, options):
    f = objective(kind, 300, 6)
    L = minimand.gradient_lipschitz_constant(f).value
    given = {} if options.get("step") else {"lipschitz": L}
    runs = [
        minimand.gradient_descent(f, np.ones(6), tol=1e-6 * L, backend=b, **given, **options)
        for b in ("cpp", "numpy")
    ]
    assert runs[0].iterations == runs[1].iterations
    assert runs[0].evaluations == runs[1].evaluations
    for name in ("x", "values", "steps", "momenta"):
        assert getattr(runs[0], name) == pytest.approx(getattr(runs[1], name), rel=1e-6, abs=1e-9)
    assert runs[0].lipschitz_lower == pytest.approx(runs[1].lipschitz_lower, rel=1e-6)


@pytest.mark.slow
def test_a_thousand_steps_agree_to_twelve_digits():
    problem = problems.least_squares(2000, 20, condition=1e6)
    with pytest.warns(minimand.ConvergenceWarning):
        runs = [
            minimand.gradient_descent(
                problem.f, problem.x0, method="data", max_iterations=1000, tol=1e-300, backend=b
            )
            for b in ("cpp", "numpy")
        ]
    assert runs[0].x == pytest.approx(runs[1].x, rel=1e-12, abs=1e-12)
