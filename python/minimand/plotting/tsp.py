"""Pictures of tours, of how they came about, and a film of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from minimand._common.arrays import one_of
from minimand._common.errors import missing_extra
from minimand.plotting._style import BLUE, GREEN, GREY, ORANGE, RED, axes_or_new, tidy
from minimand.tsp.arguments import as_instance, as_tour
from minimand.tsp.instance import Instance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minimand.tsp import TSPProgress, TSPResult

_FEW = 400  # cities up to which each one gets a dot
_LAST_FRAMES = 10  # times that the last picture of a film is repeated

Over = Literal["seconds", "generation"]


def tour(
    result: TSPResult, points: object, *, caption: bool = True, ax: Axes | None = None
) -> Axes:
    """Draw a tour; an open end is orange, the first city of a path green.

    Parameters
    ----------
    result : TSPResult
        From `minimand.tsp`.
    points : array_like (N, 2) or Instance
        As they were given to `tsp`. Of more than two dimensions the first two are drawn; of
        geographical coordinates the longitude goes to the right.
    caption : bool
        Whether length, bound and gap stand below.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import minimand
    >>> from minimand.plotting.tsp import tour
    >>> points = [[0.0, 0.0], [4.0, 3.0], [0.0, 3.0], [4.0, 0.0]]
    >>> _ = tour(minimand.tsp(points), points)
    """
    instance = _instance(points, result)
    ax = axes_or_new(ax, 5.6, 5.6)
    _draw(ax, instance, result.tour, result.closed)
    if caption:
        words = f"{len(result.tour):,} cities, length {result.length:,.10g}"
        if math.isfinite(result.lower_bound):
            gap = "proven optimal" if result.proven_optimal else f"gap {result.gap:.2%}"
            words += f", {gap}"
        ax.set_xlabel(words, fontsize="small")
    return tidy(ax, grid=None)


def convergence(
    results: TSPResult | Mapping[str, TSPResult],
    *,
    over: Over = "seconds",
    mean: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Plot the best length, thin the mean of the population; dashed is the lower bound.

    Parameters
    ----------
    results : TSPResult, or mapping from str to TSPResult
        One run, or several with their names.
    over : {"seconds", "generation"}
        What the lengths are plotted over.
    mean : bool
        Whether to show the mean of the population.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    one_of("over", over, ("seconds", "generation"))
    named = results if isinstance(results, Mapping) else {"": results}
    ax = axes_or_new(ax)
    colours = (BLUE, ORANGE, GREEN, RED)
    for k, (name, result) in enumerate(named.items()):
        rows = [[record[key] for key in (over, "best", "mean")] for record in result.history]
        x, best, average = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        colour = colours[k % len(colours)]
        ax.plot(x, best, color=colour, linewidth=1.8, label=name)
        if mean:
            ax.plot(x, average, color=colour, linewidth=0.9, alpha=0.7)
    bounds = [r.lower_bound for r in named.values() if math.isfinite(r.lower_bound)]
    if bounds:
        ax.axhline(max(bounds), color=GREY, linewidth=1.2, linestyle=(0, (4, 4)))
    ax.set_xlabel(over)
    ax.set_ylabel("length")
    if any(named):
        ax.legend(frameon=False)
    return tidy(ax)


def animate(
    frames: Sequence[TSPProgress],
    points: object,
    path: str | Path,
    *,
    closed: bool = True,
    metric: str = "euclidean",
    seconds: float = 8.0,
    size: float = 5.0,
) -> None:
    """Write a GIF of how the best tour changed.

    Parameters
    ----------
    frames : sequence of TSPProgress
        What a callback of `tsp` collected: `frames = []`, then `callback=frames.append`. Frames in
        which the length is that of the one before are left out.
    points, closed, metric
        As they were given to `tsp`.
    path : str or Path
        The file to write.
    seconds : float
        How long it takes, without the last picture.
    size : float
        Width and height in inches, at 100 dots each.
    """
    instance = as_instance("points", points, closed=closed, metric=metric)
    kept = [now for k, now in enumerate(frames) if k == 0 or now.length != frames[k - 1].length]
    if not kept:
        raise ValueError("frames is empty, expected what a callback of tsp got")
    try:
        from matplotlib.animation import FuncAnimation, PillowWriter
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("matplotlib", "plot") from None
    figure = Figure(figsize=(size, size), dpi=100, layout="constrained")
    ax = figure.subplots()

    def draw(k: int) -> list[object]:
        now = kept[min(k, len(kept) - 1)]
        ax.clear()
        _draw(ax, instance, now.tour, instance.closed)
        ax.set_xlabel(f"generation {now.generations:,}: length {now.length:,.8g}")
        tidy(ax, grid=None)
        return []

    pause = 1000.0 * seconds / len(kept)
    film = FuncAnimation(figure, draw, frames=len(kept) + _LAST_FRAMES, interval=pause)  # type: ignore[arg-type]
    film.save(str(path), writer=PillowWriter(fps=max(1, min(50, round(1000.0 / pause)))))


def _instance(points: object, result: TSPResult) -> Instance:
    instance = as_instance(
        "points",
        points,
        closed=result.closed,
        start=result.start,
        end=result.end,
        metric=result.metric,
    )
    as_tour("tour", result.tour, instance.N)
    return instance


def _draw(ax: Axes, instance: Instance, order: object, closed: bool) -> None:
    xy = instance.points
    if xy.shape[1] < 2:
        raise ValueError("points has no second coordinate to draw; a matrix of distances has none")
    if instance.metric == "geo":
        xy = xy[:, ::-1]
    way = xy[np.asarray(order)]
    if closed:
        way = np.concatenate([way, way[:1]])
    ax.plot(way[:, 0], way[:, 1], color=BLUE, linewidth=1.2, zorder=1)
    if len(xy) <= _FEW:
        ax.scatter(xy[:, 0], xy[:, 1], s=12, color=GREY, zorder=2)
    if not closed:
        ax.scatter(way[:1, 0], way[:1, 1], s=40, color=GREEN, zorder=3)
        ax.scatter(way[-1:, 0], way[-1:, 1], s=40, color=ORANGE, zorder=3)
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
