"""Piyavskii's and Shubert's sawtooth, with slopes or curvatures: the mirror in NumPy.

Gap i lies between point i and point following[i]. All work is elementwise in the chosen gaps.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

EPS = 2.0**-52
POINTS, OPEN = 1, 2  # where `counts` has the points and the open gaps


def line_open(
    x: Array,
    value: Array,
    slope: Array,
    following: Integers,
    bound: Array,
    candidate: Array,
    constants: Array,
    heap: Integers,
    counts: Integers,
    gaps: Integers,
) -> None:
    """Bound f from below in the gaps, and open those that another point can divide.

    bound[i] is the least value in the gap i that the constants allow, candidate[i] where: for |f'|
    <= M, |f''| <= K (`constants` = M, K, ..., margin; infinite where unknown), w the gap's width,

        M         (f_a + f_b - M w)/2                              at the crossing of two lines
        K         (f_a + f_b)/2 - K w^2/8 - s^2/2K, s = (f_b - f_a)/w, if |s| <= K w/2
        K, f'     the crossing of two parabolas, or min(f_a, f_b)

    less `margin`, the error of f, and its rounding; the largest one counts.
    """
    M, K, _, margin = constants
    a, b = x[gaps], x[following[gaps]]
    fa, fb = value[gaps], value[following[gaps]]
    w = b - a
    low = np.minimum(fa, fb)
    best, where = np.full(len(gaps), -np.inf), a + 0.5 * w

    def offer(lb: Array, at: Array) -> None:
        better = lb > best
        best[better], where[better] = lb[better], at[better]

    with np.errstate(all="ignore"):
        if np.isfinite(M):
            offer(0.5 * (fa + fb) - 0.5 * (M * w), (a + 0.5 * w) + (fa - fb) / (2.0 * M))
        if np.isfinite(K):
            s = (fb - fa) / w
            inside = np.abs(s) <= 0.5 * (K * w)
            dip = (0.5 * (fa + fb) - 0.125 * (K * w * w)) - (s * s) / (2.0 * K)
            middle = a + 0.5 * w
            offer(np.where(inside, dip, low), np.where(inside, middle - s / K, middle))
            if len(slope):
                ga, gb = slope[gaps], slope[following[gaps]]
                bend = K * w + (gb - ga)
                t = ((fa - fb) + gb * w + 0.5 * (K * w * w)) / bend
                t = np.where((t > 0.0) & (t < w), t, 0.5 * w)
                left = (fa + ga * t) - 0.5 * (K * t * t)
                right = (fb - gb * (w - t)) - 0.5 * (K * (w - t) * (w - t))
                offer(np.minimum(low, np.minimum(left, right)), a + t)
        size = np.maximum(np.abs(fa), np.abs(fb))
        bound[gaps] = best - (margin + 4.0 * EPS * (size + np.abs(best)))
    middle = a + 0.5 * w
    where = np.where((where > a) & (where < b), where, middle)
    candidate[gaps] = where
    divisible = gaps[(where > a) & (where < b) & (w > 8.0 * EPS * np.maximum(abs(a), abs(b)))]
    heap[counts[OPEN] : counts[OPEN] + len(divisible)] = divisible
    counts[OPEN] += len(divisible)


def line_insert(
    x: Array,
    value: Array,
    slope: Array,
    following: Integers,
    bound: Array,
    candidate: Array,
    constants: Array,
    heap: Integers,
    counts: Integers,
    gaps: Integers,
    scale: float,
    observed: Array,
    witness: Integers,
) -> None:
    """Put a point, whose value and slope are there, into each of the gaps, and bound both parts.

    Points counts[1], counts[1] + 1, ... are those that belong to the gaps. Raises `observed`
    (slope, curvature) to what neighbours show, less the rounding 16 eps scale, with the points
    `witness` (2, 3).
    """
    margin = 2.0 * constants[3] + 16.0 * EPS * scale
    first = int(counts[POINTS])
    for p, a in enumerate(gaps, start=first):
        b = int(following[a])
        for left, right in ((a, p), (p, b)):
            d = x[right] - x[left]
            rise = value[right] - value[left]
            _raise(observed, witness, 0, (abs(rise) - margin) / d, (left, right, right))
            if len(slope):
                for g in (slope[left], slope[right]):
                    curve = 2.0 * (abs(rise - g * d) - margin) / (d * d)
                    _raise(observed, witness, 1, curve, (left, right, right))
                _raise(observed, witness, 0, abs(slope[p]), (p, p, p))
        u, v = x[p] - x[a], x[b] - x[p]
        bend = abs((value[b] - value[p]) / v - (value[p] - value[a]) / u)
        curve = 2.0 * (bend - (margin / u + margin / v)) / (u + v)
        _raise(observed, witness, 1, curve, (a, p, b))
        following[p], following[a] = b, p
    counts[POINTS] += len(gaps)
    parts = np.stack([gaps, np.arange(first, first + len(gaps))], axis=1).reshape(-1)
    line_open(x, value, slope, following, bound, candidate, constants, heap, counts, parts)


def _raise(
    observed: Array, witness: Integers, which: int, seen: float, points: tuple[int, int, int]
) -> None:
    if seen > observed[which]:
        observed[which] = seen
        witness[which] = points
