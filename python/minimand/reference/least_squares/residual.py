"""Residual r = y - B x and its products with the columns, B'r, in three precisions."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand.reference.least_squares import double_double as dd
from minimand.reference.least_squares.passes import Design, row_blocks, scaled_rows

Array: TypeAlias = NDArray[np.float64]


@np.errstate(all="ignore")
def residual_pass(
    X: Design,
    Y: Array,
    weights: Array,
    shift: Array,
    scale: Array,
    intercept: bool,
    coef: Array,
    coef_low: Array,
    precision: int,
    begin: int,
    end: int,
    normal: Array,
    normal_low: Array,
    squares: Array,
    threads: int,
) -> None:
    """Residuals at the coefficients ``coef + coef_low``, multiplied by the columns and summed.

    With b_i = [1, (x_i - shift_x) scale_x] and r_i = (y_i - shift_y) scale_y - b_i coef:

        normal + normal_low := sum_i w_i b_i' r_i        squares := sum_i w_i r_i^2

    ``precision`` 0: float64. 1: r in float64, products and sums of ``normal`` in double-double.
    2: r in double-double too, from ``coef + coef_low``; below that the low part drowns in the
    rounding errors. Shifted and scaled entries are float64 throughout: where their rounding
    matters, take no shift, and powers of two as scale.
    """
    n = X.shape[1]
    total = dd.as_pair(np.zeros_like(normal))
    squares[...] = 0.0
    for rows in row_blocks(begin, end):
        B = scaled_rows(X, shift[:n], scale[:n], rows)
        y = scaled_rows(Y, shift[n:], scale[n:], rows)
        if intercept:
            B = np.hstack([np.ones((len(B), 1)), B])
        w = weights[rows, np.newaxis] if weights.size else np.ones((len(B), 1))

        r = dd.as_pair(y - B @ coef)
        if precision == 2:
            r = dd.as_pair(y)
            for j in range(len(coef)):
                r = dd.add(r, dd.multiply(_column(B, j), (-coef[j], -coef_low[j])))

        if precision == 0:
            total[0][...] += B.T @ (w * r[0])
        else:
            weighted = dd.multiply(dd.as_pair(w), r)
            for j in range(len(coef)):
                term = dd.sum_rows(dd.multiply(_column(B, j), weighted))
                total[0][j], total[1][j] = dd.add((total[0][j], total[1][j]), term)
        squares += np.sum(w * r[0] ** 2, axis=0)
    normal[...], normal_low[...] = total


def _column(B: Array, j: int) -> dd.Pair:
    """Column j as an (m, 1) pair, ready to multiply the k right-hand sides."""
    return dd.as_pair(B[:, j : j + 1])
