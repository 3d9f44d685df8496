"""Least absolute deviations: known answers, certificates, weights, ties, bad input."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from minimand import CertificateError, ConvergenceWarning, RankWarning, Status
from minimand.linear_models import least_absolute_deviations
from minimand.problems.linear_models import quantile as problems

KNOWN = [problems.stackloss(tau) for tau in (0.25, 0.5, 0.75)]
KNOWN += [problems.engel(), problems.longley()]


def data(m, n, seed=0):
    rng = np.random.default_rng([m, n, seed])
    X = rng.normal(size=(m, n))
    return X, X @ np.arange(1.0, n + 1.0) + rng.standard_t(3, m)


def theta(fit):
    return np.append(fit.coef, fit.intercept)


def by_highs(X, y, quantile, weights=None, intercept=True):
    """The least objective, by another method and in another formulation."""
    m = len(y)
    w = np.ones(m) if weights is None else weights
    A = np.column_stack([X, np.ones(m)]) if intercept else X
    p = A.shape[1]
    found = linprog(
        np.concatenate([np.zeros(p), quantile * w, (1 - quantile) * w]),
        A_eq=np.hstack([A, np.eye(m), -np.eye(m)]),
        b_eq=y,
        bounds=[(None, None)] * p + [(0, None)] * (2 * m),
    )
    return found.fun


class TestKnownAnswers:
    @pytest.mark.parametrize("problem", KNOWN, ids=lambda problem: problem.name)
    def test_the_exact_optimum(self, problem, backend):
        fit = least_absolute_deviations(
            problem.X, problem.y, quantile=problem.quantile, backend=backend
        )
        assert fit.status is Status.CONVERGED
        # The equations of the vertex are refined with exact residuals: correct to rounding.
        assert fit.coef == pytest.approx(problem.coef, rel=1e-14, abs=1e-14)
        assert fit.intercept == pytest.approx(problem.intercept, rel=1e-14)
        # Longley's residuals lose five digits to cancellation.
        assert fit.objective == pytest.approx(problem.objective, rel=1e-11)
        assert fit.unique
        assert fit.gap <= 1e-11
        fit.verify(problem.X, problem.y)

    def test_likelihood(self, backend):
        problem = problems.stackloss()
        fit = least_absolute_deviations(problem.X, problem.y, backend=backend)
        assert fit.log_likelihood == pytest.approx(-50.1527221366, rel=1e-11)
        assert fit.noise_scale == pytest.approx(42.0811594203 / 21, rel=1e-11)

    @pytest.mark.parametrize(("m", "n"), [(7, 3), (40, 6), (500, 20)])
    def test_planted(self, m, n, backend):
        problem = problems.planted(m, n)
        fit = least_absolute_deviations(problem.X, problem.y, intercept=False, backend=backend)
        assert fit.coef == pytest.approx(problem.coef, rel=1e-13, abs=1e-13)
        assert fit.objective == pytest.approx(problem.objective, rel=1e-12)
        assert fit.unique
        fit.verify(problem.X, problem.y)

    @pytest.mark.parametrize("quantile", [0.1, 0.5, 0.8])
    @pytest.mark.parametrize("intercept", [True, False])
    def test_against_another_solver(self, quantile, intercept, backend):
        X, y = data(60, 4)
        weights = np.arange(60) % 4.0
        fit = least_absolute_deviations(
            X, y, quantile=quantile, intercept=intercept, weights=weights, backend=backend
        )
        optimum = by_highs(X, y, quantile, weights, intercept)
        assert fit.objective == pytest.approx(optimum, rel=1e-7)  # the other's tolerance
        assert fit.objective <= optimum * (1 + 1e-12)
        fit.verify(X, y, weights)

    def test_ties_of_integers(self, backend):
        rng = np.random.default_rng(5)
        for _ in range(20):
            X, y = rng.integers(-2, 3, (30, 3)), rng.integers(-3, 4, 30)
            fit = least_absolute_deviations(X, y, backend=backend)
            assert fit.status is Status.CONVERGED
            assert fit.objective == pytest.approx(by_highs(X, y, 0.5), rel=1e-9)
            assert fit.unique is not None
            fit.verify(X, y)


class TestNoVertex:
    def test_interior_point_has_the_gap(self, backend):
        X, y = data(200, 5)
        fit = least_absolute_deviations(X, y, vertex=False, tol=1e-7, backend=backend)
        assert fit.basis is None
        assert fit.unique is None
        assert 0.0 < fit.gap <= 1e-7
        fit.verify(X, y)

    def test_limit(self, backend):
        X, y = data(200, 5)
        with pytest.warns(ConvergenceWarning, match="raise max_iterations"):
            fit = least_absolute_deviations(X, y, vertex=False, max_iterations=2, backend=backend)
        assert fit.status is Status.MAX_ITERATIONS
        assert fit.iterations == 2
        assert fit.gap > fit.tol
        with pytest.raises(CertificateError, match="duality gap"):
            fit.verify(X, y)

    def test_pivots_alone_find_the_optimum(self, backend):
        X, y = data(60, 3)
        fit = least_absolute_deviations(X, y, max_iterations=3, backend=backend)
        assert fit.status is Status.CONVERGED
        assert theta(fit) == pytest.approx(theta(least_absolute_deviations(X, y)), rel=1e-12)
        fit.verify(X, y)


class TestInvariance:
    def test_power_of_two_units_change_no_bit(self, backend):
        X, y = data(100, 4)
        fit = least_absolute_deviations(X, y, backend=backend)
        unit = np.array([2.0**40, 2.0**-40, 2.0, 1.0])
        scaled = least_absolute_deviations(X * unit, 2.0**-30 * y, backend=backend)
        assert (scaled.coef * unit == 2.0**-30 * fit.coef).all()
        assert scaled.intercept == 2.0**-30 * fit.intercept
        assert (scaled.dual == fit.dual).all()
        assert scaled.iterations == fit.iterations

    @pytest.mark.parametrize("problem", KNOWN, ids=lambda problem: problem.name)
    def test_units(self, problem, backend):
        X, y = problem.X.copy(), 1e-8 * problem.y
        X[:, 0] *= 1e12
        fit = least_absolute_deviations(X, y, quantile=problem.quantile, backend=backend)
        wanted = 1e-8 * problem.coef
        wanted[0] /= 1e12
        # The data are rounded again; Longley's condition is 4e4, and more on the rows of a vertex.
        assert fit.coef == pytest.approx(wanted, rel=1e-9, abs=1e-22)
        fit.verify(X, y)

    def test_far_from_the_origin_and_tiny_weights(self, backend):
        X, y = data(100, 4)
        fit = least_absolute_deviations(X, y, backend=backend)
        weights = np.full(100, 1e-300)
        moved = least_absolute_deviations(X, y + 2.0**30, weights=weights, backend=backend)
        # y has lost 2^30 to rounding.
        assert moved.coef == pytest.approx(fit.coef, rel=1e-5)
        assert moved.objective == pytest.approx(1e-300 * fit.objective, rel=1e-5, abs=0.0)
        assert moved.iterations < 20
        moved.verify(X, y + 2.0**30, weights)

    def test_order_of_rows(self, backend):
        X, y = data(100, 4)
        fit = least_absolute_deviations(X, y, backend=backend)
        order = np.random.default_rng(0).permutation(100)
        moved = least_absolute_deviations(X[order], y[order], backend=backend)
        assert theta(moved) == pytest.approx(theta(fit), rel=1e-12)
        assert set(order[moved.basis]) == set(fit.basis)

    # Large enough for several threads, without and with globbing
    @pytest.mark.parametrize(("m", "n"), [(30_000, 30), (60_000, 60)])
    def test_any_number_of_threads(self, m, n):
        X, y = data(m, n)
        fits = [least_absolute_deviations(X, y, threads=threads) for threads in (1, 2, 3, None)]
        for fit in fits[1:]:
            assert (theta(fit) == theta(fits[0])).all()
            assert (fit.dual == fits[0].dual).all()

    def test_weights_repeat_rows(self, backend):
        X, y = data(50, 3)
        weights = np.arange(50) % 3
        fit = least_absolute_deviations(X, y, weights=weights, backend=backend)
        repeated = least_absolute_deviations(
            np.repeat(X, weights, axis=0), np.repeat(y, weights), backend=backend
        )
        assert theta(fit) == pytest.approx(theta(repeated), rel=1e-12)
        assert fit.objective == pytest.approx(repeated.objective, rel=1e-12)
        assert fit.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-12)
        assert (fit.dual[weights == 0] == 0.0).all()
        fit.verify(X, y, weights)

    def test_backends_agree(self):
        X, y = data(300, 6)
        compiled, plain = (least_absolute_deviations(X, y, backend=b) for b in ("cpp", "numpy"))
        assert theta(compiled) == pytest.approx(theta(plain), rel=1e-12)
        assert (compiled.basis == plain.basis).all()


class TestUniqueness:
    def test_interval_of_medians(self, backend):
        X, y = np.ones((4, 1)), [1.0, 2.0, 5.0, 9.0]
        with pytest.warns(RankWarning):
            fit = least_absolute_deviations(X, y, backend=backend)
        assert fit.unique is False
        assert sorted([fit.intercept, fit.other_intercept]) == [2.0, 5.0]
        assert fit.objective == 5.5
        fit.verify(X, y)

    @pytest.mark.parametrize("quantile", [0.1, 0.35, 0.5, 0.9])
    def test_one_coefficient_is_a_weighted_quantile(self, quantile, backend):
        rng = np.random.default_rng(3)
        X, y = rng.normal(size=(51, 1)), rng.normal(size=51)
        X[7] = 0.0
        weights = rng.uniform(0.5, 2.0, 51)
        fit = least_absolute_deviations(
            X, y, quantile=quantile, intercept=False, weights=weights, backend=backend
        )
        assert fit.unique
        assert fit.objective == pytest.approx(by_highs(X, y, quantile, weights, False), rel=1e-9)
        fit.verify(X, y, weights)

    def test_edge_of_optima(self, backend):
        # Two lines through either of the upper and lower pairs, and all in between
        X, y = [[0.0], [0.0], [1.0], [1.0]], [0.0, 1.0, 0.0, 1.0]
        fit = least_absolute_deviations(X, y, backend=backend)
        assert fit.unique is False
        assert fit.objective == 1.0
        assert abs(fit.coef[0] - fit.other_coef[0]) + abs(fit.intercept - fit.other_intercept) > 0.5
        fit.verify(X, y)


class TestExactFit:
    def test_line(self, backend):
        X = np.arange(8.0).reshape(-1, 1)
        fit = least_absolute_deviations(X, 3.0 * X[:, 0] - 1.0, backend=backend)
        assert fit.status is Status.EXACT_FIT
        assert fit.log_likelihood == np.inf
        assert fit.noise_scale == 0.0
        assert theta(fit) == pytest.approx([3.0, -1.0], rel=1e-13)
        fit.verify(X, 3.0 * X[:, 0] - 1.0)

    def test_fewer_rows_than_columns(self, backend):
        X, y = data(3, 5)
        with pytest.warns(RankWarning, match="columns of X are independent"):
            fit = least_absolute_deviations(X, y, backend=backend)
        assert fit.status is Status.EXACT_FIT
        fit.verify(X, y)

    def test_constant_target(self, backend):
        X, _ = data(20, 2)
        fit = least_absolute_deviations(X, np.full(20, 7.0), backend=backend)
        assert fit.status is Status.EXACT_FIT
        assert fit.intercept == pytest.approx(7.0, rel=1e-14)

    def test_nothing_to_fit(self, backend):
        X, y = np.zeros((4, 2)), [1.0, -2.0, 3.0, 0.0]
        with pytest.warns(RankWarning):
            fit = least_absolute_deviations(X, y, intercept=False, backend=backend)
        assert fit.aliased == (0, 1)
        assert fit.objective == 3.0
        fit.verify(X, y)


class TestManyTies:
    def test_most_residuals_vanish(self, backend):
        X, y = data(3000, 4)
        y[np.random.default_rng(0).random(3000) < 0.7] = 0.0
        fit = least_absolute_deviations(X, y, backend=backend)
        assert fit.unique
        assert theta(fit) == pytest.approx(0.0, abs=1e-15)
        fit.verify(X, y)

    def test_repeated_rows(self, backend):
        X, y = data(20, 3)
        fit = least_absolute_deviations(X, y, backend=backend)
        again = least_absolute_deviations(np.tile(X, (30, 1)), np.tile(y, 30), backend=backend)
        assert theta(again) == pytest.approx(theta(fit), rel=1e-12)
        assert again.objective == pytest.approx(30 * fit.objective, rel=1e-12)
        again.verify(np.tile(X, (30, 1)), np.tile(y, 30))


class TestDependentColumns:
    def test_copy_of_a_column(self, backend):
        X, y = data(40, 3)
        fit = least_absolute_deviations(X, y, backend=backend)
        with pytest.warns(RankWarning, match="column 3 depends on others"):
            both = least_absolute_deviations(np.column_stack([X, X[:, 1]]), y, backend=backend)
        assert both.aliased == (3,)
        assert both.coef[3] == 0.0
        assert both.coef[:3] == pytest.approx(fit.coef, rel=1e-12)
        both.verify(np.column_stack([X, X[:, 1]]), y)


class TestGlobbing:
    @pytest.mark.parametrize("quantile", [0.5, 0.05])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_same_answer_as_without(self, quantile, weighted, monkeypatch, backend):
        X, y = data(20_000, 3)
        X[:, 0] = np.exp(X[:, 0])  # rows of large leverage
        weights = np.arange(20_000) % 3 + 1.0 if weighted else None
        arguments = {"quantile": quantile, "weights": weights, "backend": backend}
        whole = least_absolute_deviations(X, y, **arguments)
        monkeypatch.setattr("minimand.linear_models.quantile.LONG", 5000)
        used = []
        import minimand.linear_models.globbing as globbing

        original = globbing._from_band
        monkeypatch.setattr(
            globbing, "_from_band", lambda *a: used.append(original(*a)) or used[-1]
        )
        short = least_absolute_deviations(X, y, **arguments)
        assert used[-1] is not None
        assert theta(short) == pytest.approx(theta(whole), rel=1e-12)
        assert (short.basis == whole.basis).all()
        short.verify(X, y, weights)
        interior = least_absolute_deviations(X, y, vertex=False, **arguments)
        assert interior.status is Status.CONVERGED
        interior.verify(X, y, weights)

    def test_seed_does_not_matter(self, monkeypatch):
        monkeypatch.setattr("minimand.linear_models.quantile.LONG", 5000)
        X, y = data(20_000, 3)
        fits = [least_absolute_deviations(X, y, rng=rng) for rng in (0, 1, 2)]
        assert all((theta(fit) == theta(fits[0])).all() for fit in fits)


class TestVerify:
    @pytest.fixture
    def case(self, backend):
        X, y = data(50, 3)
        weights = np.arange(50) % 3
        return least_absolute_deviations(X, y, weights=weights, backend=backend), X, y, weights

    def test_true_data(self, case):
        fit, *given = case
        for now, recorded in zip(fit.verify(*given), fit.certificates, strict=True):
            assert now.name == recorded.name
            assert now.holds

    @pytest.mark.parametrize("name", ["coef", "intercept", "objective", "log_likelihood"])
    @pytest.mark.parametrize("factor", [1 + 1e-8, -1.0, np.nan])
    def test_changed_number(self, case, name, factor):
        fit, *given = case
        with pytest.raises(CertificateError):
            replace(fit, **{name: factor * getattr(fit, name)}).verify(*given)

    def test_changed_dual(self, case):
        fit, *given = case
        for row in np.flatnonzero(fit.dual):
            dual = fit.dual.copy()
            dual[row] *= 1 - 1e-6
            with pytest.raises(CertificateError):
                replace(fit, dual=dual).verify(*given)

    def test_dual_outside_its_box(self, case):
        fit, X, y, weights = case
        with pytest.raises(CertificateError):
            replace(fit, dual=2 * fit.dual).verify(X, y, weights)

    def test_other_claims(self, case):
        fit, *given = case
        wrong = np.setdiff1d(np.flatnonzero(given[-1]), fit.basis)[:4]
        for change, match in [
            ({"noise_scale": 1.1 * fit.noise_scale}, "noise_scale"),
            ({"basis": wrong}, "basis does not vanish"),
            ({"basis": np.array([0])}, "have no weight"),
            ({"gap": 0.1}, "gap is"),
            ({"other_coef": 2 * fit.coef, "other_intercept": 0.0}, "other coefficients"),
            ({"status": Status.EXACT_FIT}, "exact"),
        ]:
            with pytest.raises(CertificateError, match=match):
                replace(fit, **change).verify(*given)

    def test_unique_needs_proof(self, backend):
        X, y = [[0.0], [0.0], [1.0], [1.0]], [0.0, 1.0, 0.0, 1.0]
        fit = least_absolute_deviations(X, y, backend=backend)
        with pytest.raises(CertificateError, match="unique is stated"):
            replace(fit, unique=True).verify(X, y)

    def test_other_data(self, case):
        fit, X, y, weights = case
        with pytest.raises(CertificateError):
            fit.verify(X, y + 1e-6 * np.arange(50), weights)
        with pytest.raises(ValueError, match="49 rows but the result is for 50"):
            fit.verify(X[:49], y[:49])
        with pytest.raises(ValueError, match="columns"):
            fit.verify(X[:, :2], y)


class TestBadInput:
    @pytest.mark.parametrize("quantile", [0.0, 1.0, -0.5, 2.0, np.nan])
    def test_quantile(self, quantile):
        X, y = data(9, 2)
        with pytest.raises(ValueError, match="quantile is"):
            least_absolute_deviations(X, y, quantile=quantile)

    def test_weights_all_zero(self):
        X, y = data(9, 2)
        with pytest.raises(ValueError, match="weights are all zero"):
            least_absolute_deviations(X, y, weights=np.zeros(9))

    @pytest.mark.parametrize(("name", "value"), [("tol", 0.0), ("max_iterations", 0)])
    def test_numbers(self, name, value):
        X, y = data(9, 2)
        with pytest.raises(ValueError, match=name):
            least_absolute_deviations(X, y, **{name: value})

    def test_nan(self):
        X, y = data(9, 2)
        y[4] = np.nan
        with pytest.raises(ValueError, match="y has NaN at"):
            least_absolute_deviations(X, y)


@pytest.mark.filterwarnings("ignore::minimand.ConvergenceWarning")
@pytest.mark.parametrize("distance", [1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("shape", [(30, 2), (500, 3)])
def test_quantiles_next_to_the_ends(shape, side, distance, backend):
    """The objective is as small as its rounding: what is certified must stand up to `verify`."""
    X, y = data(*shape)
    fit = least_absolute_deviations(
        X, y, quantile=distance if side == 0 else 1.0 - distance, backend=backend
    )
    if fit.status is Status.CONVERGED:
        fit.verify(X, y)
    else:
        assert fit.status is Status.NOT_CERTIFIED
        assert fit.gap > fit.tol
