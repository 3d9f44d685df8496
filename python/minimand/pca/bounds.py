"""From residuals to bounds: eigenvalues, angles, and which components belong together.

Everything is relative to the largest eigenvalue, or to the largest singular value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats

_DEGENERATE = 10.0  # a gap under so many residuals separates nothing


@dataclass(frozen=True, slots=True)
class Bounds:
    """What `PCAResult` says about each component."""

    gap: Floats
    eigenvalue: Floats
    singular_value: Floats
    angle: Floats
    clusters: tuple[tuple[int, ...], ...]


def bounds(
    sigma: Floats, residual: Floats, roundoff: float, backward_error: float, left_out: float | None
) -> Bounds:
    """Return the bounds for singular values `sigma`, the first of which is 1.

    residual : rho_k = ||C v_k - lambda_k v_k||
    roundoff : by how much lambda_k may miss the Rayleigh quotient of v_k
    backward_error : ||dB||, inf if unknown
    left_out : an upper bound of the eigenvalues that are not listed, None if all are
    """
    k, values = sigma.size, np.square(sigma)
    groups = _groups(sigma, residual, backward_error) if k else []
    gap, eigenvalue, angle = np.empty(k), np.empty(k), np.empty(k)
    for group in groups:
        members = list(group)
        others = np.delete(np.arange(k), members)
        rho = float(np.linalg.norm(residual[members]))
        distance = _distance(values[members], values[others], residual[others], left_out)
        gap[members] = distance
        eigenvalue[members] = rho
        if distance > 0:
            eigenvalue[members] = min(rho, rho * (rho / distance) + 2 * roundoff)
        angle[members] = min(1.0, rho / distance if distance > 0 else 1.0)
        # Davis and Kahan for [0 B; B' 0], whose eigenvalues are +-sigma and zeros.
        if np.isfinite(backward_error):
            root = None if left_out is None else float(np.sqrt(left_out))
            error = np.full(others.size, backward_error)
            apart = _distance(sigma[members], sigma[others], error, root)
            apart = min(apart, float(sigma[members].min()) - backward_error)
            if apart > 0:
                wedin = np.sqrt(2.0 * len(members)) * backward_error / apart
                angle[members] = min(float(angle[members[0]]), float(wedin))
    singular_value = np.minimum(eigenvalue / sigma, backward_error)
    clusters = tuple(group for group in groups if len(group) > 1)
    return Bounds(gap, eigenvalue, singular_value, angle, clusters)


def _groups(sigma: Floats, residual: Floats, backward_error: float) -> list[tuple[int, ...]]:
    """Join neighbours that neither eigenvalues nor singular values tell apart."""
    groups, values = [[0]], np.square(sigma)
    for i in range(1, sigma.size):
        larger, smaller = max(residual[i - 1 : i + 1]), min(residual[i - 1 : i + 1])
        joined = values[i - 1] - values[i] - smaller < _DEGENERATE * larger
        joined &= sigma[i - 1] - sigma[i] - backward_error < _DEGENERATE * backward_error
        if joined:
            groups[-1].append(i)
        else:
            groups.append([i])
    return [tuple(group) for group in groups]


def _distance(mine: Floats, others: Floats, error: Floats, left_out: float | None) -> float:
    """Return how far the exact values of others are from these, at least."""
    found = [np.inf]
    if others.size:
        found.append(float(np.min(np.abs(mine[:, None] - others) - error)))
    if left_out is not None:
        found.append(float(mine.min()) - left_out)
    return min(found)
