"""Both bodies in units in which nothing overflows, and plain sweeps along their paths.

For any multiplier lambda of the meeting let mu[T] = E'lambda, mu[t] = A'mu[t+1], y[t] = B'mu[t+1]
for the first body, and the same with -E for the second. Inputs that meet have

    sum_t y[t]'w[t] = lambda'd = -mu[0]'x[0] - nu[0]'z[0]     (over both bodies, d what is missing)

so whatever bounds the left-hand side bounds them: their energy from below by 2 lambda'd minus the
sum of max (2 y'w - |w|^2), their thrust by lambda'd / sum |y|; and where the left-hand side cannot
reach the right-hand side, there are none. Nothing here is shared with the solver: no kernel, no
reference implementation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand.rendezvous.arguments import Given, Weight
from minimand.rendezvous.result import MeetingResult

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Moving:
    """One body: (A, B, start, E), B for inputs that cost their square, E with its sign."""

    A: Floats
    B: Floats
    start: Floats
    E: Floats


@dataclass(frozen=True, slots=True)
class Units:
    """States are in units of 2^state, inputs in units of 2^input."""

    state: int
    input: int

    @property
    def multiplier(self) -> int:
        """The exponent of multipliers and costates."""
        return 2 * self.input - self.state

    @property
    def energy(self) -> int:
        """The exponent of energies."""
        return 2 * self.input


def bodies_of(given: Given, weights: Sequence[Weight]) -> tuple[tuple[Moving, Moving], Units]:
    """Return the bodies in units in which starts and inputs have an effect near 1."""
    B, D = weights[0].of_inputs(given.B), weights[1].of_inputs(given.D)
    state = power(given.x0, given.z0)
    effect = power(B, D)
    units = Units(state, state - effect)
    first = Moving(given.A, np.ldexp(B, -effect), np.ldexp(given.x0, -state), given.Ex)
    second = Moving(given.C, np.ldexp(D, -effect), np.ldexp(given.z0, -state), -given.Ez)
    return (first, second), units


def power(*arrays: Floats) -> int:
    """Return the exponent of the largest entry."""
    largest = max(float(np.abs(array).max(initial=0.0)) for array in arrays)
    return int(np.frexp(largest)[1]) if 0 < largest < math.inf else 0


@dataclass(frozen=True, slots=True)
class Swept:
    """y (T, m) and the size it could have, for both bodies, lambda'd and its rounding.

    That size is the largest of |B| times the largest of mu so far, on the way back.
    """

    y: tuple[Floats, Floats]
    sizes: tuple[Floats, Floats]
    pull: float
    rounding: float


def sweep(bodies: Sequence[Moving], multiplier: Floats, steps: int) -> Swept:
    """Sweep a multiplier back, one step after the other."""
    ys, sizes, pulls, parts = [], [], [], []
    rows = np.maximum(*(np.abs(body.E).max(axis=1) for body in bodies))
    units = np.where(rows > 0, rows, 1.0)
    largest = float(np.abs(multiplier * units).max())
    for body in bodies:
        mu = body.E.T @ multiplier
        path = np.empty((steps, len(mu)))
        back = np.ascontiguousarray(body.A.T)
        for t in range(steps - 1, -1, -1):
            path[t] = mu
            mu = back @ mu
        ys.append(path @ body.B)
        so_far = np.abs(path).max(axis=1)
        so_far[-1] = (np.abs(body.E) / units[:, np.newaxis]).sum(axis=0).max() * largest
        so_far = np.maximum.accumulate(so_far[::-1])[::-1]
        sizes.append(np.outer(so_far, np.abs(body.B).max(axis=0)))
        pulls.append(float(mu @ body.start))
        parts.append(float(np.abs(mu) @ np.abs(body.start)))
    rounding = EPS * (64 + steps) * math.fsum(parts)
    return Swept((ys[0], ys[1]), (sizes[0], sizes[1]), -math.fsum(pulls), rounding)


def sweep_costates(
    bodies: Sequence[Moving], result: MeetingResult, units: Units, multiplier: Floats
) -> Swept:
    """Read y off the costates of a result, which must follow from each other up to rounding."""
    assert result.costates is not None
    assert result.x is not None
    assert result.z is not None
    ys, sizes, pull, rounding = [], [], 0.0, 0.0
    for body, own, states in zip(bodies, result.costates, (result.x, result.z), strict=True):
        if own.shape != states.shape:
            raise CertificateError(f"costates have shape {own.shape}, expected {states.shape}")
        mu, x = np.ldexp(own, -units.multiplier), np.ldexp(states, -units.state)
        end = body.E.T @ multiplier
        largest = (np.abs(body.E).T @ np.abs(multiplier)).max()
        if not (np.abs(mu[-1] - end) <= 1e-9 * largest).all():
            raise CertificateError("costates do not end at E'multiplier")
        start = body.A.T @ mu[1]
        if not (np.abs(mu[0] - start) <= 1e-9 * np.abs(start).max()).all():
            raise CertificateError("costates do not follow from each other in the first step")
        residual = np.abs(mu[1:-1] - mu[2:] @ body.A)
        rounding += 1e3 * float(np.sum(residual * np.abs(x[1:-1])))
        rounding += EPS * (64 + len(mu)) * float(np.abs(start) @ np.abs(body.start))
        pull -= float(start @ body.start)
        ys.append(mu[1:] @ body.B)
        sizes.append(np.full_like(ys[-1], np.inf))  # such costates prove nothing impossible
    return Swept((ys[0], ys[1]), (sizes[0], sizes[1]), pull, rounding)


def influence(swept: Swept, free: Sequence[bool]) -> float | None:
    """Return the largest effect of free inputs, relative to the size it could have."""
    worst = None
    for y, size, own in zip(swept.y, swept.sizes, free, strict=True):
        if own:
            ratio = np.divide(np.abs(y), size, out=np.zeros_like(y), where=size > 0)
            worst = max(worst or 0.0, float(ratio.max()))
    return worst
