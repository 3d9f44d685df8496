"""The public function for second derivatives by several variables."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.backend import Backend
from minimand.derivatives.arguments import Function, as_point
from minimand.derivatives.differences import difference
from minimand.derivatives.estimate import Estimate
from minimand.derivatives.gradient import along_axes
from minimand.derivatives.lines import CoordinateLines
from minimand.derivatives.mixed import Matrices
from minimand.derivatives.result import DerivativeResult, warn
from minimand.derivatives.rules import SAFETY
from minimand.derivatives.run import (
    METHODS,
    Options,
    check_options,
    evaluator,
    make_result,
    noise_of,
)

MOST_VARIABLES = 2000  # of a Hessian from values, whose points are 2 n^2


def hessian(
    f: Function | None,
    x: object,
    *,
    grad: Function | None = None,
    method: str = "central",
    step: object = None,
    bounds: object = None,
    noise: object = None,
    derivative_bound: float | None = None,
    vectorized: bool | None = None,
    args: tuple[Any, ...] = (),
    backend: Backend = "cpp",
) -> DerivativeResult:
    """Return the Hessian (n, n) of a function of n variables, with an error for each entry.

    Parameters
    ----------
    f : callable
        As in `gradient`; not called (and may be None) where `grad` is given.
    x : array_like (n,)
        Where.
    grad : callable, optional
        grad(x, *args) -> (n,), if possible also (m, n) -> (m, n). The Hessian is the symmetric part
        of its Jacobian, and half the asymmetric part goes into the error.
    method : {"central", "forward", "backward", "complex", "richardson"}
        As in `derivative`, for the Jacobian of `grad`. From values alone only "central".
    step : float, array_like (n,), "auto", optional
        h of each variable.
    bounds : sequence of n pairs, optional
        (low, high) for each variable, None for no bound: f is never called outside.
    noise : float or "estimate", optional
        Absolute noise of f, or of grad where it is given.
    derivative_bound : float, optional
        A bound of all fourth derivatives of f (of the third derivatives of `grad` along the axes),
        which makes the truncation rigorous.
    vectorized : bool, optional
        Whether f (or grad) takes points in the rows of a matrix; by default that is tried.
    args : tuple
        Further arguments of f and grad.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    DerivativeResult
        With `value` (n, n), symmetric, `error` (n, n) and its parts.

    Raises
    ------
    ValueError, TypeError
        Bad arguments, f not finite at x, f returns something else than real numbers, or n is above
        2000 without `grad`.

    Notes
    -----
    From values, off the diagonal, f_ij = (f(x+h_i+h_j) - f(x+h_i) - f(x+h_j) + 2 f(x) - f(x-h_i) -
    f(x-h_j) + f(x-h_i-h_j))/2 h_i h_j: with twice the step for the error, 2 n^2 + 6 n points.

    Examples
    --------
    >>> import minimand
    >>> found = minimand.hessian(lambda p: p[..., 0] ** 3 * p[..., 1], [1.0, 2.0])
    >>> found.value.round(5)
    array([[12.,  3.],
           [ 3.,  0.]])
    """
    # Check and convert
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

    # Drive, certify and return
    if grad is not None:
        return warn(_from_gradient(grad, position, options))
    if options.method != "central":
        raise ValueError(
            f"method is {options.method!r}, expected 'central' for a Hessian from values alone; "
            "pass grad= for the others"
        )
    n = len(position)
    if n > MOST_VARIABLES:
        size = 2 * n * n * n * position.itemsize
        raise ValueError(
            f"x has {n} entries, expected at most {MOST_VARIABLES}: their points are "
            f"{size:.1e} bytes; pass grad=, or take differences of gradients along directions"
        )
    return warn(_from_values(f, position, options))


def _from_values(f: Any, position: Floats, options: Options) -> DerivativeResult:
    evaluate = evaluator("f", f, options)
    value = evaluate.start(position[np.newaxis], options.vectorized)
    n = len(position)
    lines = CoordinateLines(
        evaluate, position, options.bounds, np.broadcast_to(value, (n, 1)), options.compiled
    )
    noise = noise_of(options, lines)
    diagonal = difference(lines, order=2, step=options.step, improve=options.improve, noise=noise)
    matrices = Matrices(lines, diagonal, float(noise[0]))
    if options.derivative_bound is not None:
        matrices.bounded(options.derivative_bound)
    value, truncation, rounding = matrices.entries
    found = Estimate(value, truncation, rounding, diagonal.step, diagonal.sides)
    found.missed[:] = matrices.missed
    found.lost[np.arange(n), np.arange(n)] = diagonal.lost[:, 0]
    return make_result(
        options,
        quantity="hessian",
        order=2,
        status=found.status,
        values=_values(found),
        x=position.copy(),
        noise=noise,
        kinks=found.kinks,
        undefined=matrices.undefined,
        evaluations=evaluate.evaluations,
        vectorized=evaluate.vectorized,
    )


def _from_gradient(grad: Any, position: Floats, options: Options) -> DerivativeResult:
    n = len(position)
    lines, noise, found = along_axes("grad", grad, position, options, vector=True)
    if lines.f.outputs != n:
        raise ValueError(f"grad returned {lines.f.outputs} numbers for {n} variables, expected {n}")
    apart = 0.5 * np.abs(found.value - found.value.T)
    found.value = 0.5 * (found.value + found.value.T)
    found.rounding = 0.5 * (found.rounding + found.rounding.T)
    found.truncation = 0.5 * (found.truncation + found.truncation.T) + apart / SAFETY
    return make_result(
        options,
        quantity="hessian",
        order=2,
        status=found.status,
        values=_values(found),
        x=position.copy(),
        noise=noise,
        kinks=found.kinks,
        undefined=found.undefined,
        evaluations=lines.f.evaluations,
        vectorized=lines.f.vectorized,
        from_gradient=True,
    )


def _values(found: Estimate) -> dict[str, Any]:
    names = ("value", "error", "truncation", "rounding", "step", "sides")
    return {name: getattr(found, name) for name in names}
