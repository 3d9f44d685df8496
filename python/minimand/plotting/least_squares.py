"""Pictures of least-squares results."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minimand._common.arrays import as_columns, as_matrix
from minimand.plotting._style import BLUE, GREY, ORANGE, RED, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minimand.least_squares.result import LeastSquaresResult

_FULL_DIGITS = 16  # of float64, nearly


def residuals(result: LeastSquaresResult, X: object, y: object, *, ax: Axes | None = None) -> Axes:
    """Plot the residuals over the fitted values: what the model has not explained.

    A good model leaves a cloud without a pattern around the line at 0. The dashed lines are two
    residual standard deviations away from it.

    Parameters
    ----------
    result : LeastSquaresResult
        From `minimand.lstsq`.
    X, y : array_like (m, n) and (m,) or (m, k)
        The data of the fit, or new ones.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import minimand
    >>> from minimand.plotting.least_squares import residuals
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.2, 2.8]
    >>> residuals(minimand.lstsq(X, y, intercept=True), X, y).get_xlabel()
    'fitted value'
    """
    ax = axes_or_new(ax)
    rows = as_matrix("X", X, columns=result.coef.shape[0])
    observed, _ = as_columns("y", y, length=rows.shape[0], like="X")
    fitted = result.predict(rows).reshape(observed.shape)
    left = observed - fitted

    size = 18.0 if left.size <= 2000 else 4.0
    for j, colour in zip(range(left.shape[1]), _cycle(left.shape[1]), strict=True):
        ax.scatter(fitted[:, j], left[:, j], s=size, color=colour, alpha=0.6, linewidths=0)
    ax.axhline(0.0, color=GREY, linewidth=1.2)
    freedom = rows.shape[0] - result.rank - result.has_intercept
    if freedom > 0 and left.shape[1] == 1:
        spread = 2.0 * float(np.linalg.norm(left)) / np.sqrt(freedom)
        for level in (-spread, spread):
            ax.axhline(level, color=GREY, linewidth=1.0, linestyle=(0, (4, 4)))
    ax.set_xlabel("fitted value")
    ax.set_ylabel("residual")
    return tidy(ax)


def coefficients(
    result: LeastSquaresResult, *, names: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Plot each coefficient over its standard error, with the band in which noise alone lies.

    Parameters
    ----------
    result : LeastSquaresResult
        From `minimand.lstsq`, with one right-hand side.
    names : sequence of str, optional
        Names of the columns, where the result has none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if result.coef.ndim != 1:
        raise ValueError(
            f"result has {result.coef.shape[1]} right-hand sides, expected one; "
            "fit one column of y for this picture"
        )
    names = names or result.feature_names or [f"column {j}" for j in range(result.coef.size)]
    if len(names) != result.coef.size:
        raise ValueError(f"names has {len(names)} entries, expected {result.coef.size}")
    ax = axes_or_new(ax)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = result.coef / result.standard_error
    rows = np.arange(result.coef.size)
    clear = np.abs(ratio) > 2.0
    ax.axvspan(-2.0, 2.0, color=GREY, alpha=0.15, linewidth=0)
    for chosen, colour in ((clear, BLUE), (~clear, GREY)):
        ax.hlines(rows[chosen], 0.0, ratio[chosen], color=colour, linewidth=2.0)
        ax.scatter(ratio[chosen], rows[chosen], s=45, color=colour, zorder=3)
    ax.set_yticks(rows, list(names))
    ax.set_ylim(result.coef.size - 0.5, -0.5)
    ax.set_xlabel("coefficient / its standard error")
    return tidy(ax, grid="x")


def correct_digits(
    digits: Mapping[str, float],
    *,
    claimed: Mapping[str, float] | None = None,
    failed: Collection[str] = (),
    attainable: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot how many digits of each answer are correct, one line for each method.

    Parameters
    ----------
    digits : mapping from str to float
        Name of a method: the correct digits of its answer.
    claimed : mapping from str to float, optional
        Digits that the certificate of a method vouches for (a tick on the line).
    failed : collection of str
        Methods whose certificate fails (drawn as crosses).
    attainable : float, optional
        Digits that the exact solution of the rounded data has (a dotted line).
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from minimand.plotting.least_squares import correct_digits
    >>> ax = correct_digits({"Cholesky": 7.3, "QR": 11.1}, attainable=14.6)
    """
    ax = axes_or_new(ax, height=1.2 + 0.4 * len(digits))
    for row, (method, value) in enumerate(digits.items()):
        bad = method in failed
        colour = RED if bad else BLUE
        ax.hlines(row, 0.0, value, color=colour, linewidth=2.5, alpha=0.55)
        ax.scatter([value], [row], s=60, color=colour, marker="X" if bad else "o", zorder=3)
        promise = (claimed or {}).get(method)
        if promise is not None and not bad:
            ax.scatter([promise], [row], s=130, color=ORANGE, marker="|", linewidths=2.5, zorder=4)
        ax.annotate(
            f"{value:.1f}", (value, row), (9, 0), textcoords="offset points", va="center",
            fontsize="small",
        )  # fmt: skip
    if attainable is not None:
        ax.axvline(attainable, color=GREY, linewidth=1.4, linestyle=(0, (1.5, 2.5)))
    ax.set_yticks(range(len(digits)), list(digits))
    ax.set_ylim(len(digits) - 0.5, -0.5)
    ax.set_xlim(-0.2, _FULL_DIGITS + 1.5)
    ax.set_xticks(range(0, _FULL_DIGITS + 1, 4))
    ax.set_xlabel("correct digits")
    return tidy(ax, grid="x")


def _cycle(count: int) -> list[str]:
    colours = [BLUE, ORANGE, RED, GREY]
    return [colours[j % len(colours)] for j in range(count)]
