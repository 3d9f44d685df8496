"""Inputs as w = F eta with F'F = I, whether they come from Gramians or from boundary problems."""

from __future__ import annotations

from types import ModuleType
from typing import Protocol

import numpy as np

from minimand._common.arrays import Floats
from minimand.rendezvous.boundary import Boundary, Path
from minimand.rendezvous.bounds import Bounds
from minimand.rendezvous.motion import Dual, Motion, dual_of, follow, move
from minimand.rendezvous.reach import Reach
from minimand.rendezvous.solution import Solution
from minimand.rendezvous.system import System
from minimand.rendezvous.unbounded import dual_of_paths


class Coordinates(Protocol):
    """What the solvers with bounds work on.

    Attributes
    ----------
    F : ndarray (N, r)
        The first `first` rows belong to the first body, in groups of `m1` (one length each); the
        others to the second, in groups of `m2`. A body that cannot move has none.
    d : ndarray (r,)
        Inputs w meet if F'w = d.
    """

    F: Floats
    d: Floats
    first: int
    m1: int
    m2: int
    method: str
    condition: float

    def flat_bounds(self, bounds: Bounds) -> Floats:
        """Return the bound of every group."""

    def free_directions(self, bounds: Bounds) -> Floats:
        """Return an orthonormal basis of the eta on which bodies without bounds have no effect."""

    def to_multiplier(self, eta: Floats) -> Floats:
        """Return the multiplier (q,) of eta."""

    def dual(self, eta: Floats) -> Dual:
        """Return what eta says."""

    def motion(self, w: Floats) -> Motion:
        """Simulate the inputs w (N,)."""

    def missing(self, mismatch: Floats) -> Floats:
        """Return what d is for a mismatch (q,)."""


class _Shared:
    """What both kinds of coordinates do alike."""

    F: Floats
    d: Floats

    def __init__(self, system: System, kernels: ModuleType) -> None:
        self.system, self.kernels = system, kernels
        inputs = [int(body.B.shape[1]) for body in system.bodies]
        self.first = system.steps * inputs[0] * system.bodies[0].moves
        self.m1, self.m2 = (inputs[0], inputs[1]) if system.norm == "2" else (1, 1)

    def flat_bounds(self, bounds: Bounds) -> Floats:
        """Return the bound of every group."""
        sizes = (self.first // self.m1, (len(self.F) - self.first) // self.m2)
        parts = [
            np.full(size, np.inf) if bound is None else bound.ravel()[:size]
            for size, bound in zip(sizes, bounds, strict=True)
        ]
        return np.concatenate(parts)

    def free_directions(self, bounds: Bounds) -> Floats:
        """Return an orthonormal basis of the eta on which bodies without bounds have no effect."""
        parts = self.F[: self.first], self.F[self.first :]
        eye = np.eye(len(self.d))
        for part, bound in zip(parts, bounds, strict=True):
            if bound is None and len(part):
                values, vectors = np.linalg.eigh(part.T @ part)
                return np.ascontiguousarray(vectors[:, values < 1e-12])
        return eye

    def split(self, w: Floats) -> tuple[Floats, Floats]:
        """Return the inputs (T, m) of both bodies."""
        first, second = (
            part.reshape(self.system.steps, -1)
            if body.moves
            else np.zeros((self.system.steps, body.B.shape[1]))
            for body, part in zip(
                self.system.bodies, (w[: self.first], w[self.first :]), strict=True
            )
        )
        return first, second


class GramianCoordinates(_Shared):
    """Coordinates in which the Gramian of all inputs is the identity."""

    method = "newton"

    def __init__(self, system: System, kernels: ModuleType, reach: Reach) -> None:
        super().__init__(system, kernels)
        self._reach = reach
        self.F, self.d = np.vstack(reach.rows()), reach.coordinates(reach.d)
        self.condition = reach.condition

    def to_multiplier(self, eta: Floats) -> Floats:
        """Return the multiplier (q,) of eta."""
        return self._reach.to_multiplier(eta)

    def dual(self, eta: Floats) -> Dual:
        """Return what eta says."""
        return dual_of(self.system, self.kernels, self.to_multiplier(eta))

    def motion(self, w: Floats) -> Motion:
        """Simulate the inputs w."""
        return move(self.system, self.kernels, self.split(w))

    def missing(self, mismatch: Floats) -> Floats:
        """Return what d is for a mismatch (q,)."""
        return self._reach.coordinates(mismatch)


class BoundaryCoordinates(_Shared):
    """The same for unstable bodies: F spans the inputs that solve boundary problems."""

    method = "boundary"
    condition = float("nan")

    def __init__(self, system: System, kernels: ModuleType, gain: int) -> None:
        super().__init__(system, kernels)
        q = len(system.bodies[0].E)
        self._gain = gain
        problem = Boundary(system, kernels, basis=True, gain=gain)
        paths = problem.solve()
        assert paths is not None
        self._paths, self._multiplier = paths, problem.multiplier
        columns = [
            np.einsum("tnp,nm->tmp", path.mu[1:], body.B).reshape(
                system.steps * body.B.shape[1], -1
            )
            for path, body in zip(paths, system.bodies, strict=True)
            if body.moves
        ]
        plans = np.vstack(columns)
        U, s, V = np.linalg.svd(plans[:, 1:], full_matrices=False)
        kept = np.flatnonzero(s > 1e-13 * s[0])[:q]
        self.F = np.ascontiguousarray(U[:, kept])
        self._combine = V[kept].T / s[kept]  # eta -> weights of the columns
        self.d = self.F.T @ plans[:, 0]
        self._moved = np.zeros_like(self.d)

    def to_multiplier(self, eta: Floats) -> Floats:
        """Return the multiplier (q,) of eta."""
        return np.asarray(self._multiplier[:, 1:] @ (self._combine @ eta))

    def dual(self, eta: Floats) -> Dual:
        """Return what eta says."""
        weights = np.concatenate([[0.0], self._combine @ eta])
        combined = [
            Path(path.x @ weights[:, np.newaxis], path.mu @ weights[:, np.newaxis])
            for path in self._paths
        ]
        # The states of the plan itself, for what rounding means
        paths = tuple(
            Path(own.x[..., :1], combination.mu)
            for own, combination in zip(self._paths, combined, strict=True)
        )
        return dual_of_paths(self.system, paths, self.to_multiplier(eta))  # type: ignore[arg-type]

    def motion(self, w: Floats) -> Motion:
        """Find the states that go with inputs w: the boundary problem moves w by a rounding."""
        own = self.split(w)
        forcing = tuple(part @ body.B.T for part, body in zip(own, self.system.bodies, strict=True))
        problem = Boundary(self.system, self.kernels, gain=self._gain)
        paths = problem.solve(forcing)  # type: ignore[arg-type]
        assert paths is not None
        self._moved = self.F.T @ np.concatenate(
            [
                (path.mu[1:, :, 0] @ body.B).ravel()
                for path, body in zip(paths, self.system.bodies, strict=True)
                if body.moves
            ]
        )
        first, second = (path.x[..., 0] for path in paths)
        return follow(self.system, self.kernels, own, (first, second))

    def missing(self, mismatch: Floats) -> Floats:  # noqa: ARG002 -- part of the protocol
        """Return by how much the last states need other inputs: their mismatch is rounding."""
        return self._moved


def coordinates_of(system: System, kernels: ModuleType, free: Solution) -> Coordinates:
    """Return coordinates of the kind that solved the problem without bounds."""
    if free.method == "boundary":
        return BoundaryCoordinates(system, kernels, free.gain)
    return GramianCoordinates(system, kernels, Reach(system, kernels))
