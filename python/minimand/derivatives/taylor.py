"""Taylor models with a bound of their remainder."""

from __future__ import annotations

import time
from dataclasses import replace
from math import factorial
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, nonnegative_float, positive_float, positive_int
from minimand._common.backend import Backend
from minimand._common.random import as_key, uniform
from minimand._common.result import Status
from minimand.derivatives.arguments import Function, as_point, as_points
from minimand.derivatives.complex_step import cauchy_coefficients
from minimand.derivatives.derivative import derivative
from minimand.derivatives.evaluate import Evaluator
from minimand.derivatives.given import gradient_of, hessian_of
from minimand.derivatives.rules import EPS
from minimand.derivatives.run import Options, check_options, evaluator
from minimand.derivatives.taylor_result import TaylorModel, certificates

MOST_ORDER = 10
_SAMPLES = 64
_GIVEN = 8.0  # roundings of what a function of the user returns
_SAFETY = 2.0


def taylor_model(
    f: Function,
    a: object,
    order: int = 2,
    *,
    grad: Function | None = None,
    hess: Function | None = None,
    lipschitz_gradient: float | None = None,
    lipschitz_hessian: float | None = None,
    derivative_bound: float | None = None,
    radius: float | None = None,
    circle: float = 1.0,
    vectorized: bool | None = None,
    args: tuple[Any, ...] = (),
    rng: object = 0,
    backend: Backend = "cpp",
) -> TaylorModel:
    """Return the Taylor model of order 1 or 2 around a (of one variable, up to 10).

    Order 1 is f(a) + g'd, with |remainder| <= L |d|^2/2, L a Lipschitz constant of the gradient.
    Order 2 adds d'Hd/2, with |remainder| <= M |d|^3/6, M one of the Hessian. In one dimension
    |remainder| <= B |d|^(p+1)/(p+1)!, B a bound of the (p+1)-th derivative.

    Parameters
    ----------
    f : callable
        As in `derivative` if a is a number, as in `gradient` if it is a vector.
    a : float or array_like (n,)
        The centre.
    order : int
        1 or 2; for a number up to 10, above 2 by Cauchy's integral (f must be analytic).
    grad, hess : callable, optional
        Derivatives of f, by default by differences; for a number they return numbers.
    lipschitz_gradient, lipschitz_hessian : float, optional
        L or M, for orders 1 and 2.
    derivative_bound : float, optional
        B, for a number.
    radius : float, optional
        Look at 64 random points within this distance for the least constant that f allows there:
        `observed`. A given constant that is smaller is refuted.
    circle : float
        Radius of Cauchy's circle.
    vectorized : bool, optional
        Whether f takes many points at once; by default that is tried.
    args : tuple
        Further arguments of f, grad and hess.
    rng : int, Generator, ...
        Of the random points.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    TaylorModel
        Callable; with `remainder_bound(d)` and `minimizer()`.

    Raises
    ------
    ValueError, TypeError
        Bad arguments, or a function returns something else than it should.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> model = minimand.taylor_model(np.exp, 0.0, 4, derivative_bound=np.e)
    >>> model.coefficients.round(6)
    array([1.      , 1.      , 0.5     , 0.166667, 0.041667])
    >>> abs(np.exp(0.5) - model(0.5)) <= model.remainder_bound(0.5)
    np.True_
    """
    # Check and convert
    start = time.perf_counter()
    p = positive_int("order", order)
    scalar = np.ndim(a) == 0 and not isinstance(a, str)  # type: ignore[arg-type]
    position = as_points("a", a)[0] if scalar else as_point("a", a)
    _check_order(p, scalar)
    constant = _constant(p, scalar, lipschitz_gradient, lipschitz_hessian, derivative_bound)
    if radius is not None:
        radius = positive_float("radius", radius)
    circle = positive_float("circle", circle)
    options = check_options(
        position,
        methods=("central",),
        method="central",
        step=None,
        bounds=None,
        pairs=True,
        noise=None,
        derivative_bound=None,
        vectorized=vectorized,
        args=args,
        backend=backend,
        start=start,
    )

    # Drive
    evaluate = evaluator("f", f, options, scalars=scalar)
    value = float(evaluate.start(position if scalar else position[np.newaxis], vectorized)[0, 0])
    value_error = _GIVEN * evaluate.eps * abs(value)
    parts: dict[str, Any]
    if scalar:
        parts = _line(f, grad, hess, position, value, value_error, p, circle, options, evaluate)
    else:
        parts = _space(f, grad, hess, position, p, options)
    model = TaylorModel(
        status=Status.CONVERGED,
        iterations=0,
        history=(),
        seconds=time.perf_counter() - start,
        backend=options.backend,
        certificates=certificates(0.0, None if constant is None else 0.0),
        a=float(position[0]) if scalar else position,
        order=p,
        value=value,
        value_error=value_error,
        constant=constant,
        observed=None,
        radius=radius,
        circle=circle,
        evaluations=evaluate.evaluations,
        **parts,
    )
    return model if radius is None else _observe(model, evaluate, radius, rng)


def _check_order(order: int, scalar: bool) -> None:
    most = MOST_ORDER if scalar else 2
    if order > most:
        kind = "one variable" if scalar else "several variables"
        raise ValueError(f"order is {order}, expected at most {most} for a function of {kind}")


def _constant(
    order: int, scalar: bool, of_gradient: object, of_hessian: object, bound: object
) -> float | None:
    """Return the one constant that fits the order."""
    given = {
        "lipschitz_gradient": of_gradient,
        "lipschitz_hessian": of_hessian,
        "derivative_bound": bound,
    }
    fits = {1: "lipschitz_gradient", 2: "lipschitz_hessian"}.get(order)
    allowed = [name for name in (fits, "derivative_bound" if scalar else None) if name]
    found = [(name, value) for name, value in given.items() if value is not None]
    if not found:
        return None
    name, value = found[0]
    if len(found) > 1 or name not in allowed:
        wanted = " or ".join(allowed)
        names = " and ".join(name for name, _ in found)
        raise ValueError(f"{names} given, expected {wanted} for order {order}")
    return nonnegative_float(name, value)


def _space(
    f: Function,
    grad: Function | None,
    hess: Function | None,
    x: Floats,
    order: int,
    options: Options,
) -> dict[str, Any]:
    """Return gradient and Hessian of a function of several variables."""
    shared: dict[str, Any] = {
        "vectorized": options.vectorized,
        "args": options.args,
        "backend": options.backend,
    }
    g, g_error = gradient_of(f, grad, x, shared)
    H, H_error = hessian_of(f, grad, hess, x, shared) if order == 2 else (None, None)
    return {
        "gradient": g,
        "gradient_error": g_error,
        "hessian": H,
        "hessian_error": H_error,
        "coefficients": None,
        "coefficient_errors": None,
    }


def _line(
    f: Function,
    grad: Function | None,
    hess: Function | None,
    a: Floats,
    value: float,
    value_error: float,
    order: int,
    circle: float,
    options: Options,
    evaluate: Evaluator,
) -> dict[str, Any]:
    """Return the coefficients of a function of one variable."""
    c, e = np.zeros(order + 1), np.zeros(order + 1)
    first = 0
    if order > 2:
        powers = circle ** np.arange(order + 1)
        try:
            scaled, aliasing, rounding, analytic = cauchy_coefficients(evaluate, a, circle, order)
        except TypeError:
            analytic = False
        if not analytic:
            raise ValueError(
                f"f is not analytic within {circle} of {a[0]}, as order {order} needs; "
                "pass a smaller circle, or an order of 1 or 2"
            )
        c, e = scaled[0] / powers, _SAFETY * (aliasing + rounding)[0] / powers
        first = order + 1
    given = {1: grad, 2: hess}
    for k in range(max(1, first), order + 1):
        function = given.get(k)
        if function is not None:
            slope = float(np.ravel(function(float(a[0]), *options.args))[0])
            error = _GIVEN * EPS * abs(slope)
        else:
            found = derivative(
                f,
                float(a[0]),
                order=k,
                vectorized=options.vectorized,
                args=options.args,
                backend=options.backend,  # type: ignore[arg-type]
            )
            slope, error = float(found), float(np.asarray(found.error))
        c[k], e[k] = slope / factorial(k), error / factorial(k)
    c[0], e[0] = value, value_error
    return {
        "gradient": c[1:2].copy(),
        "gradient_error": e[1:2].copy(),
        "hessian": 2.0 * c[2:3].reshape(1, 1) if order >= 2 else None,
        "hessian_error": 2.0 * e[2:3].reshape(1, 1) if order >= 2 else None,
        "coefficients": c,
        "coefficient_errors": e,
    }


def _observe(model: TaylorModel, f: Evaluator, radius: float, rng: object) -> TaylorModel:
    """Return the model with what random points within the radius say of its constant."""
    n = len(model.gradient)
    draws = uniform(as_key(rng), 0, _SAMPLES, n + 1)
    directions = draws[:, :n] - 0.5
    directions /= np.linalg.norm(directions, axis=1)[:, np.newaxis]
    steps = directions * (radius * (0.1 + 0.9 * draws[:, n:]))
    scalar = model.coefficients is not None
    d = steps[:, 0] if scalar else steps
    points = np.asarray(model.a) + d
    values = f.many(points)[:, 0]
    p = model.order + 1
    # |f - T| less what the errors of the derivatives and of f may be of it.
    known = replace(model, constant=0.0).remainder_bound(d)
    excess = np.abs(values - model(points)) - known - _GIVEN * f.eps * np.abs(values)
    length = np.linalg.norm(steps, axis=1)
    constants = np.where(np.isfinite(excess), excess, 0.0) * factorial(p) / length**p
    observed = max(0.0, float(constants.max()))
    refuted = model.constant is not None and observed > model.constant * (1.0 + 1e-9)
    return replace(
        model,
        observed=observed,
        evaluations=f.evaluations,
        status=Status.CONSTANT_REFUTED if refuted else model.status,
    )
