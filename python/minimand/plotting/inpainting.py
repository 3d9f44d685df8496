"""Pictures of in-painted images, and of how their certificates came about."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import one_of
from minimand._common.errors import missing_extra
from minimand.inpainting.arguments import as_image, as_known
from minimand.plotting._style import BLUE, GREEN, GREY, ORANGE, RED, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minimand.inpainting import InpaintingResult

_WIDTH = 12.0  # inches of four panels
_LEAST_GAP = 1e-16  # a gap of zero has no place on a logarithmic axis
_QUANTILE = 0.98  # of the differences other than 0: larger ones have full colour, too

# Red, green, blue, and opacity where paper should shine through: these are colours of the style.
_DARKER, _BRIGHTER = (0x3B, 0x82, 0xC4), (0xD6, 0x45, 0x50)  # BLUE, RED
_UNKNOWN_GRAY = (0xE0, 0x8A, 0x2E, 0xFF)  # ORANGE: no shade of gray
_UNKNOWN_COLOUR = (0x8B, 0x91, 0x9A, 0x60)  # GREY

Over = Literal["seconds", "iterations"]


def panels(
    result: InpaintingResult,
    image: object,
    known: object,
    *,
    original: object | None = None,
    axes: Sequence[Axes] | None = None,
) -> tuple[Axes, ...]:
    """Show side by side: the original, what was known of it, the in-painted image, the difference.

    Unknown pixels are orange in gray images, pale in coloured ones. In the last panel blue is
    darker and red is brighter than the original; the caption says which difference has full colour.

    Parameters
    ----------
    result : InpaintingResult
        From `minimand.inpaint`.
    image, known : array_like (m, n[, C]) and (m, n)
        The data as they were given to `inpaint`. One and two channels are shown in gray (the first
        of two), of more than three the first three.
    original : array_like (m, n[, C]), optional
        The undamaged image. Without it `image` takes its place.
    axes : sequence of four matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    tuple of four matplotlib.axes.Axes

    Examples
    --------
    >>> import minimand
    >>> from minimand.plotting.inpainting import panels
    >>> image, known = [[0, 0, 9], [0, 5, 9], [0, 9, 9]], [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
    >>> len(panels(minimand.inpaint(image, known), image, known))
    4
    """
    given = _pixels("image", image, result)
    mask = as_known(known, given.shape)
    before = given if original is None else _pixels("original", original, result)
    if axes is None:
        axes = _four_axes(given.shape[1] / given.shape[0])
    first, second, third, fourth = axes

    scale = _scale(given[mask])
    difference = result.image - before
    full = _full_colour(difference)
    _show(first, _rgba(before, scale), "given" if original is None else "original")
    _show(second, _rgba(given, scale, visible=mask), "known" if original is None else "corrupted")
    _show(third, _rgba(result.image, scale), "in-painted")
    _show(fourth, _difference(difference, full), "difference")
    share = result.n_unknown / mask.size
    captions = (
        " × ".join(str(extent) for extent in given.shape[1::-1]),
        f"{share:.1%} unknown",
        f"gap {result.gap:.0e}" if result.gap > 0 else "gap 0",
        f"full colour from {full:.3g}" if full > 0 else "none",
    )
    for ax, caption in zip(axes, captions, strict=True):
        ax.set_xlabel(caption, fontsize="small")
        tidy(ax, grid=None)
    return tuple(axes)


def convergence(
    results: InpaintingResult | Mapping[str, InpaintingResult],
    *,
    over: Over = "seconds",
    ax: Axes | None = None,
) -> Axes:
    """Plot how the certified gap closed, on a logarithmic axis; dashed is what was asked for.

    Parameters
    ----------
    results : InpaintingResult, or mapping from str to InpaintingResult
        One run, or several with their names.
    over : {"seconds", "iterations"}
        What the gap is plotted over.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    one_of("over", over, ("seconds", "iterations"))
    named = results if isinstance(results, Mapping) else {"": results}
    ax = axes_or_new(ax)
    colours = (BLUE, ORANGE, GREEN, RED, GREY)
    for k, (name, result) in enumerate(named.items()):
        x, (gap,) = _history(result, over, "gap")
        colour = colours[k % len(colours)]
        kept = np.maximum(gap, _LEAST_GAP)
        marker = "o" if x.size <= 60 else ""
        ax.plot(x, kept, color=colour, linewidth=1.8, marker=marker, markersize=3.5, label=name)
    for tol in sorted({result.tol for result in named.values()}):
        ax.axhline(tol, color=GREY, linewidth=1.2, linestyle=(0, (4, 4)))
    ax.set_yscale("log")
    ax.minorticks_off()
    ax.set_xlabel(over)
    ax.set_ylabel("certified gap")
    if any(named):
        ax.legend(frameon=False)
    return tidy(ax)


def bounds(result: InpaintingResult, *, over: Over = "seconds", ax: Axes | None = None) -> Axes:
    """Plot the objective and its lower bound; the least total variation lies in between.

    Parameters
    ----------
    result : InpaintingResult
        From `minimand.inpaint`.
    over : {"seconds", "iterations"}
        What they are plotted over.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    one_of("over", over, ("seconds", "iterations"))
    ax = axes_or_new(ax)
    x, (upper, lower) = _history(result, over, "objective", "lower_bound")
    ax.fill_between(x, lower, upper, color=BLUE, alpha=0.15, linewidth=0)
    ax.plot(x, upper, color=BLUE, linewidth=1.8, label="objective")
    ax.plot(x, lower, color=ORANGE, linewidth=1.8, label="lower bound")
    ax.set_xlabel(over)
    ax.set_ylabel("total variation")
    ax.legend(frameon=False)
    return tidy(ax)


def _pixels(name: str, value: object, result: InpaintingResult) -> NDArray[np.float64]:
    image = as_image(name, value)
    pixels = image.as_given(image.planar)
    if pixels.shape != result.image.shape:
        raise ValueError(
            f"{name} has shape {pixels.shape}, expected {result.image.shape} as the result has"
        )
    return pixels


def _four_axes(ratio: float) -> Sequence[Axes]:
    """Return the axes of a new pyplot figure for images of that ratio of width to height."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise missing_extra("matplotlib", "plot") from None
    height = min(_WIDTH, _WIDTH / 4 / ratio + 0.7)
    return list(pyplot.subplots(1, 4, figsize=(_WIDTH, height), layout="constrained")[1])


def _scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return what is black and what is white: the range of a usual format, or the values' own."""
    low, high = float(values.min()), float(values.max())
    for top in (1.0, 255.0, 65535.0):
        if low >= 0 and top / 2 < high <= top:
            return 0.0, top
    return low, high


def _rgba(
    image: NDArray[np.float64],
    scale: tuple[float, float],
    *,
    visible: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Return colours with opacity; what is not visible, or no number, has a colour of its own."""
    colours = image[..., np.newaxis] if image.ndim == 2 else image
    gray = colours.shape[2] < 3
    colours = colours[..., :1].repeat(3, axis=2) if gray else colours[..., :3]
    shown = np.isfinite(colours).all(axis=2)
    if visible is not None:
        shown &= visible
    low, high = scale
    unit = (colours - low) / (high - low) if high > low else np.full(colours.shape, 0.5)
    rgba = np.empty((*shown.shape, 4), dtype=np.uint8)
    rgba[...] = _UNKNOWN_GRAY if gray else _UNKNOWN_COLOUR
    rgba[shown, :3] = np.rint(255 * np.clip(unit[shown], 0.0, 1.0))
    rgba[shown, 3] = 255
    return rgba


def _full_colour(difference: NDArray[np.float64]) -> float:
    """Return the difference that is drawn in full colour, 0 if there is none."""
    sizes = np.abs(difference[np.isfinite(difference)])
    sizes = sizes[sizes > 0]
    return float(np.quantile(sizes, _QUANTILE)) if sizes.size else 0.0


def _difference(difference: NDArray[np.float64], full: float) -> NDArray[np.uint8]:
    """Return blue for darker and red for brighter, the more opaque the larger the difference."""
    d = difference[..., np.newaxis] if difference.ndim == 2 else difference
    d = np.where(np.isfinite(d), d, 0.0)
    rgba = np.empty((*d.shape[:2], 4), dtype=np.uint8)
    rgba[..., :3] = np.where(d.mean(axis=2)[..., np.newaxis] > 0, _BRIGHTER, _DARKER)
    unit = np.abs(d).max(axis=2) / (full or 1.0)
    rgba[..., 3] = np.rint(255 * np.minimum(unit, 1.0))
    return rgba


def _show(ax: Axes, rgba: NDArray[np.uint8], title: str) -> None:
    ax.imshow(rgba)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_title(title, loc="left", fontsize="medium", fontweight="bold")


def _history(
    result: InpaintingResult, over: Over, *measures: str
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Return the records in which all the measures are finite."""
    names = ("seconds" if over == "seconds" else "iteration", *measures)
    rows = [[float(record.get(name, math.nan)) for name in names] for record in result.history]
    table = np.array(rows, dtype=np.float64).reshape(-1, len(names))
    x, *columns = table[np.isfinite(table).all(axis=1)].T
    return x, columns
