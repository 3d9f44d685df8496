"""Certificates of the least bound on the thrust."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minimand._common.result import Certificate
from minimand.rendezvous.arguments import Weight, as_given
from minimand.rendezvous.certificates import Found, impossible, plan_certificates
from minimand.rendezvous.verification.bodies import (
    bodies_of,
    influence,
    power,
    sweep,
    sweep_costates,
)
from minimand.rendezvous.verification.paths import agree, claims, fail, show
from minimand.rendezvous.verification.plan import _finite as finite
from minimand.rendezvous.verification.plan import _longest as longest

if TYPE_CHECKING:
    from minimand.rendezvous.result import ThrustResult


def recompute(
    result: ThrustResult,
    A: object,
    B: object,
    C: object,
    D: object,
    x0: object,
    z0: object,
    T: object,
    match: object,
    norm: str,
    ratio: float,
) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the data alone show them."""
    given = as_given(A, B, C, D, x0, z0, T, match)
    with np.errstate(all="ignore"):  # what is not finite fails
        weights = (Weight(), Weight(1.0 / ratio if ratio > 0 else 1.0))
        bodies, units = bodies_of(given, weights)
        moves = (True, ratio > 0)
        if result.x is None:
            direction = finite(result.certificate, len(given.Ex), 0)
            swept = sweep(bodies, np.ldexp(direction, -power(direction)), given.steps)
            separation = swept.rounding / swept.pull if swept.pull > 0 else math.inf
            return impossible(separation, influence(swept, moves))
        shown = show(result, given, weights)
        assert result.u is not None
        assert result.v is not None
        thrust = 0.0
        for values, own, factor in zip((result.u, result.v), moves, (1.0, ratio), strict=True):
            shape = values.shape if norm == "inf" else values.shape[:1]
            limit = np.full(shape, result.bound * factor if own else 0.0)
            thrust = max(thrust, longest(values, limit, norm))
        unit = units.multiplier
        if result.costates is None:
            unit = 0 if result.multiplier is None else power(result.multiplier)
        multiplier = finite(result.multiplier, len(given.Ex), -unit)
        if result.costates is None:
            swept = sweep(bodies, multiplier, given.steps)
        else:
            swept = sweep_costates(bodies, result, units, multiplier)
        support = sum(
            float(np.sum(np.abs(y) if norm == "inf" else np.linalg.norm(y, axis=1)))
            for y, own in zip(swept.y, moves, strict=True)
            if own
        )
        lower = swept.pull / support if support > 0 else 0.0
        rounding = swept.rounding / support if support > 0 else 0.0
        bound = float(np.ldexp(result.bound, -units.input))
        found = Found(shown.meeting, shown.dynamics, bound, lower, rounding, thrust)
        here = float(np.ldexp(lower, units.input))
        problems = list(claims(result, shown))
        slack = float(np.ldexp(rounding, units.input)) + 1e-13 * here
        problems += agree("lower_bound", result.lower_bound, here, slack)
        if not abs(result.gap - found.gap) <= found.resolution + 1e-12:
            problems.append(f"gap is {found.gap:.3g}, recorded was {result.gap:.3g}")
        # lambda is given with sum |y| = 1 in the user's units, so that lambda'd is the bound.
        size = float(np.ldexp(support, units.state - units.input + unit))
        if support > 0 and not abs(size - 1.0) <= 1e-9:
            problems.append(f"the multiplier has sum |y| = {size:.6g}, expected 1")
    fail(result, problems)
    return plan_certificates(found, result.tol)
