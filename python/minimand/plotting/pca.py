"""Pictures of principal components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minimand._common.arrays import as_matrix
from minimand.plotting._style import BLUE, GREEN, GREY, INK, ORANGE, RED, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minimand.pca.result import PCAResult

_COLOURS = (BLUE, ORANGE, GREEN, RED, GREY)
_MARKERS = ("o", "s", "^", "D", "v")


def scores(
    result: PCAResult,
    X: object,
    *,
    labels: Sequence[str] | None = None,
    components: tuple[int, int] = (0, 1),
    loadings: bool = True,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot the rows in the plane of two components, with an arrow for each column.

    An arrow shows in which direction of the plane a column grows; its length is its loading, all
    arrows on one scale.

    Parameters
    ----------
    result : PCAResult
        From `minimand.pca`.
    X : array_like (m, n)
        The data of the result, or new rows.
    labels : sequence of str, optional
        A group for each row; groups differ in colour and marker.
    components : (int, int)
        Which components, counted from 0.
    loadings : bool
        Whether to draw the arrows.
    names : sequence of str, optional
        Names of the columns, where the result has none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import minimand
    >>> from minimand.plotting.pca import scores
    >>> from minimand.problems.pca import iris
    >>> data = iris()
    >>> scores(minimand.pca(data.X, 2), data.X, labels=data.labels).get_xlabel()
    'component 0: 92.5% of the variance'
    """
    rows = as_matrix("X", X, columns=result.mean.size)
    k = len(result.components)
    if not all(0 <= c < k for c in components):
        raise ValueError(f"components is {tuple(components)}, expected two numbers below {k}")
    if labels is not None and len(labels) != len(rows):
        raise ValueError(f"labels has {len(labels)} entries but X has {len(rows)} rows")
    ax = axes_or_new(ax)
    points = result.transform(rows)[:, list(components)]
    groups = np.asarray(["" for _ in rows] if labels is None else list(labels))
    for i, group in enumerate(dict.fromkeys(groups.tolist())):
        ax.scatter(
            points[groups == group, 0], points[groups == group, 1], s=22, color=_COLOURS[i % 5],
            marker=_MARKERS[i % 5], alpha=0.7, linewidths=0, label=group or None,
        )  # fmt: skip
    if loadings:
        _arrows(ax, result, components, points, names)
    if labels is not None:
        ax.legend(loc="best")
    across, up = (
        f"component {c}: {result.explained_variance_ratio[c]:.1%} of the variance"
        for c in components
    )
    ax.set_xlabel(across)
    ax.set_ylabel(up)
    ax.set_aspect("equal", adjustable="datalim")
    return tidy(ax, grid="both")


def _arrows(
    ax: Axes,
    result: PCAResult,
    components: tuple[int, int],
    points: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    names: Sequence[str] | None,
) -> None:
    names = names or result.feature_names or [f"column {j}" for j in range(result.mean.size)]
    if len(names) != result.mean.size:
        raise ValueError(f"names has {len(names)} entries, expected {result.mean.size}")
    tips = result.components[list(components)].T
    longest = float(np.linalg.norm(tips, axis=1).max())
    tips = tips * (0.6 * float(np.abs(points).max(initial=0.0)) / longest)
    for tip, name in zip(tips, names, strict=True):
        ax.annotate(
            "", tip, (0.0, 0.0), arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1.4}
        )
        ax.annotate(
            name, 1.04 * tip, fontsize="small", color=INK, va="bottom" if tip[1] >= 0 else "top",
            ha="left" if tip[0] >= 0 else "right",
        )  # fmt: skip


def explained_variance(result: PCAResult, *, ax: Axes | None = None) -> Axes:
    """Plot the share of the variance that each component explains, and that of all up to it.

    Components of one cluster, whose order has no meaning, have one colour.

    Parameters
    ----------
    result : PCAResult
        From `minimand.pca`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax)
    share = result.explained_variance_ratio
    where = np.arange(share.size)
    clustered = [i in {j for cluster in result.clusters for j in cluster} for i in where]
    ax.bar(where, share, color=[ORANGE if c else BLUE for c in clustered], width=0.7)
    ax.plot(where, np.cumsum(share), color=GREY, marker="o", markersize=4, linewidth=1.4)
    if share.size <= 8:
        for i, value in enumerate(share):
            ax.annotate(
                f"{value:.1%}", (i, value), (0, 7), textcoords="offset points", ha="center",
                fontsize="small",
            )  # fmt: skip
        ax.set_xticks(where)
    ax.set_ylim(0.0, 1.1)
    ax.set_xlabel("component")
    ax.set_ylabel("share of the variance")
    return tidy(ax)


def accuracy(
    results: Mapping[str, PCAResult],
    *,
    truth: Sequence[float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot by how much each singular value may be wrong, relatively: what the results prove.

    Parameters
    ----------
    results : mapping from str to PCAResult
        Name of a method: its result.
    truth : sequence of float, optional
        The exact values, for the errors that were really made (open markers).
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax)
    for i, (name, result) in enumerate(results.items()):
        s = result.singular_values
        where, colour, marker = np.arange(s.size), _COLOURS[i % 5], _MARKERS[i % 5]
        proved = result.singular_value_bound * s.max(initial=0.0) / s
        ax.plot(where, proved, color=colour, marker=marker, linewidth=1.6, label=f"{name}: at most")
        if truth is not None:
            exact = np.asarray(truth, dtype=np.float64)[: s.size]
            made = np.maximum(np.abs(s / exact - 1.0), np.finfo(float).eps / 2)
            ax.plot(
                where, made, linestyle="none", color=colour, marker=marker, markerfacecolor="none",
                label=f"{name}: true",
            )  # fmt: skip
    ax.set_yscale("log")
    ax.set_xlabel("component")
    ax.set_ylabel("relative error of the singular value")
    ax.legend(loc="best")
    return tidy(ax)
