"""The metrics: real-valued ones in any dimension, and those of TSPLIB, which round to integers.

Source of the latter: G. Reinelt, TSPLIB 95 (1995), section 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats

# The number is what kernels know the metric by.
METRICS = {
    "precomputed": 0,
    "euclidean": 1,
    "manhattan": 2,
    "chebyshev": 3,
    "euc_2d": 4,
    "euc_3d": 5,
    "ceil_2d": 6,
    "att": 7,
    "geo": 8,
    "man_2d": 9,
    "max_2d": 10,
}
REAL = ("euclidean", "manhattan", "chebyshev")
DIMENSIONS = {name: 3 if name == "euc_3d" else 2 for name in tuple(METRICS)[4:]}

_PI, _RADIUS = 3.141592, 6378.388  # as TSPLIB has them


def between(metric: str, x: Floats, y: Floats) -> Floats:
    """Return the distances of the points x (..., d) and y (..., d), row by row.

    Operation for operation what cpp/tsp/distance.hpp does, so that the bits are the same.
    """
    if metric == "geo":
        return _geographical(x, y)
    difference = np.abs(x - y)
    if metric in ("manhattan", "man_2d"):
        plain = _sum(difference)
        return plain if metric == "manhattan" else np.floor(plain + 0.5)
    if metric in ("chebyshev", "max_2d"):
        plain = np.asarray(difference.max(axis=-1))
        return plain if metric == "chebyshev" else np.floor(plain + 0.5)
    square = _sum(difference * difference)
    if metric == "euclidean":
        return np.asarray(np.sqrt(square))
    if metric == "ceil_2d":
        return np.ceil(np.sqrt(square))
    if metric == "att":  # rounded to the nearest, then up if that was below: which is up
        return np.ceil(np.sqrt(square / 10.0))
    return np.floor(np.sqrt(square) + 0.5)  # nint of TSPLIB; np.rint rounds halves to even


def largest(metric: str, points: Floats) -> float:
    """Return an upper bound on all distances of the points, by the box around them."""
    if metric == "geo":
        return 20_040.0  # half the way around
    box = np.stack([points.min(axis=0), points.max(axis=0)])
    with np.errstate(over="ignore"):
        return float(between(metric, box[0], box[1])) * (1.0 + 1e-12) + (metric not in REAL)


def _sum(terms: Floats) -> Floats:
    """Add up along the last axis from left to right; np.sum would take another order."""
    total = terms[..., 0].copy()
    for k in range(1, terms.shape[-1]):
        total += terms[..., k]
    return total


def _geographical(x: Floats, y: Floats) -> Floats:
    (latitude, longitude), (other_latitude, other_longitude) = _radians(x), _radians(y)
    q1 = np.cos(longitude - other_longitude)
    q2 = np.cos(latitude - other_latitude)
    q3 = np.cos(latitude + other_latitude)
    cosine = np.clip(0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3), -1.0, 1.0)
    return np.floor(_RADIUS * np.arccos(cosine) + 1.0)


def _radians(points: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    degrees = np.trunc(points)
    radians = _PI * (degrees + 5.0 * (points - degrees) / 3.0) / 180.0
    return radians[..., 0], radians[..., 1]
