"""Certificates of a least-squares fit, computed anew from the data by plain NumPy alone.

The certified matrix B is X, weighted, centred (with an intercept), its columns scaled to length 1
(constant columns become 0); x are the coefficients scaled accordingly and r = y_c - B x. With
B = U S V' the backward error is, within a factor sqrt(2),

    mu / ||B||_F,  mu = || (||x||^2 S^2 + ||r||^2)^(-1/2) V' B'r ||

Karlson, Walden, BIT 37 (1997) 862; Grcar, Saunders, Su (2007). Written like this the formula has
its limits built in: ||B'r|| / ||r|| for x = 0, and nothing to divide by ||x||. With a ridge, B
stands for [B; sqrt(ridge) diag(1/s)] and y for [y; 0], s being the lengths of the columns.

Sums are error-free transformations: the value and what its rounding lost, as an unevaluated pair.
Ogita, Rump, Oishi, SIAM J. Sci. Comput. 26 (2005) 1955; Dekker, Numer. Math. 18 (1971) 224.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import (
    Floats,
    as_columns,
    as_matrix,
    as_vector,
    check_nonnegative,
)
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate

if TYPE_CHECKING:
    from minimand.least_squares.result import LeastSquaresResult

_UNIT = 2.0**-53  # unit roundoff u of float64
_CONSTANT = 16.0  # twice the roundings of its size within which the solver calls a column constant
_BLOCK = 1 << 17  # entries that are looked at together: temporaries of a megabyte stay in cache
_AGREE = 1e-7  # relative agreement that is asked of residual_norm and r_factor


def recompute(
    result: LeastSquaresResult, X: object, y: object, weights: object = None
) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the data alone show them.

    Parameters
    ----------
    result
        What a solver claims.
    X, y, weights
        The data as they were given to the solver. X may be float32 or a memory map of any size.

    Raises
    ------
    ValueError
        The data have another shape than the result.
    CertificateError
        `residual_norm`, `rank`, `pivots` or `r_factor` is not that of the data.
    """
    fit = _Fit(result)
    data = _read(fit, X, y, weights)
    with np.errstate(all="ignore"):  # what is not finite fails its certificate
        moments = _moments(data)
        B = _design(data, moments, fit)
        found = [_assess(data, moments, B, fit, j) for j in range(fit.coef.shape[1])]
        problems = [
            *_false_residual_norm(found, data, fit),
            *_false_coef(B, fit),
            *_false_rank(B, data, fit),
            *_false_r_factor(B, fit),
        ]
    if problems:
        raise CertificateError(f"{type(result).__name__} does not verify: {'; '.join(problems)}")
    return _certificates(found, B, fit)


class _Fit:
    """The claims of a result, with an axis for the right-hand sides throughout."""

    def __init__(self, result: LeastSquaresResult) -> None:
        self.claimed = result
        self.single = result.coef.ndim == 1
        columns = result.coef.reshape(result.coef.shape[0], -1)
        self.coef: Floats = np.where(np.isnan(columns), 0.0, columns)  # NaN: column left out
        k = self.coef.shape[1]
        self.intercept = _one_each("intercept", result.intercept, k, result.has_intercept)
        self.residual_norm = _one_each("residual_norm", result.residual_norm, k, True)
        self.ridge = float(result.ridge)

    @property
    def columns(self) -> int:
        return self.coef.shape[0]


def _one_each(name: str, value: object, k: int, several: bool) -> Floats:
    numbers = np.asarray(value, dtype=np.float64).ravel()
    if numbers.size != k and not (numbers.size == 1 and not several):
        raise ValueError(f"{name} has {numbers.size} entries, expected {k}, one for each column")
    return np.broadcast_to(numbers, (k,))


# The data, block by block


@dataclass(frozen=True, slots=True)
class _Data:
    """X (m, n), Y (m, k), weights, each seen in a unit 2^exponent in which nothing overflows."""

    X: NDArray[np.floating[Any]]
    Y: Floats
    weights: Floats | None
    unit_x: NDArray[np.int64]
    unit_y: NDArray[np.int64]
    unit_w: int  # even: its square root is a power of two as well
    intercept: bool

    def blocks(self, columns: int, *, least: int = 1) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Yield rows of X, Y and weights, those of weight 0 left out, `columns` numbers a row."""
        rows = max(least, _BLOCK // columns)
        for begin in range(0, self.X.shape[0], rows):
            block = slice(begin, begin + rows)
            x, y = self.X[block], self.Y[block]
            w = np.ones(len(y)) if self.weights is None else self.weights[block]
            if not w.all():
                x, y, w = x[w > 0], y[w > 0], w[w > 0]
            if len(y):
                yield (
                    np.multiply(x, np.ldexp(1.0, -self.unit_x), dtype=np.float64),
                    y * np.ldexp(1.0, -self.unit_y),
                    w * np.ldexp(1.0, -self.unit_w),
                )


def _read(fit: _Fit, X: object, y: object, weights: object) -> _Data:
    matrix = as_matrix("X", X, dtypes=(np.float64, np.float32), columns=fit.columns)
    targets, single = as_columns("y", y, length=matrix.shape[0], like="X")
    if single is not fit.single or targets.shape[1] != fit.coef.shape[1]:
        came, expected = targets.shape[: 2 - single], fit.claimed.coef.shape[1:]
        raise ValueError(f"y has shape {came}, expected {(matrix.shape[0], *expected)}")
    vector = None
    if weights is not None:
        vector = as_vector("weights", weights, length=matrix.shape[0], like="X")
        check_nonnegative("weights", vector)
        if not vector.any():
            raise ValueError("weights are all zero, expected at least one positive entry")
    unit_w = 0 if vector is None else int(_exponents(vector[:, None])[0]) // 2 * 2
    return _Data(
        matrix, targets, vector, _exponents(matrix), _exponents(targets), unit_w,
        fit.claimed.has_intercept,
    )  # fmt: skip


def _exponents(array: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return for each column the power of two next to its largest entry."""
    largest = np.zeros(array.shape[1])
    rows = max(1, _BLOCK // array.shape[1])
    for begin in range(0, array.shape[0], rows):
        np.maximum(largest, np.abs(array[begin : begin + rows]).max(axis=0), out=largest)
    return np.clip(np.frexp(largest)[1], -1020, 1020).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Moments:
    """Sum of the weights, means of X and y as pairs, lengths c_j of the columns of X."""

    weight: Floats
    weight_low: Floats
    mean_x: Floats
    mean_x_low: Floats
    mean_y: Floats
    mean_y_low: Floats
    raw: Floats


def _moments(data: _Data) -> _Moments:
    n, k = data.X.shape[1], data.Y.shape[1]
    weight = _Pair(np.zeros(1))
    sums = _Pair(np.zeros(n + k))
    squares = np.zeros(n)
    for x, y, w in data.blocks(n + k):
        column = w[:, None]
        weight.add(column, np.zeros_like(column))
        rows = np.hstack([x, y])
        sums.add(*two_prod(rows, column))
        squares += np.sum(x * x * column, axis=0)
    if not data.intercept:
        mean = _Pair(np.zeros(n + k))
    else:
        mean = _Pair(sums.high / weight.high)
        product, lost = two_prod(mean.high, weight.high)
        rest = (sums.high - product) - lost + sums.low - mean.high * weight.low
        mean.low = rest / weight.high
    return _Moments(
        weight.high, weight.low, mean.high[:n], mean.low[:n], mean.high[n:], mean.low[n:],
        np.sqrt(squares),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Design:
    """What is known of the certified matrix B, ridge rows included.

    length : s_j, 0 for constant columns, in the unit of the column; raw : c_j
    penalty : sqrt(ridge) / s_j; R : triangle of B; s, Vt : its singular values and vectors
    bound : 10 n max(u, u max_j c_j / s_j)
    """

    length: Floats
    inverse: Floats
    penalty: Floats
    R: Floats
    s: Floats
    Vt: Floats
    frobenius: float
    rounding: float
    user_length: Floats

    @property
    def bound(self) -> float:
        return 10 * self.length.size * self.rounding


def _design(data: _Data, moments: _Moments, fit: _Fit) -> _Design:
    n = fit.columns
    R = np.empty((0, n))
    squares = _Pair(np.zeros(n))
    for x, _, w in data.blocks(n, least=2 * n):
        centred = (x - moments.mean_x) - moments.mean_x_low
        centred *= np.sqrt(w)[:, None]
        R = np.linalg.qr(np.vstack([R, centred]), mode="r")
        for part in np.array_split(centred, max(1, centred.size // _BLOCK)):
            squares.add(*two_prod(part, part))
    length = np.sqrt(squares.high)
    if data.intercept:
        u_data = 2.0**-24 if data.X.dtype == np.float32 else _UNIT
        unused = ~fit.coef.any(axis=1)
        length[unused & (length <= _CONSTANT * u_data * moments.raw)] = 0.0
    used = length > 0
    inverse = np.divide(1.0, length, out=np.zeros(n), where=used)
    ratio = np.divide(moments.raw, length, out=np.ones(n), where=used)
    # The ridge acts in the units of the user, the rest is in units of powers of two.
    penalty = np.sqrt(fit.ridge) * np.ldexp(inverse, -data.unit_x - data.unit_w // 2)
    R = R * inverse
    if fit.ridge:
        R = np.linalg.qr(np.vstack([R, np.diag(penalty)]), mode="r")
    good = np.isfinite(R).all()
    _, s, Vt = np.linalg.svd(R if good else np.zeros_like(R), full_matrices=False)
    return _Design(
        length, inverse, penalty, R, s, Vt, _length(R), _UNIT * float(ratio.max(initial=1.0)),
        np.ldexp(length, data.unit_x + data.unit_w // 2),
    )  # fmt: skip


# One right-hand side


@dataclass(frozen=True, slots=True)
class _Found:
    backward_error: float
    normal_equations: float
    intercept: float
    objective_gap: float
    objective_rounding: float  # the gap that rounding the coefficients may leave
    residual_norm: float
    rounding_norm: float  # what rounding may contribute to the residual
    perfect: bool


def _assess(data: _Data, moments: _Moments, B: _Design, fit: _Fit, j: int) -> _Found:
    n, unit_y = fit.columns, data.unit_y[j]
    coef = np.ldexp(fit.coef[:, j], data.unit_x - unit_y)
    x = coef * B.length

    # The best constant for these coefficients, mean_y - mean_x coef, as a pair.
    best = _Pair(moments.mean_y[j : j + 1].copy(), moments.mean_y_low[j : j + 1].copy())
    high, low = two_prod(moments.mean_x, -coef)
    best.add(high[:, None], (low - moments.mean_x_low * coef)[:, None])

    normal, squares, target = _Pair(np.zeros(n)), _Pair(np.zeros(1)), 0.0
    for rows, y, w in data.blocks(n):
        # r = y - x coef - best, summed along the columns; only then rounded to one number.
        terms = np.ascontiguousarray(rows.T)
        r = _Pair(y[:, j] - best.high[0])
        r.low = two_sum(y[:, j], -best.high)[1] - best.low[0]
        r.add(*two_prod(terms, -coef[:, None]))
        residual = r.high + r.low
        weighted = w * residual
        centred = (rows - moments.mean_x) - moments.mean_x_low
        normal.add(*two_prod(centred, weighted[:, None]))
        squares.add(*two_prod(residual[:, None], weighted[:, None]))
        target += float(w @ ((y[:, j] - moments.mean_y[j]) - moments.mean_y_low[j]) ** 2)

    # Ridge rows: their residual is -penalty x.
    penalised = B.penalty * x
    gradient = (normal.high + normal.low) * B.inverse - B.penalty * penalised
    r_data = float(np.sqrt(squares.high[0] + squares.low[0]))
    r_norm, x_norm, y_norm = _length(np.append(penalised, r_data)), _length(x), float(target**0.5)

    size = B.frobenius * x_norm + y_norm
    perfect = r_norm <= B.bound * size
    rotated = B.Vt @ gradient / np.hypot(x_norm * B.s, r_norm) if r_norm > 0 else np.zeros(1)
    backward = _ratio(_length(rotated), B.frobenius)
    if perfect:
        backward = min(backward, _ratio(r_norm, size))
    normal_equations = _ratio(
        float(np.abs(gradient).max()), B.frobenius * (r_norm + B.frobenius * x_norm)
    )

    # sum w r = weight * (best - intercept), against the sizes of what is added up in it.
    offset, root = 0.0, float(np.sqrt(moments.weight[0]))
    claimed = float(np.ldexp(fit.intercept[j], -unit_y))
    summands = abs(claimed) + float(np.abs(moments.mean_x) @ np.abs(coef))
    if data.intercept:
        offset = root * abs(float((best.high[0] - claimed) + best.low[0]))
    elif claimed:
        offset = np.inf
    back = int(unit_y) + data.unit_w // 2
    return _Found(
        backward,
        normal_equations,
        _ratio(offset, r_norm + root * summands),
        0.0 if perfect or not fit.ridge else _excess(B, gradient, r_norm),
        0.0 if perfect else float(np.square(fit.columns * _UNIT * _ratio(size, r_norm))),
        float(np.ldexp(np.hypot(r_data, offset), back)),
        float(np.ldexp(B.bound * (size + y_norm + root * summands), back)),
        bool(perfect),
    )


def _excess(B: _Design, gradient: Floats, r_norm: float) -> float:
    """Return g'(B'B)^-1 g / objective: by how much a quadratic exceeds its minimum."""
    along = B.Vt @ gradient
    used = B.s > 0  # 0 for constant columns only, where the gradient is 0
    return float(np.square(_ratio(_length(along[used] / B.s[used]), r_norm)))


def _ratio(a: float, b: float) -> float:
    """Return a / b; 0 / 0 is 0 (no error at all)."""
    return 0.0 if a == 0 else a / b if b > 0 else np.inf


def _length(values: Floats) -> float:
    """Return the 2-norm of all entries, whose squares may overflow."""
    largest = float(np.abs(values).max(initial=0.0))
    if not (0 < largest < np.inf):
        return largest
    return largest * float(np.sqrt(np.sum((values / largest) ** 2)))


def _certificates(found: list[_Found], B: _Design, fit: _Fit) -> tuple[Certificate, ...]:
    """Return the worst over the right-hand sides; NaN is the worst of all."""

    def worst(name: str) -> float:
        return float(np.max([getattr(one, name) for one in found]))

    # What the rank decision took for rounding of the data changes X no less than the answer.
    limit = max(B.bound, min(_cut(B, fit), _recorded_bound(fit)))
    grain = fit.columns * B.rounding
    goal = "a perfect fit" if all(one.perfect for one in found) else "an exact minimiser"
    listed = [
        ("backward error", f"relative change of X that makes coef {goal}"),
        ("normal equations", "X'r against ||X|| (||r|| + ||X|| ||coef||), columns of length 1"),
    ]
    if fit.claimed.has_intercept:
        listed.append(("intercept", "sum of the residuals against what is added up in them"))
    certificates = [
        Certificate(name, worst(name.replace(" ", "_")), limit, meaning, grain)
        for name, meaning in listed
    ]
    if fit.ridge:
        fine = worst("objective_rounding")
        meaning = "relative excess of the penalised sum of squares over its minimum"
        certificates.append(
            Certificate(
                "objective gap", worst("objective_gap"), max(1e-8, 10 * fine), meaning,
                max(1e-20, fine),
            )
        )  # fmt: skip
    return tuple(certificates)


def _cut(B: _Design, fit: _Fit) -> float:
    """Return the relative change of B that makes its rank the claimed one, with some slack."""
    rank = int(fit.claimed.rank)
    if rank >= min(B.R.shape):
        return 0.0
    tail = np.linalg.qr(B.R[:, fit.claimed.pivots], mode="r")[rank:, rank:]
    return 2 * _ratio(_length(tail), B.frobenius)


def _recorded_bound(fit: _Fit) -> float:
    recorded = [c.bound for c in fit.claimed.certificates if c.name == "backward error"]
    return max(recorded, default=0.0)


# Claims beside the certificates


def _false_residual_norm(found: list[_Found], data: _Data, fit: _Fit) -> Iterator[str]:
    for j, one in enumerate(found):
        claimed = float(fit.residual_norm[j])
        if not abs(claimed - one.residual_norm) <= _AGREE * one.residual_norm + one.rounding_norm:
            which = "" if fit.single else f"[{j}]"
            yield f"residual_norm{which} is {one.residual_norm:.6g}, recorded was {claimed:.6g}"
    if not data.intercept and np.any(fit.intercept):
        yield f"intercept is {fit.claimed.intercept}, expected 0 without an intercept"


def _false_coef(B: _Design, fit: _Fit) -> Iterator[str]:
    # The intercept takes the part of a constant column, so nothing else asks for this.
    for j in np.flatnonzero((B.length == 0) & fit.coef.any(axis=1)):
        yield f"coef of column {j} is not 0, although the column is constant"


def _false_rank(B: _Design, data: _Data, fit: _Fit) -> Iterator[str]:
    n, claimed = fit.columns, fit.claimed
    rank, pivots = int(claimed.rank), np.asarray(claimed.pivots)
    rows = data.X.shape[0] if data.weights is None else int(np.count_nonzero(data.weights))
    # A ridge makes every column count, however few the rows.
    most = n if fit.ridge else min(n, rows - data.intercept)
    if not 0 <= rank <= most:
        yield f"rank is {rank}, but {rows} rows and {n} columns have at most {most}"
    if len(claimed.aliased) != n - rank or not set(claimed.aliased) <= set(range(n)):
        yield f"aliased has {len(claimed.aliased)} columns, expected {n - rank} for rank {rank}"
    absent = np.isnan(claimed.coef.reshape(n, -1)).any(axis=1)
    if not set(np.flatnonzero(absent).tolist()) <= set(claimed.aliased):
        yield "coef has NaN for columns that are not aliased"
    if not np.array_equal(np.sort(pivots), np.arange(n)):
        yield f"pivots are not the numbers 0 to {n - 1}"
        return
    pivot = np.abs(np.diag(np.linalg.qr(B.R[:, pivots], mode="r")))[:rank]
    # A tenth of the least tolerance of the rank decision: rounding may have moved the pivots.
    if pivot.size and not pivot.min() > np.sqrt(n) * _UNIT:
        yield f"rank is {rank}, but the last independent column has only {pivot.min():.3g} left"


def _false_r_factor(B: _Design, fit: _Fit) -> Iterator[str]:
    R = np.asarray(fit.claimed.r_factor)
    n = fit.columns
    if R.ndim != 2 or R.shape[1] != n or R.shape[0] > n:
        yield f"r_factor has shape {R.shape}, expected {(n, n)}"
        return
    used = B.length > 0
    scaled = R[:, used] / B.user_length[used] / B.frobenius
    ours = B.R[:, used] / B.frobenius
    apart = _length(scaled.T @ scaled - ours.T @ ours)
    if not apart <= _AGREE and used.any():
        yield f"r_factor is not that of the data: R'R is off by {apart:.3g} of its size"


# Error-free transformations: arrays a, b in; the rounded result and its exact error out


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return s = a + b rounded and a + b - s (Knuth).

    Examples
    --------
    >>> import numpy as np
    >>> [float(part[0]) for part in two_sum(np.array([1e16]), np.array([1.0]))]
    [1e+16, 1.0]
    """
    total = a + b
    seen = total - a
    return total, (a - (total - seen)) + (b - seen)


def two_prod(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return p = a * b rounded and a * b - p (Dekker, Veltkamp): no fused multiply-add is needed.

    Examples
    --------
    >>> import numpy as np
    >>> high, low = two_prod(np.array([2.0**30 + 1]), np.array([2.0**30 + 1]))
    >>> int(high[0]) + int(low[0]) == (2**30 + 1) ** 2
    True
    """
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = a_high * b_high - product
    error += a_high * b_low
    error += a_low * b_high
    error += a_low * b_low
    return product, error


def _split(a: Floats) -> tuple[Floats, Floats]:
    """Return the leading 26 bits of a and the rest."""
    high = a * 134217729.0  # 2^27 + 1
    high -= high - a
    return high, a - high


class _Pair:
    """A running sum high + low, unevaluated."""

    def __init__(self, high: Floats, low: Floats | None = None) -> None:
        self.high = high
        self.low = np.zeros_like(high) if low is None else low

    def add(self, high: Floats, low: Floats) -> None:
        """Add the terms high + low, one along the first axis, in a binary tree."""
        while high.shape[0] > 1:
            half = high.shape[0] // 2
            total, lost = two_sum(high[:half], high[half : 2 * half])
            lost += low[:half]
            lost += low[half : 2 * half]
            if high.shape[0] % 2:
                total[0], rest = two_sum(total[0], high[-1])
                lost[0] += rest + low[-1]
            high, low = total, lost
        self.high, lost = two_sum(self.high, high[0])
        self.low = self.low + (low[0] + lost)
