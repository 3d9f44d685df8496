"""Certificates of plans of least energy, and of proofs that there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate, Status
from minimand.rendezvous.arguments import as_bound, as_given, as_weights
from minimand.rendezvous.certificates import ENERGY_GAP, Found, impossible, plan_certificates
from minimand.rendezvous.verification.bodies import (
    Swept,
    bodies_of,
    influence,
    power,
    sweep,
    sweep_costates,
)
from minimand.rendezvous.verification.paths import agree, claims, costing, fail, show

if TYPE_CHECKING:
    from minimand.rendezvous.result import RendezvousResult

_STATIONARY = 1e-6  # inputs against those that the multiplier asks for, relative to the largest
_WELL = 1e8  # condition up to which that is so


def recompute(
    result: RendezvousResult,
    A: object,
    B: object,
    C: object,
    D: object,
    x0: object,
    z0: object,
    T: object,
    match: object,
    input_weights: object,
    u_max: object,
    v_max: object,
    norm: str,
) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the data alone show them."""
    given = as_given(A, B, C, D, x0, z0, T, match)
    weights = as_weights(input_weights, given.B.shape[1], given.D.shape[1])
    limits = (
        as_bound("u_max", u_max, given.steps, given.B.shape[1], norm, weights[0]),
        as_bound("v_max", v_max, given.steps, given.D.shape[1], norm, weights[1]),
    )
    with np.errstate(all="ignore"):  # what is not finite fails
        bodies, units = bodies_of(given, weights)
        bounds = [
            None if limit is None else np.ldexp(limit * weight.root, -units.input)
            for limit, weight in zip(limits, weights, strict=True)
        ]
        if result.x is None:
            return _impossible(result.certificate, bodies, bounds, norm, given.steps)
        shown = show(result, given, weights)
        multiplier = _finite(result.multiplier, len(given.Ex), -units.multiplier)
        if result.costates is None:
            swept = sweep(bodies, multiplier, given.steps)
        else:
            swept = sweep_costates(bodies, result, units, multiplier)
        assert result.u is not None
        assert result.v is not None
        own = [
            costing(np.ldexp(values, -units.input), weight)
            for values, weight in zip((result.u, result.v), weights, strict=True)
        ]
        energy = float(sum(np.sum(w * w) for w in own))
        best = [_cut(y, bound, norm) for y, bound in zip(swept.y, bounds, strict=True)]
        conjugate = sum(float(np.sum(w * (2 * y - w))) for y, w in zip(swept.y, best, strict=True))
        lower = 2 * swept.pull - conjugate
        thrust = None
        if any(limit is not None for limit in limits):
            thrust = max(
                _longest(values, limit, norm)
                for values, limit in zip((result.u, result.v), limits, strict=True)
            )
        found = Found(shown.meeting, shown.dynamics, energy, lower, 2 * swept.rounding, thrust)
        problems = [*claims(result, shown), *_overstated(result, found, units.energy)]
        if result.status is Status.CONVERGED:
            problems += _stationary(own, best, result.condition)
    fail(result, problems)
    return plan_certificates(found, ENERGY_GAP)


def _impossible(
    direction: Floats | None, bodies: object, bounds: object, norm: str, steps: int
) -> tuple[Certificate, ...]:
    given = bodies[0].E  # type: ignore[index]
    clean = _finite(direction, len(given), 0)
    swept: Swept = sweep(bodies, np.ldexp(clean, -power(clean)), steps)  # type: ignore[arg-type]
    support = 0.0
    free = []
    for y, bound in zip(swept.y, bounds, strict=True):  # type: ignore[call-overload]
        free.append(bound is None)
        if bound is not None:
            support += float(np.sum(bound * (np.abs(y) if norm == "inf" else _norms(y))))
    separation = (support + swept.rounding) / swept.pull if swept.pull > 0 else np.inf
    return impossible(separation, influence(swept, free))


def _finite(multiplier: Floats | None, length: int, exponent: int) -> Floats:
    if multiplier is None or multiplier.shape != (length,) or not np.isfinite(multiplier).all():
        raise CertificateError(f"the multiplier is no vector of {length} finite numbers")
    return np.ldexp(multiplier, exponent)


def _norms(y: Floats) -> Floats:
    return np.asarray(np.linalg.norm(y, axis=1))


def _cut(y: Floats, bound: Floats | None, norm: str) -> Floats:
    """Return the maximiser of 2 y'w - |w|^2 within the bounds."""
    if bound is None:
        return y
    if norm == "inf":
        return np.minimum(np.maximum(y, -bound), bound)
    size = _norms(y)
    shrink = np.divide(bound, size, out=np.ones_like(size), where=size > bound)
    return y * shrink[:, np.newaxis]


def _longest(values: Floats, limit: Floats | None, norm: str) -> float:
    if limit is None:
        return 0.0
    exponent = power(limit)
    size = np.abs(np.ldexp(values, -exponent))
    size = size if norm == "inf" else _norms(size)
    bound = np.ldexp(limit, -exponent)
    if (size[bound == 0] > 0).any():
        return float("inf")
    return float(np.divide(size, bound, out=np.zeros_like(size), where=bound > 0).max())


def _overstated(result: RendezvousResult, found: Found, exponent: int) -> Iterator[str]:
    """Compare what is stated beside the certificates, in sentences about what is not so."""
    energy, lower = (float(np.ldexp(value, exponent)) for value in (found.value, found.lower))
    rounding = float(np.ldexp(found.rounding, exponent)) + 1e-12 * energy
    yield from agree("energy", result.energy, energy, 0.0)
    if not result.lower_bound <= lower + rounding:
        yield f"lower_bound is {lower:.12g}, recorded was {result.lower_bound:.12g}"
    if not abs(result.gap - found.gap) <= found.resolution + 1e-12:
        yield f"gap is {found.gap:.3g}, recorded was {result.gap:.3g}"


def _stationary(own: list[Floats], best: list[Floats], condition: float) -> Iterator[str]:
    allowed = _STATIONARY * (condition / _WELL if condition > _WELL else 1.0)
    largest = max(float(np.abs(w).max()) for w in own)
    for name, w, other in zip("uv", own, best, strict=True):
        apart = float(np.abs(w - other).max())
        if not apart <= allowed * largest:
            yield f"{name} is not what the multiplier asks for"
