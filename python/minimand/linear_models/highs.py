"""Linear programs over |y - X theta| by SciPy's HiGHS, rows added until none is violated."""

from __future__ import annotations

import numpy as np
import scipy

from minimand._common.arrays import Floats
from minimand.linear_models.exchange import Fit, Integers, Rows

_FEASIBLE = 1e-10  # tolerance of HiGHS, in units in which residuals are near 1
_ROUNDS = 60


def minimax(rows: Rows, fit: Fit, tol: float) -> Fit:
    """Return the minimax fit where exchanges ran into rounding; the same `fit` if HiGHS fails."""
    p = rows.design.parameters
    chosen = np.unique(np.concatenate([fit.reference, rows.extreme_rows]))
    best = fit
    for _ in range(_ROUNDS):
        A, y = rows.matrix(chosen), rows.targets(chosen)
        column = -np.ones((len(chosen), 1))
        found = _solve(
            np.append(np.zeros(p), 1.0),
            np.vstack([np.hstack([A, column]), np.hstack([-A, column])]),
            np.concatenate([y, -y]),
        )
        if found is None:
            return best
        theta, dual = found
        moved = rows.to_user(theta[:p])
        extreme_rows, extremes = rows.largest(moved)
        support = np.sort(np.argsort(-np.abs(dual), kind="stable")[: p + 1])
        candidate = Fit(moved, float(abs(extremes[0])), 0.0, chosen[support], -dual[support])
        if candidate.largest <= best.largest or not len(best.dual):
            best = candidate
        new = np.setdiff1d(extreme_rows, chosen)
        height = theta[p] * rows.unit_y
        if candidate.largest <= height * (1 + max(tol, _FEASIBLE)) or not len(new):
            return candidate
        chosen = np.union1d(chosen, new)
    return best


def farthest(
    rows: Rows, chosen: Integers, direction: Floats, half_width: float
) -> tuple[Integers, Integers, Floats] | None:
    """Maximise direction'theta over |y - X theta| <= half_width.

    Returns the working set that was needed, and multipliers mu on some rows of it with
    X'mu = direction up to the tolerance of HiGHS, in our units; None if HiGHS fails.
    """
    width = half_width / rows.unit_y
    for _ in range(_ROUNDS):
        A, y = rows.matrix(chosen), rows.targets(chosen)
        sides = np.concatenate([y + width, width - y])
        found = _solve(-direction, np.vstack([A, -A]), sides)
        if found is None:
            return None
        theta, dual = found
        moved = rows.to_user(theta)
        extreme_rows, extremes = rows.largest(moved)
        new = np.setdiff1d(extreme_rows, chosen)
        limit = half_width + 1e-9 * rows.unit_y + rows.rounding(moved)
        if abs(extremes[0]) <= limit or not len(new):
            support = np.flatnonzero(np.abs(dual) > 1e-9 * np.abs(dual).max(initial=0.0))
            return chosen, chosen[support], dual[support]
        chosen = np.union1d(chosen, new)
    return None


def _solve(cost: Floats, A: Floats, b: Floats) -> tuple[Floats, Floats] | None:
    """Minimise cost'x over A x <= b, two sides of each row; return x and the signed multipliers."""
    found = scipy.optimize.linprog(
        cost,
        A_ub=A,
        b_ub=b,
        bounds=(None, None),
        method="highs",
        options={
            "primal_feasibility_tolerance": _FEASIBLE,
            "dual_feasibility_tolerance": _FEASIBLE,
        },
    )
    if found.x is None or found.status != 0:
        return None
    above, below = np.split(found.ineqlin.marginals, 2)
    return found.x, below - above
