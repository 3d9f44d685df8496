"""Compiled ellipsoid kernels; `minimand.reference.ellipsoid` says the same in NumPy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]
_Indices: TypeAlias = NDArray[np.int64]

def column_ranges(points: _Array, low: _Array, high: _Array, threads: int) -> None: ...
def extreme_points(
    points: _Array, center: _Array, transform: _Array, rows: _Indices, threads: int
) -> None: ...
def distance_pass(
    points: _Array,
    center: _Array,
    transform: _Array,
    offset: _Array,
    rows: _Indices,
    distances: _Array,
    threads: int,
) -> None: ...
def interior_point_start(q: _Array, weights: _Array, slack: _Array, report: _Array) -> None: ...
def interior_point_steps(
    q: _Array,
    weights: _Array,
    slack: _Array,
    best: _Array,
    report: _Array,
    tol: float,
    max_iterations: int,
    threads: int,
) -> int: ...
def principal_axes(transform: _Array, axes: _Array, stretches: _Array, root: _Array) -> None: ...
