"""Certificates of an enclosing ellipsoid, computed anew from the points by plain NumPy alone.

For any weights u >= 0 with sum 1, c = sum u_i x_i and S = sum u_i (x_i - c)(x_i - c)', every
ellipsoid ||A x + b|| <= 1 that holds all points has, in r dimensions,

    -log det A >= 1/2 log det S + r/2 log r:

sum u_i ||A x_i + b||^2 <= 1 is at least trace(A S A), and the geometric mean of the eigenvalues of
A S A is at most their arithmetic mean 1/r. Nothing about how u was found is trusted, and nothing
here is shared with the solver: no kernel, no reference implementation. S is not formed either; the
QR factorisation of the weighted support squares no condition.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minimand._common.arrays import Floats, as_matrix
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate, Status
from minimand.ellipsoid.result import Found, certificates

if TYPE_CHECKING:
    from minimand.ellipsoid.result import EllipsoidResult

EPS = float(np.finfo(np.float64).eps)
_BLOCK = 1 << 17  # entries of the points that are looked at together
_AGREE = 1e-9  # agreement of numbers that follow from others, beside rounding
_OFF_HULL = (
    200.0  # times d eps sqrt(m d) times the reach of the points: what is still in their hull
)


def recompute(result: EllipsoidResult, points: object) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the points alone show them.

    Parameters
    ----------
    result
        What a solver claims.
    points
        As they were given to the solver.

    Raises
    ------
    ValueError
        The points have another shape than the result.
    CertificateError
        A number of the result is better than the points and the weights show.
    """
    matrix = as_matrix("points", points, columns=result.center.shape[0])
    if result.weights.shape != (len(matrix),):
        raise ValueError(
            f"points has {len(matrix)} rows but the result is for {len(result.weights)}"
        )
    with np.errstate(all="ignore"):  # what is not finite fails
        _check_shapes(result)
        found, problems = _assess(result, matrix)
    listed = certificates(found, result.tol)
    if problems:
        failed = [
            f"{c.name} is {c.value:.6g}, the bound is {c.bound:.6g}" for c in listed if not c.holds
        ]
        text = "; ".join(failed + problems)
        raise CertificateError(f"{type(result).__name__} does not verify: {text}")
    return listed


@np.errstate(all="ignore")
def disagreement(
    A: Floats, b: Floats, center: Floats, shape: Floats, axes: Floats, radii: Floats, basis: Floats
) -> float:
    """Return by how much the forms of an ellipsoid differ, in units of d rounding errors.

    The unit of each equation is what its terms add up to in magnitude.
    """
    d, r = axes.shape
    if r == 0:
        return 0.0 if not shape.any() else math.inf
    local, identity = basis.T @ axes, np.eye(r)
    exponent = int(np.frexp(radii.max())[1])
    exponent *= abs(exponent) > 500  # so that squares do not overflow
    scaled = axes * np.ldexp(radii, -exponent)
    unscaled = [np.ldexp(S, 2 * exponent) for S in (scaled @ scaled.T, abs(scaled) @ abs(scaled).T)]
    square = A @ basis
    columns = abs(square).sum(axis=0)
    spread = abs(local) @ (abs(local).T / radii[:, np.newaxis]) + np.minimum.outer(columns, columns)
    if r < d:  # products with the basis lose what is small
        spread = np.full((r, r), columns.max())
    ratios = (
        _ratio(axes.T @ axes - identity, np.ones((r, r))),
        _ratio(basis.T @ basis - identity, np.ones((r, r))),
        _ratio(basis @ local - axes, np.ones((d, r))),
        _ratio(square - square.T, spread),
        _ratio(A - square @ basis.T, spread @ abs(basis).T),
        _ratio((square @ local) * radii - local, spread.sum(axis=1)[:, np.newaxis] * radii),
        _ratio(A @ center + b, abs(A) @ abs(center) + abs(b)),
        _ratio(np.where(shape == unscaled[0], 0.0, shape - unscaled[0]), unscaled[1]),
    )
    worst = float(np.max(ratios)) / d
    descending = bool((radii[:-1] >= radii[1:]).all())
    return worst if descending and not math.isnan(worst) else math.inf


def off_hull(points: Floats, center: Floats, basis: Floats) -> float | None:
    """Return the largest distance of a point from center + range(basis), 1 being tolerable."""
    d, r = basis.shape
    if r == d:
        return None
    reach = max(float(np.abs(points).max()), float(np.abs(center).max()))
    tolerable = _OFF_HULL * EPS * d * math.sqrt(len(points) * d)
    worst = 0.0
    for block in _blocks(points):
        apart = (block - center) / (reach or 1.0)
        apart -= (apart @ basis) @ basis.T
        worst = float(np.maximum(worst, np.sqrt((apart * apart).sum(axis=1)).max()))  # NaN stays
    return float(worst / tolerable)


def gap_rounding(radii: Floats, d: int, condition: float) -> float:
    """Return what rounding may contribute to the gap, a difference of sums of logarithms."""
    logs = float(np.abs(np.log(radii)).sum()) + d * math.log(d + 1)
    return 4.0 * EPS * (d * (d + 3) * max(condition, 1.0) + (d + 3) * logs)


def _assess(result: EllipsoidResult, points: Floats) -> tuple[Found, list[str]]:
    d, r = result.basis.shape
    largest, condition = 0.0, 0.0
    for block in _blocks(points):
        z = np.sqrt(((block @ result.A.T + result.b) ** 2).sum(axis=1))
        largest = float(np.maximum(largest, z.max()))
        size = np.abs(block).max(axis=0) @ np.abs(result.A).T + np.abs(result.b)
        condition = float(np.maximum(condition, np.sqrt((size * size).sum())))
    rounding = gap_rounding(result.radii, d, condition)
    lower, nearest, farthest = _dual(result, points)
    sign, log_det = np.linalg.slogdet(result.A @ result.basis)
    volume = _log_unit_ball(r) - log_det if sign > 0 else math.inf
    gap = max(0.0, volume - lower) if r else 0.0
    total = math.fsum(result.weights)
    found = Found(
        gap=gap if math.isfinite(volume - lower) else math.inf,
        rounding=rounding,
        largest=largest,
        imbalance=max(abs(total - 1.0), -float(result.weights.min())),
        disagreement=disagreement(
            result.A, result.b, result.center, result.shape, result.axes, result.radii, result.basis
        ),
        off_hull=off_hull(points, result.center, result.basis),
    )
    loose = _AGREE + rounding
    stated = [
        ("rank", result.rank == r, r),
        ("log_volume", abs(result.log_volume - volume) <= rounding, volume),
        ("lower_bound", result.lower_bound <= lower + rounding, lower),
        ("gap", result.gap >= gap - rounding, gap),
        ("condition", result.condition >= (1.0 - _AGREE) * condition, condition),
        ("epsilon_plus", abs(result.epsilon_plus - farthest) <= loose, farthest),
        ("epsilon_minus", abs(result.epsilon_minus - nearest) <= loose, nearest),
        ("status", result.status is not Status.CONVERGED or result.gap <= result.tol, gap),
    ]
    problems = [
        f"{name} is {here}, recorded was {getattr(result, name)}"
        for name, agrees, here in stated
        if not agrees
    ]
    if not np.array_equal(result.support, np.flatnonzero(result.weights)):
        problems.append("support is not where weights has entries other than 0")
    return found, problems


def _dual(result: EllipsoidResult, points: Floats) -> tuple[float, float, float]:
    """Return the lower bound, epsilon_minus and epsilon_plus that the weights prove."""
    r = result.basis.shape[1]
    rows = np.flatnonzero(result.weights)
    if r == 0:
        return 0.0, 0.0, 0.0
    if not (np.isfinite(result.weights).all() and len(rows) > r and result.weights.min() >= 0):
        return -math.inf, math.inf, math.inf
    u = result.weights[rows] / math.fsum(result.weights[rows])
    anchor = points[rows[0]]
    near = (points[rows] - anchor) @ result.basis
    center = u @ near
    near -= center
    unit = np.ldexp(1.0, -np.frexp(np.abs(near).max(axis=0))[1])
    R = np.linalg.qr(np.sqrt(u)[:, np.newaxis] * (near * unit), mode="r")
    half_log_det = float((np.log(np.abs(np.diag(R))) - np.log(unit)).sum())
    lower = half_log_det + 0.5 * r * math.log(r) + _log_unit_ball(r)
    farthest, nearest = 0.0, math.inf
    try:
        inverse = np.linalg.inv(R)
    except np.linalg.LinAlgError:
        return -math.inf, math.inf, math.inf
    for block in (*_blocks(points), None):
        y = near if block is None else (block - anchor) @ result.basis - center
        omega = (((y * unit) @ inverse) ** 2).sum(axis=1)
        if block is None:
            nearest = float(omega.min())
        else:
            farthest = float(np.maximum(farthest, omega.max()))
    return lower, 1.0 - (nearest + 1.0) / (r + 1), (farthest + 1.0) / (r + 1) - 1.0


def _blocks(points: Floats) -> Iterator[Floats]:
    rows = max(1, _BLOCK // points.shape[1])
    for begin in range(0, len(points), rows):
        yield points[begin : begin + rows]


def _ratio(difference: Floats, size: Floats) -> float:
    """Return the largest |difference| / (size eps), where there is a difference."""
    ratio = np.abs(difference) / (size * EPS)
    ratio[difference == 0] = 0.0
    return float(ratio.max(initial=0.0))


def _log_unit_ball(r: int) -> float:
    return 0.5 * r * math.log(math.pi) - math.lgamma(0.5 * r + 1.0)


def _check_shapes(result: EllipsoidResult) -> None:
    """Raise CertificateError where an array has not the shape of the others."""
    d, r = result.center.shape[0], result.radii.shape[0]
    shapes = {"A": (r, d), "b": (r,), "shape": (d, d), "axes": (d, r), "basis": (d, r)}
    for name, expected in shapes.items():
        came = getattr(result, name).shape
        if came != expected:
            raise CertificateError(f"{name} has shape {came}, expected {expected}")
