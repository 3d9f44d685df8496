"""Compiled kernels of the rendezvous; `minimand.reference.rendezvous` says it in NumPy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]
_Integers: TypeAlias = NDArray[np.int64]

def reach_factor(A: _Array, B: _Array, steps: int, L: _Array, P: _Array) -> None: ...
def adjoint_sweep(A: _Array, B: _Array, mu: _Array, y: _Array) -> None: ...
def rollout(A: _Array, B: _Array, u: _Array, x: _Array) -> None: ...
def input_rows(A: _Array, B: _Array, Phi: _Array, rows: _Array) -> None: ...
def match_factor(
    M: _Array, floor: _Array, factor: _Array, order: _Integers, scale: _Array
) -> int: ...
def reach_noise(A: _Array, B: _Array, L: _Array, E: _Array, floor: _Array) -> None: ...
def match_solve(
    factor: _Array,
    order: _Integers,
    scale: _Array,
    rank: int,
    d: _Array,
    noise: _Array,
    multiplier: _Array,
    direction: _Array,
) -> float: ...
def energy_curve(
    A: _Array,
    B: _Array,
    C: _Array,
    D: _Array,
    Ex: _Array,
    Ez: _Array,
    Lx: _Array,
    Lz: _Array,
    x: _Array,
    z: _Array,
    largest_x: _Array,
    largest_z: _Array,
    begin: int,
    energy: _Array,
    rank: _Integers,
    condition: _Array,
    multiplier: _Array,
) -> None: ...
def stage_elimination(A: _Array, S: _Array, forcing: _Array, steps: int, carry: _Array) -> None: ...
def stage_substitution(
    A: _Array, S: _Array, forcing: _Array, carry: _Array, path: _Array
) -> None: ...
def dual_newton_steps(
    F: _Array,
    first: int,
    m1: int,
    m2: int,
    bounds: _Array,
    d: _Array,
    free: _Array,
    tol: float,
    max_iterations: int,
    eta: _Array,
    y: _Array,
    w: _Array,
    report: _Array,
    threads: int,
) -> int: ...
def correct_inputs(
    F: _Array,
    first: int,
    m1: int,
    m2: int,
    bounds: _Array,
    missing: _Array,
    y: _Array,
    w: _Array,
    threads: int,
) -> None: ...
def thrust_newton_steps(
    F: _Array,
    first: int,
    m1: int,
    m2: int,
    d: _Array,
    basis: _Array,
    tol: float,
    max_iterations: int,
    eta: _Array,
    p: _Array,
    y: _Array,
    best_eta: _Array,
    best_p: _Array,
    state: _Array,
    threads: int,
) -> int: ...
