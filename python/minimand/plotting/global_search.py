"""Pictures of global searches: the sawtooth under a function, the cells of a box."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minimand._common.arrays import Floats
from minimand.global_search import GlobalResult
from minimand.global_search.tree import cells as cells_of
from minimand.plotting._style import BLUE, GREEN, GREY, ORANGE, RED, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def sawtooth(
    found: GlobalResult,
    f: Callable[[Any], Any],
    *,
    lipschitz: float | None = None,
    gradient_lipschitz: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot a function of one variable, the samples, and what they say it is at least.

    Parameters
    ----------
    found : GlobalResult
        By Piyavskii's method.
    f : callable
        The function, of numbers (m,).
    lipschitz, gradient_lipschitz : float, optional
        As they were given; at least one.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import minimand
    >>> from minimand.plotting.global_search import sawtooth
    >>> from minimand.problems.global_search import pracma_waves
    >>> found = minimand.minimize_lipschitz(pracma_waves, (-3, 8), lipschitz=5, tol=0.5)
    >>> sawtooth(found, pracma_waves, lipschitz=5).get_xlabel()
    'x'
    """
    if found.method != "piyavskii":
        raise ValueError(f"found is by {found.method!r}, expected 'piyavskii'")
    if lipschitz is None and gradient_lipschitz is None:
        raise ValueError("lipschitz and gradient_lipschitz are None, expected one of them")
    ax = axes_or_new(ax)
    x, y = found.points, found.values
    tips = x[:1] if lipschitz is None else 0.5 * (x[1:] + x[:-1] - np.diff(y) / lipschitz)
    dense = np.unique(np.concatenate([np.linspace(x[0], x[-1], 2_000), x, tips]))
    below = np.array([_at_least(t, x, y, lipschitz, gradient_lipschitz) for t in dense])
    ax.plot(dense, np.asarray(f(dense)), color=BLUE, linewidth=1.8, label="f")
    ax.plot(dense, below, color=ORANGE, linewidth=1.0, label="lower bound")
    ax.scatter(x, y, s=12, color=GREY, zorder=3, label=f"{len(x)} samples")
    ax.scatter([float(found.x)], [found.fun], s=55, color=RED, zorder=4, label="best")
    for low, high in found.minimizer_boxes[:, 0]:
        ax.axvspan(low, high, color=GREEN, alpha=0.25, linewidth=0)
    ax.set_xlim(float(x[0]), float(x[-1]))
    ax.set_xlabel("x")
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax)


def _at_least(t: float, x: Floats, y: Floats, M: float | None, K: float | None) -> float:
    i = min(int(np.searchsorted(x, t, side="right")) - 1, len(x) - 2)
    left, right, w = t - x[i], x[i + 1] - t, x[i + 1] - x[i]
    bound = -math.inf
    if M is not None:
        bound = max(y[i] - M * left, y[i + 1] - M * right)
    if K is not None:
        bound = max(bound, (y[i] * right + y[i + 1] * left) / w - 0.5 * K * left * right)
    return float(bound)


def cells(
    found: GlobalResult,
    f: Callable[[Any], Any],
    bounds: object,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plot the cells of a search in two variables over level lines of the function.

    Small cells are where the bound was least. Regions without lines were left out: no minimiser can
    be there. Dots are in the cells that may hold one.

    Parameters
    ----------
    found : GlobalResult
        By branch and bound or DIRECT.
    f : callable
        The function, of points (..., 2).
    bounds : array_like (2, 2)
        As they were given.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    box: Floats = np.asarray(bounds, dtype=np.float64)
    if box.shape != (2, 2):
        raise ValueError(f"bounds has shape {box.shape}, expected (2, 2)")
    if not found.actions.size:
        raise ValueError(f"found is by {found.method!r}, expected a tree of cells")
    from matplotlib.collections import PolyCollection

    ax = axes_or_new(ax, width=5.4, height=4.8)
    axes = [np.linspace(low, high, 201) for low, high in box]
    values = np.asarray(f(np.stack(np.meshgrid(*axes), axis=-1)))
    levels = np.unique(np.quantile(values, (0.05, 0.3, 0.7)))
    ax.contour(*axes, values, levels=levels, colors=BLUE, linewidths=0.8)
    low, high = cells_of(found.actions, box)
    a, b = (ends[found.actions == 0] for ends in (low, high))
    corners = [a, np.stack([b[:, 0], a[:, 1]], axis=1), b, np.stack([a[:, 0], b[:, 1]], axis=1)]
    ax.add_collection(
        PolyCollection(
            list(np.stack(corners, axis=1)), facecolors="none", edgecolors=GREY, linewidths=0.4
        )
    )
    middle = found.minimizer_boxes.mean(axis=2)
    if len(middle):
        ax.scatter(
            middle[:, 0], middle[:, 1], s=22, color=GREEN, zorder=3, label="may hold a minimiser"
        )
    best = np.reshape(found.x, (2, 1))
    ax.scatter(best[0], best[1], s=45, color=RED, zorder=4, label="best")
    ax.set_xlim(*box[0])
    ax.set_ylim(*box[1])
    ax.locator_params(nbins=5)
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    ax.legend(
        frameon=False, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2
    )
    return tidy(ax, grid=None)
