"""NumPy mirror of the least-squares kernels, written to be read.

Signatures, in-out arguments and return values are those of the compiled module
``minimand._core.least_squares``. Nothing is checked here and nothing is tuned.

A pass looks at rows ``begin <= i < end`` of the augmented matrix

    z_i = sqrt(w_i) [1, (x_i - shift_x) scale_x, (y_i - shift_y) scale_y],

whose leading 1 stands there when ``intercept`` is true. ``shift`` and ``scale`` list the columns
of X, then those of Y. An empty ``weights`` means none. ``threads`` is accepted and ignored.
"""

from minimand.reference.least_squares.factor import (
    cholesky_factor,
    min_norm,
    pivoted_qr,
    qr_factor,
    solve_triangular,
    svd,
)
from minimand.reference.least_squares.passes import (
    gram_pass,
    merge_r,
    preconditioned_gram_pass,
    tsqr_pass,
)
from minimand.reference.least_squares.residual import residual_pass

__all__ = [
    "cholesky_factor",
    "gram_pass",
    "merge_r",
    "min_norm",
    "pivoted_qr",
    "preconditioned_gram_pass",
    "qr_factor",
    "residual_pass",
    "solve_triangular",
    "svd",
    "tsqr_pass",
]
