"""f and its derivatives at many points, asked, checked, counted and kept."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand.derivatives.arguments import describe
from minimand.derivatives.evaluate import Evaluator
from minimand.global_search.problem import Constants, Function, rounding_of
from minimand.global_search.quadratic import Quadratic


class Samples:
    """Values, gradients and Hessians at the points that were asked so far.

    The tables `gradient`, `error` and `hessian` have a row for each point, a single one that holds
    for all points, or none. Where the gradient has a Lipschitz constant K but is not given, central
    differences stand in for it, with the bound K d/2 + eta/d of their error.

    Attributes
    ----------
    evaluations : int
        Points at which f was asked.
    per_point : int
        How many of them a sample takes.
    scale : float
        Largest |f| seen.
    """

    def __init__(
        self,
        f: Function,
        grad: Function | None,
        hessian: Function | None,
        constants: Constants,
        box: Floats,
        *,
        scalar: bool,
        vectorized: bool | None,
        differences: bool,
        kernels: ModuleType,
        threads: int,
    ) -> None:
        n = len(box)
        self.box, self.constants, self.kernels, self.threads = box, constants, kernels, threads
        self.count, self.evaluations, self.scale = 0, 0, 0.0
        self._quadratic = f if isinstance(f, Quadratic) else None
        self._differences = differences
        self._step: float | None = None
        self.per_point = 2 * n + 1 if differences else 1
        self._scalar, self._vectorized = scalar, vectorized
        self._f = Evaluator("f", f, (), scalars=scalar, vector=False)
        self._grad = self._hessian = None
        if grad is not None:
            self._grad = Evaluator("grad", grad, (), scalars=scalar, vector=not scalar)
        if hessian is not None:
            self._hessian = Evaluator("hessian", _flat(hessian, n), (), scalars=scalar, vector=True)
        has_gradient = grad is not None or differences or self._quadratic is not None
        self.value = np.empty(0)
        self.gradient = np.empty((0, n))
        self.error = np.zeros((0 if differences or not has_gradient else 1, n))
        self.hessian = np.empty((0, n * n))
        if self._quadratic is not None:
            self.hessian = self._quadratic.Q.reshape(1, -1).copy()

    def reserve(self, size: int) -> None:
        """Make room for `size` points."""
        if size <= len(self.value):
            return
        size = max(size, 2 * len(self.value), 256)
        self.value = grown(self.value, size)
        if self._grad is not None or self._differences or self._quadratic is not None:
            self.gradient = grown(self.gradient, size)
        if self._differences:
            self.error = grown(self.error, size)
        if self._hessian is not None:
            self.hessian = grown(self.hessian, size)

    def add(self, points: Floats) -> Floats:
        """Ask f at new points (m, n) and return its values, which are rows count .. count + m."""
        self.reserve(self.count + len(points))
        rows = slice(self.count, self.count + len(points))
        if self._quadratic is not None:
            Q, p = self._quadratic.Q, self._quadratic.p
            out = self.value[rows], self.gradient[rows]
            self.kernels.quadratic(Q, p, points, *out, self.threads)
            self.evaluations += len(points)
            _check_finite("f", self.value[rows], points)
        else:
            self.value[rows] = self.values(points)
            if self._grad is not None:
                self.gradient[rows] = self._ask(self._grad, points)
            if self._hessian is not None:
                self.hessian[rows] = self._ask(self._hessian, points)
        value = self.value[rows]
        self.scale = max(self.scale, float(np.abs(value).max()))
        if self._differences:
            self._central(points, rows)
        self.count += len(points)
        return value

    def values(self, points: Floats) -> Floats:
        """Return f at points (m, n), without keeping them."""
        if self._quadratic is not None:
            self.evaluations += len(points)
            return np.asarray(self._quadratic(points))
        before = self._f.evaluations
        value = self._ask(self._f, points)[:, 0]
        self.evaluations += self._f.evaluations - before
        return value

    def slopes(self, points: Floats) -> Floats | None:
        """Return gradients that are given, at points (m, n), without keeping them."""
        if self._quadratic is not None:
            return np.asarray(self._quadratic.grad(points))
        return None if self._grad is None else self._ask(self._grad, points)

    def _ask(self, evaluator: Evaluator, points: Floats) -> Floats:
        where: Any = points[:, 0] if self._scalar else points
        if evaluator.evaluations == 0:
            values = evaluator.start(where, self._vectorized)
            expected = {"f": 1, "grad": points.shape[1]}.get(evaluator.name, points.shape[1] ** 2)
            if values.shape[1] != expected:
                raise ValueError(
                    f"{evaluator.name} returned {values.shape[1]} numbers for a point, "
                    f"expected {expected}"
                )
        else:
            values = evaluator.many(where)
        _check_finite(evaluator.name, values, points)
        return np.asarray(values, dtype=np.float64)

    def _central(self, points: Floats, rows: slice) -> None:
        """Fill gradients and their errors by central differences that stay in the box."""
        K, (low, high) = self.constants.curvature, self.box.T
        if self._step is None:
            self._noise = rounding_of(self.values, self.box, K, self.constants.margin)
            self._step = math.sqrt(2.0 * self._noise / K)  # both parts of the error are alike
        step = np.minimum(self._step, np.minimum(points - low, high - points))
        n = points.shape[1]
        stencil = np.repeat(points[:, np.newaxis], 2 * n, axis=1)
        axis = np.arange(n)
        stencil[:, axis, axis] += step
        stencil[:, axis + n, axis] -= step
        d = stencil[:, axis, axis] - stencil[:, axis + n, axis]
        values = self.values(stencil.reshape(-1, n)).reshape(len(points), 2, n)
        with np.errstate(all="ignore"):
            slope = (values[:, 0] - values[:, 1]) / d
            error = 0.25 * K * d * (1.0 + 1e-6) + 2.0 * self._noise / d
        self.gradient[rows] = np.where(d > 0.0, slope, 0.0)
        self.error[rows] = np.where(d > 0.0, error, 0.0)


def grown(array: Any, size: int) -> Any:
    """Return a copy with room for `size` rows."""
    out = np.empty((size, *array.shape[1:]), dtype=array.dtype)
    out[: len(array)] = array
    return out


def _flat(hessian: Function, n: int) -> Function:
    """Return a function that gives Hessians (..., n, n) as rows (..., n^2)."""

    def rows(x: Any) -> Any:
        H = np.asarray(hessian(x))
        point = np.shape(x)[:-1] if np.ndim(x) and np.shape(x)[-1] == n else np.shape(x)
        return H.reshape(*point, n * n) if H.size == math.prod(point) * n * n else H

    return rows


def _check_finite(name: str, values: Floats, points: Floats) -> None:
    good = np.isfinite(values)
    if good.all():
        return
    i = int((~good).reshape(len(points), -1).any(axis=1).argmax())
    raise ValueError(
        f"{name} is {describe(values[i])} at x = {describe(points[i])}, expected finite values "
        "everywhere in the bounds"
    )
