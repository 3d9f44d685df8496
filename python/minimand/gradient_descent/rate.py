"""How fast a sequence of errors goes to zero."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats, as_vector, check_nonnegative, nonnegative_float
from minimand.reference.gradient_descent.loop import EPS

LEAST = 4  # errors that a verdict needs
_SUPERLINEAR = 1.5  # order from which ratios shrink by themselves
_SUBLINEAR, _ACCELERATING = -0.5, 0.2  # slopes of log(-log ratio) over log t
_STEEPEST = 8.0  # exponent above which no power of t is meant: it is a constant's that set in late


@dataclass(frozen=True, slots=True, eq=False)
class Rate:
    """How fast errors go to zero.

    Attributes
    ----------
    kind : str
        "sublinear": e_t ~ t^-exponent. "linear": e_t ~ ratio^t. "superlinear", "quadratic",
        "cubic": e_{t+1} ~ e_t^order, or order 1 with ratios that go to 0, as in 1/t!.
        "too_short": fewer than 4 errors above the floor, or none that fell.
    order, ratio, exponent : float
        NaN where they mean nothing.
    confidence : str
        "high", "medium" or "low": whether the last half, third and quarter say the same.
    used : int
        Errors that were looked at: new minima above the floor.
    """

    kind: str
    order: float
    ratio: float
    exponent: float
    confidence: str
    used: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rate) and repr(self) == repr(other)  # NaN equals NaN here

    def __hash__(self) -> int:
        return hash(repr(self))

    def __str__(self) -> str:
        detail = {
            "sublinear": f", about 1/t^{self.exponent:.3g}",
            "linear": f", ratio {self.ratio:.6g}",
            "superlinear": f", order {self.order:.3g}",
        }.get(self.kind, "")
        return f"{self.kind}{detail} ({self.confidence} confidence)"

    def steps_to(self, factor: float, done: int) -> float:
        """Return the steps that bring errors down by another `factor` < 1, infinite if unknown."""
        if self.kind == "linear" and 0.0 < self.ratio < 1.0:
            return math.log(factor) / math.log(self.ratio)
        if self.kind == "sublinear" and self.exponent > 0.0:
            return done * math.expm1(min(700.0, -math.log(factor) / self.exponent))
        return math.inf


def convergence_rate(errors: object, *, floor: float | None = None) -> Rate:
    """Tell sublinear, linear, superlinear and quadratic convergence apart.

    Parameters
    ----------
    errors : array_like (N,)
        e_1, e_2, ... >= 0, for example f(x_t) - f* or gradient norms. Where they rise, the least
        so far counts.
    floor : float, optional
        Errors up to here are rounding and ignored; by default 1000 roundings of the largest.

    Returns
    -------
    Rate

    Notes
    -----
    With the ratios rho_t = e_{t+1}/e_t: the quotient of their logarithms is the order, if that is
    above 1. Else log(-log rho_t) is a line over log t, of slope -1 for powers of t, 0 for powers
    of a constant, above 0 for anything faster. An exponent is that of the differences of the
    logarithms, which a limit that is slightly off disturbs least.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> print(minimand.convergence_rate(0.9 ** np.arange(60)))
    linear, ratio 0.9 (high confidence)
    >>> minimand.convergence_rate(1 / np.arange(1, 100)).kind
    'sublinear'
    """
    e = as_vector("errors", errors)
    check_nonnegative("errors", e)
    least = 1e3 * EPS * float(e.max()) if floor is None else nonnegative_float("floor", floor)
    best = np.minimum.accumulate(e)
    new = np.concatenate([[True], best[1:] < best[:-1]]) & (best > least)
    # Where errors rise on the way, a smooth envelope is what is left.
    t, kept = np.asarray(np.flatnonzero(new) + 1.0, dtype=np.float64), best[new]
    if len(kept) < LEAST:
        return Rate("too_short", math.nan, math.nan, math.nan, "low", len(kept))
    verdicts = [_verdict(t, kept, part) for part in (2, 3, 4)]
    kind, order, ratio, exponent = verdicts[0]
    same = sum(verdict[0] == kind for verdict in verdicts)
    confidence = {3: "high", 2: "medium"}.get(same, "low")
    return Rate(kind, order, ratio, exponent, confidence, len(kept))


def _verdict(t: Floats, e: Floats, part: int) -> tuple[str, float, float, float]:
    """Judge the last 1/part of the errors, at least four of them."""
    begin = min(len(e) - 4, len(e) - math.ceil(len(e) / part))
    t, e = t[begin:], e[begin:]
    # -log of the ratio of one step, to its own accuracy
    fall = np.log1p((e[:-1] - e[1:]) / e[1:]) / np.diff(t)
    q = fall[1:] / fall[:-1] if (np.diff(t) == 1.0).all() else np.ones(1)
    order = float(np.median(q))
    if order > _SUPERLINEAR:
        for name, exact, width in (("quadratic", 2.0, 0.2), ("cubic", 3.0, 0.3)):
            if abs(order - exact) <= width:
                return name, order, 0.0, math.nan
        return "superlinear", order, 0.0, math.nan
    middle = np.log(np.sqrt(t[1:] * t[:-1]))
    slope = _slope(middle, np.log(fall))
    # A few steps that differ from the others tilt a line of differences, but not both of these.
    power = _misfit(np.log(t), np.log(e)) < _misfit(t, np.log(e))
    exponent = -_slope(np.log(t), np.log(e))
    if slope < _SUBLINEAR and power and exponent <= _STEEPEST:
        return "sublinear", math.nan, 1.0, exponent
    if slope > _ACCELERATING:
        return "superlinear", 1.0, 0.0, math.nan
    return (
        "linear",
        1.0,
        math.exp(-float((np.log(e[0]) - np.log(e[-1])) / (t[-1] - t[0]))),
        math.nan,
    )


def _misfit(x: Floats, y: Floats) -> float:
    """Return the sum of squares that a line leaves."""
    rest = y - y.mean() - _slope(x, y) * (x - x.mean())
    return float(rest @ rest)


def _slope(x: Floats, y: Floats) -> float:
    x = x - x.mean()
    squares = float(x @ x)
    return float(x @ (y - y.mean())) / squares if squares > 0.0 else 0.0
