"""Whether the bounds follow from the residuals: the formulas once more, one component at a time."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite, sqrt
from typing import TYPE_CHECKING

from minimand.pca.verification.numbers import near

if TYPE_CHECKING:
    from minimand.pca.result import PCAResult

_DEGENERATE = 10.0  # a gap under so many residuals separates nothing


def false_bounds(result: PCAResult) -> Iterator[str]:
    """Compare gaps, clusters, eigenvalue and angle bounds with their definitions."""
    k, n = result.components.shape
    if k == 0:
        return
    sigma = [float(s) for s in result.singular_values / result.singular_values[0]]
    value_of = [s * s for s in sigma]  # rounded once, unlike a power: small gaps hang on it
    rho = [float(r) for r in result.residual]
    delta = float(result.backward_error)
    left = float(result.left_out) if k < n else None
    groups = _groups(sigma, rho, delta)
    if tuple(group for group in groups if len(group) > 1) != result.clusters:
        yield "clusters are not the components whose eigenvalues cannot be told apart"
    for group in groups:
        gap, together = inf, sqrt(sum(rho[i] ** 2 for i in group))
        apart = min(sigma[i] for i in group) - delta
        for j in (j for j in range(k) if j not in group):
            for i in group:
                gap = min(gap, abs(value_of[i] - value_of[j]) - rho[j])
                apart = min(apart, abs(sigma[i] - sigma[j]) - delta)
        if left is not None:
            gap = min(gap, min(value_of[i] for i in group) - left)
            apart = min(apart, min(sigma[i] for i in group) - sqrt(left))
        value = together
        if gap > 0:
            value = min(value, together * (together / gap) + 2 * result.roundoff)
        angle = min(1.0, together / gap) if gap > 0 else 1.0
        if isfinite(delta) and apart > 0:
            angle = min(angle, sqrt(2.0 * len(group)) * delta / apart)
        for i in group:
            claims = {
                "gap": gap,
                "eigenvalue_bound": value,
                "singular_value_bound": min(value / sigma[i], delta),
                "angle_bound": angle,
            }
            for name, expected in claims.items():
                recorded = float(getattr(result, name)[i])
                if not near(recorded, expected):
                    yield f"{name}[{i}] is {expected:.6g} by its residual, recorded {recorded:.6g}"


def _groups(sigma: list[float], rho: list[float], delta: float) -> list[tuple[int, ...]]:
    groups: list[tuple[int, ...]] = []
    for i, value in enumerate(sigma):
        joined = False
        if i:
            before = sigma[i - 1]
            values = before * before - value * value - min(rho[i], rho[i - 1])
            joined = values < _DEGENERATE * max(rho[i], rho[i - 1])
            joined = joined and before - value - delta < _DEGENERATE * delta
        if joined:
            groups[-1] += (i,)
        else:
            groups.append((i,))
    return groups
