"""The classic genetic algorithm: ordered crossover, swap mutation, truncation selection."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minimand.reference.tsp.distance import Lengths, Points, Vertices, lengths_between
from minimand.reference.tsp.draws import Draws, Key


def genetic_steps(
    points: Points,
    distances: Lengths,
    metric: int,
    scale: float,
    closed: bool,
    linear: bool,
    low: int,
    high: int,
    mutants: int,
    swaps: int,
    migration: int,
    population: Vertices,
    lengths: Lengths,
    slots: Lengths,
    key: Key,
    first_generation: int,
    generations: int,
    threads: int,
) -> None:
    """Do `generations` generations on all islands, in place.

    `population` has 2n rows for each of K islands; slots[k, :n] are the rows of its individuals,
    the others are free for the children. Places outside [low, high) keep given ends.
    """
    islands, twice = slots.shape
    rows = population.reshape(islands, twice, -1)
    distance = lengths_between(points, distances, metric, scale)

    def measure(tours: Vertices) -> Lengths:
        legs: Lengths = distance(tours[:, :-1], tours[:, 1:]).sum(axis=1)
        return np.asarray(legs + distance(tours[:, -1], tours[:, 0])) if closed else legs

    for number in range(first_generation, first_generation + generations):
        for k in range(islands):
            draws = Draws(key, k)
            children = _children(
                rows[k], slots[k], draws, number, (low, high), mutants, swaps, linear
            )
            free = slots[k, twice // 2 :]
            rows[k, free] = children
            lengths[k, free] = measure(children)
            order = np.lexsort((np.arange(twice), lengths[k, slots[k]]))
            best, worst = np.sort(order[: twice // 2]), np.sort(order[twice // 2 :])
            slots[k] = slots[k, np.concatenate([best, worst])]
        if islands > 1 and (number + 1) % migration == 0:
            _migrate(rows, lengths, slots)


def _children(
    rows: Vertices,
    slots: Lengths,
    draws: Draws,
    number: int,
    window: tuple[int, int],
    mutants: int,
    swaps: int,
    linear: bool,
) -> Vertices:
    n = len(slots) // 2
    low, high = window
    parents = rows[slots[:n]]
    chosen = _mutants(draws, number * (n + 1) + n, n, mutants)
    children = np.empty_like(parents)
    for child in range(n):
        below = draws.stream(number * (n + 1) + child)
        first, second = below(n), below(n - 1)
        second += second >= first
        i, j = sorted((low + below(high - low), low + below(high - low)))
        tour = _ordered_crossover(parents[first], parents[second], i, j, low, high, linear)
        if child in chosen:
            for _ in range(swaps):
                p, q = below(high - low), below(high - low - 1)
                q += q >= p
                tour[[low + p, low + q]] = tour[[low + q, low + p]]
        children[child] = tour
    return children


def _ordered_crossover(
    a: Vertices, b: Vertices, i: int, j: int, low: int, high: int, linear: bool
) -> Vertices:
    """Return a[i..j] in place, around it the cities that are missing, in the order of b."""
    child = a.copy()
    outside = b[low:high]
    if not linear:  # both begin after the second cut
        outside = np.roll(outside, low - (j + 1))
    rest = outside[~np.isin(outside, a[i : j + 1])]
    places = np.concatenate([np.arange(low, i), np.arange(j + 1, high)])
    if not linear:
        places = np.concatenate([np.arange(j + 1, high), np.arange(low, i)])
    child[places] = rest
    return child


def _mutants(draws: Draws, item: int, n: int, count: int) -> set[int]:
    """Return `count` distinct numbers below n: the first entries of a Fisher-Yates shuffle."""
    below = draws.stream(item)
    order = list(range(n))
    for k in range(count):
        other = k + below(n - k)
        order[k], order[other] = order[other], order[k]
    return set(order[:count])


def _migrate(rows: Vertices, lengths: Lengths, slots: Lengths) -> None:
    """Let the best of each island, as it was, replace the (last) worst of the next one."""
    n = slots.shape[1] // 2
    of: NDArray[np.int64] = np.take_along_axis(lengths, slots[:, :n], axis=1)
    islands = np.arange(len(slots))
    best = slots[islands, of.argmin(axis=1)]
    guests, guest_lengths = rows[islands, best].copy(), lengths[islands, best].copy()
    for k in islands:
        to = (k + 1) % len(islands)
        worst = slots[to, n - 1 - int(lengths[to, slots[to, :n]][::-1].argmax())]
        rows[to, worst], lengths[to, worst] = guests[k], guest_lengths[k]
