"""Rows that are not at hand: their sums, and stand-ins so that their fit is refined as any."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand.least_squares.data import Data, Frame, Residual


@dataclass(frozen=True, slots=True)
class AccumulatedData(Data):
    """Rows that a state has seen: gradients come from its sums, in its own frame.

    sums : triangle R of [1 X y], or its Gram matrix; seen : number of rows of positive weight
    """

    sums: Floats
    triangular: bool
    seen: int

    @property
    def observations(self) -> int:
        """Rows that count."""
        return self.seen

    def residual(
        self,
        frame: Frame,  # noqa: ARG002
        coef: Floats,
        coef_low: Floats | None = None,  # noqa: ARG002
        *,
        precision: int = 0,  # noqa: ARG002
    ) -> Residual:
        """Return the gradient at `coef`, as exact as the sums are."""
        q, sums = coef.shape[0], self.sums
        if self.triangular:
            r = sums[:, q:] - sums[:, :q] @ coef
            normal, squares = sums[:, :q].T @ r, np.einsum("ij,ij->j", r, r)
        else:
            normal = sums[:q, q:] - sums[:q, :q] @ coef
            # ||y - Xc||^2 = y'y - c'(X'y + normal), normal = X'(y - Xc)
            squares = np.diag(sums)[q:] - np.einsum("ij,ij->j", coef, sums[:q, q:] + normal)
            squares = np.maximum(squares, 0.0)
        return Residual(normal, np.zeros_like(normal), squares)


@dataclass(frozen=True, slots=True)
class BlockData(Data):
    """The same rows again, block by block; `convert` makes each block's `Data`."""

    seen: int
    blocks: Iterable[tuple[Any, ...]]
    convert: Callable[..., Data]

    @property
    def observations(self) -> int:
        """Rows that count."""
        return self.seen

    def residual(
        self, frame: Frame, coef: Floats, coef_low: Floats | None = None, *, precision: int = 0
    ) -> Residual:
        """Return the gradient at `coef` in one pass over all blocks."""
        total = Residual(np.zeros_like(coef), np.zeros_like(coef), np.zeros(coef.shape[1]))
        rows = 0
        for block in self.blocks:
            data = self.convert(*block)
            data.check_finite()
            part = data.residual(frame, coef, coef_low, precision=precision)
            total = Residual(
                total.normal + part.normal,
                total.normal_low + part.normal_low,
                total.squares + part.squares,
            )
            rows += data.observations
        if rows != self.seen:
            raise ValueError(
                f"blocks has {rows} rows of positive weight, expected the {self.seen} that the "
                "state has seen"
            )
        return total


class Sums:
    """Triangles (or Gram matrices) of [1 X y] in a frame: what is left of the rows of a state.

    They stand in a binary counter, each with the number of additions that lead to it, so that
    rounding errors grow as log2 of the number of blocks.
    """

    def __init__(self, *, triangular: bool, intercept: bool, kernels: ModuleType) -> None:
        self.triangular, self.intercept, self.kernels = triangular, intercept, kernels
        self.frame: Frame | None = None
        self.parts: list[tuple[int, Floats]] = []

    @property
    def width(self) -> int:
        """Columns of [1 X y]; 0 before the first block."""
        return len(self.parts[0][1]) if self.parts else 0

    def of(self, data: Data, frame: Frame) -> Floats:
        """Return the sums of a block of rows."""
        return data.triangle(frame) if self.triangular else data.gram(frame)

    def lengths(self, sums: Floats) -> Floats:
        """Return the sums of squares of the columns of X and y."""
        squares = np.einsum("ij,ij->j", sums, sums) if self.triangular else np.diag(sums)
        return squares[int(self.intercept) :]

    def push(self, frame: Frame, depth: int, sums: Floats) -> None:
        """Add the sums of other rows, seen from `frame`, into which those so far are moved."""
        if self.frame is not None and self.frame is not frame:
            self.parts = [self.seen_from(frame)]
        self.frame = frame
        while self.parts and self.parts[-1][0] <= depth:
            below, part = self.parts.pop()
            depth, sums = max(depth, below) + 1, self._added(part, sums)
        self.parts.append((depth, sums))

    def collapsed(self) -> tuple[int, Floats]:
        """Return all sums in one, and how many additions deep it is."""
        depth, total = self.parts[-1]
        for above, part in reversed(self.parts[:-1]):
            depth, total = max(depth, above) + 1, self._added(part, total)
        return depth, total

    def seen_from(self, frame: Frame) -> tuple[int, Floats]:
        """Return all sums as another frame sees them: T'GT, or RT (made triangular when added).

        z_new = (z_old + (old.shift - new.shift) old.scale) new.scale / old.scale: a multiple of the
        column of ones is added to each column, which an origin other than 0 only has with one.
        """
        (depth, sums), old = self.collapsed(), self.frame
        assert old is not None
        T = np.diag(np.append(np.ones(int(self.intercept)), frame.scale / old.scale))
        if self.intercept:
            T[0, 1:] = (old.shift - frame.shift) * frame.scale
        if np.array_equal(T, np.eye(len(T))):
            return depth, sums
        return depth, sums @ T if self.triangular else T.T @ sums @ T

    def _added(self, mine: Floats, theirs: Floats) -> Floats:
        if not self.triangular:
            return mine + theirs
        total = np.array(mine, order="C")
        self.kernels.merge_r(total, np.ascontiguousarray(theirs))
        return total
