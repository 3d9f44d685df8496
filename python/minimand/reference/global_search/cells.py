"""Cells of a ternary cover.

A side of a cell is one number. Sides of level l, of length w/3^l, are numbered 0 .. 3^l - 1 from
the left, and levels follow one another, so side s has the parts 3s + 1, 3s + 2, 3s + 3; LOW and
HIGH are the two ends of the box. So a cell has no rounding errors, however it was reached.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

EPS = 2.0**-52
LOW, HIGH = -1, -2
LEVELS = 34
POWERS = 3 ** np.arange(LEVELS, dtype=np.int64)
FIRST = (POWERS - 1) // 2  # the first side of each level
# Of `action`: 0 for none, else 4 j + one of these.
DIVIDE, TO_LOW, TO_HIGH, EXCLUDE = 1, 2, 3, 4
NODES, POINTS, OPEN = 0, 1, 2  # what `counts` counts


def levels(cells: Integers) -> Integers:
    """Return how often each side was divided, 0 for the ends of the box."""
    return np.maximum(np.searchsorted(FIRST, cells, side="right") - 1, 0)


def sides(bounds: Array, cells: Integers) -> tuple[Array, Array]:
    """Return centres and half-widths, these with room for the rounding of the centres."""
    low, high = bounds[:, 0], bounds[:, 1]
    level = levels(cells)
    parts = POWERS[level].astype(np.float64)
    index = (cells - FIRST[level]).astype(np.float64)
    width = high - low
    c = np.minimum(low + width * ((2.0 * index + 1.0) / (2.0 * parts)), high)
    c = np.where(cells >= 0, c, np.where(cells == LOW, low, high))
    h = 0.5 * width / parts + 2.0 * EPS * np.maximum(np.abs(low), np.abs(high))
    return c, np.where(cells >= 0, h, 0.0)
