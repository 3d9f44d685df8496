"""Minimax fits that are known.

- `stackloss`: published data with the exact rational optimum;
- `chebyshev_polynomial`: the best approximation of t^d by polynomials of lower degree, 2^(1-d);
- `alternating`: random data made around a reference whose weights and signs are chosen;
- `clustered_signs`: many rows tie at the largest residual;
- `strip`: possible coefficients |y - X theta| <= a that form a box, whose intervals are known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import positive_float, positive_int

Array: TypeAlias = NDArray[np.float64]
Seed: TypeAlias = int | np.random.Generator

_STACKLOSS = (
    "42 80 27 89/37 80 27 88/37 75 25 90/28 62 24 87/18 62 22 87/18 62 23 87/19 62 24 93/"
    "20 62 24 93/15 58 23 87/14 58 18 80/14 58 18 89/13 58 17 88/11 58 18 82/12 58 19 93/"
    "8 50 18 89/7 50 18 86/8 50 19 72/8 50 19 79/9 50 20 80/15 56 20 82/15 70 20 91"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChebyshevProblem:
    """minimise max |y - X coef - b0|, with its solution.

    Attributes
    ----------
    name
        Name of the problem.
    X, y
        Data, (m, n) and (m,), read-only.
    intercept
        Whether there is a constant term b0.
    objective
        The smallest largest residual.
    coef, constant
        A fit that has it, b0 being `constant`.
    unique
        Whether no other fit has it.
    dual
        A proof, (m,): X'dual = 0, sum |dual| = 1, y'dual = objective; None if none is written down.
    """

    name: str
    X: Array
    y: Array
    intercept: bool
    objective: float
    coef: Array
    constant: float
    unique: bool
    dual: Array | None = None

    def __post_init__(self) -> None:
        for array in (self.X, self.y, self.coef, self.dual):
            if array is not None:
                array.setflags(write=False)


def stackloss() -> ChebyshevProblem:
    """Brownlee's stack-loss data: 21 days of a plant, loss of ammonia over three settings.

    The optimum is 19705/4154, in exact arithmetic. K. A. Brownlee, *Statistical Theory and
    Methodology in Science and Engineering* (1965), section 13.12.

    Examples
    --------
    >>> from minimand.problems.linear_models.chebyshev import stackloss
    >>> round(stackloss().objective, 6)
    4.743621
    """
    table = np.array([row.split() for row in _STACKLOSS.split("/")], dtype=np.float64)
    return ChebyshevProblem(
        name="stackloss",
        X=np.ascontiguousarray(table[:, 1:]),
        y=np.ascontiguousarray(table[:, 0]),
        intercept=True,
        objective=19705 / 4154,
        coef=np.array([1198 / 2077, 3860 / 2077, -699 / 2077]),
        constant=-112887 / 4154,
        unique=True,
    )


def chebyshev_polynomial(degree: int) -> ChebyshevProblem:
    """t^d on the d + 1 extrema of T_d, by powers below d: the residual is T_d / 2^(d-1).

    P. L. Chebyshev (1854). The columns are T_1, ..., T_(d-1); the optimum is exact but for the
    rounding of the nodes, to which it is not sensitive.
    """
    if positive_int("degree", degree) < 2:
        raise ValueError(f"degree is {degree}, expected at least 2")
    angles = np.pi * np.arange(degree + 1) / degree
    X = np.cos(np.outer(angles, np.arange(1, degree)))
    y = np.cos(angles) ** degree
    # t^d = 2^(1-d) sum_k binomial(d, k) T_(d-2k), the term of T_0 halved.
    coef, constant = np.zeros(X.shape[1]), 0.0
    for k in range(1, degree // 2 + 1):
        term = 2.0 ** (1 - degree) * math.comb(degree, k)
        if degree == 2 * k:
            constant = term / 2
        else:
            coef[degree - 2 * k - 1] = term
    # The ends have half the weight of the other extrema.
    weights = np.where((np.arange(degree + 1) % degree) == 0, 0.5, 1.0) / degree
    return ChebyshevProblem(
        name=f"Chebyshev polynomial {degree}",
        X=X,
        y=y,
        intercept=True,
        objective=2.0 ** (1 - degree),
        coef=coef,
        constant=constant,
        unique=True,
        dual=weights * (-1.0) ** np.arange(degree + 1),
    )


def alternating(
    m: int, n: int, *, height: float = 1.0, intercept: bool = True, rng: Seed = 0
) -> ChebyshevProblem:
    """Random rows with residuals inside a band, p + 1 of them on it so that the fit is the best.

    The signs on these are those of multipliers that balance their rows. Exact to rounding.
    """
    p = positive_int("n", n) + intercept
    if positive_int("m", m) < p + 1:
        raise ValueError(f"m is {m}, expected at least {p + 1}")
    positive_float("height", height)
    generator = np.random.default_rng(rng)
    X = generator.standard_normal((m, n))
    coef = generator.uniform(-2.0, 2.0, n)
    constant = float(generator.uniform(-2.0, 2.0)) if intercept else 0.0
    chosen = np.sort(generator.choice(m, p + 1, replace=False))
    A = np.hstack([X, np.ones((m, int(intercept)))])
    null = np.linalg.svd(A[chosen].T)[2][-1]
    dual = np.zeros(m)
    dual[chosen] = null / np.abs(null).sum()
    residual = generator.uniform(-0.99, 0.99, m) * height
    residual[chosen] = np.sign(null) * height
    return ChebyshevProblem(
        name="alternating",
        X=X,
        y=X @ coef + constant + residual,
        intercept=intercept,
        objective=height,
        coef=coef,
        constant=constant,
        unique=True,
        dual=dual,
    )


def clustered_signs(m: int, *, rng: Seed = 0) -> ChebyshevProblem:
    """Return steps X = -1, 0, 1 with y = +-1: all rows tie, and the best fit is 0 by symmetry.

    At each of the three places both signs occur, so the constant 0 is the mid-range everywhere,
    and no other line is as good at both ends.
    """
    if positive_int("m", m) < 6:
        raise ValueError(f"m is {m}, expected at least 6")
    generator = np.random.default_rng(rng)
    X = np.resize([-1.0, -1.0, 0.0, 0.0, 1.0, 1.0], m)
    y = np.resize([-1.0, 1.0], m)
    order = generator.permutation(m)
    dual = np.zeros(m)
    dual[[0, 1, 4, 5]] = [-0.25, 0.25, -0.25, 0.25]
    return ChebyshevProblem(
        name="clustered signs",
        X=X[order, None],
        y=y[order],
        intercept=True,
        objective=1.0,
        coef=np.zeros(1),
        constant=0.0,
        unique=True,
        dual=dual[order],
    )


def strip(n: int, *, half_width: float = 1.0, rng: Seed = 0) -> tuple[ChebyshevProblem, Array]:
    """Each coefficient measured twice, y = c +- d: |y - theta| <= a is a box.

    Returns the problem, without a constant term, and the intervals (n, 2) for that half-width:
    c_j +- (a - d_j), d_j < a. With different d_j the fit is not unique.
    """
    positive_float("half_width", half_width)
    generator = np.random.default_rng(rng)
    centre = generator.integers(-8, 9, positive_int("n", n)).astype(np.float64)
    spread = half_width * (1 + np.arange(n)) / (n + 1)
    problem = ChebyshevProblem(
        name="strip",
        X=np.repeat(np.eye(n), 2, axis=0),
        y=np.column_stack([centre - spread, centre + spread]).ravel(),
        intercept=False,
        objective=float(spread[-1]),
        coef=centre,
        constant=0.0,
        unique=n == 1,
    )
    reach = half_width - spread
    return problem, np.column_stack([centre - reach, centre + reach])
