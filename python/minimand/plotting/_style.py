"""Looks that all pictures share. Only the given axes are touched, never matplotlib's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from minimand._common.errors import missing_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that colour-blind readers can tell apart and that stand on white as well as on dark grey.
BLUE = "#3b82c4"
ORANGE = "#e08a2e"
GREEN = "#2f9e77"
RED = "#d64550"
GREY = "#8b919a"

INK, PAPER = "#24292f", "#ffffff"
NIGHT_INK, NIGHT_PAPER = "#d5dae1", "#16191e"


def axes_or_new(ax: Axes | None, width: float = 7.0, height: float = 4.2) -> Axes:
    """Return the given axes, or those of a new pyplot figure of that size in inches."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError:
        raise missing_extra("matplotlib", "plot") from None
    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def tidy(ax: Axes, *, grid: Literal["x", "y", "both"] | None = "y", title: str = "") -> Axes:
    """Leave the frame away where nothing is read from it, and draw a light grid under the data."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.set_axisbelow(True)
    if grid is not None:
        ax.grid(True, axis=grid, color=GREY, alpha=0.25, linewidth=0.8)
    ax.tick_params(length=0)
    if title:
        ax.set_title(title, loc="left", fontsize="medium", fontweight="bold")
    paint(ax, INK)
    return ax


def paint(ax: Axes, ink: str) -> None:
    """Give text, ticks and frame one colour; data keep theirs."""
    for side, spine in ax.spines.items():
        spine.set_edgecolor(GREY if side in ("left", "bottom") else ink)
    ax.tick_params(colors=ink)
    for text in (ax.xaxis.label, ax.yaxis.label, *ax.texts):
        text.set_color(ink)
    for location in ("left", "center", "right"):
        # get_title returns the string only; setting it anew is the public way to its colour.
        if string := ax.get_title(loc=location):
            ax.set_title(string, loc=location, color=ink, fontsize="medium", fontweight="bold")
    legend = ax.get_legend()
    if legend is not None:
        legend.get_frame().set_alpha(0.0)
        for text in legend.get_texts():
            text.set_color(ink)


def recolour(figure: Figure, *, night: bool) -> None:
    """Paint a whole figure for a light or for a dark page."""
    ink, paper = (NIGHT_INK, NIGHT_PAPER) if night else (INK, PAPER)
    figure.set_facecolor(paper)
    for ax in figure.axes:
        ax.set_facecolor(paper)
        paint(ax, ink)
