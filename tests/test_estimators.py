"""The estimators keep scikit-learn's promises, and the answers of the functions behind them."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import minimand
from minimand.estimators import LeastSquaresRegressor


@pytest.mark.filterwarnings("ignore::minimand.MinimandWarning")
@parametrize_with_checks(
    [
        LeastSquaresRegressor(),
        LeastSquaresRegressor(fit_intercept=False, method="qr", refine="extended"),
        LeastSquaresRegressor(ridge=0.1, backend="numpy"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def data(m=80, n=5, k=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, n)) + 2.0
    y = X @ rng.normal(size=(n, k) if k else n) + 3.0 + rng.normal(size=(m, k) if k else m)
    return X, y


class TestFit:
    @pytest.mark.parametrize("k", [None, 1, 3])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("weighted", [True, False])
    def test_equals_scikit_learn(self, k, fit_intercept, weighted):
        X, y = data(k=k)
        weight = np.arange(80) % 4.0 if weighted else None
        ours = LeastSquaresRegressor(fit_intercept=fit_intercept).fit(X, y, weight)
        theirs = LinearRegression(fit_intercept=fit_intercept).fit(X, y, weight)
        assert np.shape(ours.coef_) == np.shape(theirs.coef_)
        assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-11)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-11)
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-11)
        assert ours.score(X, y, weight) == pytest.approx(theirs.score(X, y, weight))
        assert ours.rank_ == 5

    @pytest.mark.parametrize("weighted", [True, False])
    def test_ridge_equals_scikit_learn(self, weighted):
        X, y = data()
        weight = np.arange(80) % 4.0 if weighted else None
        ours = LeastSquaresRegressor(ridge=3.0).fit(X, y, weight)
        theirs = Ridge(alpha=3.0, solver="cholesky").fit(X, y, weight)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-10)

    def test_certificates_can_be_recomputed(self):
        X, y = data(k=2)
        weight = np.arange(80) % 4.0
        model = LeastSquaresRegressor().fit(X, y, weight)
        assert all(certificate.holds for certificate in model.result_.verify(X, y, weight))

    def test_options_reach_the_solver(self):
        X, y = data()
        options = {"method": "svd", "ridge": 0.5, "refine": "extended", "backend": "numpy"}
        model = LeastSquaresRegressor(fit_intercept=False, threads=1, **options).fit(X, y)
        expected = minimand.lstsq(X, y, threads=1, **options)
        np.testing.assert_array_equal(model.coef_, expected.coef)
        assert (model.intercept_, model.result_.method) == (0.0, expected.method)
        for bad in ({"method": "magic"}, {"ridge": -1.0}, {"threads": 0}, {"backend": "fortran"}):
            with pytest.raises(ValueError, match=next(iter(bad))):
                LeastSquaresRegressor(**bad).fit(X, y)

    def test_float32_keeps_its_type(self):
        X, y = data()
        model = LeastSquaresRegressor().fit(X.astype(np.float32), y)
        expected = minimand.lstsq(X.astype(np.float32), y, intercept=True)
        np.testing.assert_array_equal(model.coef_, expected.coef)

    def test_dropped_column_counts_as_zero(self):
        X, y = data()
        X[:, 4] = X[:, 0] + X[:, 1]
        model = LeastSquaresRegressor(rank_deficient="drop")
        with pytest.warns(minimand.RankWarning):
            model.fit(X, y)
        assert np.isnan(model.coef_[4])
        assert model.rank_ == 4
        np.testing.assert_allclose(model.predict(X), LinearRegression().fit(X, y).predict(X))
        with pytest.raises(minimand.RankDeficientError):
            LeastSquaresRegressor(rank_deficient="raise").fit(X, y)

    def test_one_weight_for_all(self):
        X, y = data()
        model, plain = LeastSquaresRegressor().fit(X, y, 2.0), LeastSquaresRegressor().fit(X, y)
        np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-12)

    def test_bad_weights(self):
        X, y = data()
        with pytest.raises(ValueError, match="weights"):
            LeastSquaresRegressor().fit(X, y, -np.ones(80))
        with pytest.raises(ValueError, match="weights has 3 entries but X has 80 rows"):
            LeastSquaresRegressor().fit(X, y, np.ones(3))

    def test_names(self):
        pandas = pytest.importorskip("pandas")
        X, y = data()
        frame = pandas.DataFrame(X, columns=list("abcde"))
        model = LeastSquaresRegressor().fit(frame, y)
        assert list(model.feature_names_in_) == list("abcde")
        assert model.result_.feature_names == tuple("abcde")
        model.result_.verify(frame, y)
        with pytest.raises(ValueError, match="feature names"):
            model.predict(frame[list("edcba")])
        assert not hasattr(LeastSquaresRegressor().fit(X, y), "feature_names_in_")


class TestPartialFit:
    @pytest.mark.parametrize(
        "options", [{}, {"method": "cholesky"}, {"ridge": 2.0}, {"fit_intercept": False}]
    )
    @pytest.mark.parametrize("k", [None, 2])
    def test_blocks_equal_all_at_once(self, options, k):
        X, y = data(k=k)
        weight = np.arange(80) % 3.0
        model = LeastSquaresRegressor(**options)
        for begin, end in [(0, 17), (17, 18), (18, 80)]:
            rows = slice(begin, end)
            if begin == 0:
                model.partial_fit(X[rows], y[rows], weight[rows])
            else:
                model = pickle.loads(pickle.dumps(model))  # between any two blocks
                model.partial_fit(X[rows], y[rows], weight[rows])
        whole = LeastSquaresRegressor(**options).fit(X, y, weight)
        np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-10)
        np.testing.assert_allclose(model.intercept_, whole.intercept_, rtol=1e-10)
        model.result_.verify(X, y, weight)

    def test_fit_forgets_the_blocks(self):
        X, y = data()
        model = LeastSquaresRegressor().partial_fit(X[:40], y[:40])
        model.fit(X[40:], y[40:])
        expected = LeastSquaresRegressor().fit(X[40:], y[40:])
        np.testing.assert_array_equal(model.coef_, expected.coef_)
        model.partial_fit(X[:40], y[:40])
        expected = LeastSquaresRegressor().fit(X[:40], y[:40])
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-10)

    def test_bad_block_leaves_the_model_as_it_was(self):
        X, y = data()
        model = LeastSquaresRegressor().partial_fit(X, y)
        before = copy.deepcopy(model)
        with pytest.raises(ValueError, match="4 features"):
            model.partial_fit(X[:, :4], y)
        with pytest.raises(ValueError, match="y has 2 columns"):
            model.partial_fit(X, np.column_stack([y, y]))
        np.testing.assert_array_equal(model.coef_, before.coef_)
        np.testing.assert_array_equal(model.partial_fit(X, y).coef_, before.partial_fit(X, y).coef_)

    def test_backend_may_change(self):
        X, y = data()
        model = LeastSquaresRegressor().partial_fit(X[:30], y[:30])
        model.set_params(backend="numpy", threads=1).partial_fit(X[30:], y[30:])
        whole = LeastSquaresRegressor().fit(X, y)
        np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-10)


class TestScikitLearn:
    def test_pipeline_and_grid_search(self):
        X, y = load_diabetes(return_X_y=True)
        ours = make_pipeline(StandardScaler(), LeastSquaresRegressor())
        theirs = make_pipeline(StandardScaler(), LinearRegression())
        np.testing.assert_allclose(cross_val_score(ours, X, y), cross_val_score(theirs, X, y))
        search = GridSearchCV(ours, {"leastsquaresregressor__ridge": [0.0, 1.0, 100.0]}).fit(X, y)
        assert search.best_estimator_[-1].result_.ridge in (0.0, 1.0, 100.0)

    def test_without_scikit_learn(self, run_python):
        code = (
            "import sys; sys.modules['sklearn'] = None\n"
            "sys.modules['sklearn.base'] = None\n"
            "import minimand\n"
            "try: import minimand.estimators\n"
            "except ImportError as error: print(error)"
        )
        assert 'pip install "minimand[sklearn]"' in run_python(code)


def test_partial_fit_of_many_blocks():
    """Every block makes the state a merge deeper; the bytes in between must allow for that."""
    X, y = np.arange(200.0)[:, None], 2.0 * np.arange(200.0) + 1.0
    model = LeastSquaresRegressor()
    for i in range(0, 200, 2):
        model.partial_fit(X[i : i + 2], y[i : i + 2])
    assert model.coef_ == pytest.approx([2.0], rel=1e-12)
    assert model.intercept_ == pytest.approx(1.0, rel=1e-9)
