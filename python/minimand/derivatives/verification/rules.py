"""Rules of first and higher derivatives along lines, as tables of offsets and weights."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb, factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats

if TYPE_CHECKING:
    from minimand.derivatives.result import DerivativeResult

Table = Mapping[int, float]  # offset: weight

_BLOCK = 1 << 16  # numbers in one call of f
_EPS = 2.0**-52

CENTRAL: dict[int, Table] = {1: {1: 0.5, -1: -0.5}, 2: {1: 1.0, 0: -2.0, -1: 1.0}}
SIDED: dict[int, Table] = {
    1: {0: -1.5, 1: 2.0, 2: -0.5},
    2: {0: 2.0, 1: -5.0, 2: 4.0, 3: -1.0},
}
FORWARD: Table = {0: -1.0, 1: 1.0}
FIVE_POINTS: dict[int, Table] = {
    1: {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12},
    2: {-2: -1 / 12, -1: 16 / 12, 0: -30 / 12, 1: 16 / 12, 2: -1 / 12},
}
FIVE_POINTS_SIDED: dict[int, Table] = {
    1: {0: -25 / 12, 1: 4.0, 2: -3.0, 3: 4 / 3, 4: -1 / 4},
    2: {0: 35 / 12, 1: -104 / 12, 2: 114 / 12, 3: -56 / 12, 4: 11 / 12},
}
_AMPLIFICATION = {(1, 0): 1.0, (1, 1): 4.0, (2, 0): 4.0, (2, 1): 12.0}


class Plain:
    """The user's function at many points, one by one or all at once as it was before."""

    def __init__(
        self, f: Any, args: tuple[Any, ...], *, many: bool, scalars: bool, vector: bool
    ) -> None:
        self._f, self._args = f, args
        self._many, self._scalars, self._vector = many, scalars, vector
        self.eps = _EPS

    def __call__(self, points: NDArray[Any]) -> NDArray[Any]:
        """Return f at points (m, n) or (m,), as (m, k)."""
        size = max(1, _BLOCK // max(1, points[0].size))
        parts = [points[b : b + size] for b in range(0, len(points), size)]
        if self._many:
            values = [np.asarray(self._f(part, *self._args)) for part in parts]
        else:
            values = [np.array([self._one(point) for point in part]) for part in parts]
        if values[0].dtype.kind == "f":
            self.eps = max(_EPS, float(np.finfo(values[0].dtype).eps))
        return np.concatenate([part.reshape(len(part), -1) for part in values]).astype(
            values[0].dtype if values[0].dtype.kind == "c" else np.float64
        )

    def _one(self, point: Any) -> NDArray[Any]:
        return np.ravel(self._f(point.item() if self._scalars else point, *self._args))


class Numbers:
    """Lines t -> f(x_i + t)."""

    def __init__(self, f: Plain, result: DerivativeResult) -> None:
        self.f = f
        self._shape = np.shape(result.x)
        self.x = np.ravel(np.asarray(result.x, dtype=np.float64))
        self.step = np.ravel(np.asarray(result.step, dtype=np.float64))
        self.sides = np.ravel(np.asarray(result.sides))

    def at(self, t: NDArray[Any]) -> NDArray[Any]:
        """Return f(x_i + t_i), one row each."""
        return self.f(self.x + t)

    def shaped(self, values: Floats) -> Floats:
        """Return values (m, 1) in the shape of x."""
        return values.reshape(self._shape)


class Axes(Numbers):
    """Lines t -> f(x + t e_i)."""

    def __init__(self, f: Plain, result: DerivativeResult) -> None:
        super().__init__(f, result)
        self._columns = result.quantity == "jacobian"

    def at(self, t: NDArray[Any]) -> NDArray[Any]:
        """Return f(x + t_i e_i), one row each."""
        size = max(1, _BLOCK // len(self.x))
        parts = []
        for begin in range(0, len(self.x), size):
            i = np.arange(begin, min(begin + size, len(self.x)))
            points = np.tile(self.x.astype(t.dtype), (len(i), 1))
            points[np.arange(len(i)), i] += t[i]
            parts.append(self.f(points))
        return np.concatenate(parts)

    def shaped(self, values: Floats) -> Floats:
        """Return values (n, k) as the Jacobian (k, n), or the gradient (n,)."""
        return values.T if self._columns else values[:, 0]


def apply(lines: Numbers, table: Table, h: Floats, order: int) -> tuple[Floats, Floats]:
    """Return the derivative by a table, and the largest |f| that it met."""
    value, largest = None, None
    for offset, weight in table.items():
        values = lines.at(offset * h)
        term = weight * values
        value = term if value is None else value + term
        size = np.abs(values)
        largest = size if largest is None else np.maximum(largest, size)
    assert value is not None
    assert largest is not None
    for _ in range(order):
        value = value / np.abs(h)[:, np.newaxis]
    sign = np.sign(h) ** order
    return value * sign[:, np.newaxis], largest


def recorded_rule(lines: Numbers, result: DerivativeResult) -> tuple[Floats, Floats, Floats]:
    """Return value, truncation and rounding as the method of the result defines them."""
    special = {"richardson": neville, "complex": complex_step, "cauchy": cauchy}
    on_circle = result.status.name != "NOT_ANALYTIC"
    if result.method == "richardson" or (result.method in special and on_circle):
        return special[result.method](lines, result)
    if result.method == "cauchy":
        return neville(lines, result)
    if result.method == "complex":  # entry by entry the one or the other
        stated = (result.value, result.truncation, result.rounding)
        flat = [np.asarray(part, dtype=np.float64) for part in stated]
        return tuple(part.T if part.ndim == 2 else part.reshape(-1, 1) for part in flat)  # type: ignore[return-value]
    return _differences(lines, result)


def _differences(lines: Numbers, result: DerivativeResult) -> tuple[Floats, Floats, Floats]:
    order = 1 if result.from_gradient else result.order
    first = result.method in ("forward", "backward")
    centre = lines.at(0.0 * lines.x)
    out = np.empty((3, *centre.shape))
    for side in (0, 1, -1):
        rows = lines.sides == side
        if not rows.any():
            continue
        table = FORWARD if first else (SIDED if side else CENTRAL)[order]
        h = lines.step * (side or 1)
        near, large = apply(lines, table, h, order)
        far, larger = apply(lines, table, 2.0 * h, order)
        truncation = np.abs(near - far) / (1.0 if first else 3.0)
        width = np.abs(h)[:, np.newaxis]
        if order == 1 and side == 0:
            f = [lines.at(q * h) for q in (-2, -1, 1, 2)]
            truncation += np.abs(f[0] - 4 * f[1] + 6 * centre - 4 * f[2] + f[3]) / (8.0 * width)
        slope = np.abs(lines.at(h) - centre)
        if side == 0 and not first:
            slope = np.maximum(slope, np.abs(lines.at(-h) - centre))
        size = np.maximum(np.maximum(large, larger), np.abs(centre))
        if order == 2 and side:
            size = np.maximum(size, np.abs(lines.at(6.0 * h)))
        eta = lines.f.eps * (size + np.abs(lines.x)[:, np.newaxis] * slope / width)
        eta = np.maximum(eta, np.atleast_1d(result.noise))
        factor = 2.0 if first else _AMPLIFICATION[order, abs(side)]
        rounding = factor * eta / width**order
        for target, part in zip(out, (near, truncation, rounding), strict=True):
            target[rows] = part[rows]
    return out[0], out[1], out[2]


def neville(lines: Numbers, result: DerivativeResult) -> tuple[Floats, Floats, Floats]:
    """Return what extrapolation from eight steps gives."""
    order = 1 if result.from_gradient else result.order
    levels = 8
    out = None
    for side in (0, 1, -1):
        rows = lines.sides == side
        if not rows.any():
            continue
        table: Table = {}
        spread = 1.0
        if side == 0 and order % 2:  # offsets are odd: half steps of 2h
            table = {
                2 * j - order: (-1.0) ** (order - j) * comb(order, j) for j in range(order + 1)
            }
            spread = 2.0
        else:
            shift = 0 if side else order // 2
            table = {j - shift: (-1.0) ** (order - j) * comb(order, j) for j in range(order + 1)}
        D, R = [], []
        for i in range(levels):
            h = lines.step * 0.5**i * (side or 1)
            value, size = apply(lines, table, h, order)
            D.append(value / spread**order)
            R.append(size)
        sizes = np.array([*R, np.abs(lines.at(0.0 * lines.x))])
        top = np.where(np.isfinite(sizes), sizes, 0.0).max(axis=0)
        amplify = 2.0**order / spread**order * (4.0 if side else 1.0)
        noise = np.maximum(lines.f.eps * top, np.atleast_1d(result.noise))
        position = np.abs(lines.x)[:, np.newaxis]
        for i in range(levels):
            width = (lines.step * 0.5**i)[:, np.newaxis]
            R[i] = (noise + lines.f.eps * position * np.abs(D[i])) * amplify / width**order
        found = _best_entry(np.array(D), np.array(R), 2.0 if side else 4.0)
        out = np.zeros_like(found) if out is None else out
        out[:, rows] = found[:, rows]
    assert out is not None
    return out[0], out[1], out[2]


def _best_entry(D: Floats, R: Floats, base: float) -> Floats:
    """Return the entry of Neville's table that looks best: value, change, rounding."""
    levels = len(D)
    T = [D]
    for k in range(1, levels):
        last, factor = T[-1], base**k
        T.append((factor * last[1:] - last[:-1]) / (factor - 1.0))
    entries, costs = [], []
    limit = 2.0 * (np.abs(D[-1] - D[-2]) + R[-1])
    for k in range(1, levels):
        for i in range(levels - k):
            change = np.abs(T[k - 1][i + 1] - T[k - 1][i])
            change = change + np.fmax(np.abs(T[k][i] - D[-1]) - limit, 0.0)
            entries.append(np.stack([T[k][i], change, R[i + k]]))
            cost = change + R[i + k]
            costs.append(np.where(np.isnan(cost), np.inf, cost))
    best = np.argmin(costs, axis=0)
    return np.array(np.take_along_axis(np.array(entries), best[np.newaxis, np.newaxis], axis=0)[0])


def complex_step(lines: Numbers, result: DerivativeResult) -> tuple[Floats, Floats, Floats]:
    """Return Im f(x + ih)/h; its errors are those that are recorded."""
    h = lines.step
    value = lines.at(1j * h).imag / h[:, np.newaxis]
    as_lines = [np.asarray(part, dtype=np.float64) for part in (result.truncation, result.rounding)]
    stated = [part.T if part.ndim == 2 else part.reshape(-1, 1) for part in as_lines]
    return value, stated[0], stated[1]


def cauchy(lines: Numbers, result: DerivativeResult) -> tuple[Floats, Floats, Floats]:
    """Return k! times the mean of f w^-k over the circle, and over half of its points."""
    k, r = result.order, lines.step
    unit = (factorial(k) / r**k)[:, np.newaxis]
    terms = np.array(
        [
            lines.at(r * np.exp(2j * np.pi * j / 32)) * np.exp(-2j * np.pi * (j * k % 32) / 32)
            for j in range(32)
        ]
    )
    value = terms.mean(axis=0)
    turns = np.exp(2j * np.pi * (np.outer(np.arange(24, 32) - k, np.arange(32)) % 32) / 32)
    last = np.abs(np.einsum("ij,jmk->imk", turns.conj(), terms) / 32).max(axis=0)
    size = lines.f.eps if lines.f.eps > _EPS else _EPS
    rounding = np.maximum(size * np.abs(terms).max(axis=0), np.atleast_1d(result.noise))
    return unit * value.real, unit * last, unit * rounding


def fresh_rule(lines: Numbers, result: DerivativeResult) -> tuple[Floats, Floats]:
    """Return the derivative by a rule that no method uses, and its error."""
    order = 1 if result.from_gradient else result.order
    scale = np.maximum(1.0, np.abs(lines.x))
    centre = lines.at(0.0 * lines.x)
    noise = np.atleast_1d(result.noise)
    relative = np.where(noise > 0, noise / np.abs(centre), 0.0).max(axis=1)
    relative = np.clip(relative, lines.f.eps, 1e-3)
    accuracy = 4 if order <= 2 else 2
    h = relative ** (1.0 / (order + accuracy)) * scale
    if result.method == "cauchy":
        h = np.minimum(h, lines.step / (4.0 * order))
    elif result.method != "complex":
        h = np.minimum(h, 16.0 * lines.step)
    value, error = np.empty_like(centre), np.empty_like(centre)
    for side in (0, 1, -1):
        rows = lines.sides == side
        if not rows.any():
            continue
        if order <= 2:
            table = (FIVE_POINTS_SIDED if side else FIVE_POINTS)[order]
            # A bound leaves room for 4 steps (1, 2, 4 of the rule), this rule wants 8.
            step = np.minimum(h, 0.5 * lines.step) * side if side else h
        else:
            shift = 0 if side else order // 2
            step = np.minimum(h, lines.step / 4.0) * (side or 1)
            table = {j - shift: (-1.0) ** (order - j) * comb(order, j) for j in range(order + 1)}
            if not side and order % 2:
                table = {
                    2 * j - order: (-1.0) ** (order - j) * comb(order, j) / 2.0**order
                    for j in range(order + 1)
                }
        near, size = apply(lines, table, step, order)
        far, _ = apply(lines, table, 2.0 * step, order)
        slope = np.abs(lines.at(2.0 * step) - centre) / np.abs(step)[:, np.newaxis]
        slope = np.maximum(slope, np.abs(near) if order == 1 else 0.0)
        eta = lines.f.eps * (size + np.abs(lines.x)[:, np.newaxis] * slope)
        eta = np.maximum(eta, noise)
        weight = sum(abs(w) for w in table.values())
        rounding = weight * eta / np.abs(step)[:, np.newaxis] ** order
        value[rows] = near[rows]
        error[rows] = (np.abs(near - far) + 2.0 * rounding)[rows]
    return value, error
