"""Certificates of a curve of energies: all multipliers swept back together, step by step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate, Status
from minimand.rendezvous.arguments import as_given, as_weights
from minimand.rendezvous.certificates import curve_certificates
from minimand.rendezvous.verification.bodies import EPS, Moving, bodies_of
from minimand.rendezvous.verification.paths import fail

if TYPE_CHECKING:
    from minimand.rendezvous.result import RendezvousEnergies

_ALL = 2000  # horizons that are looked at, one by one or evenly spread
_RANKS = 100  # horizons whose rank is looked at: the first ones, where it grows


def recompute(
    result: RendezvousEnergies,
    A: object,
    B: object,
    C: object,
    D: object,
    x0: object,
    z0: object,
    T_max: object,
    match: object,
    input_weights: object,
) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the data alone show them.

    Of more than 2000 numbers of steps 2000 are looked at.
    """
    given = as_given(A, B, C, D, x0, z0, T_max, match, steps_name="T_max")
    weights = as_weights(input_weights, given.B.shape[1], given.D.shape[1])
    T, q = given.steps, len(given.Ex)
    shapes = {"energy": (T,), "rank": (T,), "condition": (T,), "multiplier": (T, q)}
    for name, shape in shapes.items():
        if getattr(result, name).shape != shape:
            raise CertificateError(
                f"{name} has shape {getattr(result, name).shape}, expected {shape}"
            )
    with np.errstate(all="ignore"):  # what is not finite fails
        bodies, units = bodies_of(given, weights)
        chosen = np.unique(np.linspace(1, T, min(T, _ALL)).round().astype(np.int64))
        chosen = chosen[~np.isnan(result.energy[chosen - 1])]
        energy = np.ldexp(result.energy[chosen - 1], -units.energy)
        possible = np.isfinite(energy)
        exponents = np.where(possible, units.multiplier, 0)[:, np.newaxis]
        multiplier = np.ldexp(result.multiplier[chosen - 1], -exponents)
        swept = _Sweeps(bodies, multiplier, chosen)
        problems = list(_claims(result))
        problems += _ranks(result, bodies)
        problems += _proofs(chosen, possible, swept)
    fail(result, problems)  # type: ignore[arg-type]
    lower, value = (2 * swept.pull - swept.squares)[possible], energy[possible]
    apart = np.abs(value - lower) / np.where(value > 0, value, 1.0)
    apart = np.maximum(apart, swept.missed[possible])
    error = float(apart.max(initial=0.0))
    condition = float(result.condition[np.isfinite(result.energy)].max(initial=1.0))
    rounding = EPS * (64 * condition + 16 * T)
    influence = None
    if np.isinf(result.energy).any():
        influence = float(swept.influence[~possible].max(initial=0.0))
    return curve_certificates(error, rounding, influence)


class _Sweeps:
    """The sums over the steps of every horizon, all horizons at once.

    Attributes
    ----------
    pull, squares : ndarray
        lambda'd and sum |y|^2.
    missed : ndarray
        How far inputs y miss the meeting, relative to the terms.
    influence : ndarray
        Largest |y| relative to its terms.
    """

    def __init__(
        self, bodies: tuple[Moving, Moving], multiplier: Floats, steps: NDArray[np.int64]
    ) -> None:
        count, q = multiplier.shape
        self.pull, self.squares, self.influence = (np.zeros(count) for _ in range(3))
        reached, size = np.zeros((count, q)), np.zeros((count, q))
        rows = np.maximum(*(np.abs(body.E).max(axis=1) for body in bodies))
        units = np.where(rows > 0, rows, 1.0)
        for body in bodies:
            mu = multiplier @ body.E
            so_far = np.abs(multiplier * units).max(axis=1)
            so_far *= (np.abs(body.E) / units[:, np.newaxis]).sum(axis=0).max()
            widest = np.abs(body.B).max(axis=0)
            power = body.E.copy()  # E A^k
            drift, ends = body.start.copy(), np.empty((count, q))
            sizes = np.empty((count, q))
            at = 0
            for k in range(int(steps[-1]) if count else 0):
                live = slice(at, count)  # horizons with more than k steps
                y = mu[live] @ body.B
                np.maximum(so_far[live], np.abs(mu[live]).max(axis=1), out=so_far[live])
                terms = np.outer(so_far[live], widest)
                effect = y @ (power @ body.B).T
                reached[live] += effect
                size[live] += np.abs(effect)
                self.squares[live] += np.sum(y * y, axis=1)
                ratio = np.divide(np.abs(y), terms, out=np.zeros_like(y), where=terms > 0)
                np.maximum(self.influence[live], ratio.max(axis=1), out=self.influence[live])
                mu[live] = mu[live] @ body.A
                power = power @ body.A
                drift = body.A @ drift
                while at < count and steps[at] == k + 1:
                    self.pull[at] -= mu[at] @ body.start
                    ends[at] = body.E @ drift
                    sizes[at] = np.abs(body.E) @ np.abs(drift)
                    at += 1
            reached += ends
            size += sizes
        self.missed = (np.abs(reached) / np.where(size > 0, size, 1.0)).max(axis=1, initial=0.0)


def _proofs(
    chosen: NDArray[np.int64], possible: NDArray[np.bool_], swept: _Sweeps
) -> Iterator[str]:
    """Look whether something is missing along the direction of every horizon without a meeting."""
    for T, pull in zip(chosen[~possible], swept.pull[~possible], strict=True):
        if not pull > 0:
            yield f"T = {T} is called impossible, but nothing is missing along its direction"
            return


def _claims(result: RendezvousEnergies) -> Iterator[str]:
    """Compare what follows from the energies."""
    finite = np.flatnonzero(np.isfinite(result.energy))
    first = int(finite[0]) + 1 if finite.size else None
    best = int(finite[np.argmin(result.energy[finite])]) + 1 if finite.size else None
    for name, here in (("first_feasible", first), ("best", best)):
        if getattr(result, name) != here:
            yield f"{name} is {here}, recorded was {getattr(result, name)}"
    if np.isnan(result.energy).any() and result.status is not Status.NOT_CERTIFIED:
        yield "energy has NaN"
    known = result.condition[np.isfinite(result.energy)]
    if not ((known >= 1.0) & (known < math.inf)).all():
        yield "condition is not a number >= 1"


def _ranks(result: RendezvousEnergies, bodies: tuple[Moving, Moving]) -> Iterator[str]:
    """Count the singular values of what the first horizons reach."""
    parts: list[Floats] = []
    powers = [body.E.copy() for body in bodies]
    for T in range(1, min(len(result.rank), _RANKS) + 1):
        for k, body in enumerate(bodies):
            parts.append(powers[k] @ body.B)
            powers[k] = powers[k] @ body.A
        if np.isnan(result.energy[T - 1]):
            continue
        M = np.hstack(parts)
        size = np.abs(M).max(axis=1, keepdims=True)
        s = np.linalg.svd(M / np.where(size > 0, size, 1.0), compute_uv=False)
        least, most = (int(np.sum(s > level * s[0])) if s[0] > 0 else 0 for level in (1e-9, 1e-16))
        if not least <= result.rank[T - 1] <= most:
            yield f"rank is {least} for T = {T}, recorded was {result.rank[T - 1]}"
            return
    if (np.diff(result.rank[~np.isnan(result.energy)]) < 0).any():
        yield "rank shrinks with the number of steps"
