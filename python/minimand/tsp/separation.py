"""Sets of vertices whose cut carries less than 2: violated subtour inequalities."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.tsp.instance import Integers

_VIOLATED = 2.0 - 1e-6
_THRESHOLDS = (0.0, 0.3, 0.6, 0.9)


def violated_subsets(i: Integers, j: Integers, x: Floats, n: int) -> list[Integers]:
    """Return sets S with x(delta(S)) < 2, smaller side first; none only if there are none.

    Components of the graphs of edges above some thresholds; if they are all satisfied, the cuts on
    the way of Stoer and Wagner's minimum cut, J. ACM 44 (1997) 585, after contraction of edges with
    x >= 1 (Padberg and Rinaldi, Math. Prog. 47 (1990) 19: some violated set keeps them whole).
    """
    found: dict[bytes, Integers] = {}
    for threshold in _THRESHOLDS:
        labels = components(i[x > threshold + 1e-9], j[x > threshold + 1e-9], n)
        cut = np.where(labels[i] != labels[j], x, 0.0)
        count = int(labels.max()) + 1
        carried = np.bincount(labels[i], cut, count) + np.bincount(labels[j], cut, count)
        for label in np.flatnonzero(carried < _VIOLATED):
            _keep(found, np.flatnonzero(labels == label), n)
        if threshold == 0.0 and found:
            return list(found.values())
    if not found:
        for subset in _minimum_cuts(i, j, x, n):
            _keep(found, subset, n)
    return list(found.values())


def components(i: Integers, j: Integers, n: int) -> NDArray[np.int32]:
    """Return the number of the connected component of each vertex."""
    graph = scipy.sparse.coo_array((np.ones(len(i)), (i, j)), shape=(n, n))
    labels = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    return np.asarray(labels)


def _keep(found: dict[bytes, Integers], subset: Integers, n: int) -> None:
    if 2 * len(subset) > n:
        subset = np.setdiff1d(np.arange(n), subset)
    if len(subset) > 1:
        found.setdefault(subset.tobytes(), subset.astype(np.int64))


def _minimum_cuts(i: Integers, j: Integers, x: Floats, n: int) -> list[Integers]:
    """Return the cuts of the phases of Stoer and Wagner that are violated."""
    weights = np.zeros((n, n))
    np.add.at(weights, (i, j), x)
    weights += weights.T
    groups = [[v] for v in range(n)]
    alive = np.ones(n, dtype=np.bool_)
    for u, v in zip(i[x >= 1.0 - 1e-9].tolist(), j[x >= 1.0 - 1e-9].tolist(), strict=True):
        _contract(weights, groups, alive, u, v)
    while True:  # contracted edges may add up to 1
        u, v = np.unravel_index(int(np.argmax(weights)), weights.shape)
        if weights[u, v] < 1.0 - 1e-9 or np.count_nonzero(alive) < 3:
            break
        _contract(weights, groups, alive, int(u), int(v))
    cuts = []
    while np.count_nonzero(alive) > 1:
        carried, outside = weights[np.argmax(alive)].copy(), alive.copy()
        last = int(np.argmax(alive))
        outside[last] = False
        for _ in range(np.count_nonzero(alive) - 1):
            before, last = last, int(np.argmax(np.where(outside, carried, -1.0)))
            outside[last] = False
            cut = carried[last]
            carried += weights[last]
        if cut < _VIOLATED:
            cuts.append(np.array(sorted(groups[last])))
        _contract(weights, groups, alive, before, last)
    return cuts


def _contract(
    weights: Floats, groups: list[list[int]], alive: NDArray[np.bool_], u: int, v: int
) -> None:
    """Merge v into u; a vertex that was merged before is the one it is part of now."""
    u, v = _holder(groups, u), _holder(groups, v)
    if u == v:
        return
    weights[u] += weights[v]
    weights[:, u] += weights[:, v]
    weights[v] = weights[:, v] = weights[u, u] = 0.0
    groups[u] += groups[v]
    groups[v] = [u]
    alive[v] = False


def _holder(groups: list[list[int]], v: int) -> int:
    while groups[v][0] != v:
        v = groups[v][0]
    return v
