"""Ternary covers of a box: bounds, divisions, and what the samples say of the constants."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

import numpy as np

from minimand.reference.global_search.cells import (
    DIVIDE,
    EPS,
    EXCLUDE,
    HIGH,
    LOW,
    NODES,
    OPEN,
    POINTS,
    TO_LOW,
    Array,
    Integers,
    sides,
)
from minimand.reference.global_search.terms import actions, curvatures, dips, newton, rows


def pop_least(
    bound: Array, heap: Integers, counts: Integers, threshold: float, chosen: Integers
) -> int:
    """Take up to len(chosen) open items with the least bounds below the threshold, in that order.

    Equal bounds: the first item first. Returns how many there are. The order of what stays in
    `heap` is free.
    """
    items = heap[: counts[OPEN]]
    below = items[bound[items] < threshold]
    if len(below) > len(chosen):
        last = np.partition(bound[below], len(chosen) - 1)[len(chosen) - 1]
        below = below[bound[below] <= last]
    taken = below[np.lexsort((below, bound[below]))][: len(chosen)]
    chosen[: len(taken)] = taken
    left = items[~np.isin(items, taken)]
    heap[: len(left)] = left
    counts[OPEN] = len(left)
    return len(taken)


def boxes_divide(
    bounds: Array,
    cells: Integers,
    point: Integers,
    action: Integers,
    child: Integers,
    counts: Integers,
    chosen: Integers,
    points: Array,
) -> int:
    """Append the children of the chosen nodes; fill `points` with the centres that are new.

    A division has three children, the middle one with the centre of its parent; a reduction to a
    face has one. Returns the number of new points.
    """
    new = 0
    for parent in chosen:
        j, kind = (int(action[parent]) - 1) // 4, (int(action[parent]) - 1) % 4 + 1
        child[parent] = node = int(counts[NODES])
        side = int(cells[parent, j])
        parts = {DIVIDE: [3 * side + 1, 3 * side + 2, 3 * side + 3], TO_LOW: [LOW]}
        for part, new_side in enumerate(parts.get(kind, [HIGH])):
            cells[node] = cells[parent]
            cells[node, j] = new_side
            if kind == DIVIDE and part == 1:
                point[node] = point[parent]
            else:
                points[new] = sides(bounds, cells[node])[0]
                point[node] = counts[POINTS]
                counts[POINTS] += 1
                new += 1
            child[node] = -1
            node += 1
        counts[NODES] = node
    return new


def boxes_bound(
    bounds: Array,
    cells: Integers,
    point: Integers,
    value: Array,
    gradient: Array,
    gradient_error: Array,
    hessian: Array,
    slopes: Array,
    constants: Array,
    weights: Array,
    first: int,
    last: int,
    bound: Array,
    action: Integers,
    heap: Integers,
    counts: Integers,
    threads: int,
) -> None:
    """Bound f from below in the nodes first .. last - 1, say what to do with them, open them.

    With c, h centre and half-widths, r = ||h||, g and H derivatives at c, and what is known of
    `slopes` |d_j f| <= M_j and of `constants` M, K, M_H (of f, its gradient, its Hessian), margin:

        f - M r,   f - sum_j M_j h_j,   f + sum_j min {g_j d + l_j d^2/2: |d| <= h_j},
        f - g'A^-1 g/2   with A = H - (M_H r/3) I, if A is positive definite,

    where l_j = -K, or l_j = A_jj - sum_i |A_ij| h_i/h_j by Gershgorin; the largest counts, less
    margin and rounding. Where d_j f cannot vanish, or d_jj f is negative, no minimiser is inside:
    the node is reduced to the face where one may be, or excluded. `gradient`, `gradient_error` and
    `hessian` have a row for each point, a single one that holds for all, or none.
    """
    M, K, third, margin = constants
    ids = point[first:last]
    _, h = sides(bounds, cells[first:last])
    m, n = h.shape
    f = value[ids]
    free = cells[first:last] >= 0
    square, sums = np.zeros(m), np.zeros(m)
    with np.errstate(all="ignore"):
        for j in range(n):
            square += h[:, j] * h[:, j]
            sums += slopes[j] * h[:, j] if np.isfinite(slopes[j]) else np.inf
        r = np.sqrt(square)
        best = np.full(m, -np.inf)
        if np.isfinite(M):
            best = np.maximum(best, f - M * r)
        best = np.maximum(best, f - sums)
        impossible = np.zeros((m, n), dtype=np.int64)  # -1: falls to the left, 1: right, 2: both
        if len(gradient):
            g, e = rows(gradient, ids), rows(gradient_error, ids)
            steep = np.abs(g) + e
            spread = np.full((m, n), np.inf)
            if np.isfinite(K):
                spread[:] = (K * r)[:, np.newaxis]
                best = np.maximum(best, f + dips(steep, h, np.full((m, n), -K)))
            if len(hessian):
                H = rows(hessian, ids).reshape(m, n, n)
                largest = np.abs(H).reshape(m, -1).max(axis=1)
                shift = third * r / 3.0 + 64.0 * n * EPS * largest
                best = np.maximum(best, f + dips(steep, h, curvatures(H, h, free, shift)))
                best = np.maximum(best, f - 0.5 * newton(H, g, free, shift))
                for j in range(n):
                    change = 0.5 * (third * r * r)
                    for i in range(n):
                        change = change + np.abs(H[:, j, i]) * h[:, i]
                    spread[:, j] = np.minimum(spread[:, j], change)
                    concave = H[:, j, j] + (third * r + 64.0 * EPS * largest) < 0.0
                    impossible[concave, j] = 2
            monotone = np.abs(g) - e > spread * (1.0 + 1e-12)
            impossible[monotone] = np.where(g > 0.0, -1, 1)[monotone]
        size = np.abs(f) + np.abs(best - f)
        lower = best - (margin + 4.0 * EPS * size)
    todo = actions(bounds, cells[first:last], h, impossible, weights)
    excluded = (todo > 0) & ((todo - 1) % 4 + 1 == EXCLUDE)
    bound[first:last] = np.where(excluded, np.inf, lower)
    action[first:last] = todo
    nodes = np.arange(first, last)[(todo > 0) & ~excluded]
    heap[counts[OPEN] : counts[OPEN] + len(nodes)] = nodes
    counts[OPEN] += len(nodes)


def boxes_observe(
    bounds: Array,
    cells: Integers,
    point: Integers,
    value: Array,
    gradient: Array,
    gradient_error: Array,
    hessian: Array,
    margin: float,
    scale: float,
    action: Integers,
    child: Integers,
    chosen: Integers,
    observed: Array,
    witness: Integers,
) -> None:
    """Raise `observed` to what parents and their children show of the constants.

    Its entries are slopes along each axis (n), the norm of the gradient, K and M_H, less margin and
    the rounding 16 eps scale; `witness` has the two nodes of each.
    """
    n = cells.shape[1]
    slack = 2.0 * margin + 16.0 * EPS * scale
    for parent in chosen:
        here, first = sides(bounds, cells[parent])[0], int(child[parent])
        j, kind = (int(action[parent]) - 1) // 4, (int(action[parent]) - 1) % 4 + 1
        for k in range(first, first + (3 if kind == DIVIDE else 1)):
            if point[k] == point[parent]:
                continue
            there = sides(bounds, cells[k])[0]
            d = here[j] - there[j]
            if d == 0.0:
                continue
            rise, reach = value[point[parent]] - value[point[k]], abs(d)
            seen = np.zeros(n + 3)
            seen[j] = seen[n] = (abs(rise) - slack) / reach
            if len(gradient):
                g = rows(gradient, point[k : k + 1])[0]
                e = rows(gradient_error, point[k : k + 1])[0]
                norm = 0.0
                for i in range(n):
                    steep = max(abs(g[i]) - e[i], 0.0)
                    seen[i] = max(seen[i], steep)
                    norm += steep * steep
                seen[n] = max(seen[n], np.sqrt(norm))
                across = len(gradient_error) > 1 and cells[k, j] < 0
                rest = rise - g[j] * d if not across else 0.0  # differences do not look there
                seen[n + 1] = 2.0 * (abs(rest) - e[j] * reach - slack) / (reach * reach)
                if len(hessian):
                    H = rows(hessian, point[k : k + 1])[0]
                    rest = rest - 0.5 * (H[j * n + j] * (d * d))
                    cube = reach * reach * reach
                    seen[n + 2] = 6.0 * (abs(rest) - e[j] * reach - slack) / cube
            raised = seen > observed
            observed[raised], witness[raised] = seen[raised], (parent, k)


def hull_select(size: Array, value: Array, least: float, epsilon: float, chosen: Integers) -> int:
    """Choose the boxes that may hold the minimum for some Lipschitz constant (DIRECT).

    Of each size the one with the least value, first come first; of those the lower right convex
    hull, where the promised value is below least - epsilon |least|. `chosen` gets them by size;
    returns how many there are, at most len(chosen).
    """
    order = np.lexsort((value, size))  # stable: the first of equal ones stays first
    first = np.append(True, size[order][1:] != size[order][:-1])
    best = order[first]
    start = int(np.flatnonzero(value[best] == value[best].min())[-1])
    hull: list[int] = []
    for i in best[start:]:
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            turn = (value[b] - value[a]) * (size[i] - size[b])
            if turn < (value[i] - value[b]) * (size[b] - size[a]):
                break
            hull.pop()
        hull.append(int(i))
    count = 0
    for k, i in enumerate(hull):
        if k + 1 < len(hull):
            after = hull[k + 1]
            slope = (value[after] - value[i]) / (size[after] - size[i])
            if value[i] - slope * size[i] > least - epsilon * abs(least):
                continue
        if count < len(chosen):
            chosen[count] = i
            count += 1
    return count


def quadratic(
    Q: Array, p: Array, points: Array, value: Array, gradient: Array, threads: int
) -> None:
    """Value := x'Qx/2 + p'x and gradient := Qx + p at each row x of points, sums from the left."""
    n = len(p)
    value[...] = 0.0
    for i in range(n):
        product = np.zeros(len(points))
        for j in range(n):
            product += Q[i, j] * points[:, j]
        gradient[:, i] = product + p[i]
        value += points[:, i] * (0.5 * product + p[i])
