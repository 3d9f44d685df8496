"""Stencil points, difference rules with their errors, Neville's table: the mirror in NumPy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


def displaced_points(
    x: Array,
    first: Integers,
    first_step: Array,
    second: Integers,
    second_step: Array,
    lower: Array,
    upper: Array,
    points: Array,
) -> None:
    """Row r of `points` := x + first_step_r e_first_r + second_step_r e_second_r, in the bounds."""
    r = np.arange(len(first))
    points[...] = x
    for j, step in ((first, first_step), (second, second_step)):
        points[r, j] = np.minimum(np.maximum(points[r, j] + step, lower[j]), upper[j])


@np.errstate(all="ignore")
def differences(
    values: Array,
    centre: Array,
    h: Array,
    size: Array,
    noise: Array,
    eps: float,
    rule: int,
    out: Array,
) -> None:
    """Fill `out` (3, m) with value, truncation and rounding of a rule, entry by entry.

    With D(h) the rule and f_j = f(x + j h), f_0 the centre, from `values` (offsets, m):

        0  central             (f_1 - f_-1)/2h                 f_1, f_-1, f_2, f_-2
        1  one-sided           (-3 f_0 + 4 f_1 - f_2)/2h       f_1, f_2, f_4
        2  forward             (f_1 - f_0)/h                   f_1, f_2
        3  second              (f_1 - 2 f_0 + f_-1)/h^2        f_1, f_-1, f_2, f_-2
        4  second, one-sided   (2 f_0 - 5 f_1 + 4 f_2 - f_3)/h^2    f_1, f_2, f_3, f_4, f_6

    truncation = |D(h) - D(2h)|/3, for rule 2 without the 3; rule 0 adds a sample of the noise,
    |f_-2 - 4 f_-1 + 6 f_0 - 4 f_1 + f_2|/8h. rounding = a eta/h^order with a = 1, 4, 2, 4, 12 and
    eta = max(noise, eps (max |f| + size |f'|)), size = |x|, where |f'| is the slope to the nearest
    points: at a minimum, too, the rounding of x counts there. One-sided steps may be negative.
    """
    d = values - centre
    if rule == 0:
        near, far = (d[0] - d[1]) / (2.0 * h), (d[2] - d[3]) / (4.0 * h)
        sample = np.abs((d[2] + d[3]) - 4.0 * (d[0] + d[1])) / (8.0 * h)
    elif rule == 1:
        near, far = (4.0 * d[0] - d[1]) / (2.0 * h), (4.0 * d[1] - d[2]) / (4.0 * h)
    elif rule == 2:
        near, far = d[0] / h, d[1] / (2.0 * h)
    elif rule == 3:
        near, far = (d[0] + d[1]) / h / h, (d[2] + d[3]) / (2.0 * h) / (2.0 * h)
    else:
        near = ((4.0 * d[1] - 5.0 * d[0]) - d[2]) / h / h
        far = ((4.0 * d[3] - 5.0 * d[1]) - d[4]) / (2.0 * h) / (2.0 * h)
    out[0] = near
    out[1] = np.abs(near - far) / (1.0 if rule == 2 else 3.0)
    if rule == 0:
        out[1] += sample
    slope = np.abs(d[0])
    if rule in (0, 3):
        slope = np.maximum(slope, np.abs(d[1]))
    slope = slope / np.abs(h)
    largest = np.maximum(np.abs(values).max(axis=0), np.abs(centre))
    eta = np.maximum(noise, eps * (largest + size * slope))
    amplification = (1.0, 4.0, 2.0, 4.0, 12.0)[rule]
    out[2] = amplification * eta / np.abs(h)
    if rule > 2:
        out[2] /= np.abs(h)


@np.errstate(all="ignore")
def mixed_differences(
    corners: Array,
    axes: Array,
    centre: float,
    h: Array,
    size: Array,
    noise: float,
    eps: float,
    first: Integers,
    second: Integers,
    out: Array,
) -> None:
    """Fill `out` (3, pairs) with value, truncation and rounding of mixed second derivatives.

    `corners` (4, pairs) holds f(x + s h_i e_i + s h_j e_j) and `axes` (4, n) f(x + s h_i e_i), for
    s = 1, -1, 2, -2; i = `first`, j = `second`. With f_0 = `centre`,

        M(h) = (f_++ - f_+i - f_+j + 2 f_0 - f_-i - f_-j + f_--)/2 h_i h_j

    truncation = |M(h) - M(2h)|/3, rounding = 4 eta/(h_i h_j),
    eta = max(noise, eps (max |f| + |x_i f'_i| + |x_j f'_j|)).
    """
    i, j = first, second
    plus, minus, plus2, minus2 = corners
    a, b, hi, hj = axes[:, i], axes[:, j], h[i], h[j]
    near = ((plus - a[0]) - (b[0] - centre)) + ((minus - a[1]) - (b[1] - centre))
    far = ((plus2 - a[2]) - (b[2] - centre)) + ((minus2 - a[3]) - (b[3] - centre))
    near = near / (2.0 * hi) / hj
    far = far / (8.0 * hi) / hj
    slope = size[i] * (np.maximum(np.abs(a[0] - centre), np.abs(a[1] - centre)) / hi)
    slope = slope + size[j] * (np.maximum(np.abs(b[0] - centre), np.abs(b[1] - centre)) / hj)
    largest = np.maximum(np.abs(corners).max(axis=0), np.abs(a).max(axis=0))
    largest = np.maximum(np.maximum(largest, np.abs(b).max(axis=0)), abs(centre))
    out[0] = near
    out[1] = np.abs(near - far) / 3.0
    out[2] = 4.0 * np.maximum(noise, eps * (largest + slope)) / hi / hj


@np.errstate(all="ignore")
def richardson_table(
    differences: Array, rounding: Array, base: float, out: Array, level: Integers
) -> None:
    """Extrapolate each column of `differences` (levels, m), whose step halves from row to row.

    T_0,i = differences_i, T_k,i = T_k-1,i+1 + (T_k-1,i+1 - T_k-1,i)/(base^k - 1). The entry with
    the least change + rounding_i+k is taken: `out` (3, m) gets it and the two terms, `level` its
    finest row i + k. With D', D the last two rows,

        change = |T_k-1,i+1 - T_k-1,i| + max(0, |T_k,i - D| - 2(|D - D'| + rounding_-1))

    (The distance to T_k-1,i+1 alone is 4^k times less, and no error where the steps are too large
    for the series. The second term is for oscillations that the first steps miss, all alike: the
    finest one is the judge.) NaN is never taken; where all is NaN, `out` is NaN, inf, inf.
    """
    levels, m = differences.shape
    out[0], out[1:] = np.nan, np.inf
    level[:] = levels - 1
    best = np.full(m, np.inf)
    finest = differences[-1]
    credible = 2.0 * (np.abs(finest - differences[-2]) + rounding[-1])
    table = differences.copy()
    power = 1.0
    for k in range(1, levels):
        power *= base
        for i in range(levels - k):
            new = table[i + 1] + (table[i + 1] - table[i]) / (power - 1.0)
            beyond = np.abs(new - finest) - credible
            change = np.abs(table[i + 1] - table[i]) + np.where(beyond > 0.0, beyond, 0.0)
            cost = change + rounding[i + k]
            better = cost < best
            best = np.where(better, cost, best)
            out[:, better] = np.stack([new, change, rounding[i + k]])[:, better]
            level[better] = i + k
            table[i] = new
