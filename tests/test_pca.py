"""Principal components: known answers, bounds that hold, the choice of the method."""

import json

import numpy as np
import pytest
from pca_checks import (
    METHODS,
    assert_within_bounds,
    certified,
    decaying,
    largest_sine,
    methods,
    quiet,
)

from minimand import ConvergenceWarning, Status, pca
from minimand.problems import least_squares
from minimand.problems import pca as problems


class TestKnownAnswers:
    def test_iris(self, backend):
        problem = problems.iris("uci")
        for method in ("auto", *METHODS):
            result = certified(problem.X, 4, method=method, backend=backend)
            np.testing.assert_allclose(result.singular_values, problem.singular_values, rtol=1e-12)
            np.testing.assert_allclose(result.components, problem.components, rtol=1e-11)
            assert_within_bounds(result, problem.singular_values, problem.components)

    def test_iris_as_published(self, backend):
        result = certified(problems.iris().X, backend=backend)
        expected = [4.22824171, 0.24267075, 0.0782095, 0.02383509]
        np.testing.assert_allclose(result.explained_variance, expected, atol=5e-9)

    def test_longley(self, backend):
        problem = problems.longley()
        result = certified(problem.X, backend=backend)
        assert result.method == "svd"
        np.testing.assert_allclose(result.singular_values, problem.singular_values, rtol=1e-12)
        np.testing.assert_allclose(result.components, problem.components, rtol=1e-11)
        assert_within_bounds(result, problem.singular_values, problem.components)
        # Bounds from singular values, not from their squares: 1e-9, not 1e-5.
        assert result.angle_bound.max() < 1e-7

    def test_longley_by_gram_knows_what_it_lost(self, backend):
        problem = problems.longley()
        result = certified(problem.X, method="gram", backend=backend)
        assert_within_bounds(result, problem.singular_values, problem.components)
        error = np.abs(result.singular_values / problem.singular_values - 1)
        assert error[-2:].max() > 1e-12

    @pytest.mark.parametrize("eps", [1e-5, 1e-7, 1e-8, 1e-9])
    def test_lauchli_keeps_its_small_values(self, eps, backend):
        problem = problems.lauchli(4, eps)
        result = certified(problem.X, center=False, backend=backend)
        assert result.method == "svd"
        np.testing.assert_allclose(result.singular_values, problem.singular_values, rtol=1e-9)
        assert result.clusters == ((1, 2, 3),)
        # The proof alone keeps six digits.
        assert result.singular_value_bound[-1] * result.singular_values[0] < 1e-4 * eps

    def test_reference_file(self, data_file, backend):
        reference = json.loads(data_file("regression_reference.json").read_text())["pca"]
        data = {"iris": problems.iris("uci").X, "longley": problems.longley().X}
        for title, expected in reference.items():
            X = data[title.partition(" ")[0]]
            result = certified(X, backend=backend)
            numbers = {
                key.partition(" ")[0]: np.array(value, dtype=float)
                for key, value in expected.items()
                if key != "columns"
            }
            for name in ("mean", "explained_variance", "singular_values"):
                np.testing.assert_allclose(getattr(result, name), numbers[name], rtol=1e-12)
            np.testing.assert_allclose(result.components, numbers["components"], rtol=1e-11)

    @methods
    @pytest.mark.parametrize(("m", "n"), [(60, 9), (9, 30), (12, 12), (500, 40)])
    def test_planted(self, m, n, method, backend):
        problem = decaying(m, n)
        k = min(5, min(m - 1, n))
        result = certified(problem.X, k, method=method, backend=backend)
        assert result.method == method
        assert_within_bounds(result, problem.singular_values, problem.components)
        ours = pca(problem.X, k, backend=backend)
        assert_within_bounds(ours, problem.singular_values, problem.components)

    def test_hilbert_and_kahan(self, backend):
        for matrix in (least_squares.hilbert(7).X, least_squares.kahan(25).X):
            result = quiet(matrix, center=False, backend=backend)
            _, sigma, Vt = np.linalg.svd(matrix)
            assert_within_bounds(result, sigma, Vt)
            assert len(result.components) == result.rank

    def test_repeated_values_are_one_cluster(self, backend):
        for method in METHODS:
            problem = problems.planted(90, 8, [9.0, 5.0, 5.0, 5.0, 2.0, 1.0, 1.0, 0.5])
            result = certified(problem.X, 7, method=method, backend=backend)
            assert result.clusters == ((1, 2, 3), (5, 6))
            assert_within_bounds(result, problem.singular_values, problem.components)

    def test_a_cluster_that_is_cut_has_no_angle(self, backend):
        X = np.diag([3.0, 2.0, 2.0, 1.0])
        result = certified(X, 2, center=False, backend=backend)
        assert result.angle_bound[1] == 1.0
        assert result.gap[1] <= 10 * result.residual[1]
        assert result.angle_bound[0] < 1e-12

    @pytest.mark.parametrize("method", ["gram", "svd", "randomized"])
    def test_offset_costs_nothing(self, method, backend):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((4000, 5)) * 2.0 ** -np.arange(5) + 1e8
        result = certified(X, 5, method=method, backend=backend)
        low = X - 1e8  # exact
        exact = np.linalg.svd(low - low.mean(axis=0), compute_uv=False)
        np.testing.assert_allclose(result.singular_values**2, exact**2, rtol=1e-10)

    @pytest.mark.parametrize("seed", range(5))
    def test_the_rounding_of_a_large_mean_does_not_show(self, seed, backend):
        X = 1e-3 * np.random.default_rng(seed).standard_normal((7, 5)) + 1e9
        iterated = certified(X, 3, method="randomized", backend=backend)
        low = X - 1e9  # exact
        exact = np.linalg.svd(low - low.mean(axis=0), compute_uv=False)
        np.testing.assert_allclose(iterated.singular_values, exact[:3], rtol=1e-12)
        measured = certified(X, 3, method="svd", certify="data", backend=backend)
        assert measured.residual.max() < 1e-13


class TestChoice:
    def test_noise_falls_back_to_an_exact_method(self, backend):
        X = np.random.default_rng(0).standard_normal((20_000, 20))
        result = certified(X, 2, backend=backend)
        assert result.method != "randomized"
        Vt = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2]
        assert largest_sine(result.components, Vt[:2]) < 1e-6

    def test_a_flat_spectrum_is_given_up(self):
        X = np.random.default_rng(0).standard_normal((2000, 400))
        result = certified(X, 2)
        assert result.method == "gram"

    def test_a_decaying_spectrum_is_iterated(self, backend):
        problem = problems.planted(3000, 500, 0.6 ** np.arange(20))
        result = certified(problem.X, 5, backend=backend)
        assert result.method == "randomized"
        assert 1 < result.iterations < 10
        assert result.leading == "proved"  # what is left is less than the last eigenvalue
        assert_within_bounds(result, problem.singular_values, problem.components)
        reached = [record["residual"] for record in result.history]
        assert reached[-1] <= 1e-6 < reached[0]

    def test_leading_is_only_probable_when_much_is_left(self):
        X = np.random.default_rng(0).standard_normal((300, 60))
        result = pca(X, 3, method="randomized")
        assert result.leading == "probable"
        assert all(certificate.name != "left out" for certificate in result.certificates)
        result.verify(X)

    def test_small_values_lead_to_svd(self):
        problem = problems.planted(60_000, 30, np.geomspace(1.0, 1e-6, 30))
        assert certified(problem.X).method == "svd"
        assert certified(problem.X, 5).method == "gram"

    def test_iteration_limit(self):
        X = np.diag(np.linspace(1.0, 1.01, 600))
        with pytest.warns(ConvergenceWarning, match="raise tol"):
            result = pca(X, 1, method="randomized", tol=1e-14)
        assert result.status is Status.MAX_ITERATIONS
        assert result.residual.max() > 1e-14

    def test_seed(self):
        X = decaying(300, 60, rate=0.95).X
        a, b, c = (pca(X, 3, method="randomized", rng=seed) for seed in (1, 1, 2))
        assert np.array_equal(a.components, b.components)
        assert not np.array_equal(a.components, c.components)
        assert largest_sine(a.components, c.components) < 1e-4

    @pytest.mark.parametrize("certify", ["data", "state"])
    @methods
    def test_origin_of_the_residuals(self, method, certify, backend):
        problem = decaying(300, 12)
        result = certified(problem.X, 4, method=method, certify=certify, backend=backend)
        assert result.certified_by == ("data" if method == "randomized" else certify)
        assert_within_bounds(result, problem.singular_values, problem.components)
