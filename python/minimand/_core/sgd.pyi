"""Compiled kernels of stochastic gradient descent; `minimand.reference.sgd` says it in NumPy."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]
_Design: TypeAlias = NDArray[np.floating[Any]]
_Integers: TypeAlias = NDArray[np.integer[Any]]

def sgd_steps(
    X: _Design,
    y: _Array,
    weights: _Array,
    order: _Integers,
    first: int,
    batch: int,
    loss: int,
    rates: _Array,
    l2: float,
    l1: float,
    momentum: float,
    nesterov: bool,
    intercept: bool,
    refresh: bool,
    theta: _Array,
    velocity: _Array,
    average: _Array,
    averaged: int,
    table: _Array,
    mean: _Array,
    sums: _Array,
    threads: int,
) -> None: ...
def sgd_steps_csr(
    values: _Array,
    columns: _Integers,
    pointers: _Integers,
    y: _Array,
    weights: _Array,
    order: _Integers,
    first: int,
    batch: int,
    loss: int,
    rates: _Array,
    l2: float,
    l1: float,
    momentum: float,
    nesterov: bool,
    intercept: bool,
    refresh: bool,
    theta: _Array,
    velocity: _Array,
    average: _Array,
    averaged: int,
    table: _Array,
    mean: _Array,
    sums: _Array,
) -> None: ...
def margin_pass(
    X: _Design, theta: _Array, begin: int, end: int, margins: _Array, threads: int
) -> None: ...
def transposed_pass(
    X: _Design, q: _Array, begin: int, end: int, sums: _Array, threads: int
) -> None: ...
def square_pass(X: _Design, begin: int, end: int, squares: _Array, threads: int) -> None: ...
def add_loop(x: _Array, y: _Array, out: _Array) -> None: ...
def dot_loop(x: _Array, y: _Array) -> float: ...
