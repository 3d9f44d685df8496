"""The problems are what they say they are."""

import numpy as np
import pytest

from minimand.problems import pca as problems


@pytest.mark.parametrize("copy", ["fisher", "uci"])
def test_iris(copy):
    problem = problems.iris(copy)
    assert problem.X.shape == (150, 4)
    assert not problem.X.flags.writeable
    assert {label: problem.labels.count(label) for label in problem.labels} == {
        "setosa": 50, "versicolor": 50, "virginica": 50,
    }  # fmt: skip
    sigma = np.linalg.svd(problem.X - problem.X.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(problem.singular_values, sigma, rtol=1e-6)


def test_iris_is_that_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    loaded = datasets.load_iris()
    assert np.array_equal(problems.iris().X, loaded.data)
    assert list(problems.iris().labels) == [str(loaded.target_names[i]) for i in loaded.target]


def test_copies_differ_in_two_rows():
    different = np.flatnonzero((problems.iris().X != problems.iris("uci").X).any(axis=1))
    assert different.tolist() == [34, 37]
    with pytest.raises(ValueError, match="did you mean 'fisher'"):
        problems.iris("fischer")


@pytest.mark.parametrize(
    "problem",
    [
        problems.iris("uci"),
        problems.longley(),
        problems.planted(30, 5, [3.0, 2.0, 1.0], offset=4.0),
        problems.planted(5, 30, [3.0, 2.0, 1.0, 0.5], rng=1),
    ],
    ids=lambda problem: f"{problem.name} {problem.X.shape}",
)
def test_components_are_singular_vectors(problem):
    B = problem.X - problem.X.mean(axis=0)
    V, sigma = problem.components, problem.singular_values
    np.testing.assert_allclose(V @ V.T, np.eye(len(V)), atol=1e-14)
    size = 1e-14 * sigma[0] ** 2
    np.testing.assert_allclose(V @ B.T @ B, sigma[:, None] ** 2 * V, atol=size)
    assert (V[np.arange(len(V)), np.abs(V).argmax(axis=1)] > 0).all()


def test_lauchli():
    problem = problems.lauchli(5, 1e-3)
    sigma = np.linalg.svd(problem.X, compute_uv=False)
    np.testing.assert_allclose(sigma, problem.singular_values, rtol=1e-12)
    assert not problem.center


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="singular_values has 4 entries, expected 1 to 3"):
        problems.planted(4, 9, [4.0, 3.0, 2.0, 1.0])
    with pytest.raises(ValueError, match="n is 0"):
        problems.lauchli(0, 0.1)
