"""A logistic or Poisson problem as Newton's method sees it: scaled columns, passes over the rows.

Columns are measured from a mean (with an intercept) and in powers of two; theta lists the scaled
coefficients, then the constant term. The data are never copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import row_chunks

LOGISTIC, POISSON = 0, 1

_BLOCK = 2048  # chunks are multiples of this many rows
_PARALLEL_WORK = 2e5  # multiply-adds below which waking threads costs more than it brings


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """The objective at theta; `gradient` points uphill of the likelihood: Z'W(y - mu) - penalty.

    margin: min (2y - 1) eta, positive if theta separates the classes. largest: max |eta|.
    """

    theta: Floats
    objective: float
    gradient: Floats
    hessian: Floats | None
    margin: float
    largest: float

    @property
    def finite(self) -> bool:
        """Whether nothing overflowed (and no entry of the data is NaN)."""
        return bool(np.isfinite(self.objective) and np.isfinite(self.gradient).all())


@dataclass(frozen=True, slots=True, eq=False)
class DualPoint:
    """What `glm_direction_pass` says of q = mu + V t, t = Z direction.

    residual is Z'W(y - q), sizes sum w |z|, values y - q, divergence sum w KL(q, mu), largest
    max |t|.
    """

    residual: Floats
    sizes: Floats
    values: Floats
    divergence: float
    largest: float


@dataclass(frozen=True, slots=True, eq=False)
class Glm:
    """The data of a problem and the frame of its columns.

    penalty : (p,), the second derivative of the penalty in the frame; 0 for the constant term.
    """

    X: Floats
    y: Floats
    weights: Floats
    offset: Floats
    intercept: bool
    family: int
    shift: Floats
    scale: Floats
    penalty: Floats
    threads: int
    kernels: ModuleType
    row_kernels: ModuleType

    @property
    def parameters(self) -> int:
        """The length of theta."""
        return int(self.X.shape[1]) + self.intercept

    @property
    def total_weight(self) -> float:
        """Sum of the weights."""
        return float(self.weights.sum()) if self.weights.size else float(len(self.X))

    def evaluate(self, theta: Floats, *, hessian: bool) -> Point:
        """Return objective and gradient at theta, and the Hessian if it is wanted."""
        p = self.parameters
        width = p if hessian else 0
        parts = []
        for begin, end in self._chunks(p * width / 2 + 2 * p):
            gradient, gram, sums = np.empty(p), np.empty((width, width)), np.empty(3)
            self.kernels.glm_pass(
                self.X, self.y, self.weights, self.offset, theta, self.shift, self.scale,
                self.intercept, self.family, begin, end, gradient, gram, sums,
                self._threads(2 + width / 2),
            )  # fmt: skip
            parts.append((gradient, gram, sums))
        with np.errstate(all="ignore"):
            gradient = sum((part[0] for part in parts), -self.penalty * theta)
            loss = float(sum(part[2][0] for part in parts))
            objective = float(loss + 0.5 * (self.penalty * theta) @ theta)
            gram = sum((part[1] for part in parts), np.zeros((width, width)))
        if hessian:
            gram[np.diag_indices(p)] += self.penalty
        return Point(
            theta=theta,
            objective=objective,
            gradient=gradient,
            hessian=gram if hessian else None,
            margin=float(min(part[2][1] for part in parts)),
            largest=float(max(part[2][2] for part in parts)),
        )

    def dual_point(self, theta: Floats, direction: Floats) -> DualPoint:
        """Return the dual point q = mu + V Z direction."""
        p = self.parameters
        values = np.empty(len(self.X))
        parts = []
        for begin, end in self._chunks(4 * p):
            residual, sizes, sums = np.empty(p), np.empty(p), np.empty(2)
            self.kernels.glm_direction_pass(
                self.X, self.y, self.weights, self.offset, theta, direction, self.shift, self.scale,
                self.intercept, self.family, begin, end, residual, sizes, values, sums,
                self._threads(4),
            )  # fmt: skip
            parts.append((residual, sizes, sums))
        return DualPoint(
            residual=sum((part[0] for part in parts), np.zeros(p)),
            sizes=sum((part[1] for part in parts), np.zeros(p)),
            values=values,
            divergence=float(sum(part[2][0] for part in parts)),
            largest=float(max(part[2][1] for part in parts)),
        )

    def products(self, direction: Floats) -> Floats:
        """Return Z direction."""
        n = self.X.shape[1]
        c = direction[:n] * self.scale
        constant = (float(direction[n]) if self.intercept else 0.0) - float(self.shift @ c)
        t: Floats = self.X @ c + constant
        return t

    def predictor(self, theta: Floats) -> Floats:
        """Return the linear predictors of all rows."""
        eta = self.products(theta)
        return eta + self.offset if self.offset.size else eta

    def triangle(self, weights: Floats, target: Floats) -> Floats:
        """Return R with R'R = [1 Z y]' W [1 Z y] by Householder reflections, the constant first."""
        width = self.parameters + 1
        shift, scale = np.append(self.shift, 0.0), np.append(self.scale, 1.0)
        column = np.ascontiguousarray(target[:, None])
        R = np.zeros((width, width))
        for begin, end in self._chunks(width * width):
            self.row_kernels.tsqr_pass(
                self.X, column, weights, shift, scale, self.intercept, begin, end, R,
                self._threads(2 * width),
            )  # fmt: skip
        return R

    def to_user(self, theta: Floats) -> tuple[Floats, float]:
        """Return the coefficients of X and the constant term."""
        n = self.X.shape[1]
        coef = theta[:n] * self.scale
        constant = float(theta[n]) - float(self.shift @ coef) if self.intercept else 0.0
        return coef, constant

    def rows(self, chosen: np.ndarray) -> Glm:
        """Return the problem of some rows, in the same frame."""
        numbers = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen

        def part(values: Floats) -> Floats:
            # "clip" spares a check of numbers that are rows anyway, and half the time.
            return values.take(numbers, axis=0, mode="clip") if values.size else values

        return replace(
            self,
            X=part(self.X),
            y=part(self.y),
            weights=part(self.weights),
            offset=part(self.offset),
        )

    def _chunks(self, work_per_row: float) -> Iterator[tuple[int, int]]:
        return row_chunks(len(self.X), work_per_row, _BLOCK, elements_per_row=self.X.shape[1])

    def _threads(self, work_per_entry: float) -> int:
        return self.threads if work_per_entry * self.X.size > _PARALLEL_WORK else 1


def frame(X: Floats, intercept: bool) -> tuple[Floats, Floats]:
    """Return where columns are measured from, and the powers of two that bring them near 1."""
    with np.errstate(over="ignore", invalid="ignore"):
        shift = X.mean(axis=0) if intercept else np.zeros(X.shape[1])
        shift = np.where(np.isfinite(shift), shift, 0.0)
        largest = np.abs(X - shift).max(axis=0)
    scale = np.ones(X.shape[1])
    used = (largest > 0) & np.isfinite(largest)
    scale[used] = np.ldexp(1.0, np.clip(-np.frexp(largest[used])[1], -1021, 1021))
    return shift, scale
