"""The interior-point phase of quantile regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import Advance, drive
from minimand._common.result import Status
from minimand.linear_models.rows import Rows

_START = 1e-3  # of the typical residual: the distance to the boundary at the start


@dataclass(frozen=True, slots=True, eq=False)
class Interior:
    """Where the interior-point method ended.

    Attributes
    ----------
    theta : ndarray (p,)
        Coefficients, the constant term last.
    psi : ndarray (m,)
        Dual variables, in their box.
    closeness : ndarray (m,)
        Weights of the last step: large where the residual vanishes.
    status : Status
        How it ended.
    iterations : int
        Steps done.
    history : tuple of mappings
        Their gaps.
    """

    theta: Floats
    psi: Floats
    closeness: Floats
    status: Status
    iterations: int
    history: tuple[Mapping[str, float], ...]


def solve_interior(rows: Rows, start: Floats, *, tol: float, max_iterations: int) -> Interior:
    """Iterate from `start` until the relative gap is at most tol.

    Columns and y are brought to order 1 by powers of two, so that no bit depends on their unit.
    """
    m = len(rows.y)
    scale = rows.column_scale()
    r = rows.residuals(start)
    size = np.abs(r)
    typical = float(np.median(size)) or float(size.mean()) or 1.0
    unit = np.ldexp(1.0, -np.frexp(typical)[1])
    y, theta = unit * r, np.zeros(rows.parameters)  # what is left of the start has more digits
    state = np.empty((9, m))
    w = rows.weight()
    state[0], state[1] = (1.0 - rows.quantile) * w, rows.quantile * w
    np.maximum(-y, 0.0, out=state[2])
    np.maximum(y, 0.0, out=state[3])
    state[2:4] += _START
    report = np.zeros(3)

    def advance(count: int) -> Advance:
        done = rows.kernels.quantile_steps(
            rows.X,
            y,
            rows.weights,
            scale,
            rows.intercept,
            rows.quantile,
            tol,
            count,
            theta,
            state,
            report,
            rows.threads,
        )
        gap = float(report[1] / report[0]) if report[0] > 0.0 else 0.0
        ends = {1.0: Status.CONVERGED, 2.0: Status.NOT_CERTIFIED}
        return Advance(done, {"gap": gap}, ends.get(float(report[2])))

    outcome = drive(advance, max_iterations=max_iterations)
    a, s = state[0], state[1]
    psi = np.where(a <= s, a + rows.lower(), rows.upper() - s)
    np.clip(psi, rows.lower(), rows.upper(), out=psi)
    return Interior(
        theta=start + theta * scale / unit,
        psi=psi,
        closeness=_finite(state[5]),
        status=outcome.status,
        iterations=outcome.iterations,
        history=outcome.history,
    )


def _finite(closeness: Floats) -> Floats:
    """Return the weights with their infinities, and what is as large, brought into range."""
    good = closeness[np.isfinite(closeness)]
    largest = min(float(good.max(initial=1.0)), 1e150)
    return np.asarray(np.nan_to_num(closeness, nan=largest, posinf=largest).clip(0.0, largest))
