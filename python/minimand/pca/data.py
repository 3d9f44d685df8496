"""The data of a principal component analysis, and the passes over its rows.

Row i of the matrix B whose singular vectors are the components, and of the uncentred A, is

    b_i = sqrt(w_i) (x_i - mean) scale,    a_i = sqrt(w_i) x_i scale

with one power of two as scale for all columns: components depend on the units of the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, check_finite
from minimand._common.iterate import interruptible, row_chunks
from minimand.least_squares.data import Data, Frame, _tree_sum
from minimand.least_squares.moments import UNIT

_BLOCK = 2048  # chunks are multiples of this many rows
_WIDE = 700  # columns from which on a chunk of 50 ms is too short to be shared out
_LEAVES = 8  # parts of a chunk of wide rows, each with a matrix of its own
_PARALLEL_WORK = 2e5  # multiply-adds below which waking threads costs more than it brings
_TINY, _HUGE = 1e-120, 1e120  # sums of squares outside of these call for scaling
_KERNEL_BLOCK, _KERNEL_LEAVES = 1024, 32  # at most, of one chunk


@dataclass(frozen=True, slots=True)
class Product:
    """B'(B Q) about an origin, with the sums that move it to another one.

    product : (n, b); sums : sum_i sqrt(w_i) b_i; squares : sum_i b_i^2 for each column
    """

    product: Floats
    sums: Floats
    squares: Floats

    def about_mean(self, Q: Floats, weight: float) -> Product:
        """Return the same about the mean: C = C_s - W d d' with d = sums / W."""
        offset = self.sums / weight
        return Product(
            self.product - weight * np.outer(offset, offset @ Q),
            np.zeros_like(self.sums),
            np.maximum(self.squares - weight * offset**2, 0.0),
        )


@dataclass(frozen=True, slots=True)
class Rows(Data):
    """X (m, n) float32 or float64, no targets, weights (m,) or (0,); `intercept` means centred."""

    passes: ModuleType

    @property
    def weight(self) -> float:
        """W, the sum of the weights."""
        return float(self.weights.sum()) if self.weights.size else float(self.rows)

    def scaled_frame(self) -> Frame:
        """Return the first frame in the power of two that brings the largest entry near 1."""
        check_finite("X", self.X)
        largest = max(float(np.abs(self.X[rows]).max()) for rows in self._slices())
        if self.weights.size:
            largest *= float(np.sqrt(self.weights.max()))
        scale = _power(largest)
        frame = self.first_frame()
        if self.intercept:  # again, because the sums of the first frame may have overflowed
            head = slice(0, min(_BLOCK, self.rows))
            weights = self.weights[head] if self.weights.size else np.ones(len(self.X[head]))
            if weights.any():
                share = weights / weights.sum()
                frame.shift[:] = share @ (self.X[head].astype(np.float64) * scale) / scale
        frame.scale[:] = scale
        return frame

    def out_of_range(self, squares: Floats) -> bool:
        """Whether sums of squares overflowed, met NaN, or underflowed although X is not zero."""
        largest = float(squares.max())
        if not largest < _HUGE:
            return True
        return largest < _TINY and any(self.X[rows].any() for rows in self._slices())

    def gram(self, frame: Frame) -> Floats:
        """Return Z'Z of the rows [1 x] in the frame."""
        width = self.lead + self.columns

        def part(begin: int, end: int) -> Floats:
            gram = np.empty((width, width))
            work, threads = (end - begin) * width * width / 2, self._threads(width)
            self._run(work, self.kernels.gram_pass, *self._all(frame), begin, end, gram, threads)
            return gram

        return _tree_sum(part(*rows) for rows in self._shares(width * width / 2))

    def triangle(self, frame: Frame) -> Floats:
        """Return R with R'R = Z'Z by Householder reflections, diagonal >= 0."""
        width = self.lead + self.columns
        R = np.zeros((width, width))
        for begin, end in self._shares(width * width):
            # An interrupted kernel runs on to its end, on what only it holds.
            part = R if width < _WIDE else R.copy()
            work, threads = (end - begin) * width * width, self._threads(2 * width)
            self._run(work, self.kernels.tsqr_pass, *self._all(frame), begin, end, part, threads)
            R = part
        return R

    def covariance(self, frame: Frame, Q: Floats) -> Product:
        """Return B'(B Q) and its sums in one read of X; B is about the origin of the frame."""
        n, b = Q.shape
        Q = np.ascontiguousarray(Q)

        def part(begin: int, end: int) -> Floats:
            found = np.empty((b + 2, n))
            product = np.empty((n, b))
            self.passes.covariance_pass(
                self.X, self.weights, frame.shift, frame.scale, Q, begin, end, product, found[b],
                found[b + 1], self._threads(2 * b),
            )  # fmt: skip
            found[:b] = product.T
            return found

        chunks = row_chunks(self.rows, 2 * n * b, _BLOCK, elements_per_row=n)
        total = _tree_sum(part(*rows) for rows in chunks)
        return Product(np.ascontiguousarray(total[:b].T), total[b], total[b + 1])

    def _run(self, work: float, kernel: Callable[..., None], *arguments: Any) -> None:
        """Call a kernel; the long calls for wide rows so that Ctrl-C need not wait."""
        interruptible(work if self.lead + self.columns >= _WIDE else 0.0, kernel, *arguments)

    def gram_depth(self) -> int:
        """Additions one after the other, at most, in an entry of `gram`, its packing included."""
        chunk = next(iter(self._shares((self.lead + self.columns) ** 2 / 2)))[1]
        leaf = -(-chunk // max(1, min(chunk // _KERNEL_BLOCK, _KERNEL_LEAVES))) + _KERNEL_BLOCK
        return 8 + self._depth(leaf, chunk)

    def covariance_depth(self, b: int) -> int:
        """Return the same for an entry of B'(B Q), the inner products included."""
        n = self.columns
        chunk = next(row_chunks(self.rows, 2 * n * b, _BLOCK, elements_per_row=n))[1]
        return 8 + n + self._depth(512 + chunk // 128, chunk)

    def _depth(self, leaf: int, chunk: int) -> int:
        # In blocks of 4096 rows for the NumPy mirror, and then in a tree over the chunks.
        longest = max(leaf, min(chunk, 4096) + chunk // 4096)
        return min(longest, self.rows) + 6 + int(np.ceil(np.log2(-(-self.rows // chunk) + 1)))

    def _slices(self) -> Iterator[slice]:
        rows = max(1, (1 << 19) // self.columns)
        return (slice(begin, begin + rows) for begin in range(0, self.rows, rows))

    def _shares(self, work_per_row: float) -> Iterator[tuple[int, int]]:
        """Cut the rows into chunks; those of wide rows run in a thread, so that they may be long.

        A leaf of the kernels has at least 4 (Gram) or 16 (triangle) rows for each column.
        """
        width = self.lead + self.columns
        if width < _WIDE:
            return row_chunks(self.rows, work_per_row, _BLOCK, elements_per_row=width)
        per_leaf = 4 * (width + 8) if work_per_row < width * width else 16 * width
        size = _LEAVES * per_leaf
        return ((i, min(i + size, self.rows)) for i in range(0, self.rows, size))


def roundoff(depth: int) -> float:
    """Return gamma_d = d u / (1 - d u): a sum of d products errs by that relative to its parts."""
    return depth * UNIT / (1.0 - depth * UNIT)


def _power(largest: float) -> float:
    if not 0 < largest < np.inf:
        return 1.0
    return float(np.ldexp(1.0, np.clip(-np.frexp(largest)[1], -1021, 1021)))
