"""The certified matrix of the data, and how far coefficients are from its minimiser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from minimand._common.arrays import Floats
from minimand.least_squares.verification.pairs import Pair, two_prod, two_sum
from minimand.least_squares.verification.rows import BLOCK, Fit, Moments, Rows

UNIT = 2.0**-53  # unit roundoff u of float64
_CONSTANT = 16.0  # twice the roundings of its size within which the solver calls a column constant


@dataclass(frozen=True, slots=True)
class Design:
    """What is known of the certified matrix B, ridge rows included.

    length : s_j, 0 for constant columns, in the unit of the column; inverse : 1 / s_j or 0
    penalty : sqrt(ridge) / s_j; R : triangle of B; s, Vt : its singular values and vectors
    rounding : max(u, u max_j c_j / s_j); user_length : s_j in the unit of the user
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
        """10 n rounding errors: what a backward stable method keeps to."""
        return 10 * self.length.size * self.rounding


def design(data: Rows, moments: Moments, fit: Fit) -> Design:
    """Return what the data tell about B: blocks of centred rows go into one triangle."""
    n = fit.columns
    R = np.empty((0, n))
    squares = Pair(np.zeros(n))
    for x, _, w in data.tall_blocks():
        centred = (x - moments.mean_x) - moments.mean_x_low
        centred *= np.sqrt(w)[:, None]
        R = triangle(R, centred)
        for part in np.array_split(centred, max(1, centred.size // BLOCK)):
            squares.add(*two_prod(part, part))
    length = np.sqrt(squares.high)
    if data.intercept:
        u_data = 2.0**-24 if data.X.dtype == np.float32 else UNIT
        unused = ~fit.coef.any(axis=1)
        length[unused & (length <= _CONSTANT * u_data * moments.raw)] = 0.0
    used = length > 0
    inverse = np.divide(1.0, length, out=np.zeros(n), where=used)
    spread = np.divide(moments.raw, length, out=np.ones(n), where=used)
    # The ridge acts in the units of the user, the rest is in units of powers of two.
    penalty = np.sqrt(fit.ridge) * np.ldexp(inverse, -data.unit_x - data.unit_w // 2)
    R = R * inverse
    if fit.ridge:
        R = triangle(R, np.diag(penalty))
    good = np.isfinite(R).all()
    _, s, Vt = np.linalg.svd(R if good else np.zeros_like(R), full_matrices=False)
    return Design(
        length, inverse, penalty, R, s, Vt, norm(R), UNIT * float(spread.max(initial=1.0)),
        np.ldexp(length, data.unit_x + data.unit_w // 2),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """How good the coefficients of one right-hand side are."""

    backward_error: float
    normal_equations: float
    intercept: float
    objective_gap: float
    objective_rounding: float  # the gap that rounding the coefficients may leave
    residual_norm: float
    rounding_norm: float  # what rounding may contribute to the residual
    perfect: bool


def assess(data: Rows, moments: Moments, B: Design, fit: Fit, j: int) -> Found:
    """Return how good the coefficients of right-hand side j are."""
    n, unit_y = fit.columns, data.unit_y[j]
    coef = np.ldexp(fit.coef[:, j], data.unit_x - unit_y)
    x = coef * B.length

    # The best constant for these coefficients, mean_y - mean_x coef, as a pair.
    best = Pair(moments.mean_y[j : j + 1].copy(), moments.mean_y_low[j : j + 1].copy())
    high, low = two_prod(moments.mean_x, -coef)
    best.add(high[:, None], (low - moments.mean_x_low * coef)[:, None])

    normal, squares, target = Pair(np.zeros(n)), Pair(np.zeros(1)), 0.0
    for rows, y, w in data.blocks():
        # r = y - x coef - best, summed along the columns; only then rounded to one number.
        terms = np.ascontiguousarray(rows.T)
        r = Pair(y[:, j] - best.high[0])
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
    r_norm, x_norm, y_norm = norm(np.append(penalised, r_data)), norm(x), float(target**0.5)

    size = B.frobenius * x_norm + y_norm
    perfect = r_norm <= B.bound * size
    rotated = B.Vt @ gradient / np.hypot(x_norm * B.s, r_norm) if r_norm > 0 else np.zeros(1)
    backward = ratio(norm(rotated), B.frobenius)
    if perfect:
        backward = min(backward, ratio(r_norm, size))
    normal_equations = ratio(
        float(np.abs(gradient).max()), B.frobenius * (r_norm + B.frobenius * x_norm)
    )

    # sum w r = weight * (best - intercept), against the sizes of what is added up in it.
    offset, root = 0.0, float(np.sqrt(moments.weight[0]))
    added = r_norm + float(np.sqrt(np.count_nonzero(B.length))) * x_norm
    claimed = float(np.ldexp(fit.intercept[j], -unit_y))
    summands = abs(claimed) + float(np.abs(moments.mean_x) @ np.abs(coef))
    if data.intercept:
        offset = root * abs(float((best.high[0] - claimed) + best.low[0]))
    elif claimed:
        offset = np.inf
    back = int(unit_y) + data.unit_w // 2
    return Found(
        backward,
        normal_equations,
        ratio(offset, added + root * summands),
        0.0 if perfect or not fit.ridge else _excess(B, gradient, r_norm),
        0.0 if perfect else float(np.square(fit.columns * UNIT * ratio(size, r_norm))),
        float(np.ldexp(np.hypot(r_data, offset), back)),
        float(np.ldexp(B.bound * (size + y_norm + root * summands), back)),
        bool(perfect),
    )


def _excess(B: Design, gradient: Floats, r_norm: float) -> float:
    """Return g'(B'B)^-1 g / objective: by how much a quadratic exceeds its minimum."""
    along = B.Vt @ gradient
    # 0 but for rounding with constant columns only, where the gradient is 0.
    used = B.s > B.s.size * UNIT * B.s.max(initial=0.0)
    return float(np.square(ratio(norm(along[used] / B.s[used]), r_norm)))


def ratio(a: float, b: float) -> float:
    """Return a / b; 0 / 0 is 0 (no error at all)."""
    return 0.0 if a == 0 else a / b if b > 0 else np.inf


def triangle(*parts: Floats) -> Floats:
    """Return R of a QR factorisation of the rows of all parts."""
    return cast("Floats", np.linalg.qr(np.vstack(parts), mode="r"))


def norm(values: Floats) -> float:
    """Return the 2-norm of all entries, whose squares may overflow."""
    largest = float(np.abs(values).max(initial=0.0))
    if not (0 < largest < np.inf):
        return largest
    return largest * float(np.sqrt(np.sum((values / largest) ** 2)))
