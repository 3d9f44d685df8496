"""Weights: 0 is deletion and 2 is repetition, in the coefficients and in the rank."""

import numpy as np
import pytest
from least_squares_checks import EPS, RATIO, certified, deficient, error_ratio, quiet

from minimand.problems import least_squares as problems

METHODS = ["auto", "cholesky", "qr", "svd"]


def integers(m, n, seed=0):
    rng = np.random.default_rng([m, n, seed])
    return rng.integers(-8, 9, (m, n)).astype(float), rng.integers(-50, 51, m).astype(float)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("intercept", [False, True])
class TestRepetition:
    def test_weights_count_rows(self, intercept, method, backend):
        X, y = integers(20, 3)
        weights = np.arange(20) % 4
        options = {"intercept": intercept, "method": method, "backend": backend}
        weighted = certified(X, y, weights=weights, **options)
        rows = np.repeat(np.arange(20), weights)
        repeated = certified(X[rows], y[rows], **options)
        ratio = error_ratio(
            weighted.coef, repeated.coef, X, y, weights=weights, intercept=intercept
        )
        assert ratio < RATIO
        assert weighted.intercept == pytest.approx(repeated.intercept, rel=1e-12)
        assert weighted.residual_norm == pytest.approx(repeated.residual_norm, rel=1e-13)
        assert weighted.condition == pytest.approx(repeated.condition, rel=1e-12)
        assert weighted.rank == repeated.rank

    def test_zero_deletes(self, intercept, method, backend):
        X, y = integers(20, 3)
        X[::3] *= 1e6  # they would change everything
        weights = np.where(np.arange(20) % 3 == 0, 0.0, 1.0)
        kept = weights > 0
        options = {"intercept": intercept, "method": method, "backend": backend}
        weighted = certified(X, y, weights=weights, **options)
        deleted = certified(X[kept], y[kept], **options)
        ratio = error_ratio(weighted.coef, deleted.coef, X[kept], y[kept], intercept=intercept)
        assert ratio < RATIO
        assert weighted.residual_norm == pytest.approx(deleted.residual_norm, rel=1e-13)
        # The rows that are gone are no degrees of freedom.
        assert weighted.standard_error == pytest.approx(deleted.standard_error, rel=1e-11)


class TestRank:
    @pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
    def test_rows_that_made_columns_independent_are_gone(self, scale, backend):
        X, y = integers(20, 3)
        X[:, 2] = X[:, 0] + X[:, 1]
        X[5:8, 2] += [1.0, 2.0, 3.0]
        weights = np.where((np.arange(20) >= 5) & (np.arange(20) < 8), 0.0, scale)
        kept = weights > 0
        result = deficient(X, y, weights=weights, backend=backend)
        assert result.rank == 2
        assert result.aliased == (2,)
        truth = problems.exact_lstsq(X[kept], y[kept]).coef
        assert error_ratio(result.coef, truth, X[kept], y[kept], rank=2) < RATIO
        assert certified(X, y, backend=backend).rank == 3

    @pytest.mark.parametrize("left", [1, 2, 3])
    @pytest.mark.parametrize("intercept", [False, True])
    def test_fewer_rows_than_columns_are_left(self, intercept, left, backend):
        X, y = integers(20, 4)
        weights = np.zeros(20)
        weights[[3, 11, 17][:left]] = [1.0, 2.0, 1.0][:left]
        kept = weights > 0
        options = {"intercept": intercept, "backend": backend}
        weighted = quiet(X, y, weights=weights, **options)
        deleted = quiet(X[kept], y[kept], weights=weights[kept], **options)
        assert weighted.rank == deleted.rank == left - intercept
        size = np.abs(deleted.coef).max(initial=1.0)
        assert weighted.coef == pytest.approx(deleted.coef, rel=1e-11, abs=1e-12 * size)

    def test_dependent_columns_and_repeated_rows(self, backend):
        p = problems.dependent_columns(12, 3, 2, rng=1)
        weights = np.arange(12) % 3
        rows = np.repeat(np.arange(12), weights)
        weighted = deficient(p.X, p.y, weights=weights, backend=backend)
        repeated = deficient(p.X[rows], p.y[rows], backend=backend)
        assert weighted.rank == repeated.rank == 3
        assert weighted.aliased == repeated.aliased
        ratio = error_ratio(weighted.coef, repeated.coef, p.X, p.y, weights=weights, rank=3)
        assert ratio < RATIO


class TestWildWeights:
    @pytest.mark.parametrize("method", ["auto", "qr", "svd"])
    @pytest.mark.parametrize("exponent", [20, 30, 40])
    def test_powell_reid(self, exponent, method, backend):
        # The rows carry the weights themselves.
        p = problems.powell_reid(exponent=exponent)
        result = quiet(p.X, p.y, method=method, backend=backend)
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO

    @pytest.mark.parametrize("exponent", [20, 30, 40])
    def test_powell_reid_by_weights(self, exponent, backend):
        # Every digit, although the weights differ by 2^80.
        p = problems.powell_reid(exponent=0)
        weights = np.array([1.0, 4.0**exponent, 4.0**exponent, 1.0])
        result = quiet(p.X, p.y, weights=weights, backend=backend)
        assert np.abs(result.coef - 1.0).max() < RATIO * EPS

    @pytest.mark.parametrize("decades", [4.0, 12.0, 20.0, 30.0])
    @pytest.mark.parametrize("seed", range(3))
    def test_stiff(self, seed, decades, backend):
        p = problems.stiff_weights(12, 3, decades=decades, rng=seed)
        result = quiet(p.X, p.y, weights=p.weights, backend=backend)
        assert result.rank == 3
        # Scaling of rows is no reason to lose digits.
        assert np.abs(result.coef - p.coef).max() < 1e4 * EPS * np.abs(p.coef).max()

    @pytest.mark.parametrize("decades", [12.0, 30.0])
    def test_stiff_with_intercept(self, decades, backend):
        p = problems.stiff_weights(12, 3, decades=decades, rng=1)
        X = np.column_stack([np.ones(12), p.X])
        truth = problems.exact_lstsq(X, p.y, p.weights).coef
        result = quiet(p.X, p.y, weights=p.weights, intercept=True, backend=backend)
        assert np.abs(result.coef - truth[1:]).max() < 1e6 * EPS * np.abs(truth).max()

    @pytest.mark.parametrize("factor", [2.0**100, 2.0**-100, 2.0**500, 2.0**-500])
    def test_a_common_factor_changes_nothing(self, factor, backend):
        X, y = integers(20, 3)
        weights = 1.0 + np.arange(20) % 3
        plain = certified(X, y, weights=weights, intercept=True, backend=backend)
        scaled = certified(X, y, weights=factor * weights, intercept=True, backend=backend)
        assert error_ratio(scaled.coef, plain.coef, X, y, intercept=True) < RATIO
        assert scaled.residual_norm == pytest.approx(
            plain.residual_norm * np.sqrt(factor), rel=1e-13
        )
        assert scaled.standard_error == pytest.approx(plain.standard_error, rel=1e-12)


def test_against_rows_multiplied_by_roots(backend):
    X, y = integers(30, 4)
    root = np.exp2(np.arange(30) % 5 - 2.0)
    weighted = certified(X, y, weights=root**2, backend=backend)
    multiplied = certified(root[:, None] * X, root * y, backend=backend)
    assert error_ratio(weighted.coef, multiplied.coef, X, y, weights=root**2) < RATIO
    assert weighted.residual_norm == pytest.approx(multiplied.residual_norm, rel=1e-13)


@pytest.mark.parametrize("dtype", [int, bool, np.float32])
def test_dtypes(dtype, backend):
    X, y = integers(20, 3)
    weights = (np.arange(20) % 2).astype(dtype)
    result = certified(X, y, weights=weights, backend=backend)
    truth = certified(X[1::2], y[1::2], backend=backend)
    assert error_ratio(result.coef, truth.coef, X[1::2], y[1::2]) < RATIO
