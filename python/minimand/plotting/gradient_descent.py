"""Pictures of descents: the way, the guarantee beside what was measured, rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minimand._common.arrays import Floats
from minimand.gradient_descent import DescentResult, convergence_rate
from minimand.plotting._style import BLUE, GREEN, GREY, ORANGE, RED, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (BLUE, ORANGE, GREEN, RED, GREY)


def curve(
    results: Mapping[str, DescentResult],
    f: Callable[[Any], Any],
    bounds: tuple[float, float],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plot a function of one variable and the points of descents on it.

    Parameters
    ----------
    results : mapping from str to DescentResult
        With their paths (`path=True`).
    f : callable
        The function, of an array of numbers.
    bounds : (float, float)
        Ends of the axis.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax)
    x = np.linspace(*bounds, 500)
    ax.plot(x, f(x), color=GREY, linewidth=1.6)
    for (name, result), colour in zip(results.items(), _cycle(len(results)), strict=True):
        points = _path(name, result)[:, 0]
        ax.plot(points, result.values, color=colour, linewidth=0.9, alpha=0.7)
        ax.scatter(points, result.values, s=16, color=colour, zorder=3, label=name)
        ax.scatter(points[-1:], result.values[-1:], s=60, color=colour, marker="*", zorder=4)
    ax.set_xlim(*bounds)
    ax.set_xlabel("x")
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax)


def plane(
    results: Mapping[str, DescentResult],
    f: Callable[[Any], Any],
    bounds: object,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plot level lines of a function of two variables and the ways of descents.

    Parameters
    ----------
    results : mapping from str to DescentResult
        With their paths (`path=True`).
    f : callable
        The function, of points (..., 2).
    bounds : array_like (2, 2)
        Low and high ends of both variables.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    box: Floats = np.asarray(bounds, dtype=np.float64)
    if box.shape != (2, 2):
        raise ValueError(f"bounds has shape {box.shape}, expected (2, 2)")
    ax = axes_or_new(ax, width=5.4, height=4.8)
    axes = [np.linspace(low, high, 201) for low, high in box]
    values = np.asarray(f(np.stack(np.meshgrid(*axes), axis=-1)))
    lifted = np.log1p(values - values.min())
    ax.contour(*axes, lifted, levels=16, colors=GREY, linewidths=0.6, alpha=0.7)
    for (name, result), colour in zip(results.items(), _cycle(len(results)), strict=True):
        points = _path(name, result)
        ax.plot(*points.T, color=colour, linewidth=1.2, marker=".", markersize=3, label=name)
        ax.scatter(points[-1:, 0], points[-1:, 1], s=70, color=colour, marker="*", zorder=4)
    ax.set_xlim(*box[0])
    ax.set_ylim(*box[1])
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax, grid=None)


def guarantee(result: DescentResult, *, ax: Axes | None = None) -> Axes:
    """Plot the gradient norms of a run below what theory guarantees of the least of them.

    Parameters
    ----------
    result : DescentResult
        Of gradient steps.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    bounds = result.guarantees
    if bounds is None:
        raise ValueError("result has no guarantee: it has momentum, no L, or a step above 2/L")
    ax = axes_or_new(ax)
    t = np.arange(1, len(bounds) + 1)
    ax.plot(t, result.gradient_norms[:-1], color=GREY, linewidth=1.0, label="gradient norm")
    best = np.minimum.accumulate(result.gradient_norms[:-1])
    ax.plot(t, best, color=BLUE, linewidth=1.8, label="the least so far")
    ax.plot(t, bounds, color=ORANGE, linewidth=1.8, label="guaranteed, from the fall of f")
    if result.f_lower is not None:
        ahead = bounds[0] * np.sqrt(
            (result.values[0] - result.f_lower) / (result.values[0] - result.values[1]) / t
        )
        ax.plot(t, ahead, color=RED, linewidth=1.2, linestyle=(0, (4, 3)), label="known in advance")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("steps")
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax, grid="both")


def rates(errors: Mapping[str, object], *, ax: Axes | None = None) -> Axes:
    """Plot sequences of errors, with what `convergence_rate` says of them.

    Parameters
    ----------
    errors : mapping from str to array_like (N,)
        Names and sequences.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import numpy as np
    >>> from minimand.plotting.gradient_descent import rates
    >>> rates({"halved": 0.5 ** np.arange(30)}).get_yscale()
    'log'
    """
    ax = axes_or_new(ax)
    for (name, sequence), colour in zip(errors.items(), _cycle(len(errors)), strict=True):
        e: Floats = np.asarray(sequence, dtype=np.float64)
        verdict = str(convergence_rate(e)).partition(" (")[0]
        shown = np.where(e > 0.0, e, np.nan)
        t = np.arange(1, len(e) + 1)
        ax.plot(t, shown, color=colour, linewidth=1.6, label=f"{name}: {verdict}")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(bottom=1e-17)
    ax.set_xlabel("steps")
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax, grid="both")


def _cycle(count: int) -> list[str]:
    return [_COLOURS[k % len(_COLOURS)] for k in range(count)]


def _path(name: str, result: DescentResult) -> Floats:
    if result.path is None:
        raise ValueError(f"{name} has no path; run with path=True")
    return result.path
