"""Fixed-point distances, as the compiled kernels take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.tsp.metric import METRICS, between

Points = NDArray[np.float64]
Lengths = NDArray[np.int64]
Vertices = NDArray[np.int32]

_NAMES = {code: name for name, code in METRICS.items()}


def lengths_between(
    points: Points, lengths: Lengths, metric: int, scale: float
) -> Callable[[Any, Any], Lengths]:
    """Return d(i, j) for arrays of cities: rint(scale |x_i - x_j|), or the entry of a matrix."""
    if lengths.size:
        return lambda i, j: lengths[i, j]
    name = _NAMES[metric]

    def distance(i: Any, j: Any) -> Lengths:
        return np.asarray(np.rint(between(name, points[i], points[j]) * scale)).astype(np.int64)

    return distance


def table(
    points: Points, lengths: Lengths, metric: int, scale: float, mates: Vertices, penalty: int
) -> list[list[int]]:
    """Return all distances as plain integers: quick to look up one by one.

    A vertex beyond the cities is a dummy at distance 0 from all; an edge (v, w) with w in mates[v]
    has to stay, which -penalty makes it do.
    """
    n = len(mates)
    cities = len(lengths) if lengths.size else len(points)
    all_cities = np.arange(cities)
    full = np.zeros((n, n), dtype=np.int64)
    distance = lengths_between(points, lengths, metric, scale)
    full[:cities, :cities] = distance(all_cities[:, np.newaxis], all_cities[np.newaxis, :])
    for v, pair in enumerate(mates.tolist()):
        for w in pair:
            if w >= 0:
                full[v, w] = full[w, v] = -penalty
    rows: list[list[int]] = full.tolist()
    return rows
