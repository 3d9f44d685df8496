"""Pictures of enclosing ellipsoids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minimand._common.arrays import Floats, as_matrix
from minimand.plotting._style import BLUE, GREY, ORANGE, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minimand.ellipsoid.result import EllipsoidResult

_ANGLES = 361
_MOST = 20_000  # points that are drawn; more are thinned out, the support never


def ellipse(result: EllipsoidResult, points: object, *, ax: Axes | None = None) -> Axes:
    """Plot points in the plane, their ellipse with its axes, and the points that determine it.

    Parameters
    ----------
    result : EllipsoidResult
        From `minimand.min_volume_ellipsoid`, in two dimensions.
    points : array_like (m, 2)
        The points of the call.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import minimand
    >>> from minimand.plotting.ellipsoid import ellipse
    >>> points = [[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [1.5, 1.0], [0.9, 0.4]]
    >>> legend = ellipse(minimand.min_volume_ellipsoid(points), points).get_legend()
    >>> [text.get_text() for text in legend.get_texts()]
    ['5 points', 'least ellipse', '4 support points']
    """
    if result.center.shape != (2,) or result.rank != 2:
        raise ValueError(
            f"result has rank {result.rank} in {result.center.size} dimensions, expected 2 in 2"
        )
    cloud = as_matrix("points", points, columns=2)
    if len(cloud) != len(result.weights):
        raise ValueError(f"points has {len(cloud)} rows, expected {len(result.weights)}")
    ax = axes_or_new(ax, width=5.5, height=4.8)
    shown = cloud[:: -(-len(cloud) // _MOST)]
    size = 18.0 if len(shown) <= 2000 else 3.0
    x, y = shown.T
    ax.scatter(x, y, s=size, color=GREY, alpha=0.6, linewidths=0, label=_count(cloud, "point"))
    angles = np.linspace(0.0, 2.0 * np.pi, _ANGLES)
    circle = np.vstack([np.cos(angles), np.sin(angles)])
    boundary = result.center[:, np.newaxis] + result.axes @ (result.radii[:, np.newaxis] * circle)
    ax.plot(*boundary, color=BLUE, linewidth=1.8, label="least ellipse")
    for axis, radius in zip(result.axes.T, result.radii, strict=True):
        ends = np.vstack([result.center - radius * axis, result.center + radius * axis])
        ax.plot(*ends.T, color=BLUE, linewidth=0.9, alpha=0.45)
    support = cloud[result.support]
    x, y = support.T
    ax.scatter(
        x, y, s=48.0, facecolors="none", edgecolors=ORANGE, linewidths=1.8, zorder=3,
        label=_count(support, "support point"),
    )  # fmt: skip
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax, grid="both")


def _count(rows: Floats, noun: str) -> str:
    number = len(rows)
    return f"{number:,} {noun}{'s' * (number != 1)}"
