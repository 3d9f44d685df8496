"""Claims that residuals cannot settle: small singular values, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minimand._common.arrays import Floats
from minimand.pca.verification.rows import Measured, Rows

if TYPE_CHECKING:
    from minimand.pca.result import PCAResult

_UNIT = 2.0**-53
_QR_BLOCK = 1 << 20  # entries that are factored together


def false_vectors(result: PCAResult, rows: Rows) -> Iterator[str]:
    """Compare with LAPACK's singular vectors of B, where the accuracy of QR was claimed."""
    if not (np.isfinite(result.backward_error) and len(result.components)):
        return
    sigma, V = _singular_vectors(rows)
    k = len(result.components)
    sigma, V = sigma[:k], V[:k]
    # Both have errors of that kind.
    allowed = 2 * result.backward_error
    missed = np.abs(result.singular_values / result.singular_values[0] - sigma / sigma[0])
    if len(sigma) < k or not np.all(missed <= allowed):
        yield f"singular_values are off by {missed.max():.3g} of the first"
        return
    clustered = {i for cluster in result.clusters for i in cluster}
    singles = [(i,) for i in range(k) if i not in clustered]
    for group in [*singles, *result.clusters]:
        members = list(group)
        mine, theirs = result.components[members], V[members]
        sine = float(np.linalg.norm(mine - (mine @ theirs.T) @ theirs, 2))  # of the largest angle
        bound = float(result.angle_bound[members[0]])
        if not sine <= 2 * bound + 10 * mine.shape[1] * _UNIT:
            yield f"components {members} are off by {sine:.3g}, the angle_bound is {bound:.3g}"


def _singular_vectors(rows: Rows) -> tuple[Floats, Floats]:
    n = rows.X.shape[1]
    if rows.used < n:
        B = np.vstack(list(rows.blocks()))
        _, sigma, Vt = np.linalg.svd(B, full_matrices=False)
        return sigma, Vt
    R = np.empty((0, n))
    for B in rows.blocks(max(2 * n * n, _QR_BLOCK)):
        R = np.asarray(np.linalg.qr(np.vstack([R, B]), mode="r"))
    _, sigma, Vt = np.linalg.svd(R)
    return sigma, Vt


def false_left_out(result: PCAResult, rows: Rows, found: Measured) -> Iterator[str]:
    """Check that no eigenvalue is larger than what is said to be left out.

    The sum of those left out bounds each of them. Where that does not do: with P = I - V'V the
    (k+1)-th eigenvalue of C is at most the largest one of PCP, by Courant and Fischer.
    """
    k, n = result.components.shape
    if k in (0, n) or result.leading != "proved":
        return
    # Errors of the vectors let a little of the components themselves pass through P.
    slack = found.floor + float(np.linalg.norm(result.residual))
    if found.discarded * found.relative <= result.left_out + slack:
        return
    largest = _largest_left_out(result.components, rows) / found.first**2
    if not largest <= result.left_out + slack:
        yield f"left_out is {largest:.6g}, recorded was {result.left_out:.6g}"


def _largest_left_out(V: Floats, rows: Rows) -> float:
    def left() -> Iterator[Floats]:
        for B in rows.blocks():
            yield B - (B @ V.T) @ V

    if rows.used < V.shape[1]:
        part = np.vstack(list(left()))
        return float(np.linalg.eigvalsh(part @ part.T)[-1])
    gram = np.zeros((V.shape[1], V.shape[1]))
    for part in left():
        gram += part.T @ part
    return float(np.linalg.eigvalsh(gram)[-1])
