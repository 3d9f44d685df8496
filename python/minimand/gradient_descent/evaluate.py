"""The user's function with its gradient, one point at a time."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import DerivativeWarning
from minimand.derivatives import check_gradient, gradient
from minimand.derivatives.arguments import Function, as_function
from minimand.derivatives.evaluate import Evaluator
from minimand.gradient_descent.objectives import ROUNDING, Objective

_DIRECTIONS = 20  # along which a gradient of more variables is checked


def optional_float(name: str, value: object, check: Callable[[str, object], float]) -> float | None:
    """Return None as it is, anything else checked."""
    return None if value is None else check(name, value)


class UserFunction:
    """f and its gradient, from `grad` or from differences, checked on every call."""

    def __init__(self, f: Function, grad: Function | None, x0: Floats) -> None:
        self._f = Evaluator("f", as_function("f", f), (), scalars=False, vector=False)
        self._f.start(x0[np.newaxis], False)
        self._raw = f
        self._grad = None
        self._error = 0.0  # of the last gradient by differences
        if grad is not None:
            self._grad = Evaluator(
                "grad", as_function("grad", grad), (), scalars=False, vector=True
            )
            n = self._grad.start(x0[np.newaxis], False).size
            if n != len(x0):
                raise ValueError(f"grad returned {n} numbers for {len(x0)} variables")

    def check(self, x0: Floats) -> None:
        """Compare the gradient with differences at x0."""
        slopes = self._grad
        if slopes is None:
            return
        directions = _DIRECTIONS if len(x0) > _DIRECTIONS else None
        found = check_gradient(
            self._raw, lambda x: slopes.many(x[np.newaxis])[0], x0, directions=directions
        )
        if found.status.ok and not found.ok:
            what = "entry" if directions is None else "direction"
            raise ValueError(
                f"grad is wrong at x0: {what} {found.worst} is {found.given[found.worst]:.6g}, "
                f"differences of f give {found.numerical[found.worst]:.6g} with an error of "
                f"{found.error[found.worst]:.1g}; check=False skips this check"
            )

    def __call__(self, x: Floats, out: Floats) -> float:
        """Return f(x) and write its gradient; NaN where f is not finite."""
        fun = float(self._f.many(x[np.newaxis].copy())[0, 0])
        if not math.isfinite(fun):
            out[:] = math.nan
        elif self._grad is not None:
            out[:] = self._grad.many(x[np.newaxis].copy())[0]
        else:
            out[:] = self._differences(x)
        return fun

    def rounding(self, fun: float, x: Floats, gradient: Floats) -> tuple[float, float]:
        """Return bounds of the rounding errors of f and of its gradient.

        f is taken to be as good as a sum of a few terms at an x that is itself rounded; of the
        gradient the same is assumed, or what differences say.
        """
        size = float(np.linalg.norm(gradient))
        value = 2.0 * ROUNDING * (abs(fun) + float(np.abs(gradient) @ np.abs(x)))
        return value, max(self._error, 2.0 * ROUNDING * size)

    def _differences(self, x: Floats) -> Floats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DerivativeWarning)
            found = gradient(self._raw, x)
        self._error = float(np.linalg.norm(found.error))
        return np.asarray(found.value)


class BuiltIn:
    """A built-in objective in NumPy, with the same face."""

    def __init__(self, f: Objective) -> None:
        self._f = f

    def __call__(self, x: Floats, out: Floats) -> float:
        """Return f(x) and write its gradient."""
        out[:] = self._f.grad(x)
        return self._f(x)

    def rounding(self, fun: float, x: Floats, _gradient: Floats) -> tuple[float, float]:
        """Return bounds of the rounding errors of f and of its gradient."""
        return self._f.rounding(fun, x)


def pointwise(f: Any, grad: Any, x0: Floats) -> UserFunction | BuiltIn:
    """Return f as what verification needs."""
    return BuiltIn(f) if isinstance(f, Objective) else UserFunction(f, grad, x0)
