"""The kernels of bounds in NumPy; cpp/tsp/bounds.hpp has the mathematics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.reference.tsp.distance import lengths_between

Integers = NDArray[np.int64]
Vertices = NDArray[np.int32]

_NONE = np.iinfo(np.int64).max


def prim_dense(
    points: Floats,
    lengths: Integers,
    metric: int,
    scale: float,
    mates: Vertices,
    penalty: int,
    unit: int,
    pi: Integers,
    root: int,
    key: Integers,
    parent: Vertices,
    state: Integers,
    steps: int,
) -> None:
    """Grow the minimum spanning tree of the complete graph by `steps` vertices."""
    n = len(pi)
    vertices = np.arange(n)
    first = 1 if root == 0 else 0
    if state[0] == 0:
        key[:], parent[:], state[:] = _NONE, -1, 0
        state[:2] = 1, first

    def weights(i: int) -> Integers:
        row = unit * _row(points, lengths, metric, scale, mates, penalty, i)
        return np.asarray(row + pi[i] + pi)

    outside = (key < _NONE) | (parent < 0)
    outside[[root, first]] = False
    for _ in range(min(steps, n - 1 - int(state[0]))):
        last = int(state[1])
        w = weights(last)
        low, high = np.minimum(last, vertices), np.maximum(last, vertices)
        old_low, old_high = np.minimum(parent, vertices), np.maximum(parent, vertices)
        before = (low < old_low) | ((low == old_low) & (high < old_high))
        closer = outside & ((w < key) | ((w == key) & before))
        key[closer], parent[closer] = w[closer], last
        candidates = np.flatnonzero(outside)
        joined = parent[candidates]
        order = np.lexsort(
            (np.maximum(candidates, joined), np.minimum(candidates, joined), key[candidates])
        )
        following = int(candidates[order[0]])
        state[:3] = state[0] + 1, following, state[2] + key[following]
        key[following] = _NONE
        outside[following] = False
    if state[0] == n - 1:
        w = weights(root)
        others = np.delete(vertices, root)
        a, b = others[np.argsort(w[others], kind="stable")[:2]]
        state[0], state[2:] = n, (state[2] + w[a] + w[b], a, b)


def nearest_reduced(
    points: Floats,
    lengths: Integers,
    metric: int,
    scale: float,
    mates: Vertices,
    penalty: int,
    unit: int,
    pi: Integers,
    begin: int,
    end: int,
    near: Vertices,
    threads: int,
) -> None:
    """Write the vertices of the least reduced weights to some vertices."""
    del threads
    for i in range(begin, end):
        w = unit * _row(points, lengths, metric, scale, mates, penalty, i) + pi[i] + pi
        order = np.argsort(w, kind="stable")
        near[i - begin] = order[order != i][: near.shape[1]]


def ascent(
    offsets: Integers,
    ends: Vertices,
    costs: Integers,
    root: int,
    limit: int,
    decay: float,
    pi: Integers,
    h: Integers,
    best: Integers,
    step: Floats,
    state: Integers,
    steps: int,
) -> None:
    """Do subgradient steps on a sparse graph."""
    n = len(pi)
    i, j = np.repeat(np.arange(n), np.diff(offsets)), ends.astype(np.int64)
    once = i < j
    i, j, costs = i[once], j[once], costs[once]
    for _ in range(steps):
        w = costs + pi[i] + pi[j]
        order = np.lexsort((j, i, w))
        chosen = _one_tree(i, j, order, root, n)
        if len(chosen) < n:
            return
        bound = int(w[chosen].sum()) - 2 * int(pi.sum())
        if bound > state[0]:
            state[0] = bound
            best[:] = pi
        state[1] += 1
        g = np.bincount(np.concatenate([i[chosen], j[chosen]]), minlength=n) - 2
        if not g.any():
            state[2] = 1
            return
        moved = pi + np.rint(step[0] * (0.6 * g + 0.4 * h)).astype(np.int64)
        pi[:], h[:] = np.clip(moved, -limit, limit), g
        step[0] *= decay


def dp(d: Integers, tour: Vertices) -> int:
    """Write the shortest closed tour, which begins with the last vertex; return its length."""
    m = len(d) - 1
    f = np.full((1 << m, m), _NONE)
    origin = np.full((1 << m, m), -1, dtype=np.int8)
    f[1 << np.arange(m), np.arange(m)] = d[m, :m]
    for members in range(1, 1 << m):
        inside = np.array([j for j in range(m) if members >> j & 1])
        through = f[members, inside][:, None] + d[inside, :m]
        least = through.argmin(axis=0)
        for j in set(range(m)) - set(inside.tolist()):
            f[members | 1 << j, j] = through[least[j], j]
            origin[members | 1 << j, j] = inside[least[j]]
    members = (1 << m) - 1
    closing = f[members] + d[:m, m]
    last = int(closing.argmin())
    length = int(closing[last])
    tour[0] = m
    for k in range(m, 0, -1):
        tour[k] = last
        members, last = members ^ (1 << last), int(origin[members, last])
    return length


def _one_tree(i: Integers, j: Integers, order: Integers, root: int, n: int) -> list[int]:
    """Return the edges of the minimum one-tree, by Kruskal's algorithm; fewer than n if none."""
    leader = list(range(n))

    def top(v: int) -> int:
        while leader[v] != v:
            leader[v] = leader[leader[v]]
            v = leader[v]
        return v

    chosen, at_root = [], []
    for e, u, v in zip(order.tolist(), i[order].tolist(), j[order].tolist(), strict=True):
        if root in (u, v):
            at_root.append(e)
        elif (a := top(u)) != (b := top(v)):
            leader[a] = b
            chosen.append(e)
    return chosen + at_root[:2] if len(chosen) == n - 2 else []


def _row(
    points: Floats,
    lengths: Integers,
    metric: int,
    scale: float,
    mates: Vertices,
    penalty: int,
    i: int,
) -> Integers:
    """Return the fixed-point distances from vertex i to all, as distance.hpp has them."""
    N = len(lengths) if lengths.size else len(points)
    out = np.zeros(len(mates), dtype=np.int64)
    if i < N:
        out[:N] = lengths_between(points, lengths, metric, scale)(i, np.arange(N))
    out[mates[i][mates[i] >= 0]] = -penalty
    return out
