"""The coefficients that are possible when the noise has a known half-width a: |y - X theta| <= a.

An end of the interval of theta_j is proved by multipliers mu with X'mu = e_j: for every possible
theta, and for any centre c with residuals r,

    theta_j - c_j = mu'(r - (y - X theta)) <= mu'r + a ||mu||_1,   and >= mu'r - a ||mu||_1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minimand._common.arrays import Floats
from minimand.linear_models.exchange import Fit, Integers, Rows
from minimand.linear_models.highs import farthest
from minimand.linear_models.polish import balanced, corrected


class Intervals(NamedTuple):
    """Ends (p, 2) in the user's units, and what proves them, (2p, k): lower ends first."""

    ends: Floats
    rows: Integers
    duals: Floats
    balance: float


def intervals(rows: Rows, fit: Fit, half_width: float) -> Intervals | None:
    """Return the interval of each coefficient; None if a linear program could not be solved."""
    p = rows.design.parameters
    # The rows that bound some coefficient are found once and kept for the others.
    chosen = np.union1d(fit.reference, rows.largest(fit.theta)[0])
    ends = np.empty((p, 2))
    proofs: list[tuple[Integers, Floats]] = []
    worst = 0.0
    for side, sign in enumerate((-1.0, 1.0)):
        for j in range(p):
            direction = np.zeros(p)
            direction[j] = sign
            found = farthest(rows, chosen, direction, half_width)
            if found is None:
                return None
            chosen, support, dual = found
            # Rows of the reference span all directions: with them any error can be corrected.
            both = np.concatenate([support, np.setdiff1d(fit.reference, support)])
            padded = np.concatenate([sign * dual, np.zeros(len(both) - len(dual))])
            A, target = rows.matrix(both), sign * direction
            for _ in range(2):
                padded = corrected(A, padded, target)
            worst = max(worst, balanced(A, padded, target)[1])
            middle = float(padded @ rows.residuals(both, fit.theta))
            reach = half_width * float(np.abs(padded).sum())
            ends[j, side] = fit.theta[j] + (middle + sign * reach) / rows.unit[j]
            proofs.append((both, padded / rows.unit[j]))
    width = max((len(part) for part, _ in proofs), default=0)
    numbers, duals = np.zeros((2 * p, width), np.int64), np.zeros((2 * p, width))
    for k, (part, values) in enumerate(proofs):
        numbers[k, : len(part)], duals[k, : len(part)] = part, values
    return Intervals(ends, numbers, duals, worst)
