"""Compiled kernels of the travelling salesman problem; `minimand.reference.tsp` says the same."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]
_Lengths: TypeAlias = NDArray[np.int64]
_Vertices: TypeAlias = NDArray[np.int32]

_Key: TypeAlias = NDArray[np.uint64]

# Neighbours and tours

def nearest(
    points: _Array,
    lengths: _Lengths,
    metric: int,
    scale: float,
    per_quadrant: int,
    near: _Vertices,
    threads: int,
) -> None: ...
def greedy_tour(
    points: _Array,
    lengths: _Lengths,
    metric: int,
    scale: float,
    mates: _Vertices,
    penalty: int,
    near: _Vertices,
    tour: _Vertices,
) -> None: ...
def descend(
    points: _Array,
    lengths: _Lengths,
    metric: int,
    scale: float,
    mates: _Vertices,
    penalty: int,
    near: _Vertices,
    tours: _Vertices,
    pending: NDArray[np.uint8],
    budget: int,
    threads: int,
) -> int: ...
def kick(
    points: _Array,
    lengths: _Lengths,
    metric: int,
    scale: float,
    mates: _Vertices,
    penalty: int,
    near: _Vertices,
    tour: _Vertices,
    key: _Key,
    first_kick: int,
    kicks: int,
) -> int: ...

# Genetic algorithms

def genetic_steps(
    points: _Array,
    distances: _Lengths,
    metric: int,
    scale: float,
    closed: bool,
    linear: bool,
    low: int,
    high: int,
    mutants: int,
    swaps: int,
    migration: int,
    population: _Vertices,
    lengths: _Lengths,
    slots: _Lengths,
    key: _Key,
    first_generation: int,
    generations: int,
    threads: int,
) -> None: ...
def count_edges(links: _Vertices, table: NDArray[np.uint64]) -> int: ...
def eax_pairs(
    points: _Array,
    distances: _Lengths,
    metric: int,
    scale: float,
    mates: _Vertices,
    penalty: int,
    near: _Vertices,
    links: _Vertices,
    lengths: _Lengths,
    table: NDArray[np.uint64],
    entropy: _Array,
    key: _Key,
    generation: int,
    first_pair: int,
    last_pair: int,
    batch: int,
    children: int,
    block: bool,
    threads: int,
) -> int: ...

# Bounds

def prim_dense(
    points: _Array,
    lengths: _Lengths,
    metric: int,
    scale: float,
    mates: _Vertices,
    penalty: int,
    unit: int,
    pi: _Lengths,
    root: int,
    key: _Lengths,
    parent: _Vertices,
    state: _Lengths,
    steps: int,
) -> None: ...
def nearest_reduced(
    points: _Array,
    lengths: _Lengths,
    metric: int,
    scale: float,
    mates: _Vertices,
    penalty: int,
    unit: int,
    pi: _Lengths,
    begin: int,
    end: int,
    near: _Vertices,
    threads: int,
) -> None: ...
def ascent(
    offsets: _Lengths,
    ends: _Vertices,
    costs: _Lengths,
    root: int,
    limit: int,
    decay: float,
    pi: _Lengths,
    h: _Lengths,
    best: _Lengths,
    step: _Array,
    state: _Lengths,
    steps: int,
) -> None: ...
def dp(d: _Lengths, tour: _Vertices) -> int: ...
