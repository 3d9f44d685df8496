"""The nearest cities of each city, and the greedy tour along them."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from __future__ import annotations

import numpy as np

from minimand.reference.tsp.distance import Lengths, Points, Vertices, lengths_between, table


def nearest(
    points: Points,
    lengths: Lengths,
    metric: int,
    scale: float,
    per_quadrant: int,
    near: Vertices,
    threads: int,
) -> None:
    """near[i] := the nearest cities, or some of each quadrant and the nearest of the others."""
    N, width = near.shape
    distance = lengths_between(points, lengths, metric, scale)
    cities = np.arange(N)
    for i in range(N):
        d = distance(np.full(N, i), cities)
        order = np.lexsort((cities, d))
        order = order[order != i]
        chosen: list[int] = []
        if per_quadrant:
            quadrant = _quadrants(points - points[i])
            for q in range(4):
                chosen += order[quadrant[order] == q][:per_quadrant].tolist()
        chosen += [j for j in order[:width].tolist() if j not in chosen][: width - len(chosen)]
        kept = np.array(chosen)
        near[i] = kept[np.lexsort((kept, d[kept]))]


def _quadrants(offsets: Points) -> Vertices:
    """Return 0 to 3 for points around the origin, half-open each, -1 for the origin."""
    dx, dy = offsets.T
    conditions = [
        (dx > 0) & (dy >= 0),
        (dx <= 0) & (dy > 0),
        (dx < 0) & (dy <= 0),
        (dx >= 0) & (dy < 0),
    ]
    return np.select(conditions, [0, 1, 2, 3], default=-1).astype(np.int32)


def greedy_tour(
    points: Points,
    lengths: Lengths,
    metric: int,
    scale: float,
    mates: Vertices,
    penalty: int,
    near: Vertices,
    tour: Vertices,
) -> None:
    """Join paths by the shortest edges between neighbours, then by the nearest ends."""
    n = len(near)
    cities = len(lengths) if lengths.size else len(points)
    d = table(points, lengths, metric, scale, mates, penalty)
    edges = {(-penalty, i, j) for i, pair in enumerate(mates.tolist()) for j in pair if j > i}
    for i, row in enumerate(near[:cities].tolist()):
        edges |= {(d[i][j], min(i, j), max(i, j)) for j in row if j < cities}
    links: list[list[int]] = [[] for _ in range(n)]
    other_end = list(range(n))
    for _, i, j in sorted(edges):
        if len(links[i]) < 2 and len(links[j]) < 2 and other_end[i] != j:
            first, last = other_end[i], other_end[j]
            links[i].append(j)
            links[j].append(i)
            other_end[first], other_end[last] = last, first

    ends = [v for v in range(n) if len(links[v]) < 2]
    begin, filled = ends[0] if ends else 0, []
    while True:
        v, last, before = begin, other_end[begin], -1
        while True:
            filled.append(v)
            if v == last:
                break
            following = links[v][0] if links[v][0] != before else links[v][1]
            before, v = v, following
        ends = [e for e in ends if e not in (begin, last)]
        if not ends:
            break
        begin = min(ends, key=lambda e: d[last][e])
    tour[:] = filled
