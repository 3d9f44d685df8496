"""Derivatives: known answers, errors that cover, bounds, noise, and what f may do."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minimand
from minimand import Status
from minimand.problems import derivatives as problems
from minimand.problems import functions

KNOWN = problems.known()
METHODS = ("central", "forward", "backward", "complex", "richardson")
WIDE = np.longdouble
wide = pytest.mark.skipif(np.finfo(WIDE).eps > 1e-18, reason="needs a longdouble for the truth")


def truth(problem, order, x):
    return (problem.first if order == 1 else problem.second)(np.asarray(x, dtype=WIDE))


def misses(result, exact):
    """Errors in units of the stated ones."""
    apart = np.abs((np.asarray(result.value) - exact).astype(float))
    with np.errstate(invalid="ignore"):
        return np.where(apart == 0.0, 0.0, apart / np.asarray(result.error))


class TestOneVariable:
    @pytest.mark.parametrize(
        ("method", "accuracy"),
        [
            ("central", 1e-10),
            ("forward", 1e-7),
            ("backward", 1e-7),
            ("richardson", 1e-13),
            ("complex", 2 * math.ulp(math.e)),
            ("cauchy", 1e-14),
        ],
    )
    def test_exponential(self, method, accuracy, backend):
        result = minimand.derivative(np.exp, 1.0, method=method, backend=backend)
        assert abs(result.value - math.e) <= min(accuracy, result.error)
        assert result.error <= 1e4 * accuracy
        assert float(result) == np.asarray(result) == result.value

    def test_squire_trapp(self, backend):
        exact = 4.053427893898621
        found = {
            method: minimand.derivative(problems.squire_trapp, 1.5, method=method, backend=backend)
            for method in ("complex", "richardson", "central")
        }
        assert abs(found["complex"].value - exact) <= 4 * math.ulp(exact)
        assert abs(found["richardson"].value - exact) <= 1e-12
        assert all(abs(result.value - exact) <= result.error for result in found.values())

    def test_tanh_far_out(self):
        result = minimand.derivative(np.tanh, 4.0)
        assert result.value == pytest.approx(0.0013409506830258655, abs=result.error)

    @wide
    @pytest.mark.parametrize("problem", KNOWN.values(), ids=list(KNOWN))
    @pytest.mark.parametrize(
        ("order", "options"),
        [(1, {"method": method}) for method in (*METHODS, "cauchy")]
        + [(1, {"step": "auto"}), (2, {}), (2, {"step": "auto"}), (2, {"method": "richardson"})],
        ids=str,
    )
    def test_errors_cover_and_are_not_lavish(self, problem, order, options):
        options = dict(options)
        if options.get("method") == "cauchy":
            options["radius"] = 0.6 * problem.clear
        x = problem.points(200, rng=order)
        result = minimand.derivative(problem.f, x, order=order, **options)
        ratio = misses(result, truth(problem, order, x))
        assert (ratio <= 1.0).mean() >= 0.985
        assert (ratio <= 10.0).all()
        exact = options.get("method") == "cauchy" and problem.name == "x^3"
        exact |= order == 2 and problem.name == "x^3"
        if not exact:  # a cubic has no truncation there, its rounding is luck
            assert 1.0 / np.median(ratio) <= 400.0

    @wide
    @pytest.mark.parametrize("problem", KNOWN.values(), ids=list(KNOWN))
    @pytest.mark.parametrize("method", ["central", "richardson"])
    @pytest.mark.parametrize("order", [1, 2])
    def test_beside_a_bound(self, problem, method, order):
        ratios = []
        for x in problem.points(30, rng=3):
            for bounds, side in (((x, None), 1), ((None, x), -1)):
                result = minimand.derivative(
                    problem.f, x, order=order, method=method, bounds=bounds
                )
                assert result.sides == side
                ratios.append(misses(result, truth(problem, order, x)))
        assert (np.array(ratios) <= 1.0).mean() >= 0.95
        assert (np.array(ratios) <= 10.0).mean() >= 0.98

    @pytest.mark.parametrize("method", ["richardson", "cauchy"])
    @pytest.mark.parametrize("order", [3, 4, 5, 6])
    def test_higher_orders(self, method, order, backend):
        x = np.array([-1.0, 0.0, 0.7])
        result = minimand.derivative(np.exp, x, order=order, method=method, backend=backend)
        assert (misses(result, np.exp(x)) <= 1.0).all()
        assert (result.error <= 1e-3).all()

    def test_cauchy_reaches_order_ten(self):
        sixth, tenth = (minimand.derivative(np.exp, 0.0, order=k, method="cauchy") for k in (6, 10))
        assert sixth.value == pytest.approx(1.0, abs=1e-12)
        assert tenth.value == pytest.approx(1.0, abs=1e-8)
        assert abs(tenth.value - 1.0) <= tenth.error

    @pytest.mark.parametrize("frequency", [30.0, 50.0])
    def test_oscillations_that_large_steps_miss(self, frequency, backend):
        """Steps h, h/2, h/4 near multiples of the period see a slow function, all the same one."""
        x = np.linspace(-2.0, 2.0, 301)
        result = minimand.derivative(
            lambda t: np.sin(frequency * t), x, method="richardson", backend=backend
        )
        exact = frequency * np.cos(frequency * x)
        assert (misses(result, exact) <= 1.0).all()
        assert np.abs(result.value - exact).max() <= 0.01 * frequency

    def test_rigorous_truncation(self):
        result = minimand.derivative(np.sin, 0.3, derivative_bound=1.0)
        assert result.truncation == pytest.approx(result.step**2 / 6)
        forward = minimand.derivative(np.sin, 0.3, method="forward", derivative_bound=1.0)
        assert forward.truncation == pytest.approx(forward.step / 2)
        second = minimand.derivative(np.sin, 0.3, order=2, derivative_bound=1.0)
        assert second.truncation == pytest.approx(second.step**2 / 12)
        assert abs(second.value + math.sin(0.3)) <= second.error

    @pytest.mark.parametrize("x", [1e300, -1e300, 1e-300, 0.0])
    def test_huge_and_tiny_numbers(self, x):
        line = minimand.derivative(lambda t: 3.0 * t, x)
        assert line.value == pytest.approx(3.0)
        assert abs(line.value - 3.0) <= line.error
        steep = minimand.derivative(lambda t: 1e300 * np.tanh(t), 0.1, order=2)
        assert steep.value == pytest.approx(-2e300 * math.tanh(0.1) / math.cosh(0.1) ** 2, rel=1e-5)
        flat = minimand.derivative(lambda t: 1e-300 * np.sin(t), 0.1)
        assert flat.value == pytest.approx(1e-300 * math.cos(0.1))

    def test_constant(self):
        result = minimand.derivative(lambda x: 7.0 + 0.0 * x, 2.0)
        assert (result.value, result.truncation) == (0.0, 0.0)
        assert result.error == 2 * result.rounding > 0.0
        assert result.status.ok

    def test_any_shape(self, backend):
        x = np.linspace(0.1, 1.0, 12).reshape(3, 2, 2)
        result = minimand.derivative(np.exp, x, backend=backend)
        assert result.value.shape == result.error.shape == result.step.shape == x.shape
        assert (misses(result, np.exp(x)) <= 1.0).all()
        single = minimand.derivative(np.exp, 0.1)
        assert isinstance(single.value, float)
        assert single.value == result.value[0, 0, 0]

    def test_many_points_in_pieces_are_those_of_single_ones(self):
        x = np.linspace(-1.0, 1.0, 10_001)
        many = minimand.derivative(np.exp, x, step=np.linspace(1e-5, 2e-5, 10_001))
        for i in (0, 4095, 4096, 10_000):
            one = minimand.derivative(np.exp, float(x[i]), step=1e-5 + 1e-9 * i)
            assert many.value[i] == pytest.approx(one.value, abs=one.error)


class TestCalls:
    """How f is called."""

    def spy(self, f):
        calls = []

        def called(*args):
            calls.append(np.shape(args[0]))
            return f(*args)

        return called, calls

    def test_all_points_in_one_call(self):
        f, calls = self.spy(functions.rosenbrock(20).f)
        x = np.linspace(-1.0, 1.0, 20)
        result = minimand.gradient(f, x)
        assert calls == [(20,), (2, 20), (80, 20)]  # the value, the trial, the stencil
        assert result.evaluations == 1 + 2 + 80
        calls.clear()
        assert minimand.gradient(f, x, vectorized=True).evaluations == 81
        assert calls == [(20,), (80, 20)]

    def test_large_stencils_come_in_blocks_that_fit_the_cache(self):
        f, calls = self.spy(functions.rosenbrock(400).f)
        minimand.gradient(f, np.linspace(-1.0, 1.0, 400))
        assert calls[2:] == [(655, 400), (655, 400), (290, 400)]

    def test_one_by_one(self):
        def f(p):
            assert p.shape == (3,)
            return float(p[0] * p[1] + math.sin(p[2]))

        result = minimand.gradient(f, [1.0, 2.0, 3.0])
        assert not result.vectorized
        assert result.value == pytest.approx([2.0, 1.0, math.cos(3.0)], abs=1e-9)
        assert minimand.derivative(math.exp, 0.0).value == pytest.approx(1.0, abs=1e-9)

    def test_columns_are_not_taken_for_rows(self):
        """A function of columns returns (n,) for (2, n): the trial tells."""

        def columns(x):
            return np.sum(x[1:] - x[:-1] ** 2, axis=0)

        result = minimand.gradient(columns, [0.5, 1.0, 2.0])
        assert not result.vectorized
        assert result.value == pytest.approx([-1.0, -1.0, 1.0], abs=1e-8)
        turned = minimand.gradient(lambda P: columns(P.T), [0.5, 1.0, 2.0])
        assert turned.vectorized
        assert np.array_equal(turned.value, result.value)

    def test_matrix_products_are_taken_for_rows(self):
        """They round differently for one row and for many."""
        objective = problems.least_squares(300, 60)
        x = np.random.default_rng(1).standard_normal(60)
        result = minimand.gradient(objective, x)
        assert result.vectorized
        assert (misses(result, objective.grad(x)) <= 1.0).all()

    def test_further_arguments(self):
        result = minimand.gradient(lambda p, a, b: a * p[..., 0] + b, [1.0], args=(3.0, 4.0))
        assert result.value == pytest.approx([3.0])
        result.verify(lambda p, a, b: a * p[..., 0] + b, [1.0], args=(3.0, 4.0))

    def test_float32_has_its_own_precision(self):
        def f(p):
            return np.sum(np.sin(p), axis=-1).astype(np.float32)

        result = minimand.gradient(f, [0.3, 1.0])
        assert (misses(result, np.cos([0.3, 1.0])) <= 1.0).all()
        assert result.step[0] > 1e-3

    def test_calls_inside_f_see_numpy_as_it_was(self):
        with np.errstate(divide="raise"):
            minimand.derivative(np.log, 1.0)
            assert np.geterr()["divide"] == "raise"

    def test_no_warnings_where_f_is_undefined_beside_x(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            assert minimand.derivative(np.log, 0.3, method="richardson").status.ok


class TestSeveralVariables:
    def test_rosenbrock(self, backend):
        problem = functions.rosenbrock(2)
        g = minimand.gradient(problem, [-1.2, 1.0], backend=backend)
        assert (misses(g, np.array([-215.6, -88.0])) <= 1.0).all()
        H = minimand.hessian(problem, [-1.2, 1.0], backend=backend)
        exact = np.array([[1330.0, 480.0], [480.0, 200.0]])
        assert (misses(H, exact) <= 1.0).all()
        from_gradient = minimand.hessian(None, [-1.2, 1.0], grad=problem.grad, backend=backend)
        assert (misses(from_gradient, exact) <= 1.0).all()
        assert from_gradient.error.max() < 1e-2 * H.error.max()

    def test_expression_graph(self):
        assert problems.expression(np.array([-4.0, 2.0])) == pytest.approx(24.70408163265306)
        for method in ("central", "richardson"):
            result = minimand.gradient(problems.expression, [-4.0, 2.0], method=method)
            exact = np.array([138.83381924198252, 645.5772594752186])
            assert (misses(result, exact) <= 1.0).all()

    @pytest.mark.parametrize("n", [1, 3, 12])
    def test_least_squares(self, n, backend):
        objective = problems.least_squares(2 * n + 1, n)
        x = np.random.default_rng(n).standard_normal(n)
        g = minimand.gradient(objective, x, backend=backend)
        assert (misses(g, objective.grad(x)) <= 1.0).all()
        H = minimand.hessian(objective, x, backend=backend)
        assert (misses(H, objective.hessian) <= 1.0).all()
        auto = minimand.hessian(objective, x, step="auto", backend=backend)
        assert (misses(auto, objective.hessian) <= 1.0).all()
        assert np.abs(auto.value - objective.hessian).max() <= 1e-7 * np.abs(H.value).max()
        J = minimand.jacobian(lambda p: p @ objective.A.T, x, backend=backend)
        assert J.value.shape == (2 * n + 1, n)
        assert (misses(J, objective.A) <= 1.0).all()

    @wide
    @pytest.mark.parametrize("method", METHODS)
    def test_jacobian_of_all_methods(self, method):
        A = np.random.default_rng(0).standard_normal((4, 3))
        x = np.array([0.1, -0.4, 1.0])
        result = minimand.jacobian(lambda p: np.sin(p @ A.T), x, method=method)
        exact = np.cos(A.astype(WIDE) @ x.astype(WIDE))[:, None] * A
        assert (misses(result, exact) <= 1.0).all()

    @wide
    @pytest.mark.parametrize(
        "problem",
        [p for p in functions.catalogue().values() if p.dimension > 1],
        ids=lambda problem: problem.name,
    )
    def test_errors_cover(self, problem):
        """True errors are within 10 times the estimates in at least 95% of the entries."""
        low, high = problem.bounds.T
        points = np.random.default_rng(2).uniform(low, high, (25, problem.dimension))
        if problem.stationary_points is not None:
            points = np.concatenate([points, problem.stationary_points])
        ratios = []
        for x in points:
            exact = problem.grad(x.astype(WIDE)), problem.hess(x.astype(WIDE))
            found = minimand.gradient(problem, x), minimand.hessian(problem, x)
            assert all(result.status.ok for result in found)
            ratios += [misses(f, e).ravel() for f, e in zip(found, exact, strict=True)]
        ratio = np.concatenate(ratios)
        assert (ratio <= 1.0).mean() >= 0.97
        assert (ratio <= 10.0).mean() >= 0.995

    def test_hessian_beside_bounds(self):
        problem = functions.rosenbrock(4)
        x = np.array([-1.0, 0.5, 0.2, 1.0])
        seen = []

        def f(points):
            seen.append(np.atleast_2d(points).copy())
            return problem.f(points)

        bounds = [(-1.0, 2.0), (None, None), (None, 0.2), (0.5, 1.5)]
        result = minimand.hessian(f, x, bounds=bounds)
        assert list(result.sides) == [1, 0, -1, 0]
        assert (misses(result, problem.hess(x)) <= 1.0).all()
        points = np.concatenate(seen)
        assert points[:, 0].min() == -1.0
        assert points[:, 2].max() == 0.2
        result.verify(f, x)

    @given(
        x=st.lists(st.floats(-3, 3), min_size=1, max_size=4),
        widths=st.lists(st.floats(1e-12, 2), min_size=8, max_size=8),
        method=st.sampled_from(["central", "richardson", "complex"]),
    )
    def test_no_point_is_outside_the_bounds(self, x, widths, method):
        x = np.array(x)
        n = len(x)
        low, high = x - np.array(widths[:n]), x + np.array(widths[4 : 4 + n])
        low[0] = x[0] if widths[0] < 0.5 else low[0]

        def f(points):
            real = np.real(points)
            assert (real >= low).all()
            assert (real <= high).all()
            return np.sum(points**2, axis=-1)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", minimand.DerivativeWarning)
            result = minimand.gradient(f, x, bounds=np.column_stack([low, high]), method=method)
            minimand.hessian(f, x, bounds=np.column_stack([low, high]))
        assert (np.abs(result.value - 2 * x) <= result.error + 1e-300).all()


class TestTrouble:
    """What a status says, and a warning with it."""

    def warned(self, status, call):
        with pytest.warns(minimand.DerivativeWarning, match=status.value[:20]):
            result = call()
        assert result.status is status
        return result

    def test_kink(self, backend):
        result = self.warned(
            Status.NONSMOOTH, lambda: minimand.derivative(np.abs, 0.0, backend=backend)
        )
        assert result.value == 0.0
        assert result.error >= 1.0
        assert result.kinks.tolist() == [[0]]
        g = self.warned(
            Status.NONSMOOTH, lambda: minimand.gradient(problems.relu_sum, [1.0, 0.0, -1.0])
        )
        assert g.kinks.tolist() == [[1]]
        assert g.value == pytest.approx([1.0, 0.5, 0.0])

    @pytest.mark.parametrize("x", [0.0, 1e-3, 1.0])
    def test_smooth_functions_have_no_kinks(self, x):
        for problem in KNOWN.values():
            if problem.name != "log" or x:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", minimand.DerivativeWarning)
                    assert len(minimand.derivative(problem.f, x).kinks) == 0

    def test_undefined_on_one_side(self, backend):
        result = self.warned(
            Status.UNDEFINED_NEARBY,
            lambda: minimand.derivative(np.sqrt, 1e-6, backend=backend),
        )
        assert result.sides == 1
        assert (result.undefined < 0.0).all()
        assert math.isfinite(result.value)

    def test_undefined_on_both_sides(self):
        def island(x):
            return np.where(x == 2.0, 1.0, np.nan)

        result = self.warned(Status.UNDEFINED_NEARBY, lambda: minimand.derivative(island, 2.0))
        assert math.isnan(result.value)
        assert result.error == math.inf
        with pytest.raises(minimand.CertificateError):
            result.verify(island, 2.0)
        hessian = self.warned(
            Status.UNDEFINED_NEARBY,
            lambda: minimand.hessian(lambda p: np.sqrt(p[..., 0]) + p[..., 1], [1e-9, 1.0]),
        )
        assert hessian.sides[0] == 1

    def test_bounds_keep_away_from_where_f_is_undefined(self):
        seen = []

        def f(x):
            seen.append(np.min(x))
            return np.sqrt(x)

        self.warned(
            Status.NOISE_DOMINATES, lambda: minimand.derivative(f, 1e-6, bounds=(0.0, None))
        )
        assert min(seen) >= 0.0
        self.warned(
            Status.NOISE_DOMINATES, lambda: minimand.derivative(np.sqrt, 0.0, bounds=(0.0, None))
        )

    def test_log_at_a_tiny_number(self):
        self.warned(Status.UNDEFINED_NEARBY, lambda: minimand.derivative(np.log, 1e-300))

    @pytest.mark.parametrize(
        "f",
        [
            lambda x: np.abs(x) * x,
            lambda x: x.real**2 if isinstance(x, complex) else np.real(x) ** 2,
            lambda x: np.conj(x) * x,
            math.exp,
        ],
        ids=["abs", "real", "conj", "math"],
    )
    @pytest.mark.parametrize("method", ["complex", "cauchy"])
    def test_not_analytic(self, f, method):
        result = self.warned(
            Status.NOT_ANALYTIC, lambda: minimand.derivative(f, 1.5, method=method)
        )
        exact = math.exp(1.5) if f is math.exp else 3.0
        assert abs(result.value - exact) <= result.error

    def test_pole_inside_the_circle(self):
        self.warned(
            Status.NOT_ANALYTIC,
            lambda: minimand.derivative(lambda x: 1 / (x - 0.5), 0.0, method="cauchy"),
        )
        inside = minimand.derivative(lambda x: 1 / (x - 0.5), 0.0, method="cauchy", radius=0.2)
        assert inside.value == pytest.approx(-4.0, abs=inside.error)

    @pytest.mark.parametrize("x", [0.3, 1.0, 2.0, 2.7])
    @pytest.mark.parametrize("level", [1e-4, 1e-6, 1e-9])
    def test_noise(self, level, x, backend):
        f = problems.noisy(np.sin, level)
        result = minimand.derivative(f, x, noise="estimate", backend=backend)
        assert level / math.sqrt(3) / 4 <= result.noise <= 4 * level / math.sqrt(3)
        assert result.step > 10 * minimand.derivative(np.sin, x).step
        assert abs(result.value - math.cos(x)) <= result.error
        known = minimand.derivative(f, x, noise=level)
        assert abs(known.value - math.cos(x)) <= known.error

    def test_noise_that_nobody_mentioned(self):
        f = problems.noisy(np.cos, 1e-4)
        self.warned(Status.NOISE_DOMINATES, lambda: minimand.derivative(f, 0.3))

    def test_auto_step_finds_another_scale(self):
        x, k = 0.3, 1e6
        f = lambda t: np.sin(k * t)  # noqa: E731
        auto = minimand.derivative(f, x, step="auto")
        assert auto.step < 1e-9
        assert auto.value == pytest.approx(k * math.cos(k * x), abs=auto.error)
        assert auto.error < 1e-3 * k
        line = minimand.gradient(lambda p: p @ np.array([3.0, 4.0]), [1.0, 2.0], step="auto")
        assert line.value == pytest.approx([3.0, 4.0], abs=1e-12)
