"""Plans on their way from the solver to the user, and what they are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats
from minimand.rendezvous.certificates import Found
from minimand.rendezvous.sweeps import adjoint, rollout
from minimand.rendezvous.system import System

EPS = float(np.finfo(np.float64).eps)
ENOUGH = 1e-14  # of the error of a plan: nothing is left to correct


@dataclass(slots=True)
class Dual:
    """What a multiplier says, in the solver's units.

    Attributes
    ----------
    multiplier : ndarray (q,)
    y : pair of ndarrays (T, m)
        B'mu[t+1]: inputs without bounds.
    pull : float
        lambda'd, how far the bodies are apart along lambda without inputs.
    rounding : float
        What rounding, or costates that do not follow from each other exactly, leave of it.
    costates : pair of ndarrays (T + 1, n), or None
    """

    multiplier: Floats
    y: tuple[Floats, Floats]
    pull: float
    rounding: float
    costates: tuple[Floats, Floats] | None = None


def dual_of(system: System, kernels: ModuleType, multiplier: Floats) -> Dual:
    """Sweep a multiplier (q,) back along both bodies."""
    pairs = [adjoint(kernels, body, multiplier, system.steps) for body in system.bodies]
    terms = [mu * body.start for (_, mu), body in zip(pairs, system.bodies, strict=True)]
    pull = -math.fsum(float(part.sum()) for part in terms)
    size = math.fsum(float(np.abs(part).sum()) for part in terms)
    rounding = EPS * (64 + system.steps) * size
    return Dual(multiplier, (pairs[0][0], pairs[1][0]), pull, rounding)


@dataclass(slots=True)
class Motion:
    """Inputs of the solver (T, m), those of the user, and the states these lead to."""

    own: tuple[Floats, Floats]
    u: Floats
    v: Floats
    x: Floats
    z: Floats
    mismatch: Floats
    share: float
    dynamics: float
    open_loop: float

    @property
    def energy(self) -> float:
        """The energy in the solver's units."""
        return float(sum(np.sum(w * w) for w in self.own))

    @property
    def error(self) -> float:
        """What is wrong with it, relatively: what corrections make smaller."""
        return self.share + self.dynamics

    @property
    def miss(self) -> float:
        """The largest mismatch."""
        return float(np.abs(self.mismatch).max())


def shares(
    system: System, mismatch: Floats, paths: Sequence[Floats], own: Sequence[Floats]
) -> float:
    """Return the largest mismatch relative to the largest terms of its states on the way.

    Terms of a step are A x, and what the largest input of either body would do.
    """
    size = np.zeros_like(mismatch)
    largest = max(float(np.abs(w).max()) for w in own)
    for body, path in zip(system.bodies, paths, strict=True):
        peak = np.abs(path).max(axis=0)
        push = np.ldexp(np.abs(body.B).max(axis=1) * largest, system.state)
        size += np.abs(body.user[3]) @ (peak + np.abs(body.A) @ peak + push)
    ratio = np.abs(mismatch) / np.where(size > 0, size, 1.0)
    return float(ratio.max())


def move(system: System, kernels: ModuleType, own: tuple[Floats, Floats]) -> Motion:
    """Simulate both bodies under inputs of the solver."""
    inputs = [system.inputs(k, own[k]) for k in (0, 1)]
    x, z = (
        rollout(kernels, body.user[0], body.user[1], body.user[2], w)
        for body, w in zip(system.bodies, inputs, strict=True)
    )
    mismatch = system.mismatch((x[-1], z[-1]))
    rounding = EPS * (2 + max(sum(body.B.shape) for body in system.bodies))
    miss = float(np.abs(mismatch).max())
    miss = miss if math.isfinite(miss) else math.inf
    return Motion(
        own,
        inputs[0],
        inputs[1],
        x,
        z,
        mismatch,
        shares(system, mismatch, (x, z), own),
        rounding,
        miss,
    )


def follow(
    system: System, kernels: ModuleType, own: tuple[Floats, Floats], paths: tuple[Floats, Floats]
) -> Motion:
    """Take the states as they are, and measure how far each step is from the inputs."""
    simulated = move(system, kernels, own)
    x, z = (np.ldexp(path, system.state) for path in paths)
    for path, body in zip((x, z), system.bodies, strict=True):
        path[0] = body.user[2]
    mismatch = system.mismatch((x[-1], z[-1]))
    dynamics = max(
        step_residual(body.user[0], body.user[1], path, w)
        for body, path, w in zip(system.bodies, (x, z), (simulated.u, simulated.v), strict=True)
    )
    return Motion(
        own, simulated.u, simulated.v, x, z, mismatch, shares(system, mismatch, (x, z), own),
        dynamics, simulated.open_loop,
    )  # fmt: skip


def step_residual(A: Floats, B: Floats, x: Floats, u: Floats) -> float:
    """Return the largest |x[t+1] - A x[t] - B u[t]|, relative to the sum of its terms so far.

    What is below 1e-2 of the largest component counts as that.
    """
    before, after = x[:-1], x[1:]
    residual = np.abs(after - before @ A.T - u @ B.T)
    size = np.abs(after) + np.abs(before) @ np.abs(A).T + np.abs(u) @ np.abs(B).T
    size = np.maximum.accumulate(size)
    size += 1e-2 * size.max(axis=1, keepdims=True)
    ratio = np.divide(residual, size, out=np.zeros_like(size), where=size > 0)
    return float(ratio.max())


def energy_found(motion: Motion, dual: Dual) -> Found:
    """Compare the energy of free inputs, which are y, with the dual value 2 pull - sum y^2."""
    energy = motion.energy
    return Found(motion.share, motion.dynamics, energy, 2 * dual.pull - energy, 2 * dual.rounding)
