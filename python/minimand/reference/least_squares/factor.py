"""Factorisations of small matrices and the solves that go with them."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int64]


def pivoted_qr(
    A: Array,
    columns: int,
    floor: Array,
    keep_order: bool,
    pivots: Indices,
    tolerances: Array,
) -> int:
    """Householder QR of the first ``columns`` columns of A; return their numerical rank.

    On exit ``A = [R | Q' rhs]``, the factored columns permuted by ``pivots``. A column is accepted
    when its remaining norm exceeds the largest ``floor`` among the accepted columns and itself;
    ``tolerances[j]`` is that number at step j. The rank is the number of accepted columns, and
    the factorisation goes on beyond it, so that R is complete.

    ``keep_order`` false: every step takes the column of largest remaining norm (Businger, Golub,
    Numer. Math. 7 (1965) 269). True: columns come in the given order, those that fail are set
    aside, and pivoting begins when only they are left.
    """
    steps = min(A.shape[0], columns)
    pivots[...] = np.arange(columns)
    tolerances[...] = np.inf
    in_order = columns if keep_order else 0  # columns that still wait for their turn
    accepted_floor = 0.0
    rank = 0
    accepting = True
    j = 0
    while j < steps:
        if in_order == 0:
            norms = np.linalg.norm(A[j:, j:columns], axis=0)
            _exchange_columns(A, pivots, j, j + int(np.argmax(norms)))
            if keep_order:
                accepting = False  # each of them has failed already, and norms only shrink
        norm = np.linalg.norm(A[j:, j])
        tolerance = max(accepted_floor, float(floor[pivots[j]]))

        if in_order > 0:
            in_order -= 1
            if norm <= tolerance:
                A[:, j:columns] = np.roll(A[:, j:columns], -1, axis=1)
                pivots[j:] = np.roll(pivots[j:], -1)
                continue

        tolerances[j] = tolerance
        accepting = accepting and bool(norm > tolerance)
        if accepting:
            accepted_floor = tolerance
            rank += 1
        _reflect(A, j)
        j += 1
    return rank


def _exchange_columns(A: Array, pivots: Indices, i: int, j: int) -> None:
    A[:, [i, j]] = A[:, [j, i]]
    pivots[[i, j]] = pivots[[j, i]]


def _reflect(A: Array, j: int) -> None:
    """Apply to rows ``j:`` the Householder reflection that clears column j below the diagonal."""
    v = A[j:, j].copy()
    norm = np.linalg.norm(v)
    if norm > 0.0:
        v[0] += np.copysign(norm, v[0])  # no cancellation
        v /= np.linalg.norm(v)
        A[j:, j:] -= 2.0 * np.outer(v, v @ A[j:, j:])
    A[j + 1 :, j] = 0.0
    if A[j, j] < 0.0:
        A[j, j:] *= -1.0


@np.errstate(all="ignore")
def solve_triangular(R: Array, B: Array, lower: bool, transpose: bool, threads: int) -> int:
    """``B := op(R)^-1 B``; return 0, or the 1-based index of the first zero on the diagonal."""
    zeros = np.flatnonzero(np.diag(R) == 0.0)
    if zeros.size:
        return int(zeros[0]) + 1
    n = len(R)
    T = R.T if transpose else R
    forward = lower != transpose
    for i in range(n) if forward else reversed(range(n)):
        solved = slice(0, i) if forward else slice(i + 1, n)
        B[i] = (B[i] - T[i, solved] @ B[solved]) / T[i, i]
    return 0


@np.errstate(all="ignore")
def cholesky_factor(A: Array, threads: int) -> int:
    """Overwrite A by L, ``L L' = A``; return 0, or the order of the first minor not positive.

    Only the lower triangle of A is read; the upper one of the result is zero.
    """
    for j in range(len(A)):
        A[j:, j] -= A[j:, :j] @ A[j, :j]
        if not A[j, j] > 0.0:
            return j + 1
        A[j:, j] /= np.sqrt(A[j, j])
        A[j, j + 1 :] = 0.0
    return 0


def qr_factor(A: Array, Q: Array, R: Array, threads: int) -> None:
    """Thin ``A = Q R`` with a non-negative diagonal of R."""
    Q[...], R[...] = np.linalg.qr(A)
    signs = _diagonal_signs(R)
    Q *= signs
    R *= signs[:, np.newaxis]


def svd(A: Array, U: Array, s: Array, V: Array) -> None:
    """Thin ``A = U diag(s) V'`` with ``s`` descending."""
    U[...], s[...], V_transposed = np.linalg.svd(A, full_matrices=False)
    V[...] = V_transposed.T


def min_norm(A: Array, B: Array, X: Array) -> None:
    """``X :=`` the shortest solution of ``A X = B``, where A has full row rank.

    A' = Q R turns the system into R' (Q'X) = B, and the shortest X lies in the range of Q.
    """
    Q, R = np.linalg.qr(A.T)
    coordinates = B.copy()
    solve_triangular(R, coordinates, False, True, 1)
    X[...] = Q @ coordinates


def non_negative_diagonal(R: Array) -> Array:
    """Change the signs of rows so that the diagonal of R becomes non-negative."""
    positive: Array = R * _diagonal_signs(R)[:, np.newaxis]
    return positive


def _diagonal_signs(R: Array) -> Array:
    return np.where(np.diag(R) < 0.0, -1.0, 1.0)
