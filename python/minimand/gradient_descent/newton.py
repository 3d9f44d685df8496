"""The public function for Newton's method."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from minimand._common.arrays import (
    Floats,
    as_vector,
    boolean,
    nonnegative_float,
    positive_float,
    positive_int,
)
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.errors import ConvergenceWarning, DerivativeWarning
from minimand._common.iterate import Advance, drive, interruptible
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.derivatives.arguments import Function
from minimand.gradient_descent.evaluate import BuiltIn, UserFunction, optional_float
from minimand.gradient_descent.newton_result import (
    NewtonResult,
    certificates,
    hessian_of,
    proved,
    rate_of,
)
from minimand.gradient_descent.objectives import Objective
from minimand.gradient_descent.verification import record

_ARMIJO, _HALVINGS = 1e-4, 60
_SHIFT = 1e-3  # of the largest diagonal entry of a Hessian that is not positive definite
_LOST = 0.5  # relative error of a gradient that is no direction any more
_FAR = 1e20


def newton(
    f: Function | Objective,
    x0: object,
    *,
    grad: Function | None = None,
    hess: Function | None = None,
    lipschitz_hessian: float | None = None,
    strong_convexity: float | None = None,
    self_concordant: bool = False,
    tol: float = 1e-8,
    max_iterations: int = 100,
    check: bool = True,
    callback: Callable[[Any], object] | None = None,
    time_limit: float | None = None,
    backend: Backend = "cpp",
    threads: int | None = None,
) -> NewtonResult:
    """Minimise a smooth function by Newton's method with damping; a quadratic takes one step.

    x_{t+1} = x_t - s (H + mu I)^-1 g. mu is 0 where H is positive definite, else large enough to
    make it so: maxima and saddle points repel. s is halved from 1 until f falls by 1e-4 of what
    the slope promises (Armijo).

    Parameters
    ----------
    f : callable or LeastSquares, Logistic, Quadratic
        f(x) -> number for x (p,), p up to a few thousand.
    x0 : array_like (p,)
        The start.
    grad, hess : callable, optional
        grad(x) -> (p,), hess(x) -> (p, p); by default differences.
    lipschitz_hessian : float, optional
        M with ||H(x) - H(y)|| <= M ||x - y||, for a ball that holds a stationary point
        (Kantorovich's theorem).
    strong_convexity : float, optional
        mu, for f(x) - min f <= ||g||^2/2 mu.
    self_concordant : bool
        f is self-concordant: f(x) - min f <= -d - log(1 - d) with the decrement d < 1.
    tol : float
        The run ends where ||grad f(x)|| <= tol.
    max_iterations : int
        Limit of steps.
    check : bool
        Whether to compare `grad` with differences at x0.
    callback : callable, optional
        Called as callback(x) after each step; StopIteration ends the run.
    time_limit : float, optional
        Seconds.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.
    threads : int, optional
        For the compiled kernels.

    Returns
    -------
    NewtonResult

    Raises
    ------
    ValueError, TypeError
        Bad arguments; f, grad or hess not finite at x0, of the wrong shape or complex.

    Examples
    --------
    >>> import minimand
    >>> from minimand.problems.functions import rosenbrock
    >>> f = rosenbrock()
    >>> result = minimand.newton(f, [-1.2, 1.0], grad=f.grad, hess=f.hess)
    >>> result.x.round(8), result.rate.kind
    (array([1., 1.]), 'quadratic')
    """
    # Check and convert
    start = as_vector("x0", x0).copy()
    if not callable(f):
        raise wrong_type("f", f, "a function")
    if isinstance(f, Objective) and len(start) != f.dimension:
        raise ValueError(f"x0 has {len(start)} entries but f has {f.dimension} variables")
    M = (
        None
        if lipschitz_hessian is None
        else positive_float("lipschitz_hessian", lipschitz_hessian)
    )
    mu = optional_float("strong_convexity", strong_convexity, nonnegative_float) or 0.0
    concordant, checked = boolean("self_concordant", self_concordant), boolean("check", check)
    tolerance, most = positive_float("tol", tol), positive_int("max_iterations", max_iterations)
    seconds = optional_float("time_limit", time_limit, positive_float)
    factors, team = kernels("least_squares", backend), resolve_threads(threads)
    function: UserFunction | BuiltIn
    if isinstance(f, Objective):
        function = BuiltIn(f)
    else:
        function = UserFunction(f, grad, start)
        if checked:
            function.check(start)

    # Drive
    run = _Newton(function, hessian_of(f, grad, hess), start, tolerance, factors, team)
    outcome = drive(
        run.advance,
        max_iterations=most,
        time_limit=seconds,
        callback=callback,
        snapshot=lambda: run.x.copy(),
    )

    # Certify and return
    norms = np.array(run.norms)
    status = outcome.status
    if status is Status.MAX_ITERATIONS and norms[-1] <= tolerance:
        status = Status.CONVERGED
    options = _Options(M, mu, concordant)
    found = proved(options, run.H, run.g)
    error = function.rounding(run.fun, run.x, run.g)[1]
    result = NewtonResult(
        status=status,
        iterations=outcome.iterations,
        history=outcome.history,
        seconds=outcome.seconds,
        backend=str(backend),
        certificates=(
            *certificates(status, float(norms[-1]), tolerance, error, found),
            record(0.0),
        ),
        x=run.x.copy(),
        fun=run.fun,
        gradient=run.g.copy(),
        gradient_norm=float(norms[-1]),
        hessian=run.H.copy(),
        values=np.array(run.values),
        gradient_norms=norms,
        steps=np.array(run.steps),
        shifts=np.array(run.shifts),
        rate=rate_of(np.array([*run.decrements, found.decrement])),
        decrements=np.array([*run.decrements, found.decrement]),
        gap_bound=found.gap,
        radius=found.radius,
        x0=start,
        tol=tolerance,
        strong_convexity=mu,
        lipschitz_hessian=M,
        self_concordant=concordant,
        evaluations=run.evaluations,
    )
    if not status.ok and status is not Status.STOPPED_BY_CALLBACK:
        text = f"newton: {status.value} ||g|| is {result.gradient_norm:.3g}"
        text += f" after {result.iterations} steps; raise max_iterations or tol, or start anew."
        warnings.warn(text, ConvergenceWarning, stacklevel=2)
    return result


class _Options:
    """What `proved` asks for."""

    def __init__(self, M: float | None, mu: float, self_concordant: bool) -> None:
        self.lipschitz_hessian, self.strong_convexity = M, mu
        self.self_concordant = self_concordant


class _Newton:
    """The state of a run."""

    def __init__(
        self, function: Any, hessian: Any, x0: Floats, tol: float, factors: ModuleType, threads: int
    ) -> None:
        self._function, self._hessian_at, self._tol = function, hessian, tol
        self._factors, self._threads = factors, threads
        self.x, self.g = x0.copy(), np.empty_like(x0)
        self.evaluations = 0
        self.fun = self._evaluate(self.x, self.g)
        self.H = self._hessian()
        if not (
            math.isfinite(self.fun) and np.isfinite(self.g).all() and np.isfinite(self.H).all()
        ):
            raise ValueError(
                f"f is {self.fun} at x0, or a derivative is not finite; expected finite"
            )
        self.values, self.norms = [self.fun], [float(np.linalg.norm(self.g))]
        self.steps: list[float] = []
        self.shifts: list[float] = []
        self.decrements: list[float] = []

    def advance(self, _count: int) -> Advance:
        """Do one step."""
        status = self._step()
        measures = {"fun": self.fun, "gradient_norm": self.norms[-1]}
        return Advance(0 if status else 1, measures, status)

    def _step(self) -> Status | None:
        norm = self.norms[-1]
        if norm <= self._tol:
            return Status.CONVERGED
        error, gradient_error = self._function.rounding(self.fun, self.x, self.g)
        if gradient_error > _LOST * norm:
            return Status.NOISE_DOMINATES
        d, shift = self._direction()
        slope, step = float(self.g @ d), 1.0
        new = np.empty_like(self.g)
        for _ in range(_HALVINGS):
            x = self.x + step * d
            fun = self._evaluate(x, new) if np.isfinite(x).all() else math.nan
            if math.isfinite(fun) and np.isfinite(new).all():
                # Near the minimum f does not tell; there a smaller gradient does.
                noise = error + self._function.rounding(fun, x, new)[0]
                told = abs(step * slope) > noise
                if fun <= self.fun + _ARMIJO * step * slope + (0.0 if told else noise):
                    break
            step *= 0.5
        else:
            return Status.NOISE_DOMINATES
        if fun < -_FAR * max(1.0, abs(self.values[0])) or np.linalg.norm(x) > _FAR:
            return Status.UNBOUNDED
        if not told and np.linalg.norm(new) >= norm:
            return Status.NOISE_DOMINATES
        self.x, self.fun = x, fun
        self.g[:] = new
        self.H = self._hessian()
        if not np.isfinite(self.H).all():
            return Status.UNDEFINED
        self.values.append(fun)
        self.norms.append(float(np.linalg.norm(new)))
        self.steps.append(step)
        self.shifts.append(shift)
        self.decrements.append(math.sqrt(max(-slope, 0.0)))
        return None

    def _direction(self) -> tuple[Floats, float]:
        """Return -(H + mu I)^-1 g, with the first mu = 0, c, 2c, 4c, ... for which that is one."""
        p = len(self.x)
        shift, scale = 0.0, float(np.abs(np.diag(self.H)).max())
        least = _SHIFT * (scale or float(np.abs(self.H).max()) or float(np.linalg.norm(self.g)))
        while True:
            L = self.H + shift * np.eye(p)
            failed = interruptible(p**3 / 3, self._factors.cholesky_factor, L, self._threads)
            if not failed:
                d = -self.g[:, np.newaxis].copy()
                self._factors.solve_triangular(L, d, True, False, self._threads)
                self._factors.solve_triangular(L, d, True, True, self._threads)
                if np.isfinite(d).all():
                    return d[:, 0].copy(), shift
            shift = max(2.0 * shift, least)

    def _evaluate(self, x: Floats, out: Floats) -> float:
        self.evaluations += 1
        with np.errstate(all="ignore"):
            return float(self._function(x, out))

    def _hessian(self) -> Floats:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", DerivativeWarning)
            return np.ascontiguousarray(self._hessian_at(self.x))
