"""Steps of minibatch stochastic gradient descent on a linear model; mirror of cpp/sgd.

theta = [w_k, b_k] in row k: one row for each class, one row for every loss but softmax. An empty
order is 0, 1, ..., empty weights are 1; velocity, average, table and mean are empty where they are
not wanted. ``threads`` is accepted and ignored.
"""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Design: TypeAlias = NDArray[np.floating[Any]]
Integers: TypeAlias = NDArray[np.integer[Any]]

SQUARED, LOGISTIC, ABSOLUTE, POISSON, SOFTMAX = range(5)


def _shares(loss: int, margins: Array, y: Array) -> tuple[Array, Array]:
    """Return phi'(m; y), (rows, K), and phi(m; y), (rows,)."""
    if loss == SOFTMAX:
        rows, label = np.arange(len(y)), y.astype(np.int64)
        shifted = margins - margins.max(axis=1, keepdims=True)
        power = np.exp(shifted)
        total = power.sum(axis=1, keepdims=True)
        residual = power / total
        residual[rows, label] -= 1.0
        return residual, np.log(total[:, 0]) - shifted[rows, label]
    m = margins[:, 0]
    if loss == LOGISTIC:
        small = np.exp(-np.abs(y * m))
        wrong = np.where(y * m > 0, small / (1.0 + small), 1.0 / (1.0 + small))
        a, phi = -y * wrong, np.log1p(small) + np.maximum(-y * m, 0.0)
    elif loss == POISSON:
        a, phi = np.exp(m) - y, np.exp(m) - y * m
    elif loss == ABSOLUTE:
        a, phi = np.sign(m - y), np.abs(m - y)
    else:
        a, phi = m - y, 0.5 * (m - y) ** 2
    return a[:, np.newaxis], phi


def _steps(
    rows_of: Callable[[Integers], Array],
    y: Array,
    weights: Array,
    order: Integers,
    first: int,
    batch: int,
    loss: int,
    rates: Array,
    l2: float,
    l1: float,
    momentum: float,
    nesterov: bool,
    intercept: bool,
    refresh: bool,
    theta: Array,
    velocity: Array,
    average: Array,
    averaged: int,
    table: Array,
    mean: Array,
    sums: Array,
) -> None:
    n = len(y)
    for step, rate in enumerate(rates):
        # 1. Residuals of the batch
        begin = (first + step) * batch
        chosen: Integers = np.arange(begin, min(begin + batch, n))
        chosen = order[chosen] if order.size else chosen
        X = rows_of(chosen)
        Z = np.column_stack([X, np.full(len(X), float(intercept))])
        weight = weights[chosen] if weights.size else np.ones(len(X))
        residual, phi = _shares(loss, Z @ theta.T, y[chosen])
        residual *= weight[:, np.newaxis]
        sums[0] += weight @ phi

        # 2. The gradient
        if table.size:
            change = residual - table[chosen]
            gradient = change.T @ Z / len(chosen) + mean
            if refresh:
                table[chosen] = residual
                mean += change.T @ Z / n
        else:
            gradient = residual.T @ Z / len(chosen)
        gradient[:, :-1] += l2 * theta[:, :-1]

        # 3. The step
        if velocity.size:
            velocity[...] = momentum * velocity + gradient
            gradient = gradient + momentum * velocity if nesterov else velocity
        theta -= rate * gradient
        w = theta[:, :-1]
        w[...] = np.sign(w) * np.maximum(np.abs(w) - rate * l1, 0.0)
        if average.size:
            average += (theta - average) / (averaged + step + 1)


@np.errstate(all="ignore")
def sgd_steps(
    X: Design,
    y: Array,
    weights: Array,
    order: Integers,
    first: int,
    batch: int,
    loss: int,
    rates: Array,
    l2: float,
    l1: float,
    momentum: float,
    nesterov: bool,
    intercept: bool,
    refresh: bool,
    theta: Array,
    velocity: Array,
    average: Array,
    averaged: int,
    table: Array,
    mean: Array,
    sums: Array,
    threads: int,
) -> None:
    """Do len(rates) steps from step `first` of an epoch; sums[0] += the losses on the way."""
    _steps(
        lambda rows: X[rows].astype(np.float64),
        *(y, weights, order, first, batch, loss, rates, l2, l1, momentum, nesterov, intercept),
        *(refresh, theta, velocity, average, averaged, table, mean, sums),
    )


@np.errstate(all="ignore")
def sgd_steps_csr(
    values: Array,
    columns: Integers,
    pointers: Integers,
    y: Array,
    weights: Array,
    order: Integers,
    first: int,
    batch: int,
    loss: int,
    rates: Array,
    l2: float,
    l1: float,
    momentum: float,
    nesterov: bool,
    intercept: bool,
    refresh: bool,
    theta: Array,
    velocity: Array,
    average: Array,
    averaged: int,
    table: Array,
    mean: Array,
    sums: Array,
) -> None:
    """Do the same for rows in compressed sparse form."""

    def dense(rows: Integers) -> Array:
        X = np.zeros((len(rows), theta.shape[1] - 1))
        for x, i in zip(X, rows, strict=True):
            entries = slice(pointers[i], pointers[i + 1])
            np.add.at(x, columns[entries], values[entries])
        return X

    _steps(
        dense,
        *(y, weights, order, first, batch, loss, rates, l2, l1, momentum, nesterov, intercept),
        *(refresh, theta, velocity, average, averaged, table, mean, sums),
    )


@np.errstate(all="ignore")
def margin_pass(
    X: Design, theta: Array, begin: int, end: int, margins: Array, threads: int
) -> None:
    """margins[begin:end] := X[begin:end] @ w.T + b."""
    margins[begin:end] = X[begin:end].astype(np.float64) @ theta[:, :-1].T + theta[:, -1]


@np.errstate(all="ignore")
def transposed_pass(X: Design, q: Array, begin: int, end: int, sums: Array, threads: int) -> None:
    """Compute sums := q[begin:end].T @ X[begin:end]."""
    sums[...] = q[begin:end].T @ X[begin:end].astype(np.float64)


@np.errstate(all="ignore")
def square_pass(X: Design, begin: int, end: int, squares: Array, threads: int) -> None:
    """squares[begin:end] := (X[begin:end] ** 2).sum(axis=1)."""
    squares[begin:end] = (X[begin:end].astype(np.float64) ** 2).sum(axis=1)


def add_loop(x: Array, y: Array, out: Array) -> None:
    """Out := x + y."""
    np.add(x, y, out=out)


def dot_loop(x: Array, y: Array) -> float:
    """Return the sum of x_i y_i."""
    return float(np.dot(x, y))
