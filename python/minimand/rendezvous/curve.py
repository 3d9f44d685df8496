"""Least energies for all numbers of steps, in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.rendezvous.sweeps import pieces
from minimand.rendezvous.system import System

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Curve:
    """In the solver's units; entry T - 1 belongs to T steps, as in `RendezvousEnergies`."""

    energy: Floats
    rank: NDArray[np.int64]
    condition: Floats
    multiplier: Floats


def energy_curve(system: System, kernels: ModuleType, steps: int) -> Curve:
    """Return the curve for 1, ..., `steps` steps; NaN where float64 cannot decide."""
    first, second = system.bodies
    n, k, q = len(first.A), len(second.A), len(first.E)
    Lx, Lz = np.zeros((n, n)), np.zeros((k, k))
    x, z = first.start.copy(), second.start.copy()
    largest_x, largest_z = np.abs(x), np.abs(z)
    curve = Curve(np.empty(steps), np.empty(steps, np.int64), np.empty(steps), np.empty((steps, q)))
    work = 8.0 * (n + k + q) ** 3
    for begin, end in pieces(steps, work):
        kernels.energy_curve(
            first.A, first.B, second.A, second.B, first.E, second.E, Lx, Lz, x, z, largest_x,
            largest_z, begin, curve.energy[begin:end], curve.rank[begin:end],
            curve.condition[begin:end], curve.multiplier[begin:end],
        )  # fmt: skip
    # More steps never reach less: where they seem to, the factors have lost it.
    lost = curve.rank < np.maximum.accumulate(curve.rank)
    curve.energy[lost] = np.nan
    return curve
