"""The random streams of a key: who draws from which."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from minimand._common.random import Key, uniform

_GOLDEN = 0x9E3779B97F4A7C15  # as in the kernels

PERMUTATION, VALIDATION, LATENT, BOOTSTRAP, SEARCH, CHECK, GENERATOR, DISCRIMINATOR = range(1, 9)
DROPOUT = 16  # the first of them; the kernels derive these themselves


def stream(key: Key, number: int) -> Key:
    """Return the key of a stream; number 0 is the key itself, for the initial values."""
    return np.array([key[0], (int(key[1]) + number * _GOLDEN) % 2**64], dtype=np.uint64)


def normals(key: Key, item: int, size: int, *, backend: str = "cpp") -> NDArray[np.float64]:
    """Return standard normal numbers of an item (Box and Muller: two uniform make two normal)."""
    half = -(-size // 2)
    draws = uniform(key, item, 1, 2 * half, backend=backend)[0]
    radius = np.sqrt(-2.0 * np.log1p(-draws[:half]))
    angle = 2.0 * math.pi * draws[half:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:size]
