"""Distances for the verification, written anew from the definitions: shared with no solver."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minimand._common.arrays import Floats
from minimand.tsp.instance import Instance

Row = Callable[[int], Floats]


def distance_rows(instance: Instance) -> tuple[Row, int]:
    """Return a function i -> d(i, .), and the exponent e of its unit: distances are 2^e d.

    TSPLIB 95, section 2, for the integer metrics, with its names of variables.
    """
    if instance.metric == "precomputed":
        exponent = _exponent(instance.matrix)
        matrix = np.ldexp(instance.matrix, -exponent)
        return lambda i: matrix[i], exponent
    if instance.metric == "geo":
        return _geo(instance.points), 0
    exponent = 0
    points = instance.points
    if instance.metric in ("euclidean", "manhattan", "chebyshev"):
        middle = points.min(axis=0) / 2 + points.max(axis=0) / 2
        size = float(np.abs(points / 2 - middle / 2).max())
        # Differences must be exact up to one rounding, so the points are scaled, never shifted.
        exponent = max(_exponent(np.array([size])), _exponent(points) - 60) + 2
        points = np.ldexp(points, -exponent)
    columns = np.ascontiguousarray(points.T)

    def row(i: int) -> Floats:
        with np.errstate(under="ignore"):
            return _between(instance.metric, [np.abs(x - x[i]) for x in columns])

    return row, exponent


def _between(metric: str, xd: list[Floats]) -> Floats:
    if metric in ("manhattan", "man_2d"):
        total = xd[0].copy()
        for x in xd[1:]:
            total = total + x
        return total if metric == "manhattan" else _nint(total)
    if metric in ("chebyshev", "max_2d"):
        most: Floats = np.maximum.reduce(xd)
        return most if metric == "chebyshev" else _nint(most)
    square = xd[0] * xd[0]
    for x in xd[1:]:
        square = square + x * x
    if metric == "euclidean":
        return np.asarray(np.sqrt(square))
    if metric == "ceil_2d":
        return np.asarray(np.ceil(np.sqrt(square)))
    if metric == "att":
        rij = np.sqrt(square / 10.0)
        tij = _nint(rij)
        return np.asarray(np.where(tij < rij, tij + 1.0, tij))
    return _nint(np.asarray(np.sqrt(square)))


def _nint(x: Floats) -> Floats:
    return np.asarray(np.floor(x + 0.5))


def _geo(points: Floats) -> Row:
    PI, RRR = 3.141592, 6378.388
    deg = np.trunc(points)
    minutes = points - deg
    latitude, longitude = (PI * (deg + 5.0 * minutes / 3.0) / 180.0).T

    def row(i: int) -> Floats:
        q1 = np.cos(longitude[i] - longitude)
        q2 = np.cos(latitude[i] - latitude)
        q3 = np.cos(latitude[i] + latitude)
        cosine = 0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3)
        angle = np.arccos(np.minimum(1.0, np.maximum(-1.0, cosine)))
        out: Floats = np.floor(RRR * angle + 1.0)
        out[i] = 0.0
        return out

    return row


def _exponent(values: Floats) -> int:
    """Return e with max |values| < 2^e."""
    return int(np.frexp(np.abs(values).max(initial=0.0))[1])
