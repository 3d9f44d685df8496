"""Pictures of derivatives: errors over steps, Taylor models, stationary points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minimand._common.arrays import Floats, positive_float
from minimand.derivatives import StationaryPoint, TaylorModel, derivative
from minimand.plotting._style import BLUE, GREEN, GREY, ORANGE, RED, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (BLUE, ORANGE, GREEN, RED, GREY)
_KINDS = {
    "minimum": ("v", GREEN),
    "maximum": ("^", RED),
    "saddle": ("D", ORANGE),
    "undetermined": ("o", GREY),
    "not_stationary": ("x", GREY),
}
_LEAST = 1e-17  # an error of zero has no place on a logarithmic axis


def step_errors(
    f: Callable[[Any], Any],
    x: float,
    exact: float,
    *,
    steps: Sequence[float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot the true error of one-sided and central differences over the step.

    To the left rounding grows like 1/h, to the right truncation like h or h^2. The dots are what
    `minimand.derivative` chose; the bars reach up to the errors that it claims.

    Parameters
    ----------
    f : callable
        A function of one variable.
    x : float
        Where.
    exact : float
        f'(x).
    steps : sequence of float, optional
        By default from 1e-16 to 1.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import numpy as np
    >>> from minimand.plotting.derivatives import step_errors
    >>> step_errors(np.exp, 1.0, np.e).get_xlabel()
    'step h'
    """
    ax = axes_or_new(ax)
    h = np.logspace(-16, 0, 400) if steps is None else np.asarray(steps, dtype=np.float64)
    h = (x + h) - x
    h = h[h > 0.0]
    with np.errstate(all="ignore"):  # large steps may leave the domain of f
        ahead, behind = (np.array([float(f(x + s * t)) for t in h]) for s in (1.0, -1.0))
    here = float(f(x))
    rules = {"forward": (ahead - here) / h, "central": (ahead - behind) / (2.0 * h)}
    for (name, values), colour in zip(rules.items(), (ORANGE, BLUE), strict=True):
        error = np.maximum(np.abs(values - exact), _LEAST)
        ax.plot(h, error, color=colour, linewidth=1.2, alpha=0.8, label=f"{name} difference")
        found = derivative(f, x, method=name)
        true = max(abs(float(found) - exact), _LEAST)
        step, claimed = float(np.asarray(found.step)), float(np.asarray(found.error))
        ax.vlines(step, true, claimed, color=colour, linewidth=2.5)
        ax.scatter([step], [true], s=45, color=colour, zorder=3)
    best = derivative(f, x, method="richardson")
    level = max(abs(float(best) - exact), _LEAST)
    ax.axhline(level, color=GREEN, linewidth=1.4, linestyle=(0, (4, 3)), label="Richardson")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("step h")
    ax.set_ylabel("error of the derivative")
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax, grid="both")


def taylor_models(
    models: Mapping[str, TaylorModel],
    f: Callable[[Any], Any],
    *,
    reach: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Plot a function of one variable and its Taylor models, with the bands that bound them.

    Parameters
    ----------
    models : mapping from str to TaylorModel
        Names and models, of functions of one variable.
    f : callable
        The function.
    reach : float
        How far from the centres to draw.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    reach = positive_float("reach", reach)
    for name, model in models.items():
        if model.coefficients is None:
            raise ValueError(f"models has {name!r} of several variables, expected one")
    ax = axes_or_new(ax)
    centres = [float(np.asarray(model.a)) for model in models.values()]
    x = np.linspace(min(centres) - reach, max(centres) + reach, 400)
    y = np.array([float(f(t)) for t in x])
    ax.plot(x, y, color=GREY, linewidth=3.0, alpha=0.7, label="f")
    for k, (name, model) in enumerate(models.items()):
        colour = _COLOURS[k % (len(_COLOURS) - 1)]
        t = x[np.abs(x - float(np.asarray(model.a))) <= reach]
        values = model(t)
        ax.plot(t, values, color=colour, linewidth=1.6, label=name)
        bound = model.remainder_bound(t - float(np.asarray(model.a)))
        if bound is not None:
            ax.fill_between(
                t, values - bound, values + bound, color=colour, alpha=0.12, linewidth=0
            )
        ax.scatter([float(np.asarray(model.a))], [model.value], s=30, color=colour, zorder=3)
    spread = float(y.max() - y.min()) or 1.0
    ax.set_ylim(float(y.min()) - 0.6 * spread, float(y.max()) + 0.6 * spread)
    ax.set_xlabel("x")
    ax.legend(frameon=False, fontsize="small")
    return tidy(ax)


def stationary_points(
    points: Sequence[StationaryPoint],
    f: Callable[[Any], Any],
    bounds: object,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plot level lines of a function of two variables and its stationary points, by their kinds.

    At a saddle a line shows the direction in which f falls. Level lines part the box into equal
    areas, whatever the range of f.

    Parameters
    ----------
    points : sequence of StationaryPoint
        From `minimand.classify_stationary_point`.
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
    grid = np.stack(np.meshgrid(*axes), axis=-1)
    values = np.asarray(f(grid))
    levels = np.unique(np.quantile(values, np.linspace(0.03, 0.97, 7)))
    ax.contour(*axes, values, levels=levels, colors=GREY, linewidths=0.6, linestyles="solid")
    seen = set()
    for point in points:
        marker, colour = _KINDS[point.kind]
        label = None if point.kind in seen else point.kind.replace("_", " ")
        seen.add(point.kind)
        x, y = point.x
        ax.scatter([x], [y], s=60, marker=marker, color=colour, label=label, zorder=3)
        if point.kind == "saddle":
            d = 0.08 * float((box[:, 1] - box[:, 0]).min()) * point.directions[:, 0]
            ends = np.stack([point.x - d, point.x + d])
            ax.plot(ends[:, 0], ends[:, 1], color=colour, linewidth=2.0)
    ax.set_xlim(*box[0])
    ax.set_ylim(*box[1])
    ax.set_aspect("equal")
    ax.locator_params(nbins=5)
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    if seen:
        ax.legend(
            frameon=False,
            fontsize="small",
            loc="upper center",
            bbox_to_anchor=(0.5, -0.16),
            ncols=len(seen),
            handletextpad=0.2,
            columnspacing=1.2,
        )
    return tidy(ax, grid=None)
