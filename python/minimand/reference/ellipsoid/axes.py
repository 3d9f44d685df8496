"""Principal axes of an ellipsoid."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

SWEEPS = 60  # it takes some 8


def principal_axes(transform: Array, axes: Array, stretches: Array, root: Array) -> None:
    """Orthogonal ``axes``, ascending ``stretches`` and the symmetric ``root``, B = transform.

    ``B'B = axes diag(stretches^2) axes' = root^2``. One-sided Jacobi: columns are rotated in pairs
    until all are orthogonal. Unlike methods that first make a matrix bidiagonal, it keeps the
    relative accuracy of small stretches when columns have different units; so does the root, as
    B = W root with orthogonal W. Each column has an exponent of its own, so that no product of two
    over- or underflows. J. Demmel, K. Veselic, SIAM J. Matrix Anal. Appl. 13 (1992) 1204.
    """
    n = len(transform)
    size = np.abs(transform).max(axis=0)
    e = np.frexp(size)[1]
    B, J = np.ldexp(transform, -e), np.eye(n)
    threshold = np.sqrt(n) * np.finfo(np.float64).eps
    rotated = True
    for _ in range(SWEEPS):
        if not rotated:
            break
        rotated = False
        for first, second in zip(*np.triu_indices(n, 1), strict=True):
            p, r = (first, second) if e[first] >= e[second] else (second, first)
            a, b, c = B[:, p] @ B[:, p], B[:, r] @ B[:, r], B[:, p] @ B[:, r]
            if not abs(c) > threshold * np.sqrt(a * b):
                continue
            rotated = True
            # tangent = ratio t, where the unit of column r is `ratio` times that of column p
            ratio = np.ldexp(1.0, e[r] - e[p])
            zeta = (ratio * ratio * b - a) / (2.0 * c)
            t = np.copysign(1.0, zeta) / (abs(zeta) + np.hypot(ratio, zeta))
            cosine = 1.0 / np.hypot(1.0, ratio * t)
            turn = np.array([[1.0, t], [-ratio * ratio * t, 1.0]])
            B[:, [p, r]] = B[:, [p, r]] @ (cosine * turn)
            J[:, [p, r]] = J[:, [p, r]] @ (cosine * np.array([[1.0, ratio * t], [-ratio * t, 1.0]]))
    length = np.linalg.norm(B, axis=0)
    W = (B / length) @ J.T
    length = np.ldexp(length, e)
    order = np.argsort(length, kind="stable")
    axes[:], stretches[:] = J[:, order], length[order]
    # Either of two entries would do; the one from the shorter column has the smaller error.
    square = W.T @ transform
    root[:] = np.where(size <= size[:, np.newaxis], square, square.T)
    root[:] = np.tril(root) + np.tril(root, -1).T
