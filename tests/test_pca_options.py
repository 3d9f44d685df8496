"""Principal components: how many, rank, scores, weights, bad input."""

import numpy as np
import pytest
from pca_checks import EPS, METHODS, RATIO, certified, check, decaying, largest_sine, methods

import minimand
from minimand import RankWarning, Status, pca
from minimand.problems import pca as problems


class TestNumberOfComponents:
    def test_all(self):
        result = certified(decaying(50, 6).X)
        assert result.components.shape == (6, 6)
        assert result.discarded_energy == result.noise_variance == result.left_out == 0.0

    @pytest.mark.parametrize("fraction", [0.05, 0.5, 0.9, 0.999])
    def test_fraction(self, fraction, backend):
        result = certified(decaying(50, 6).X, fraction, backend=backend)
        shares = np.cumsum(result.explained_variance_ratio)
        assert shares[-1] >= fraction
        assert len(shares) == 1 or shares[-2] < fraction
        assert result.discarded_energy <= 1 - fraction
        assert {c.name for c in result.certificates} >= {"discarded energy"}

    def test_energy_adds_up(self):
        X = decaying(50, 6).X
        result = certified(X, 2)
        variance = np.var(X, axis=0, ddof=1).sum()
        assert result.total_variance == pytest.approx(variance, rel=1e-12)
        kept = result.explained_variance.sum()
        assert result.noise_variance == pytest.approx((variance - kept) / 4, rel=1e-12)
        assert result.discarded_energy == pytest.approx(1 - kept / variance, rel=1e-12)
        error = X - result.inverse_transform(result.transform(X))
        assert np.sum(error**2) / 49 == pytest.approx(variance - kept, rel=1e-10)

    @pytest.mark.parametrize(
        ("value", "error"),
        [
            (0, ValueError), (-1, ValueError), (7, ValueError), (0.0, ValueError),
            (1.0, ValueError), (1.5, ValueError), (-0.1, ValueError), (float("nan"), ValueError),
            (True, TypeError), ("mle", TypeError), (2 + 0j, TypeError),
        ],
    )  # fmt: skip
    def test_nonsense(self, value, error, backend):
        with pytest.raises(error, match=r"n_components is .* from 1 to 6 = min\(rows, columns\)"):
            pca(decaying(50, 6).X, value, backend=backend)

    def test_more_than_the_rows(self):
        with pytest.raises(ValueError, match="n_components is 5, expected an int from 1 to 4"):
            pca(np.ones((4, 9)), 5)

    def test_iteration_needs_a_number(self):
        for value in (None, 0.5):
            with pytest.raises(ValueError, match="expected an int with method"):
                pca(decaying(50, 6).X, value, method="randomized")


class TestRank:
    @methods
    def test_more_than_the_rank(self, method, backend):
        X = problems.planted(40, 10, [3.0, 1.0], offset=1.0).X
        with pytest.warns(RankWarning, match=r"rank 2 .* 2 components are returned, not 5"):
            result = pca(X, 5, method=method, backend=backend)
        check(result, X)
        assert (result.rank, result.components.shape) == (2, (2, 10))
        assert certified(X, 2, method=method, backend=backend).rank == 2

    @pytest.mark.parametrize("method", ["auto", "svd"])
    @pytest.mark.parametrize("m", [2, 5, 10])
    def test_centring_takes_one_from_the_rank(self, m, method, backend):
        X = np.random.default_rng(m).standard_normal((m, 10))
        assert certified(X, method=method, backend=backend).rank == m - 1
        assert certified(X, method=method, center=False, backend=backend).rank == m

    @pytest.mark.parametrize("X", [np.full((5, 3), 7.1), np.ones((1, 4)), np.zeros((6, 2))])
    @pytest.mark.parametrize("method", ["auto", "gram", "svd"])
    def test_no_variance(self, X, method, backend):
        with pytest.warns(RankWarning, match="no variance"):
            result = pca(X, method=method, backend=backend)
        assert result.status is Status.NO_VARIANCE
        assert result.components.shape == (0, X.shape[1])
        assert result.rank == 0
        np.testing.assert_allclose(result.mean, X[0])
        assert result.transform(X).shape == (len(X), 0)
        result.verify(X)
        with pytest.raises(ValueError, match="n_components is 1, but there is no variance"):
            pca(X, 1, method=method, backend=backend)
        with pytest.raises(ValueError, match="there is no variance"):
            pca(X, 1, method="randomized", backend=backend)

    @methods
    def test_constant_columns_are_listed(self, method, backend):
        X = decaying(60, 6).X.copy()
        X[:, 2], X[:, 4] = 1e9, 0.1
        result = certified(X, 3, method=method, backend=backend)
        assert result.constant_columns == (2, 4)
        assert not result.components[:, [2, 4]].any()
        small = certified(np.delete(X, [2, 4], axis=1), 3, method=method, backend=backend)
        np.testing.assert_allclose(small.singular_values, result.singular_values, rtol=1e-12)

    def test_float32_knows_its_rounding(self, backend):
        problem = problems.planted(200, 8, [3.0, 1.0], offset=1.0)
        X = problem.X.astype(np.float32)
        assert certified(X, backend=backend).rank == 2
        assert certified(X.astype(np.float64), backend=backend).rank == 8

    def test_large_offset_in_float32_leaves_the_rest(self, backend):
        X = np.random.default_rng(0).standard_normal((150, 12)).astype(np.float32)
        X[:, ::2] += 1e5
        assert certified(X, backend=backend).rank == 12


class TestScores:
    @methods
    def test_transform_is_the_product(self, method, backend):
        X = decaying(80, 7).X
        result = certified(X, 3, method=method, backend=backend)
        expected = (X - X.mean(axis=0)) @ result.components.T
        np.testing.assert_allclose(result.transform(X), expected, atol=1e-13)
        again = result.transform(result.inverse_transform(expected))
        np.testing.assert_allclose(again, expected, atol=1e-13)

    def test_full_rank_comes_back(self):
        X = decaying(80, 7).X
        result = certified(X)
        np.testing.assert_allclose(result.inverse_transform(result.transform(X)), X, atol=1e-13)

    def test_whiten(self, backend):
        X = decaying(80, 7).X
        result = certified(X, whiten=True, backend=backend)
        scores = result.transform(X)
        np.testing.assert_allclose(np.cov(scores.T), np.eye(7), atol=1e-10)
        np.testing.assert_allclose(result.inverse_transform(scores), X, atol=1e-12)

    @pytest.mark.parametrize("method", ["auto", "gram", "svd"])
    def test_whitening_does_not_amplify_noise(self, method, backend):
        """scikit-learn issue 29534: effective rank 2 gave scores of 8e5."""
        X = problems.planted(1000, 10, [3.0, 1.0]).X
        result = certified(X, method=method, whiten=True, backend=backend)
        assert len(result.components) == 2
        assert np.abs(result.transform(X)).max() <= np.sqrt(1000)

    def test_new_rows_are_checked(self):
        result = certified(decaying(80, 7).X, 2)
        with pytest.raises(ValueError, match="X has 6 columns, expected 7"):
            result.transform(np.ones((3, 6)))
        with pytest.raises(ValueError, match="scores has 3 columns, expected 2"):
            result.inverse_transform(np.ones((3, 3)))

    def test_signs_depend_on_the_components_alone(self):
        X = decaying(80, 7).X
        V = certified(X).components
        assert (V[np.arange(7), np.abs(V).argmax(axis=1)] > 0).all()
        again = certified(np.ascontiguousarray(X[::-1])).components
        np.testing.assert_allclose(V, again, atol=1e-11)


class TestWeights:
    @methods
    def test_repetition_and_deletion(self, method, backend):
        X = decaying(60, 6).X
        weights = np.arange(60) % 4
        weighted = certified(X, 3, method=method, weights=weights, backend=backend)
        repeated = certified(np.repeat(X, weights, axis=0), 3, method=method, backend=backend)
        for name in ("singular_values", "explained_variance", "explained_variance_ratio", "mean"):
            np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-11)
        np.testing.assert_allclose(weighted.components, repeated.components, atol=1e-11)
        assert weighted.weight == weights.sum()

    def test_weights_that_do_not_count(self):
        X = decaying(60, 6).X
        with pytest.raises(ValueError, match="weights sum to 1, expected more than 1"):
            pca(X, weights=np.full(60, 1 / 60))
        assert certified(X, weights=np.full(60, 1 / 60), center=False).rank == 6

    def test_one_row_that_counts(self):
        X, weights = decaying(60, 6).X, np.zeros(60)
        weights[3] = 2.0
        with pytest.warns(RankWarning, match="no variance"):
            result = pca(X, weights=weights)
        np.testing.assert_array_equal(result.mean, X[3])

    def test_wide_with_weights(self, backend):
        X = decaying(20, 50).X
        weights = np.arange(20) % 3
        for method in METHODS:
            result = certified(X, 4, method=method, weights=weights, backend=backend)
            repeated = certified(np.repeat(X, weights, axis=0), 4, method="svd", backend=backend)
            assert largest_sine(result.components, repeated.components) < 1e-5


class TestBadInput:
    @methods
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_not_finite(self, bad, method, backend):
        X = decaying(60, 6).X.copy()
        X[17, 3] = bad
        with pytest.raises(ValueError, match=r"X has .* at row 17, column 3"):
            pca(X, 2, method=method, backend=backend)

    def test_not_finite_where_the_weight_is_zero(self):
        X = decaying(60, 6).X.copy()
        X[17, 3] = np.nan
        with pytest.raises(ValueError, match="X has NaN at row 17, column 3"):
            pca(X, weights=np.arange(60) != 17)

    def test_all_weights_zero(self):
        with pytest.raises(ValueError, match="weights are all zero"):
            pca(np.eye(3), weights=np.zeros(3))

    @methods
    @pytest.mark.parametrize("scale", [2.0**600, 1e200, 1e300, 1e-200, 1e-300])
    def test_extreme_units(self, scale, method, backend):
        problem = decaying(60, 6)
        result = certified(problem.X * scale, 3, method=method, backend=backend)
        plain = certified(problem.X, 3, method=method, backend=backend)
        np.testing.assert_allclose(
            result.singular_values / scale, plain.singular_values, rtol=1e-12
        )
        np.testing.assert_allclose(result.components, plain.components, atol=1e-11)
        np.testing.assert_allclose(result.transform(problem.X * scale) / scale,
                                   plain.transform(problem.X), atol=1e-12)  # fmt: skip

    @methods
    def test_powers_of_two_change_no_bit(self, method, backend):
        X = decaying(60, 6).X
        plain = pca(X, 3, method=method, backend=backend)
        for power in (-40, 3, 200):
            result = pca(np.ldexp(X, power), 3, method=method, backend=backend)
            assert np.array_equal(result.components, plain.components)
            assert np.array_equal(result.singular_values, np.ldexp(plain.singular_values, power))

    def test_no_memory(self, monkeypatch):
        from minimand.pca import pca as function

        def refuse(*_arguments):
            raise MemoryError

        solve = function.__globals__
        monkeypatch.setattr(solve["np"], "empty", refuse)
        with pytest.raises(MemoryError, match='order 7; use method="randomized"'):
            solve["_room"](7)


def test_report_of_a_result():
    result = certified(problems.iris().X, 2)
    assert "explained_variance" in str(result)
    assert result.feature_names is None
    assert result.certificates[1].value < RATIO * EPS  # orthonormality
    assert isinstance(result, minimand.PCAResult)


def test_names_of_a_frame():
    pandas = pytest.importorskip("pandas")
    problem = problems.iris()
    frame = pandas.DataFrame(problem.X, columns=problem.names)
    assert certified(frame, 2).feature_names == problem.names
