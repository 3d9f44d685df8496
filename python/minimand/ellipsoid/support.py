"""From the weights of the interior-point method to a core set: few points that carry all weight."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats
from minimand.ellipsoid.selection import reduced
from minimand.ellipsoid.working_set import WorkingSet, excess

_SHARES = (1.0, 1e-3, 1e-6)  # of the slack: a smaller weight should be 0


def core_set(working: WorkingSet) -> None:
    """Leave only the support in the set, as long as the gap stays as small as it has to be.

    The interior-point method ends with the same small weight * slack for all points, so one of the
    two is close to 0, and the smaller one should be 0. At most d(d + 3)/2 points need a weight
    (F. John); in symmetric clouds, or where points are repeated, more may have one.
    """
    d = working.cloud.dimension
    limit = max(0.5 * working.tol, working.gap)
    slack = 1.0 - working.found.distances(working.y) / d
    for share in _SHARES:
        kept = working.weights > share * slack
        weights = np.where(kept, working.weights, 0.0)
        weights /= weights.sum()
        if _accept(working, weights, limit):
            break
        weights[kept] = working.solve(working.y[kept], weights[kept])
        if _accept(working, weights, limit):
            break
    if len(working.weights) > d * (d + 3) // 2:
        weights = reduced(working.found.rounded(working.y), working.weights)
        _accept(working, weights, limit)


def _accept(working: WorkingSet, weights: Floats, limit: float) -> bool:
    """Take the weights, and leave out points without, if their gap is within the limit."""
    try:
        found = working.weighted(working.y, weights)
    except np.linalg.LinAlgError:  # they do not span the space
        return False
    if excess(float(found.distances(working.y).max()), working.cloud.dimension) > limit:
        return False
    kept = weights > 0
    working.rows, working.y, working.weights = working.rows[kept], working.y[kept], weights[kept]
    working.found = found
    return True
