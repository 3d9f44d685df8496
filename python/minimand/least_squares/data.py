"""The data of a problem, and the passes over its rows.

Kernels read rows begin..end-1 and know nothing of Ctrl-C, so every pass is cut into chunks here.
Row i of the augmented matrix that they see is

    z_i = sqrt(w_i) [1, (x_i - shift_x) * scale_x, (y_i - shift_y) * scale_y]

in a `Frame` (shift, scale); the leading 1 stands with an intercept only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, check_finite
from minimand._common.iterate import row_chunks

_BLOCK = 2048  # chunks are multiples of this many rows
_PARALLEL_WORK = 2e5  # multiply-adds below which waking threads costs more than it brings


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the columns of X and of y are measured from, and in which (power of two) unit."""

    shift: Floats
    scale: Floats


@dataclass(frozen=True, slots=True)
class Residual:
    """r = y - A c in a frame: A' W r as a pair, and sum w r^2 for each right-hand side."""

    normal: Floats
    normal_low: Floats
    squares: Floats


@dataclass(frozen=True, slots=True)
class Data:
    """X (m, n) float32 or float64, Y (m, k), weights (m,) or (0,) for none."""

    X: NDArray[np.floating[Any]]
    Y: Floats
    weights: Floats
    intercept: bool
    threads: int
    kernels: ModuleType

    @property
    def rows(self) -> int:
        """Number of rows m, those of weight 0 included."""
        return len(self.X)

    @property
    def columns(self) -> int:
        """Number of columns n of X."""
        return int(self.X.shape[1])

    @property
    def lead(self) -> int:
        """Number of columns before those of X in the augmented matrix: the constant."""
        return int(self.intercept)

    @property
    def observations(self) -> int:
        """Rows that count."""
        return int(np.count_nonzero(self.weights)) if self.weights.size else self.rows

    @property
    def rounding(self) -> float:
        """Unit roundoff of the type in which X was given."""
        return float(np.finfo(self.X.dtype).eps) / 2

    def plain_frame(self) -> Frame:
        """No shift, no scale: the numbers as the user gave them."""
        width = self.columns + self.Y.shape[1]
        return Frame(np.zeros(width), np.ones(width))

    def first_frame(self) -> Frame:
        """With an intercept, the mean of the first rows as origin: sums do not cancel."""
        frame = self.plain_frame()
        if self.intercept:
            head = slice(0, min(_BLOCK, self.rows))
            weights = self.weights[head] if self.weights.size else np.ones(len(self.Y[head]))
            total = weights.sum()
            if total > 0:
                share = weights / total
                with np.errstate(over="ignore", invalid="ignore"):
                    shift = np.concatenate([share @ self.X[head], share @ self.Y[head]])
                frame.shift[:] = np.where(np.isfinite(shift), shift, 0.0)
        return frame

    def scaled_frame(self) -> Frame:
        """Powers of two that bring the largest entry of every column near 1."""
        largest = np.concatenate([_largest(self.X), _largest(self.Y)])
        scale = np.ones(largest.size)
        used = largest > 0
        scale[used] = np.ldexp(1.0, np.clip(-np.frexp(largest[used])[1], -1021, 1021))
        frame = Frame(np.zeros(largest.size), scale)
        if self.intercept:
            head = slice(0, min(_BLOCK, self.rows))
            columns = np.concatenate([self.X[head], self.Y[head]], axis=1, dtype=np.float64)
            if self.weights.size:
                columns = columns[self.weights[head] > 0]
            if columns.size:
                frame.shift[:] = (columns * scale).mean(axis=0) / scale
        return frame

    def check_finite(self) -> None:
        """Raise ValueError with the position of a NaN or an infinity, if there is one."""
        check_finite("X", self.X)
        check_finite("y", self.Y[:, 0] if self.Y.shape[1] == 1 else self.Y)

    def gram(self, frame: Frame) -> Floats:
        """Return Z'Z of the augmented matrix."""
        width = self.lead + self.columns + self.Y.shape[1]

        def part(begin: int, end: int) -> Floats:
            gram = np.empty((width, width))
            self.kernels.gram_pass(*self._all(frame), begin, end, gram, self._threads(width))
            return gram

        return _tree_sum(part(*rows) for rows in self._chunks(width * width / 2))

    def preconditioned_gram(self, frame: Frame, R: Floats) -> Floats:
        """Return (B R^-1)'(B R^-1) for the columns B of X in the frame."""
        n = self.columns

        def part(begin: int, end: int) -> Floats:
            gram = np.empty((n, n))
            self.kernels.preconditioned_gram_pass(
                self.X, self.weights, frame.shift[:n], frame.scale[:n], R, begin, end, gram,
                self._threads(2 * n),
            )  # fmt: skip
            return gram

        return _tree_sum(part(*rows) for rows in self._chunks(n * n))

    def triangle(self, frame: Frame) -> Floats:
        """Return R with R'R = Z'Z by Householder reflections, diagonal >= 0."""
        width = self.lead + self.columns + self.Y.shape[1]
        R = np.zeros((width, width))
        for begin, end in self._chunks(width * width):
            self.kernels.tsqr_pass(*self._all(frame), begin, end, R, self._threads(2 * width))
        return R

    def residual(
        self, frame: Frame, coef: Floats, coef_low: Floats | None = None, *, precision: int = 0
    ) -> Residual:
        """Return the gradient and the residual squares at `coef` (constant first, if any)."""
        low = np.zeros_like(coef) if coef_low is None else coef_low

        def part(begin: int, end: int) -> Floats:
            sums = np.empty((2 * coef.shape[0] + 1, coef.shape[1]))
            normal, normal_low = np.empty_like(coef), np.empty_like(coef)
            squares = np.empty(coef.shape[1])
            self.kernels.residual_pass(
                *self._all(frame), coef, low, precision, begin, end, normal, normal_low, squares,
                self._threads(4),
            )  # fmt: skip
            sums[:] = np.vstack([normal, normal_low, squares])
            return sums

        work = coef.size * (4 if precision == 0 else 40)
        q = coef.shape[0]
        total = _tree_sum((part(*rows) for rows in self._chunks(work)), pairs=q)
        return Residual(total[:q], total[q : 2 * q], total[2 * q])

    def _all(self, frame: Frame) -> tuple[Any, ...]:
        return self.X, self.Y, self.weights, frame.shift, frame.scale, self.intercept

    def _chunks(self, work_per_row: float) -> Iterator[tuple[int, int]]:
        width = self.columns + self.Y.shape[1]
        return row_chunks(self.rows, work_per_row, _BLOCK, elements_per_row=width)

    def _threads(self, work_per_entry: float) -> int:
        work = work_per_entry * self.rows * (self.columns + self.Y.shape[1])
        return self.threads if work > _PARALLEL_WORK else 1


def _largest(array: NDArray[np.floating[Any]]) -> Floats:
    rows = max(1, (1 << 19) // array.shape[1])
    parts = [np.abs(array[i : i + rows]).max(axis=0) for i in range(0, array.shape[0], rows)]
    largest: Floats = np.max(parts, axis=0).astype(np.float64)
    return largest


def _tree_sum(parts: Iterable[Floats], pairs: int = 0) -> Floats:
    """Sum in the order of a binary counter; rows 0..pairs-1 have low parts in the next `pairs`."""
    stack: list[tuple[int, Floats]] = []

    def add(a: Floats, b: Floats) -> Floats:
        total = a + b
        if pairs:  # two_sum: what the sum of the high parts rounds off goes to the low parts
            seen = total[:pairs] - a[:pairs]
            lost = (a[:pairs] - (total[:pairs] - seen)) + (b[:pairs] - seen)
            total[pairs : 2 * pairs] += lost
        return total

    for part in parts:
        level, total = 0, part
        while stack and stack[-1][0] == level:
            total = add(stack.pop()[1], total)
            level += 1
        stack.append((level, total))
    total = stack.pop()[1]
    while stack:
        total = add(stack.pop()[1], total)
    return total
