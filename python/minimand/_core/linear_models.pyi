"""Compiled kernels of the linear models; `minimand.reference.linear_models` says it in NumPy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]
_Integers: TypeAlias = NDArray[np.int64]

def quantile_residuals(
    X: _Array, y: _Array, intercept: bool, theta: _Array, r: _Array, threads: int
) -> None: ...
def quantile_normal(
    X: _Array, psi: _Array, intercept: bool, normal: _Array, threads: int
) -> None: ...
def quantile_bands(
    X: _Array, intercept: bool, factor: _Array, bands: _Array, threads: int
) -> None: ...
def quantile_steps(
    X: _Array,
    y: _Array,
    weights: _Array,
    scale: _Array,
    intercept: bool,
    quantile: float,
    tol: float,
    max_iterations: int,
    theta: _Array,
    state: _Array,
    report: _Array,
    threads: int,
) -> int: ...
def glm_pass(
    X: _Array,
    y: _Array,
    weights: _Array,
    offset: _Array,
    theta: _Array,
    shift: _Array,
    scale: _Array,
    intercept: bool,
    family: int,
    begin: int,
    end: int,
    gradient: _Array,
    gram: _Array,
    sums: _Array,
    threads: int,
) -> None: ...
def glm_direction_pass(
    X: _Array,
    y: _Array,
    weights: _Array,
    offset: _Array,
    theta: _Array,
    direction: _Array,
    shift: _Array,
    scale: _Array,
    intercept: bool,
    family: int,
    begin: int,
    end: int,
    residual: _Array,
    sizes: _Array,
    dual: _Array,
    sums: _Array,
    threads: int,
) -> None: ...
def chebyshev_exchange(
    X: _Array,
    y: _Array,
    intercept: bool,
    tol: float,
    slack: float,
    max_iterations: int,
    reference: _Integers,
    signs: _Array,
    state: _Array,
    theta: _Array,
    weights: _Array,
) -> int: ...
def residual_extremes(
    X: _Array,
    y: _Array,
    theta: _Array,
    intercept: bool,
    begin: int,
    end: int,
    rows: _Integers,
    residuals: _Array,
    threads: int,
) -> None: ...
