"""Compiled least-squares kernels; `minimand.reference.least_squares` says the same in NumPy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]
_Design: TypeAlias = NDArray[np.float64] | NDArray[np.float32]

def gram_pass(
    X: _Design,
    Y: _Array,
    weights: _Array,
    shift: _Array,
    scale: _Array,
    intercept: bool,
    begin: int,
    end: int,
    gram: _Array,
    threads: int,
) -> None: ...
def residual_pass(
    X: _Design,
    Y: _Array,
    weights: _Array,
    shift: _Array,
    scale: _Array,
    intercept: bool,
    coef: _Array,
    coef_low: _Array,
    precision: int,
    begin: int,
    end: int,
    normal: _Array,
    normal_low: _Array,
    squares: _Array,
    threads: int,
) -> None: ...
def preconditioned_gram_pass(
    X: _Design,
    weights: _Array,
    shift: _Array,
    scale: _Array,
    R: _Array,
    begin: int,
    end: int,
    gram: _Array,
    threads: int,
) -> None: ...
def tsqr_pass(
    X: _Design,
    Y: _Array,
    weights: _Array,
    shift: _Array,
    scale: _Array,
    intercept: bool,
    begin: int,
    end: int,
    R: _Array,
    threads: int,
) -> None: ...
def merge_r(R: _Array, other: _Array) -> None: ...
def pivoted_qr(
    A: _Array,
    columns: int,
    floor: _Array,
    keep_order: bool,
    pivots: NDArray[np.int64],
    tolerances: _Array,
) -> int: ...
def solve_triangular(R: _Array, B: _Array, lower: bool, transpose: bool, threads: int) -> int: ...
def cholesky_factor(A: _Array, threads: int) -> int: ...
def qr_factor(A: _Array, Q: _Array, R: _Array, threads: int) -> None: ...
def svd(A: _Array, U: _Array, s: _Array, V: _Array) -> None: ...
def min_norm(A: _Array, B: _Array, X: _Array) -> None: ...
