"""What `newton` returns, and what it proves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, as_vector
from minimand._common.result import Certificate, Result, Status
from minimand.derivatives.given import hessian_of as hessian_by_differences
from minimand.gradient_descent.evaluate import pointwise
from minimand.gradient_descent.objectives import Objective
from minimand.gradient_descent.rate import Rate, convergence_rate
from minimand.gradient_descent.verification import apart, record

_LAST = 7  # decrements, from which the rate is told


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NewtonResult(Result):
    """The last point of Newton's method, the way to it, and what can be proved there.

    Attributes
    ----------
    x : ndarray (p,)
    fun, gradient_norm : float
        f(x), ||grad f(x)||.
    gradient : ndarray (p,)
    hessian : ndarray (p, p)
        At x.
    values, gradient_norms : ndarray (N + 1,)
        Of all points.
    steps, shifts : ndarray (N,)
        x_{t+1} = x_t - step (H + shift I)^-1 g; 1 and 0 are Newton's own step.
    rate : Rate
        Of the last decrements; gradient norms rise and fall on the way there.
    decrements : ndarray (N + 1,)
        sqrt(g'(H + shift I)^-1 g) at all points; at x NaN unless H is positive definite.
    gap_bound : float or None
        f(x) is at most that far above the minimum, by `strong_convexity` or `self_concordant`.
    radius : float or None
        A stationary point lies within it around x (Kantorovich), by `lipschitz_hessian`.
    x0 : ndarray (p,)
    tol, strong_convexity, lipschitz_hessian, self_concordant
        As given.
    evaluations : int
        Points at which f and its gradient were computed.
    """

    x: Floats
    fun: float
    gradient: Floats
    gradient_norm: float
    hessian: Floats
    values: Floats
    gradient_norms: Floats
    steps: Floats
    shifts: Floats
    rate: Rate
    decrements: Floats
    gap_bound: float | None
    radius: float | None
    x0: Floats
    tol: float
    strong_convexity: float
    lipschitz_hessian: float | None
    self_concordant: bool
    evaluations: int

    def verify(
        self, f: Any, x0: object, *, grad: Any = None, hess: Any = None
    ) -> tuple[Certificate, ...]:
        """Make all steps again in plain NumPy, and recompute the bounds at x.

        Raises
        ------
        CertificateError
            When a point, a value or a bound is not what f shows.
        """
        return Result.verify(self, f, x0, grad=grad, hess=hess)

    def _recompute(self, f: Any, x0: object, *, grad: Any, hess: Any) -> tuple[Certificate, ...]:
        start = as_vector("x0", x0)
        function = pointwise(f, grad, start)
        hessian = hessian_of(f, grad, hess)
        x, gradient = start.copy(), np.empty_like(start)
        values, norms = [function(x, gradient)], [float(np.linalg.norm(gradient))]
        decrements = []
        for step, shift in zip(self.steps, self.shifts, strict=True):
            H = hessian(x) + shift * np.eye(len(x))
            d = np.linalg.solve(H, gradient)
            decrements.append(math.sqrt(max(float(d @ gradient), 0.0)))
            x = x - step * d
            values.append(function(x, gradient))
            norms.append(float(np.linalg.norm(gradient)))
        H = hessian(x)
        found = proved(self, H, gradient)
        size = max(norms)
        pairs = (
            (self.x0, start, 0.0),
            (self.x, x, np.abs(x).max() + np.abs(start).max()),
            (self.values, np.array(values), max(map(abs, values))),
            (self.gradient_norms, np.array(norms), size),
            (self.gradient, gradient, size),
            (self.decrements[:-1], np.array(decrements), max(decrements, default=0.0)),
            (self.hessian, H, np.abs(H).max()),
            (self.fun, values[-1], max(map(abs, values))),
            (self.gradient_norm, norms[-1], size),
        )
        worst = max(apart(*pair) for pair in pairs)
        last, again = float(self.decrements[-1]), found.decrement
        if math.isnan(last) != math.isnan(again):
            worst = math.inf
        elif not math.isnan(last):
            worst = max(worst, apart(last, again, max([again, *decrements])))
        if str(self.rate) != str(rate_of(self.decrements)):
            worst = math.inf
        error = function.rounding(values[-1], x, gradient)[1]
        return (*certificates(self.status, norms[-1], self.tol, error, found), record(worst))


@dataclass(frozen=True, slots=True)
class Proved:
    """Decrement, bounds of the gap and of the distance, Kantorovich's number."""

    decrement: float
    gap: float | None
    radius: float | None
    kantorovich: float | None


def proved(options: Any, H: Floats, g: Floats) -> Proved:
    """Return what gradient and Hessian prove, from `options` as a NewtonResult has them."""
    values, vectors = np.linalg.eigh(0.5 * (H + H.T))
    along = vectors.T @ g
    least = float(values[0]) - len(g) * 2.0**-52 * float(np.abs(values).max())
    decrement = float(np.sqrt(np.sum(along**2 / values))) if least > 0.0 else math.nan
    mu, M = options.strong_convexity, options.lipschitz_hessian
    gaps = [] if mu == 0.0 else [float(g @ g) / (2.0 * mu)]
    if options.self_concordant and decrement < 1.0:
        gaps.append(-decrement - math.log1p(-decrement))
    radius = number = None
    if M is not None:
        length = float(np.linalg.norm(along / values)) if least > 0.0 else math.inf
        number = M * length / least if least > 0.0 else math.inf
        if number <= 0.5:
            # (1 - sqrt(1 - 2h))/(beta M), without its cancellation
            radius = 2.0 * length / (1.0 + math.sqrt(1.0 - 2.0 * number))
    return Proved(decrement, min(gaps, default=None), radius, number)


def certificates(
    status: Status, norm: float, tol: float, error: float, found: Proved
) -> tuple[Certificate, ...]:
    """Return the certificates of the last point."""
    bound = tol if status.ok else math.inf
    text = "||grad f(x)||, at most tol where the run converged"
    kept = [Certificate("gradient norm", norm, bound, text, 4.0 * error)]
    if found.radius is not None and found.kantorovich is not None:
        text = "||H^-1|| M ||H^-1 g||; up to 1/2 a stationary point lies within `radius`"
        kept.append(Certificate("Kantorovich", found.kantorovich, 0.5, text, 1e-6))
    return tuple(kept)


def hessian_of(f: Any, grad: Any, hess: Any) -> Any:
    """Return x -> Hessian of what the user gave."""
    if isinstance(f, Objective):
        return f.hess
    if hess is None:
        shared = {"vectorized": None, "args": (), "backend": "cpp"}
        return lambda x: hessian_by_differences(f, grad, None, x, shared)[0]

    def checked(x: Floats) -> Floats:
        H = np.asarray(hess(x.copy()))
        if H.dtype.kind not in "biuf":
            raise TypeError(f"hess returned dtype {H.dtype}, expected real numbers")
        if H.shape != (len(x), len(x)) and H.size != len(x) ** 2:
            raise ValueError(f"hess returned shape {H.shape}, expected {(len(x), len(x))}")
        H = H.reshape(len(x), len(x)).astype(np.float64)
        return np.asarray(0.5 * (H + H.T))

    return checked


def rate_of(decrements: Floats) -> Rate:
    """Return the rate of the last steps."""
    known = decrements[np.isfinite(decrements)]
    floor = 1e-14 * float(known.max(initial=0.0))
    return convergence_rate(np.append(known[-_LAST:], 0.0), floor=floor)
