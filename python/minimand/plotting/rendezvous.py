"""Pictures of meetings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minimand._common.arrays import Floats
from minimand.plotting._style import BLUE, GREY, ORANGE, RED, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minimand.rendezvous.result import RendezvousEnergies, RendezvousResult, ThrustResult


def trajectories(
    result: RendezvousResult | ThrustResult,
    *,
    states: Sequence[int] = (0, 1),
    z_states: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot the paths of both bodies in a plane; dots are a tenth of the time apart.

    Parameters
    ----------
    result : RendezvousResult or ThrustResult
        With a plan.
    states : pair of int
        The two states of the first body that are its place.
    z_states : pair of int, optional
        Those of the second body, where they are others.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import minimand
    >>> from minimand.plotting.rendezvous import trajectories
    >>> from minimand.problems.rendezvous import lecture
    >>> plan = minimand.rendezvous(*lecture().bodies, 100)
    >>> [text.get_text() for text in trajectories(plan).get_legend().get_texts()]
    ['first body', 'second body', 'meeting']
    """
    x, z, _, _ = _plan(result)
    ax = axes_or_new(ax)
    places = (x[:, list(states)], z[:, list(states if z_states is None else z_states)])
    for place, colour, name in zip(places, (BLUE, ORANGE), ("first", "second"), strict=True):
        if place.shape[1] != 2:
            raise ValueError(f"states has {place.shape[1]} entries, expected two")
        ax.plot(*place.T, color=colour, linewidth=2.0, label=f"{name} body")
        x0, y0 = place[0]
        ax.scatter(x0, y0, s=40, facecolors="none", edgecolors=colour, linewidths=1.6, zorder=3)
        marks = np.linspace(0, len(place) - 1, 11).round().astype(int)[1:-1]
        ax.scatter(place[marks, 0], place[marks, 1], s=14, color=colour, linewidths=0, zorder=3)
    here = places[0][-1]
    ax.scatter(
        here[0], here[1], s=70, marker="X", color=RED, linewidths=0, zorder=4, label="meeting"
    )
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax, grid="both")


def thrust(
    result: RendezvousResult | ThrustResult,
    *,
    norm: str = "2",
    bound: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot the thrust of both bodies over time.

    Parameters
    ----------
    result : RendezvousResult or ThrustResult
        With a plan.
    norm : {"2", "inf"}
        The length of the inputs of a step, or their largest component.
    bound : float, optional
        Drawn as a line, if given.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    _, _, u, v = _plan(result)
    ax = axes_or_new(ax)
    steps = np.arange(len(u) + 1)
    # The first one wider, so that it shows where both are the same.
    for inputs, colour, width, name in ((u, BLUE, 4.0, "first"), (v, ORANGE, 1.6, "second")):
        size = np.abs(inputs).max(axis=1) if norm == "inf" else np.linalg.norm(inputs, axis=1)
        line = ax.stairs(size, steps, baseline=None, color=colour, label=f"{name} body")
        line.set_linewidth(width)
    if bound is not None:
        ax.axhline(bound, color=GREY, linewidth=1.2, linestyle="--", label="bound")
    ax.set_ylim(0, 1.3 * ax.get_ylim()[1])
    ax.set_xlabel("step")
    ax.set_ylabel("thrust")
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax)


def energy(result: RendezvousEnergies, *, ax: Axes | None = None) -> Axes:
    """Plot the least energy against the number of steps, on logarithmic axes.

    Parameters
    ----------
    result : RendezvousEnergies
        From `rendezvous_energy`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax)
    steps = np.arange(1, len(result.energy) + 1)
    possible = np.isfinite(result.energy)
    ax.plot(steps[possible], result.energy[possible], color=BLUE, linewidth=2.0)
    for T in steps[~possible]:
        ax.axvspan(T - 0.5, T + 0.5, color=RED, alpha=0.15, linewidth=0)
    if result.best is not None:
        ax.scatter(result.best, result.energy[result.best - 1], s=40, color=RED, zorder=3)
    ax.set_xscale("log")
    ax.set_xlim(0.8, 1.25 * len(steps))
    ax.set_yscale("log")
    ax.set_xlabel("steps until the meeting")
    ax.set_ylabel("least energy")
    return tidy(ax, grid="both")


def _plan(result: RendezvousResult | ThrustResult) -> tuple[Floats, Floats, Floats, Floats]:
    if result.x is None or result.z is None or result.u is None or result.v is None:
        raise ValueError("result has no plan: no meeting is possible")
    return result.x, result.z, result.u, result.v
