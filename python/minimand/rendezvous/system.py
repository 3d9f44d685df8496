"""The problem in the solver's units: powers of two, so that nothing is rounded or overflows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from minimand._common.arrays import Floats
from minimand.rendezvous.arguments import Given, Weight
from minimand.rendezvous.bounds import Bounds, cut


@dataclass(frozen=True, slots=True)
class Body:
    """One of the bodies, x[t+1] = A x[t] + B u[t].

    Attributes
    ----------
    A, start, B
        In the solver's units; an input costs its square.
    E
        Its part of the meeting: the sum of E x[T] over both bodies is 0.
    user
        (A, B, x[0], E) in the user's units, E with its sign.
    weight
        How the solver's inputs become the user's.
    moves
        Whether it has inputs at all; B is 0 if not.
    """

    A: Floats
    B: Floats
    start: Floats
    E: Floats
    user: tuple[Floats, Floats, Floats, Floats]
    weight: Weight
    moves: bool = True


@dataclass(frozen=True, slots=True)
class System:
    """Both bodies, in powers of two that are the units of the solver.

    A user's quantity is that of the solver times two to the power of `state` for states,
    `state - input` for inputs K'u, `state + match` for what must match, 2 (state - input) for
    energies, `multiplier` for multipliers.

    `limits` are the user's bounds on u and v (None: free), (T, m) for norm="inf", (T,) for "2".
    """

    bodies: tuple[Body, Body]
    steps: int
    state: int
    input: int
    match: np.ndarray[tuple[int], np.dtype[np.int64]]
    limits: Bounds = (None, None)
    norm: str = "inf"

    @property
    def bounds(self) -> Bounds:
        """The bounds of the solver's inputs."""
        return self._bound(0), self._bound(1)

    def _bound(self, k: int) -> Floats | None:
        limit, weight = self.limits[k], self.bodies[k].weight
        if limit is None:
            return None
        return np.asarray(np.ldexp(limit * weight.root, self.input - self.state))

    @property
    def energy(self) -> int:
        """The exponent of energies."""
        return 2 * (self.state - self.input)

    @property
    def multiplier(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The exponents of multipliers."""
        return self.state - 2 * self.input - self.match

    def inputs(self, k: int, values: Floats) -> Floats:
        """Return the user's inputs of body k for the solver's (T, m), within their bounds."""
        user = self.bodies[k].weight.to_user(np.ldexp(values, self.state - self.input))
        return cut(user, self.limits[k], self.norm, inside=True)

    def mismatch(self, ends: tuple[Floats, Floats]) -> Floats:
        """Return the sum of E x[T] in the user's units."""
        return sum_of(body.user[3] @ end for body, end in zip(self.bodies, ends, strict=True))

    def in_units(self, mismatch: Floats) -> Floats:
        """Return a mismatch in the solver's units."""
        return np.ldexp(mismatch, -self.state - self.match)


def passive(system: System, moves: tuple[bool, bool]) -> System:
    """Return the system with bodies that cannot move."""
    if all(moves):
        return system
    first, second = (
        body if own else replace(body, B=np.zeros_like(body.B), moves=False)
        for body, own in zip(system.bodies, moves, strict=True)
    )
    return replace(system, bodies=(first, second))


def sum_of(parts: Iterable[Floats]) -> Floats:
    """Return the sum of what both bodies contribute."""
    one, other = parts
    return np.asarray(one + other)


def make_system(given: Given, weights: tuple[Weight, Weight]) -> System:
    """Bring the data into units in which states, inputs and matches are near 1."""
    B, D = weights[0].of_inputs(given.B), weights[1].of_inputs(given.D)
    state = _exponent(np.abs(given.x0).max(), np.abs(given.z0).max())
    inputs = _exponent(np.abs(B).max(), np.abs(D).max())
    rows = np.maximum(np.abs(given.Ex).max(axis=1), np.abs(given.Ez).max(axis=1))
    match = np.where(rows > 0, np.frexp(rows)[1], 0).astype(np.int64)

    def body(A: Floats, B: Floats, own: Floats, start: Floats, E: Floats, weight: Weight) -> Body:
        scaled = np.ldexp(E, -match[:, np.newaxis])
        return Body(
            A, np.ldexp(B, -inputs), np.ldexp(start, -state), scaled, (A, own, start, E), weight
        )

    first = body(given.A, B, given.B, given.x0, given.Ex, weights[0])
    second = body(given.C, D, given.D, given.z0, -given.Ez, weights[1])
    return System((first, second), given.steps, state, inputs, match)


def _exponent(*sizes: float) -> int:
    largest = max(sizes)
    return int(np.frexp(largest)[1]) if largest > 0 else 0
