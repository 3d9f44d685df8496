"""Pictures: on the axes that are given, with what they should show, matplotlib left as it was."""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import minimand
from minimand.plotting import least_squares as plot
from minimand.plotting._style import NIGHT_INK, NIGHT_PAPER, recolour

X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.5], [3.0, -1.0], [4.0, 0.5], [5.0, 1.0]])
Y = np.array([1.0, 2.2, 2.9, 4.1, 5.2, 5.8])


@pytest.fixture
def ax():
    """Axes without pyplot; matplotlib's settings must survive the picture."""
    before = dict(mpl.rcParams)
    yield Figure().subplots()
    assert dict(mpl.rcParams) == before


@pytest.fixture
def fit():
    return minimand.lstsq(X, Y, intercept=True)


def test_residuals_are_those_of_the_fit(ax, fit):
    assert plot.residuals(fit, X, Y, ax=ax) is ax
    points = np.asarray(ax.collections[0].get_offsets())
    np.testing.assert_allclose(points[:, 0], fit.predict(X))
    np.testing.assert_allclose(points[:, 1], Y - fit.predict(X), atol=1e-14)
    heights = sorted(line.get_ydata()[0] for line in ax.lines)
    spread = 2 * fit.residual_norm / np.sqrt(len(Y) - 3)
    np.testing.assert_allclose(heights, [-spread, 0.0, spread], rtol=1e-12)


def test_residuals_of_several_targets_have_one_cloud_each(ax):
    targets = np.column_stack([Y, -Y, Y**2, Y**3, Y - 1])
    plot.residuals(minimand.lstsq(X, targets), X, targets, ax=ax)
    assert len(ax.collections) == 5


def test_residuals_check_the_data(ax, fit):
    with pytest.raises(ValueError, match="y has 5 entries but X has 6 rows"):
        plot.residuals(fit, X, Y[:5], ax=ax)
    with pytest.raises(ValueError, match="X has 1 columns, expected 2"):
        plot.residuals(fit, X[:, :1], Y, ax=ax)


def test_coefficients_are_named(ax, fit):
    assert plot.coefficients(fit, names=["slope", "other"], ax=ax) is ax
    assert [label.get_text() for label in ax.get_yticklabels()] == ["slope", "other"]
    drawn = np.concatenate([np.asarray(dots.get_offsets()) for dots in ax.collections[1::2]])
    expected = fit.coef / fit.standard_error
    np.testing.assert_allclose(np.sort(drawn[:, 0]), np.sort(expected))


def test_coefficients_check_their_arguments(ax, fit):
    with pytest.raises(ValueError, match="names has 1 entries, expected 2"):
        plot.coefficients(fit, names=["slope"], ax=ax)
    several = minimand.lstsq(X, np.column_stack([Y, Y]))
    with pytest.raises(ValueError, match="2 right-hand sides, expected one"):
        plot.coefficients(several, ax=ax)


def test_correct_digits_shows_every_method(ax):
    digits = {"a": 3.0, "b": 12.5, "c": 0.0}
    plot.correct_digits(digits, claimed={"b": 11.0}, failed=["c"], attainable=14.0, ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(digits)
    assert [text.get_text() for text in ax.texts] == ["3.0", "12.5", "0.0"]
    assert [line.get_xdata()[0] for line in ax.lines] == [14.0]


def test_new_figure_belongs_to_pyplot(fit, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    ax = plot.coefficients(fit)
    assert pyplot.gcf() is ax.figure
    pyplot.close("all")


def test_dark_paint_reaches_all_words(ax):
    plot.correct_digits({"a": 3.0}, ax=ax)
    ax.plot([1], [1], label="line")
    ax.legend()
    recolour(ax.figure, night=True)
    words = [ax.xaxis.label, *ax.texts, *ax.get_legend().get_texts(), *ax.get_xticklabels()]
    assert {word.get_color() for word in words} == {NIGHT_INK}
    assert mpl.colors.to_hex(ax.figure.get_facecolor()) == NIGHT_PAPER


def test_missing_matplotlib_names_the_pip_command(fit, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "minimand\[plot\]"'):
        plot.residuals(fit, X, Y)


def test_importing_pictures_does_not_import_matplotlib(run_python):
    code = "import sys, minimand.plotting; print('matplotlib' in sys.modules)"
    assert run_python(code).strip() == "False"
