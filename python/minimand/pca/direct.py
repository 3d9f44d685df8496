"""All components at once: by the Gram matrix of the columns (or rows), or by a triangle.

gram   eigenvectors of B'B, summed in one read of X. ||dC|| <= gamma tr C, so that singular values
       below about 1e-7 of the first drown.
svd    singular vectors of R, B = QR by Householder reflections: errors of 1e-16 of the first.

With fewer rows than columns B' takes the place of B.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, check_finite
from minimand._common.iterate import interruptible
from minimand.least_squares.data import Frame
from minimand.least_squares.moments import UNIT
from minimand.pca.data import Rows, roundoff
from minimand.pca.spectrum import Moments, Spectrum, direct_left_out

_MOVED = 10.0  # an origin that makes the sums larger by this factor is moved to the mean


def decompose(data: Rows, method: str) -> Spectrum:
    """Return all singular values of the data by "gram" or "svd"."""
    if data.observations < data.columns:
        return _wide(data, method)
    return _from_rows(data, method)


def _from_rows(data: Rows, method: str) -> Spectrum:
    """Sum over the rows; again about the mean, or in another unit, where that was needed."""
    sums = data.gram if method == "gram" else data.triangle
    frame = data.first_frame()
    found = sums(frame)
    if data.out_of_range(lengths(found, data.lead, method)):
        frame = data.scaled_frame()
        found = sums(frame)
    if data.intercept:
        moved = data.weight * float(np.sum(_offset(found, data.weight, method) ** 2))
        if moved * _MOVED > float(lengths(found, data.lead, method).sum()) - moved:
            offset = _offset(found, data.weight, method)
            frame = replace(frame, shift=frame.shift + offset / frame.scale)
            found = sums(frame)
    return from_sums(data, frame, found, method)


def from_sums(data: Rows, frame: Frame, sums: Floats, method: str) -> Spectrum:
    """Return the spectrum from the Gram matrix, or the triangle, of the rows [1 x]."""
    weight, lead = data.weight, data.lead
    total = float(lengths(sums, lead, method).sum())
    scale = float(frame.scale[0]) if frame.scale.size else 1.0
    offset = _offset(sums, weight, method) if lead else np.zeros(data.columns)
    if method == "gram":
        matrix = sums[lead:, lead:] - weight * np.outer(offset, offset)
        squares = np.maximum(np.diag(matrix), 0.0)
    else:
        matrix = np.array(sums[lead:, lead:])
        squares = np.einsum("ij,ij->j", matrix, matrix)
    found = Moments.of(data, frame.shift, scale, offset, squares)
    used = np.flatnonzero(~found.constant)
    if method == "gram":
        return _by_eigenvectors(found, matrix, used, roundoff(data.gram_depth()) * total)
    error = _triangular_error(data, matrix.shape[1]) * float(np.sqrt(total))
    return _by_singular_vectors(found, matrix, used, error)


def _wide(data: Rows, method: str) -> Spectrum:
    """Take the transpose of the centred rows, which is a copy of X."""
    check_finite("X", data.X)
    frame = data.scaled_frame()
    scale = float(frame.scale[0])
    used = data.weights > 0 if data.weights.size else np.ones(data.rows, dtype=bool)
    weights = data.weights[used] if data.weights.size else np.ones(data.rows)
    rows = data.X[used].astype(np.float64) * scale
    offset = np.zeros(data.columns)
    if data.intercept:
        share = weights / weights.sum()
        for _ in range(2):  # the second time mends the rounding of the first
            move = share @ rows
            rows -= move
            offset += move
    rows *= np.sqrt(weights)[:, None]
    squares = np.einsum("ij,ij->j", rows, rows)
    found = Moments.of(data, np.zeros(data.columns), scale, offset, squares)
    columns = np.flatnonzero(~found.constant)
    B = np.ascontiguousarray(rows.T if columns.size == data.columns else rows.T[columns])
    turned = replace(data, X=B, Y=np.empty((len(B), 0)), weights=np.empty(0), intercept=False)
    if method == "gram" or columns.size == 0:
        return _by_row_products(turned, found, columns)
    m, n, t = B.shape[1], data.columns, min(B.shape)
    Q, R = np.empty((len(B), t)), np.empty((t, m))
    interruptible(2.0 * B.size * t, data.kernels.qr_factor, B, Q, R, data.threads)
    error = _triangular_error(turned, m) * float(np.linalg.norm(B))
    U, sigma, _ = interruptible(10.0 * m**3, np.linalg.svd, R)
    return Spectrum(
        method="svd",
        moments=found,
        sigma=sigma,
        energy=float(np.sum(sigma**2)),
        noise=2.0 * error * float(sigma[0]),
        backward_error=error,
        complete=True,
        vectors=lambda k: _embedded((Q @ U[:, :k]).T, columns, n),
        image=lambda V: _embedded((V[:, columns] @ Q) @ R @ R.T @ Q.T, columns, n),
        left_out=direct_left_out(sigma, 0.0, error),
    )


def _by_row_products(turned: Rows, found: Moments, columns: NDArray[np.int64]) -> Spectrum:
    """Eigenvectors u of the products of the rows; the components are B'u, made orthonormal."""
    B, n = turned.X, found.mean.size
    gram = turned.gram(turned.plain_frame()) if columns.size else np.zeros((1, 1))
    noise = roundoff(turned.gram_depth()) * float(np.trace(gram)) if columns.size else 0.0
    values, U = _eigh(gram)
    sigma = np.sqrt(np.maximum(values, 0.0))

    def vectors(k: int) -> Floats:
        images = np.ascontiguousarray(B @ U[:, :k])
        Q, R = np.empty_like(images), np.empty((k, k))
        turned.kernels.qr_factor(images, Q, R, 1)
        return _embedded((Q @ np.linalg.svd(R)[0]).T, columns, n)

    return Spectrum(
        method="gram",
        moments=found,
        sigma=sigma,
        energy=float(np.trace(gram)),
        noise=noise,
        backward_error=np.inf,
        complete=True,
        vectors=vectors,
        image=lambda V: _embedded((V[:, columns] @ B) @ B.T, columns, n),
        left_out=direct_left_out(sigma, noise, np.inf),
    )


def _by_eigenvectors(found: Moments, C: Floats, used: NDArray[np.int64], noise: float) -> Spectrum:
    n, C = len(C), np.ascontiguousarray(C[np.ix_(used, used)])
    values, V = _eigh(C)
    sigma = np.sqrt(np.maximum(values, 0.0))
    return Spectrum(
        method="gram",
        moments=found,
        sigma=sigma,
        energy=float(np.trace(C)),
        noise=noise,
        backward_error=np.inf,
        complete=True,
        vectors=lambda k: _embedded(V[:, :k].T, used, n),
        image=lambda V: _embedded(V[:, used] @ C, used, n),
        left_out=direct_left_out(sigma, noise, np.inf),
    )


def _by_singular_vectors(
    found: Moments, R: Floats, used: NDArray[np.int64], error: float
) -> Spectrum:
    n, R = R.shape[1], np.ascontiguousarray(R[:, used])
    _, sigma, Vt = interruptible(10.0 * n**3, np.linalg.svd, R)
    return Spectrum(
        method="svd",
        moments=found,
        sigma=sigma,
        energy=float(np.einsum("ij,ij->", R, R)),
        noise=2.0 * error * float(sigma.max(initial=0.0)),
        backward_error=error,
        complete=True,
        vectors=lambda k: _embedded(Vt[:k], used, n),
        image=lambda V: _embedded((V[:, used] @ R.T) @ R, used, n),
        left_out=direct_left_out(sigma, 0.0, error),
    )


def _embedded(V: Floats, used: NDArray[np.int64], n: int) -> Floats:
    """Return vectors of the used columns with zeros for the others, which are constant."""
    wide = np.zeros((len(V), n))
    wide[:, used] = V
    return wide


def _eigh(C: Floats) -> tuple[Floats, Floats]:
    """Return eigenvalues, descending, and eigenvectors, computed in a unit near the largest."""
    size = float(np.abs(C).max(initial=0.0))
    unit = float(np.ldexp(1.0, -np.frexp(size)[1])) if size > 0 else 1.0
    values, V = interruptible(4.0 * len(C) ** 3, np.linalg.eigh, C * unit)
    return values[::-1] / unit, V[:, ::-1]


def _offset(sums: Floats, weight: float, method: str) -> Floats:
    return sums[0, 1:] / (weight if method == "gram" else np.sqrt(weight))


def lengths(sums: Floats, lead: int, method: str) -> Floats:
    """Return the sums of squares of the columns about the origin of the frame."""
    squares = np.diag(sums) if method == "gram" else np.einsum("ij,ij->j", sums, sums)
    return squares[lead:]


def _triangular_error(data: Rows, columns: int) -> float:
    """Return eta: the computed R is that of B + E with ||E||_F <= eta ||B||_F.

    10 n u for a Householder factorisation, for each level of the tree (Demmel et al. 2012, where
    the constant is a modest polynomial).
    """
    levels = 1 + np.ceil(np.log2(1 + data.rows / (8 * columns + 256)))
    return float(10 * columns * UNIT * levels)
