"""Derivatives checked in plain NumPy: the recorded rule again, and another rule beside it.

The recorded rule has to give the recorded numbers, but for the rounding of f. The other rule has
its own step and its own error, and must agree within both errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate
from minimand.derivatives.result import agreement
from minimand.derivatives.verification.hessian import Pairs
from minimand.derivatives.verification.rules import (
    Axes,
    Numbers,
    Plain,
    fresh_rule,
    recorded_rule,
)

if TYPE_CHECKING:
    from minimand.derivatives.result import DerivativeResult

_SAFETY = 2.0
_SLACK = 4.0  # roundings of f by which recorded and recomputed numbers may differ


def recompute(
    result: DerivativeResult, f: Any, x: object, *, grad: Any, args: tuple[Any, ...]
) -> tuple[Certificate, ...]:
    """Return the certificate of `result` as f and x alone show it.

    Raises
    ------
    ValueError
        x has another shape than the result, or `grad` is missing.
    CertificateError
        A number of the result is not what f and x show.
    """
    where = np.array(x, dtype=np.float64)
    if where.shape != np.shape(result.x):
        raise ValueError(f"x has shape {where.shape} but the result is for {np.shape(result.x)}")
    if result.from_gradient and grad is None:
        raise ValueError("grad is None, but the result is of differences of gradients; pass it")
    with np.errstate(all="ignore"):
        problems = _arithmetic(result, where)
        old, new = _both(result, grad if result.from_gradient else f, args)
        problems += _recorded(result, old)
        apart = np.abs(_array(result.value) - new[0])
        worst = np.where(apart == 0.0, 0.0, apart / (_array(result.error) + new[1]))
    if problems:
        raise CertificateError(f"DerivativeResult does not verify: {'; '.join(problems)}")
    return (agreement(float(worst.max()) if not np.isnan(worst).any() else np.nan),)


def _array(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _arithmetic(result: DerivativeResult, x: Floats) -> list[str]:
    """Return what is wrong with the numbers among themselves."""
    problems = []
    if not np.array_equal(x, _array(result.x)):
        problems.append("x is not the point of the result")
    expected = _SAFETY * (_array(result.truncation) + _array(result.rounding))
    if not np.allclose(_array(result.error), expected, rtol=1e-12, atol=0.0):
        problems.append(f"error is not {_SAFETY} (truncation + rounding)")
    if result.quantity == "hessian" and not np.array_equal(
        _array(result.value), _array(result.value).T, equal_nan=True
    ):
        problems.append("the Hessian is not symmetric")
    one_sided = {"forward": 1, "backward": -1}.get(result.method)
    allowed = (-1, 0, 1) if one_sided is None else (one_sided,)
    on_line = result.status.name != "NOT_ANALYTIC" and result.method in ("complex", "cauchy")
    if on_line:
        allowed = (0,)
        heights = 1e-20 * np.maximum(1.0, np.abs(x))
        if result.method == "complex" and not np.array_equal(_array(result.step), heights):
            problems.append("step is not 1e-20 max(1, |x|)")
    if not (_array(result.step) > 0.0).all() or not np.isin(result.sides, allowed).all():
        problems.append("a step or a side is impossible")
    return problems


def _both(
    result: DerivativeResult, f: Any, args: tuple[Any, ...]
) -> tuple[tuple[Floats, Floats, Floats], tuple[Floats, Floats]]:
    """Return (value, truncation, rounding) of the recorded rule, (value, error) of another one."""
    scalars = result.quantity == "derivative"
    vector = result.quantity == "jacobian" or result.from_gradient
    plain = Plain(f, args, many=result.vectorized, scalars=scalars, vector=vector)
    if result.quantity == "hessian" and not result.from_gradient:
        pairs = Pairs(plain, result)
        return pairs.recorded(), pairs.fresh()
    lines = Numbers(plain, result) if scalars else Axes(plain, result)
    old, new = recorded_rule(lines, result), fresh_rule(lines, result)
    if result.from_gradient:
        return _symmetric(*old), _halves(*new)
    return (
        tuple(lines.shaped(part) for part in old),  # type: ignore[return-value]
        tuple(lines.shaped(part) for part in new),
    )


def _symmetric(
    value: Floats, truncation: Floats, rounding: Floats
) -> tuple[Floats, Floats, Floats]:
    apart = 0.5 * np.abs(value - value.T) / _SAFETY
    return (
        0.5 * (value + value.T),
        0.5 * (truncation + truncation.T) + apart,
        0.5 * (rounding + rounding.T),
    )


def _halves(value: Floats, error: Floats) -> tuple[Floats, Floats]:
    return 0.5 * (value + value.T), 0.5 * (error + error.T)


def _recorded(result: DerivativeResult, old: tuple[Floats, Floats, Floats]) -> list[str]:
    """Return where the recorded rule gives other numbers than the recorded ones."""
    value, truncation, rounding = old
    slack = _SLACK * rounding
    if result.derivative_bound is not None or len(result.kinks):
        truncation = np.maximum(truncation, _array(result.truncation))
    problems = []
    pairs = (
        ("value", value, slack),
        ("truncation", truncation, slack + 1e-6 * truncation),
        ("rounding", rounding, 1e-7 * rounding),
    )
    for name, found, tolerance in pairs:
        stated = _array(getattr(result, name))
        good = np.abs(stated - found) <= tolerance
        good |= ~np.isfinite(stated)  # the certificate fails on those
        if not good.all():
            i = np.unravel_index(int(np.argmin(good)), good.shape)
            problems.append(f"{name} is {found[i]:.6g}, recorded was {stated[i]:.6g}")
    return problems
