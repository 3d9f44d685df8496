"""Pictures of principal components show what the results say."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import minimand
from minimand.plotting import pca as plot
from minimand.problems.pca import iris, longley, planted


@pytest.fixture
def ax():
    before = dict(mpl.rcParams)
    yield Figure().subplots()
    assert dict(mpl.rcParams) == before


def test_scores_are_those_of_the_result(ax):
    problem = iris()
    result = minimand.pca(problem.X, 3)
    names = ["a", "b", "c", "d"]
    found = plot.scores(
        result, problem.X, labels=problem.labels, components=(0, 2), names=names, ax=ax
    )
    assert found is ax
    points = np.vstack([np.asarray(group.get_offsets()) for group in ax.collections])
    np.testing.assert_allclose(points, result.transform(problem.X)[:, [0, 2]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "setosa", "versicolor", "virginica",
    ]  # fmt: skip
    assert [text.get_text() for text in ax.texts if text.get_text()] == names
    assert ax.get_ylabel() == "component 2: 1.7% of the variance"


def test_scores_without_arrows_or_labels(ax):
    problem = iris()
    plot.scores(minimand.pca(problem.X, 2), problem.X[:9], loadings=False, ax=ax)
    assert not ax.texts
    assert ax.get_legend() is None


def test_scores_check_their_arguments(ax):
    problem = iris()
    result = minimand.pca(problem.X, 2)
    with pytest.raises(ValueError, match=r"components is \(0, 2\), expected two numbers below 2"):
        plot.scores(result, problem.X, components=(0, 2), ax=ax)
    with pytest.raises(ValueError, match="labels has 1 entries but X has 150 rows"):
        plot.scores(result, problem.X, labels=["a"], ax=ax)
    with pytest.raises(ValueError, match="names has 1 entries, expected 4"):
        plot.scores(result, problem.X, names=["a"], ax=ax)
    with pytest.raises(ValueError, match="X has 3 columns, expected 4"):
        plot.scores(result, problem.X[:, :3], ax=ax)


def test_explained_variance_adds_up(ax):
    result = minimand.pca(planted(50, 5, [4.0, 3.0, 3.0, 1.0, 0.5]).X)
    assert plot.explained_variance(result, ax=ax) is ax
    heights = [bar.get_height() for bar in ax.patches]
    np.testing.assert_allclose(heights, result.explained_variance_ratio)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.cumsum(heights))
    colours = [bar.get_facecolor() for bar in ax.patches]
    assert colours[1] == colours[2] != colours[0] == colours[3]  # the cluster


def test_accuracy_shows_bounds_and_errors(ax):
    problem = longley()
    result = minimand.pca(problem.X)
    assert plot.accuracy({"svd": result}, truth=problem.singular_values, ax=ax) is ax
    proved, made = (line.get_ydata() for line in ax.lines)
    assert (made <= proved).all()
    bound = result.singular_value_bound * result.singular_values[0] / result.singular_values
    np.testing.assert_allclose(proved, bound)


def test_new_figure_belongs_to_pyplot(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    ax = plot.explained_variance(minimand.pca(iris().X))
    assert pyplot.gcf() is ax.figure
    pyplot.close("all")
