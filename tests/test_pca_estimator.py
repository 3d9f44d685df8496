"""The estimator keeps scikit-learn's promises, and the answers of the function behind it."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import minimand
from minimand.estimators import PrincipalComponents
from minimand.problems.pca import iris, planted


@pytest.mark.filterwarnings("ignore::minimand.MinimandWarning")
@parametrize_with_checks(
    [
        PrincipalComponents(),
        PrincipalComponents(1, method="gram", whiten=True),
        PrincipalComponents(1, method="randomized"),
        PrincipalComponents(0.9, center=False, backend="numpy"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def data(m=80, n=5):
    return planted(m, n, 3.0 * 0.7 ** np.arange(n), offset=2.0).X


@pytest.mark.parametrize("n_components", [None, 2, 0.8])
@pytest.mark.parametrize("whiten", [False, True])
def test_equals_scikit_learn(n_components, whiten):
    X = data()
    ours = PrincipalComponents(n_components, whiten=whiten).fit(X)
    theirs = PCA(n_components, whiten=whiten, svd_solver="full").fit(X)
    assert ours.n_components_ == theirs.n_components_
    for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_", "mean_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-11)
    signs = np.sign(np.sum(ours.components_ * theirs.components_, axis=1))
    np.testing.assert_allclose(ours.components_, theirs.components_ * signs[:, None], atol=1e-11)
    scores = ours.transform(X)
    np.testing.assert_allclose(scores, theirs.transform(X) * signs, atol=1e-11)
    np.testing.assert_allclose(ours.inverse_transform(scores), theirs.inverse_transform(
        theirs.transform(X)), atol=1e-11)  # fmt: skip
    assert ours.noise_variance_ == pytest.approx(theirs.noise_variance_, rel=1e-9, abs=1e-15)


def test_fit_transform_is_fit_and_transform():
    X = data()
    np.testing.assert_array_equal(
        PrincipalComponents(2).fit_transform(X), PrincipalComponents(2).fit(X).transform(X)
    )


def test_certificates_can_be_recomputed():
    X, weight = data(), np.arange(80) % 4.0
    model = PrincipalComponents(3).fit(X, sample_weight=weight)
    assert all(certificate.holds for certificate in model.result_.verify(X, weight))


@pytest.mark.parametrize("size", [1, 3, 20, 80])
def test_partial_fit_is_exact_for_any_size(size):
    """IncrementalPCA wants at least n_components rows in every batch, and truncates."""
    X = data()
    model = PrincipalComponents(3)
    with pytest.warns() if size == 1 else np.errstate():
        for begin in range(0, 80, size):
            model.partial_fit(X[begin : begin + size])
    whole = PrincipalComponents(3, method="svd").fit(X)
    np.testing.assert_allclose(model.singular_values_, whole.singular_values_, rtol=1e-13)
    np.testing.assert_allclose(model.components_, whole.components_, atol=1e-13)
    model.result_.verify(X)
    assert pickle.loads(pickle.dumps(model)).partial_fit(X).result_.weight == 160
    assert copy.deepcopy(model).fit(X).partial_fit(X).result_.weight == 80


def test_backend_may_change():
    X = data()
    model = PrincipalComponents().partial_fit(X[:30])
    model.set_params(backend="numpy", threads=1).partial_fit(X[30:])
    np.testing.assert_allclose(
        model.components_, PrincipalComponents().fit(X).components_, atol=1e-12
    )


def test_options_reach_the_solver():
    X = data()
    for bad in ({"method": "magic"}, {"tol": -1.0}, {"threads": 0}, {"backend": "fortran"},
                {"certify": "never"}, {"n_components": 9}, {"n_components": 1.5}):  # fmt: skip
        with pytest.raises(ValueError, match=next(iter(bad))):
            PrincipalComponents(**bad).fit(X)
    model = PrincipalComponents(2, method="gram", certify="state", random_state=3).fit(X)
    expected = minimand.pca(X, 2, method="gram", certify="state")
    assert model.result_ == expected or model.result_.method == expected.method


def test_random_state():
    X = np.random.default_rng(0).standard_normal((200, 60))
    options = {"n_components": 2, "method": "randomized"}
    one, same, other = (
        PrincipalComponents(random_state=np.random.RandomState(seed), **options).fit(X).components_
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_names():
    pandas = pytest.importorskip("pandas")
    problem = iris()
    frame = pandas.DataFrame(problem.X, columns=problem.names)
    model = PrincipalComponents(2).set_output(transform="pandas").fit(frame)
    assert model.result_.feature_names == problem.names
    assert list(model.transform(frame).columns) == ["principalcomponents0", "principalcomponents1"]


def test_pipeline_and_grid_search():
    problem = iris()
    pipeline = make_pipeline(PrincipalComponents(), LogisticRegression(max_iter=500))
    search = GridSearchCV(pipeline, {"principalcomponents__n_components": [1, 2, 0.99]}, cv=3)
    search.fit(problem.X, problem.labels)
    assert search.best_score_ > 0.9


def test_one_weight_for_all():
    X = data()
    model, plain = PrincipalComponents().fit(X, sample_weight=2.0), PrincipalComponents().fit(X)
    np.testing.assert_allclose(model.components_, plain.components_, atol=1e-12)
