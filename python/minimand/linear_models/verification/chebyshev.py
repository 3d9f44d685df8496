"""Certificates of a minimax fit, computed anew from the data by plain NumPy alone.

For any theta and any d with X'd = 0 and sum |d| = 1

    max |y - X theta| >= sum d_i (y - X theta)_i = y'd,

so that d bounds all fits from below (de la Vallée Poussin). The d of a result balances up to
rounding; here it is replaced by the nearest one, on the rows of its reference, that balances
exactly, and the bound is taken of that. In the same way mu with X'mu = e_j proves

    theta_j <= c_j + mu'(y - X c) + a ||mu||_1   for all theta with |y - X theta| <= a, any c.

Sums that cancel are computed without rounding errors (products split in two by Dekker's method,
math.fsum), in columns that are scaled by powers of two. Nothing here is shared with the solver: no
kernel, no reference implementation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, as_matrix, as_vector
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate, Status
from minimand.linear_models.chebyshev_result import Found, certificates

if TYPE_CHECKING:
    from minimand.linear_models.chebyshev_result import ChebyshevResult

UNIT = 2.0**-53
_BLOCK = 1 << 17  # entries of X that are looked at together
_SPLITTER = 2.0**27 + 1.0
_AGREE = 1e-9  # relative agreement of numbers that follow from others


def recompute(result: ChebyshevResult, X: object, y: object) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the data alone show them.

    Parameters
    ----------
    result
        What a solver claims.
    X, y
        The data as they were given to the solver.

    Raises
    ------
    ValueError
        The data have another shape than the result.
    CertificateError
        A number of the result is better than the data and the multipliers show.
    """
    matrix = as_matrix("X", X, columns=result.coef.shape[0])
    targets = as_vector("y", y, length=matrix.shape[0], like="X")
    if result.dual.shape != targets.shape:
        raise ValueError(f"y has {len(targets)} entries, expected {len(result.dual)}")
    with np.errstate(all="ignore"):  # what is not finite fails
        data = _data(result, matrix, targets)
        found = _found(result, data)
        problems = list(_overstated(result, found, len(targets)))
    if problems:
        raise CertificateError(f"{type(result).__name__} does not verify: {'; '.join(problems)}")
    return certificates(
        found,
        result.tol,
        exact=_exact(result),
        half_width=result.half_width,
        infeasible=result.status is Status.INFEASIBLE,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """Columns that count, the constant last if there is one, and theta; `unit` scales both."""

    X: Floats
    y: Floats
    columns: NDArray[np.intp]
    intercept: bool
    theta: Floats
    unit: Floats
    largest: float
    rounding: float

    def rows(self, numbers: NDArray[np.intp]) -> Floats:
        """Return rows of [X, 1] in columns whose largest entry is near 1."""
        A = self.X[numbers][:, self.columns]
        if self.intercept:
            A = np.hstack([A, np.ones((len(A), 1))])
        return A * np.ldexp(1.0, -self.unit)

    def residuals(self, numbers: NDArray[np.intp]) -> Floats:
        """Return y - X theta for some rows, each rounded once."""
        A, y = self.rows(numbers), self.y[numbers]
        # In a unit in which nothing overflows.
        power = int(np.frexp(np.abs(self.y).max())[1])
        theta = np.ldexp(np.ldexp(self.theta, -power), self.unit)
        return np.ldexp(-_sums(A, np.broadcast_to(theta, A.shape), -np.ldexp(y, -power)), power)


def _data(result: ChebyshevResult, X: Floats, y: Floats) -> _Data:
    n = X.shape[1]
    if not (np.isfinite(result.coef).all() and math.isfinite(result.intercept)):
        raise CertificateError("coef or intercept is not finite")
    columns = np.setdiff1d(np.arange(n), result.aliased)
    theta = result.coef[columns]
    if np.any(np.delete(result.coef, columns)):
        raise CertificateError("coef is not 0 for columns that are aliased")
    if result.has_intercept:
        theta = np.append(theta, result.intercept)
    elif result.intercept:
        raise CertificateError(f"intercept is {result.intercept}, expected 0")
    block, size, largest = max(1, _BLOCK // n), np.zeros(n), 0.0
    for begin in range(0, len(y), block):
        rows = slice(begin, begin + block)
        np.maximum(size, np.abs(X[rows]).max(axis=0), out=size)
        r = np.abs(y[rows] - X[rows] @ result.coef - result.intercept)
        largest = float(np.maximum(largest, r.max()))  # NaN stays
    unit = np.where(size > 0, np.frexp(size)[1], 0)[columns]
    total = float(np.abs(y).max() + size @ np.abs(result.coef)) + abs(result.intercept)
    if result.has_intercept:
        unit = np.append(unit, 0)
    rounding = (len(theta) + 4) * UNIT * total
    return _Data(X, y, columns, result.has_intercept, theta, unit, largest, rounding)


def _found(result: ChebyshevResult, data: _Data) -> Found:
    bound, balance = _lower_bound(result, data)
    excess, interval_balance = None, 0.0
    if result.intervals is not None:
        excess, interval_balance = _intervals(result, data)
    return Found(data.largest, data.rounding, bound, balance, excess, interval_balance)


def _lower_bound(result: ChebyshevResult, data: _Data) -> tuple[float, float]:
    """Return what the dual proves, and how well it balances."""
    used = np.union1d(np.flatnonzero(result.dual), result.reference)
    if not np.isfinite(result.dual).all():
        return -np.inf, np.inf
    if not result.dual.any():
        return 0.0, 0.0
    if used.min() < 0 or used.max() >= len(data.y):
        raise CertificateError("reference has numbers that are no rows")
    A, dual, nothing = data.rows(used), result.dual[used], np.zeros(len(data.theta))
    balance = max(_imbalance(A, dual, nothing), abs(math.fsum(np.abs(dual)) - 1.0))
    dual = _balanced(A, dual, nothing)
    value = math.fsum(dual * data.residuals(used)) / math.fsum(np.abs(dual))
    return max(0.0, value), balance


def _intervals(result: ChebyshevResult, data: _Data) -> tuple[float, float]:
    """Return by how much the intervals are narrower than what is proved, and the imbalance."""
    p = len(data.theta)
    assert result.intervals is not None
    rows, duals, a = result.interval_rows, result.interval_duals, result.half_width
    shape = (result.coef.shape[0] + result.has_intercept, 2)
    if rows is None or duals is None or a is None or result.intervals.shape != shape:
        raise CertificateError(f"intervals need multipliers, a half_width and the shape {shape}")
    if rows.shape != duals.shape or len(rows) != 2 * p:
        raise CertificateError(f"interval_rows has shape {rows.shape}, expected ({2 * p}, k)")
    kept = np.append(data.columns, np.arange(shape[0] - data.intercept, shape[0]))
    worst = imbalance = 0.0
    for k, (numbers, multipliers) in enumerate(zip(rows, duals, strict=True)):
        side, j = divmod(k, p)
        used = np.unique(np.concatenate([numbers[multipliers != 0], result.reference]))
        mu = np.zeros(len(used))
        np.add.at(mu, np.searchsorted(used, numbers[multipliers != 0]),
                  multipliers[multipliers != 0])  # fmt: skip
        A, target = data.rows(used), np.zeros(p)
        target[j] = np.ldexp(1.0, -data.unit[j])
        imbalance = max(imbalance, _imbalance(A, mu, target))
        mu = _balanced(A, mu, target)
        sign = 1.0 if side else -1.0
        reach = math.fsum(mu * data.residuals(used)) + sign * a * math.fsum(np.abs(mu))
        claimed = result.intervals[kept[j], side]
        beyond = sign * (data.theta[j] + reach - claimed)
        size = max(abs(reach), abs(claimed), abs(data.theta[j]))
        worst = max(worst, beyond / size if size > 0 else 0.0)
        if not math.isfinite(beyond):
            worst = np.nan
    return worst, imbalance


def _exact(result: ChebyshevResult) -> bool:
    return not result.dual.any()


def _overstated(result: ChebyshevResult, found: Found, rows: int) -> Iterator[str]:
    """Compare what is stated beside the certificates, in sentences about what is not so."""
    slack = 2 * found.rounding + _AGREE * found.largest * (not _exact(result))
    if not abs(result.objective - found.largest) <= slack:
        yield f"objective is {found.largest:.9g}, recorded was {result.objective:.9g}"
    if not result.lower_bound <= found.lower_bound + found.rounding:
        yield f"lower_bound is {found.lower_bound:.9g}, recorded was {result.lower_bound:.9g}"
    if not _exact(result) and not result.gap >= found.gap - found.floor:
        yield f"gap is {found.gap:.3g}, recorded was {result.gap:.3g}"
    a = result.half_width
    scale = result.objective if a is None else a
    if result.status is Status.EXACT_FIT or (_exact(result) and a is None):
        scale = 0.0
    possible = a is None or found.largest <= a + found.rounding
    likelihood = math.inf if scale == 0 else -rows * math.log(2 * scale)
    likelihood = likelihood if possible else -math.inf
    for name, here in [("noise_scale", scale), ("log_likelihood", likelihood)]:
        stated = getattr(result, name)
        if not (stated == here or math.isclose(stated, here, rel_tol=_AGREE, abs_tol=_AGREE)):
            yield f"{name} is {here:.9g}, recorded was {stated:.9g}"
    if a is not None and result.slack is not None and not result.slack <= a - found.largest + slack:
        yield f"slack is {a - found.largest:.9g}, recorded was {result.slack:.9g}"


def _imbalance(A: Floats, dual: Floats, target: Floats) -> float:
    """Return the largest |A'dual - target|, relative to sum |dual| max |A_j|."""
    rest = np.abs(_sums(A.T, np.broadcast_to(dual, A.T.shape), -target))
    size = np.abs(dual).sum() * np.abs(A).max(axis=0, initial=0.0) + np.abs(target)
    share = np.divide(rest, size, out=np.zeros_like(rest), where=size > 0)
    return float(share.max(initial=0.0))


def _balanced(A: Floats, dual: Floats, target: Floats) -> Floats:
    """Return the multipliers next to `dual` with A'dual = target."""
    for _ in range(2):
        rest = _sums(A.T, np.broadcast_to(dual, A.T.shape), -target)
        if rest.any() and np.isfinite(rest).all():
            dual = dual - np.linalg.lstsq(A.T, rest)[0]
    return dual


def _sums(A: Floats, B: Floats, start: Floats) -> Floats:
    """Return start_i + sum_j A_ij B_ij, rounded about once."""
    high = A * B
    (a, a_low), (b, b_low) = _split(A), _split(B)
    low = ((a * b - high) + a * b_low + a_low * b) + a_low * b_low
    table = np.column_stack([start, high, low])
    return np.array([math.fsum(row) for row in table.tolist()])


def _split(a: Floats) -> tuple[Floats, Floats]:
    t = _SPLITTER * a
    high = t - (t - a)
    return high, a - high
