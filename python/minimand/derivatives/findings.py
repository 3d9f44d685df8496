"""What differences find besides derivatives: points without a value, kinks, and lost digits.

All work on a group of lines that share a rule, with `block` (offsets, lines, outputs) the values of
f, and note what they find in the estimate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.derivatives.estimate import LISTED, USELESS, Estimate
from minimand.derivatives.lines import Lines, Rows
from minimand.derivatives.rules import BALANCE

_GROWTH = 1.1  # from 2h to h: of a difference that has no limit


def find_lost(
    lines: Lines, rows: Rows, order: int, group: Rows, block: Floats, found: Estimate
) -> None:
    """Find values without a digit, among them not those of derivatives that vanish.

    Either f is larger than its changes over the stencil, and their errors would make f change by a
    part of it over a unit of x; or the differences grow as the step shrinks, beyond rounding.
    """
    poor = found.poor[group]
    if not poor.any():
        return
    centre = np.abs(lines.centre[rows[group]])
    change = np.abs(block - lines.centre[rows[group]]).max(axis=0)
    unit = lines.scale[rows[group], np.newaxis] ** order
    steep = (found.error[group] > USELESS * centre / unit) & (centre > change)
    if order == 1:
        width = found.step[group][:, np.newaxis]
        if found.sides[group[0]] == 0:
            far = (block[2] - block[3]) / (4.0 * width)
        else:
            far = (block[1] - lines.centre[rows[group]]) / (2.0 * width)
        grows = np.abs(found.value[group]) > _GROWTH * np.abs(far)
        steep |= grows & (found.truncation[group] > BALANCE * found.rounding[group])
    found.lost[group] = poor & steep


def find_undefined(
    lines: Lines, rows: Rows, offsets: Rows, group: Rows, block: Floats, found: Estimate
) -> None:
    """Note at which points f is not finite."""
    bad = ~np.isfinite(block).all(axis=2)
    q, line = np.nonzero(bad)
    found.missed[group[bad.any(axis=0)]] = True
    room = max(0, LISTED - len(found.undefined))
    q, line = q[:room], line[:room]
    found.undefined += list(lines.points(rows[group[line]], offsets[q] * found.step[group[line]]))


def find_kinks(lines: Lines, rows: Rows, group: Rows, block: Floats, found: Estimate) -> None:
    """Find entries where the slopes to the left and to the right differ, whatever the step.

    The difference of the two slopes is h f'' for a smooth function: it doubles with the step. At a
    kink it stays, and noise makes it smaller.
    """
    centre = lines.centre[rows[group]]
    h = found.step[group][:, np.newaxis]
    jumps = [
        ((block[a] - centre) + (block[b] - centre)) / (m * h) for a, b, m in ((0, 1, 1), (2, 3, 2))
    ]
    level = 16.0 * found.rounding[group]
    suspect = (np.abs(jumps[0]) > level) & (np.abs(jumps[1] - jumps[0]) <= 0.1 * np.abs(jumps[0]))
    some = np.flatnonzero(suspect.any(axis=1))
    reach = 4.0 * found.step[group[some]]
    where = rows[group[some]]
    fits = np.minimum(lines.upper - lines.position, lines.position - lines.lower)[where] >= reach
    some, reach, where = some[fits], reach[fits], where[fits]
    if len(some) == 0:
        return
    far = lines.at(np.tile(where, 2), np.concatenate([reach, -reach])).reshape(2, len(some), -1)
    far_jump = ((far[0] - centre[some]) + (far[1] - centre[some])) / reach[:, np.newaxis]
    sure = np.abs(far_jump - jumps[0][some]) <= 0.1 * np.abs(jumps[0][some])
    kinks: NDArray[np.bool_] = suspect[some] & sure
    found.kinks[group[some]] = kinks
    # The middle of the two slopes is right to half their difference.
    found.truncation[group[some]] = np.where(
        kinks,
        np.maximum(found.truncation[group[some]], 0.5 * np.abs(jumps[0][some])),
        found.truncation[group[some]],
    )
