"""Difference rules: where they look, how far to step, and what their errors are.

Every rule is evaluated at h and at 2h; the difference of the two values is what the truncation is
estimated by. The default step makes the sum of truncation and rounding least for a function whose
derivatives are as large as itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats

Sides = NDArray[np.int64]

SAFETY = 2.0  # the error of a rule is this times truncation plus rounding
BALANCE = 10.0  # truncation and rounding this far apart make a step worth improving
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Rule:
    """A difference rule.

    Attributes
    ----------
    code
        Its number in the kernel `differences`.
    order
        Of the derivative.
    offsets
        Multiples of h at which the rule looks, for h and for 2h together.
    power
        The truncation at h is `constant` h^power times a bound of the next derivative.
    constant, amplification
        Rounding is `amplification` times the noise of f over h^order.
    """

    code: int
    order: int
    offsets: tuple[int, ...]
    power: int
    constant: float
    amplification: float

    @property
    def reach(self) -> int:
        """Multiple of h that is farthest away."""
        return max(self.offsets)

    def default_step(self, noise: Floats | float) -> Floats:
        """Return h for a relative noise of f at a scale of 1: where truncation' = -rounding'."""
        ratio = self.order * self.amplification / (self.power * self.constant)
        return np.asarray(ratio * noise) ** (1.0 / (self.order + self.power))


CENTRAL = Rule(0, 1, (1, -1, 2, -2), 2, 1 / 6, 1.0)
ONE_SIDED = Rule(1, 1, (1, 2, 4), 2, 1 / 3, 4.0)
FORWARD = Rule(2, 1, (1, 2), 1, 1 / 2, 2.0)
SECOND = Rule(3, 2, (1, -1, 2, -2), 2, 1 / 12, 4.0)
SECOND_ONE_SIDED = Rule(4, 2, (1, 2, 3, 4, 6), 2, 11 / 12, 12.0)

AWAY_FROM_BOUNDS = {1: CENTRAL, 2: SECOND}
AT_BOUNDS = {1: ONE_SIDED, 2: SECOND_ONE_SIDED}


def rule_of(order: int, side: int, *, first_order: bool) -> Rule:
    """Return the rule for a row that looks to both sides (0) or to one (1, -1)."""
    if first_order:
        return FORWARD
    return (AT_BOUNDS if side else AWAY_FROM_BOUNDS)[order]


def scale(position: Floats) -> Floats:
    """Return s = max(1, |x|), the unit of steps."""
    return np.maximum(1.0, np.abs(position))


def representable(position: Floats, h: Floats) -> Floats:
    """Return the step that x + h really makes; 0 where it makes none."""
    return np.abs((position + h) - position)


def place(
    position: Floats, h: Floats, lower: Floats, upper: Floats, reach: tuple[int, int]
) -> tuple[Sides, Floats]:
    """Return for each row the side to look to (0: both) and the step that fits into the bounds.

    `reach` holds the multiples of h that rules need of both sides, and of one side.
    """
    both, one = reach
    below, above = position - lower, upper - position
    near, far = np.minimum(below, above), np.maximum(below, above)
    shrink = 1.0 - 2.0**-20  # so that no point is moved by rounding
    central = np.minimum(h, near / both * shrink)
    sided = np.minimum(h, far / one * shrink)
    # Half a step to both sides is better than a whole one to one side.
    to_both = (near >= both * h) | (central >= 0.5 * sided)
    side = np.where(to_both, 0, np.where(above >= below, 1, -1))
    return side.astype(np.int64), np.where(near >= both * h, h, np.where(to_both, central, sided))
