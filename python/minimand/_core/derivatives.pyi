"""Compiled kernels of derivatives; `minimand.reference.derivatives` says it in NumPy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]
_Integers: TypeAlias = NDArray[np.int64]

def displaced_points(
    x: _Array,
    first: _Integers,
    first_step: _Array,
    second: _Integers,
    second_step: _Array,
    lower: _Array,
    upper: _Array,
    points: _Array,
) -> None: ...
def differences(
    values: _Array,
    centre: _Array,
    h: _Array,
    size: _Array,
    noise: _Array,
    eps: float,
    rule: int,
    out: _Array,
) -> None: ...
def mixed_differences(
    corners: _Array,
    axes: _Array,
    centre: float,
    h: _Array,
    size: _Array,
    noise: float,
    eps: float,
    first: _Integers,
    second: _Integers,
    out: _Array,
) -> None: ...
def richardson_table(
    differences: _Array, rounding: _Array, base: float, out: _Array, level: _Integers
) -> None: ...
