"""Compiled neural-network kernels; `minimand.reference.neural_network` says the same in NumPy."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[Any]
_Floats: TypeAlias = NDArray[np.float64]
_Indices: TypeAlias = NDArray[np.int64]
_Key: TypeAlias = NDArray[np.uint64]

def forward(
    ops: _Indices,
    reals: _Floats,
    slots: _Indices,
    layout: _Indices,
    theta: _Array,
    running: _Array,
    training: bool,
    X: _Array,
    key: _Key,
    step: int,
    output: _Array,
    work: _Array,
    threads: int,
) -> None: ...
def backward(
    ops: _Indices,
    reals: _Floats,
    slots: _Indices,
    layout: _Indices,
    theta: _Array,
    running: _Array,
    training: bool,
    X: _Array,
    delta: _Array,
    key: _Key,
    step: int,
    gradient: _Array,
    input_delta: _Array,
    work: _Array,
    threads: int,
) -> None: ...
def evaluate(
    ops: _Indices,
    reals: _Floats,
    slots: _Indices,
    layout: _Indices,
    theta: _Array,
    running: _Array,
    X: _Array,
    labels: _Indices,
    targets: _Array,
    weights: _Floats,
    stats: _Floats,
    work: _Array,
    threads: int,
) -> None: ...
def loss_and_gradient(
    ops: _Indices,
    reals: _Floats,
    slots: _Indices,
    layout: _Indices,
    theta: _Array,
    running: _Array,
    training: bool,
    X: _Array,
    labels: _Indices,
    targets: _Array,
    weights: _Floats,
    scale: float,
    key: _Key,
    step: int,
    gradient: _Array,
    stats: _Floats,
    work: _Array,
    threads: int,
) -> None: ...
def train_steps(
    ops: _Indices,
    reals: _Floats,
    slots: _Indices,
    layout: _Indices,
    theta: _Array,
    running: _Array,
    gradient: _Array,
    moments: _Array,
    X: _Array,
    labels: _Indices,
    targets: _Array,
    weights: _Floats,
    order: _Indices,
    first: int,
    batch: int,
    optimizer: int,
    hyper: _Floats,
    rates: _Floats,
    penalised: _Indices,
    key: _Key,
    step: int,
    stats: _Floats,
    work: _Array,
    threads: int,
) -> int: ...
def update(
    theta: _Array,
    gradient: _Array,
    moments: _Array,
    penalised: _Indices,
    optimizer: int,
    hyper: _Floats,
    rate: float,
    step: int,
    threads: int,
) -> None: ...
def losses_around(
    ops: _Indices,
    reals: _Floats,
    slots: _Indices,
    layout: _Indices,
    thetas: _Floats,
    running: _Floats,
    training: bool,
    X: _Floats,
    labels: _Indices,
    targets: _Floats,
    weights: _Floats,
    key: _Key,
    step: int,
    index: _Indices,
    offsets: _Floats,
    out: _Floats,
    work: _Floats,
    threads: int,
) -> None: ...
def gram_norms(W: _Floats, norms: _Floats, work: _Floats, threads: int) -> None: ...
