"""Descent: known answers and counts, guarantees, refuted constants, and what f may do."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minimand
from minimand import Status
from minimand.gradient_descent import Objective
from minimand.problems import functions
from minimand.problems import gradient_descent as problems


def descend(f, x0, *, verify=True, **options):
    """Run on f, verify, and return the result; warnings of runs that do not converge are let be."""
    grad = None if isinstance(f, Objective) else getattr(f, "grad", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", minimand.ConvergenceWarning)
        result = minimand.gradient_descent(f, x0, grad=grad, **options)
    if verify:
        result.verify(f, x0, grad=grad)
    return result


class TestCurves:
    @pytest.mark.parametrize("start", [3.0, 10.0, -7.0])
    def test_wavy_parabola(self, start, backend):
        f = functions.wavy_parabola()
        result = descend(f, [start], lipschitz=8.0, tol=1e-10, f_lower=0.0, backend=backend)
        assert result.status is Status.CONVERGED
        assert result.iterations <= 15
        assert abs(result.x[0]) <= 1e-10
        assert result.best_gradient_norm <= result.guarantee
        assert {"a priori", "f_lower"} <= {c.name for c in result.certificates}

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (-0.8, -0.2738527),
            (-0.1, -0.2738527),
            (0.3, 1.0904082),
            (0.5, 1.0904082),
            (1.6, 1.0904082),
        ],
    )
    def test_x_cos(self, start, end):
        result = descend(functions.x_cos(), [start], step=1 / (2 * math.pi**2))
        assert result.x[0] == pytest.approx(end, abs=1e-6)

    def test_seven_minima_of_the_empirical_risk(self):
        f = functions.noisy_x_cos()
        ends = {
            round(descend(f, [x], lipschitz=f.gradient_lipschitz, tol=1e-8, verify=False).x[0], 6)
            for x in np.linspace(-0.99, 1.33, 60)
        }
        expected = [
            x
            for x, kind in zip(f.stationary_points[:, 0], f.kinds, strict=True)
            if kind == "minimum"
        ]
        assert sorted(ends) == pytest.approx(expected, abs=2e-6)

    def test_vanishing_gradient(self):
        f = functions.hyperbolic_tangent()
        result = descend(
            f, [4.0], lipschitz=4 / (3 * math.sqrt(3)), max_iterations=400, verify=False
        )
        assert int(np.argmax(result.gradient_norms >= 0.5)) == pytest.approx(291, abs=1)

    def test_plateau_is_where_it_starts(self):
        result = descend(functions.hyperbolic_tangent(), [30.0])
        assert (result.status, result.iterations) == (Status.CONVERGED, 0)

    def test_saddle(self):
        f = functions.saddle()
        held = descend(f, [1.0, 0.0], lipschitz=2.0)
        assert np.array_equal(held.x, [0.0, 0.0])
        assert minimand.classify_stationary_point(f, held.x, grad=f.grad).kind == "saddle"
        escaped = descend(f, [1.0, 1e-8], lipschitz=2.0, tol=1e-12)
        assert escaped.status is Status.UNBOUNDED

    def test_cubic_stops_on_one_side_and_falls_on_the_other(self):
        f = functions.cubic()
        assert descend(f, [1.0], step=0.1).x[0] == pytest.approx(0.0, abs=1e-3)
        assert descend(f, [-1.0], step=0.1).status is Status.UNBOUNDED

    def test_differences_instead_of_a_gradient(self):
        f = functions.rosenbrock(3)
        result = minimand.gradient_descent(f.f, [0.5, 0.5, 0.5], momentum="nesterov", tol=1e-4)
        result.verify(f.f, [0.5, 0.5, 0.5])
        assert result.x == pytest.approx(np.ones(3), abs=1e-3)

    def test_heavy_ball_cycles_where_descent_converges(self):
        f = functions.heavy_ball_cycle()
        options = {"lipschitz": 25.0, "strong_convexity": 1.0}
        result = descend(f, [3.3], momentum="heavy_ball", **options)
        assert result.status is Status.CYCLING
        cycle = [0.64653, -1.80245, 2.11592]
        assert min(abs(result.x[0] - point) for point in cycle) < 1e-4
        assert descend(f, [3.3], **options).x[0] == pytest.approx(0.0, abs=1e-6)

    def test_kink(self):
        result = descend(lambda x: abs(x[0] - 0.3), [1.0], check=False)
        assert result.status in (Status.NONSMOOTH, Status.CYCLING, Status.NOISE_DOMINATES)


QUADRATIC_COUNTS = [
    ({}, 756),
    ({"step": 2 / 101}, 496),
    ({"momentum": "nesterov", "restart": False}, 225),
    ({"momentum": "nesterov"}, 85),
    ({"momentum": "nesterov", "strong_convexity": 1.0, "lipschitz": 100.0}, 95),
    ({"momentum": "heavy_ball"}, 74),
]


class TestQuadratic:
    @pytest.mark.parametrize(("options", "count"), QUADRATIC_COUNTS, ids=str)
    def test_steps_to_1e_10(self, options, count, backend):
        problem = problems.quadratic()
        result = descend(problem.f, problem.x0, tol=1e-9, backend=backend, **options)
        reached = int(np.argmax(result.values <= 1e-10 * result.values[0]))
        assert reached == pytest.approx(count, abs=1)

    def test_rate_is_that_of_theory(self):
        problem = problems.quadratic()
        result = descend(problem.f, problem.x0, tol=1e-9)
        assert result.rate.kind == "linear"
        assert result.rate.ratio == pytest.approx(1 - 1 / 100, abs=1e-4)
        assert "linear rate" in {c.name for c in result.certificates}

    def test_gap_bound(self):
        problem = problems.quadratic()
        result = descend(problem.f, problem.x0, tol=1e-3)
        assert 0.0 < result.fun <= result.gap_bound * (1 + 1e-12)

    def test_indefinite_is_unbounded(self):
        f = minimand.Quadratic(np.diag([1.0, -1.0]))
        assert descend(f, [1.0, 1.0]).status is Status.UNBOUNDED


def random_problem(kind, seed):
    rng = np.random.default_rng(seed)
    n, p = rng.integers(1, 60), rng.integers(1, 12)
    A = rng.standard_normal((n, p)) * 10.0 ** rng.uniform(-3, 3, p)
    if seed % 3 == 0:
        A[:, -1] = A[:, 0]  # singular
    l2 = 0.0 if seed % 2 else 10.0 ** rng.uniform(-4, 1)
    x0 = rng.standard_normal(p)
    if kind == "least squares":
        return minimand.LeastSquares(A, rng.standard_normal(n), l2=l2, mean=bool(seed % 5)), x0
    return minimand.Logistic(A, rng.integers(0, 2, n), l2=l2), x0


class TestBound:
    @pytest.mark.parametrize("kind", ["least squares", "logistic"])
    @pytest.mark.parametrize("momentum", [None, "nesterov"])
    def test_never_violated_with_the_exact_constant(self, kind, momentum, backend):
        for seed in range(60):
            f, x0 = random_problem(kind, seed)
            method = "gram" if seed % 4 == 0 and kind == "least squares" else "auto"
            result = descend(
                f, x0, momentum=momentum, max_iterations=80, method=method, backend=backend
            )
            assert result.status is not Status.CONSTANT_REFUTED, seed
            assert all(c.holds for c in result.certificates), (seed, result.certificates)

    @pytest.mark.parametrize("kind", ["least squares", "logistic"])
    @pytest.mark.parametrize("factor", [0.05, 0.3])
    def test_too_small_a_constant_is_caught(self, kind, factor, backend):
        make = problems.least_squares if kind == "least squares" else problems.logistic
        problem = make(200, 8, rng=3)
        L = problem.lipschitz
        result = descend(problem.f, problem.x0, lipschitz=factor * L, backend=backend)
        assert result.status is Status.CONSTANT_REFUTED
        assert factor * L < result.lipschitz_lower <= L * (1 + 1e-12)
        assert result.violation.shape == (2, 8)

    def test_refuted_constant_can_be_raised(self):
        problem = problems.least_squares(200, 8)
        result = descend(problem.f, problem.x0, lipschitz=1.0, on_violation="increase")
        assert result.status is Status.CONVERGED
        assert result.lipschitz >= result.lipschitz_lower > 1.0

    def test_wrong_strong_convexity_fails(self):
        problem = problems.quadratic()
        options = {"lipschitz": 100.0, "strong_convexity": 50.0}
        result = descend(problem.f, problem.x0, verify=False, **options)
        assert not all(c.holds for c in result.certificates)
        with pytest.raises(minimand.CertificateError, match="strong convexity"):
            result.verify(problem.f, problem.x0)

    def test_gap_bounds_hold(self, backend):
        for seed in range(50):
            problem = problems.least_squares(40, 5, rng=seed)
            result = descend(problem.f, problem.x0, tol=1e-2, backend=backend, verify=seed < 5)
            assert result.fun - problem.minimum <= result.gap_bound * (1 + 1e-9) + 1e-12

    def test_the_refutation_of_the_page(self):
        f = functions.wavy_parabola()
        result = descend(f, [3.0], lipschitz=3.0)
        assert result.status is Status.CONSTANT_REFUTED
        assert 3.0 < result.lipschitz_lower <= 8.0

    @settings(max_examples=30)
    @given(st.integers(0, 10_000), st.sampled_from(["least squares", "logistic"]))
    def test_backtracking_needs_no_constant(self, seed, kind):
        f, x0 = random_problem(kind, seed)
        result = descend(f, x0, step="backtracking", max_iterations=60)
        assert (np.diff(result.values) <= result.slack).all()


class TestMethods:
    def test_gram_and_data_go_the_same_way(self, backend):
        problem = problems.least_squares(500, 10, condition=1e4)
        options = {"max_iterations": 400, "tol": 1e-9, "backend": backend}
        data, gram = (descend(problem.f, problem.x0, method=m, **options) for m in ("data", "gram"))
        assert gram.method == "gram"
        assert gram.x == pytest.approx(data.x, abs=1e-10)
        assert gram.values == pytest.approx(data.values, rel=1e-10)

    def test_gram_loses_nothing_to_the_square_of_the_condition(self):
        problem = problems.least_squares(300, 4, condition=1e10)
        f = minimand.LeastSquares(problem.f.A, problem.f.A @ np.ones(4))
        for method in ("data", "gram"):
            found = descend(f, np.zeros(4), method=method, tol=1e-5, max_iterations=200)
            assert found.fun == pytest.approx(
                descend(f, np.zeros(4), method="data", tol=1e-5, max_iterations=200).fun, rel=1e-6
            )

    def test_auto_chooses_by_size(self):
        tall, wide = problems.least_squares(500, 10), problems.least_squares(12, 10)
        assert descend(tall.f, tall.x0).method == "gram"
        assert descend(wide.f, wide.x0).method == "data"

    def test_callback_and_path(self):
        seen = []

        def stop(x):
            seen.append(x)
            if len(seen) == 3:
                raise StopIteration

        problem = problems.quadratic()
        result = descend(problem.f, problem.x0, path=True, callback=stop)
        assert result.status is Status.STOPPED_BY_CALLBACK
        assert np.array_equal(result.path[1:], seen)

    def test_time_limit(self):
        problem = problems.quadratic()
        result = descend(
            problem.f, problem.x0, tol=1e-300, time_limit=1e-9, max_iterations=10**9, verify=False
        )
        assert result.status is Status.TIME_LIMIT

    def test_report_of_a_run_that_is_not_done(self):
        problem = problems.quadratic()
        with pytest.warns(
            minimand.ConvergenceWarning, match="At this rate tol = 1e-06 is .* steps"
        ):
            minimand.gradient_descent(problem.f, problem.x0, max_iterations=100)

    def test_tolerance_below_rounding(self):
        problem = problems.least_squares(50, 4)
        result = descend(problem.f, problem.x0, tol=1e-30)
        assert result.status in (Status.NOISE_DOMINATES, Status.CYCLING)
