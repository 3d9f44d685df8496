"""Pictures of neural networks: how they learn, what they have learnt, where they fail."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import as_matrix, as_vector, one_of, positive_int
from minimand.plotting._style import BLUE, GREEN, GREY, INK, ORANGE, RED, axes_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minimand.neural_network.bias_variance_result import BiasVariance
    from minimand.neural_network.network import Network
    from minimand.neural_network.result import TrainingResult

Array = NDArray[Any]

_COLOURS = (BLUE, ORANGE, GREEN, RED, GREY)
_MARKERS = ("o", "s", "^", "D", "v")
_SHADES = 15  # of images: enough for the eye, and files stay small


def learning_curves(
    results: TrainingResult | Mapping[str, TrainingResult],
    *,
    quantity: str = "loss",
    ax: Axes | None = None,
) -> Axes:
    """Plot loss or accuracy by epoch: of training samples lighter, of validation samples full.

    A dot marks the best epoch, whose parameters the network has at the end.

    Parameters
    ----------
    results : TrainingResult or mapping from str to TrainingResult
        From `minimand.nn.train`.
    quantity : {"loss", "accuracy"}
        What to show; losses on a logarithmic scale.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from minimand import nn
    >>> from minimand.plotting.neural_network import learning_curves
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]
    >>> network = nn.Network(nn.Linear(1, 1), nn.SquaredError(), 1, rng=0)
    >>> result = nn.train(network, X, y, optimizer=nn.Adam(0.1), epochs=20, rng=0)
    >>> learning_curves(result).get_ylabel()
    'loss'
    """
    one_of("quantity", quantity, ("loss", "accuracy"))
    named = results if isinstance(results, Mapping) else {"": results}
    ax = axes_or_new(ax)
    for i, (name, result) in enumerate(named.items()):
        colour = _COLOURS[i % 5]
        for key, words, alpha, width in (
            (quantity, "training", 0.45, 1.6),
            (f"validation_{quantity}", "validation", 1.0, 2.2),
        ):
            seen = [(r["epoch"], r[key]) for r in result.history if key in r]
            if not seen:
                continue
            epochs, values = np.array(seen).T
            label = f"{name}, {words}" if name else words
            ax.plot(epochs, values, color=colour, alpha=alpha, linewidth=width, label=label)
            if key != quantity and result.best_epoch in epochs:
                at = epochs.tolist().index(result.best_epoch)
                ax.plot(epochs[at], values[at], "o", color=colour, markersize=7)
    if not ax.lines:
        raise ValueError(f"results has no {quantity} in its history")
    if quantity == "loss":
        ax.set_yscale("log")
        ax.minorticks_off()
    ax.set_xlabel("epoch")
    ax.set_ylabel(quantity)
    ax.legend(loc="best", fontsize="small")
    return tidy(ax)


def gradient_norms(networks: Mapping[str, Network], *, ax: Axes | None = None) -> Axes:
    """Plot the gradient of each layer's weights: root mean square over the entries, by layer.

    A line that falls steeply towards the first layer is a network whose gradients vanish on their
    way back.

    Parameters
    ----------
    networks : mapping from str to Network
        With a `gradient`, as `Network.loss_and_gradient` leaves it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax)
    for i, (name, network) in enumerate(networks.items()):
        weights = [s for s in network.segments if s.penalised]
        sizes = [_root_mean_square(network.gradient[s.begin : s.end]) for s in weights]
        if not any(sizes):
            raise ValueError(f"networks[{name!r}] has no gradient, call loss_and_gradient first")
        ax.plot(
            np.arange(1, len(sizes) + 1), np.maximum(sizes, 1e-300), color=_COLOURS[i % 5],
            marker=_MARKERS[i % 5], markersize=6, markeredgewidth=0, linewidth=2.0, label=name,
        )  # fmt: skip
    ax.set_yscale("log")
    ax.minorticks_off()
    ax.set_xlabel("layer, from the input")
    ax.set_ylabel("gradient of a weight")
    ax.legend(loc="best", fontsize="small")
    return tidy(ax)


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.square(values.astype(np.float64)).mean()))


def bias_variance(
    results: Mapping[float, BiasVariance],
    *,
    xlabel: str = "hidden units",
    log: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Plot bias, variance and their sum, the test loss, against the size of a network.

    Parameters
    ----------
    results : mapping from number to BiasVariance
        What was varied: what `minimand.nn.bias_variance` found.
    xlabel : str
        The name of what was varied.
    log : bool
        Whether sizes are on a logarithmic scale; losses never are, as they add up.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if not results:
        raise ValueError("results is empty, expected one decomposition at least")
    ax = axes_or_new(ax)
    where = sorted(results)
    curves = (
        ("test loss", "loss", INK, "-"),
        ("bias", "bias", BLUE, "-"),
        ("variance", "variance", ORANGE, "-"),
        ("training loss", "training_loss", GREY, "--"),
    )
    for label, field, colour, style in curves:
        values = [getattr(results[x], field) for x in where]
        shown = GREEN if colour == INK else colour  # ink would vanish on dark pages
        ax.plot(where, values, style, color=shown, linewidth=2.0, marker="o", ms=4, label=label)
    if log:
        ax.set_xscale("log", base=2)
        ax.set_xticks(where, [f"{x:g}" for x in where])
        ax.minorticks_off()
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel(xlabel)
    ax.set_ylabel("loss")
    ax.legend(loc="best", fontsize="small")
    return tidy(ax)


def reconstructions(
    X: object,
    restored: object,
    *,
    shape: tuple[int, int] | None = None,
    count: int = 12,
    ax: Axes | None = None,
) -> Axes:
    """Show images (upper row) and what an autoencoder makes of them (lower row).

    Parameters
    ----------
    X, restored : array_like (n, height * width)
        Images, and ``auto.reconstruct(X)``.
    shape : (height, width), optional
        Of an image; without one it is a square.
    count : int
        How many to show, the first ones.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    originals = as_matrix("X", X)
    made = as_matrix("restored", restored, columns=originals.shape[1])
    if len(made) != len(originals):
        raise ValueError(f"restored has {len(made)} rows but X has {len(originals)} rows")
    shown = min(positive_int("count", count), len(originals))
    tiles = np.stack([originals[:shown], made[:shown]]).reshape(2 * shown, -1)
    ax = axes_or_new(ax)
    low, high = float(originals.min()), float(originals.max())
    _mosaic(ax, tiles, _image_shape(tiles, shape), shown, "gray_r", (low, high))
    return ax


def first_layer(
    network: Network,
    *,
    shape: tuple[int, int] | None = None,
    columns: int = 8,
    ax: Axes | None = None,
) -> Axes:
    """Show the weights of each unit of the first layer as an image: what the unit looks for.

    Parameters
    ----------
    network : Network
        Whose first weights belong to a `Linear` on images, or to a `Conv2d`.
    shape : (height, width), optional
        Of an image; without one it is a square.
    columns : int
        Of the mosaic.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    positive_int("columns", columns)
    weights = [s for s in network.segments if s.penalised]
    if not weights:
        raise ValueError("network has no weights to show")
    W = network.array(weights[0].name).astype(np.float64)
    if W.ndim == 4:  # a convolution: one image for each unit and channel
        tiles, size = W.reshape(-1, W.shape[2] * W.shape[3]), (W.shape[2], W.shape[3])
    else:
        tiles = np.ascontiguousarray(W.T)
        size = _image_shape(tiles, shape)
    largest = np.abs(tiles).max(axis=1, keepdims=True)
    ax = axes_or_new(ax)
    _mosaic(ax, tiles / np.maximum(largest, 1e-300), size, columns, "RdBu_r", (-1.0, 1.0))
    return ax


def decision_regions(
    network: Network,
    X: object,
    y: object,
    *,
    resolution: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """Show which class a network gives to each point of the plane, and samples with their classes.

    Parameters
    ----------
    network : Network
        With two inputs; the class is the largest output, or whether a single logit is positive.
    X : array_like (n, 2)
        Samples.
    y : array_like (n,)
        Their labels.
    resolution : int
        Points of the grid each way.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    points = as_matrix("X", X, columns=2)
    labels = as_vector("y", y, length=len(points), like="X").astype(np.int64)
    positive_int("resolution", resolution)
    if network.program.n_inputs != 2:
        raise ValueError(f"network has {network.program.n_inputs} inputs, expected 2")
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.06 * np.maximum(high - low, 1e-12)
    across, up = (
        np.linspace(low[k] - margin[k], high[k] + margin[k], resolution) for k in range(2)
    )
    grid = np.column_stack([a.ravel() for a in np.meshgrid(across, up)])
    z = network.fprop(grid)
    classes = z.argmax(axis=1) if z.shape[1] > 1 else (z[:, 0] > 0.0).astype(np.int64)
    number = max(int(classes.max()), int(labels.max())) + 1
    ax = axes_or_new(ax)
    from matplotlib.colors import ListedColormap

    palette = [_COLOURS[k % 5] for k in range(number)]
    ax.pcolormesh(
        across, up, classes.reshape(resolution, resolution), cmap=ListedColormap(palette),
        vmin=-0.5, vmax=number - 0.5, alpha=0.3, shading="nearest", linewidth=0, rasterized=True,
    )  # fmt: skip
    for k in range(number):
        ax.scatter(
            points[labels == k, 0], points[labels == k, 1], s=16, color=palette[k],
            marker=_MARKERS[k % 5], linewidths=0, label=f"{k}",
        )  # fmt: skip
    ax.legend(loc="best", fontsize="small")
    return tidy(ax, grid=None)


def _image_shape(tiles: Array, shape: tuple[int, int] | None) -> tuple[int, int]:
    pixels = tiles.shape[1]
    if shape is None:
        side = math.isqrt(pixels)
        if side * side != pixels:
            raise ValueError(f"an image has {pixels} numbers, which is no square; give its shape")
        return side, side
    height, width = shape
    if height * width != pixels:
        raise ValueError(f"shape is {tuple(shape)} but an image has {pixels} numbers")
    return height, width


def _mosaic(
    ax: Axes,
    tiles: Array,
    shape: tuple[int, int],
    columns: int,
    colours: str,
    limits: tuple[float, float],
) -> None:
    """Show images side by side, with gaps that are as empty as the page."""
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    height, width = shape
    canvas = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for k, tile in enumerate(tiles):
        top, left = (k // columns) * (height + 1), (k % columns) * (width + 1)
        canvas[top : top + height, left : left + width] = tile.reshape(shape)
    from matplotlib import colormaps

    few = colormaps[colours].resampled(_SHADES)
    ax.imshow(canvas, cmap=few, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    ax.set_axis_off()
