"""Sums and products as unevaluated pairs: the rounded value, and what the rounding lost.

Error-free transformations: Dekker, Numer. Math. 18 (1971) 224; Ogita, Rump, Oishi, SIAM J. Sci.
Comput. 26 (2005) 1955.
"""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return s = a + b rounded and a + b - s (Knuth).

    Examples
    --------
    >>> import numpy as np
    >>> [float(part[0]) for part in two_sum(np.array([1e16]), np.array([1.0]))]
    [1e+16, 1.0]
    """
    total = a + b
    seen = total - a
    return total, (a - (total - seen)) + (b - seen)


def two_prod(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return p = a * b rounded and a * b - p (Dekker, Veltkamp): no fused multiply-add is needed.

    Examples
    --------
    >>> import numpy as np
    >>> high, low = two_prod(np.array([2.0**30 + 1]), np.array([2.0**30 + 1]))
    >>> int(high[0]) + int(low[0]) == (2**30 + 1) ** 2
    True
    """
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = a_high * b_high - product
    error += a_high * b_low
    error += a_low * b_high
    error += a_low * b_low
    return product, error


def _split(a: Floats) -> tuple[Floats, Floats]:
    """Return the leading 26 bits of a and the rest."""
    high = a * 134217729.0  # 2^27 + 1
    high -= high - a
    return high, a - high


class Pair:
    """A running sum high + low, unevaluated."""

    def __init__(self, high: Floats, low: Floats | None = None) -> None:
        self.high = high
        self.low = np.zeros_like(high) if low is None else low

    def add(self, high: Floats, low: Floats) -> None:
        """Add the terms high + low, one along the first axis, in a binary tree."""
        while high.shape[0] > 1:
            half = high.shape[0] // 2
            total, lost = two_sum(high[:half], high[half : 2 * half])
            lost += low[:half]
            lost += low[half : 2 * half]
            if high.shape[0] % 2:
                total[0], rest = two_sum(total[0], high[-1])
                lost[0] += rest + low[-1]
            high, low = total, lost
        self.high, lost = two_sum(self.high, high[0])
        self.low = self.low + (low[0] + lost)
