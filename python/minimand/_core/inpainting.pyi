"""Compiled in-painting kernels; `minimand.reference.inpainting` says the same in NumPy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]
_Labels: TypeAlias = NDArray[np.int32]
_Indices: TypeAlias = NDArray[np.int64]

def label_components(known: NDArray[np.bool_], labels: _Labels, threads: int) -> int: ...
def component_boxes(
    image: _Array, labels: _Labels, channels: int, low: _Array, high: _Array, threads: int
) -> None: ...
def total_variation_sum(image: _Array, channels: int, joint: bool, threads: int) -> float: ...
def prepare(
    image: _Array,
    labels: _Labels,
    box_low: _Array,
    box_high: _Array,
    channels: int,
    balance: float,
    iterate: _Array,
    low: _Array,
    high: _Array,
    tau: _Array,
    sigma: _Array,
    dual: _Array,
    threads: int,
) -> None: ...
def evaluate_bounds(
    image: _Array,
    dual: _Array,
    low: _Array,
    high: _Array,
    channels: int,
    sums: _Array,
    threads: int,
) -> None: ...
def pdhg_steps(
    image: _Array,
    dual: _Array,
    low: _Array,
    high: _Array,
    tau: _Array,
    sigma: _Array,
    channels: int,
    relaxation: float,
    iterations: int,
    threads: int,
) -> None: ...
def plan_elimination(
    pixels: _Indices,
    pixel_begin: _Indices,
    terms: _Indices,
    rows: int,
    columns: int,
    leaf: int,
) -> tuple[_Indices, _Indices, _Indices, _Indices, _Indices]: ...
def newton_work_size(
    fronts: _Indices, component_front: _Indices, channels: int, threads: int
) -> int: ...
def newton_start(
    image: _Array,
    low: _Array,
    high: _Array,
    delta: _Array,
    channels: int,
    order: _Indices,
    fronts: _Indices,
    boundary: _Indices,
    term_table: _Indices,
    component_front: _Indices,
    first: int,
    last: int,
    work: _Array,
    threads: int,
) -> None: ...
def newton_steps(
    image: _Array,
    dual: _Array,
    best_image: _Array,
    best_dual: _Array,
    low: _Array,
    high: _Array,
    delta: _Array,
    channels: int,
    order: _Indices,
    fronts: _Indices,
    boundary: _Indices,
    term_table: _Indices,
    component_front: _Indices,
    first: int,
    last: int,
    state: _Array,
    target: _Array,
    max_iterations: int,
    work: _Array,
    threads: int,
) -> None: ...
