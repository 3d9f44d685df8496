"""Compiled kernels of gradient descent; `minimand.reference.gradient_descent` says it in NumPy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]

def value_gradient(
    A: _Array,
    b: _Array,
    x: _Array,
    kind: int,
    scale: float,
    l2: float,
    constant: float,
    gradient: _Array,
    threads: int,
) -> float: ...
def descent_steps(
    A: _Array,
    b: _Array,
    kind: int,
    scale: float,
    l2: float,
    constant: float,
    noise: _Array,
    point: _Array,
    previous: _Array,
    gradient: _Array,
    saved: _Array,
    trial: _Array,
    state: _Array,
    control: _Array,
    variant: int,
    count: int,
    trace: _Array,
    threads: int,
) -> tuple[int, int]: ...
