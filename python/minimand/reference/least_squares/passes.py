"""Passes over the rows of the augmented matrix: Gram matrices and triangular factors."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand.reference.least_squares.factor import non_negative_diagonal, solve_triangular

Array: TypeAlias = NDArray[np.float64]
Design: TypeAlias = NDArray[np.float64] | NDArray[np.float32]

BLOCK_ROWS = 4096
LEAF_ROWS = 256  # of a tree of QR factorisations


def row_blocks(begin: int, end: int) -> Iterator[slice]:
    """Cut ``begin <= i < end`` into blocks, so that memory stays bounded."""
    for first in range(begin, end, BLOCK_ROWS):
        yield slice(first, min(first + BLOCK_ROWS, end))


def scaled_rows(A: Design, shift: Array, scale: Array, rows: slice) -> Array:
    """Rows of A, widened to float64, shifted and scaled."""
    scaled: Array = (A[rows].astype(np.float64) - shift) * scale
    return scaled


def augmented_rows(
    X: Design,
    Y: Array,
    weights: Array,
    shift: Array,
    scale: Array,
    intercept: bool,
    rows: slice,
) -> Array:
    """Rows z_i = sqrt(w_i) [1, (x_i - shift_x) scale_x, (y_i - shift_y) scale_y].

    Rows of weight zero stay: 0 * nan = nan reveals a bad entry in them.
    """
    n = X.shape[1]
    parts = [scaled_rows(X, shift[:n], scale[:n], rows), scaled_rows(Y, shift[n:], scale[n:], rows)]
    if intercept:
        parts.insert(0, np.ones((len(parts[0]), 1)))
    Z = np.hstack(parts)
    if weights.size:
        Z *= np.sqrt(weights[rows])[:, np.newaxis]
    return Z


@np.errstate(all="ignore")
def gram_pass(
    X: Design,
    Y: Array,
    weights: Array,
    shift: Array,
    scale: Array,
    intercept: bool,
    begin: int,
    end: int,
    gram: Array,
    threads: int,
) -> None:
    """``gram := Z'Z``, both triangles."""
    gram[...] = 0.0
    for rows in row_blocks(begin, end):
        Z = augmented_rows(X, Y, weights, shift, scale, intercept, rows)
        gram += Z.T @ Z


@np.errstate(all="ignore")
def preconditioned_gram_pass(
    X: Design,
    weights: Array,
    shift: Array,
    scale: Array,
    R: Array,
    begin: int,
    end: int,
    gram: Array,
    threads: int,
) -> None:
    """``gram := Q'Q`` with ``Q = B R^-1``, where B is Z without the columns of ones and Y."""
    n = X.shape[1]
    no_y = np.empty((len(X), 0))
    gram[...] = 0.0
    for rows in row_blocks(begin, end):
        B = augmented_rows(X, no_y, weights, shift[:n], scale[:n], False, rows)
        Q_transposed = np.ascontiguousarray(B.T)  # Q R = B, that is R' Q' = B'
        solve_triangular(R, Q_transposed, False, True, threads)
        gram += Q_transposed @ Q_transposed.T


@np.errstate(all="ignore")
def tsqr_pass(
    X: Design,
    Y: Array,
    weights: Array,
    shift: Array,
    scale: Array,
    intercept: bool,
    begin: int,
    end: int,
    R: Array,
    threads: int,
) -> None:
    """``R := qr_R([R; Z])``, upper triangular with a non-negative diagonal."""
    # Merged in a tree, like the carry of a binary counter: errors grow with its depth. Two
    # dependent columns would not be seen to be so after a chain of a hundred merges.
    leaf, p = max(LEAF_ROWS, 4 * R.shape[0]), R.shape[0]
    pending: list[tuple[int, Array]] = []  # (depth, triangle)
    for first in range(begin, end, leaf):
        rows = slice(first, min(first + leaf, end))
        depth, T = 0, np.zeros((p, p))
        merge_r(T, augmented_rows(X, Y, weights, shift, scale, intercept, rows))
        while pending and pending[-1][0] == depth:
            depth, (_, left) = depth + 1, pending.pop()
            merge_r(left, T)
            T = left
        pending.append((depth, T))
    for _, T in reversed(pending):
        merge_r(R, T)


def merge_r(R: Array, other: Array) -> None:
    """``R := qr_R([R; other])``, upper triangular with a non-negative diagonal."""
    stacked: Array = np.vstack([np.triu(R), other])
    R[...] = non_negative_diagonal(np.asarray(np.linalg.qr(stacked, mode="r")))
