"""Corrected semi-normal steps: from a rung's start to a solution with its certificate.

x <- x + (R'R)^-1 (B'r - penalty^2 x), the residual r computed anew from the data each time. Björck,
"Stability analysis of the method of seminormal equations", Linear Algebra Appl. 88/89 (1987) 31.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats
from minimand.least_squares import certificate
from minimand.least_squares.certificate import Quality
from minimand.least_squares.data import Frame, Residual
from minimand.least_squares.moments import UNIT
from minimand.least_squares.rung import Problem, Rung, penalty_cut

_COMPENSATED = 1e6  # entries of X up to which sums are compensated: it costs nothing there
_STEPS, _EXTENDED_STEPS = 4, 10


@dataclass(frozen=True, slots=True)
class Solution:
    """Coefficients in the user's units and what their last evaluation showed."""

    rung: Rung
    coef: Floats
    intercept: Floats
    scaled: Floats
    quality: Quality
    steps: int
    history: tuple[Mapping[str, float], ...]

    def certified(self) -> bool:
        """Whether the backward error is that of a stable method."""
        limit = certificate.bound(self.scaled.shape[0], self.rung.rounding)
        return self.quality.backward_error <= limit


def finish(problem: Problem, rung: Rung, refine: str) -> Solution:
    """Refine the start of a rung as far as asked for, and assess what comes out."""
    return _Refinement(problem, rung).run(refine)


class _Refinement:
    """Evaluates the gradient in the frame of a rung and applies corrections."""

    def __init__(self, problem: Problem, rung: Rung) -> None:
        self.problem, self.rung, self.data = problem, rung, problem.data
        self.unit = rung.moments.inverse_length[:, None]
        n = problem.data.columns
        self.scale_x = rung.frame.scale[:n, None]
        self.scale_y = rung.frame.scale[n:]
        # Where the frame has its origin, the means of the columns are these.
        self.offset_x, self.offset_y = rung.moments.offset_x, rung.moments.offset_y
        self.cut = penalty_cut(problem, rung)
        small = problem.data.X.size <= _COMPENSATED
        self.precision = 2 if rung.name == "cholesky_qr" else int(small)

    def run(self, refine: str) -> Solution:
        x, quality, steps, history = self._working(_STEPS if refine != "none" else 0)
        coef = self._user(x * self.unit)
        intercept = self._intercept(x * self.unit)
        # Coefficients that leave the range of float64 in the user's units are judged as they are.
        returned = _divided(coef * self.scale_y / self.scale_x, self.unit)
        if (self.cut == 1.0).all() and not np.allclose(returned, x, rtol=1e-12, atol=0.0):
            x, (_, quality) = returned, self._evaluate(returned)
        if refine == "extended":
            x, coef, intercept, quality, more, extended = self._extended(x)
            steps, history = steps + more, [*history, *extended]
        return Solution(self.rung, coef, intercept, x, quality, steps, tuple(history))

    def _working(self, most: int) -> tuple[Floats, Quality, int, list[Mapping[str, float]]]:
        """Correct until the step is rounding, or does not get smaller; keep the best iterate."""
        # A tenth of the bound, so that nobody's rounding errors can tip the scales.
        goal = 0.1 * certificate.bound(self.rung.start.shape[0], self.rung.rounding)
        x, steps = self.rung.start, 0
        last = np.full(x.shape[1], np.inf)
        history: list[Mapping[str, float]] = []
        best: tuple[Floats, Quality] | None = None
        while True:
            gradient, quality = self._evaluate(x)
            correction = self.rung.factor.correct(gradient)
            size = _relative(correction, x)
            history.append(
                {"iteration": steps, "correction": size, "backward_error": quality.backward_error}
            )
            if best is None or quality.backward_error <= best[1].backward_error:
                best = x, quality
            # Two readings at least after Cholesky, whose start has the squared condition.
            settled = size <= 100 * UNIT and (steps > 0 or self.rung.name in ("qr", "svd"))
            settled = settled and quality.backward_error <= goal
            # Not relative to x, which a start of few digits can make far too large.
            moved = np.linalg.norm(correction, axis=0)
            if steps >= most or settled or not np.any(moved <= 0.5 * last):
                return *best, steps, history
            x, steps, last = x + correction, steps + 1, moved

    def _evaluate(self, x: Floats) -> tuple[Floats, Quality]:
        """Return the gradient at `x` and what it tells, in one pass over the data."""
        slopes = x * self.unit
        constant = self.offset_y - self.offset_x @ slopes
        found = self.data.residual(
            self.rung.frame, self._with_constant(constant, slopes), precision=self.precision
        )
        gradient = self._gradient(found, self.offset_x, x)
        return gradient, self._assess(x, gradient, found)

    def _extended(
        self, x: Floats
    ) -> tuple[Floats, Floats, Floats, Quality, int, list[Mapping[str, float]]]:
        """Carry the coefficients as pairs and the residual in double-double, from the plain data.

        The origin is 0, so that no shift rounds the data; the stopping rule is component-wise.
        """
        frame = Frame(np.zeros_like(self.rung.frame.shift), self.rung.frame.scale)
        mean_x = self.rung.frame.shift[: self.data.columns] * self.scale_x[:, 0] + self.offset_x
        mean_y = self.rung.frame.shift[self.data.columns :] * self.scale_y + self.offset_y
        lead = self.data.lead
        slopes = x * self.unit
        high = self._with_constant(mean_y - mean_x @ slopes, slopes)
        low = np.zeros_like(high)
        steps, last = 0, np.inf
        history: list[Mapping[str, float]] = []
        while steps < _EXTENDED_STEPS:
            found = self.data.residual(frame, high, low, precision=2)
            x = _divided(high[lead:], self.unit)
            gradient = self._gradient(found, mean_x, x)
            correction = self.rung.factor.correct(gradient) * self.unit
            constant = found.normal[:1] / self.rung.moments.total_weight - mean_x @ correction
            step = np.vstack([constant, correction]) if lead else correction
            size = _largest_ratio(step, high)
            if not size <= 0.5 * last:
                break
            high, low = _add_pair(high, low, step)
            steps, last = steps + 1, size
            history.append({"iteration": steps, "correction": size})
            if size <= UNIT:
                break

        found = self.data.residual(frame, high, precision=2)  # of the coefficients as returned
        x = _divided(high[lead:], self.unit)
        constant = high[0] if lead else np.zeros(high.shape[1])
        quality = self._assess(x, self._gradient(found, mean_x, x), found)
        intercept = constant / self.scale_y
        return x, self._user(high[lead:]), intercept, quality, steps, history

    def _with_constant(self, constant: Floats, slopes: Floats) -> Floats:
        rows = [constant[None, :], slopes] if self.data.intercept else [slopes]
        return np.ascontiguousarray(np.vstack(rows))

    def _gradient(self, found: Residual, mean: Floats, x: Floats) -> Floats:
        """Return B'r - penalty^2 x, the columns of B centred about `mean`."""
        slopes, low = found.normal[self.data.lead :], found.normal_low[self.data.lead :]
        if self.data.intercept:
            slopes = slopes - np.outer(mean, found.normal[0])
            low = low - np.outer(mean, found.normal_low[0])
        penalty: Floats = self.rung.penalty[:, None] ** 2
        return np.asarray((slopes + low) * self.unit - penalty * x)

    def _assess(self, x: Floats, gradient: Floats, found: Residual) -> Quality:
        total = np.zeros(x.shape[1])
        if self.data.intercept:
            total = found.normal[0] + found.normal_low[0]
        slopes = x * self.unit
        mean = self.rung.frame.shift[: self.data.columns] * self.scale_x[:, 0] + self.offset_x
        moved = np.abs(mean) @ np.abs(slopes)
        summands = moved + np.abs(self._intercept(slopes) * self.scale_y)
        return certificate.quality(
            self.rung.triangle, x, gradient, found.squares, total, summands, self.rung.condition,
            self.rung.target_norm, self.rung.moments, self.rung.penalty, self.data.kernels,
        )  # fmt: skip

    def _user(self, slopes: Floats) -> Floats:
        cut = self.cut[:, None]
        coef: Floats = (slopes * cut) * (self.scale_x * cut) / self.scale_y
        return coef

    def _intercept(self, slopes: Floats) -> Floats:
        if not self.data.intercept:
            return np.zeros(slopes.shape[1])
        n = self.data.columns
        mean_x = self.rung.frame.shift[:n] + self.offset_x / self.scale_x[:, 0]
        mean_y = self.rung.frame.shift[n:] + self.offset_y / self.scale_y
        intercept: Floats = mean_y - mean_x @ self._user(slopes)
        return intercept


def _relative(correction: Floats, x: Floats) -> float:
    """Return the largest ||dx|| / ||x|| over the right-hand sides."""
    size, moved = np.linalg.norm(x, axis=0), np.linalg.norm(correction, axis=0)
    ratios = np.divide(moved, size, out=np.where(moved > 0, np.inf, 0.0), where=size > 0)
    return float(ratios.max(initial=0.0))


def _largest_ratio(step: Floats, value: Floats) -> float:
    """Return max |step_ij| / |value_ij|; entries of value 0 count against the largest one."""
    reference = np.where(value != 0, np.abs(value), np.abs(value).max(initial=0.0))
    ratios = np.divide(np.abs(step), reference, out=np.zeros_like(step), where=reference > 0)
    return float(ratios.max(initial=0.0))


def _divided(slopes: Floats, unit: Floats) -> Floats:
    return np.divide(slopes, unit, out=np.zeros_like(slopes), where=unit > 0)


def _add_pair(high: Floats, low: Floats, step: Floats) -> tuple[Floats, Floats]:
    """Add a step to the unevaluated sum high + low, and normalise."""
    high, lost = _two_sum(high, step)
    return _two_sum(high, low + lost)


def _two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    total = a + b
    seen = total - a
    return total, (a - (total - seen)) + (b - seen)
