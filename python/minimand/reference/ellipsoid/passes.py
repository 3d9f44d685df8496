"""Passes over all points, through an affine map ``z_i = transform (x_i - center) + offset``."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int64]

BLOCK_ROWS = 4096


def column_ranges(points: Array, low: Array, high: Array, threads: int) -> None:
    """Set the least and the largest entry of each column."""
    low[:] = points.min(axis=0)
    high[:] = points.max(axis=0)


def extreme_points(
    points: Array, center: Array, transform: Array, rows: Indices, threads: int
) -> None:
    """Set ``rows[0]`` and ``rows[1]`` to where each coordinate of z is least and largest.

    Of equal ones the first row counts.
    """
    low, high = np.full(len(transform), np.inf), np.full(len(transform), -np.inf)
    for first, z in _mapped(points, center, transform, 0.0):
        for j, column in enumerate(z.T):
            least, most = int(column.argmin()), int(column.argmax())
            if column[least] < low[j]:
                low[j], rows[0, j] = column[least], first + least
            if column[most] > high[j]:
                high[j], rows[1, j] = column[most], first + most


def distance_pass(
    points: Array,
    center: Array,
    transform: Array,
    offset: Array,
    rows: Indices,
    distances: Array,
    threads: int,
) -> None:
    """Set the largest of all squared distances ``||z_i||^2``, descending, and their rows.

    As many as ``rows`` has places; row -1 and distance -1 where there are fewer points. Of equal
    ones the first row comes first.
    """
    omega = np.concatenate(
        [(z * z).sum(axis=1) for _, z in _mapped(points, center, transform, offset)]
    )
    largest = np.argsort(-omega, kind="stable")[: len(rows)]
    rows[:], distances[:] = -1, -1.0
    rows[: len(largest)], distances[: len(largest)] = largest, omega[largest]


def _mapped(
    points: Array, center: Array, transform: Array, offset: Array | float
) -> Iterator[tuple[int, Array]]:
    """Yield the first row of each block and its z."""
    for first in range(0, len(points), BLOCK_ROWS):
        yield first, (points[first : first + BLOCK_ROWS] - center) @ transform.T + offset
