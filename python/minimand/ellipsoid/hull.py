"""The affine hull of the points; where it is not the whole space, an error or a projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, freeze
from minimand.ellipsoid.cloud import Cloud, Frame, whiten

_BLOCK = 1 << 16  # rows that are projected together


class DegeneratePointsError(ValueError):
    """The points lie in a plane of fewer dimensions, where every volume is 0.

    Attributes
    ----------
    rank : int
        The dimension of their affine hull.
    basis : ndarray (d, rank)
        Orthonormal directions of the hull.
    center : ndarray (d,)
        A point of the hull.
    """

    def __init__(self, message: str, rank: int, basis: Floats, center: Floats) -> None:
        super().__init__(message)
        self.rank = rank
        self.basis = freeze(basis)
        self.center = freeze(center)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.rank, self.basis, self.center)


@dataclass(frozen=True, slots=True)
class Hull:
    """center + range(basis), basis (d, r) orthonormal.

    `cloud` are the points in coordinates of the hull, which are their own for r = d, and `frame`
    whitens them; both are None for r = 0.
    """

    center: Floats
    basis: Floats
    cloud: Cloud | None = None
    frame: Frame | None = None


def affine_hull(cloud: Cloud, *, subspace: bool) -> Hull:
    """Return the hull, or raise DegeneratePointsError where it is a subspace and must not be."""
    d = cloud.dimension
    inner, center, basis = cloud, np.zeros(d), np.eye(d)
    while True:
        found = whiten(inner)
        if isinstance(found, Frame):
            return Hull(center, basis, inner, found)
        mean, directions = found
        center, basis = center + basis @ mean, basis @ directions
        if not subspace:
            raise _error(cloud.points, center, basis)
        if basis.shape[1] == 0:
            return Hull(cloud.points[0].copy(), basis)
        # Once is enough, but for columns whose units are beyond any common scale.
        inner = Cloud(_project(cloud.points, center, basis), cloud.backend, cloud.threads)


def _project(points: Floats, center: Floats, basis: Floats) -> Floats:
    """Return the coordinates (m, r) of the points along the basis."""
    coordinates = np.empty((len(points), basis.shape[1]))
    for begin in range(0, len(points), _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        coordinates[rows] = (points[rows] - center) @ basis
    return coordinates


def _error(points: Floats, center: Floats, basis: Floats) -> DegeneratePointsError:
    (m, d), rank = points.shape, basis.shape[1]
    if rank == 0:
        lie = "is one point" if m == 1 else f"has {m} rows that are all equal"
    else:
        plane = "on a line" if rank == 1 else f"in a plane of {rank} dimensions"
        lie = f"has {m} rows that lie {plane}"
    expected = f"at least {d + 1} points that span {d} dimension{'s' * (d > 1)}"
    mend = "on_degenerate='subspace' finds the ellipsoid in their hull"
    if m < d:
        mend = f"is points transposed (each row is a point)? Otherwise {mend}"
    return DegeneratePointsError(f"points {lie}, expected {expected}; {mend}", rank, basis, center)
