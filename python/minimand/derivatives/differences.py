"""Differences with one step, and with the same rule at twice the step for their error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats
from minimand.derivatives.estimate import Estimate
from minimand.derivatives.findings import find_kinks, find_lost, find_undefined
from minimand.derivatives.lines import Lines, Rows
from minimand.derivatives.rules import (
    AT_BOUNDS,
    AWAY_FROM_BOUNDS,
    BALANCE,
    FORWARD,
    Rule,
    Sides,
    place,
    representable,
    rule_of,
)

_ROUNDS = 2  # of improving steps
_CHANGE = 1e3  # of a step in one round, at most


def difference(
    lines: Lines,
    *,
    order: int = 1,
    method: str = "central",
    step: Floats | None = None,
    improve: bool = False,
    noise: Floats,
    derivative_bound: float | None = None,
) -> Estimate:
    """Return the derivatives by the differences called `method`.

    `noise` (outputs,) is an absolute level, 0 where rounding is all there is.
    """
    scheme = _Scheme(lines, order, method, noise)
    h = scheme.default_step() if step is None else step
    sides, h = scheme.place(h)
    found = scheme.evaluate(np.arange(len(h)), sides, h)
    for _ in range(_ROUNDS if improve else 0):
        if not scheme.improve(found):
            break
    if derivative_bound is not None:
        scheme.bound_truncation(found, derivative_bound)
    return found


@dataclass(frozen=True, slots=True)
class _Scheme:
    """The differences of one method along lines.

    Values of f for a group of lines that share a rule are blocks (offsets, lines, outputs).
    """

    lines: Lines
    order: int
    method: str
    noise: Floats

    def rule(self, side: int) -> Rule:
        return rule_of(self.order, side, first_order=self.method != "central")

    def default_step(self) -> Floats:
        """Return the default step for each line."""
        lines = self.lines
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(self.noise > 0.0, self.noise / np.abs(lines.centre), 0.0)
        relative = np.clip(relative.max(axis=1), lines.f.eps, 1e-3)
        return np.asarray(self.rule(0).default_step(relative) * lines.scale)

    def place(self, h: Floats) -> tuple[Sides, Floats]:
        """Return sides and steps that the bounds allow."""
        lines, position = self.lines, self.lines.position
        if self.method == "central":
            reach = AWAY_FROM_BOUNDS[self.order].reach, AT_BOUNDS[self.order].reach
            sides, fitted = place(position, h, lines.lower, lines.upper, reach)
        else:
            side = 1 if self.method == "forward" else -1
            room = lines.upper - position if side > 0 else position - lines.lower
            sides = np.full(len(h), side)
            fitted = np.minimum(h, room / FORWARD.reach * (1 - 2.0**-20))
        made = representable(position, fitted)
        if not made.all():
            i = int((made == 0.0).argmax())
            raise ValueError(
                f"bounds leave no room for a step at entry {i}: x is {position[i]}, "
                f"the bounds are ({lines.lower[i]}, {lines.upper[i]})"
                + (
                    ""
                    if self.method == "central"
                    else f"; method {self.method!r} looks to one side only"
                )
            )
        return sides, made

    def evaluate(self, rows: Rows, sides: Sides, h: Floats) -> Estimate:
        """Evaluate all rows, in one call of f; then again, to one side, where f was undefined."""
        shape = (len(rows), self.lines.f.outputs)
        found = Estimate(np.empty(shape), np.empty(shape), np.empty(shape), h.copy(), sides.copy())
        groups = [np.arange(len(rows))]
        if sides.any():
            groups = [np.flatnonzero(sides == side) for side in (0, 1, -1)]
            groups = [group for group in groups if len(group)]
        for group, block in zip(groups, self._values(rows, sides, h, groups), strict=True):
            self._combine(rows, group, block, found)
            side = int(sides[group[0]])
            find_lost(self.lines, rows, self.order, group, block, found)
            bad = ~np.isfinite(block).all(axis=(0, 2))
            if bad.any():
                offsets = np.array(self.rule(side).offsets) * (side or 1)
                find_undefined(self.lines, rows, offsets, group, block, found)
                self._try_sides(rows, group[bad], found)
            elif self.order == 1 and side == 0:
                find_kinks(self.lines, rows, group, block, found)
        return found

    def _values(self, rows: Rows, sides: Sides, h: Floats, groups: list[Rows]) -> list[Floats]:
        """Return f for each group, in blocks."""
        where, steps, shapes = [], [], []
        for group in groups:
            side = int(sides[group[0]])
            offsets = np.array(self.rule(side).offsets, dtype=float)
            where.append(np.tile(rows[group], len(offsets)))
            steps.append(np.outer(offsets * (side or 1), h[group]).reshape(-1))
            shapes.append((len(offsets), len(group), self.lines.f.outputs))
        flat = self.lines.at(np.concatenate(where), np.concatenate(steps))
        ends = np.cumsum([a * b for a, b, _ in shapes])[:-1]
        return [
            part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)
        ]

    def _combine(self, rows: Rows, group: Rows, block: Floats, found: Estimate) -> None:
        """Let the kernel work on one group; it knows entries only."""
        lines = self.lines
        side = int(found.sides[group[0]])
        rule = self.rule(side)
        k = lines.f.outputs
        entries = len(group) * k
        out = np.empty((3, entries))
        lines.kernels.differences(
            np.ascontiguousarray(block).reshape(len(rule.offsets), entries),
            np.ascontiguousarray(lines.centre[rows[group]]).reshape(entries),
            np.repeat(found.step[group] * (side or 1), k),
            np.repeat(np.abs(lines.position[rows[group]]), k),
            np.tile(self.noise, len(group)),
            lines.f.eps,
            rule.code,
            out,
        )
        for target, part in zip((found.value, found.truncation, found.rounding), out, strict=True):
            target[group] = part.reshape(len(group), k)

    def _try_sides(self, rows: Rows, failed: Rows, found: Estimate) -> None:
        """Look to either side where f is undefined; where both fail, the error is infinite."""
        lines = self.lines
        found.value[failed] = np.nan
        found.truncation[failed] = found.rounding[failed] = np.inf
        tried = found.sides[failed]
        for side in (1, -1):
            again = failed[(tried == 0) & np.isnan(found.value[failed]).any(axis=1)]
            room = lines.upper - lines.position if side > 0 else lines.position - lines.lower
            again = again[room[rows[again]] >= self.rule(side).reach * found.step[again]]
            if len(again) == 0:
                continue
            found.sides[again] = side
            everything = [np.arange(len(again))]
            (block,) = self._values(rows[again], found.sides[again], found.step[again], everything)
            good = np.isfinite(block).all(axis=(0, 2))
            if good.any():
                self._combine(rows, again[good], block[:, good], found)
            found.sides[again[~good]] = 0

    def improve(self, found: Estimate) -> bool:
        """Try another step where truncation and rounding are far apart; keep what is better."""
        lines = self.lines
        truncation, rounding = found.truncation.max(axis=1), found.rounding.max(axis=1)
        apart = (truncation > BALANCE * rounding) | (rounding > BALANCE * truncation)
        again = np.flatnonzero(apart & ~found.missed & ~found.kinks.any(axis=1) & (rounding > 0.0))
        if len(again) == 0:
            return False
        rule = self.rule(int(found.sides[again[0]]))
        with np.errstate(divide="ignore", over="ignore"):
            factor = (rounding[again] / truncation[again]) ** (1.0 / (rule.order + rule.power))
        wanted = found.step.copy()
        wanted[again] *= np.clip(factor, 1.0 / _CHANGE, _CHANGE)
        sides, h = self.place(np.maximum(wanted, 4.0 * np.spacing(np.abs(lines.position))))
        other = self.evaluate(again, sides[again], h[again])
        better = (
            (other.error.max(axis=1) < found.error.max(axis=1)[again])
            & ~other.missed
            & ~other.kinks.any(axis=1)
        )
        chosen = again[better]
        for name in ("value", "truncation", "rounding", "step", "sides", "lost"):
            getattr(found, name)[chosen] = getattr(other, name)[better]
        return bool(len(chosen))

    def bound_truncation(self, found: Estimate, bound: float) -> None:
        """Replace the estimated truncation by what a bound of the next derivative proves."""
        for i, side in enumerate(found.sides):
            rule = self.rule(int(side))
            if np.isfinite(found.truncation[i]).all():
                found.truncation[i] = rule.constant * found.step[i] ** rule.power * bound
