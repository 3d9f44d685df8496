"""A run of `inpaint`: the fields of an image, one after the other, under the common driver."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import Advance, Outcome, drive
from minimand._common.result import Status
from minimand.inpainting.arguments import Image, Mask
from minimand.inpainting.components import Components
from minimand.inpainting.field import Field, relative_gap
from minimand.inpainting.line import fill_line, line_bounds
from minimand.inpainting.result import InpaintingProgress
from minimand.inpainting.solver import Solver


class Bounds(NamedTuple):
    """What is known of the least total variation, in the units of the image."""

    objective: float
    lower_bound: float
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What was found, in the units of the image."""

    planar: Floats
    dual: Floats
    bounds: Bounds
    components: int
    method: str


class Run:
    """An image of at least two rows and columns: one field for all channels, or one for each."""

    def __init__(
        self, image: Image, known: Mask, *, joint: bool, kernels: ModuleType, threads: int
    ) -> None:
        self.image, self.known, self.joint = image, known, joint
        self.components = Components.of(known, kernels, threads)
        planes = image.planar
        self._planes = [planes] if joint else [planes[c : c + 1] for c in range(len(planes))]
        self.fields = [Field(part, self.components, kernels, threads) for part in self._planes]
        self.methods: list[str] = []
        self.iterations = 0

    def solve(
        self,
        method: str,
        tol: float,
        *,
        max_iterations: int | None,
        time_limit: float | None,
        callback: Callable[[InpaintingProgress], object] | None,
        progress: bool,
        start: float,
    ) -> Outcome:
        """Solve the fields one after the other, so that only one of them needs work space."""
        solvers = self._solvers(method, tol)
        solver: Solver | None = None

        def advance(_count: int) -> Advance:
            nonlocal solver
            done = 0
            limit = 2**62 if max_iterations is None else max_iterations - self.iterations
            while done == 0:
                if solver is None or solver.done:
                    solver = next(solvers, None)  # here, so that Ctrl-C finds the best image so far
                    if solver is None:
                        break
                done = solver.advance(limit)
                self.methods += [name for name in solver.methods if name not in self.methods]
            self.iterations += done
            bounds = self.bounds()
            status = None
            if bounds.gap <= tol:
                status = Status.CONVERGED
            elif solver is None:
                status = Status.NOT_CERTIFIED
            return Advance(done, bounds._asdict(), status)

        def snapshot() -> InpaintingProgress:
            return InpaintingProgress(
                iterations=self.iterations,
                seconds=time.perf_counter() - start,
                **self.bounds()._asdict(),
                image=self.image.as_given(self.planar()),
            )

        return drive(
            advance,
            max_iterations=max_iterations,
            time_limit=time_limit,
            callback=callback,
            snapshot=snapshot,
            progress=progress,
            description="in-painting",
            on_interrupt="return",
        )

    def _solvers(self, method: str, tol: float) -> Iterator[Solver]:
        for field, planes in zip(self.fields, self._planes, strict=True):
            solver = Solver(field, tol, method, planes, self.known)
            if not solver.done:
                yield solver

    def bounds(self) -> Bounds:
        """Return objective, lower bound and gap of the best pairs so far."""
        # In a common unit: the sums may be beyond the range of float64.
        exponent = max(field.exponent for field in self.fields)
        upper, lower = (
            sum(math.ldexp(value, field.exponent - exponent) for field, value in pairs)
            for pairs in (
                [(field, field.upper) for field in self.fields],
                [(field, field.lower) for field in self.fields],
            )
        )
        with np.errstate(over="ignore", under="ignore"):
            return Bounds(
                float(np.ldexp(upper, exponent)),
                float(np.ldexp(lower, exponent)),
                relative_gap(upper, lower),
            )

    def planar(self) -> Floats:
        """Return the best image so far (C, m, n); known pixels have the bits of the input."""
        planes = []
        for field in self.fields:
            best = np.ldexp(field.best_image, field.exponent)
            planes.append(best.reshape(field.channels, field.rows, field.columns))
        image = np.concatenate(planes)
        # The last corner is in no term.
        image[:, -1, -1] = 0.5 * image[:, -2, -1] + 0.5 * image[:, -1, -2]
        np.copyto(image, self.image.planar, where=self.known)
        return image

    def answer(self) -> Answer:
        """Return the best image, its dual field, and their bounds, evaluated once more."""
        for field in self.fields:
            # As the image will be returned: subnormal numbers are rounded.
            image = np.ldexp(np.ldexp(field.best_image, field.exponent), -field.exponent)
            field.upper, field.lower = field.evaluate(image, field.best_dual)
        duals = [
            field.best_dual.reshape(field.channels, 2, field.rows - 1, field.columns - 1)
            for field in self.fields
        ]
        dual = np.moveaxis(np.concatenate(duals), (0, 1), (2, 3))  # (m-1, n-1, C, 2)
        return Answer(
            planar=self.planar(),
            dual=dual[:, :, 0] if self.image.gray else dual,
            bounds=self.bounds(),
            components=self.components.count,
            method=", ".join(self.methods) or "closed form",
        )


def solve_line(image: Image, known: Mask, *, joint: bool) -> Answer:
    """Fill an image of a single row or column."""
    values = image.planar.reshape(len(image.planar), -1)
    filled, dual = fill_line(values, known.reshape(-1), joint)
    unknown = np.concatenate(([False], ~known.reshape(-1), [False]))
    return Answer(
        planar=filled.reshape(image.planar.shape),
        dual=dual[0] if image.gray else dual.T,
        bounds=Bounds(*line_bounds(filled, dual, joint)),
        components=int(np.count_nonzero(np.diff(unknown.astype(np.int8)) == 1)),
        method="closed form",
    )
