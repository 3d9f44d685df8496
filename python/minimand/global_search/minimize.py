"""The global minimum over a box, with a lower bound."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minimand._common.arrays import (
    boolean,
    one_of,
    positive_float,
    positive_int,
)
from minimand._common.backend import Backend, kernels
from minimand._common.iterate import Outcome, drive
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.derivatives.arguments import as_vectorized
from minimand.global_search.choose import (
    METHODS,
    MOST_EVALUATIONS,
    Search,
    check_method,
    choose_method,
    make_search,
)
from minimand.global_search.problem import (
    as_box,
    as_constants,
    as_function,
)
from minimand.global_search.quadratic import Quadratic, as_quadratic
from minimand.global_search.report import check_tol, make_result, warn
from minimand.global_search.result import GlobalProgress, GlobalResult
from minimand.global_search.samples import Samples


def minimize_lipschitz(
    f: Callable[..., Any],
    bounds: ArrayLike,
    *,
    lipschitz: float | ArrayLike | None = None,
    gradient_lipschitz: float | None = None,
    hessian_lipschitz: float | None = None,
    grad: Callable[..., Any] | None = None,
    hessian: Callable[..., Any] | None = None,
    tol: float = 1e-3,
    method: str | None = None,
    f_error: float = 0.0,
    vectorized: bool | None = None,
    max_evaluations: int | None = None,
    batch: int = 64,
    polish: bool = True,
    callback: Callable[[GlobalProgress], object] | None = None,
    progress: bool = False,
    time_limit: float | None = None,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> GlobalResult:
    """Minimise f over a box, up to `tol`, and prove it by the constants that are given.

    If f changes by at most M ||x - y||, its gradient by K ||x - y||, its Hessian by H ||x - y||,
    every sample bounds f around it. The search divides the box where the bound is least, until the
    least bound of all is within `tol` of the least value. The result is as right as the constants
    are; that the samples agree with them is checked, and reported if not.

    Parameters
    ----------
    f : callable
        Takes points (m, n) and returns values (m,), or one point (n,) and returns a number; for
        bounds (a, b) it takes numbers (m,), or one. Or a quadratic function, an object with Q (n,
        n) and p (n,) for x'Qx/2 + p'x, which is evaluated in compiled code and whose constants
        are known.
    bounds : array_like (2,) or (n, 2)
        Ends of the interval, or of each variable; equal ones fix a variable.
    lipschitz : float or array_like (n,), optional
        M in the Euclidean norm, or bounds of the partial derivatives.
    gradient_lipschitz, hessian_lipschitz : float, optional
        K and H; H is for the spectral norm and needs grad and hessian.
    grad, hessian : callable, optional
        Derivatives, (n,) and (n, n) for a point. Without `grad`, if K is known, several variables
        take central differences, with their error in the bound.
    tol : float
        How far the result may be above the minimum.
    method : {"piyavskii", "branch_and_bound", "grid", "direct"}, optional
        Piyavskii's sawtooth is for one variable, and default there. The grid is there to be
        compared with; it needs `lipschitz`. DIRECT needs no constant, and is default without one:
        then nothing is certified, but `certified_up_to` says up to which M the result would be.
        With `lipschitz` it stops as soon as that is reached.
    f_error : float
        Absolute error of f.
    vectorized : bool, optional
        Whether f takes many points at once; by default that is tried.
    max_evaluations : int, optional
        By default 5,000 for direct, 10^9 for the grid, 5 million else.
    batch : int
        Cells to divide at a time, at most. The result does not depend on `threads`.
    polish : bool
        Whether to go down (L-BFGS-B) from each better point, for several variables.
    callback : callable, optional
        Gets a `GlobalProgress` from time to time; StopIteration from it ends the search.
    progress : bool
        Whether to show a bar.
    time_limit : float, optional
        Seconds; looked at between batches.
    threads : int, optional
        As many as are worth while by default.
    backend : {"cpp", "numpy"}
        Compiled kernels, or their mirror in NumPy.

    Returns
    -------
    GlobalResult
        Ctrl-C ends the search with the best point so far and its bound.

    Raises
    ------
    TypeError, ValueError
        For arguments that make no sense; if f is not finite somewhere in the box; without any
        constant, unless method is "direct" or None. What f raises goes through.

    Warns
    -----
    ConvergenceWarning
        A limit was reached before the gap was closed, or the samples refute a constant.

    Notes
    -----
    One variable: Piyavskii (1972); Shubert (1972), doi:10.1137/0709036; with curvatures Breiman and
    Cutler (1993), doi:10.1007/BF01581266. Divisions and DIRECT: Jones, Perttunen and Stuckman
    (1993), doi:10.1007/BF00941892.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> f = lambda x: np.sin(1.2 * x) + np.sin(3.5 * x)
    >>> found = minimand.minimize_lipschitz(f, (-3, 8), lipschitz=4.7, tol=1e-4)
    >>> found.certified, round(found.x, 2), round(found.fun, 3)
    (True, 3.22, -1.624)
    >>> found.evaluations < found.grid_points_equivalent / 500
    True
    """
    # Check
    f = as_quadratic(as_function("f", f))  # type: ignore[assignment]
    box, scalar = as_box("bounds", bounds)
    n = len(box)
    if isinstance(f, Quadratic) and (scalar or len(f.Q) != n):
        raise ValueError(f"bounds has shape {np.shape(bounds)}, expected ({len(f.Q)}, 2) as Q has")
    constants = as_constants(f, box, lipschitz, gradient_lipschitz, hessian_lipschitz, f_error)
    if grad is not None:
        as_function("grad", grad)
    if hessian is not None:
        as_function("hessian", hessian)
    tol = positive_float("tol", tol)
    if method is not None:
        one_of("method", method, METHODS)
    second = hessian is not None or isinstance(f, Quadratic)
    method = choose_method(method, constants, box, hessian=second)
    check_method(method, f, grad, hessian, constants, box)
    if tol <= 2.0 * constants.margin:
        raise ValueError(f"tol is {tol}, expected more than 2 f_error = {2.0 * constants.margin}")
    limit = MOST_EVALUATIONS[method]
    if max_evaluations is not None:
        limit = positive_int("max_evaluations", max_evaluations)
    batch = positive_int("batch", batch)
    boolean("polish", polish)
    boolean("progress", progress)
    if callback is not None:
        as_function("callback", callback)
    if time_limit is not None:
        time_limit = positive_float("time_limit", time_limit)
    workers = resolve_threads(threads)
    kernel = kernels("global_search", backend)

    # Convert
    smooth = method in ("piyavskii", "branch_and_bound")
    samples = Samples(
        f if smooth else partial(f),  # no more than a function, then
        grad if smooth else None,
        hessian if method == "branch_and_bound" else None,
        constants,
        box,
        scalar=scalar,
        vectorized=as_vectorized("vectorized", vectorized),
        differences=method == "branch_and_bound"
        and grad is None
        and not isinstance(f, Quadratic)
        and math.isfinite(constants.curvature),
        kernels=kernel,
        threads=workers,
    )
    search = make_search(
        method, samples, constants, kernel, tol=tol, batch=batch, limit=limit, polish=polish
    )
    check_tol(tol, search)

    # Drive
    outcome = _run(search, time_limit, callback, progress=progress)

    # Certify
    result = make_result(search, outcome, constants, method, tol, backend, scalar=scalar)
    warn(result)
    return result


def _run(
    search: Search,
    time_limit: float | None,
    callback: Callable[[GlobalProgress], object] | None,
    *,
    progress: bool,
) -> Outcome:
    start = time.perf_counter()
    try:
        return drive(
            search.advance,
            max_iterations=None,
            time_limit=time_limit,
            callback=callback,
            snapshot=lambda: GlobalProgress(
                x=search.best.x.copy(),
                fun=search.best.fun,
                lower_bound=search.lower_bound,
                evaluations=search.samples.evaluations,
            ),
            progress=progress,
            description="global search",
        )
    except KeyboardInterrupt:  # at once, even if f is slow
        search.undo()
        last = {"iteration": 0, "seconds": time.perf_counter() - start, **search.measures()}
        return Outcome(Status.INTERRUPTED, 0, (last,), time.perf_counter() - start)
