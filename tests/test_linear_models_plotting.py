"""Pictures of linear models show what the fits say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import minimand
from minimand.plotting import linear_models as plot
from minimand.problems.linear_models.chebyshev import stackloss

X = np.arange(6.0)
Y = np.array([0.0, 1.5, 1.0, 4.0, 3.0, 6.0])


@pytest.fixture
def ax():
    return Figure().subplots()


def test_lines_are_those_of_the_fits(ax):
    fits = {
        noise: minimand.maximum_likelihood(X[:, None], Y, noise=noise)
        for noise in ("gaussian", "uniform")
    }
    assert plot.lines(fits, X, Y, ax=ax) is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(fits)
    for line, fit in zip(ax.lines, fits.values(), strict=True):
        expected = np.array([0.0, 5.0]) * fit.coef[0] + fit.intercept
        np.testing.assert_allclose(line.get_ydata(), expected)
    np.testing.assert_allclose(ax.collections[0].get_offsets(), np.column_stack([X, Y]))


def test_lines_check_their_arguments(ax):
    problem = stackloss()
    fit = minimand.chebyshev_fit(problem.X, problem.y)
    with pytest.raises(ValueError, match="fits has 'three' of 3 columns, expected one"):
        plot.lines({"three": fit}, X, Y, ax=ax)
    with pytest.raises(ValueError, match="y has 5 entries but x has 6 rows"):
        plot.lines({}, X, Y[:5], ax=ax)


def test_intervals_are_drawn_in_their_own_units(ax):
    problem = stackloss()
    fit = minimand.chebyshev_fit(problem.X, problem.y, half_width=6.0, intervals=True)
    assert plot.intervals(fit, names=["air", "water", "acid"], ax=ax) is ax
    assert [label.get_text() for label in ax.get_yticklabels()] == ["air", "water", "acid"]
    clear = ax.collections[0].get_segments()  # those that exclude 0
    assert len(clear) == 2
    low, high = fit.intervals[:2].T
    np.testing.assert_allclose([part[0, 0] for part in clear], low / high)
    with pytest.raises(ValueError, match="names has 1 entries, expected 3"):
        plot.intervals(fit, names=["air"], ax=ax)
    with pytest.raises(ValueError, match="result has no intervals"):
        plot.intervals(minimand.chebyshev_fit(problem.X, problem.y), ax=ax)
