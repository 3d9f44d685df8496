"""Odd and ordinary instances that several test files share, and the tours they allow."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

from minimand.tsp.instance import Instance

INTEGER = ("euc_2d", "euc_3d", "ceil_2d", "att", "geo", "man_2d", "max_2d")
ENDS = [
    {"closed": True},
    {"closed": False},
    {"closed": False, "start": 2},
    {"closed": False, "end": 0},
    {"closed": False, "start": 1, "end": 3},
]


def tours(instance: Instance):
    """All tours that the instance allows."""
    wanted = {frozenset(edge) for edge in instance.fixed.tolist()}
    for order in itertools.permutations(range(instance.N)):
        if instance.closed and order[0] != 0:
            return
        tour = np.array(order)
        if not instance.closed and instance.start not in (None, order[0]):
            continue
        if instance.end not in (None, order[-1]):
            continue
        edges = {frozenset(edge) for edge in np.transpose(instance.edges(tour)).tolist()}
        if wanted <= edges:
            yield tour


def shortest(instance: Instance) -> float:
    return min(instance.length(tour) for tour in tours(instance))


@st.composite
def instances(draw, least=4, most=7):
    """Small instances of every kind: clusters, lattices, duplicates, ends, fixed edges, scales."""
    N = draw(st.integers(least, most))
    metric = draw(st.sampled_from(["euclidean", "manhattan", "chebyshev", "precomputed", *INTEGER]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    real = metric in ("euclidean", "manhattan", "chebyshev")
    points = rng.random((N, 3 if metric == "euc_3d" else draw(st.integers(1, 4)) if real else 2))
    style = draw(st.sampled_from(["random", "lattice", "duplicates", "clusters"]))
    if style == "lattice":
        points = np.floor(3 * points)
    elif style == "duplicates":
        points = points[rng.integers(0, 2, N)]
    elif style == "clusters":
        points = 1e-3 * points + rng.integers(0, 2, (N, 1))
    points = points * 10.0 ** draw(st.sampled_from([0, -300, 290] if real else [0, 1, 3]))
    ends = draw(st.sampled_from(ENDS))
    start, end = ends.get("start"), ends.get("end")
    order = [city for city in rng.permutation(N) if city not in (start, end)]
    order = [city for city in (start,) if city is not None] + order
    order += [city for city in (end,) if city is not None]
    count = draw(st.integers(0, 2))
    fixed = np.array([order[k : k + 2] for k in rng.permutation(N - 1)[:count]], dtype=np.int64)
    given_by = {"points": points}
    if metric == "precomputed":
        matrix = rng.integers(0, 9, (N, N)) if style == "lattice" else rng.random((N, N))
        matrix = np.triu(matrix, 1)
        given_by = {"matrix": (matrix + matrix.T).astype(float)}
    return Instance(metric=metric, fixed=fixed.reshape(-1, 2), **given_by, **ends)
