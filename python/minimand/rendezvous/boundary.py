"""Paths and multipliers of both bodies as one two-point boundary problem, for unstable bodies.

A plan computed from powers of A is worthless when these grow by 10^16: no multiplier of q numbers
holds what all steps need. Here the equations of every step are eliminated orthogonally from the
start to the end, the end is solved for, and the steps follow backwards. What is returned satisfies
the equations of each step to rounding, however long it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats
from minimand.rendezvous.system import System

_SEGMENT = 128  # steps between two stored sets of equations
_ZERO = 1e-13  # of singular values of the last equations
_CONSISTENT = 1e-9


@dataclass(frozen=True, slots=True)
class Path:
    """States (T + 1, n) and multipliers (T + 1, n) of one body, for one or several columns."""

    x: Floats
    mu: Floats


class Boundary:
    """The boundary problem of a system, for one or several right-hand sides.

    Column 0 starts where the bodies start and has to meet. With `basis` there are more, whose
    inputs span those of all multipliers: q columns start at 0 and end with the mismatch -e_i (late
    inputs), the others start at unit vectors and have to meet (early inputs, which hold what
    grows). Multipliers are in units of 2^gain, to be as large as states.

    Attributes
    ----------
    multiplier : ndarray (q, columns)
        At the end, in the solver's units.
    direction : ndarray (q,)
        What may prove, if `solve` finds nothing, that there is nothing.
    """

    def __init__(
        self, system: System, kernels: ModuleType, *, basis: bool = False, gain: int = 0
    ) -> None:
        self._system, self._kernels, self._gain = system, kernels, gain
        self._sizes = [len(body.A) for body in system.bodies]
        self._ended = len(system.bodies[0].E) * basis
        self._columns = 1 + self._ended + sum(self._sizes) * basis
        self._couplings = [np.ldexp(body.B @ body.B.T, gain) for body in system.bodies]

    def solve(self, forcing: tuple[Floats, Floats] | None = None) -> tuple[Path, Path] | None:
        """Return the paths, `forcing` (T, n) added to those of column 0; None if there are none."""
        nothing = [np.empty((0, len(body.A))) for body in self._system.bodies]
        given = nothing if forcing is None else list(forcing)
        stored = [self._forward(k, given[k]) for k in (0, 1)]
        ends = self._ends([carries[-1] for carries in stored])
        if ends is None:
            return None
        first, second = (self._backward(k, given[k], stored[k], ends[k]) for k in (0, 1))
        return first, second

    def _forward(self, k: int, forcing: Floats) -> list[Floats]:
        """Return the equations on (x, mu) at the beginning of every segment, and at the end."""
        body, steps = self._system.bodies[k], self._system.steps
        n = len(body.A)
        carry = np.zeros((n, 2 * n + self._columns))
        carry[:, :n] = np.eye(n)
        carry[:, 2 * n] = body.start
        if self._columns > 1:
            at = 2 * n + 1 + self._ended + k * self._sizes[0]
            carry[:, at : at + n] = np.eye(n)
        carries = [carry.copy()]
        for begin in range(0, steps, _SEGMENT):
            count = min(_SEGMENT, steps - begin)
            part = forcing[begin : begin + count]
            self._kernels.stage_elimination(body.A, self._couplings[k], part, count, carry)
            carries.append(carry.copy())
        return carries

    def _ends(self, carries: list[Floats]) -> list[Floats] | None:
        """Solve for (x, mu)[T] of both bodies from their equations and the meeting."""
        bodies = self._system.bodies
        sizes = self._sizes
        q, p, total = len(bodies[0].E), self._columns, sum(sizes)
        rows, right = np.zeros((total + q, total + q)), np.zeros((total + q, p))
        places = (slice(0, sizes[0]), slice(sizes[0], total))
        for body, here, carry in zip(bodies, places, carries, strict=True):
            n = len(body.A)
            rows[here, here] = carry[:, :n]
            rows[here, total:] = carry[:, n : 2 * n] @ body.E.T
            rows[total:, here] = body.E
            right[here] = carry[:, 2 * n :]
        right[total:, 1 : 1 + self._ended] = -np.eye(q)[:, : self._ended]
        self.direction, self.multiplier = np.zeros(q), np.full((q, p), math.nan)
        if not (np.isfinite(rows).all() and np.isfinite(right).all()):
            return None
        found = _solve(rows, right)
        if found is None:  # of very different sizes, or there is no solution
            self.direction = _hidden(rows, right)[total:]
            scale, columns = _equilibration(rows)
            found = _solve(scale[:, np.newaxis] * rows * columns, scale[:, np.newaxis] * right)
            if found is None:
                return None
            found *= columns[:, np.newaxis]
        own = found[total:]
        self.multiplier = np.ldexp(own, self._gain)
        return [
            np.vstack([found[here], body.E.T @ own])
            for body, here in zip(bodies, places, strict=True)
        ]

    def _backward(self, k: int, forcing: Floats, carries: list[Floats], end: Floats) -> Path:
        body, steps = self._system.bodies[k], self._system.steps
        n = len(body.A)
        path = np.empty((steps + 1, 2 * n, self._columns))
        path[steps] = end
        for segment in reversed(range(len(carries) - 1)):
            begin = segment * _SEGMENT
            stop = min(steps, begin + _SEGMENT)
            self._kernels.stage_substitution(
                body.A, self._couplings[k], forcing[begin:stop], carries[segment],
                path[begin : stop + 1].reshape(stop + 1 - begin, -1),
            )  # fmt: skip
        path[0, :n] = carries[0][:, 2 * n :]
        return Path(path[:, :n], np.ldexp(path[:, n:], self._gain))


def _split(rows: Floats, right: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the singular vectors that count, their values, and the vectors of zero."""
    U, s, V = np.linalg.svd(rows)
    kept = s > _ZERO * s[0]
    return (U[:, kept].T @ right) / s[kept, np.newaxis], V[kept], U[:, ~kept], V[~kept]


def _solve(rows: Floats, right: Floats) -> Floats | None:
    """Return the shortest solution, None where there is none."""
    along, V, null, _ = _split(rows, right)
    if (np.abs(null.T @ right[:, 0]) > _CONSISTENT * np.abs(right[:, 0]).max()).any():
        return None
    return np.asarray(V.T @ along)


def _hidden(rows: Floats, right: Floats) -> Floats:
    """Return the combination of null vectors that `right` points to."""
    _, _, null, V = _split(rows, right)
    return np.asarray(V.T @ (null.T @ right[:, 0]))


def _equilibration(rows: Floats) -> tuple[Floats, Floats]:
    """Return powers of two for rows and columns that make their largest entries about 1."""
    row, column = np.ones(len(rows)), np.ones(len(rows))
    for _ in range(8):
        scaled = np.abs(row[:, np.newaxis] * rows * column)
        row *= _inverse_root(scaled.max(axis=1))
        column *= _inverse_root(scaled.max(axis=0))
    return row, column


def _inverse_root(sizes: Floats) -> Floats:
    exponent = np.where(sizes > 0, np.frexp(sizes)[1], 0)
    return np.asarray(np.ldexp(1.0, -((exponent + 1) // 2)))
