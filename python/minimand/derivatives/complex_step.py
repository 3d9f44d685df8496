"""Derivatives through complex arguments: the complex step, and Cauchy's integral by FFT."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.derivatives.differences import difference
from minimand.derivatives.estimate import Estimate
from minimand.derivatives.evaluate import Evaluator
from minimand.derivatives.lines import Lines, PointLines
from minimand.derivatives.richardson import richardson

HEIGHT = 1e-20  # of the complex step, in units of max(1, |x|)
APART = 1e-8  # of the points whose differences show the rounding
CIRCLE = 32  # points
_LAST = 24  # the coefficients from here on are too small to matter, or those of negative powers
_DECAY = 1e-3  # relative to |f|: how small they have to be


def complex_step(lines: Lines, *, noise: Floats) -> Estimate:
    """Return Im f(x + ih)/h (Squire and Trapp 1998), where it agrees with central differences.

    Nothing cancels, so rounding is all the error there is; second differences over 1e-8 s sample
    it.
    """
    central = difference(lines, noise=noise)
    m = len(lines.position)
    rows = np.arange(m)
    h = HEIGHT * lines.scale
    below, above = lines.position - lines.lower, lines.upper - lines.position
    side = np.where(above >= below, 1.0, -1.0)
    apart = side * np.minimum(APART * lines.scale, np.maximum(below, above) / 4.0)
    t = np.concatenate([q * apart + 1j * h for q in (0.0, 1.0, 2.0)])
    try:
        values = lines.at(np.tile(rows, 3), t)
    except TypeError:
        central.analytic = False
        return central
    slopes = values.imag.reshape(3, m, -1) / h[:, np.newaxis]
    value = slopes[0]
    bend = np.abs(slopes[2] - slopes[0]) / np.abs(2.0 * apart)[:, np.newaxis]
    truncation = np.abs((slopes[0] - slopes[1]) + (slopes[2] - slopes[1]))
    size = np.abs(lines.position)[:, np.newaxis]
    rounding = 2.0 * lines.f.eps * (np.abs(value) + size * bend)
    rounding = np.maximum(rounding, noise / lines.scale[:, np.newaxis])
    found = Estimate(value.copy(), truncation, rounding, h, np.zeros(m, dtype=np.int64))

    apart_by = np.abs(value - central.value)
    good = (apart_by <= 10.0 * central.error) | ~np.isfinite(central.value)
    good &= np.isfinite(value) & np.isfinite(truncation)
    found.missed, found.undefined = central.missed & ~good.all(axis=1), central.undefined
    if not good.all():
        found.analytic = False
        for name in ("value", "truncation", "rounding"):
            getattr(found, name)[~good] = getattr(central, name)[~good]
        lost = ~good.all(axis=1)
        found.step[lost], found.sides[lost] = central.step[lost], central.sides[lost]
        found.kinks[lost] = central.kinks[lost]
    return found


def cauchy_coefficients(
    f: Evaluator, a: Floats, radius: float, orders: int
) -> tuple[Floats, Floats, Floats, bool]:
    """Return f^(k)(a)/k! r^k for k <= orders, errors by aliasing and by rounding, and "analytic".

    c_k r^k = (1/N) sum_j f(a + r w^j) w^(-jk), w = exp(2 pi i/N) (Lyness and Moler 1967). What
    aliases into it is c_{k+N}, less than the last coefficients of an analytic function; of another
    one those belong to negative powers, and are large.
    """
    circle = radius * np.exp(2j * np.pi * np.arange(CIRCLE) / CIRCLE)
    values = f.many((a[:, np.newaxis] + circle).reshape(-1)).reshape(len(a), CIRCLE)
    size = np.abs(values).max(axis=1)
    with np.errstate(all="ignore"):
        c = np.fft.fft(values, axis=1) / CIRCLE
        last = np.abs(c[:, _LAST:]).max(axis=1)
        analytic = bool((last <= _DECAY * size).all())
    k = slice(0, orders + 1)
    aliasing = np.repeat(last[:, np.newaxis], orders + 1, axis=1)
    rounding = np.repeat(f.eps * size[:, np.newaxis], orders + 1, axis=1)
    return c[:, k].real.copy(), aliasing, rounding, analytic and bool(np.isfinite(values).all())


def cauchy(lines: PointLines, *, order: int, radius: float, noise: Floats) -> Estimate:
    """Return derivatives by Cauchy's integral; by Richardson's table where f is not analytic."""
    position = lines.position
    try:
        c, aliasing, rounding, analytic = cauchy_coefficients(lines.f, position, radius, order)
    except TypeError:
        analytic = False
    if not analytic:
        found = richardson(lines, order=order, step=None, noise=noise)
        found.analytic = False
        return found
    unit = factorial(order) / radius**order

    def column(values: Floats) -> Floats:
        return unit * values[:, order : order + 1]

    sides: NDArray[np.int64] = np.zeros(len(position), dtype=np.int64)
    return Estimate(
        column(c),
        column(aliasing),
        column(np.maximum(rounding, noise)),
        np.full(len(position), radius),
        sides,
    )
