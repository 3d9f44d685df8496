"""Minimax fits: the exchange of rows inside a working set, and the rows with large residuals.

Of q = p + 1 rows (the reference) and signs s the matrix B has the columns (s_i x_i, 1). Then

    lambda = B^-1 (0, ..., 0, 1),    (theta, h) = (s y)' B^-1

are the weights of the reference and its minimax fit: all of its residuals are s_i h. As long as
lambda >= 0, no theta makes the largest residual smaller than h. A row with |r_k| > h enters with
the sign of its residual, and the row that leaves is the one that keeps lambda >= 0: h grows. This
is the simplex method on the dual problem, max sum lambda s y over sum lambda s x = 0, sum lambda
= 1, lambda >= 0.
"""
# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

OPTIMAL, UNFINISHED, BROKEN = 0, 1, 2

REFACTOR = 32  # exchanges after which B is inverted anew
TIES = 1e-13  # what rounding leaves of a weight that is 0
SMALLEST_PIVOT = 1e-11  # of the largest entry of a column
GROWTH = 1e-14  # relative growth of h that counts
PATIENCE = 50  # times q exchanges without growth: rounding leads in circles


def chebyshev_exchange(
    X: Array,
    y: Array,
    intercept: bool,
    tol: float,
    slack: float,
    max_iterations: int,
    reference: Integers,
    signs: Array,
    state: Array,
    theta: Array,
    weights: Array,
) -> int:
    """Exchange rows of the reference until no |r_k| > h (1 + tol) + slack, or the limit is reached.

    In and out: reference (q,), the numbers of its rows, and their signs (q,), with lambda >= 0;
    state (3,): exchanges without growth, the largest h so far, and all exchanges so far (0, 0, 0
    at the start). Out: theta (p,) and weights (q,) of the last reference.

    Returns 0 if none is left, 1 at the limit, 2 if rounding made B singular or leads in circles.
    After 3 q exchanges without growth of h the first row that can enters, and the first one that
    can leaves (Bland), until h grows.
    """
    A = np.hstack([X, np.ones((len(X), 1))]) if intercept else X
    q = len(reference)
    inverse, age, exchanges = None, 0, 0
    while True:
        # The fit of the reference, corrected once for the rounding of the inverse
        B = np.vstack([signs * A[reference].T, np.ones(q)])
        if inverse is None:
            try:
                inverse = np.linalg.inv(B)
            except np.linalg.LinAlgError:
                return BROKEN
            age = 0
        solution = (signs * y[reference]) @ inverse
        solution += (signs * y[reference] - solution @ B) @ inverse
        h = solution[-1]
        if not np.isfinite(solution).all():
            return BROKEN
        theta[:], weights[:] = solution[:-1], inverse[:, -1]

        # The row that enters
        residual = y - A @ theta
        size = np.abs(residual)
        if h > state[1] * (1.0 + GROWTH):
            state[0], state[1] = 0.0, h
        limit = h + tol * abs(h) + slack
        by_number = state[0] > 3 * q
        if state[0] > PATIENCE * q:
            return BROKEN
        enter = int(np.argmax(size > limit) if by_number else np.argmax(size))
        if size[enter] <= limit:
            if age == 0:
                return OPTIMAL
            inverse = None  # look again with an exact inverse
            continue
        if exchanges == max_iterations:
            return UNFINISHED
        sign = 1.0 if residual[enter] > 0 else -1.0

        # The row that leaves
        column = inverse @ np.append(sign * A[enter], 1.0)
        allowed = np.flatnonzero(column > SMALLEST_PIVOT * np.abs(column).max())
        if len(allowed) == 0:
            return BROKEN
        held = np.maximum(weights[allowed], 0.0)
        tied = allowed[held / column[allowed] <= ((held + TIES) / column[allowed]).min()]
        key = reference[tied] if by_number else -column[tied]
        leave = tied[np.argmin(key)]
        row = inverse[leave] / column[leave]
        inverse = inverse - np.outer(column, row)
        inverse[leave] = row
        reference[leave], signs[leave] = enter, sign
        exchanges, age = exchanges + 1, age + 1
        state[0] += 1.0
        state[2] += 1.0
        if age == REFACTOR:
            inverse = None


def residual_extremes(
    X: Array,
    y: Array,
    theta: Array,
    intercept: bool,
    begin: int,
    end: int,
    rows: Integers,
    residuals: Array,
    threads: int,
) -> None:
    """Find the largest |r|, r = y - X theta, among the rows begin..end-1, in descending order.

    Out: rows (k,), residuals (k,), k <= end - begin; of equal sizes the first row comes first.
    """
    n = X.shape[1]
    fitted = X[begin:end] @ theta[:n]
    residual = y[begin:end] - (fitted + theta[n] if intercept else fitted)
    order = np.argsort(-np.abs(residual), kind="stable")[: len(rows)]
    rows[:] = begin + order
    residuals[:] = residual[order]
