"""How noisy a function is: the table of differences of More and Wild (2011)."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np

from minimand._common.arrays import Floats

_POINTS = 7
_AGREE = 4.0  # three successive levels within this factor
_STEP = 1e-6
_TRIES = 4


def noise_level(values: Floats) -> float | None:
    """Return the noise in seven equally spaced values, None where their shape hides it.

    sigma_k^2 = gamma_k mean((Delta^k f)^2) with gamma_k = (k!)^2/(2k)!, as the k-th differences of
    independent noise have the variance sigma^2/gamma_k. The first of three levels that agree, with
    differences of both signs, is taken.
    """
    levels = np.empty(_POINTS - 1)
    changes = np.empty(_POINTS - 1, dtype=np.bool_)
    d = values
    for k in range(1, _POINTS):
        d = np.diff(d)
        levels[k - 1] = np.sqrt(factorial(k) ** 2 / factorial(2 * k) * np.mean(d * d))
        changes[k - 1] = (d > 0).any() and (d < 0).any()
    for k in range(_POINTS - 3):
        three = levels[k : k + 3]
        if changes[k] and three.max() <= _AGREE * three.min():
            return float(levels[k])
    return None


def estimate_noise(along: Callable[[Floats], Floats], scale: float) -> Floats:
    """Return the noise of each output of `along`, 0 where there is none to be seen.

    `along(t)` gives the values (len(t), outputs) at steps t from x.
    """
    offsets = np.arange(float(_POINTS)) - _POINTS // 2
    h = _STEP * scale
    noise: Floats | None = None
    for _ in range(_TRIES):
        values = along(np.asarray(offsets * h))
        found = [noise_level(column) for column in values.T]
        noise = np.array([0.0 if level is None else level for level in found])
        spread = np.ptp(values, axis=0) / np.maximum(np.abs(values).max(axis=0), 1e-300)
        equal = max(np.unique(column, return_counts=True)[1].max() for column in values.T)
        if all(level is not None for level in found):
            break
        if 2 * equal >= _POINTS:
            h *= 100.0
        elif spread.max() > 0.1:
            h /= 100.0
        else:
            break
    assert noise is not None
    return noise
