"""What can be told before any solver runs: independent parts, bounds, step sizes, a start."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from minimand.reference.inpainting.variation import (
    Array,
    as_planes,
    as_terms,
    differences,
    norms,
)

Labels: TypeAlias = NDArray[np.int32]


def term_pixels(plane: NDArray[Any]) -> NDArray[Any]:
    """Values at (i,j), (i+1,j), (i,j+1) of every term (i,j): (3, m-1, n-1)."""
    return np.stack([plane[:-1, :-1], plane[1:, :-1], plane[:-1, 1:]])


def label_components(known: NDArray[np.bool_], labels: Labels, threads: int) -> int:
    """``labels`` := 0 where known, else 1..k, numbered by the first pixel; return k.

    Unknown pixels of one term are connected.
    """
    flat = np.arange(known.size).reshape(known.shape)
    pixels = term_pixels(flat)
    unknown = term_pixels(~known)
    ties = [
        (pixels[a][both], pixels[b][both])
        for a, b in ((0, 1), (0, 2), (1, 2))
        for both in [unknown[a] & unknown[b]]
    ]
    first, second = np.concatenate(ties, axis=1)
    graph = sparse.coo_array((np.ones(len(first)), (first, second)), shape=(known.size,) * 2)
    _, part = connected_components(graph, directed=False)

    _, first_pixel, component = np.unique(
        part[~known.ravel()], return_index=True, return_inverse=True
    )
    number = np.empty(len(first_pixel), dtype=np.int32)
    number[np.argsort(first_pixel)] = np.arange(1, len(first_pixel) + 1)
    labels[...] = 0
    labels[~known] = number[component]
    return len(first_pixel)


def component_boxes(
    image: Array, labels: Labels, channels: int, low: Array, high: Array, threads: int
) -> None:
    """Range of the known pixels that share a term with each component; inf, -inf without any.

    Clipping a component to its box enlarges no term: it is 1-Lipschitz and leaves these pixels.
    """
    corners = term_pixels(labels)
    component = corners.max(axis=0)  # a term touches one component at most
    beside = (corners == 0) & (component > 0)
    owner = np.broadcast_to(component, beside.shape)[beside] - 1
    low[...] = np.inf
    high[...] = -np.inf
    for channel, plane in enumerate(as_planes(image, channels)):
        values = term_pixels(plane)[beside]
        np.minimum.at(low[:, channel], owner, values)
        np.maximum.at(high[:, channel], owner, values)


@np.errstate(all="ignore")
def prepare(
    image: Array,
    labels: Labels,
    box_low: Array,
    box_high: Array,
    channels: int,
    balance: float,
    iterate: Array,
    low: Array,
    high: Array,
    tau: Array,
    sigma: Array,
    dual: Array,
    threads: int,
) -> None:
    """Boxes of all pixels, step sizes, and a first iterate in the middle of the boxes.

    Step sizes of pixel i and term e (Pock, Chambolle, ICCV 2011, 10.1109/ICCV.2011.6126441):

        tau_i   = 1/(balance c_i), c_i = number of differences that hold pixel i; 0 where known
        sigma_e = balance/max(#unknown ends of the vertical, of the horizontal difference) or 0

    Terms without an unknown pixel get their optimal p_e = (Df)_e/|(Df)_e|, the others 0.
    """
    unknown = labels > 0
    f = as_planes(image, channels)
    box = labels[unknown] - 1
    for target, source in ((low, box_low), (high, box_high)):
        planes = as_planes(target, channels)
        planes[...] = f
        planes[:, unknown] = source[box].T
    as_planes(iterate, channels)[...] = f
    middle = 0.5 * (as_planes(low, channels) + as_planes(high, channels))
    as_planes(iterate, channels)[:, unknown] = middle[:, unknown]

    count = np.zeros(unknown.shape)
    count[:-1, :-1] += 2.0
    count[1:, :-1] += 1.0
    count[:-1, 1:] += 1.0
    tau[...] = np.where(unknown & (count > 0.0), 1.0 / (balance * count), 0.0)

    corner, below, right = term_pixels(unknown.astype(np.float64))
    most = np.maximum(corner + below, corner + right)
    sigma[...] = np.where(most > 0.0, balance / most, 0.0)

    g = differences(f)
    size = norms(g)
    as_terms(dual, channels)[...] = np.where((most == 0.0) & (size > 0.0), g / size, 0.0)
