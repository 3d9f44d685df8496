"""The public functions for first derivatives by several variables."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.backend import Backend
from minimand.derivatives.arguments import Function, as_point
from minimand.derivatives.estimate import Estimate
from minimand.derivatives.lines import CoordinateLines
from minimand.derivatives.result import DerivativeResult, warn
from minimand.derivatives.run import (
    METHODS,
    Options,
    check_options,
    differentiate,
    evaluator,
    make_result,
    noise_of,
)


def gradient(
    f: Function,
    x: object,
    *,
    method: str = "central",
    step: object = None,
    bounds: object = None,
    noise: object = None,
    derivative_bound: float | None = None,
    vectorized: bool | None = None,
    args: tuple[Any, ...] = (),
    backend: Backend = "cpp",
) -> DerivativeResult:
    """Return the gradient of a function of n variables, with an error for each entry.

    Parameters
    ----------
    f : callable
        f(x, *args) -> number for a vector x (n,). If it also takes points in the rows of a matrix,
        (m, n) -> (m,), all points go to it in one call; a function that works on columns becomes
        one by `lambda P: f(P.T)`.
    x : array_like (n,)
        Where.
    method : {"central", "forward", "backward", "complex", "richardson"}
        As in `derivative`.
    step : float, array_like (n,), "auto", optional
        As in `derivative`.
    bounds : sequence of n pairs, optional
        (low, high) for each variable, None for no bound: f is never called outside.
    noise : float or "estimate", optional
        Absolute noise of f; see `derivative`.
    derivative_bound : float, optional
        A bound of the third derivatives of f along the axes (the second for "forward" and
        "backward"), which makes the truncation rigorous.
    vectorized : bool, optional
        Whether f takes points in the rows of a matrix; by default that is tried.
    args : tuple
        Further arguments of f.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    DerivativeResult
        With `value` (n,), `error` (n,) and its parts; `np.asarray(result)` is the value.

    Raises
    ------
    ValueError, TypeError
        Bad arguments, f not finite at x, or f returns something else than real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> found = minimand.gradient(lambda p: p[..., 0] ** 2 * p[..., 1], [3.0, 2.0])
    >>> found.value.round(8)
    array([12.,  9.])
    >>> found.vectorized, bool((found.error < 1e-7).all())
    (True, True)
    """
    start = time.perf_counter()
    position = as_point("x", x)
    options = check_options(
        position,
        methods=METHODS,
        method=method,
        step=step,
        bounds=bounds,
        pairs=True,
        noise=noise,
        derivative_bound=derivative_bound,
        vectorized=vectorized,
        args=args,
        backend=backend,
        start=start,
    )
    return warn(_along_axes("f", f, position, options, quantity="gradient"))


def jacobian(
    f: Function,
    x: object,
    *,
    method: str = "central",
    step: object = None,
    bounds: object = None,
    noise: object = None,
    derivative_bound: float | None = None,
    vectorized: bool | None = None,
    args: tuple[Any, ...] = (),
    backend: Backend = "cpp",
) -> DerivativeResult:
    """Return the Jacobian (k, n) of f: R^n -> R^k, with an error for each entry.

    Parameters
    ----------
    f : callable
        f(x, *args) -> vector (k,) for a vector x (n,). If it also takes points in the rows of a
        matrix, (m, n) -> (m, k), all points go to it in one call.
    x : array_like (n,)
        Where.
    method, step, bounds, noise, derivative_bound, vectorized, args, backend
        As in `gradient`; `noise="estimate"` is found for each of the k functions.

    Returns
    -------
    DerivativeResult
        With `value` (k, n), row i the gradient of f_i, `error` (k, n) and its parts.

    Raises
    ------
    ValueError, TypeError
        Bad arguments, f not finite at x, or f returns something else than vectors of real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> minimand.jacobian(lambda p: p @ A.T, [1.0, 1.0]).value.round(8)
    array([[1., 2.],
           [3., 4.],
           [5., 6.]])
    """
    start = time.perf_counter()
    position = as_point("x", x)
    options = check_options(
        position,
        methods=METHODS,
        method=method,
        step=step,
        bounds=bounds,
        pairs=True,
        noise=noise,
        derivative_bound=derivative_bound,
        vectorized=vectorized,
        args=args,
        backend=backend,
        start=start,
    )
    return warn(_along_axes("f", f, position, options, quantity="jacobian"))


def along_axes(
    name: str, f: Function, position: Floats, options: Options, *, vector: bool
) -> tuple[CoordinateLines, Floats, Estimate]:
    """Return the lines along the axes, the noise, and the derivatives along them."""
    evaluate = evaluator(name, f, options, vector=vector)
    value = evaluate.start(position[np.newaxis], options.vectorized)
    centre = np.broadcast_to(value, (len(position), evaluate.outputs))
    lines = CoordinateLines(evaluate, position, options.bounds, centre, options.compiled)
    noise = noise_of(options, lines)
    return lines, noise, differentiate(lines, options, noise)


def _along_axes(
    name: str, f: Function, position: Floats, options: Options, *, quantity: str
) -> DerivativeResult:
    vector = quantity == "jacobian"
    lines, noise, found = along_axes(name, f, position, options, vector=vector)

    def shaped(values: Any) -> Any:
        return np.ascontiguousarray(values.T) if vector else values[:, 0].copy()

    entries = {
        name: shaped(getattr(found, name)) for name in ("value", "error", "truncation", "rounding")
    }
    return make_result(
        options,
        quantity=quantity,
        order=1,
        status=found.status,
        values={**entries, "step": found.step, "sides": found.sides},
        x=position.copy(),
        noise=noise,
        kinks=shaped(found.kinks),
        undefined=found.undefined,
        evaluations=lines.f.evaluations,
        vectorized=lines.f.vectorized,
    )
