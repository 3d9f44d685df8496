"""Pictures of stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minimand.plotting._style import BLUE, GREEN, GREY, ORANGE, RED, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minimand.sgd.loops import LoopComparison
    from minimand.sgd.result import SGDResult

_COLOURS = (BLUE, ORANGE, GREEN, RED, GREY)


def convergence(results: Mapping[str, SGDResult], *, ax: Axes | None = None) -> Axes:
    """Plot how far the objective still was from the best known one, epoch by epoch.

    Epochs whose gap was tested (`tol_gap`) have their objective; the reference is the largest lower
    bound of all results, so that no curve is flattered by its own minimum.

    Parameters
    ----------
    results : mapping from str to SGDResult
        Runs on the same problem, made with `tol_gap`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import minimand
    >>> from minimand.plotting.sgd import convergence
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 1.0]
    >>> fit = minimand.sgd(
    ...     X, y, l2=0.1, batch_size=1, variance_reduction="saga", tol_gap=1e-6, epochs=500
    ... )
    >>> convergence({"saga": fit}).get_ylabel()
    'objective above the lower bound'
    """
    floor = max((result.dual for result in results.values()), default=-np.inf)
    if not np.isfinite(floor):
        raise ValueError("results has no finite lower bound, expected certified ones")
    ax = axes_or_new(ax)
    for k, (name, result) in enumerate(results.items()):
        tested = [record for record in result.history if "fun" in record]
        if not tested:
            raise ValueError(f"results has {name!r} without tested epochs; fit with tol_gap")
        steps = result.iterations / max(result.epochs, 1)
        epochs = [record["iteration"] / steps for record in tested]
        excess = [max(record["fun"] - floor, 1e-16) for record in tested]
        ax.plot(epochs, excess, color=_COLOURS[k % len(_COLOURS)], linewidth=2.0, label=name)
    ax.set_yscale("log")
    ax.set_xlabel("epoch")
    ax.set_ylabel("objective above the lower bound")
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax)


def loops(comparisons: Sequence[LoopComparison], *, ax: Axes | None = None) -> Axes:
    """Plot the times of `compare_loops`, one group for each task.

    Parameters
    ----------
    comparisons : sequence of LoopComparison
        What to show.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax)
    rows = np.arange(len(comparisons))
    kinds = (("Python loop", "python"), ("NumPy", "numpy"), ("C++", "cpp"))
    for k, (label, name) in enumerate(kinds):
        times = [getattr(found, name) for found in comparisons]
        ax.barh(rows + 0.26 * (k - 1), times, height=0.24, color=_COLOURS[k], label=label)
    ax.set_yticks(rows, [found.task for found in comparisons])
    ax.set_ylim(len(comparisons) - 0.5, -0.5)
    ax.set_xscale("log")
    ax.set_xlabel("seconds")
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax, grid="x")
