"""Initial values of the parameters."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import check_finite, one_of
from minimand._common.conversion import kernel_array, real_array
from minimand._common.random import Key, uniform
from minimand.neural_network.streams import normals

INITS = ("glorot", "he_normal", "zeros")


def checked_init(init: object, shape: tuple[int, ...] | None) -> object:
    """Return a name, a number or an array of `shape`; None as a shape takes no array."""
    if isinstance(init, str):
        return one_of("init", init, INITS)
    if isinstance(init, (int, float, np.integer, np.floating)) and not isinstance(init, bool):
        if not math.isfinite(float(init)):
            raise ValueError(f"init is {init}, expected a finite number")
        return float(init)
    array = kernel_array(real_array("init", init), (np.float64,))
    if shape is None or array.shape != shape:
        expected = "a name or a number" if shape is None else f"shape {shape}"
        raise ValueError(f"init has shape {array.shape}, expected {expected}")
    check_finite("init", array)
    return array.copy()


def initial_values(
    init: object, size: int, fans: tuple[int, int], key: Key, item: int
) -> NDArray[np.float64]:
    """Return `size` start values; random ones come from the stream `item` of the key."""
    if isinstance(init, np.ndarray):
        given: NDArray[np.float64] = init.reshape(-1)
        return given
    if init == "zeros":
        return np.zeros(size)
    if init == "glorot":
        bound = math.sqrt(6.0 / (fans[0] + fans[1]))
        spread: NDArray[np.float64] = bound * (2.0 * uniform(key, item, 1, size)[0] - 1.0)
        return spread
    if init == "he_normal":
        return normals(key, item, size) * math.sqrt(2.0 / fans[0])
    return np.full(size, float(init))  # type: ignore[arg-type]
