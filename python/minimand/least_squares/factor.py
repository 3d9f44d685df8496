"""The factorisations of a textbook: triangular solves, Cholesky, QR, pseudo-inverse, certified."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, as_columns, as_matrix, boolean, nonnegative_float
from minimand._common.backend import Backend, kernels
from minimand._common.errors import NotPositiveDefiniteError, SingularMatrixError
from minimand._common.iterate import interruptible
from minimand._common.result import Certificate, Status
from minimand._common.threads import resolve_threads
from minimand.least_squares.factor_result import (
    CholeskyResult,
    PinvResult,
    QRResult,
    TriangularSolution,
    cholesky_certificate,
    exponent_of,
    penrose_certificates,
    qr_certificates,
    scaled_by,
    triangular_certificate,
)
from minimand.least_squares.moments import UNIT
from minimand.least_squares.rank import FLOOR_FACTOR, decide

_BLOCK = 256  # rows that are compared with their mirror image together
_ASYMMETRY = 1e-8  # relative; more than rounding can make of a symmetric matrix


def solve_triangular(
    R: object,
    b: object,
    *,
    lower: bool = False,
    transpose: bool = False,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> TriangularSolution:
    """Solve R x = b (or R' x = b) with a triangular matrix.

    Parameters
    ----------
    R : array_like (n, n)
        Only its upper (or lower) triangle is read.
    b : array_like (n,) or (n, k)
        Right-hand sides.
    lower, transpose : bool
        Which triangle, and whether to solve with its transpose.

    Returns
    -------
    TriangularSolution
        With the Oettli-Prager backward error max_i |b - R x|_i / (|R| |x| + |b|)_i as certificate.

    Raises
    ------
    SingularMatrixError
        A zero on the diagonal; the message names its index.

    Notes
    -----
    Source: Higham, *Accuracy and Stability of Numerical Algorithms* (2002), theorems 7.3 and 8.5.

    Examples
    --------
    >>> import minimand
    >>> minimand.solve_triangular([[2.0, 1.0], [0.0, 4.0]], [4.0, 8.0]).x
    array([1., 2.])
    """
    # Check and convert
    start = time.perf_counter()
    compiled = kernels("least_squares", backend)
    lower, transpose = boolean("lower", lower), boolean("transpose", transpose)
    workers = resolve_threads(threads)
    matrix = as_matrix("R", R, square=True)
    targets, single = as_columns("b", b, length=matrix.shape[0], like="R")

    # Solve
    x = targets.copy()
    solve = compiled.solve_triangular
    zero = interruptible(matrix.size * x.shape[1], solve, matrix, x, lower, transpose, workers)
    if zero:
        raise SingularMatrixError(
            f"R is singular: its diagonal entry {zero - 1} (counted from 0) is 0"
        )

    # Certify and return
    certificate = triangular_certificate(matrix, lower, transpose, x, targets)
    return TriangularSolution(
        **_run(start, backend, certificate), x=x[:, 0] if single else x, lower=lower,
        transpose=transpose,
    )  # fmt: skip


def cholesky(A: object, *, threads: int | None = None, backend: Backend = "cpp") -> CholeskyResult:
    """Factor a symmetric positive definite matrix as A = L L'.

    Parameters
    ----------
    A : array_like (n, n)
        Symmetric up to rounding; the lower triangle is read.

    Returns
    -------
    CholeskyResult
        L, with ||A - L L'||_F / ||A||_F as certificate.

    Raises
    ------
    ValueError
        A is not symmetric.
    NotPositiveDefiniteError
        The message names the order of the leading minor that is not positive.

    Notes
    -----
    Source: Golub, Van Loan, *Matrix Computations* (2013), section 4.2.6 (blocked, right-looking).

    Examples
    --------
    >>> import minimand
    >>> minimand.cholesky([[4.0, 2.0], [2.0, 5.0]]).L
    array([[2., 0.],
           [1., 2.]])
    """
    # Check and convert
    start = time.perf_counter()
    compiled = kernels("least_squares", backend)
    workers = resolve_threads(threads)
    matrix = as_matrix("A", A, square=True)
    largest = np.abs(matrix).max()
    _check_symmetric(matrix, largest)

    # Factor, with the largest entry brought near 1 by a power of 4
    half = int(np.frexp(largest)[1]) // 2
    L = scaled_by(matrix, -2 * half)
    failed = interruptible(len(L) ** 3 / 6, compiled.cholesky_factor, L, workers)
    if failed:
        raise NotPositiveDefiniteError(
            f"A is not positive definite: its leading minor of order {failed} is not positive"
        )
    L = scaled_by(L, half)

    # Certify and return
    return CholeskyResult(**_run(start, backend, cholesky_certificate(matrix, L)), L=L)


def qr(
    X: object, *, pivoting: bool = False, threads: int | None = None, backend: Backend = "cpp"
) -> QRResult:
    """Factor X = Q R into orthonormal columns and a triangle, by Householder reflections.

    Parameters
    ----------
    X : array_like (m, n)
        Tall matrices are factored by blocks of rows in parallel (TSQR).
    pivoting : bool
        Whether to take the column of largest remaining norm next, so that the diagonal of R falls.

    Returns
    -------
    QRResult
        Q, R and the pivots, with ||Q'Q - I||_F and ||X - QR||_F / ||X||_F as certificates.

    Notes
    -----
    Sources: Demmel et al., SIAM J. Sci. Comput. 34 (2012) A206; Businger, Golub, Numer. Math. 7
    (1965) 269.

    Examples
    --------
    >>> import minimand
    >>> Q, R = minimand.qr([[3.0, 1.0], [4.0, 2.0]])
    >>> R.round(6)
    array([[5. , 2.2],
           [0. , 0.4]])
    """
    # Check and convert
    start = time.perf_counter()
    compiled = kernels("least_squares", backend)
    pivoting = boolean("pivoting", pivoting)
    workers = resolve_threads(threads)
    matrix = as_matrix("X", X)

    # Factor
    exponent = exponent_of(matrix)
    Q, R = _factors(scaled_by(matrix, -exponent), compiled, workers)
    pivots = None
    if pivoting:
        n, t = R.shape[1], R.shape[0]
        work = np.ascontiguousarray(np.hstack([R, np.eye(t)]))
        pivots = np.empty(n, dtype=np.int64)
        interruptible(
            n * work.size, compiled.pivoted_qr, work, n, np.zeros(n), False, pivots, np.zeros(n)
        )
        R, Q = np.ascontiguousarray(work[:, :n]), Q @ work[:, n:].T
    R = scaled_by(R, exponent)

    # Certify and return
    certificates = qr_certificates(matrix, Q, R, pivots)
    return QRResult(**_run(start, backend, certificates), Q=Q, R=R, pivots=pivots)


def pinv(
    X: object,
    *,
    data_error: float | None = None,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> PinvResult:
    """Compute the Moore-Penrose pseudo-inverse, the rank decided as in `lstsq`.

    Parameters
    ----------
    X : array_like (m, n)
        Any shape.
    data_error : float, optional
        Relative error of the entries of X, for the rank decision; its rounding by default.

    Returns
    -------
    PinvResult
        P = pinv with the four Penrose conditions as certificates, in the equivalent forms
        X P X = X, P X P = P, X'X P = X', P X X' = X', which stay small for tall matrices.

    Notes
    -----
    X = Q R by TSQR, pivoted QR of R cut at the rank, minimum norm by QR of the transpose (complete
    orthogonal decomposition). Source: Golub, Van Loan, *Matrix Computations* (2013), section 5.4.7.

    Examples
    --------
    >>> import minimand
    >>> minimand.pinv([[1.0], [2.0], [2.0]]).pinv.round(6)
    array([[0.111111, 0.222222, 0.222222]])
    """
    # Check and convert
    start = time.perf_counter()
    compiled = kernels("least_squares", backend)
    workers = resolve_threads(threads)
    u_data = UNIT if data_error is None else nonnegative_float("data_error", data_error)
    matrix = as_matrix("X", X)

    # Invert
    exponent = exponent_of(matrix)
    Q, R = _factors(scaled_by(matrix, -exponent), compiled, workers)
    t, n = R.shape
    length = np.linalg.norm(R, axis=0)
    unit = np.where(length > 0, length, 1.0)
    floor = np.full(n, FLOOR_FACTOR * np.sqrt(n) * max(u_data, UNIT))
    factor, rotated = decide(R / unit, np.eye(t), floor, unit, basic=False, kernels=compiled)
    inner = factor.solve(rotated, columnwise=False) / unit[:, None]
    inverse = scaled_by(inner @ Q.T, -exponent)

    # Certify and return
    certificates = penrose_certificates(matrix, inverse)
    return PinvResult(**_run(start, backend, certificates), pinv=inverse, rank=factor.rank)


def _check_symmetric(A: Floats, largest: float) -> None:
    for begin in range(0, len(A), _BLOCK):
        rows, columns = A[begin : begin + _BLOCK, begin:], A[begin:, begin : begin + _BLOCK]
        with np.errstate(over="ignore"):
            skew = np.abs(rows - columns.T)
        if skew.max() > _ASYMMETRY * largest:
            i, j = np.unravel_index(int(skew.argmax()), skew.shape)
            i, j = i + begin, j + begin
            raise ValueError(
                f"A is not symmetric: entry ({i}, {j}) is {A[i, j]:.6g} and entry ({j}, {i}) is "
                f"{A[j, i]:.6g}; use (A + A.T) / 2 if only rounding separates them"
            )


def _run(start: float, backend: str, certificates: tuple[Certificate, ...]) -> dict[str, Any]:
    """Return the fields of a `Result` for a direct method."""
    good = all(certificate.holds for certificate in certificates)
    return {
        "status": Status.CONVERGED if good else Status.NOT_CERTIFIED,
        "iterations": 0,
        "history": (),
        "seconds": time.perf_counter() - start,
        "backend": backend,
        "certificates": certificates,
    }


def _factors(matrix: Floats, compiled: Any, workers: int) -> tuple[Floats, Floats]:
    m, n = matrix.shape
    Q, R = np.empty((m, min(m, n))), np.empty((min(m, n), n))
    interruptible(2 * matrix.size * min(m, n), compiled.qr_factor, matrix, Q, R, workers)
    return Q, R
