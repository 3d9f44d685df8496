"""Double-double arithmetic: a number is the unevaluated sum of a float64 and its rounding error.

Everything is done elementwise on arrays with plain float64 operations, so that the results are
the same on every platform (``longdouble`` is not). The relative error of a sum or product of
pairs is a few times 2**-104.

Sources: Dekker, Numer. Math. 18 (1971) 224; Knuth, TAOCP vol. 2, 4.2.2;
Ogita, Rump, Oishi, SIAM J. Sci. Comput. 26 (2005) 1955.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[Array, Array]

_SPLITTER = 2.0**27 + 1.0
_SPLIT_LIMIT = 2.0**996  # above it _SPLITTER * a could overflow
_GUARD = 2.0**28


def two_sum(a: Array, b: Array) -> Pair:
    """``s + e = a + b`` exactly, ``s = fl(a + b)``."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def quick_two_sum(a: Array, b: Array) -> Pair:
    """As `two_sum`, for ``|a| >= |b|`` or ``a = 0``."""
    s = a + b
    return s, b - (s - a)


def split(a: Array) -> Pair:
    """``high + low = a`` exactly, each half with at most 26 bits."""
    large = np.abs(a) > _SPLIT_LIMIT
    small = np.where(large, a / _GUARD, a)
    t = _SPLITTER * small
    high = t - (t - small)
    low = small - high
    back = np.where(large, _GUARD, 1.0)
    return high * back, low * back


def two_prod(a: Array, b: Array) -> Pair:
    """``p + e = a * b`` exactly, ``p = fl(a * b)``, unless an error term over- or underflows.

    The error term is exact while ``|a * b|`` lies between 2**-968 and the overflow threshold.
    """
    p = a * b
    a_high, a_low = split(a)
    b_high, b_low = split(b)
    e = ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low
    return p, e


def add(a: Pair, b: Pair) -> Pair:
    """Sum of two pairs, with a small relative error even when the high parts cancel."""
    s, e = two_sum(a[0], b[0])
    t, f = two_sum(a[1], b[1])
    s, e = quick_two_sum(s, e + t)
    return quick_two_sum(s, e + f)


def multiply(a: Pair, b: Pair) -> Pair:
    """Product of two pairs; the product of the low parts is below the rounding error."""
    p, e = two_prod(a[0], b[0])
    return quick_two_sum(p, e + (a[0] * b[1] + a[1] * b[0]))


def as_pair(a: Array) -> Pair:
    """Pair of a float64 array: its low part is zero."""
    return a, np.zeros_like(a)


def sum_rows(a: Pair) -> Pair:
    """Sum over the first axis, by halves: the error grows with the logarithm of the length."""
    high, low = a
    if len(high) == 0:
        return as_pair(np.zeros(high.shape[1:]))
    while len(high) > 1:
        half = len(high) // 2
        first = high[:half], low[:half]
        second = high[half : 2 * half], low[half : 2 * half]
        total = add(first, second)
        high = np.concatenate([total[0], high[2 * half :]])
        low = np.concatenate([total[1], low[2 * half :]])
    return high[0], low[0]
