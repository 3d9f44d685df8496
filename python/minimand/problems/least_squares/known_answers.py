"""Generators of least-squares problems whose solution is known, most of them exactly.

Where the data are small integers, or integers times powers of two, no rounding occurs while they
are made, and the solution is computed exactly in rational numbers and rounded once.
"""

import math
from fractions import Fraction

import numpy as np

from minimand._common.arrays import nonnegative_float, positive_float, positive_int
from minimand.problems.least_squares.exact import exact_lstsq
from minimand.problems.least_squares.problem import Array, LeastSquaresProblem
from minimand.reference.least_squares import residual_pass

Seed = int | np.random.Generator

_EXACT_INTEGERS = 2**53


def random_full_rank(
    m: int, n: int, *, condition: float = 1e3, residual: float = 1.0, rng: Seed = 0
) -> LeastSquaresProblem:
    """Random problem with prescribed singular values and residual.

    ``X = U diag(s) V'`` with random orthogonal U and V and s falling geometrically from 1 to
    ``1 / condition``. ``coef`` is the solution of the rounded data, by refinement with a residual
    in double-double arithmetic; it has full accuracy while ``condition`` is below 1e12.

    Parameters
    ----------
    m, n
        Numbers of rows and columns, ``m >= n``.
    condition
        Ratio of the largest to the smallest singular value.
    residual
        Norm of the residual at the solution (to rounding); zero if ``m == n``.
    rng
        Seed or generator.
    """
    _at_least("m", positive_int("m", m), positive_int("n", n))
    positive_float("condition", condition)
    nonnegative_float("residual", residual)
    generator = np.random.default_rng(rng)
    U = np.linalg.qr(generator.standard_normal((m, n)))[0]
    V = np.linalg.qr(generator.standard_normal((n, n)))[0]
    s = np.geomspace(1.0, 1.0 / condition, n)
    X = np.ascontiguousarray((U * s) @ V.T)
    coef = generator.choice([-1.0, 1.0], n) * generator.uniform(0.5, 2.0, n)
    noise = generator.standard_normal(m)
    for _ in range(2):
        noise -= U @ (U.T @ noise)
    if m > n:
        noise *= residual / np.linalg.norm(noise)
    y = X @ coef + noise
    return LeastSquaresProblem(
        name="random full rank",
        X=X,
        y=y,
        coef=_refined(X, y, coef, s, V),
        rank=n,
    )


def _refined(X: Array, y: Array, coef: Array, s: Array, V: Array) -> Array:
    """Correct ``coef`` by ``(X'X)^-1 X'r`` with r exact to 1e-30, until the correction vanishes.

    The singular vectors are known to rounding, hence each step gains a factor condition * 1e-16.
    """
    m, n = X.shape
    no_weights, shift, scale = np.empty(0), np.zeros(n + 1), np.ones(n + 1)
    normal, normal_low, squares = np.empty((n, 1)), np.empty((n, 1)), np.empty(1)
    high, low = coef[:, np.newaxis].copy(), np.zeros((n, 1))
    for _ in range(10):
        residual_pass(
            X, y[:, np.newaxis], no_weights, shift, scale, False, high, low, 2, 0, m,
            normal, normal_low, squares, 1,
        )  # fmt: skip
        step = V @ ((V.T @ normal) / s[:, np.newaxis] ** 2)
        total = high + (low + step)
        low = (high - total) + (low + step)
        high = total
        if np.linalg.norm(step) <= 1e-20 * np.linalg.norm(high):
            break
    return high[:, 0]


def lauchli(n: int, *, exponent: int = 30, residual: bool = True) -> LeastSquaresProblem:
    """Läuchli's matrix: a row of ones over ``2**-exponent`` times the identity.

    Its Gram matrix is singular in float64 when ``exponent >= 27``, X is of full rank. The solution
    is all ones, exactly; ``residual`` adds the vector ``(-2**-exponent, 1, ..., 1)``, which is
    orthogonal to the columns. P. Läuchli, Numer. Math. 3 (1961) 226.
    """
    positive_int("n", n)
    if not 0 <= exponent <= 44:
        raise ValueError(f"exponent is {exponent}, expected 0 to 44, so that y is exact")
    small = 2.0**-exponent
    X = np.vstack([np.ones(n), small * np.eye(n)])
    orthogonal = np.concatenate([[-small], np.ones(n)])
    return LeastSquaresProblem(
        name="Läuchli",
        X=X,
        y=X.sum(axis=1) + (orthogonal if residual else 0.0),
        coef=np.ones(n),
        rank=n,
        condition=math.sqrt((n + small**2) / small**2) if n > 1 else 1.0,
    )


def hilbert(n: int, *, rows: int | None = None) -> LeastSquaresProblem:
    """Hilbert matrix times the least common multiple of its denominators: all integers, exactly.

    ``X_ij = L / (i + j + 1)``, counted from zero. The solution is all ones without residual.
    """
    m = positive_int("n", n) if rows is None else _at_least("rows", positive_int("rows", rows), n)
    multiple = math.lcm(*range(1, m + n))
    X = [[multiple // (i + j + 1) for j in range(n)] for i in range(m)]
    return LeastSquaresProblem(
        name="Hilbert",
        X=_exact_array("n", X),
        y=_exact_array("n", [[sum(row)] for row in X])[:, 0],
        coef=np.ones(n),
        rank=n,
    )


def kahan(n: int, *, angle: float = 1.2) -> LeastSquaresProblem:
    """Kahan's triangular matrix, which column pivoting leaves as it is.

    ``X = diag(1, s, s^2, ...) T`` with T unit upper triangular and ``-c`` above the diagonal,
    ``s = sin(angle)``, ``c = cos(angle)``. Its smallest singular value is far below its last
    diagonal entry. The solution is that of the rounded matrix, exactly.
    W. Kahan, Canad. Math. Bull. 9 (1966) 757.
    """
    positive_int("n", n)
    s, c = math.sin(angle), math.cos(angle)
    # Growing diagonal factors keep rounding from changing the pivoting order.
    tilt = 1.0 + 100.0 * np.finfo(np.float64).eps * np.arange(n, 0, -1)
    X = s ** np.arange(n)[:, np.newaxis] * (np.diag(tilt) - c * np.triu(np.ones((n, n)), 1))
    y = X.sum(axis=1)
    x = [Fraction(0)] * n
    for i in reversed(range(n)):
        known = sum((Fraction(X[i, j]) * x[j] for j in range(i + 1, n)), Fraction(0))
        x[i] = (Fraction(y[i]) - known) / Fraction(X[i, i])
    return LeastSquaresProblem(name="Kahan", X=X, y=y, coef=np.array([float(v) for v in x]), rank=n)


def vandermonde(m: int, degree: int) -> LeastSquaresProblem:
    """Powers 0 to ``degree`` of the integers around zero; the solution is all ones, exactly."""
    positive_int("m", m)
    _at_least("m", m, positive_int("degree", degree) + 1)
    X = [[(i - m // 2) ** j for j in range(degree + 1)] for i in range(m)]
    return LeastSquaresProblem(
        name="Vandermonde",
        X=_exact_array("m", X),
        y=_exact_array("m", [[sum(row)] for row in X])[:, 0],
        coef=np.ones(degree + 1),
        rank=degree + 1,
        leading_ones=True,
    )


def dependent_columns(
    m: int, independent: int, dependent: int, *, rng: Seed = 0
) -> LeastSquaresProblem:
    """Integer columns, some of which are duplicates or sums of two earlier ones.

    ``aliased`` lists them, in the sense that the first columns stay; ``coef`` is the shortest
    solution. The first dependent column is a duplicate.
    """
    positive_int("independent", independent)
    positive_int("dependent", dependent)
    _at_least("m", m, independent)
    generator = np.random.default_rng(rng)
    n = independent + dependent
    aliased = np.sort(1 + generator.choice(n - 1, dependent, replace=False))
    while True:
        X = np.empty((m, n))
        for j in range(n):
            if j not in aliased:
                X[:, j] = generator.integers(-8, 9, m)
            elif j == aliased[0]:
                X[:, j] = X[:, generator.integers(j)]
            else:
                X[:, j] = X[:, generator.integers(j)] + X[:, generator.integers(j)]
        y = generator.integers(-100, 101, m).astype(np.float64)
        exact = exact_lstsq(X, y)
        if exact.rank == independent:
            break
    return LeastSquaresProblem(
        name="dependent columns",
        X=X,
        y=y,
        coef=exact.coef,
        rank=exact.rank,
        aliased=tuple(int(j) for j in aliased),
    )


def badly_scaled_columns(
    m: int, n: int, *, decades: float = 24.0, rng: Seed = 0
) -> LeastSquaresProblem:
    """Well-conditioned integer columns times powers of two that span the given decades."""
    generator = np.random.default_rng(rng)
    base = _random_integers(m, n, generator)
    half = nonnegative_float("decades", decades) * math.log2(10.0) / 2.0
    powers = np.round(np.linspace(-half, half, n)).astype(np.int64)
    scale = np.ldexp(np.ones(n), generator.permutation(powers))
    return LeastSquaresProblem(
        name="badly scaled columns",
        X=base.X * scale,
        y=base.y,
        coef=base.coef / scale,
        rank=n,
        condition=base.condition,
    )


def powell_reid(*, exponent: int = 40) -> LeastSquaresProblem:
    """Powell and Reid's example with two heavy rows, ``g = 2**exponent``.

    QR without row sorting or row interchanges loses all digits once g exceeds 1e8. The solution
    is (1, 1, 1), exactly. M. J. D. Powell, J. K. Reid, Proc. IFIP Congress 1968, 122.
    """
    g = 2.0**exponent
    X = np.array([[0.0, 2.0, 1.0], [g, g, 0.0], [g, 0.0, g], [0.0, 1.0, 1.0]])
    return LeastSquaresProblem(name="Powell-Reid", X=X, y=X.sum(axis=1), coef=np.ones(3), rank=3)


def stiff_weights(m: int, n: int, *, decades: float = 12.0, rng: Seed = 0) -> LeastSquaresProblem:
    """Small integers with weights, powers of two in random order, that span the given decades."""
    generator = np.random.default_rng(rng)
    base = _random_integers(m, n, generator)
    length = nonnegative_float("decades", decades) * math.log2(10.0)
    powers = np.round(np.linspace(-length / 2.0, length / 2.0, m)).astype(np.int64)
    weights = np.ldexp(np.ones(m), generator.permutation(powers))
    return LeastSquaresProblem(
        name="stiff weights",
        X=base.X,
        y=base.y,
        coef=exact_lstsq(base.X, base.y, weights).coef,
        rank=n,
        weights=weights,
    )


def offset_columns(m: int, n: int, *, offset: float = 1e6, rng: Seed = 0) -> LeastSquaresProblem:
    """Column of ones and n integer columns whose mean is ``offset`` standard deviations."""
    generator = np.random.default_rng(rng)
    base = _random_integers(m, n, generator)
    shift = np.round(positive_float("offset", offset) * base.X.std(axis=0))
    centred = np.hstack([np.ones((m, 1)), base.X])
    exact = exact_lstsq(centred, base.y)
    slopes = exact.fractions[1:]
    moved = sum((b * Fraction(s) for b, s in zip(slopes, shift, strict=True)), Fraction(0))
    return LeastSquaresProblem(
        name="offset columns",
        X=np.hstack([np.ones((m, 1)), base.X + shift]),
        y=base.y,
        coef=np.array([float(b) for b in (exact.fractions[0] - moved, *slopes)]),
        rank=n + 1,
        leading_ones=True,
    )


def wide(m: int, n: int, *, rng: Seed = 0) -> LeastSquaresProblem:
    """More columns than rows, of rank m; ``coef`` is the shortest solution of ``X coef = y``."""
    positive_int("m", m)
    _at_least("n", positive_int("n", n), m)
    generator = np.random.default_rng(rng)
    while True:
        X = generator.integers(-8, 9, (m, n)).astype(np.float64)
        y = generator.integers(-100, 101, m).astype(np.float64)
        exact = exact_lstsq(X, y)
        if exact.rank == m:
            break
    aliased = tuple(j for j in range(n) if j not in exact.independent)
    return LeastSquaresProblem(name="wide", X=X, y=y, coef=exact.coef, rank=m, aliased=aliased)


def _random_integers(m: int, n: int, generator: np.random.Generator) -> LeastSquaresProblem:
    """Integers in -8..8 of full column rank."""
    _at_least("m", positive_int("m", m), positive_int("n", n))
    while True:
        X = generator.integers(-8, 9, (m, n)).astype(np.float64)
        y = generator.integers(-100, 101, m).astype(np.float64)
        exact = exact_lstsq(X, y)
        if exact.rank == n:
            break
    condition = float(np.linalg.cond(X / np.linalg.norm(X, axis=0)))
    return LeastSquaresProblem(
        name="random integers", X=X, y=y, coef=exact.coef, rank=n, condition=condition
    )


def _at_least(name: str, value: int, least: int) -> int:
    if value < least:
        raise ValueError(f"{name} is {value}, expected at least {least}")
    return value


def _exact_array(name: str, rows: list[list[int]]) -> Array:
    """Convert integers to float64; refuse those that would be rounded."""
    if max(abs(v) for row in rows for v in row) > _EXACT_INTEGERS:
        raise ValueError(f"{name} is too large: the integers pass 2**53 and would be rounded")
    return np.array(rows, dtype=np.float64)
