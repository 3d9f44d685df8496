"""The cells of a result: rebuilt from the record of the divisions, with their bounds, in NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand.global_search.problem import Constants, rounding_of

_DIVIDE, _LOW, _HIGH, _EXCLUDE = 1, 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Boxes low <= x <= high, (k, n), that cover all minimisers, with lower bounds of f (k,)."""

    low: Floats
    high: Floats
    bound: Floats

    @property
    def half(self) -> Floats:
        """Half the widths."""
        return 0.5 * (self.high - self.low)


def cells(actions: NDArray[np.int64], box: Floats) -> tuple[Floats, Floats]:
    """Return low and high ends (m, n) of all cells of a tree, generation by generation.

    Raises
    ------
    CertificateError
        The actions are not those of a tree.
    """
    lows, highs = [box[np.newaxis, :, 0]], [box[np.newaxis, :, 1]]
    done, n = 0, len(box)
    while len(lows[-1]):
        low, high = lows[-1], highs[-1]
        todo = actions[done : done + len(low)]
        if len(todo) < len(low) or (todo < 0).any() or (todo > 4 * n).any():
            raise CertificateError("GlobalResult does not verify: actions are not those of a tree")
        done += len(low)
        kind, axis = np.where(todo > 0, (todo - 1) % 4 + 1, 0), (todo - 1) // 4
        parents = np.flatnonzero((kind > 0) & (kind < _EXCLUDE))
        parts = np.where(kind[parents] == _DIVIDE, 3, 1)
        row = np.repeat(parents, parts)
        part = np.arange(len(row)) - np.repeat(np.cumsum(parts) - parts, parts)
        j, k = axis[row], np.arange(len(row))
        low, high = low[row], high[row]
        a, b = low[k, j], high[k, j]
        first, second = a + (b - a) / 3.0, b - (b - a) / 3.0
        divided, to_high = kind[row] == _DIVIDE, kind[row] == _HIGH
        low[k, j] = np.where(divided, np.choose(part, [a, first, second]), np.where(to_high, b, a))
        high[k, j] = np.where(divided, np.choose(part, [first, second, b]), np.where(to_high, b, a))
        lows.append(low)
        highs.append(high)
    if done != len(actions):
        raise CertificateError("GlobalResult does not verify: actions are not those of a tree")
    return np.concatenate(lows), np.concatenate(highs)


def rebuild(
    actions: NDArray[np.int64], plain: Any, box: Floats, constants: Constants, method: str
) -> tuple[Cover, NDArray[np.int64], Floats]:
    """Return the leaves with their bounds, which nodes they are, and f at all centres."""
    low, high = cells(actions, box)
    c, h = low + 0.5 * (high - low), 0.5 * (high - low)
    f = plain.values(c)
    known = (None, None, None) if method == "direct" else derivatives(plain, c, box, constants)
    g, e, H = known
    kind, axis = np.where(actions > 0, (actions - 1) % 4 + 1, 0), (actions - 1) // 4
    leaves = np.flatnonzero(kind == 0)
    _check_reductions(np.flatnonzero(kind > 1), kind, axis, low, high, box, constants, g, e, H)
    gl, el, Hl = (None if table is None else table[leaves] for table in (g, e, H))
    bound = lower_bounds(f[leaves], h[leaves], gl, el, Hl, constants) - constants.margin
    return Cover(low=low[leaves], high=high[leaves], bound=bound), leaves, f


def derivatives(
    plain: Any, c: Floats, box: Floats, constants: Constants
) -> tuple[Floats | None, Floats | None, Floats | None]:
    """Return gradients, their errors and Hessians at the centres, as far as they are known."""
    if plain.has_gradient:
        g = plain.gradients(c)
        return g, np.zeros_like(g), plain.hessians(c) if plain.has_hessian else None
    K = constants.curvature
    if not math.isfinite(K):
        return None, None, None
    # Central differences, with both parts of the error alike.
    noise = rounding_of(plain.values, box, K, constants.margin)
    g, e = np.zeros_like(c), np.zeros_like(c)
    for j in range(c.shape[1]):
        step = np.minimum(
            math.sqrt(2.0 * noise / K), np.minimum(c[:, j] - box[j, 0], box[j, 1] - c[:, j])
        )
        up, down = c.copy(), c.copy()
        up[:, j] += step
        down[:, j] -= step
        d = up[:, j] - down[:, j]
        rise = plain.values(up) - plain.values(down)
        inside = d > 0.0
        g[inside, j] = rise[inside] / d[inside]
        e[inside, j] = K * d[inside] / 4.0 + 2.0 * noise / d[inside]
    return g, e, None


def lower_bounds(
    f: Floats, h: Floats, g: Floats | None, e: Floats | None, H: Floats | None, constants: Constants
) -> Floats:
    """Return what f is at least in boxes with centre value f and half-widths h."""
    n = h.shape[1]
    r = np.linalg.norm(h, axis=1)
    bound: Floats = np.full(len(f), -math.inf)
    if math.isfinite(constants.lipschitz):
        bound = np.maximum(bound, f - constants.lipschitz * r)
    if np.isfinite(constants.slopes).all():
        bound = np.maximum(bound, f - h @ constants.slopes)
    if g is None or e is None:
        return bound
    steep = np.abs(g) + e
    if math.isfinite(constants.curvature):
        bound = np.maximum(bound, f - np.sum(steep * h, axis=1) - constants.curvature * r**2 / 2.0)
    if H is None or not len(f):
        return bound
    # H varies by H_L r at most; a third of that acts as curvature.
    A = H - ((constants.third / 3.0) * r)[:, np.newaxis, np.newaxis] * np.eye(n)
    free = h > 0.0
    A = np.where(free[:, :, np.newaxis] & free[:, np.newaxis, :], A, 0.0)
    diagonal = np.einsum("kii->ki", A).copy()
    with np.errstate(all="ignore"):
        rows = np.einsum("kij,kj->ki", np.abs(A), h) / h - np.abs(diagonal)
        curve = np.where(free, diagonal - rows, 0.0)
        inside = -(steep**2) / (2.0 * curve)
    ends = curve * h**2 / 2.0 - steep * h
    bound = np.maximum(bound, f + np.sum(np.where(steep < curve * h, inside, ends), axis=1))
    A[:, np.arange(n), np.arange(n)] += ~free
    convex = np.linalg.eigvalsh(A)[:, 0] > 0.0
    y = np.linalg.solve(A[convex], np.where(free, g, 0.0)[convex][..., np.newaxis])[..., 0]
    bound[convex] = np.maximum(
        bound[convex], f[convex] - np.sum(y * np.where(free, g, 0.0)[convex], axis=1) / 2.0
    )
    return bound


def _check_reductions(
    nodes: NDArray[np.int64],
    kind: NDArray[np.int64],
    axis: NDArray[np.int64],
    low: Floats,
    high: Floats,
    box: Floats,
    constants: Constants,
    g: Floats | None,
    e: Floats | None,
    H: Floats | None,
) -> None:
    """Raise CertificateError unless no minimiser is in what was left out of these nodes."""
    if not len(nodes):
        return
    if g is None or e is None:
        raise CertificateError(
            "GlobalResult does not verify: cells were left out without gradients"
        )
    j, what, k = axis[nodes], kind[nodes], np.arange(len(nodes))
    h = 0.5 * (high - low)[nodes]
    r = np.linalg.norm(h, axis=1)
    change, concave = np.full(len(nodes), math.inf), np.zeros(len(nodes), dtype=np.bool_)
    if math.isfinite(constants.curvature):
        change = constants.curvature * r
    if H is not None:
        row = H[nodes, j]
        change = np.minimum(change, np.sum(np.abs(row) * h, axis=1) + constants.third * r**2 / 2.0)
        concave = row[k, j] + constants.third * r < 0.0
    slope, error = g[nodes, j], e[nodes, j]
    falls_left, falls_right = slope - error > change, -slope - error > change
    at_low, at_high = low[nodes, j] == box[j, 0], high[nodes, j] == box[j, 1]
    # Where a minimiser could still be.
    left = at_low & ~falls_right
    right = at_high & ~falls_left
    impossible_inside = falls_left | falls_right | concave
    good = impossible_inside & (high[nodes, j] > low[nodes, j])
    good &= np.where(
        what == _EXCLUDE, ~left & ~right, np.where(what == _LOW, left & ~right, right & ~left)
    )
    if not good.all():
        i = int(nodes[int((~good).argmax())])
        raise CertificateError(
            f"GlobalResult does not verify: a minimiser may be in what cell {i} leaves out"
        )
