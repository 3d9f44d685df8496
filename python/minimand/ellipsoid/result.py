"""What `min_volume_ellipsoid` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.result import Certificate, Result

WEIGHT_SUM = 1e-12  # how far the weights may be from adding up to 1
ROUNDING = 30.0  # LAPACK's threshold for residuals in units of the rounding error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EllipsoidResult(Result):
    """The ellipsoid of least volume around m points in d dimensions, and the proof that it is.

    All forms are of one ellipsoid. r is d, or with `on_degenerate="subspace"` the dimension of the
    affine hull of the points; then the ellipsoid lies in that hull.

    Attributes
    ----------
    A, b : ndarray (r, d), (r,)
        {x : ||A x + b|| <= 1}, A symmetric and positive definite (for r < d: a symmetric matrix
        times `basis`'). No given point is outside, also when A x + b is evaluated in float64.
    center : ndarray (d,)
        Of the ellipsoid, -A^-1 b.
    shape : ndarray (d, d)
        {x : (x - center)' shape^-1 (x - center) <= 1}, of rank r; infinite for radii beyond 1e154.
    axes, radii : ndarray (d, r), (r,)
        Orthonormal columns and descending lengths: shape = axes diag(radii^2) axes'.
    log_volume : float
        Logarithm of the r-dimensional volume.
    lower_bound : float
        No ellipsoid that holds all points has a smaller log_volume.
    gap : float
        log_volume - lower_bound: the volume is at most e^gap times the least.
    weights : ndarray (m,)
        The dual solution, u >= 0 with sum 1.
    support : ndarray of int
        Rows with a weight, ascending: the core set. Its ellipsoid is that of all points.
    rank : int
        r.
    basis : ndarray (d, r)
        Orthonormal directions of the hull; the identity for r = d.
    condition : float
        Largest || |A||x| + |b| ||: by so much A x + b magnifies rounding errors. Large for points
        far from the origin and for thin skew clouds; `gap` cannot be below d^2 2e-16 times that.
    epsilon_plus, epsilon_minus : float
        (omega_max + 1)/(r + 1) - 1 over all points, 1 - (omega_min + 1)/(r + 1) over the support,
        omega the squared distance in the metric of the weights (Todd, Yildirim 2007).
    tol : float
        The gap that was asked for.
    """

    A: Floats
    b: Floats
    center: Floats
    shape: Floats
    axes: Floats
    radii: Floats
    log_volume: float
    lower_bound: float
    gap: float
    weights: Floats
    support: NDArray[np.int64]
    rank: int
    basis: Floats
    condition: float
    epsilon_plus: float
    epsilon_minus: float
    tol: float

    def verify(self, points: object) -> tuple[Certificate, ...]:
        """Recompute every certificate from the points in plain NumPy and return them.

        Parameters
        ----------
        points
            As they were given to `min_volume_ellipsoid`.

        Raises
        ------
        CertificateError
            When a certificate fails, or a number of the result is stated better than it is.
        """
        return Result.verify(self, points)

    def _recompute(self, points: object) -> tuple[Certificate, ...]:
        from minimand.ellipsoid.verification import recompute

        return recompute(self, points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the certificates are made of; the solver and the verification fill it in on their own.

    Attributes
    ----------
    gap, rounding
        log volume minus its lower bound, and what rounding may contribute to it.
    largest
        Largest ||A x + b||.
    imbalance
        How far the weights are from being >= 0 with sum 1.
    disagreement
        Between the forms, in units of d times the rounding error.
    off_hull
        Distance of a point from the affine hull in units of rounding errors; None for r = d.
    """

    gap: float
    rounding: float
    largest: float
    imbalance: float
    disagreement: float
    off_hull: float | None


def certificates(found: Found, tol: float) -> tuple[Certificate, ...]:
    """Put what was found into words."""
    listed = [
        Certificate(
            "duality gap", found.gap, tol,
            "log of the volume over the least possible volume", found.rounding,
        ),
        Certificate("containment", found.largest, 1.0, "largest ||A x + b|| of a given point"),
        Certificate(
            "weights", found.imbalance, WEIGHT_SUM,
            "how far the dual weights are from being >= 0 with sum 1", 1e-15,
        ),
        Certificate(
            "forms", found.disagreement, ROUNDING,
            "disagreement of A, b, center, shape, axes, radii and basis, in rounding errors",
            ROUNDING,
        ),
    ]  # fmt: skip
    if found.off_hull is not None:
        text = "distance of a point from the affine hull, in rounding errors"
        listed.append(Certificate("affine hull", found.off_hull, 1.0, text, 1.0))
    return tuple(listed)
