"""Where two bodies can meet: M w = d with M = [Ex Lx, Ez Lz], and the least |w|^2 for it."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand.reference.rendezvous.sweeps import lower_factor

Array: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

EPS = float(np.finfo(np.float64).eps)
OUTSIDE = 1e-9  # of a row of d, which then cannot be reached


def match_factor(M: Array, floor: Array, factor: Array, order: Integers, scale: Array) -> int:
    """Factor ``diag(scale) M = factor Q`` in the order of pivots; return the rank.

    A row of M that is no longer than its entry of `floor` is rounding, and counts as 0.
    `factor` (q, q) is lower trapezoidal: its columns from the rank on are 0. `scale` has powers of
    two that give the rows of M norms near 1. ``order[i]`` is the row of M at place i.
    """
    q, k = M.shape
    sizes = np.abs(M).max(axis=1)
    scale[...] = np.ldexp(1.0, -np.where(sizes > 0, np.frexp(sizes)[1], 0))
    left = scale[:, np.newaxis] * M
    left[np.sqrt((left**2).sum(axis=1)) <= scale * floor] = 0.0
    order[...] = np.arange(q)
    factor[...] = 0.0
    largest = 0.0
    for i in range(min(q, k)):
        norms = np.sqrt((left[i:] ** 2).sum(axis=1))
        pivot = i + int(np.argmax(norms))
        largest = max(largest, norms[pivot - i])
        if not norms[pivot - i] > 100 * max(q, k) * EPS * largest:
            return i
        for array in (left, factor):
            array[[i, pivot]] = array[[pivot, i]]
        order[[i, pivot]] = order[[pivot, i]]
        unit = left[i] / norms[pivot - i]
        for _ in range(2):  # Gram-Schmidt, twice is enough
            along = left[i:] @ unit
            factor[i:, i] += along
            left[i:] -= np.outer(along, unit)
    return int(min(q, k))


@np.errstate(all="ignore")
def match_solve(
    factor: Array,
    order: Integers,
    scale: Array,
    rank: int,
    d: Array,
    noise: Array,
    multiplier: Array,
    direction: Array,
) -> float:
    """Solve ``M M' multiplier = d``; return ``d' multiplier``, the least energy, or infinity.

    It is infinite when d is out of reach by more than `noise` and 1e-9 of its terms. Then
    ``M' direction = 0`` and ``direction' d > 0``, otherwise `direction` is 0.
    """
    target, level = (scale * d)[order], (scale * noise)[order]
    square, rest = factor[:rank, :rank], factor[rank:, :rank]
    y = np.linalg.solve(square, target[:rank]) if rank else np.empty(0)
    multiplier[...] = direction[...] = 0.0
    if rank:
        multiplier[order[:rank]] = np.linalg.solve(square.T, y)
        multiplier *= scale
    outside = target[rank:] - rest @ y
    terms = np.abs(target[rank:]) + np.abs(rest) @ np.abs(y)
    rounding = 100 * len(d) * EPS * np.sqrt(y @ y)  # of the factor, whose rows have norms near 1
    if not (np.abs(outside) > OUTSIDE * terms + level[rank:] + rounding).any():
        return float(y @ y)
    direction[order[rank:]] = outside
    if rank:
        direction[order[:rank]] = -np.linalg.solve(square.T, rest.T @ outside)
    direction *= scale
    return math.inf


def reach_noise(A: Array, B: Array, L: Array, E: Array, floor: Array) -> None:
    """Add to ``floor`` what rounding may leave of a row of E L that should be 0."""
    rows = np.sqrt((L * L).sum(axis=1))
    terms = rows + np.abs(A) @ rows + np.sqrt((B * B).sum(axis=1))
    floor += 100 * len(A) * EPS * (np.abs(E) @ terms)


@np.errstate(all="ignore")
def energy_curve(
    A: Array,
    B: Array,
    C: Array,
    D: Array,
    Ex: Array,
    Ez: Array,
    Lx: Array,
    Lz: Array,
    x: Array,
    z: Array,
    largest_x: Array,
    largest_z: Array,
    begin: int,
    energy: Array,
    rank: Integers,
    condition: Array,
    multiplier: Array,
) -> None:
    """Least energies to meet, ``Ex x + Ez z = 0``, after begin + 1, begin + 2, ... steps.

    In and out: the factors of what is reachable and the free motion after `begin` steps, and its
    largest entries so far. Where no
    meeting is possible, `energy` is infinite and `multiplier` the direction that proves it.
    """
    q = len(Ex)
    order, scale, direction = np.empty(q, np.int64), np.empty(q), np.empty(q)
    factor, noise = np.empty((q, q)), np.empty(q)
    for i in range(len(energy)):
        Lx[...] = lower_factor(np.hstack([A @ Lx, B]))
        Lz[...] = lower_factor(np.hstack([C @ Lz, D]))
        x[...], z[...] = A @ x, C @ z
        largest_x[...] = np.maximum(largest_x, np.abs(x))
        largest_z[...] = np.maximum(largest_z, np.abs(z))
        floor = np.zeros(q)
        reach_noise(A, B, Lx, Ex, floor)
        reach_noise(C, D, Lz, Ez, floor)
        rank[i] = match_factor(np.hstack([Ex @ Lx, Ez @ Lz]), floor, factor, order, scale)
        noise = np.abs(Ex) @ largest_x + np.abs(Ez) @ largest_z
        noise *= EPS * (100 * max(len(x), len(z)) + begin + i + 1)
        d = -(Ex @ x + Ez @ z)
        if not (np.isfinite(factor).all() and np.isfinite(d).all()):
            energy[i], rank[i], condition[i], multiplier[i] = np.nan, 0, np.nan, np.nan
            continue
        found = match_solve(factor, order, scale, rank[i], d, noise, multiplier[i], direction)
        pivots = np.abs(np.diag(factor)[: rank[i]])
        condition[i] = pivots[0] / pivots[-1] if rank[i] else 1.0
        energy[i] = found
        if math.isinf(found):
            multiplier[i] = direction
