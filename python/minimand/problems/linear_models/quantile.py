"""Quantile regressions whose optimum is known as a fraction, and unique.

The optima of the data sets were computed and certified in rational arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from importlib import resources
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import positive_int
from minimand.problems.least_squares import nist

Array: TypeAlias = NDArray[np.float64]
Seed: TypeAlias = int | np.random.Generator

_STACKLOSS = {
    0.25: ("-36", "1/2", "1", "0"),
    0.5: ("-13693/345", "287/345", "66/115", "-7/115"),
    0.75: ("-3143/58", "101/116", "57/58", "0"),
}
_ENGEL = (
    "1784909194846269296811843031/21905497840690050000000000",
    "245420677098290/438109956813801",
)
_LONGLEY = (
    "-10968590518166168782135/2517631891960141",
    "-18623077202734500/2517631891960141",
    "-131863531778994/2517631891960141",
    "-5645036624301029/2517631891960141",
    "-2939667722890047/2517631891960141",
    "-172442424811456/2517631891960141",
    "5746646723533080960/2517631891960141",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileProblem:
    """minimise sum_i max(quantile r_i, (quantile - 1) r_i), r = y - X coef - intercept.

    Attributes
    ----------
    name
        Name of the problem.
    X, y
        Data, (m, n) and (m,), read-only.
    quantile
        Which quantile.
    coef, intercept
        The only optimum; intercept is None where none is to be fitted.
    objective
        The least value.
    zero_residuals
        How many residuals vanish there.
    """

    name: str
    X: Array
    y: Array
    quantile: float
    coef: Array
    intercept: float | None
    objective: float
    zero_residuals: int

    def __post_init__(self) -> None:
        for array in (self.X, self.y, self.coef):
            array.setflags(write=False)


def stackloss(quantile: float = 0.5) -> QuantileProblem:
    """Ammonia lost by a plant, for the quantiles 1/4 (with eight zero residuals), 1/2 and 3/4.

    Examples
    --------
    >>> from minimand.problems.linear_models.quantile import stackloss
    >>> stackloss().coef.round(4)
    array([ 0.8319,  0.5739, -0.0609])
    """
    if quantile not in _STACKLOSS:
        raise ValueError(f"quantile is {quantile}, expected one of 0.25, 0.5, 0.75")
    data = _read("stackloss.csv")
    answer = _STACKLOSS[quantile]
    objective = {0.25: "133/8", 0.5: "7259/345", 0.75: "7541/464"}[quantile]
    return _problem(
        "stackloss",
        data[:, 1:],
        data[:, 0],
        quantile,
        answer,
        objective,
        8 if quantile == 0.25 else 4,
    )


def engel() -> QuantileProblem:
    """Median food expenditure of 235 households, given their income."""
    data = _read("engel.csv")
    return _problem("engel", data[:, :1], data[:, 1], 0.5, _ENGEL, "8779.9663238128473665", 2)


def longley() -> QuantileProblem:
    """Median regression on NIST's Longley data, whose columns nearly depend on each other."""
    data = nist("Longley")
    objective = "1219.3896407710219607"
    return _problem("Longley", data.X[:, 1:], data.y, 0.5, _LONGLEY, objective, 7)


def planted(m: int, n: int, *, rng: Seed = 0) -> QuantileProblem:
    """Median regression without a constant term, made around its only optimum, in integers.

    The dual variables are 1/4 or -1/4 on n independent rows, whose residuals vanish, and 1/2 or
    -1/2 elsewhere, by the sign of the residual; row 0 is chosen so that X'psi = 0.

    Parameters
    ----------
    m, n
        Numbers of rows and columns, m > n.
    rng
        Seed or generator.
    """
    if positive_int("m", m) <= positive_int("n", n):
        raise ValueError(f"m is {m}, expected more than n = {n}")
    generator = np.random.default_rng(rng)
    coef = generator.integers(-9, 10, n).astype(float)
    sign = generator.choice([-1.0, 1.0], m)
    while True:
        X = generator.integers(-9, 10, (m, n)).astype(float)
        X[0] = -sign[0] * (sign[1:n] @ X[1:n] + 2.0 * sign[n:] @ X[n:])
        if np.linalg.matrix_rank(X[:n]) == n:
            break
    r = sign * generator.integers(1, 20, m)
    r[:n] = 0.0
    order = generator.permutation(m)
    return QuantileProblem(
        name="planted",
        X=np.ascontiguousarray(X[order]),
        y=(X @ coef + r)[order],
        quantile=0.5,
        coef=coef,
        intercept=None,
        objective=float(np.abs(r).sum() / 2.0),
        zero_residuals=n,
    )


def _read(name: str) -> Array:
    source = resources.files("minimand.problems").joinpath("data", name)
    lines = source.read_text(encoding="utf-8").splitlines()[1:]
    return np.array([[float(entry) for entry in line.split(",")] for line in lines])


def _problem(
    name: str,
    X: Array,
    y: Array,
    quantile: float,
    answer: tuple[str, ...],
    objective: str,
    zero_residuals: int,
) -> QuantileProblem:
    """Return a data set with its optimum, the constant term first in `answer`."""
    return QuantileProblem(
        name=f"{name}, quantile {quantile}",
        X=np.ascontiguousarray(X),
        y=np.ascontiguousarray(y),
        quantile=quantile,
        coef=np.array([float(Fraction(value)) for value in answer[1:]]),
        intercept=float(Fraction(answer[0])),
        objective=float(Fraction(objective)),
        zero_residuals=zero_residuals,
    )
