"""The picture of an ellipse shows what the result says."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from minimand import min_volume_ellipsoid
from minimand.plotting.ellipsoid import ellipse
from minimand.problems.ellipsoid import boyd_vandenberghe, cloud


@pytest.fixture
def ax():
    """Axes without pyplot; matplotlib's settings must survive the picture."""
    before = dict(mpl.rcParams)
    yield Figure().subplots()
    assert dict(mpl.rcParams) == before


def test_ellipse_and_support_are_those_of_the_result(ax):
    points = boyd_vandenberghe().points
    result = min_volume_ellipsoid(points)
    assert ellipse(result, points, ax=ax) is ax
    boundary = np.column_stack(ax.lines[0].get_data())
    norms = np.linalg.norm(boundary @ result.A.T + result.b, axis=1)
    assert norms == pytest.approx(1.0, abs=1e-12)
    crowd, support = (np.asarray(dots.get_offsets()) for dots in ax.collections)
    np.testing.assert_array_equal(crowd, points)
    np.testing.assert_array_equal(support, points[result.support])
    lengths = [
        np.linalg.norm(np.ptp(np.column_stack(line.get_data()), axis=0)) for line in ax.lines[1:]
    ]
    assert lengths == pytest.approx(2 * result.radii)


def test_large_clouds_are_thinned_out_but_not_their_support(ax):
    points = cloud("gaussian", 50_000, 2)
    result = min_volume_ellipsoid(points)
    ellipse(result, points, ax=ax)
    crowd, support = (np.asarray(dots.get_offsets()) for dots in ax.collections)
    assert len(crowd) <= 20_000
    assert len(support) == len(result.support)
    assert ax.get_legend().get_texts()[0].get_text() == "50,000 points"


def test_other_dimensions_are_an_error(ax):
    points = cloud("gaussian", 20, 3)
    with pytest.raises(ValueError, match="result has rank 3 in 3 dimensions, expected 2 in 2"):
        ellipse(min_volume_ellipsoid(points), points, ax=ax)
    flat = boyd_vandenberghe().points
    with pytest.raises(ValueError, match="points has 5 rows, expected 6"):
        ellipse(min_volume_ellipsoid(flat), flat[:5], ax=ax)
