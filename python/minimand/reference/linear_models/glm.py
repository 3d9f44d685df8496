"""Passes over the rows of a logistic or a Poisson model.

Row i of the design is z_i = [(x_i - shift) scale, 1 if intercept], its linear predictor
eta_i = z_i'theta + offset_i, and its share of the objective

    logistic (family 0)   w_i (log(1 + e^eta_i) - y_i eta_i),   mu = 1 / (1 + e^-eta), V = mu (1-mu)
    Poisson  (family 1)   w_i (e^eta_i - y_i eta_i),            mu = V = e^eta.

Empty ``weights`` mean 1, an empty ``offset`` 0. ``threads`` is accepted and ignored.
"""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

BLOCK_ROWS = 4096
_SERIES = 1e-4  # |t| below which the divergence is bounded by its second-order term


def row_blocks(begin: int, end: int) -> Iterator[slice]:
    """Cut ``begin <= i < end`` into blocks, so that memory stays bounded."""
    for first in range(begin, end, BLOCK_ROWS):
        yield slice(first, min(first + BLOCK_ROWS, end))


def design_rows(X: Array, shift: Array, scale: Array, intercept: bool, rows: slice) -> Array:
    """Rows z_i = [(x_i - shift) scale, 1 if intercept]."""
    Z = (X[rows] - shift) * scale
    return np.hstack([Z, np.ones((len(Z), 1))]) if intercept else Z


def sides(eta: Array) -> tuple[Array, Array]:
    """Return (mu, 1 - mu) of the logistic model, each to its own accuracy."""
    small = np.exp(-np.abs(eta))
    near, far = 1.0 / (1.0 + small), small / (1.0 + small)
    return np.where(eta > 0, near, far), np.where(eta > 0, far, near)


def means(eta: Array, y: Array, family: int) -> tuple[Array, Array, Array]:
    """Return (y - mu, V, share of the objective) of rows of weight 1."""
    if family == 1:
        mu = np.exp(eta)
        return y - mu, mu, mu - y * eta
    mu, rest = sides(eta)
    loss = np.log1p(np.exp(-np.abs(eta))) + (np.maximum(eta, 0.0) - y * eta)
    return y * rest - (1.0 - y) * mu, mu * rest, loss


def divergence(eta: Array, t: Array, family: int) -> Array:
    """Return KL(q, mu), or a bound on it, for q = mu + V t with |t| < 1; infinite beyond."""
    if family == 1:
        mu = variance = np.exp(eta)
        exact = mu * ((1.0 + t) * np.log1p(t) - t)
    else:
        mu, rest = sides(eta)
        variance = mu * rest
        up, down = rest * t, -mu * t  # q = mu (1 + up), 1 - q = rest (1 + down)
        exact = mu * (1.0 + up) * np.log1p(up) + rest * (1.0 + down) * np.log1p(down)
    size = np.abs(t)
    bound = variance * t * t * (1.0 + size) / 2.0
    return np.where(size < _SERIES, bound, np.where(size < 1.0, exact, np.inf))


@np.errstate(all="ignore")
def glm_pass(
    X: Array,
    y: Array,
    weights: Array,
    offset: Array,
    theta: Array,
    shift: Array,
    scale: Array,
    intercept: bool,
    family: int,
    begin: int,
    end: int,
    gradient: Array,
    gram: Array,
    sums: Array,
    threads: int,
) -> None:
    """Evaluate the objective at theta.

    ``gradient := Z'W(y - mu)``, ``gram := Z'VZ`` unless it is empty, and
    ``sums := (objective, min (2y - 1) eta, max |eta|)``; a logistic y between 0 and 1 and all of
    Poisson count as -inf in the minimum.
    """
    gradient[...] = 0.0
    gram[...] = 0.0
    sums[...] = 0.0, np.inf, 0.0
    for rows in row_blocks(begin, end):
        Z = design_rows(X, shift, scale, intercept, rows)
        target, weight = y[rows], weights[rows] if weights.size else 1.0
        eta = Z @ theta + (offset[rows] if offset.size else 0.0)
        residual, variance, loss = means(eta, target, family)
        gradient += Z.T @ (weight * residual)
        if gram.size:
            gram += Z.T @ ((weight * variance)[:, np.newaxis] * Z)
        pure = (np.abs(2.0 * target - 1.0) == 1.0) & (family == 0)
        margin = np.where(pure, (2.0 * target - 1.0) * eta, -np.inf)
        sums[0] += (weight * loss).sum()
        sums[1] = min(sums[1], margin.min())
        sums[2] = max(sums[2], np.abs(eta).max())


@np.errstate(all="ignore")
def glm_direction_pass(
    X: Array,
    y: Array,
    weights: Array,
    offset: Array,
    theta: Array,
    direction: Array,
    shift: Array,
    scale: Array,
    intercept: bool,
    family: int,
    begin: int,
    end: int,
    residual: Array,
    sizes: Array,
    dual: Array,
    sums: Array,
    threads: int,
) -> None:
    """Make the dual point q = mu + V t, t = Z direction, and measure it.

    ``dual := y - q`` in rows begin..end-1, ``residual := Z'W(y - q)``, ``sizes := sum_i w_i |z_i|``
    and ``sums := (sum_i w_i KL(q_i, mu_i), max |t|)``.
    """
    residual[...] = 0.0
    sizes[...] = 0.0
    sums[...] = 0.0
    for rows in row_blocks(begin, end):
        Z = design_rows(X, shift, scale, intercept, rows)
        weight = weights[rows] if weights.size else np.ones(len(Z))
        eta = Z @ theta + (offset[rows] if offset.size else 0.0)
        t = Z @ direction
        gap, variance, _ = means(eta, y[rows], family)
        dual[rows] = gap - variance * t
        residual += Z.T @ (weight * dual[rows])
        sizes += np.abs(Z).T @ weight
        sums[0] += (weight * divergence(eta, t, family)).sum()
        sums[1] = max(sums[1], np.abs(t).max())
