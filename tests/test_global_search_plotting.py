"""Pictures of global searches show what the results say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from minimand import minimize_lipschitz
from minimand.plotting import global_search as plot
from minimand.problems.functions import himmelblau
from minimand.problems.global_search import pracma_waves


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.mark.parametrize("constants", [{"lipschitz": 5.0}, {"gradient_lipschitz": 13.69}])
def test_the_sawtooth_is_below_f_and_touches_the_samples(ax, constants):
    found = minimize_lipschitz(pracma_waves, (-3, 8), tol=0.1, **constants)
    assert plot.sawtooth(found, pracma_waves, ax=ax, **constants) is ax
    f, below = ax.lines[0], ax.lines[1]
    x = np.asarray(f.get_xdata())
    assert (np.asarray(below.get_ydata()) <= np.asarray(f.get_ydata()) + 1e-12).all()
    assert np.min(below.get_ydata()) == pytest.approx(found.lower_bound, abs=0.01)
    at = np.searchsorted(x, found.points)
    np.testing.assert_allclose(np.asarray(below.get_ydata())[at], found.values, atol=1e-12)
    assert len(ax.patches) == len(found.minimizer_boxes)


def test_cells_that_were_not_left_out(ax):
    problem = himmelblau()
    found = minimize_lipschitz(
        problem.f, problem.bounds, gradient_lipschitz=328.0, grad=problem.grad, tol=0.1
    )
    assert plot.cells(found, problem.f, problem.bounds, ax=ax) is ax
    leaves = ax.collections[1].get_paths()
    assert len(leaves) == np.sum(found.actions == 0)
    area = sum(np.prod(np.ptp(path.vertices, axis=0)) for path in leaves)
    assert 20.0 < area <= 100.0 + 1e-9
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["may hold a minimiser", "best"]


def test_pictures_of_something_else(ax):
    found = minimize_lipschitz(pracma_waves, (-3, 8), lipschitz=5.0, tol=0.1)
    with pytest.raises(ValueError, match="expected a tree of cells"):
        plot.cells(found, pracma_waves, [(0, 1), (0, 1)], ax=ax)
    with pytest.raises(ValueError, match=r"bounds has shape \(2,\)"):
        plot.cells(found, pracma_waves, (0, 1), ax=ax)
    with pytest.raises(ValueError, match="expected one of them"):
        plot.sawtooth(found, pracma_waves, ax=ax)
    other = minimize_lipschitz(pracma_waves, (-3, 8), max_evaluations=50)
    with pytest.raises(ValueError, match="found is by 'direct'"):
        plot.sawtooth(other, pracma_waves, lipschitz=5.0, ax=ax)
