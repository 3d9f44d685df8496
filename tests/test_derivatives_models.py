"""Kinds of stationary points, Taylor models, and checks of gradients."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minimand
from minimand import Status
from minimand.problems import derivatives as problems
from minimand.problems import functions

LISTED = {
    name: problem
    for name, problem in functions.catalogue().items()
    if problem.stationary_points is not None and name != "heavy-ball cycle"
}


def of_points(problem):
    """The function of points (..., n), also for n = 1."""
    return problem.f if problem.dimension > 1 else lambda p: problem.f(p[..., 0])


class TestKinds:
    @pytest.mark.parametrize("problem", LISTED.values(), ids=list(LISTED))
    def test_listed_points(self, problem, backend):
        f = of_points(problem)
        for x, kind in zip(problem.stationary_points, problem.kinds, strict=True):
            point = minimand.classify_stationary_point(f, x, backend=backend)
            assert point.kind == kind
            exact = np.linalg.eigvalsh(problem.hessians(x[np.newaxis])[0])
            assert (point.intervals[:, 0] <= exact).all()
            assert (exact <= point.intervals[:, 1]).all()

    @pytest.mark.parametrize("given", ["grad", "grad and hess"])
    def test_himmelblau_with_its_derivatives(self, given):
        problem = functions.himmelblau()
        options = {"grad": problem.grad}
        if "hess" in given:
            options["hess"] = problem.hess
        kinds = [
            minimand.classify_stationary_point(problem, x, **options).kind
            for x in problem.stationary_points
        ]
        assert sorted(kinds) == ["maximum"] + ["minimum"] * 4 + ["saddle"] * 4

    def test_undetermined_points_have_neighbours(self, backend):
        found = {
            name: minimand.classify_stationary_point(
                of_points(LISTED[name]), LISTED[name].stationary_points[0], backend=backend
            )
            for name in ("x^3", "x^4", "monkey saddle")
        }
        assert {point.kind for point in found.values()} == {"undetermined"}
        for name in ("x^3", "monkey saddle"):
            f, point = of_points(LISTED[name]), found[name]
            assert f(point.lower_point) < point.fun < f(point.higher_point)
            assert np.linalg.norm(point.lower_point) <= 0.1
        assert found["x^4"].lower_point is None
        assert found["x^4"].higher_point is not None

    def test_saddle_directions(self):
        f = lambda p: p[..., 0] * p[..., 1]  # noqa: E731
        point = minimand.classify_stationary_point(f, [0.0, 0.0])
        assert point.kind == "saddle"
        assert f(0.1 * point.directions[:, 0]) < 0 < f(0.1 * point.directions[:, -1])

    def test_not_stationary(self):
        problem = functions.himmelblau()
        point = minimand.classify_stationary_point(problem, [0.0, 0.0])
        assert point.kind == "not_stationary"
        assert point.eigenvalues.size == 0
        point.verify(problem, [0.0, 0.0])
        near = problem.stationary_points[0] + 1e-9
        assert minimand.classify_stationary_point(problem, near).kind == "minimum"

    @pytest.mark.parametrize("size", [1e-300, 1e-8, 1e8, 1e300])
    def test_units_do_not_matter(self, size):
        f = lambda p: size * (p[..., 0] ** 2 - p[..., 1] ** 2)  # noqa: E731
        point = minimand.classify_stationary_point(f, [0.0, 0.0])
        assert point.kind == "saddle"

    @given(
        eigenvalues=st.lists(
            st.sampled_from([-3.0, -1e-2, 0.0, 1e-2, 1.0, 50.0]), min_size=1, max_size=5
        ),
        seed=st.integers(0, 1000),
    )
    @settings(max_examples=40)
    def test_quadratics(self, eigenvalues, seed):
        """Never a claim that the eigenvalues refute; eigenvalues of 0 leave it open."""
        n = len(eigenvalues)
        rng = np.random.default_rng(seed)
        V = np.linalg.qr(rng.standard_normal((n, n)))[0]
        Q, c = V * eigenvalues @ V.T, rng.uniform(-1, 1, n)
        f = lambda p: 0.5 * np.sum((p - c) * ((p - c) @ Q), axis=-1)  # noqa: E731
        point = minimand.classify_stationary_point(f, c)
        low, high = min(eigenvalues), max(eigenvalues)
        exact = "minimum" if low > 0 else "maximum" if high < 0 else "undetermined"
        if low < 0 < high:
            exact = "saddle"
        assert point.kind == exact


class TestModels:
    @pytest.mark.parametrize("order", [1, 2, 3, 6, 10])
    def test_exponential(self, order, backend):
        d = np.linspace(-1.0, 1.0, 101)
        bound = np.e
        model = minimand.taylor_model(np.exp, 0.0, order, derivative_bound=bound, backend=backend)
        exact = 1.0 / np.array([factorial(k) for k in range(order + 1)])
        assert model.coefficients == pytest.approx(exact, abs=1e-7)
        assert (np.abs(model.coefficients - exact) <= model.coefficient_errors).all()
        remainder = np.abs(np.exp(d) - model(d))
        assert (remainder <= model.remainder_bound(d)).all()
        size = np.abs(d)
        power = size ** (order + 1) / factorial(order + 1)
        errors = model.remainder_bound(d) - bound * power
        assert (remainder <= np.exp(size) * power + errors).all()

    @pytest.mark.parametrize("problem", LISTED.values(), ids=list(LISTED))
    @pytest.mark.parametrize("order", [1, 2])
    def test_remainders_are_within_their_bounds(self, problem, order):
        """With the constants of the problems, at random points of their boxes."""
        constant = problem.gradient_lipschitz if order == 1 else problem.hessian_lipschitz
        low, high = problem.bounds.T
        rng = np.random.default_rng(order)
        name = "lipschitz_gradient" if order == 1 else "lipschitz_hessian"
        for _ in range(5):
            a, x = rng.uniform(low, high, (2, problem.dimension))
            model = minimand.taylor_model(of_points(problem), a, order, **{name: constant})
            points = a + np.linspace(0.0, 1.0, 20)[:, np.newaxis] * (x - a)
            remainder = np.abs(problem.values(points) - model(points))
            rounding = 1e-15 * np.abs(problem.values(points))
            assert (remainder <= model.remainder_bound(points - a) + rounding).all()

    def test_given_derivatives_are_used(self):
        problem = functions.himmelblau()
        a = np.array([1.0, 2.0])
        model = minimand.taylor_model(problem, a, 2, grad=problem.grad, hess=problem.hess)
        assert np.array_equal(model.gradient, problem.grad(a))
        assert np.array_equal(model.hessian, problem.hess(a))
        model.verify(problem, a)
        line = minimand.taylor_model(np.sin, 0.5, 2, grad=np.cos, hess=lambda x: -np.sin(x))
        assert line.coefficients == pytest.approx(
            [np.sin(0.5), np.cos(0.5), -0.5 * np.sin(0.5)], rel=1e-15
        )

    def test_a_constant_that_is_too_small_is_refuted(self):
        problem = functions.wavy_parabola()
        good = minimand.taylor_model(problem.f, 0.3, 1, lipschitz_gradient=8.0, radius=0.5)
        assert good.status.ok
        assert 4.0 < good.observed <= 8.0
        small = minimand.taylor_model(problem.f, 0.3, 1, lipschitz_gradient=3.0, radius=0.5)
        assert small.status is Status.CONSTANT_REFUTED
        none = minimand.taylor_model(problem.f, 0.3, 1, radius=0.5)
        assert none.status.ok
        assert none.observed == good.observed
        assert none.remainder_bound(0.1) is None

    def test_minimizers(self):
        problem = functions.quadratic(4)
        newton = minimand.taylor_model(problem, np.zeros(4), 2).minimizer()
        assert newton.status.ok
        assert newton.point == pytest.approx(problem.minimizers[0], abs=1e-5)
        assert newton.value == pytest.approx(0.0, abs=1e-6)
        for f, order in ((functions.saddle(), 2), (problem, 1)):
            open_end = minimand.taylor_model(f, 0.5 + np.zeros(f.dimension), order).minimizer()
            assert open_end.status is Status.UNBOUNDED
            assert open_end.point is None
            far = 0.5 + 1e3 * open_end.direction
            assert minimand.taylor_model(f, 0.5 + np.zeros(f.dimension), order)(far) < -100.0
        flat = minimand.taylor_model(lambda p: p[..., 0] ** 2 + 0 * p[..., 1], [0.0, 0.0], 2)
        assert flat.minimizer().direction == pytest.approx([0.0, 1.0], abs=1e-6)
        line = minimand.taylor_model(lambda x: (x - 2.0) ** 2, 0.0, 2).minimizer()
        assert line.point == pytest.approx(2.0)
        assert isinstance(line.point, float)

    def test_evaluation_in_many_shapes(self):
        model = minimand.taylor_model(functions.himmelblau(), [1.0, 2.0], 2)
        grid = np.random.default_rng(0).uniform(-1, 1, (3, 4, 2))
        assert model(grid).shape == (3, 4)
        assert model(grid)[1, 2] == pytest.approx(model(grid[1, 2]))
        assert minimand.taylor_model(np.exp, 0.0, 2)([[0.0, 1.0]]).shape == (1, 2)


class TestChecks:
    problem = functions.rosenbrock(20)
    x = np.random.default_rng(4).uniform(-1, 1, 20)

    def test_a_right_gradient(self, backend):
        check = minimand.check_gradient(self.problem, self.problem.grad, self.x, backend=backend)
        assert check
        assert check.relative_error < 1e-8
        assert "WRONG" not in check.table

    @pytest.mark.parametrize("entry", [0, 7, 19])
    @pytest.mark.parametrize("error", [1e-4, -1e-2, 1.0])
    def test_one_wrong_entry_is_named(self, entry, error):
        def wrong(p):
            g = self.problem.grad(p)
            g[entry] *= 1 + error
            return g

        check = minimand.check_gradient(self.problem, wrong, self.x)
        assert not check.ok
        assert check.worst == entry
        assert np.flatnonzero(~check.passed).tolist() == [entry]
        assert check.table.splitlines()[1].split()[0] == str(entry)
        assert check.table.count("WRONG") == 1

    @pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e6])
    def test_small_gradients_are_not_excused(self, scale):
        f = lambda p: scale * self.problem(p)  # noqa: E731
        good = minimand.check_gradient(f, lambda p: scale * self.problem.grad(p), self.x)
        bad = minimand.check_gradient(f, lambda p: 1.0001 * scale * self.problem.grad(p), self.x)
        assert good.ok
        assert not bad.ok

    def test_stationary_points_raise_no_alarm(self):
        for problem in functions.catalogue().values():
            if problem.dimension > 1:
                check = minimand.check_gradient(problem, problem.grad, problem.minimizers[0])
                assert check.ok, problem.name

    def test_kinks(self):
        x = [0.0, 1.0, -1.0]
        for slope in (0.0, 0.3, 1.0):
            grad = lambda p, s=slope: np.where(p == 0, s, p > 0)  # noqa: E731
            check = minimand.check_gradient(problems.relu_sum, grad, x)
            assert check.ok
            assert check.kinks.tolist() == [0]
            assert "kink" in check.table
        for slope in (-0.1, 1.1):
            grad = lambda p, s=slope: np.where(p == 0, s, p > 0)  # noqa: E731
            assert not minimand.check_gradient(problems.relu_sum, grad, x).ok

    def test_directions(self):
        objective = problems.least_squares(30, 1200)
        x = np.random.default_rng(0).standard_normal(1200)

        def wrong(p):
            g = objective.grad(p)
            g[700] += 1e-3 * np.linalg.norm(g)
            return g

        check = minimand.check_gradient(objective, objective.grad, x)
        assert check.ok
        assert check.directions.shape == (50, 1200)
        assert not minimand.check_gradient(objective, wrong, x).ok
        chosen = minimand.check_gradient(objective, wrong, x, directions=np.eye(1200)[699:702])
        assert chosen.passed.tolist() == [True, False, True]
        few = minimand.check_gradient(objective, objective.grad, x, directions=3, rng=1)
        assert few.given.shape == (3,)
        few.verify(objective, objective.grad, x)
