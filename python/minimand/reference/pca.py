"""NumPy mirror of the PCA kernels, written to be read.

Signatures, in-out arguments and return values are those of the compiled module
``minimand._core.pca``. Nothing is checked here and nothing is tuned.

Row i of the matrix B is sqrt(w_i) (x_i - shift) scale; an empty ``weights`` means none. ``threads``
is accepted and ignored.
"""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand.reference.least_squares.passes import Design, row_blocks, scaled_rows

Array: TypeAlias = NDArray[np.float64]


@np.errstate(all="ignore")
def covariance_pass(
    X: Design,
    weights: Array,
    shift: Array,
    scale: Array,
    Q: Array,
    begin: int,
    end: int,
    product: Array,
    sums: Array,
    squares: Array,
    threads: int,
) -> None:
    """``product := B'(B Q)``, ``sums := sum_i sqrt(w_i) b_i``, ``squares := sum_i b_i^2``."""
    for total in (product, sums, squares):
        total[...] = 0.0
    for rows in row_blocks(begin, end):
        B = scaled_rows(X, shift, scale, rows)
        root = np.sqrt(weights[rows]) if weights.size else np.ones(len(B))
        B *= root[:, np.newaxis]
        product += B.T @ (B @ Q)
        sums += root @ B
        squares += np.sum(B**2, axis=0)


@np.errstate(all="ignore")
def project(
    X: Design,
    shift: Array,
    scale: Array,
    Q: Array,
    begin: int,
    end: int,
    scores: Array,
    threads: int,
) -> None:
    """``scores[begin:end] := (X[begin:end] - shift) scale Q``."""
    for rows in row_blocks(begin, end):
        scores[rows] = scaled_rows(X, shift, scale, rows) @ Q
