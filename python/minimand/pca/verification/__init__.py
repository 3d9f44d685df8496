"""Certificates of principal components, computed anew from the data by plain NumPy alone.

Means come from error-free transformations; B, B V' and B'(B V') are formed block by block. Where
singular vectors were claimed to the accuracy of a QR factorisation, that is done again, by LAPACK.
Nothing here is shared with the solver: no kernel, no reference implementation, no formula.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minimand._common.errors import CertificateError
from minimand._common.result import Certificate
from minimand.pca.verification.bounds import false_bounds
from minimand.pca.verification.numbers import false_numbers, false_shapes
from minimand.pca.verification.rows import Measured, measure, read
from minimand.pca.verification.vectors import false_left_out, false_vectors

if TYPE_CHECKING:
    from minimand.pca.result import PCAResult

__all__ = ["recompute"]

_UNIT = 2.0**-53


def recompute(result: PCAResult, X: object, weights: object = None) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the data alone show them.

    Raises
    ------
    ValueError
        The data have another shape than the result.
    CertificateError
        A field of the result is not that of the data.
    """
    rows = read(result, X, weights)
    with np.errstate(all="ignore"):  # what is not finite fails its certificate
        problems = list(false_shapes(result))
        if not problems:
            found = measure(result, rows)
            problems = [
                *false_numbers(result, rows, found),
                *false_bounds(result),
                *false_left_out(result, rows, found),
                *false_vectors(result, rows),
            ]
    if problems:
        raise CertificateError(f"{type(result).__name__} does not verify: {'; '.join(problems)}")
    return _certificates(result, found)


def _certificates(result: PCAResult, found: Measured) -> tuple[Certificate, ...]:
    V = result.components
    k, n = V.shape
    if k == 0:
        return ()
    recorded = {certificate.name: certificate for certificate in result.certificates}
    apart = float(np.linalg.norm(V @ V.T - np.eye(k)))
    listed = [
        Certificate(
            "residual", float(found.residual.max()), result.tol + 2 * result.roundoff,
            "largest ||C v - lambda v||, relative to the first eigenvalue", found.floor,
        ),
        Certificate(
            "orthonormality", apart, 10 * n * _UNIT, "||V V' - I||_F of the components", n * _UNIT
        ),
    ]  # fmt: skip
    if result.leading == "proved" and k < n:
        last = float(result.singular_values[-1] / result.singular_values[0]) ** 2
        slack = 2 * result.roundoff / last
        text = "largest eigenvalue left out, relative to the smallest one kept"
        listed.append(
            Certificate("left out", result.left_out / last, 1.0 + slack, text, 1.0 + slack)
        )
    if "discarded energy" in recorded:
        text = "share of the variance that the components do not explain"
        bound = recorded["discarded energy"].bound
        listed.append(
            Certificate("discarded energy", found.discarded, bound, text, 10 * found.floor)
        )
    return tuple(listed)
