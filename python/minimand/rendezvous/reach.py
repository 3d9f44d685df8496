"""What two bodies can reach in T steps, from square roots of their Gramians."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats
from minimand.rendezvous.sweeps import input_rows, rollout
from minimand.rendezvous.system import System, sum_of

EPS = float(np.finfo(np.float64).eps)


class Reach:
    """The equations M w = d of a meeting, M M' = sum E A^k B B' A'^k E', and their factor.

    Attributes
    ----------
    finite : bool
        Whether powers of the matrices stayed within float64; nothing else is there if not.
    d : ndarray (q,)
        What inputs must make up for: minus the mismatch without them.
    rank : int
        Of M.
    condition : float
        Ratio of the largest to the smallest pivot of M.
    energy : float
        The least energy, infinite if d is out of reach.
    multiplier, direction : ndarray (q,)
        Of the plan with that energy; or what proves that there is none.
    """

    def __init__(self, system: System, kernels: ModuleType) -> None:
        self.system, self._kernels = system, kernels
        q = len(system.bodies[0].E)
        parts, motion, floor = [], [], np.zeros(q)
        for body in system.bodies:
            n = len(body.A)
            L, P = np.empty((n, n)), np.empty((n, n))
            kernels.reach_factor(body.A, body.B, system.steps, L, P)
            kernels.reach_noise(body.A, body.B, L, body.E, floor)
            parts.append(body.E @ L)
            motion.append(body.E @ (P @ body.start))
        M, self.d = np.hstack(parts), -sum_of(motion)
        self.finite = bool(np.isfinite(M).all() and np.isfinite(self.d).all())
        if not self.finite:
            return
        self._factor, self._scale = np.empty((q, q)), np.empty(q)
        self._order = np.empty(q, np.int64)
        self.rank = int(kernels.match_factor(M, floor, self._factor, self._order, self._scale))
        pivots = np.abs(self._factor.diagonal()[: self.rank])
        self.condition = float(pivots[0] / pivots[-1]) if self.rank else 1.0
        self.energy, self.multiplier, self.direction = self._solve(self.d, np.zeros(q))
        if math.isinf(self.energy):  # or is it rounding of larger states on the way?
            states = max(len(body.A) for body in system.bodies)
            noise = EPS * (100 * states + system.steps) * self._largest()
            self.energy, self.multiplier, self.direction = self._solve(self.d, noise)

    def _largest(self) -> Floats:
        """Return the largest values on the way, without inputs, of what has to match."""
        sizes = []
        for body in self.system.bodies:
            inputs = np.zeros((self.system.steps, 1))
            x = rollout(self._kernels, body.A, np.zeros((len(body.A), 1)), body.start, inputs)
            sizes.append(np.abs(body.E) @ np.abs(x).max(axis=0))
        return sum_of(sizes)

    def correction(self, missing: Floats) -> Floats:
        """Return the change of the multiplier that makes up for `missing`."""
        return self._solve(missing, np.full_like(missing, math.inf))[1]

    def _solve(self, d: Floats, noise: Floats) -> tuple[float, Floats, Floats]:
        multiplier, direction = np.empty_like(d), np.empty_like(d)
        energy = self._kernels.match_solve(
            self._factor, self._order, self._scale, self.rank, d, noise, multiplier, direction
        )
        return float(energy), multiplier, direction

    # Coordinates eta in which the Gramian is the identity: r = rank of them

    @property
    def _square(self) -> Floats:
        return self._factor[: self.rank, : self.rank]

    def coordinates(self, d: Floats) -> Floats:
        """Return what `d` is for eta: energy is |coordinates|^2 without bounds."""
        return np.asarray(
            np.linalg.solve(self._square, (self._scale * d)[self._order[: self.rank]]),
            dtype=np.float64,
        )

    def to_multiplier(self, eta: Floats) -> Floats:
        """Return the multiplier (q,) of eta."""
        multiplier = np.zeros(len(self.d))
        multiplier[self._order[: self.rank]] = np.linalg.solve(self._square.T, eta)
        return self._scale * multiplier

    def rows(self) -> list[Floats]:
        """Return F of each body that moves, (T m, r): inputs without bounds are F eta, F'F = I."""
        kept = self._order[: self.rank]
        found = []
        for body in self.system.bodies:
            phi = np.linalg.solve(self._square, (self._scale[:, np.newaxis] * body.E)[kept])
            steps = self.system.steps if body.moves else 0
            found.append(input_rows(self._kernels, body, np.ascontiguousarray(phi), steps))
        return found
