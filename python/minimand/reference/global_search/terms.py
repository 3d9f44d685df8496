"""The terms of the bounds, for many cells at once, and what follows for a cell."""

import numpy as np
from numpy.typing import NDArray

from minimand.reference.global_search.cells import (
    DIVIDE,
    EPS,
    EXCLUDE,
    FIRST,
    LEVELS,
    POWERS,
    TO_HIGH,
    TO_LOW,
    Array,
    Integers,
    levels,
)


def rows(table: Array, ids: Integers) -> Array:
    """Return the rows of a table that may have a single row for all."""
    return table[ids if len(table) > 1 else np.zeros_like(ids)]


def dips(steep: Array, h: Array, curvature: Array) -> Array:
    """Return sum_j min {g_j d + l_j d^2/2: |d| <= h_j}, |g_j| = steep."""
    total = np.zeros(len(h))
    for j in range(h.shape[1]):
        g, w, c = steep[:, j], h[:, j], curvature[:, j]
        at_end = 0.5 * (c * w * w) - g * w
        inside = -(g * g) / (2.0 * c)
        total += np.where(g >= c * w, at_end, inside)
    return total


def curvatures(H: Array, h: Array, free: NDArray[np.bool_], shift: Array) -> Array:
    """Return l_j with d'(H - shift I)d >= sum_j l_j d_j^2, for d in the free directions."""
    n = h.shape[1]
    curvature = np.zeros(h.shape)
    for j in range(n):
        total = H[:, j, j] - shift
        for i in range(n):
            if i != j:
                share = np.abs(H[:, j, i]) * (h[:, i] / h[:, j])
                total = total - np.where(free[:, i], share, 0.0)
        curvature[:, j] = np.where(free[:, j], total, 0.0)
    return curvature


def newton(H: Array, g: Array, free: NDArray[np.bool_], shift: Array) -> Array:
    """Return g'(H - shift I)^-1 g in the free directions by LDL', infinity if not positive."""
    m, n = g.shape
    L, D, y = np.zeros((m, n, n)), np.ones((m, n)), np.zeros((m, n))
    total, positive = np.zeros(m), np.ones(m, dtype=np.bool_)
    for j in range(n):
        d = H[:, j, j] - shift
        z = g[:, j]
        for k in range(j):
            d = d - L[:, j, k] * L[:, j, k] * D[:, k]
            z = z - L[:, j, k] * y[:, k]
        on = free[:, j]
        positive &= ~on | (d > 0.0)
        D[:, j], y[:, j] = np.where(on, d, 1.0), np.where(on, z, 0.0)
        for i in range(j + 1, n):
            entry = H[:, i, j]
            for k in range(j):
                entry = entry - L[:, i, k] * L[:, j, k] * D[:, k]
            L[:, i, j] = np.where(on & free[:, i], entry / D[:, j], 0.0)
        total = total + y[:, j] * y[:, j] / D[:, j]
    return np.where(positive, total, np.inf)


def actions(
    bounds: Array, cells: Integers, h: Array, impossible: Integers, weights: Array
) -> Integers:
    """Return what to do with each cell; the first axis that rules out a minimiser decides."""
    m, n = h.shape
    level = levels(cells)
    index = cells - FIRST[level]
    free = cells >= 0
    at_low, at_high = free & (index == 0), free & (index == POWERS[level] - 1)
    finest = 16.0 * EPS * np.maximum(np.abs(bounds[:, 0]), np.abs(bounds[:, 1]))
    divisible = free & (level < LEVELS - 1) & (h > finest)
    todo = np.zeros(m, dtype=np.int64)
    widest = np.zeros(m)
    for j in range(n):
        wider = divisible[:, j] & (weights[j] * h[:, j] > widest)
        widest = np.where(wider, weights[j] * h[:, j], widest)
        todo = np.where(wider, 4 * j + DIVIDE, todo)
    for j in reversed(range(n)):
        # Falling to the left (-1), to the right (1), or concave (2).
        to_low = at_low[:, j] & ((impossible[:, j] == -1) | (impossible[:, j] == 2))
        to_high = at_high[:, j] & ((impossible[:, j] == 1) | (impossible[:, j] == 2))
        neither = free[:, j] & (impossible[:, j] != 0) & ~to_low & ~to_high
        todo = np.where(neither, 4 * j + EXCLUDE, todo)
        todo = np.where(to_low & ~to_high, 4 * j + TO_LOW, todo)
        todo = np.where(to_high & ~to_low, 4 * j + TO_HIGH, todo)
    return todo
