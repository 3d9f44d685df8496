"""Stand-ins for rows that are not at hand, so that their fit is refined as any other is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
