"""Certificates of tours and bounds, computed anew from the data by plain NumPy.

Nothing here is shared with the solver: distances, one-trees, reduced costs and the search through
all subsets are written again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minimand._common.errors import CertificateError
from minimand._common.result import Certificate
from minimand.tsp.arguments import as_instance
from minimand.tsp.certificate import BoundCertificate
from minimand.tsp.instance import Instance, Integers
from minimand.tsp.result import certificates
from minimand.tsp.verification_bounds import proved_bound
from minimand.tsp.verification_distances import distance_rows

if TYPE_CHECKING:
    from minimand.tsp.lower_bound import TourBoundResult
    from minimand.tsp.result import TSPResult

_LENGTH = 1e-14  # relative error of a length that is a correctly rounded sum
_GAP = 1e-12


def recompute(result: TSPResult, points_or_distances: object) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the data alone show them.

    Parameters
    ----------
    result
        What a solver claims.
    points_or_distances
        The data as they were given to the solver.

    Raises
    ------
    ValueError
        The data are no instance, or have another number of cities than the tour.
    CertificateError
        The tour is none, or a number of the result is not what data and certificate give.
    """
    instance = _instance(result, points_or_distances)
    if result.tour.shape != (instance.N,):
        raise ValueError(f"points has {instance.N} rows, expected {len(result.tour)}")
    _check_tour(result, instance)
    length = _length(instance, result.tour)
    if not math.isclose(result.length, length, rel_tol=_LENGTH):
        raise CertificateError(f"length is {length!r}, recorded was {result.length!r}")
    if result.certificate is None:
        if math.isfinite(result.lower_bound) or result.proven_optimal:
            raise CertificateError("lower_bound is stated without a certificate")
        return certificates(math.nan, bounded=False)
    bound = _check_bound(instance, result.certificate, result.lower_bound)
    gap = (length - bound) / length if length > 0 else 0.0
    if not abs(gap - result.gap) <= _GAP:
        raise CertificateError(f"gap is {gap:.6g}, recorded was {result.gap:.6g}")
    if result.proven_optimal and not _optimal(instance, result.certificate, length, bound):
        raise CertificateError(
            f"proven_optimal is True, but the bound {bound!r} is below the length {length!r}"
        )
    return certificates(max(0.0, gap), bounded=True)


def recompute_bound(
    result: TourBoundResult, points_or_distances: object
) -> tuple[Certificate, ...]:
    """Return the certificate of a bound as the data alone show it; errors as in `recompute`."""
    from minimand.tsp.lower_bound import bound_certificate

    _check_bound(_instance(result, points_or_distances), result.certificate, result.lower_bound)
    return (bound_certificate(0.0),)


def _instance(result: TSPResult | TourBoundResult, data: object) -> Instance:
    return as_instance(
        "points",
        data,
        closed=result.closed,
        start=result.start,
        end=result.end,
        metric=result.metric,
    )


def _check_tour(result: TSPResult, instance: Instance) -> None:
    tour = result.tour
    if not np.array_equal(np.sort(tour), np.arange(instance.N)):
        raise CertificateError("tour does not visit every city once")
    for name, city, place in (("start", instance.start, 0), ("end", instance.end, -1)):
        if city is not None and tour[place] != city:
            raise CertificateError(f"tour has {tour[place]} at its {name}, expected {city}")
    following = np.roll(tour, -1) if instance.closed else tour[1:]
    edges = {frozenset(edge) for edge in zip(tour.tolist(), following.tolist(), strict=False)}
    for edge in instance.fixed.tolist():
        if frozenset(edge) not in edges:
            raise CertificateError(f"tour does not contain the fixed edge {edge}")


def _length(instance: Instance, tour: Integers) -> float:
    row, exponent = distance_rows(instance)
    following = np.roll(tour, -1) if instance.closed else tour[1:]
    if len(tour) == 1:
        return 0.0
    steps: list[float] = [
        float(row(i)[j]) for i, j in zip(tour.tolist(), following.tolist(), strict=False)
    ]
    return math.ldexp(math.fsum(steps), exponent)


def _check_bound(instance: Instance, certificate: BoundCertificate, stated: float) -> float:
    """Return the stated bound, which must be the one of the certificate and what it proves."""
    if not stated == certificate.lower_bound:
        raise CertificateError(
            f"lower_bound is {certificate.lower_bound!r} in the certificate, "
            f"recorded was {stated!r}"
        )
    proved, level = proved_bound(instance, certificate)
    if not proved - level <= stated <= proved:
        raise CertificateError(f"lower_bound is {proved!r}, recorded was {stated!r}")
    return stated


def _optimal(
    instance: Instance, certificate: BoundCertificate, length: float, bound: float
) -> bool:
    if instance.integer:
        return bound >= length
    allowed = 1e-6 if certificate.kind == "milp" else 1e-9
    return length - bound <= 1.001 * allowed * length
