"""From the interior to a vertex of the quantile problem, and along its edges to the best one.

I. Barrodale, F. D. K. Roberts, SIAM J. Numer. Anal. 10 (1973) 839; P. Bloomfield, W. L. Steiger,
*Least Absolute Deviations* (1983).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from minimand._common.arrays import Floats
from minimand.linear_models.rows import UNIT, Indices, Rows

_CANDIDATES = 4  # rows for each parameter among which a basis is looked for
_PIVOTS = 10  # for each parameter
_RANGE = 10.0  # orders of magnitude of weights
_SPLIT = 134217729.0  # 2^27 + 1


@dataclass(frozen=True, slots=True, eq=False)
class Vertex:
    """An optimal vertex.

    Attributes
    ----------
    theta, psi, r : ndarray
        Coefficients, dual variables and residuals.
    basis : ndarray of int (p,)
        Rows that theta meets.
    zeros : ndarray of int
        Rows whose residual vanishes within rounding, those of the basis among them.
    pivots : int
        Edges that were followed.
    """

    theta: Floats
    psi: Floats
    r: Floats
    basis: Indices
    zeros: Indices
    pivots: int


class Basis:
    """The equations of p rows, factored in units in which their columns are of order 1."""

    def __init__(self, rows: Rows, chosen: Indices, scale: Floats) -> None:
        self.chosen, self.scale = chosen, scale
        self.matrix, self.y = rows.take(chosen), rows.y[chosen]
        self._lengths = np.abs(self.matrix * scale).max(axis=1)
        with np.errstate(all="ignore"):
            self._lu = scipy.linalg.lu_factor(
                self.matrix * scale / self._lengths[:, None], check_finite=False
            )
        self.sound = bool(np.abs(np.diag(self._lu[0])).min() > 1e-14)

    def solve(self, right: Floats) -> Floats:
        """Return X_h^-1 right."""
        return np.asarray(self.scale * scipy.linalg.lu_solve(self._lu, right / self._lengths))

    def solve_transposed(self, right: Floats) -> Floats:
        """Return X_h^-T right."""
        return np.asarray(
            scipy.linalg.lu_solve(self._lu, self.scale * right, trans=1) / self._lengths
        )

    def theta(self) -> Floats:
        """Return the solution of X_h theta = y_h, refined with exact residuals."""
        theta = self.solve(self.y)
        for _ in range(3):
            products, errors = _products(self.matrix, theta)
            rest = [
                math.fsum((y, *(-p), *(-e)))
                for y, p, e in zip(self.y, products, errors, strict=True)
            ]
            better = theta + self.solve(np.asarray(rest))
            if not np.isfinite(better).all() or (better == theta).all():
                break
            theta = better
        return theta


def _products(A: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return A * x and its rounding errors (Dekker), 0 where the splitting overflows."""
    product = A * x
    with np.errstate(all="ignore"):
        (ah, al), (xh, xl) = _halves(A), _halves(x)
        error = ((ah * xh - product) + ah * xl + al * xh) + al * xl
    return product, np.where(np.isfinite(error), error, 0.0)


def _halves(a: Floats) -> tuple[Floats, Floats]:
    big = _SPLIT * a
    high = big - (big - a)
    return high, a - high


def find_vertex(rows: Rows, psi: Floats, closeness: Floats, scale: Floats) -> Vertex | None:
    """Return an optimal vertex near an interior point, None if none was found."""
    chosen = choose_basis(rows, closeness, scale)
    return None if chosen is None else optimal_vertex(rows, chosen, psi, scale)


def choose_basis(rows: Rows, closeness: Floats, scale: Floats) -> Indices | None:
    """Return p independent rows, in preference those of large weight."""
    m, p = len(rows.y), rows.parameters
    count = min(m, _CANDIDATES * p)
    while True:
        near = np.arange(m) if count == m else np.argpartition(-closeness, count - 1)[:count]
        near = near[np.argsort(-closeness[near], kind="stable")]
        found = rows.take(near) * scale
        found /= np.maximum(np.abs(found).max(axis=1, keepdims=True), 1e-300)
        # Only as many orders of magnitude as the rounding of a dependent row leaves room for
        weight = np.maximum(closeness[near] / closeness[near[0]], 1e-300)
        weight **= min(1.0, -_RANGE / float(np.log10(weight).min(initial=-_RANGE)))
        order = scipy.linalg.qr(found.T * weight, mode="r", pivoting=True)[1][:p]
        if len(order) == p:
            plain = np.abs(np.diag(scipy.linalg.qr(found[order].T, mode="r", pivoting=True)[0]))
            if plain.min() > 1e-13 * plain.max():
                return np.asarray(near[order])
        if count == m:
            return None
        count = min(m, 8 * count)


def optimal_vertex(rows: Rows, chosen: Indices, psi: Floats, scale: Floats) -> Vertex | None:
    """Pivot from a basis until the dual variables are in their box; ties start at `psi`."""
    psi = psi.copy()
    chosen = chosen.copy()
    for pivots in range(_PIVOTS * rows.parameters + 1):
        try:
            basis = Basis(rows, chosen, scale)
        except (np.linalg.LinAlgError, ValueError):
            return None
        if not basis.sound:
            return None
        theta = basis.theta()
        r = rows.residuals(theta)
        zeros = np.union1d(rows.zeros(theta, r), chosen)
        tied = psi[zeros]
        psi = np.where(r > 0.0, rows.upper(), rows.lower())
        psi[zeros] = tied
        psi[chosen] = 0.0
        psi[chosen] = basis.solve_transposed(-rows.normal(psi))

        low, high = rows.lower(chosen), rows.upper(chosen)
        excess = np.maximum(low - psi[chosen], psi[chosen] - high) / rows.weight(chosen)
        worst = int(np.argmax(excess))
        if excess[worst] <= dual_rounding(psi):
            psi[chosen] = np.clip(psi[chosen], low, high)
            return Vertex(theta, psi, r, chosen, zeros, pivots)
        if not np.isfinite(excess[worst]):
            return None
        row = int(chosen[worst])
        up = bool(psi[row] > high[worst])
        slope = float(low[worst] - psi[row] if not up else psi[row] - high[worst])
        unit = np.zeros(len(chosen))
        unit[worst] = -1.0 if up else 1.0
        direction = basis.solve(unit)
        psi[row] = high[worst] if up else low[worst]
        entering = line_search(rows, direction, r, psi, zeros, chosen, slope)
        if entering is None:
            return None
        chosen[worst] = entering[0]
    return None


def dual_rounding(psi: Floats) -> float:
    """Return by how much a dual variable may leave its box of width 1, as a matter of rounding."""
    return min(1e-10, max(1e-13, 1e-14 * float(np.abs(psi).sum())))


def line_search(
    rows: Rows,
    direction: Floats,
    r: Floats,
    psi: Floats,
    zeros: Indices,
    chosen: Indices,
    slope: float,
) -> tuple[int, float] | None:
    """Follow an edge along which the objective falls at rate `slope` at first.

    Returns the row whose residual vanishes where it stops to fall, and the length up to there. Rows
    that vanish already and are not in the basis stop it at once as far as psi allows; those of them
    that are passed get their new psi.
    """
    g = rows.along(direction)
    w = rows.weight()
    tied = np.zeros(len(r), dtype=bool)
    tied[zeros] = True
    tied[chosen] = False
    basic = np.zeros(len(r), dtype=bool)
    basic[chosen] = True
    noise = 4 * (rows.parameters + 2) * UNIT * np.abs(g).max()

    # Ties first: their loss leaves psi for the bound on the side to which they go.
    ahead = np.flatnonzero(tied & (np.abs(g) > noise))
    jumps = np.where(
        g[ahead] > 0.0,
        g[ahead] * (psi[ahead] - rows.lower(ahead)),
        g[ahead] * (psi[ahead] - rows.upper(ahead)),
    )
    order = np.argsort(-jumps, kind="stable")
    left = slope - np.cumsum(jumps[order])
    stops = (left <= 0.0).any()
    passed = ahead[order[: int(np.argmax(left <= 0.0))]] if stops else ahead
    psi[passed] = np.where(g[passed] > 0.0, rows.lower(passed), rows.upper(passed))
    if stops:
        return int(ahead[order[len(passed)]]), 0.0
    if len(left):
        slope = float(left[-1])

    met = np.flatnonzero(~tied & ~basic & (r * g > 0.0) & (np.abs(g) > noise))
    if not len(met):
        return None
    lengths, drops = r[met] / g[met], w[met] * np.abs(g[met])
    count = min(len(met), 256)
    while True:
        few = (
            np.argpartition(lengths, count - 1)[:count] if count < len(met) else np.arange(len(met))
        )
        few = few[np.lexsort((met[few], lengths[few]))]
        left = slope - np.cumsum(drops[few])
        if (left <= 0.0).any():
            first = few[int(np.argmax(left <= 0.0))]
            return int(met[first]), float(lengths[first])
        if count == len(met):
            return None
        count = min(len(met), 16 * count)
