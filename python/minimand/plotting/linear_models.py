"""Pictures of linear models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from minimand._common.arrays import Floats, as_vector
from minimand.plotting._style import BLUE, GREEN, GREY, ORANGE, RED, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minimand.linear_models.chebyshev_result import ChebyshevResult

_COLOURS = (BLUE, GREEN, ORANGE, RED, GREY)


class _Line(Protocol):
    """Any fit of one column."""

    @property
    def coef(self) -> Floats: ...

    @property
    def intercept(self) -> object: ...


def lines(fits: Mapping[str, _Line], x: object, y: object, *, ax: Axes | None = None) -> Axes:
    """Plot data with one column, and the lines of several fits through them.

    Parameters
    ----------
    fits : mapping from str to result
        Name of a model: what `lstsq`, `chebyshev_fit` or another function found for it.
    x, y : array_like (m,)
        The data.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import minimand
    >>> from minimand.plotting.linear_models import lines
    >>> x, y = [0.0, 1.0, 2.0, 3.0], [0.1, 0.9, 2.2, 2.8]
    >>> fit = minimand.chebyshev_fit([[v] for v in x], y)
    >>> [text.get_text() for text in lines({"uniform": fit}, x, y).get_legend().get_texts()]
    ['uniform']
    """
    for name, fit in fits.items():
        if fit.coef.shape != (1,):
            raise ValueError(f"fits has {name!r} of {fit.coef.size} columns, expected one")
    where = as_vector("x", x)
    values = as_vector("y", y, length=len(where), like="x")
    ax = axes_or_new(ax)
    ax.scatter(where, values, s=22.0, color=GREY, linewidths=0, zorder=2)
    ends = np.array([where.min(), where.max()])
    for k, (name, fit) in enumerate(fits.items()):
        height = ends * fit.coef[0] + np.asarray(fit.intercept, dtype=np.float64)
        ax.plot(ends, height, color=_COLOURS[k % len(_COLOURS)], linewidth=2.0, label=name)
    if fits:
        ax.legend(frameon=False, fontsize="small")
    return tidy(ax)


def intervals(
    result: ChebyshevResult, *, names: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Plot the interval of each coefficient; those that exclude 0 stand out.

    Each interval is divided by its end farthest from 0, so that different units fit in one
    picture. The dot is the coefficient that the fit returns.

    Parameters
    ----------
    result : ChebyshevResult
        From `chebyshev_fit` with `half_width` and `intervals=True`.
    names : sequence of str, optional
        Names of the columns, where the result has none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if result.intervals is None:
        raise ValueError("result has no intervals; fit with half_width=..., intervals=True")
    n = result.coef.size
    names = names or result.feature_names or [f"column {j}" for j in range(n)]
    if len(names) != n:
        raise ValueError(f"names has {len(names)} entries, expected {n}")
    ax = axes_or_new(ax)
    low, high = result.intervals[:n].T
    unit = np.maximum(np.abs(low), np.abs(high))
    unit[unit == 0] = 1.0
    rows = np.arange(n)
    clear = (low > 0) | (high < 0)
    for chosen, colour in ((clear, BLUE), (~clear, GREY)):
        ends = low[chosen] / unit[chosen], high[chosen] / unit[chosen]
        ax.hlines(rows[chosen], *ends, color=colour, linewidth=4.0, alpha=0.6)
        ax.scatter(result.coef[chosen] / unit[chosen], rows[chosen], s=45, color=colour, zorder=3)
    ax.axvline(0.0, color=GREY, linewidth=1.2)
    ax.set_yticks(rows, list(names))
    ax.set_ylim(n - 0.5, -0.5)
    ax.set_xlim(-1.1, 1.1)
    ax.set_xlabel("coefficient / the end of its interval farthest from 0")
    return tidy(ax, grid="x")
