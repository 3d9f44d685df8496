"""Lipschitz constants of a function and of its gradient: exact, bounded, or only sampled."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, nonnegative_float, positive_int
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.result import Certificate, Result, Status
from minimand._common.threads import resolve_threads
from minimand.derivatives.arguments import Function, as_bounds
from minimand.gradient_descent.cover import cover, norms_of, objective_slope, points_of
from minimand.gradient_descent.evaluate import optional_float
from minimand.gradient_descent.objectives import Objective
from minimand.gradient_descent.spectrum import curvature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LipschitzConstant(Result):
    """A Lipschitz constant, as far as it is known; `float(result)` is its value.

    Attributes
    ----------
    value : float
        `upper` where there is one, else `lower`, which is then only an estimate.
    lower, upper : float
        The least valid constant lies between them; `upper` is infinite after mere sampling.
    exact : bool
        Whether they differ by rounding only.
    certified : bool
        Whether `value` is a valid constant.
    method : str
        "eigenvalues", "gram iteration", "vertices", "norms", "cells" or "sampled".
    of_gradient : bool
        Whether it is the constant of the gradient.
    bounds : ndarray (n, 2) or None
        The box it is about, None for the whole space.
    """

    value: float
    lower: float
    upper: float
    exact: bool
    method: str
    of_gradient: bool
    bounds: Floats | None

    @property
    def certified(self) -> bool:
        """Whether `value` is a valid constant."""
        return math.isfinite(self.upper)

    def __float__(self) -> float:
        return self.value

    def verify(
        self, f: Any, bounds: object = None, *, grad: Any = None, hess: Any = None
    ) -> tuple[Certificate, ...]:
        """Hold the constant against derivatives at other points, in plain NumPy.

        For objectives with an exact constant of the gradient the eigenvalues are computed anew.

        Raises
        ------
        CertificateError
            When a derivative beyond the constant is found.
        """
        return Result.verify(self, f, bounds, grad=grad, hess=hess)

    def _recompute(
        self, f: Any, bounds: object, *, grad: Any, hess: Any
    ) -> tuple[Certificate, ...]:
        del bounds  # the box of the record is what the constant is about
        if self.of_gradient and isinstance(f, Objective):
            top = np.abs(np.linalg.eigvalsh(f.hess(np.zeros(f.dimension)))).max()
            return _certificates(float(top), self.value, self.certified)
        assert self.bounds is not None or isinstance(f, Objective)
        box = np.array([[-1.0, 1.0]] * f.dimension) if self.bounds is None else self.bounds
        points = points_of(box, 64, 1)
        norms = norms_of(f, grad, hess, points, self.of_gradient)
        return _certificates(max(float(norms.max()), 0.0), self.value, self.certified)


def lipschitz_constant(
    f: Function | Objective,
    bounds: object = None,
    *,
    grad: Function | None = None,
    gradient_lipschitz: float | None = None,
    samples: int = 1000,
    rng: object = 0,
    backend: Backend = "cpp",
    threads: int | None = None,
) -> LipschitzConstant:
    """Bound the slope of a function: M with |f(x) - f(y)| <= M ||x - y|| on a box.

    Parameters
    ----------
    f : callable or LeastSquares, Logistic, Quadratic
        f(x) -> number for x (n,).
    bounds : array_like (n, 2)
        The box. Logistic loss without a ridge needs none.
    grad : callable, optional
        grad(x) -> (n,); by default differences.
    gradient_lipschitz : float, optional
        L of the gradient on the box; it makes the bound of any function rigorous, given L.
    samples : int
        Points at which the gradient is looked at.
    rng : int, Generator, ...
        Of these points.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.
    threads : int, optional
        For the compiled kernels.

    Returns
    -------
    LipschitzConstant
        Quadratic functions and least squares: exact at the vertices of up to 16 variables, an
        upper bound beyond. Logistic loss: an upper bound. Any other function: with
        `gradient_lipschitz` an upper bound from a cover of the box by cells, of the gradient at
        each centre plus L times the radius; else a sample, which is a lower bound only.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> M = minimand.lipschitz_constant(np.sum, [[0.0, 1.0], [0.0, 1.0]], gradient_lipschitz=0.0)
    >>> round(M.value, 6), M.certified
    (1.414214, True)
    """
    start = time.perf_counter()
    kernels("gradient_descent", backend)
    resolve_threads(threads)
    slope = optional_float("gradient_lipschitz", gradient_lipschitz, nonnegative_float)
    count = positive_int("samples", samples)
    box = _box(f, bounds)
    if isinstance(f, Objective):
        lower, upper, exact, method = objective_slope(f, box, count, rng)
    else:
        assert box is not None
        lower, upper, method = cover(f, grad, None, box, slope, count, rng, of_gradient=False)
        exact = False
    return _result(lower, upper, exact, method, box, str(backend), start, of_gradient=False)


def gradient_lipschitz_constant(
    f: Function | Objective,
    bounds: object = None,
    *,
    grad: Function | None = None,
    hess: Function | None = None,
    hessian_lipschitz: float | None = None,
    samples: int = 200,
    rng: object = 0,
    backend: Backend = "cpp",
    threads: int | None = None,
) -> LipschitzConstant:
    """Bound the curvature of a function: L with ||grad f(x) - grad f(y)|| <= L ||x - y||.

    Parameters
    ----------
    f : callable or LeastSquares, Logistic, Quadratic
        f(x) -> number for x (n,).
    bounds : array_like (n, 2), optional
        The box; the three objectives have one L everywhere.
    grad, hess : callable, optional
        grad(x) -> (n,), hess(x) -> (n, n); by default differences.
    hessian_lipschitz : float, optional
        M of the Hessian on the box; it makes the bound of any function rigorous, given M.
    samples : int
        Points at which the Hessian is looked at.
    rng : int, Generator, ...
        Of these points.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.
    threads : int, optional
        For the compiled kernels.

    Returns
    -------
    LipschitzConstant
        Exact for least squares, lambda_max(A'A), quadratics, max |lambda(Q)|, and logistic loss,
        lambda_max(A'A)/4n, which its Hessian has at 0 (up to 2000 variables or rows; a bracket
        beyond). Any other function: as in `lipschitz_constant`, from Hessians.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> L = minimand.gradient_lipschitz_constant(minimand.LeastSquares(np.diag([1.0, 3.0]), [1, 1]))
    >>> round(L.value, 6), L.exact
    (9.0, True)
    """
    start = time.perf_counter()
    kernels("gradient_descent", backend)
    team = resolve_threads(threads)
    third = optional_float("hessian_lipschitz", hessian_lipschitz, nonnegative_float)
    count = positive_int("samples", samples)
    if isinstance(f, Objective):
        known = curvature(f, backend, team)
        return _result(
            known.lower, known.upper, known.exact, known.method, None, str(backend), start,
            of_gradient=True,
        )  # fmt: skip
    box = _box(f, bounds)
    assert box is not None
    lower, upper, method = cover(f, grad, hess, box, third, count, rng, of_gradient=True)
    return _result(lower, upper, False, method, box, str(backend), start, of_gradient=True)


def _result(
    lower: float, upper: float, exact: bool, method: str, box: Floats | None, backend: str,
    start: float, *, of_gradient: bool,
) -> LipschitzConstant:  # fmt: skip
    certified = math.isfinite(upper)
    value = upper if certified else lower
    return LipschitzConstant(
        status=Status.CONVERGED,
        iterations=0,
        history=(),
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=_certificates(lower, value, certified),
        value=value,
        lower=lower,
        upper=upper,
        exact=exact,
        method=method,
        of_gradient=of_gradient,
        bounds=box,
    )


def _certificates(seen: float, value: float, certified: bool) -> tuple[Certificate, ...]:
    """Return the certificate: no derivative beyond the constant, as far as one claims that."""
    text = "largest derivative that was found, at most the constant where it is certified"
    bound = value * (1.0 + 1e-9) if certified else math.inf
    return (Certificate("largest derivative", seen, bound, text, 1e-6 * abs(value)),)


def _box(f: Any, bounds: object) -> Floats | None:
    if not callable(f):
        raise wrong_type("f", f, "a function")
    if bounds is None:
        if isinstance(f, Objective):
            return None
        raise ValueError("bounds is None, expected a box (n, 2), as f is not known everywhere")
    table = np.asarray(bounds)
    if table.size == 0:
        raise ValueError(f"bounds is empty (shape {table.shape}), expected a box (n, 2)")
    n = f.dimension if isinstance(f, Objective) else len(table) if table.ndim else 0
    if table.ndim != 2 or table.shape != (n, 2):
        raise ValueError(f"bounds has shape {table.shape}, expected ({n or 'n'}, 2)")
    middle = np.zeros(n) if not np.isfinite(table).all() else table.mean(axis=1)
    found = as_bounds("bounds", table.tolist(), middle, pairs=True)
    assert found is not None
    box = np.stack(found, axis=1)
    if not np.isfinite(box).all():
        raise ValueError("bounds has an infinite end, expected finite ones")
    return box
