"""Richardson extrapolation of differences at h, h/2, h/4, ... (Neville's table)."""

from __future__ import annotations

from math import comb

import numpy as np

from minimand._common.arrays import Floats
from minimand.derivatives.estimate import USELESS, Estimate
from minimand.derivatives.lines import Lines
from minimand.derivatives.rules import Sides, place, representable

LEVELS = 8
FIRST = 0.5  # in units of max(1, |x|)
FIRST_SIDED = 0.125  # where only one side has room: its table needs smaller steps


def weights(order: int, side: int) -> tuple[Floats, Floats]:
    """Return offsets (in h) and weights of the difference that is divided by h^order.

    Central ones have an error in powers of h^2, one-sided ones in powers of h.
    """
    j = np.arange(order + 1.0)
    signs = np.array([(-1.0) ** (order - i) * comb(order, i) for i in range(order + 1)])
    if side:
        return side * j, signs * float(side) ** order
    if order % 2:
        return (2.0 * j - order), signs / 2.0**order
    return (j - order / 2.0), signs


def reach(order: int) -> tuple[int, int]:
    """Return the multiples of h that are needed of both sides, and of one side."""
    return (order if order % 2 else order // 2), order


def richardson(lines: Lines, *, order: int, step: Floats | None, noise: Floats) -> Estimate:
    """Return derivatives of any order; all points of all levels go to f in one call."""
    wanted = FIRST * lines.scale if step is None else step
    sides, h = place(lines.position, wanted, lines.lower, lines.upper, reach(order))
    if step is None:
        h = np.where(sides == 0, h, np.minimum(h, FIRST_SIDED * lines.scale))
    finest = 0.5 ** (LEVELS - 1)
    h = representable(lines.position, h * finest) / finest
    if not h.all():
        i = int((h == 0.0).argmax())
        raise ValueError(
            f"bounds leave no room for {LEVELS} steps at entry {i}: x is {lines.position[i]}, "
            f"the bounds are ({lines.lower[i]}, {lines.upper[i]})"
        )
    k = lines.f.outputs
    shape = (len(h), k)
    found = Estimate(np.empty(shape), np.empty(shape), np.empty(shape), h.copy(), sides)
    for side in (0, 1, -1):
        group = np.flatnonzero(sides == side)
        if len(group):
            _extrapolate(lines, group, order, side, h[group], noise, found)
    return found


def _extrapolate(
    lines: Lines, group: Sides, order: int, side: int, h: Floats, noise: Floats, found: Estimate
) -> None:
    offsets, coefficients = weights(order, side)
    halves = 0.5 ** np.arange(LEVELS)
    k, m = lines.f.outputs, len(group)
    centre = lines.centre[group]
    # values[i, q] is f at the offset q of level i
    values = np.empty((LEVELS, len(offsets), m, k))
    away = np.flatnonzero(offsets)
    t = halves[:, None, None] * offsets[away][None, :, None] * h
    flat = lines.at(np.tile(group, LEVELS * len(away)), t.reshape(-1))
    values[:, away] = flat.reshape(LEVELS, len(away), m, k)
    values[:, offsets == 0.0] = centre

    spacing = (halves[:, None] * h)[:, :, None]
    largest = np.abs(np.where(np.isfinite(values), values, 0.0)).max(axis=(0, 1))
    largest = np.maximum(largest, np.abs(centre))
    level = np.maximum(noise, lines.f.eps * largest)
    with np.errstate(all="ignore"):
        # Differences of f - f(x) are what cannot overflow.
        table = np.einsum("q,iqmk->imk", coefficients, values - centre)
        for _ in range(order):
            table = table / spacing
        spread = np.abs(lines.position[group])[:, None] * np.abs(table) * lines.f.eps
        # Weights of the table: the products of (2^k + 1)/(2^k - 1) are large, those of 4^k are not.
        amplification = np.abs(coefficients).sum() * (4.0 if side else 1.0)
        rounding = (level + spread) * amplification
        for _ in range(order):
            rounding = rounding / spacing
    entries = m * k
    out = np.empty((3, entries))
    used = np.empty(entries, dtype=np.int64)
    lines.kernels.richardson_table(
        np.ascontiguousarray(table.reshape(LEVELS, entries)),
        np.ascontiguousarray(rounding.reshape(LEVELS, entries)),
        2.0 if side else 4.0,
        out,
        used,
    )
    for target, part in zip((found.value, found.truncation, found.rounding), out, strict=True):
        target[group] = part.reshape(m, k)
    usual = USELESS * largest / h[:, np.newaxis] ** order
    found.lost[group] = found.poor[group] & (found.error[group] > usual)
    found.missed[group] = ~np.isfinite(found.value[group]).all(axis=1)
    if found.missed[group].any():
        bad = ~np.isfinite(values).all(axis=(1, 3))
        for i, line in zip(*np.nonzero(bad & found.missed[group]), strict=True):
            if len(found.undefined) < 16:
                where = group[line : line + 1]
                offset = np.array([halves[i] * offsets[away[0]] * h[line]])
                found.undefined.append(lines.points(where, offset)[0])
