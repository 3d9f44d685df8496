"""One coefficient: the quantile of the ratios y/x, by selection."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats
from minimand.linear_models.rows import Rows


def select_one(rows: Rows) -> tuple[int, Floats]:
    """Return the row that an optimal theta meets and dual variables, those of tied rows equal.

    The loss is sum_i w_i |x_i| rho(y_i / x_i - theta), where x_i < 0 exchanges tau and 1 - tau. Its
    derivative to the right of theta is the weight of the ratios up to theta, less a constant.
    """
    x = rows.take(slice(None))[:, 0]
    used = np.flatnonzero(x != 0.0)
    w, slope = rows.weight(used), x[used]
    ratio, weight = rows.y[used] / slope, w * np.abs(slope)
    share = np.where(slope > 0.0, rows.quantile, 1.0 - rows.quantile)
    wanted = float((weight * share).sum())
    if (weight == weight[0]).all():
        rank = int(np.ceil(wanted / weight[0])) - 1
        rank = min(max(rank, 0), len(ratio) - 1)
        theta = float(np.partition(ratio, rank)[rank])
    else:
        order = np.argsort(ratio, kind="stable")
        rank = int(np.searchsorted(np.cumsum(weight[order]), wanted))
        theta = float(ratio[order[min(rank, len(ratio) - 1)]])

    # Rows that tie share what is left of the weight: the same part of the way up in their box.
    tied = ratio == theta
    part = (wanted - float(weight[ratio < theta].sum())) / float(weight[tied].sum())
    part = min(max(part, 0.0), 1.0)
    fraction = np.where(ratio < theta, 0.0, np.where(tied, 1.0 - part, 1.0))
    fraction[ratio < theta] = 0.0
    fraction = np.where(slope > 0.0, fraction, 1.0 - fraction)
    psi = rows.upper().copy()
    psi[rows.y < 0.0] = rows.lower()[rows.y < 0.0]  # where x is 0, y is the residual
    psi[used] = (fraction - (1.0 - rows.quantile)) * w
    return int(used[int(np.argmax(tied))]), psi
