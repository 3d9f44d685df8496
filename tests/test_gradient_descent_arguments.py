"""Descent and Newton: functions that misbehave, and arguments that make no sense."""

from __future__ import annotations

import signal
import threading
import warnings

import numpy as np
import pytest

import minimand
from minimand import Status
from minimand.problems import functions

SOLVERS = [minimand.gradient_descent, minimand.newton]
solvers = pytest.mark.parametrize("solve", SOLVERS, ids=lambda solve: solve.__name__)


def sphere(x):
    return float(x @ x)


@solvers
class TestFunctions:
    def test_raises(self, solve):
        def f(_x):
            raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no") as caught:
            solve(f, [1.0])
        assert "minimand called f with x = [1.0]" in caught.value.__notes__[0]

    def test_nan_at_the_start(self, solve):
        with pytest.raises(ValueError, match=r"f is \[nan\] at x = \[1\.0\]"):
            solve(lambda _x: np.nan, [1.0])

    def test_complex(self, solve):
        with pytest.raises(ValueError, match="complex"):
            solve(lambda x: 1j * x[0], [1.0])

    def test_wrong_shape(self, solve):
        with pytest.raises(ValueError, match=r"f returned shape \(2,\)"):
            solve(lambda x: x, [1.0, 2.0])

    def test_wrong_shape_of_the_gradient(self, solve):
        with pytest.raises(ValueError, match="grad returned 1 numbers for 2 variables"):
            solve(sphere, [1.0, 2.0], grad=lambda x: x[:1])

    def test_text(self, solve):
        with pytest.raises(TypeError, match="dtype"):
            solve(lambda _x: "a", [1.0])

    def test_not_a_function(self, solve):
        with pytest.raises(TypeError, match="f is 3"):
            solve(3, [1.0])

    def test_wrong_gradient_is_named(self, solve):
        def wrong(x):
            return 2 * x * [1, 1, -1]

        with pytest.raises(ValueError, match="grad is wrong at x0: entry 2 is -6"):
            solve(sphere, [1.0, 2.0, 3.0], grad=wrong)

    def test_infinite_start(self, solve):
        with pytest.raises(ValueError, match="x0 has inf at entry 1"):
            solve(sphere, [1.0, np.inf])

    def test_length_of_an_objective(self, solve):
        with pytest.raises(ValueError, match="x0 has 3 entries but f has 2 variables"):
            solve(minimand.Quadratic(np.eye(2)), np.ones(3))


def test_undefined_later_keeps_the_last_point():
    with pytest.warns(minimand.ConvergenceWarning, match="not finite where the next step goes"):
        result = minimand.gradient_descent(
            lambda x: np.log(x[0]), [1.0], grad=lambda x: 1 / x, step=1.5
        )
    assert result.status is Status.UNDEFINED
    assert result.x == [1.0]


def test_backtracking_steps_around_the_undefined():
    result = minimand.gradient_descent(lambda x: x[0] - np.log(x[0]), [0.01])
    assert result.x == pytest.approx([1.0], abs=1e-5)


@pytest.mark.parametrize("lipschitz", [0.0, -1.0, np.nan, np.inf])
def test_lipschitz_must_be_positive(lipschitz):
    with pytest.raises(ValueError, match="lipschitz is"):
        minimand.gradient_descent(sphere, [1.0], lipschitz=lipschitz)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": "heavy_ball"}, "needs lipschitz and strong_convexity"),
        ({"momentum": "heavy_ball", "lipschitz": 2.0}, "needs lipschitz and strong_convexity"),
        ({"lipschitz": 1.0, "strong_convexity": 2.0}, "above lipschitz = 1.0"),
        ({"step": "newton"}, "step is 'newton'"),
        ({"step": 0.0}, "step is 0"),
        ({"f_lower": np.inf}, "f_lower has inf"),
        ({"method": "gram"}, "least squares only"),
    ],
)
def test_options_that_make_no_sense(options, message):
    f = minimand.Quadratic(np.eye(1)) if "method" in options else sphere
    with pytest.raises(ValueError, match=message):
        minimand.gradient_descent(f, [1.0], **options)


def test_objectives_have_their_own_gradient():
    with pytest.raises(ValueError, match="has its own gradient"):
        minimand.gradient_descent(minimand.Quadratic(np.eye(1)), [1.0], grad=lambda x: x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: minimand.LeastSquares([[1.0, np.nan]], [1.0]), "A has NaN at row 0, column 1"),
        (lambda: minimand.LeastSquares([[1.0]], [1.0, 2.0]), "b has 2 entries but A has 1 rows"),
        (lambda: minimand.LeastSquares([[1.0]], [1.0], l2=-1.0), "l2 is -1"),
        (lambda: minimand.Logistic([[1.0], [2.0], [3.0]], [0, 1, 2]), "expected -1 and 1"),
        (lambda: minimand.Quadratic([[1.0, 2.0], [0.0, 1.0]]), "Q is not symmetric"),
    ],
)
def test_data_of_objectives(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_huge_and_tiny_numbers(scale, backend):
    f = minimand.LeastSquares(np.eye(2), np.full(2, scale))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if scale > 1.0:
            with pytest.raises(ValueError, match="f is inf at x0"):
                minimand.gradient_descent(f, np.zeros(2), backend=backend)
        else:
            assert minimand.gradient_descent(f, np.zeros(2), backend=backend).status.ok


def test_interrupt():
    f = minimand.Quadratic(np.diag(np.linspace(1e-9, 1.0, 200)))
    timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        minimand.gradient_descent(f, np.ones(200), tol=1e-300, max_iterations=10**9)
    timer.join()
    assert minimand.gradient_descent(f, np.zeros(200)).status.ok


class TestNewton:
    def test_rosenbrock(self, backend):
        f = functions.rosenbrock()
        result = minimand.newton(f, [-1.2, 1.0], grad=f.grad, hess=f.hess, backend=backend)
        result.verify(f, [-1.2, 1.0], grad=f.grad, hess=f.hess)
        assert result.x == pytest.approx([1.0, 1.0], abs=1e-8)
        assert result.iterations <= 25
        assert result.rate.kind == "quadratic"

    def test_damping_ends_the_cycle(self):
        f = functions.newton_cycle()
        result = minimand.newton(f, [0.0], grad=f.grad, hess=f.hess)
        assert result.x == pytest.approx(f.minimizers[0])
        assert result.iterations <= 8

    @pytest.mark.parametrize("seed", range(5))
    def test_one_step_for_a_quadratic(self, seed, backend):
        rng = np.random.default_rng(seed)
        A, b = rng.standard_normal((30, 6)), rng.standard_normal(30)
        for f in (minimand.LeastSquares(A, b), minimand.Quadratic(A.T @ A, b[:6])):
            result = minimand.newton(f, np.ones(6), backend=backend)
            result.verify(f, np.ones(6))
            assert (result.status, result.iterations) == (Status.CONVERGED, 1)

    def test_logistic_loss(self, backend):
        rng = np.random.default_rng(0)
        A = rng.standard_normal((300, 10))
        f = minimand.Logistic(A, rng.integers(0, 2, 300), l2=0.1)
        result = minimand.newton(
            f, np.ones(10), strong_convexity=0.1, lipschitz_hessian=5.0, backend=backend
        )
        result.verify(f, np.ones(10))
        assert result.rate.kind == "quadratic"
        assert 0.0 <= result.radius <= 1e-6
        assert np.linalg.norm(f.grad(result.x)) <= 1e-8

    def test_saddles_repel(self):
        f = functions.himmelblau()
        result = minimand.newton(f, [0.1, 2.8], grad=f.grad, hess=f.hess)
        assert np.linalg.norm(f.minimizers - result.x, axis=1).min() < 1e-6

    def test_differences(self):
        result = minimand.newton(lambda x: (x[0] - 1) ** 4 + (x[1] + 2) ** 2, [0.0, 0.0])
        result.verify(lambda x: (x[0] - 1) ** 4 + (x[1] + 2) ** 2, [0.0, 0.0])
        assert result.x == pytest.approx([1.0, -2.0], abs=0.01)

    def test_self_concordant(self):
        # -log x + x, whose minimum is 1 at 1
        f, g, h = (lambda x: x[0] - np.log(x[0])), (lambda x: 1 - 1 / x), (lambda x: x**-2.0)
        result = minimand.newton(f, [0.5], grad=g, hess=h, self_concordant=True, tol=1e-3)
        assert 0.0 <= result.fun - 1.0 <= result.gap_bound * (1 + 1e-6)

    def test_unbounded(self):
        with pytest.warns(minimand.ConvergenceWarning, match="decreases without limit"):
            result = minimand.newton(minimand.Quadratic(np.diag([1.0, -1.0])), [1.0, 1.0])
        assert result.status is Status.UNBOUNDED
