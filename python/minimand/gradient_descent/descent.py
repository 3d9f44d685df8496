"""The public function for gradient descent and its accelerated relatives."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minimand._common.arrays import (
    Floats,
    as_vector,
    boolean,
    nonnegative_float,
    one_of,
    positive_float,
    positive_int,
)
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.errors import ConvergenceWarning
from minimand._common.iterate import drive
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.derivatives.arguments import Function
from minimand.gradient_descent.certify import certified
from minimand.gradient_descent.evaluate import UserFunction, optional_float
from minimand.gradient_descent.objectives import LeastSquares, Objective
from minimand.gradient_descent.result import DescentResult
from minimand.gradient_descent.run import DataRun, GramRun, Run, first_guess, make_control
from minimand.gradient_descent.spectrum import DENSE, Curvature, curvature, gram
from minimand.reference.gradient_descent import loop

_VARIANTS = {"none": loop.GRADIENT, "heavy_ball": loop.HEAVY_BALL, "nesterov": loop.NESTEROV}
_KNOBS = {
    Status.MAX_ITERATIONS: "raise max_iterations, or try momentum='nesterov'",
    Status.TIME_LIMIT: "raise time_limit",
    Status.CONSTANT_REFUTED: "give at least the L of lipschitz_lower, or on_violation='increase'",
    Status.UNDEFINED: "start elsewhere, or give a smaller step",
    Status.NOISE_DOMINATES: "raise tol: the gradient is rounding",
    Status.NONSMOOTH: "gradient steps need a smooth function",
    Status.CYCLING: "give a smaller step, or less momentum",
    Status.DIVERGED: "give a smaller step, or none",
    Status.UNBOUNDED: "the objective has no minimum along this way",
}


def gradient_descent(
    f: Function | Objective,
    x0: object,
    *,
    grad: Function | None = None,
    lipschitz: float | None = None,
    step: float | str | None = None,
    momentum: str | None = None,
    strong_convexity: float | None = None,
    f_lower: float | None = None,
    tol: float = 1e-6,
    max_iterations: int = 10_000,
    restart: bool = True,
    on_violation: str = "stop",
    method: str = "auto",
    check: bool = True,
    path: bool = False,
    callback: Callable[[Any], object] | None = None,
    progress: bool = False,
    time_limit: float | None = None,
    backend: Backend = "cpp",
    threads: int | None = None,
) -> DescentResult:
    """Minimise a smooth function by gradient steps, and check on the way what they rest on.

    x_{t+1} = x_t - g_t/L with g_t = grad f(x_t). Where ||grad f(x) - grad f(y)|| <= L ||x - y||,
    every step lowers f by ||g_t||^2/2L at least, so min_t ||g_t|| <= sqrt(2 L (f_0 - f_N)/N)
    without f being convex. Each step holds its two points against L; what contradicts it ends the
    run with `Status.CONSTANT_REFUTED` and a lower bound of L.

    Parameters
    ----------
    f : callable or LeastSquares, Logistic, Quadratic
        f(x) -> number for x (p,). The three objectives run as compiled kernels, and their L is
        known.
    x0 : array_like (p,)
        The start.
    grad : callable, optional
        grad(x) -> (p,); by default differences (`gradient`), whose errors enter every test.
    lipschitz : float, optional
        L. Without it, and without a step, L is searched for in every step (backtracking).
    step : float or "backtracking", optional
        By default 1/L.
    momentum : {"heavy_ball", "nesterov"}, optional
        "heavy_ball" needs L and `strong_convexity`; its rate is proved for quadratics only.
    strong_convexity : float, optional
        mu with ||grad f(x)||^2 >= 2 mu (f(x) - min f). Nesterov's momentum uses it instead of
        its sequence.
    f_lower : float, optional
        A number below all values of f, for the guarantee in advance.
    tol : float
        The run ends where ||grad f(x)|| <= tol.
    max_iterations : int
        Limit of steps.
    restart : bool
        Whether Nesterov's momentum starts anew when it points uphill.
    on_violation : {"stop", "increase"}
        What happens when L is refuted; "increase" doubles it and goes on.
    method : {"auto", "data", "gram"}
        Of least squares: read the data at every step, or A'A once. "auto" decides by the sizes.
    check : bool
        Whether to compare `grad` with differences at x0.
    path : bool
        Whether to keep all points.
    callback : callable, optional
        Called as callback(x) between chunks of steps (each step, with `path`); StopIteration ends
        the run.
    progress : bool
        Whether to show a bar.
    time_limit : float, optional
        Seconds.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror. A function of the user's own is always driven
        by the mirror.
    threads : int, optional
        For the compiled kernels.

    Returns
    -------
    DescentResult

    Raises
    ------
    ValueError, TypeError
        Bad arguments; f or grad not finite at x0, of the wrong shape or complex; grad wrong.

    Notes
    -----
    A small gradient alone does not prove a minimum: see `classify_stationary_point`.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> result = minimand.gradient_descent(
    ...     lambda x: x[0] ** 2 + 3 * np.sin(x[0]) ** 2, [3.0], lipschitz=8.0
    ... )
    >>> result.status.name, result.iterations, bool(abs(result.x[0]) < 1e-6)
    ('CONVERGED', 10, True)
    """
    # Check and convert
    start = as_vector("x0", x0).copy()
    if not callable(f):
        raise wrong_type("f", f, "a function")
    if isinstance(f, Objective):
        if len(start) != f.dimension:
            raise ValueError(f"x0 has {len(start)} entries but f has {f.dimension} variables")
        if grad is not None:
            raise ValueError("grad is given, but the objective has its own gradient; leave it out")
    L = optional_float("lipschitz", lipschitz, positive_float)
    mu = optional_float("strong_convexity", strong_convexity, nonnegative_float) or 0.0
    if L is not None and mu > L:
        raise ValueError(f"strong_convexity is {mu}, above lipschitz = {L}; expected at most that")
    lower = None if f_lower is None else float(as_vector("f_lower", [f_lower])[0])
    variant = "none" if momentum is None else one_of("momentum", momentum, tuple(_VARIANTS))
    way = one_of("method", method, ("auto", "data", "gram"))
    increase = one_of("on_violation", on_violation, ("stop", "increase")) == "increase"
    tolerance, most = positive_float("tol", tol), positive_int("max_iterations", max_iterations)
    seconds = optional_float("time_limit", time_limit, positive_float)
    flags = {"restart": restart, "check": check, "path": path, "progress": progress}
    for name, value in flags.items():
        boolean(name, value)
    kernels("gradient_descent", backend)
    team = resolve_threads(threads)
    rule, given = _step_rule(step)

    # What is known of the objective
    known: Curvature | None = None
    if isinstance(f, Objective) and L is None and rule != "backtracking":
        known = curvature(f, backend, team)
        L = known.upper if known.upper > 0.0 else 1.0
        mu = mu or known.strong
    if rule == "1/L" and L is None:
        rule = "backtracking"
    if variant == "heavy_ball" and (L is None or mu == 0.0 or rule == "backtracking"):
        raise ValueError("momentum is 'heavy_ball', which needs lipschitz and strong_convexity > 0")

    # Drive
    alpha, beta = _momentum(variant, L, mu, given, explicit=strong_convexity is not None)
    control = make_control(
        momentum=beta,
        tol=tolerance,
        backtracking=rule == "backtracking",
        restart=restart and beta < 0.0,
        claimed=L is not None and rule != "backtracking",
    )
    options: dict[str, Any] = {
        "variant": _VARIANTS[variant],
        "control": control,
        "lipschitz": 1.0 / alpha if L is None else L,
        "step": alpha,
        "increase": increase,
        "path": path,
    }
    run: Run
    if isinstance(f, Objective):
        hessian = _hessian(f, way, known, most, backend, team)
        if hessian is None:
            run = DataRun(f, start, backend, team, **options)
        else:
            assert isinstance(f, LeastSquares)
            run = GramRun(f, start, hessian, backend, team, **options)
    else:
        function = UserFunction(f, grad, start)
        if check:
            function.check(start)
        run = Run(function, start, **options)
    if rule == "backtracking":
        guess = first_guess(run)
        run.set_constant(guess, 1.0 / guess)
    outcome = drive(
        run.advance,
        max_iterations=most,
        time_limit=seconds,
        callback=callback,
        snapshot=lambda: run.position.copy(),
        progress=progress,
        description="gradient descent",
    )

    # Certify and return
    result = certified(
        run, outcome, lipschitz=L, strong_convexity=mu, f_lower=lower, momentum=variant,
        step_rule=rule, x0=start, backend=str(backend),
    )  # fmt: skip
    _warn(result)
    return result


def _step_rule(step: object) -> tuple[str, float | None]:
    """Return how steps are chosen, and the step that was given."""
    if step is None:
        return "1/L", None
    if isinstance(step, str):
        if step != "backtracking":
            raise ValueError(
                f"step is {step!r}, expected a positive number, 'backtracking' or None"
            )
        return step, None
    return "given", positive_float("step", step)


def _momentum(
    variant: str, L: float | None, mu: float, step: float | None, *, explicit: bool
) -> tuple[float, float]:
    """Return the step and the momentum; a negative one stands for Nesterov's sequence."""
    alpha = step if step is not None else 1.0 if L is None else 1.0 / L
    if variant == "heavy_ball":
        assert L is not None
        fast, slow = math.sqrt(L), math.sqrt(mu)
        alpha = 4.0 / (fast + slow) ** 2 if step is None else step
        return alpha, ((fast - slow) / (fast + slow)) ** 2
    if variant == "nesterov" and explicit and mu > 0.0:
        q = math.sqrt(min(mu * alpha, 1.0))
        return alpha, (1.0 - q) / (1.0 + q)
    return alpha, -1.0 if variant == "nesterov" else 0.0


def _hessian(
    f: Objective, method: str, known: Curvature | None, steps: int, backend: str, threads: int
) -> Floats | None:
    """Return A'A (with the ridge) where steps are to be made from it.

    It costs as much as some p/8 readings of the data by one step each. A chosen step that is none
    of that is not second-guessed.
    """
    if not isinstance(f, LeastSquares):
        if method == "gram":
            raise ValueError("method is 'gram', which is for least squares only")
        return None
    n, p = f.A.shape
    there = known is not None and known.hessian is not None
    pays = n >= 4 * p and p <= DENSE and steps >= 50 and (there or steps >= p)
    if method == "data" or (method == "auto" and not pays):
        return None
    if known is not None and known.hessian is not None:
        return known.hessian
    H = f.scale * gram(f.A, backend, threads)
    H[np.diag_indices_from(H)] += f.l2
    return H


def _warn(result: DescentResult) -> None:
    """Say what to do where the run did not converge."""
    if result.status.ok or result.status is Status.STOPPED_BY_CALLBACK:
        return
    text = f"gradient_descent: {result.status.value} ||g|| is {result.gradient_norm:.3g}"
    text += f" after {result.iterations} steps; the rate is {result.rate}."
    if result.status is Status.CONSTANT_REFUTED:
        text += f" L is {result.lipschitz:.6g}, but at least {result.lipschitz_lower:.6g}."
    left = result.rate.steps_to(result.tol / result.gradient_norm, result.iterations)
    if result.status in (Status.MAX_ITERATIONS, Status.TIME_LIMIT) and math.isfinite(left):
        text += f" At this rate tol = {result.tol:.3g} is {left:.3g} steps away."
    text += f" To mend it, {_KNOBS[result.status]}."
    warnings.warn(text, ConvergenceWarning, stacklevel=3)
