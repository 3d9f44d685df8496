"""The minimax fit: exchanges in a working set, passes over all rows in between."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import scipy
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.iterate import Advance, row_chunks
from minimand._common.result import Status
from minimand.linear_models.design import Design
from minimand.linear_models.polish import balanced, corrected, remainders, solve_reference

Integers = NDArray[np.int64]

UNIT = 2.0**-53
_OPTIMAL, _UNFINISHED = 0, 1
_ROW_BLOCK = 2048
_PARALLEL_WORK = 1e6  # multiply-adds below which waking threads costs more than it brings
_CALL_WORK = 1e8  # multiply-adds in one call of the exchange
_INDEPENDENT = 1e-11  # least pivot of the first reference, relative to the largest
_WELL = 1e-6  # such a pivot is nothing to worry about
_START_WORK = 500_000_000  # multiply-adds for the first reference


@dataclass(slots=True, eq=False)
class Fit:
    """Coefficients theta in the user's units, the largest residual, and what bounds it from below.

    `dual` belongs to the rows `reference`; `lower_bound` is what it proves.
    """

    theta: Floats
    largest: float
    lower_bound: float
    reference: Integers
    dual: Floats

    @property
    def gap(self) -> float:
        """Return the relative gap."""
        return max(0.0, 1.0 - self.lower_bound / self.largest) if self.largest > 0 else 0.0


class Rows:
    """The data in units, powers of two, in which all columns and the residuals are near 1."""

    def __init__(self, design: Design, kernels: ModuleType, threads: int) -> None:
        self.design, self.kernels, self.threads = design, kernels, threads
        X, y = design.X, design.y
        self.size_x = np.maximum(X.max(axis=0), -X.min(axis=0))
        self.size_y = float(max(y.max(), -y.min()))
        n = X.shape[1]
        unit = np.ones(design.parameters)
        unit[:n] = _power_of_two(self.size_x)
        self.unit = unit
        fit = design.least_squares
        assert fit is not None
        self.start = np.append(np.nan_to_num(fit.coef)[design.columns], fit.intercept)[
            : design.parameters
        ]
        self.extreme_rows, self.extremes = self.largest(self.start)
        self.unit_y = float(_power_of_two(np.abs(self.extremes[:1]))[0])

    @property
    def working(self) -> int:
        """Return the number of rows that a pass brings into the working set."""
        return min(len(self.design.y), max(200, 10 * (self.design.parameters + 1)))

    def rounding(self, theta: Floats) -> float:
        """Return the bound on what rounding makes of a residual."""
        n = self.design.X.shape[1]
        size = self.size_y + float(self.size_x @ np.abs(theta[:n]))
        size += abs(float(theta[n])) if self.design.intercept else 0.0
        return (len(theta) + 4) * UNIT * size

    def largest(self, theta: Floats) -> tuple[Integers, Floats]:
        """Return the rows with the largest residuals, and these, in descending order."""
        X, y = self.design.X, self.design.y
        parts = []
        for begin, end in row_chunks(len(y), X.shape[1], _ROW_BLOCK, elements_per_row=X.shape[1]):
            count = min(self.working, end - begin)
            rows, values = np.empty(count, np.int64), np.empty(count)
            threads = self.threads if (end - begin) * X.shape[1] > _PARALLEL_WORK else 1
            self.kernels.residual_extremes(
                X, y, theta, self.design.intercept, begin, end, rows, values, threads
            )
            parts.append((rows, values))
        if len(parts) == 1:
            return parts[0]
        rows, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.lexsort((rows, -np.abs(values)))[: self.working]
        return rows[order], values[order]

    def matrix(self, rows: Integers) -> Floats:
        """Return these rows of [X, 1 if intercept] in our units."""
        A = self.design.X[rows] / self.unit[: self.design.X.shape[1]]
        return np.hstack([A, np.ones((len(rows), 1))]) if self.design.intercept else A

    def targets(self, rows: Integers) -> Floats:
        """Return the residuals of the start at these rows, in our units."""
        n = self.design.X.shape[1]
        A = self.design.X[rows] * self.start[:n]
        ones = np.full((len(rows), 1), self.start[n]) if self.design.intercept else A[:, :0]
        parts = np.hstack([A, ones])
        values: Floats = (self.design.y[rows] - parts.sum(axis=1)) / self.unit_y
        return values

    def to_user(self, theta: Floats) -> Floats:
        """Return the coefficients for a correction of the start in our units."""
        return self.start + theta * self.unit_y / self.unit

    def residuals(self, rows: Integers, theta: Floats) -> Floats:
        """Return the residuals of these rows, each rounded once, for coefficients of the user's."""
        return remainders(self.matrix(rows), (theta * self.unit,), self.design.y[rows])

    def proven(self, fit: Fit) -> tuple[float, float]:
        """Return the lower bound that the dual of a fit proves, and its balance."""
        A, nothing = self.matrix(fit.reference), np.zeros(len(fit.theta))
        _, balance = balanced(A, fit.dual, nothing)
        dual = corrected(A, fit.dual, nothing)
        bound = float(dual @ self.residuals(fit.reference, fit.theta)) / float(np.abs(dual).sum())
        return bound, max(balance, abs(float(np.abs(fit.dual).sum()) - 1.0))


class Exchange:
    """The state of a run; `advance` is for `drive`."""

    def __init__(self, rows: Rows, tol: float) -> None:
        self.rows, self.tol = rows, tol
        self.state = np.zeros(3)
        self.fit = Fit(rows.start, float(abs(rows.extremes[0])), 0.0, np.empty(0, np.int64),
                       np.empty(0))  # fmt: skip
        self.best_bound = 0.0
        reference = independent_rows(rows)
        _, first = np.unique(np.concatenate([reference, rows.extreme_rows]), return_index=True)
        self.set = np.concatenate([reference, rows.extreme_rows])[np.sort(first)]
        self._load()
        self.reference = np.arange(len(reference))
        self.signs = self._first_signs()

    def _load(self) -> None:
        design = self.rows.design
        n = design.X.shape[1]
        self.X = np.ascontiguousarray(self.rows.matrix(self.set)[:, :n])
        self.y = self.rows.targets(self.set)

    def _first_signs(self) -> Floats:
        """Return the signs of the null vector of the reference: the multipliers are >= 0."""
        A = self.rows.matrix(self.set[self.reference])
        null = np.linalg.qr(A, mode="complete")[0][:, -1]
        signs = np.where(null < 0, -1.0, 1.0)
        return -signs if null @ self.y[self.reference] < 0 else signs

    def advance(self, count: int) -> Advance:
        """Exchange until the working set is solved, then pass over all rows; `count` times."""
        status, done = None, 0
        while status is None and done < count:
            status = self._once()
            done += 1
        measures = {"lower_bound": self.fit.lower_bound, "largest_residual": self.fit.largest}
        return Advance(done, {**measures, "gap": self.fit.gap}, status)

    def _once(self) -> Status | None:
        rows, q = self.rows, len(self.reference)
        theta, weights = np.full(q - 1, np.nan), np.full(q, np.nan)
        slack = rows.rounding(self.fit.theta) / rows.unit_y
        calls = max(8, int(_CALL_WORK / (q * (len(self.set) + 4 * q))))
        found = rows.kernels.chebyshev_exchange(
            self.X, self.y, rows.design.intercept, self.tol, slack, calls,
            self.reference, self.signs, self.state, theta, weights,
        )  # fmt: skip
        if not (np.isfinite(theta).all() and np.isfinite(weights).all()):
            return Status.NOT_CERTIFIED
        # Ours for now; the last word is that of `finish`, in twice the precision.
        bound = float((self.signs * self.y[self.reference]) @ weights) * rows.unit_y
        self.fit.lower_bound = bound
        self.fit.reference, self.fit.dual = self.set[self.reference], self.signs * weights
        if found == _UNFINISHED:
            return None
        moved = rows.to_user(theta)
        extreme_rows, extremes = rows.largest(moved)
        if abs(extremes[0]) < self.fit.largest:
            self.fit.theta, self.fit.largest = moved, float(abs(extremes[0]))
        if self.fit.largest - bound <= self.tol * self.fit.largest + rows.rounding(moved):
            return Status.CONVERGED
        if found != _OPTIMAL or len(self.set) == len(rows.design.y):  # no better than this
            return Status.NOT_CERTIFIED
        self._refill(extreme_rows, grown=bound > self.best_bound * (1 + 1e-13))
        self.best_bound = max(bound, self.best_bound)
        return None

    def _refill(self, extreme_rows: Integers, *, grown: bool) -> None:
        """Take the reference and the rows with the largest residuals; keep all if h is stuck."""
        kept = self.set[self.reference] if grown else self.set
        rows = np.concatenate([self.set[self.reference], kept, extreme_rows])
        _, first = np.unique(rows, return_index=True)
        self.set = rows[np.sort(first)]
        self.reference = np.arange(len(self.reference))
        self._load()


def finish(rows: Rows, fit: Fit) -> Fit:
    """Solve for coefficients and dual of the reference to the last digit; keep what is better."""
    if not fit.dual.any():  # not a single exchange
        return fit
    A, y = rows.matrix(fit.reference), rows.design.y[fit.reference]
    signs = np.where(fit.dual < 0, -1.0, 1.0)
    total = np.abs(fit.dual).sum()
    candidates = [Fit(fit.theta, fit.largest, 0.0, fit.reference, fit.dual / total)]
    basis = solve_reference(A, y, signs) if len(fit.reference) == len(fit.theta) + 1 else None
    if basis is not None:
        theta = basis.theta / rows.unit
        largest = float(abs(rows.largest(theta)[1][0]))
        candidates.append(Fit(theta, largest, 0.0, fit.reference, basis.dual))
    for one in candidates:
        one.lower_bound = rows.proven(one)[0]
    rounding = rows.rounding(candidates[-1].theta)
    best = min(candidates, key=lambda one: one.largest)
    if candidates[-1].largest <= best.largest + rounding:
        best = candidates[-1]
    dual = max(candidates, key=lambda one: one.lower_bound)
    if candidates[-1].lower_bound >= dual.lower_bound - rounding:
        dual = candidates[-1]
    answer = Fit(best.theta, best.largest, 0.0, dual.reference, dual.dual)
    answer.lower_bound = max(0.0, rows.proven(answer)[0])
    return answer


def independent_rows(rows: Rows) -> Integers:
    """Return p + 1 rows of rank p, from those with the largest residuals as far as these suffice.

    For each direction that they leave open, the row that reaches farthest there comes in.
    """
    p = rows.design.parameters
    chosen, spread = rows.extreme_rows, False
    while True:
        Q, triangle, pivots = scipy.linalg.qr(rows.matrix(chosen).T, pivoting=True)
        size = np.abs(np.diag(triangle))
        rank = int(np.count_nonzero(size > _INDEPENDENT * size[0]))
        new = np.setdiff1d(_farthest_rows(rows, Q[:, rank:]), chosen)
        if not len(new):
            # Nearly dependent: rows from everywhere, so that the reference is as good as can be.
            m = len(rows.design.y)
            step = max(1, m * p * p // _START_WORK)
            more = np.setdiff1d(np.arange(0, m, step), chosen)
            if size[p - 1] > _WELL * size[0] or spread or not len(more):
                break
            new, spread = more, True
        chosen = np.concatenate([chosen, new])
    basis = chosen[pivots[:p]]
    another = chosen[~np.isin(chosen, basis)][:1]
    return np.concatenate([basis, another]).astype(np.int64)


def _farthest_rows(rows: Rows, directions: Floats) -> Integers:
    """Return for each direction the row with the largest part in it."""
    count = directions.shape[1]
    best, found = np.full(count, -1.0), np.zeros(count, np.int64)
    if count == 0:
        return found
    m, block = len(rows.design.y), 1 << 14
    for begin in range(0, m, block):
        part = np.abs(rows.matrix(np.arange(begin, min(m, begin + block))) @ directions)
        top = part.argmax(axis=0)
        values = part[top, np.arange(count)]
        better = values > best
        best[better], found[better] = values[better], begin + top[better]
    return found


def _power_of_two(size: Floats) -> Floats:
    """Return the power of two next to each number, 1 for 0."""
    exponents = np.clip(np.frexp(size)[1], -1000, 1000)
    powers: Floats = np.where(size > 0, np.ldexp(1.0, exponents), 1.0)
    return powers
