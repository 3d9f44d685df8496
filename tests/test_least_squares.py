"""lstsq on problems of full rank: the certificate first, then the known answer."""

from fractions import Fraction

import numpy as np
import pytest
from least_squares_checks import (
    EPS,
    RATIO,
    UNIT,
    certified,
    coefficients,
    error_ratio,
    quiet,
)

from minimand import ConvergenceWarning, Status, lstsq
from minimand.least_squares import ladder
from minimand.problems import least_squares as problems

METHODS = ["auto", "cholesky", "qr", "svd"]


def fractions(values):
    return [Fraction(float(v)) for v in values]


class TestKnownAnswers:
    @pytest.mark.parametrize("refine", ["working", "extended"])
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("shape", [(1, 1), (2, 1), (7, 7), (30, 5), (200, 20)])
    def test_random(self, shape, method, refine, backend):
        p = problems.random_full_rank(*shape, condition=100.0, rng=1)
        result = certified(p.X, p.y, method=method, refine=refine, backend=backend)
        assert result.rank == p.rank
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO
        assert result.method == ("cholesky" if method == "auto" else method)

    @pytest.mark.parametrize("condition", [1e2, 1e4, 1e6, 1e8, 1e10, 1e12])
    @pytest.mark.parametrize("residual", [0.0, 1e-6, 1.0])
    def test_any_condition(self, residual, condition, backend):
        p = problems.random_full_rank(60, 8, condition=condition, residual=residual, rng=2)
        result = quiet(p.X, p.y, backend=backend)
        assert result.rank == p.rank
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO

    @pytest.mark.parametrize("condition", [1e6, 1e9, 1e12])
    @pytest.mark.parametrize("residual", [0.0, 1e-6, 1.0])
    def test_cholesky_qr(self, residual, condition, backend, monkeypatch):
        # Small problems leave out this rung, for speed alone.
        monkeypatch.setattr(ladder, "_SMALL_WORK", 0.0)
        p = problems.random_full_rank(80, 8, condition=condition, residual=residual, rng=2)
        result = quiet(p.X, p.y, backend=backend)
        assert result.method == "cholesky_qr"
        assert result.rank == p.rank
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO

    @pytest.mark.parametrize("condition", [1e4, 1e12])
    def test_large(self, condition):
        p = problems.random_full_rank(1300, 200, condition=condition, rng=2)
        result = quiet(p.X, p.y)
        assert result.method == ("cholesky_qr" if condition > 1e4 else "cholesky")
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO

    def test_extended_precision_attains_every_digit(self, backend):
        p = problems.random_full_rank(60, 8, condition=1e6, rng=3)
        result = certified(p.X, p.y, refine="extended", backend=backend)
        assert np.abs(result.coef / p.coef - 1.0).max() <= 2 * EPS

    @pytest.mark.parametrize("residual", [False, True])
    @pytest.mark.parametrize("exponent", [10, 20, 30, 40])
    def test_lauchli(self, exponent, residual, backend):
        p = problems.lauchli(5, exponent=exponent, residual=residual)
        result = quiet(p.X, p.y, backend=backend)
        assert result.rank == p.rank
        assert result.condition == pytest.approx(p.condition, rel=1e-3)
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO

    @pytest.mark.parametrize(("n", "rows"), [(3, 3), (6, 6), (8, 12), (10, 10)])
    def test_hilbert(self, n, rows, backend):
        p = problems.hilbert(n, rows=rows)
        result = quiet(p.X, p.y, backend=backend)
        assert result.rank == n
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO

    @pytest.mark.parametrize("n", [5, 15, 25])
    def test_kahan(self, n, backend):
        p = problems.kahan(n)
        result = quiet(p.X, p.y, backend=backend)
        assert result.rank == n
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO

    @pytest.mark.parametrize(("m", "degree"), [(9, 4), (21, 6), (31, 8)])
    @pytest.mark.parametrize("intercept", [False, True])
    def test_vandermonde(self, m, degree, intercept, backend):
        p = problems.vandermonde(m, degree)
        X = p.X[:, 1:] if intercept else p.X
        result = quiet(X, p.y, intercept=intercept, backend=backend)
        assert result.rank == X.shape[1]
        assert error_ratio(result.coef, np.ones(X.shape[1]), X, p.y, intercept=intercept) < RATIO
        assert error_ratio(coefficients(result), p.coef, p.X, p.y) < RATIO

    @pytest.mark.parametrize("decades", [0.0, 24.0, 200.0, 500.0])
    def test_units_of_columns(self, decades, backend):
        p = problems.badly_scaled_columns(12, 4, decades=decades, rng=4)
        result = certified(p.X, p.y, backend=backend)
        assert result.condition == pytest.approx(p.condition, rel=1e-6)
        unit = np.exp2(np.frexp(np.abs(p.X).max(axis=0))[1])
        assert error_ratio(result.coef * unit, p.coef * unit, p.X / unit, p.y) < RATIO


class TestOffsets:
    """Columns whose mean is many standard deviations: the intercept takes it out."""

    @pytest.mark.parametrize("refine", ["working", "extended"])
    @pytest.mark.parametrize("offset", [1e2, 1e6, 1e8])
    def test_intercept(self, offset, refine, backend):
        p = problems.offset_columns(40, 3, offset=offset, rng=5)
        X = p.X[:, 1:]
        result = certified(X, p.y, intercept=True, refine=refine, backend=backend)
        assert result.rank == 3
        assert result.condition < 10
        # Integers: centring loses nothing, so the slopes do not feel the offset.
        centred = X - np.round(X.mean(axis=0))
        assert error_ratio(result.coef, p.coef[1:], centred, p.y, intercept=True) < RATIO
        size = np.abs(p.coef[0]) + np.abs(X.mean(axis=0)) @ np.abs(p.coef[1:])
        assert abs(result.intercept - p.coef[0]) < RATIO * EPS * size

    @pytest.mark.parametrize("offset", [1e2, 1e4, 1e6])
    def test_ones_column(self, offset, backend):
        p = problems.offset_columns(40, 3, offset=offset, rng=5)
        result = quiet(p.X, p.y, backend=backend)
        assert result.rank == 4
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO

    def test_first_rows_far_from_the_others(self, backend):
        # The origin is first put at the mean of the first 2048 rows.
        rng = np.random.default_rng(6)
        X = rng.integers(-8, 9, (4000, 2)) + np.where(np.arange(4000) < 2048, 2.0**30, 0.0)[:, None]
        y = X @ [1.0, -1.0] + 3.0
        result = quiet(X, y, intercept=True, backend=backend)
        assert result.rank == 2
        assert error_ratio(result.coef, [1.0, -1.0], X, y, intercept=True) < RATIO


class TestSeveralRightHandSides:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("intercept", [False, True])
    def test_are_fitted_one_by_one(self, method, intercept, backend):
        rng = np.random.default_rng(7)
        X, Y = rng.normal(size=(50, 4)), rng.normal(size=(50, 3)) * [1.0, 1e6, 1e-6]
        options = {"method": method, "intercept": intercept, "backend": backend}
        together = certified(X, Y, **options)
        assert together.coef.shape == together.standard_error.shape == (4, 3)
        assert together.residual_norm.shape == (3,)
        for j in range(3):
            alone = certified(X, Y[:, j], **options)
            args = (X, Y[:, j])
            assert error_ratio(together.coef[:, j], alone.coef, *args, intercept=intercept) < RATIO
            assert together.residual_norm[j] == pytest.approx(alone.residual_norm, rel=1e-13)
            assert together.standard_error[:, j] == pytest.approx(alone.standard_error, rel=1e-12)
        assert np.shape(together.intercept) == ((3,) if intercept else ())

    def test_one_column_keeps_its_axis(self, backend):
        result = certified([[1.0], [2.0]], [[1.0], [3.0]], backend=backend)
        assert result.coef.shape == (1, 1)
        assert result.residual_norm.shape == (1,)


class TestExtremeNumbers:
    @pytest.mark.parametrize("intercept", [False, True])
    @pytest.mark.parametrize("y_size", [1e-300, 1e-200, 1.0, 1e200, 1e300])
    @pytest.mark.parametrize("size", [1e-200, 1.0, 1e200, 1e300])
    def test_squares_that_overflow_or_underflow(self, size, y_size, intercept, backend):
        p = problems.random_full_rank(40, 3, condition=10.0, rng=8)
        # Powers of two, so that the solution is that of p; within the range of float64.
        powers = np.round(np.log2([size, y_size]))
        if abs(powers[1] - powers[0]) > 1000:
            pytest.skip("the coefficients themselves would overflow")
        a, b = np.exp2(powers)
        plain = certified(p.X, p.y, intercept=intercept, backend=backend)
        result = certified(a * p.X, b * p.y, intercept=intercept, backend=backend)
        assert result.rank == 3
        truth = plain.coef
        assert error_ratio(result.coef * (a / b), truth, p.X, p.y, intercept=intercept) < RATIO
        assert result.residual_norm / b == pytest.approx(plain.residual_norm, rel=1e-12)

    @pytest.mark.parametrize("backend", ["cpp", "numpy"])
    def test_columns_at_both_ends(self, backend):
        p = problems.random_full_rank(40, 3, condition=10.0, rng=9)
        unit = np.array([2.0**660, 1.0, 2.0**-660])
        result = certified(p.X * unit, p.y, backend=backend)
        assert error_ratio(result.coef * unit, p.coef, p.X, p.y) < RATIO


class TestSmallestCases:
    def test_one_row_one_column(self, backend):
        result = certified([[2.0]], [3.0], backend=backend)
        assert result.coef.tolist() == [1.5]
        assert result.residual_norm == 0.0
        assert result.rank == 1
        assert np.isnan(result.standard_error).all()  # no degree of freedom is left

    def test_one_column(self, backend):
        result = certified([[1.0], [2.0], [2.0]], [1.0, 2.0, 5.0], backend=backend)
        assert result.coef[0] == pytest.approx(5 / 3, rel=4 * EPS)
        assert result.residual_norm == pytest.approx(np.sqrt(5.0), rel=4 * EPS)
        assert result.condition == pytest.approx(1.0)

    @pytest.mark.parametrize("intercept", [False, True])
    @pytest.mark.parametrize("method", METHODS)
    def test_perfect_fit(self, method, intercept, backend):
        X = np.random.default_rng(10).integers(-9, 10, (20, 3))
        y = X @ [1, -2, 3] + 5 * intercept
        result = certified(X, y, method=method, intercept=intercept, backend=backend)
        assert error_ratio(result.coef, [1.0, -2.0, 3.0], X, y, intercept=intercept) < RATIO
        assert result.residual_norm <= 10 * 3 * UNIT * np.linalg.norm(y)

    @pytest.mark.parametrize("seed", range(5))
    def test_perfect_fit_of_centred_data(self, seed, backend):
        # Nothing but rounding is left for the intercept.
        X = np.random.default_rng(seed).normal(size=(50, 3))
        X -= X.mean(axis=0)
        y = X @ [1.0, 2.0, 3.0]
        result = certified(X, y, intercept=True, backend=backend)
        assert abs(result.intercept) < RATIO * EPS

    @pytest.mark.parametrize("refine", ["none", "working", "extended"])
    @pytest.mark.parametrize("method", METHODS)
    def test_y_is_zero(self, method, refine, backend):
        X = np.random.default_rng(11).normal(size=(20, 3))
        for intercept in (False, True):
            result = certified(
                X, np.zeros(20), method=method, refine=refine, intercept=intercept, backend=backend
            )
            assert not result.coef.any()
            assert result.intercept == 0.0
            assert result.residual_norm == 0.0
            assert not result.standard_error.any()

    @pytest.mark.parametrize("value", [0.1, -7.0, 1e17])
    def test_constant_y_with_intercept(self, value, backend):
        X = np.random.default_rng(12).normal(size=(20, 3)) + 10.0
        result = certified(X, np.full(20, value), intercept=True, backend=backend)
        assert np.abs(result.coef).max() <= RATIO * EPS * abs(value)
        assert result.intercept == pytest.approx(value, rel=100 * EPS)

    def test_y_orthogonal_to_the_columns(self, backend):
        p = problems.random_full_rank(40, 3, condition=10.0, rng=13)
        Q = np.linalg.qr(p.X)[0]
        y = np.random.default_rng(13).normal(size=40)
        for _ in range(2):
            y -= Q @ (Q.T @ y)
        result = certified(p.X, y, backend=backend)
        assert result.residual_norm == pytest.approx(np.linalg.norm(y), rel=RATIO * EPS)

    def test_square(self, backend):
        p = problems.random_full_rank(12, 12, condition=1e3, residual=0.0, rng=14)
        result = certified(p.X, p.y, backend=backend)
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO


class TestFloat32:
    @pytest.mark.parametrize("intercept", [False, True])
    @pytest.mark.parametrize("method", METHODS)
    def test_is_solved_in_float64(self, method, intercept, backend):
        rng = np.random.default_rng(15)
        X = (rng.normal(size=(300, 4)) + 1.0).astype(np.float32)
        y = X.astype(float) @ [1.0, 2.0, 3.0, 4.0] + rng.normal(size=300)
        options = {"method": method, "intercept": intercept, "backend": backend}
        single, double = certified(X, y, **options), certified(X.astype(float), y, **options)
        assert error_ratio(single.coef, double.coef, X, y, intercept=intercept) < RATIO
        assert single.backward_error <= 10 * 4 * UNIT * 2

    def test_data_digits_are_those_of_float32(self, backend):
        X = np.random.default_rng(16).normal(size=(50, 3))
        y = X.sum(axis=1) + np.arange(50.0)
        single, double = certified(X.astype(np.float32), y, backend=backend), certified(X, y)
        assert double.data_digits - single.data_digits == pytest.approx(29 * np.log10(2), abs=0.3)

    @pytest.mark.parametrize("method", ["cholesky", "qr"])
    def test_is_held_to_the_accuracy_of_float64(self, method, backend):
        p = problems.random_full_rank(60, 5, condition=1e6, rng=17)
        X = p.X.astype(np.float32)
        loose = {"method": method, "refine": "none", "backend": backend}
        if method == "qr":
            certified(X, p.y, **loose)
        else:
            with pytest.warns(ConvergenceWarning):
                assert lstsq(X, p.y, **loose).status is Status.NOT_CERTIFIED
