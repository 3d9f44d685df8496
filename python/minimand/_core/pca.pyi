"""Compiled PCA kernels; `minimand.reference.pca` says the same in NumPy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[np.float64]
_Design: TypeAlias = NDArray[np.float64] | NDArray[np.float32]

def covariance_pass(
    X: _Design,
    weights: _Array,
    shift: _Array,
    scale: _Array,
    Q: _Array,
    begin: int,
    end: int,
    product: _Array,
    sums: _Array,
    squares: _Array,
    threads: int,
) -> None: ...
def project(
    X: _Design,
    shift: _Array,
    scale: _Array,
    Q: _Array,
    begin: int,
    end: int,
    scores: _Array,
    threads: int,
) -> None: ...
