"""Compiled kernels of global_search; `minimand.reference.global_search` says it in NumPy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]
_Integers: TypeAlias = NDArray[np.int64]

def pop_least(
    bound: _Array, heap: _Integers, counts: _Integers, threshold: float, chosen: _Integers
) -> int: ...
def line_open(
    x: _Array,
    value: _Array,
    slope: _Array,
    following: _Integers,
    bound: _Array,
    candidate: _Array,
    constants: _Array,
    heap: _Integers,
    counts: _Integers,
    gaps: _Integers,
) -> None: ...
def line_insert(
    x: _Array,
    value: _Array,
    slope: _Array,
    following: _Integers,
    bound: _Array,
    candidate: _Array,
    constants: _Array,
    heap: _Integers,
    counts: _Integers,
    gaps: _Integers,
    scale: float,
    observed: _Array,
    witness: _Integers,
) -> None: ...
def boxes_divide(
    bounds: _Array,
    cells: _Integers,
    point: _Integers,
    action: _Integers,
    child: _Integers,
    counts: _Integers,
    chosen: _Integers,
    points: _Array,
) -> int: ...
def boxes_bound(
    bounds: _Array,
    cells: _Integers,
    point: _Integers,
    value: _Array,
    gradient: _Array,
    gradient_error: _Array,
    hessian: _Array,
    slopes: _Array,
    constants: _Array,
    weights: _Array,
    first: int,
    last: int,
    bound: _Array,
    action: _Integers,
    heap: _Integers,
    counts: _Integers,
    threads: int,
) -> None: ...
def boxes_observe(
    bounds: _Array,
    cells: _Integers,
    point: _Integers,
    value: _Array,
    gradient: _Array,
    gradient_error: _Array,
    hessian: _Array,
    margin: float,
    scale: float,
    action: _Integers,
    child: _Integers,
    chosen: _Integers,
    observed: _Array,
    witness: _Integers,
) -> None: ...
def hull_select(
    size: _Array, value: _Array, least: float, epsilon: float, chosen: _Integers
) -> int: ...
def quadratic(
    Q: _Array, p: _Array, points: _Array, value: _Array, gradient: _Array, threads: int
) -> None: ...
