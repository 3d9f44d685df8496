"""What a method says about the derivatives along m lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.result import Status
from minimand.derivatives.rules import SAFETY, Sides

LISTED = 16  # points where f is undefined that a result names
USELESS = 1e-3  # relative to |f|/s: smaller errors are those of a derivative that vanishes
_POOR = 0.1  # relative to the value: errors that leave no digit


@dataclass(slots=True)
class Estimate:
    """Derivatives along m lines of a function with k outputs.

    Attributes
    ----------
    value, truncation, rounding : ndarray (m, k)
    error : ndarray (m, k)
        A multiple of truncation plus rounding that the method vouches for.
    step : ndarray (m,)
    sides : ndarray of int (m,)
        0 where the method looks to both sides, 1 or -1 where to one.
    kinks : ndarray of bool (m, k)
        Where the slopes of the two sides differ, however small the step.
    undefined : list of ndarray
        Points where f is not finite.
    missed : ndarray of bool (m,)
        Lines that met such points.
    lost : ndarray of bool (m, k)
        Where noise, or steps that are too large, leave no digit of the value.
    analytic : bool
        Whether complex arguments gave what real ones do.
    """

    value: Floats
    truncation: Floats
    rounding: Floats
    step: Floats
    sides: Sides
    kinks: NDArray[np.bool_] = field(init=False)
    missed: NDArray[np.bool_] = field(init=False)
    lost: NDArray[np.bool_] = field(init=False)
    undefined: list[Floats] = field(default_factory=list)
    analytic: bool = True

    def __post_init__(self) -> None:
        self.kinks = np.zeros(self.value.shape, dtype=np.bool_)
        self.missed = np.zeros(len(self.value), dtype=np.bool_)
        self.lost = np.zeros(self.value.shape, dtype=np.bool_)

    @staticmethod
    def joined(parts: Sequence[Estimate]) -> Estimate:
        """Return the estimates of all lines from those of parts of them."""
        if len(parts) == 1:
            return parts[0]
        whole = Estimate(
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.truncation for part in parts]),
            np.concatenate([part.rounding for part in parts]),
            np.concatenate([part.step for part in parts]),
            np.concatenate([part.sides for part in parts]),
        )
        whole.kinks = np.concatenate([part.kinks for part in parts])
        whole.lost = np.concatenate([part.lost for part in parts])
        whole.missed = np.concatenate([part.missed for part in parts])
        whole.undefined = [point for part in parts for point in part.undefined][:LISTED]
        whole.analytic = all(part.analytic for part in parts)
        return whole

    @property
    def error(self) -> Floats:
        """What is vouched for."""
        return SAFETY * (self.truncation + self.rounding)

    @property
    def poor(self) -> NDArray[np.bool_]:
        """Where the errors leave no digit of the value."""
        return np.asarray(self.error > _POOR * np.abs(self.value))

    @property
    def status(self) -> Status:
        """Return the gravest of what happened to any entry."""
        if self.missed.any():
            return Status.UNDEFINED_NEARBY
        if not self.analytic:
            return Status.NOT_ANALYTIC
        if self.kinks.any():
            return Status.NONSMOOTH
        return Status.NOISE_DOMINATES if self.lost.any() else Status.CONVERGED
