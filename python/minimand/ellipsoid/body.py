"""The forms of an ellipsoid as they are returned: A and b hold every point in float64.

From B with {x : ||B V'(x - c)|| <= 1} up to scale, V an orthonormal basis of the hull of the
points, a one-sided Jacobi method finds B'B = U diag(s)^2 U' and its root, and

    A = U diag(s) U' V',  b = -A c.

Then rho = max ||A x_i + b|| over the points as they were given. Evaluating A x + b is off by at
most (d + 1) u (|A||x| + |b|) in each entry, whatever the order, and the norm by (d + 3) u; dividing
A and b by a number rounds them once more. Dividing by rho plus twice all that puts every point
inside, for anybody who checks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats
from minimand.ellipsoid.cloud import EPS, Cloud

_SQUARABLE = 500  # exponent up to which squares cannot overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One ellipsoid in all its forms; the fields are those of `EllipsoidResult`.

    `largest` is the largest ||A x + b|| that was found, `distance` the square of the one before A
    and b were scaled.
    """

    A: Floats
    b: Floats
    center: Floats
    shape: Floats
    axes: Floats
    radii: Floats
    basis: Floats
    log_volume: float
    condition: float
    largest: float
    distance: float


def enclosing(cloud: Cloud, transform: Floats, center: Floats, basis: Floats) -> Body:
    """Return the ellipsoid ||transform basis'(x - center)|| <= const that just holds the cloud."""
    d = cloud.dimension
    local, stretches, root = _principal_axes(cloud, transform)
    axes, A = basis @ local, root @ basis.T
    b = -(A @ center)
    _, distances = cloud.farthest(np.zeros(d), A, b, 1)
    condition = float(np.linalg.norm(np.abs(A) @ cloud.reach + np.abs(b)))
    largest = math.sqrt(distances[0])
    scale = largest + EPS * ((d + 2) * condition + (d + 3) * largest)
    radii = scale / stretches
    return Body(
        A=A / scale,
        b=b / scale,
        center=center,
        shape=shape_matrix(axes, radii),
        axes=axes,
        radii=radii,
        basis=basis,
        log_volume=log_unit_ball(len(radii)) + float(np.log(radii).sum()),
        condition=condition / scale,
        largest=largest / scale,
        distance=float(distances[0]),
    )


def single_point(center: Floats) -> Body:
    """Return the ellipsoid of dimension 0: the point."""
    d = len(center)
    return Body(
        A=np.empty((0, d)),
        b=np.empty(0),
        center=center,
        shape=np.zeros((d, d)),
        axes=np.empty((d, 0)),
        radii=np.empty(0),
        basis=np.empty((d, 0)),
        log_volume=0.0,
        condition=0.0,
        largest=0.0,
        distance=0.0,
    )


def shape_matrix(axes: Floats, radii: Floats) -> Floats:
    """Return axes diag(radii^2) axes', infinite or 0 where that is beyond float64."""
    exponent = int(np.frexp(radii.max())[1])
    exponent = exponent if abs(exponent) > _SQUARABLE else 0
    scaled = axes * np.ldexp(radii, -exponent)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(scaled @ scaled.T, 2 * exponent))


def log_unit_ball(r: int) -> float:
    """Return the logarithm of the volume of the unit ball in r dimensions."""
    return 0.5 * r * math.log(math.pi) - math.lgamma(0.5 * r + 1.0)


def _principal_axes(cloud: Cloud, transform: Floats) -> tuple[Floats, Floats, Floats]:
    """Return axes, the largest entry of each positive, ascending stretches, and the root."""
    axes, root = np.empty_like(transform), np.empty_like(transform)
    stretches = np.empty(len(transform))
    cloud.kernels.principal_axes(transform, axes, stretches, root)
    largest = np.abs(axes).argmax(axis=0)
    axes *= np.copysign(1.0, axes[largest, np.arange(len(axes))])
    return axes, stretches, root
