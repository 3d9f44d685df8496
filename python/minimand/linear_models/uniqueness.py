"""Whether the coefficients of a quantile fit are the only ones."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats
from minimand.linear_models.rows import UNIT, Rows
from minimand.linear_models.vertex import Basis, Vertex, dual_rounding


def decide_unique(rows: Rows, vertex: Vertex, scale: Floats) -> tuple[bool | None, Floats | None]:
    """Return whether theta is unique, and the other end of an edge of optimal ones where it is not.

    Every optimal theta meets the rows whose dual variable is strictly inside its box, so that it is
    unique if these span. If not, an edge along which the objective does not rise shows that it is
    not; None where none was found.
    """
    zeros, psi = vertex.zeros, vertex.psi
    distance = np.minimum(psi[zeros] - rows.lower(zeros), rows.upper(zeros) - psi[zeros])
    inside = zeros[distance / rows.weight(zeros) > dual_rounding(psi)]
    p = rows.parameters
    directions = []
    if len(inside) >= p - 1:
        A = rows.take(inside) * scale
        A /= np.maximum(np.abs(A).max(axis=1, keepdims=True), np.finfo(float).tiny)
        triangle = np.linalg.qr(A, mode="r")  # there may be many rows
        s, V = np.linalg.svd(triangle, full_matrices=True)[1:]
        rank = int(np.count_nonzero(s > 1e-12 * s.max(initial=0.0)))
        if rank == p:
            return True, None
        if rank == p - 1:
            directions = [scale * V[-1]]
    if not directions:
        basis = Basis(rows, vertex.basis, scale)
        at_bound = np.flatnonzero(~np.isin(vertex.basis, inside))
        directions = [basis.solve(np.eye(p)[k]) for k in at_bound]
    for direction in directions:
        for signed in (direction, -direction):
            length = _flat_length(rows, vertex, signed)
            if length > 0.0:
                return False, vertex.theta + length * signed
    return None, None


def _flat_length(rows: Rows, vertex: Vertex, direction: Floats) -> float:
    """Return how far the objective stays the same along `direction`; 0 if it rises at once."""
    g, w = rows.along(direction), rows.weight()
    moved = vertex.psi.copy()  # the derivative of the loss, on the side to which the rows go
    zeros = vertex.zeros
    moved[zeros] = np.where(g[zeros] > 0.0, rows.lower(zeros), rows.upper(zeros))
    size = float((w * np.abs(g)).sum())
    noise = 8 * (rows.parameters + 2) * UNIT * size
    if abs(float(moved @ g)) > max(noise, dual_rounding(vertex.psi) * float(np.abs(g).max())):
        return 0.0
    off = np.ones(len(g), dtype=bool)
    off[zeros] = False
    met = off & (vertex.r * g > 0.0) & (np.abs(g) > noise / max(w.sum(), 1.0))
    return float((vertex.r[met] / g[met]).min(initial=np.inf)) if met.any() else 0.0
