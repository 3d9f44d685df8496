"""Images of a single row or column, where the answer is known in closed form."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats
from minimand.inpainting.arguments import Mask
from minimand.inpainting.field import relative_gap


def fill_line(values: Floats, known: Mask, joint: bool) -> tuple[Floats, Floats]:
    """Return the filled line (d, k) and its dual field (d, k-1).

    Between two known entries a straight line is optimal (as is everything monotone), beyond the
    ends a constant. The dual field is the direction of each piece, constant on it, hence D'p = 0 in
    its inside; where nothing pulls on an end it is 0.
    """
    places = np.flatnonzero(known)
    positions = np.arange(known.size)
    ends = values[:, places]
    scale = np.ldexp(1.0, int(np.frexp(np.abs(ends).max())[1]))  # differences cannot overflow
    filled = np.stack([scale * np.interp(positions, places, row / scale) for row in ends])
    filled[:, places] = ends
    jumps = np.diff(ends / scale, axis=1)
    length = np.linalg.norm(jumps, axis=0) if joint else np.abs(jumps)
    direction = np.divide(jumps, length, out=np.zeros_like(jumps), where=length > 0)
    dual = np.zeros((values.shape[0], known.size - 1))
    piece = np.searchsorted(places, positions[:-1], side="right") - 1
    inside = (piece >= 0) & (piece < places.size - 1)
    dual[:, inside] = direction[:, piece[inside]]
    return filled, dual


def line_bounds(filled: Floats, dual: Floats, joint: bool) -> tuple[float, float, float]:
    """Return the variation of a line, the lower bound of a dual field of `fill_line`, and the gap.

    D'p vanishes in every unknown entry, so the bound is <p, D u> for any u with the known entries.
    """
    exponent = int(np.frexp(np.abs(filled).max())[1]) + 1  # so that differences cannot overflow
    jumps = np.diff(np.ldexp(filled, -exponent), axis=1)
    upper = float((np.linalg.norm(jumps, axis=0) if joint else np.abs(jumps)).sum())
    lower = float((dual * jumps).sum())
    with np.errstate(over="ignore", under="ignore"):
        objective, bound = np.ldexp([upper, lower], exponent).tolist()
    return objective, bound, relative_gap(upper, lower)
