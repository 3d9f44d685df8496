"""What a result says beside its certificates: sentences about what is not so."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minimand.least_squares.verification.backward_error import (
    UNIT,
    Design,
    Found,
    norm,
    triangle,
)
from minimand.least_squares.verification.rows import Fit, Rows

_AGREE = 1e-7  # relative agreement that is asked of residual_norm and r_factor


def false_residual_norm(found: list[Found], data: Rows, fit: Fit) -> Iterator[str]:
    """Compare the residual norm, up to what rounding contributes to it."""
    for j, one in enumerate(found):
        claimed = float(fit.residual_norm[j])
        if not abs(claimed - one.residual_norm) <= _AGREE * one.residual_norm + one.rounding_norm:
            which = "" if fit.single else f"[{j}]"
            yield f"residual_norm{which} is {one.residual_norm:.6g}, recorded was {claimed:.6g}"
    if not data.intercept and np.any(fit.intercept):
        yield f"intercept is {fit.claimed.intercept}, expected 0 without an intercept"


def false_coef(B: Design, fit: Fit) -> Iterator[str]:
    """Check constant columns: the intercept takes their part, so nothing else asks for this."""
    for j in np.flatnonzero((B.length == 0) & fit.coef.any(axis=1)):
        yield f"coef of column {j} is not 0, although the column is constant"


def false_rank(B: Design, data: Rows, fit: Fit) -> Iterator[str]:
    """Check that rank, pivots and columns left out agree with each other and with the data."""
    n, claimed = fit.columns, fit.claimed
    rank, pivots, aliased = int(claimed.rank), np.asarray(claimed.pivots), set(claimed.aliased)
    rows = data.X.shape[0] if data.weights is None else int(np.count_nonzero(data.weights))
    # A ridge makes every column count, however few the rows.
    most = n if fit.ridge else min(n, rows - data.intercept)
    if not 0 <= rank <= most:
        yield f"rank is {rank}, but {rows} rows and {n} columns have at most {most}"
    wide = rank == most and not aliased  # then no column is more to blame than another
    if not aliased <= set(range(n)) or (len(aliased) != n - rank and not wide):
        yield f"aliased has {len(aliased)} columns, expected {n - rank} for rank {rank}"
    absent = np.isnan(claimed.coef.reshape(n, -1)).any(axis=1)
    if not set(np.flatnonzero(absent).tolist()) <= aliased:
        yield "coef has NaN for columns that are not aliased"
    if not np.array_equal(np.sort(pivots), np.arange(n)):
        yield f"pivots are not the numbers 0 to {n - 1}"
        return
    # A tenth of the least tolerance of the rank decision: rounding may have moved the pivots.
    tolerance = np.sqrt(n) * UNIT
    if wide and rank < n:
        # Claimed only where the rows are clearly independent, far above rounding errors of s.
        least, tolerance = B.s[rank - 1 : rank], 10 * n * UNIT
    else:
        least = np.abs(np.diag(triangle(B.R[:, pivots])))[:rank]
    if least.size and not least.min() > tolerance:
        yield f"rank is {rank}, but the last independent column has only {least.min():.3g} left"


def false_r_factor(B: Design, fit: Fit) -> Iterator[str]:
    """Compare R'R with B'B in columns of length 1."""
    R = np.asarray(fit.claimed.r_factor)
    n = fit.columns
    if R.ndim != 2 or R.shape[1] != n or R.shape[0] > n:
        yield f"r_factor has shape {R.shape}, expected {(n, n)}"
        return
    used = B.length > 0
    scaled = R[:, used] / B.user_length[used] / B.frobenius
    ours = B.R[:, used] / B.frobenius
    apart = norm(scaled.T @ scaled - ours.T @ ours)
    if not apart <= _AGREE and used.any():
        yield f"r_factor is not that of the data: R'R is off by {apart:.3g} of its size"
