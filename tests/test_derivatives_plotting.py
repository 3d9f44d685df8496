"""Pictures of derivatives show what the results say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

import minimand
from minimand.plotting import derivatives as plot
from minimand.problems import functions


@pytest.fixture
def ax():
    return Figure().subplots()


def test_errors_over_steps(ax):
    steps = np.logspace(-12, -1, 30)
    assert plot.step_errors(np.exp, 1.0, math.e, steps=steps, ax=ax) is ax
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["forward difference", "central difference", "Richardson"]
    forward = ax.lines[0]
    h = np.asarray(forward.get_xdata())
    expected = np.abs((np.exp(1 + h) - math.e) / h - math.e)
    np.testing.assert_allclose(forward.get_ydata(), np.maximum(expected, 1e-17), rtol=1e-6)
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_models_and_their_bands(ax):
    models = {
        f"order {p}": minimand.taylor_model(np.exp, 0.0, p, derivative_bound=math.e) for p in (1, 3)
    }
    assert plot.taylor_models(models, np.exp, ax=ax) is ax
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["f", "order 1", "order 3"]
    for line, model in zip(ax.lines[1:], models.values(), strict=True):
        np.testing.assert_allclose(line.get_ydata(), model(np.asarray(line.get_xdata())))
    assert len(ax.collections) == 4  # two bands, two centres
    bare = minimand.taylor_model(np.exp, 0.0, 2)
    plot.taylor_models({"no bound": bare}, np.exp, ax=Figure().subplots())


def test_models_are_of_one_variable(ax):
    model = minimand.taylor_model(functions.saddle(), [1.0, 2.0])
    with pytest.raises(ValueError, match="models has 'plane' of several variables"):
        plot.taylor_models({"plane": model}, functions.saddle(), ax=ax)
    with pytest.raises(ValueError, match="reach is 0"):
        plot.taylor_models({}, np.exp, reach=0.0, ax=ax)


def test_stationary_points_have_the_marks_of_their_kinds(ax):
    problem = functions.himmelblau()
    points = [minimand.classify_stationary_point(problem, x) for x in problem.stationary_points]
    assert plot.stationary_points(points, problem, problem.bounds, ax=ax) is ax
    labels = {text.get_text() for text in ax.get_legend().get_texts()}
    assert labels == {"minimum", "maximum", "saddle"}
    assert len(ax.lines) == 4  # one through each saddle
    for line in ax.lines:
        a, b = np.asarray(line.get_xydata())
        assert problem(0.5 * (a + b)) > max(problem(a), problem(b))
    with pytest.raises(ValueError, match=r"bounds has shape \(3,\)"):
        plot.stationary_points(points, problem, [1, 2, 3], ax=ax)
