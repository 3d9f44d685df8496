"""Gradients and Hessians that the user's functions return, or differences give."""

from __future__ import annotations

from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand.derivatives.arguments import Function
from minimand.derivatives.gradient import gradient
from minimand.derivatives.hessian import hessian
from minimand.derivatives.rules import EPS

_GIVEN = 8.0  # roundings of an entry that a function returns


def gradient_of(
    f: Function, grad: Function | None, x: Floats, shared: dict[str, Any]
) -> tuple[Floats, Floats]:
    """Return the gradient and the errors of its entries."""
    if grad is None:
        found = gradient(f, x, **shared)
        return np.array(found.value), np.array(found.error)
    value = _returned("grad", grad(x.copy(), *shared["args"]), (len(x),))
    return value, _GIVEN * EPS * np.abs(value)


def hessian_of(
    f: Function,
    grad: Function | None,
    hess: Function | None,
    x: Floats,
    shared: dict[str, Any],
) -> tuple[Floats, Floats]:
    """Return the Hessian and the errors of its entries."""
    if hess is None:
        found = hessian(f, x, grad=grad, **shared)
        return np.array(found.value), np.array(found.error)
    value = _returned("hess", hess(x.copy(), *shared["args"]), (len(x), len(x)))
    apart = 0.5 * np.abs(value - value.T)
    return 0.5 * (value + value.T), _GIVEN * EPS * np.abs(value) + apart


def _returned(name: str, value: Any, shape: tuple[int, ...]) -> Floats:
    """Return what a user's function returned, a finite array of real numbers of that shape."""
    array = np.asarray(value)
    if array.shape != shape or array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} returned shape {array.shape} and dtype {array.dtype}, "
            f"expected {shape} real numbers"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} returned a number that is not finite, expected finite ones")
    return array.astype(np.float64)
