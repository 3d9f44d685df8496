"""Which points join a working set, and which of too many leave it.

Points come as z, in the metric of an ellipsoid around 0: its boundary is a sphere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats

_NEAR = 0.02  # times their length: points so close say nearly the same
_CROWDED = 4  # one of so many may be close to others


def spread_out(z: Floats, most: int) -> NDArray[np.int64]:
    """Return at most `most` rows, the first ones of those that are not near to any before.

    Where there is no room for a point between the others, as on a densely covered sphere, some of
    the first that were passed over are taken too.
    """
    near = _NEAR**2 * (z * z).sum(axis=1)
    chosen: list[int] = []
    passed_over: list[int] = []
    places = np.empty((most, z.shape[1]))
    for row, place in enumerate(z):
        apart = places[: len(chosen)] - place
        if ((apart * apart).sum(axis=1) < near[row]).any():
            passed_over.append(row)
            continue
        places[len(chosen)] = place
        chosen.append(row)
        if len(chosen) == most:
            break
    rest = passed_over[: max(0, most // _CROWDED - len(chosen))]
    return np.array(chosen + rest, dtype=np.int64)


def reduced(z: Floats, weights: Floats) -> Floats:
    """Return weights on at most d(d + 3)/2 points, with the same sums of z and of z z'.

    Caratheodory: a combination of points whose sums vanish is subtracted until a weight is 0, then
    that point is eliminated from the other combinations. The sum of the weights must not grow:
    where all ||z|| are equal it stays, and where one is smaller its weight goes.
    """
    k, d = z.shape
    i, j = np.triu_indices(d)
    sums = np.hstack([z, z[:, i] * z[:, j]])
    null = np.linalg.qr(sums, mode="complete")[0][:, sums.shape[1] :].copy()
    u = weights.copy()
    while null.shape[1]:
        combination = null[:, -1] * (1.0 if null[:, -1].sum() > 0 else -1.0)
        ratio = np.divide(u, combination, out=np.full(k, np.inf), where=combination > 0)
        first = int(ratio.argmin())
        u = np.maximum(u - ratio[first] * combination, 0.0)
        u[first] = 0.0
        pivot = int(np.abs(null[first]).argmax())
        null -= np.outer(null[:, pivot], null[first] / null[first, pivot])
        null = np.delete(null, pivot, axis=1)
        null[first] = 0.0
    return np.asarray(u / u.sum())
