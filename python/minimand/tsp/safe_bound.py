"""The lower bound that any dual of the subtour relaxation proves, in exact integers.

The relaxation: minimise sum w_e x_e over 0 <= x <= 1 with x(delta(v)) = 2 at every vertex, x = 1 on
fixed edges, and x(delta(S)) >= 2 for sets S. For any y, any z >= 0 and every tour

    w(tour) >= 2 sum y + 2 sum z + sum_e min(0, rc_e),
    rc_e = w_e - y_i - y_j - sum of z_S over the sets S with e in delta(S),

where a fixed edge counts with rc_e itself. No solver has to be trusted for this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minimand.tsp.closed_form import ClosedForm
from minimand.tsp.instance import Integers


@dataclass(frozen=True, slots=True)
class SafeBound:
    """What a dual proves, a weight, by `y` (n,), `subsets` and `z`; the reduced costs (n, n)."""

    weight: int
    y: Integers
    subsets: tuple[Integers, ...]
    z: Integers
    reduced: Integers


def safe_bound(
    form: ClosedForm, matrix: Integers, y: Integers, subsets: Sequence[Integers], z: Integers
) -> SafeBound:
    """Return what the dual (y, z) proves; `matrix` are the weights of `form`."""
    used = [k for k in range(len(subsets)) if z[k] > 0]
    members, z = tuple(subsets[k] for k in used), z[used]
    # z_S [i in S xor j in S] = z_S [i in S] + z_S [j in S] - 2 z_S [i in S and j in S]
    shifted = y.copy()
    for subset, multiplier in zip(members, z, strict=True):
        shifted[subset] += multiplier
    reduced = matrix - shifted[:, None] - shifted
    for subset, multiplier in zip(members, z, strict=True):
        reduced[np.ix_(subset, subset)] += 2 * multiplier
    np.fill_diagonal(reduced, 0)
    i, j = form.fixed.T
    rows = np.minimum(np.triu(reduced), 0).sum(axis=1)
    fixed = np.maximum(reduced[i, j], 0)  # what the minimum with 0 has left out
    weight = 2 * sum(y.tolist()) + 2 * sum(z.tolist()) + sum(rows.tolist()) + sum(fixed.tolist())
    return SafeBound(weight, y, members, z, reduced)
