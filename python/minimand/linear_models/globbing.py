"""Preprocessing of long quantile problems: most rows have a residual whose sign is clear.

These are summed into two rows, one above and one below, whose signs are checked afterwards.
S. Portnoy, R. Koenker, Statist. Sci. 12 (1997) 279, section 5.
"""

from __future__ import annotations

import math
from dataclasses import replace
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.random import Key, below
from minimand._common.result import Status
from minimand.linear_models.interior import Interior, solve_interior
from minimand.linear_models.rows import Indices, Rows

LONG = 50_000  # rows from which on this is tried

_ROUGH = 1e-5  # gap of the fit to the sample
_DEVIATIONS = 4.0  # of a prediction from the sample, to either side: the width of the band
_WRONG = 0.1  # signs that may be wrong, as a part of the sample, before that is doubled


def solve_globbed(
    rows: Rows,
    start: Floats,
    key: Key,
    least_squares: ModuleType,
    *,
    tol: float,
    max_iterations: int,
) -> Interior | None:
    """Return an interior point of the whole problem, None if there is nothing to gain.

    `least_squares` are the kernels of that domain.
    """
    m, p = rows.X.shape[0], rows.parameters
    sample = math.ceil(math.sqrt(p) * m ** (2.0 / 3.0))
    left = max_iterations
    while sample <= m // 3:
        drawn = np.unique(below(key, 0, m, 1, sample)[0])
        part = _some(rows, drawn)
        rough = solve_interior(part, start, tol=max(tol, _ROUGH), max_iterations=left)
        left -= rough.iterations
        if rough.status is Status.MAX_ITERATIONS:
            return None
        factor = _band_factor(part, least_squares)
        if factor is None:
            return None
        outcome = _from_band(rows, rough.theta, factor, sample, tol, left)
        if outcome is not None:
            return replace(outcome, iterations=max_iterations - left + outcome.iterations)
        sample *= 2
    return None


def _some(rows: Rows, chosen: Indices) -> Rows:
    weights = rows.weights[chosen] if rows.weights.size else rows.weights
    return replace(rows, X=rows.X[chosen], y=rows.y[chosen], weights=weights)


def _band_factor(part: Rows, least_squares: ModuleType) -> Floats | None:
    """Return R^-1 for the R of the sample, so that |R^-T x| is the spread of a prediction."""
    m, n = part.X.shape
    scale = part.column_scale()
    gram = np.empty((part.parameters, part.parameters))
    none = np.empty(0)
    least_squares.gram_pass(
        part.X,
        np.empty((m, 0)),
        none,
        np.zeros(n),
        scale[:n],
        part.intercept,
        0,
        m,
        gram,
        part.threads,
    )
    gram = np.roll(gram, -int(part.intercept), axis=(0, 1))  # there the constant term comes first
    try:
        inverse = np.linalg.inv(np.linalg.cholesky(gram).T)
    except np.linalg.LinAlgError:
        return None
    return np.asarray(scale[:, None] * inverse)


def _from_band(
    rows: Rows, theta: Floats, factor: Floats, sample: int, tol: float, left: int
) -> Interior | None:
    """Solve with the rows near the fit `theta`; None if too many signs were wrong."""
    m = len(rows.y)
    r = rows.residuals(theta)
    ratio = r / np.maximum(rows.bands(factor), np.finfo(float).tiny)
    # Of m rows, about m * deviations * sqrt(p / sample) lie so near a median.
    half = 0.5 * _DEVIATIONS * m * math.sqrt(rows.parameters / sample)
    middle = float(np.count_nonzero(ratio < 0.0))
    ends = [int(np.clip(middle - half, 0, m - 1)), int(np.clip(middle + half, 0, m - 1))]
    low, high = np.partition(ratio, ends)[ends]
    sign = np.where(ratio < low, -1, np.where(ratio > high, 1, 0)).astype(np.int8)

    used = 0
    while True:
        kept = np.flatnonzero(sign == 0)
        part = _globbed(rows, kept, sign)
        found = solve_interior(part, theta, tol=tol, max_iterations=left - used)
        used += found.iterations
        if found.status is not Status.CONVERGED:
            return None
        r = rows.residuals(found.theta)
        wrong = np.flatnonzero(r * sign < 0.0)
        if not len(wrong):
            break
        if len(wrong) > _WRONG * sample:
            return None
        sign[wrong] = 0
        theta = found.theta

    # The rows that went into one share its dual variable.
    psi, closeness = np.empty(m), np.zeros(m)
    psi[kept], closeness[kept] = found.psi[: len(kept)], found.closeness[: len(kept)]
    for side, dual in zip(_sides(sign), found.psi[len(kept) :], strict=True):
        fraction = dual - (rows.quantile - 1.0)  # of the way up in the box, which has width 1
        chosen = sign == side
        psi[chosen] = np.clip(
            rows.lower(chosen) + fraction * rows.weight(chosen),
            rows.lower(chosen),
            rows.upper(chosen),
        )
    return replace(found, psi=psi, closeness=closeness, iterations=used)


def _sides(sign: NDArray[np.int8]) -> list[int]:
    return [side for side in (-1, 1) if (sign == side).any()]


def _globbed(rows: Rows, kept: Indices, sign: NDArray[np.int8]) -> Rows:
    """Return the kept rows and the weighted sums of those below and above.

    The constant term becomes a column, in which a sum has its weight.
    """
    X, y, w = [rows.take(kept)], [rows.y[kept]], [rows.weight(kept)]
    for side in _sides(sign):
        chosen = np.where(sign == side, rows.weight(), 0.0)
        total = rows.normal(chosen)
        X.append(total[None, :])
        y.append(np.array([(chosen * rows.y).sum()]))
        w.append(np.ones(1))
    return replace(
        rows, X=np.vstack(X), y=np.concatenate(y), weights=np.concatenate(w), intercept=False
    )
