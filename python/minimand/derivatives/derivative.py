"""The public function for functions of one variable."""

from __future__ import annotations

import time
from typing import Any

from minimand._common.arrays import positive_float, positive_int
from minimand._common.backend import Backend
from minimand.derivatives.arguments import Function, as_points
from minimand.derivatives.estimate import Estimate
from minimand.derivatives.lines import PointLines
from minimand.derivatives.result import DerivativeResult, warn
from minimand.derivatives.run import (
    METHODS,
    check_options,
    differentiate,
    evaluator,
    make_result,
    noise_of,
)

MOST_ORDER = 10
PIECE = 1 << 12  # points whose differences are taken together, in arrays that stay in the cache


def derivative(
    f: Function,
    x: object,
    *,
    order: int = 1,
    method: str = "central",
    step: object = None,
    bounds: object = None,
    noise: object = None,
    derivative_bound: float | None = None,
    radius: float = 1.0,
    vectorized: bool | None = None,
    args: tuple[Any, ...] = (),
    backend: Backend = "cpp",
) -> DerivativeResult:
    """Return the derivative of a function of one variable, with an error.

    Parameters
    ----------
    f : callable
        f(x, *args) -> number. If it also takes vectors of numbers, (m,) -> (m,), all points go to
        it in one call.
    x : float or array_like
        A number, or numbers in any shape, each a point of its own.
    order : int
        Of the derivative. Above 2 the method must be "richardson" or "cauchy", and 10 is the limit.
    method : {"central", "forward", "backward", "complex", "richardson", "cauchy"}
        "central": (f(x+h) - f(x-h))/2h, or (f(x+h) - 2f(x) + f(x-h))/h^2; at a bound a rule of the
        same order that looks to one side. "forward", "backward": one side, first order.
        "richardson": extrapolation from eight steps. "complex": Im f(x+ih)/h, to the last digits,
        for an f that is analytic and works with complex numbers; that is checked against central
        differences. "cauchy": the mean over a circle in the complex plane.
    step : float, array_like, "auto", optional
        h; the first and largest one for "richardson". By default what suits a function whose
        derivatives are as large as itself, in units of max(1, |x|). "auto" tries other steps where
        truncation and rounding are far apart.
    bounds : pair of float, optional
        (low, high), None for no bound: f is never called outside.
    noise : float or "estimate", optional
        Absolute noise of f, by default rounding alone. "estimate" finds it by a table of
        differences (More and Wild 2011).
    derivative_bound : float, optional
        A bound of |f^(p)| around x, p the derivative that the truncation depends on: 3 for
        "central", 2 for "forward" and "backward", 4 for order 2. It makes the truncation rigorous.
    radius : float
        Of the circle of "cauchy", inside which f must be analytic.
    vectorized : bool, optional
        Whether f takes vectors; by default that is tried.
    args : tuple
        Further arguments of f.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    DerivativeResult
        With `value`, `error` and its parts; `float(result)` and `np.asarray(result)` work.
        `status` says what went wrong, if anything did: f undefined near x, not analytic, with a
        kink at x, or drowned in noise.

    Raises
    ------
    ValueError, TypeError
        Bad arguments, f not finite at x, or f returns something else than real numbers.

    Notes
    -----
    Sources: Squire, Trapp, SIAM Rev. 40 (1998) 110; Ridders, Adv. Eng. Softw. 4 (1982) 75; Lyness,
    Moler, SIAM J. Numer. Anal. 4 (1967) 202; More, Wild, SIAM J. Sci. Comput. 33 (2011) 1292.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> slope = minimand.derivative(np.exp, 1.0)
    >>> abs(float(slope) - np.e) <= slope.error <= 1e-9
    True
    >>> minimand.derivative(np.exp, 1.0, method="complex").value == np.e
    True
    >>> minimand.derivative(np.exp, [0.0, 1.0], order=4, method="cauchy").value.round(9)
    array([1.        , 2.71828183])
    """
    # Check and convert
    start = time.perf_counter()
    p = positive_int("order", order)
    radius = positive_float("radius", radius)
    position, shape = as_points("x", x)
    options = check_options(
        position,
        methods=(*METHODS, "cauchy"),
        method=method,
        step=step,
        bounds=bounds,
        pairs=False,
        noise=noise,
        derivative_bound=derivative_bound,
        vectorized=vectorized,
        args=args,
        backend=backend,
        start=start,
    )
    _check_order(p, options.method)

    # Drive
    evaluate = evaluator("f", f, options, scalars=True)
    centre = evaluate.start(position, options.vectorized)
    lines = PointLines(evaluate, position, options.bounds, centre, options.compiled)
    level = noise_of(options, lines)
    found = Estimate.joined(
        [
            differentiate(lines.part(part), options.part(part), level, order=p, radius=radius)
            for part in (slice(b, b + PIECE) for b in range(0, len(position), PIECE))
        ]
    )

    # Certify and return
    def shaped(values: Any) -> Any:
        return values.reshape(shape) if shape else values.reshape(-1)[0].item()

    names = ("value", "error", "truncation", "rounding", "step", "sides")
    result = make_result(
        options,
        quantity="derivative",
        order=p,
        status=found.status,
        values={name: shaped(getattr(found, name)) for name in names},
        x=shaped(position.copy()),
        noise=level,
        kinks=found.kinks.reshape(shape or (1,)),
        undefined=found.undefined,
        evaluations=evaluate.evaluations,
        vectorized=evaluate.vectorized,
    )
    return warn(result)


def _check_order(order: int, method: str) -> None:
    most = {"richardson": MOST_ORDER, "cauchy": MOST_ORDER, "central": 2}.get(method, 1)
    if order > most:
        mend = "use method 'richardson' or 'cauchy'" if order <= MOST_ORDER else "that is the limit"
        raise ValueError(f"order is {order}, expected at most {most} for method {method!r}; {mend}")
