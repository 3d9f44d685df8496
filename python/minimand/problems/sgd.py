"""Linear models whose minimum is known.

- `line`: the lecture's w = (2, -3.4), b = 4.2 with a little noise;
- `regression`: least squares with the exact minimiser;
- `constant`: nothing to learn but the constant term, whose best value is a mean or a median;
- `twins`: two equal columns, so that only the minimum of least norm is unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import one_of

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearProblem:
    """Data and the coefficients that minimise the mean loss.

    Attributes
    ----------
    loss
        As in `minimand.sgd`.
    X, y
        The data, read-only.
    coef, intercept
        The minimiser, of least norm where there are several; for `line`, the truth.
    fun
        The mean loss there; NaN where it is not known.
    """

    loss: str
    X: Array
    y: Array
    coef: Array
    intercept: float
    fun: float

    def __post_init__(self) -> None:
        for array in (self.X, self.y, self.coef):
            array.setflags(write=False)


def line(n: int = 1000, noise: float = 0.01, seed: int = 0) -> LinearProblem:
    """Return y = 2 x_1 - 3.4 x_2 + 4.2 + noise.

    Examples
    --------
    >>> from minimand.problems.sgd import line
    >>> line().coef
    array([ 2. , -3.4])
    """
    rng = np.random.default_rng(seed)
    X, coef = rng.standard_normal((n, 2)), np.array([2.0, -3.4])
    y = X @ coef + 4.2 + noise * rng.standard_normal(n)
    return LinearProblem(loss="squared", X=X, y=y, coef=coef, intercept=4.2, fun=float("nan"))


def regression(n: int, d: int, noise: float = 1.0, seed: int = 0) -> LinearProblem:
    """Return Gaussian rows, a random plane, noise, and the minimiser by a factorisation."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    y = X @ rng.standard_normal(d) + 1.0 + noise * rng.standard_normal(n)
    return _least_squares(X, y)


def constant(loss: Literal["squared", "absolute"], n: int = 400, seed: int = 0) -> LinearProblem:
    """Return a column of zeros and skewed targets: the best constant is their mean or median."""
    one_of("loss", loss, ("squared", "absolute"))
    y = np.random.default_rng(seed).exponential(3.0, n)
    best = float(y.mean() if loss == "squared" else np.median(y))
    miss = np.abs(y - best)
    fun = float(miss.mean() if loss == "absolute" else 0.5 * (miss @ miss) / n)
    zero = np.zeros((n, 1))
    return LinearProblem(loss=loss, X=zero, y=y, coef=np.zeros(1), intercept=best, fun=fun)


def twins(n: int = 100, seed: int = 0) -> LinearProblem:
    """Return two equal columns and another one."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, n))
    X = np.column_stack([a, a, b])
    return _least_squares(X, 3.0 * a - b + 0.5 + 0.1 * rng.standard_normal(n))


def _least_squares(X: Array, y: Array) -> LinearProblem:
    Z = np.column_stack([X, np.ones(len(X))])
    theta = np.asarray(np.linalg.lstsq(Z, y, rcond=1e-12)[0], dtype=np.float64)
    miss = Z @ theta - y
    return LinearProblem(
        loss="squared",
        X=X,
        y=y,
        coef=theta[:-1].copy(),
        intercept=float(theta[-1]),
        fun=0.5 * float(miss @ miss) / len(y),
    )
