"""Which method to take: a model of what each costs, in nanoseconds on two cores of 2024.

Only the ratio of the two matters, and a wrong guess costs time, never accuracy.
"""

from __future__ import annotations

import math
import os

from minimand.inpainting.field import Field

_STEP = 1.0  # ns for each pixel and channel of the image in a PDHG step
_LEAST = 2000  # pixels below which a step costs no less
_NEWTON = 60.0  # ns for each unknown pixel of a small component in a Newton step
_SMALL = 300  # pixels of such a component


def pdhg_is_cheaper(field: Field, tol: float) -> bool:
    """Whether PDHG is expected to reach the gap `tol` first."""
    return pdhg_cost(field, _pdhg_steps(field, tol)) < newton_cost(field, tol)


def pdhg_cost(field: Field, steps: float) -> float:
    """Return the cost of PDHG steps."""
    return _STEP * max(field.image.size, _LEAST) * steps


def newton_cost(field: Field, tol: float) -> float:
    """Return the cost of solving the open components by Newton steps, infinite without memory.

    Their number grows with the digits wanted and with the size of the holes; a step with the
    logarithm of the component (here a small power) and the cube of the channels, less what larger
    fronts gain.
    """
    sizes = field.components.sizes[field.open_components() - 1].astype(float)
    if _factor_bytes(sizes.max(initial=1.0), field.channels) > _free_memory() / 2:
        return math.inf
    pixels = (sizes * (sizes / _SMALL).clip(1.0) ** 0.2).sum()
    steps = 3.0 * -math.log10(tol) * _density(field) ** -0.2
    return float(_NEWTON * pixels * field.channels**1.8 * steps)


def _factor_bytes(pixels: float, channels: int) -> float:
    """Return about what the fronts of a component of so many pixels take."""
    return 12.0 * 7.75 * pixels * max(1.0, math.log2(pixels) / 2.0) * channels**2


def _free_memory() -> float:
    """Return the bytes that the system has left, infinity where it does not tell."""
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def _pdhg_steps(field: Field, tol: float) -> float:
    """Return about how many PDHG steps lead to `tol`: measured on photographs with random masks."""
    digits = -math.log10(tol)
    return float(170.0 * _density(field) ** -0.9 * 2.0 ** (digits - 4.0))


def _density(field: Field) -> float:
    """Return the share of the pixels that is known, at least one pixel's."""
    labels = field.components.labels
    return max(1, labels.size - int(field.components.sizes.sum())) / labels.size
