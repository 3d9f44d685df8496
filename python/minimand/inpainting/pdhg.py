"""Primal-dual hybrid gradient on one field: the quick method where much is known."""

from __future__ import annotations

import math

import numpy as np

from minimand._common.arrays import Floats
from minimand.inpainting.arguments import Mask
from minimand.inpainting.field import Field

RELAXATION = 1.9
_FIRST_CHECK = 25  # steps; later a check comes after each tenth of the steps done
_MOST_WORK = 250_000_000  # pixels times steps between checks: half a second, for Ctrl-C
_MEMORY = 4  # checks from which the rate is taken


class Pdhg:
    """Steps on a whole field, with a certified gap at every check."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.steps = 0
        self._gaps: list[tuple[int, float]] = []

    def advance(self, limit: int) -> int:
        """Step to the next check, at most `limit` steps; return how many.

        Where the checks are depends on the size alone, so that the answer does not depend on the
        speed of the machine.
        """
        field = self.field
        pixels = field.image.size
        count = max(_FIRST_CHECK, self.steps // 10)
        count = max(1, min(count, _MOST_WORK // pixels, limit))
        field.kernels.pdhg_steps(
            field.image,
            field.dual,
            field.low,
            field.high,
            field.tau,
            field.sigma,
            field.channels,
            RELAXATION,
            count,
            field.threads,
        )
        self.steps += count
        field.consider(field.image, field.dual)
        self._gaps.append((self.steps, field.gap))
        return count

    def steps_to_go(self, tol: float) -> float:
        """Extrapolate the last gaps, as if they went on to shrink at their rate."""
        if len(self._gaps) < _MEMORY:
            return 0.0
        (begin, before), (end, now) = self._gaps[-_MEMORY], self._gaps[-1]
        if now <= tol:
            return 0.0
        if not 0.0 < now < before:
            return math.inf
        return (end - begin) * math.log(now / tol) / math.log(before / now)


def coarsened(planes: Floats, known: Mask) -> tuple[Floats, Mask]:
    """Return the problem on half the grid: means of the known values of each 2 x 2 square."""
    rows, columns = known.shape
    padding = (0, rows % 2), (0, columns % 2)
    squares = (-1, (rows + 1) // 2, 2, (columns + 1) // 2, 2)
    count = np.pad(known, padding).reshape(squares).sum(axis=(2, 4))[0]
    values = np.pad(np.where(known, planes, 0.0), ((0, 0), *padding)).reshape(squares)
    return values.sum(axis=(2, 4)) / np.maximum(count, 1), count > 0


def start_from_coarse(field: Field, coarse: Field) -> None:
    """Take over the image and the dual field of the same problem on half the grid."""
    rows, columns = field.rows, field.columns
    unknown = field.components.labels != 0
    unit = np.ldexp(1.0, coarse.exponent - field.exponent)
    for c in range(field.channels):
        image = _plane(field.image, c, rows)
        finer = unit * _doubled(_plane(coarse.best_image, c, coarse.rows), rows, columns)
        np.copyto(image, finer, where=unknown)
    np.clip(field.image, field.low, field.high, out=field.image)
    inside = field.sigma > 0
    for plane in range(2 * field.channels):
        dual = _plane(field.dual, plane, rows - 1)
        finer = _doubled(_plane(coarse.best_dual, plane, coarse.rows - 1), rows - 1, columns - 1)
        np.copyto(dual, finer, where=inside)
    field.consider(field.image, field.dual)


def _plane(stacked: Floats, index: int, rows: int) -> Floats:
    return stacked[index * rows : (index + 1) * rows]


def _doubled(plane: Floats, rows: int, columns: int) -> Floats:
    """Repeat every entry twice in both directions; the last ones as often as is needed."""
    row = np.minimum(np.arange(rows) // 2, plane.shape[0] - 1)
    column = np.minimum(np.arange(columns) // 2, plane.shape[1] - 1)
    doubled: Floats = plane[row[:, np.newaxis], column]
    return doubled
