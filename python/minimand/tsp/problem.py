"""An instance as the kernels see it: always a closed tour, neighbours near in memory."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from minimand.tsp.instance import Instance, Integers

Vertices = NDArray[np.int32]

_NEAR = (10, 2)  # neighbours in all, and at least so many in each quadrant of the plane
_CLOSE = (7, 1)  # the same for local search, whose time goes with the square of the first
_CLOSE_ELSEWHERE = (8, 0)
_LARGEST_TABLE = 2000  # cities up to which distances on the globe are taken from a table
_MOST_DIMENSIONS = 4  # as well as those in more dimensions


class Problem:
    """What the kernels work on.

    A path becomes a tour through a dummy vertex at distance 0 from all cities; a given end is an
    edge between the dummy and that city which has to stay, and two given ends are such an edge
    between themselves. Cities are renumbered along a greedy tour.

    Attributes
    ----------
    size : int
        Number of vertices.
    near, close : ndarray (size, k) of int32
        The nearest neighbours of each vertex, for the joining of sub-tours and (fewer) for local
        search; the dummy is the first of all.
    start : ndarray (size,) of int32
        The greedy tour, in the new numbers.
    ways : tuple
        The first arguments of every kernel that measures.
    least_distance : int
        The shortest distance between neighbours that is not 0, in fixed point.
    """

    def __init__(self, instance: Instance, kernels: ModuleType, threads: int) -> None:
        self.instance = instance
        N = instance.N
        fixed = [tuple(edge) for edge in instance.fixed.tolist()]
        ends = [city for city in (instance.start, instance.end) if city is not None]
        self.has_dummy = not instance.closed and len(ends) < 2
        if self.has_dummy:
            fixed += [(end, N) for end in ends]
        elif not instance.closed and sorted(ends) not in [sorted(edge) for edge in fixed]:
            fixed.append((ends[0], ends[1]))
        self.size = N + self.has_dummy
        self.penalty = _penalty(instance, len(fixed))

        points, lengths = instance.scaled_points, length_table(instance)
        plane = not lengths.size and points.shape[1] == 2

        def nearest(width: int, quadrant: int) -> Vertices:
            lists = np.empty((N, min(width, N - 1)), dtype=np.int32)
            per_quadrant = quadrant if plane and width < N else 0
            kernels.nearest(
                points, lengths, instance.code, instance.scale, per_quadrant, lists, threads
            )
            return self._with_dummy(lists)

        near, close = nearest(*_NEAR), nearest(*(_CLOSE if plane else _CLOSE_ELSEWHERE))
        self.least_distance = self._least(close)
        mates = _mates(fixed, self.size)
        greedy = np.empty(self.size, dtype=np.int32)
        kernels.greedy_tour(
            points, lengths, instance.code, instance.scale, mates, self.penalty, near, greedy
        )

        # Renumber: vertex v is city self.cities[v]; the dummy stays the last one.
        cities = greedy[greedy < N]
        self.cities = np.append(cities, N)[: self.size].astype(np.int32)
        number = np.empty(self.size + 1, dtype=np.int32)
        number[self.cities] = np.arange(self.size)
        number[-1] = -1
        self.near = np.ascontiguousarray(number[near[self.cities]])
        self.close = np.ascontiguousarray(number[close[self.cities]])
        self.start = number[greedy]
        self.mates = np.ascontiguousarray(number[mates[self.cities]])
        points = np.ascontiguousarray(points[cities]) if points.size else points
        lengths = np.ascontiguousarray(lengths[np.ix_(cities, cities)]) if lengths.size else lengths
        self.ways = (points, lengths, instance.code, instance.scale, self.mates, self.penalty)

    def tour(self, vertices: Vertices) -> Integers:
        """Return the cities of a closed tour in the order in which the user wants them."""
        return self.instance.in_order(self.cities[vertices].astype(np.int64))

    def random_tour(self, random: np.random.Generator) -> Vertices:
        """Return a random tour with all edges that have to stay."""
        first = random.permutation(self.size).astype(np.int32)
        if (self.mates < 0).all():
            return first
        tour: list[int] = []
        seen = np.zeros(self.size, dtype=np.bool_)
        mates: list[list[int]] = self.mates.tolist()
        for v in first.tolist():
            if seen[v] or (mates[v][0] >= 0 and mates[v][1] >= 0):
                continue  # only from an end of a chain of such edges, or from a single vertex
            while v >= 0:
                tour.append(v)
                seen[v] = True
                v = next((w for w in mates[v] if w >= 0 and not seen[w]), -1)
        if len(tour) < self.size:  # the edges that have to stay are the tour
            return self.start.copy()
        return np.array(tour, dtype=np.int32)

    def measure(self, vertices: Vertices) -> int:
        """Return the fixed-point length of a closed tour, edges that have to stay at -penalty."""
        i, j = vertices, np.roll(vertices, -1)
        cities = self.cities[i], self.cities[j]
        N = self.instance.N
        real = (cities[0] < N) & (cities[1] < N)
        stays = (self.mates[i] == j[:, np.newaxis]).any(axis=1)
        lengths = self.instance.fixed_point(cities[0][real & ~stays], cities[1][real & ~stays])
        return int(lengths.sum()) - self.penalty * int(np.count_nonzero(stays))

    def _least(self, close: Vertices) -> int:
        if self.instance.integer:
            return 2**52
        N = self.instance.N
        cities = np.arange(N)[:, np.newaxis]
        lists = close[:N]
        apart = self.instance.fixed_point(
            np.broadcast_to(cities, lists.shape), np.where(lists < N, lists, cities)
        )
        there = self.instance.distances(
            np.broadcast_to(cities, lists.shape), np.where(lists < N, lists, cities)
        )
        return int(apart[there > 0].min(initial=2**52))

    def _with_dummy(self, near: Vertices) -> Vertices:
        """Put the dummy at the head of each list; near it are the cities far from all others."""
        if not self.has_dummy:
            return near
        N = len(near)
        apart = self.instance.fixed_point(np.arange(N), near[:, 0])
        far = np.lexsort((np.arange(N), -apart))[: near.shape[1] + 1]
        full = np.full((N + 1, near.shape[1] + 1), N, dtype=np.int32)
        full[:N, 1:] = near
        full[N] = np.resize(far, near.shape[1] + 1)
        return full


def length_table(instance: Instance) -> Integers:
    """Return the matrix of fixed-point distances where kernels should not compute them."""
    N = instance.N
    computed = instance.metric != "geo" and instance.points.shape[1] <= _MOST_DIMENSIONS
    if instance.metric != "precomputed" and (computed or N > _LARGEST_TABLE):
        return np.empty((0, 0), dtype=np.int64)
    cities = np.arange(N)
    rows = [instance.fixed_point(np.full(N, i), cities) for i in range(N)]
    table = np.stack(rows)
    np.fill_diagonal(table, 0)
    return table


def _mates(fixed: list[tuple[int, ...]], size: int) -> Vertices:
    mates = np.full((size, 2), -1, dtype=np.int32)
    for i, j in fixed:
        for a, b in ((i, j), (j, i)):
            mates[a, int(mates[a, 0] >= 0)] = b
    return mates


def _penalty(instance: Instance, fixed: int) -> int:
    """Return more than any tour is long; fixed edges have minus that for a length."""
    longest = instance.longest if instance.integer else np.ldexp(1.0, 52) / max(1, instance.N)
    penalty = int(instance.N * longest) + 1
    if (fixed + 1) * penalty >= 2**62:
        raise OverflowError(
            f"{fixed} fixed edges and integer distances up to {longest:.3g} pass 2^62; "
            "pass smaller units"
        )
    return penalty
