"""What the factorisations return: arrays that carry their certificates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, as_columns, as_matrix
from minimand._common.result import Certificate, Result
from minimand.least_squares.moments import UNIT

_SAFE_EXPONENT = 1000  # of a power of two that is a float64, and not the last one
_BLOCK = 256  # rows that a certificate looks at together


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TriangularSolution(Result):
    """Solution of a triangular system; `np.asarray(result)` is `x`.

    Attributes
    ----------
    x : ndarray (n,) or (n, k)
        The solution.
    lower, transpose : bool
        As they were asked for.
    """

    x: Floats
    lower: bool
    transpose: bool

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the solution."""
        return np.array(self.x, dtype=dtype) if copy else np.asarray(self.x, dtype=dtype)

    def _recompute(self, R: object, b: object) -> tuple[Certificate, ...]:
        matrix = as_matrix("R", R, square=True)
        targets, _ = as_columns("b", b, length=matrix.shape[0], like="R")
        return triangular_certificate(matrix, self.lower, self.transpose, self.x, targets)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CholeskyResult(Result):
    """Lower triangle L with A = L L'; `np.asarray(result)` is `L`.

    Attributes
    ----------
    L : ndarray (n, n)
        The factor, zeros above the diagonal.
    """

    L: Floats

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return L."""
        return np.array(self.L, dtype=dtype) if copy else np.asarray(self.L, dtype=dtype)

    def _recompute(self, A: object) -> tuple[Certificate, ...]:
        return cholesky_certificate(as_matrix("A", A, square=True), self.L)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class QRResult(Result):
    """Thin factors X[:, pivots] = Q R; unpacks as `Q, R = qr(X)`, with the pivots if asked for.

    Attributes
    ----------
    Q : ndarray (m, min(m, n))
        Orthonormal columns.
    R : ndarray (min(m, n), n)
        Upper triangular, diagonal >= 0.
    pivots : ndarray of int (n,) or None
        Order of the columns with `pivoting=True`.
    """

    Q: Floats
    R: Floats
    pivots: NDArray[np.int64] | None

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Unpack the factors."""
        yield from (self.Q, self.R)
        if self.pivots is not None:
            yield self.pivots

    def _recompute(self, X: object) -> tuple[Certificate, ...]:
        return qr_certificates(as_matrix("X", X), self.Q, self.R, self.pivots)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PinvResult(Result):
    """Pseudo-inverse; `np.asarray(result)` is `pinv`.

    Attributes
    ----------
    pinv : ndarray (n, m)
        The Moore-Penrose inverse of X, cut at its rank.
    rank : int
        Independent columns of X within the accuracy of the data.
    """

    pinv: Floats
    rank: int

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the pseudo-inverse."""
        return np.array(self.pinv, dtype=dtype) if copy else np.asarray(self.pinv, dtype=dtype)

    def _recompute(self, X: object) -> tuple[Certificate, ...]:
        return penrose_certificates(as_matrix("X", X), self.pinv)


def exponent_of(matrix: Floats) -> int:
    """Return the binary exponent of the largest entry; without it no square overflows."""
    return int(np.frexp(max(matrix.max(), -matrix.min()))[1])


def scaled_by(array: Floats, exponent: int | NDArray[np.integer[Any]]) -> Floats:
    """Return array * 2^exponent; `np.ldexp` is slow, and only extreme exponents need it."""
    if np.all(np.abs(exponent) < _SAFE_EXPONENT):
        return np.asarray(array * np.ldexp(1.0, exponent))
    return np.asarray(np.ldexp(array, exponent))


def triangular_certificate(
    matrix: Floats, lower: bool, transpose: bool, x: Floats, b: Floats
) -> tuple[Certificate, ...]:
    """Oettli, Prager: the smallest relative change of entries that makes x exact."""
    n = len(matrix)
    # Powers of two move from the matrix and b into x: nothing overflows on the way.
    columns, shift = x.reshape(n, -1), exponent_of(matrix)
    largest = np.maximum(np.abs(columns).max(axis=0), scaled_by(np.abs(b).max(axis=0), -shift))
    exponents = np.frexp(largest)[1]
    columns, b = scaled_by(columns, -exponents), scaled_by(b, -exponents - shift)
    residual, scale = b.copy(), np.abs(b)
    for i in range(0, n, _BLOCK):  # one band of rows of the triangle at a time
        j = min(i + _BLOCK, n)
        span = slice(0, j) if lower else slice(i, n)
        band = scaled_by(matrix[i:j, span], -shift)
        band = np.tril(band, i) if lower else np.triu(band)
        rows, taken = (span, slice(i, j)) if transpose else (slice(i, j), span)
        band = band.T if transpose else band
        residual[rows] -= band @ columns[taken]
        scale[rows] += np.abs(band) @ np.abs(columns[taken])
    value = np.divide(np.abs(residual), scale, out=np.zeros_like(scale), where=scale > 0)
    text = "relative change of each entry of R and b that makes x exact"
    largest_change = float(value.max(initial=0.0))
    return (Certificate("backward error", largest_change, 2 * (n + 1) * UNIT, text, n * UNIT),)


def cholesky_certificate(A: Floats, L: Floats) -> tuple[Certificate, ...]:
    """Return ||A - LL'|| / ||A|| in the Frobenius norm, from the lower triangles."""
    n, half = len(A), exponent_of(A) // 2
    factor, gap, size = scaled_by(L, -half), 0.0, 0.0
    for i in range(0, n, _BLOCK):
        j = min(i + _BLOCK, n)
        part = scaled_by(A[i:j, :j], -2 * half)
        left = part - factor[i:j, :j] @ factor[:j, :j].T
        gap, size = gap + _symmetric_squares(left, i), size + _symmetric_squares(part, i)
    value = float(np.sqrt(gap / size))
    return (Certificate("residual", value, 10 * n * UNIT, "||A - LL'|| / ||A||", n * UNIT),)


def _symmetric_squares(rows: Floats, i: int) -> float:
    """Add up the squares of rows i... of a symmetric matrix and of their mirror image."""
    diagonal = rows[:, i:]
    below = float(np.vdot(rows[:, :i], rows[:, :i]) + np.sum(np.tril(diagonal, -1) ** 2))
    return 2 * below + float(np.sum(np.diag(diagonal) ** 2))


def qr_certificates(
    X: Floats, Q: Floats, R: Floats, pivots: NDArray[np.int64] | None
) -> tuple[Certificate, ...]:
    """Return ||Q'Q - I|| and ||X - QR|| / ||X|| in the Frobenius norm."""
    grain = max(X.shape[1], 4) * UNIT * float(np.sqrt(Q.shape[1]))
    exponent = exponent_of(X)
    X, R = scaled_by(X, -exponent), scaled_by(R, -exponent)
    orthogonality = float(np.linalg.norm(Q.T @ Q - np.eye(Q.shape[1])))
    gap = np.linalg.norm((X if pivots is None else X[:, pivots]) - Q @ R)
    residual = float(gap) / (float(np.linalg.norm(X)) or 1.0)
    return (
        Certificate("orthogonality", orthogonality, 10 * grain, "||Q'Q - I||", grain),
        Certificate("residual", residual, 10 * grain, "||X - QR|| / ||X||", grain),
    )


def penrose_certificates(X: Floats, P: Floats) -> tuple[Certificate, ...]:
    """Check the four Penrose conditions in forms that need no m x m matrix."""
    exponent = exponent_of(X)
    X, P = scaled_by(X, -exponent), scaled_by(P, exponent)
    tall = X.shape[0] >= X.shape[1]
    A, B = (X, P) if tall else (X.T, P.T)
    BA, left, right = B @ A, "X'X P = X'", "P X X' = X'"
    gaps = {
        "X P X = X": (A @ BA - A, A),
        "P X P = P": (BA @ B - B, B),
        left if tall else right: ((A.T @ A) @ B - A.T, A),
        right if tall else left: (BA @ A.T - A.T, A),
    }
    kappa = max(float(np.linalg.norm(X) * np.linalg.norm(P)), 1.0)
    grain = max(A.shape[1], 4) * UNIT * kappa
    text = "residual relative to the right side"
    return tuple(
        Certificate(
            name,
            float(np.linalg.norm(gap)) / (float(np.linalg.norm(side)) or 1.0),
            10 * grain,
            text,
            grain,
        )
        for name, (gap, side) in gaps.items()
    )
