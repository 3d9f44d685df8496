"""What `gradient_descent` returns, and what it proves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.result import Certificate, Result, Status
from minimand.gradient_descent.rate import Rate
from minimand.reference.gradient_descent.loop import EPS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DescentResult(Result):
    """The last point of a descent, the way to it, and how both compare to theory.

    Attributes
    ----------
    x : ndarray (p,)
        The last point at which f was evaluated (with Nesterov's momentum the extrapolated one).
    fun : float
        f(x).
    gradient : ndarray (p,)
        At x.
    gradient_norm, best_gradient_norm : float
        Of the last point, and the least of all before it.
    values, gradient_norms : ndarray (N + 1,)
        f and ||grad f|| at x_0, ..., x_N.
    steps, momenta : ndarray (N,)
        With which x_{t+1} was made.
    path : ndarray (N + 1, p) or None
        All points, with `path=True`.
    rate : Rate
        Of the gradient norms, as measured.
    lipschitz : float or None
        L that was given or computed; None where it was searched for or does not matter.
    lipschitz_lower : float
        No L below this is valid: the largest curvature between two points of the run.
    strong_convexity : float
        mu that was given or computed, 0 if none.
    gap_bound : float or None
        ||grad f(x)||^2/(2 mu): f(x) is at most that far above the minimum.
    guarantee : float or None
        What theory promises of `best_gradient_norm`: sqrt(2 L (f_0 - f_N)/N), for gradient steps.
    slack : float
        Sum of what rounding may have added to f, over all steps.
    violation : ndarray (2, p) or None
        Two points that refute L.
    x0 : ndarray (p,)
        The start.
    momentum, step_rule, method : str
        How steps were made: "none", "heavy_ball", "nesterov"; "1/L", "given", "backtracking";
        "data", "gram", "function".
    tol, f_lower
        As given.
    evaluations : int
        Points at which f and its gradient were computed.
    """

    x: Floats
    fun: float
    gradient: Floats
    gradient_norm: float
    best_gradient_norm: float
    values: Floats
    gradient_norms: Floats
    steps: Floats
    momenta: Floats
    path: Floats | None
    rate: Rate
    lipschitz: float | None
    lipschitz_lower: float
    strong_convexity: float
    gap_bound: float | None
    guarantee: float | None
    slack: float
    violation: Floats | None
    x0: Floats
    momentum: str
    step_rule: str
    method: str
    tol: float
    f_lower: float | None
    evaluations: int

    @property
    def guarantees(self) -> Floats | None:
        """The guarantee after 1, 2, ..., N steps, to be plotted beside the gradient norms."""
        weights = step_weights(self.steps, self.lipschitz, self.step_rule, self.momentum)
        if weights is None:
            return None
        fall = self.values[0] - self.values[1:] + self.slack
        return np.asarray(np.sqrt(np.maximum(fall, 0.0) / np.cumsum(weights)))

    def verify(self, f: Any, x0: object, *, grad: Any = None) -> tuple[Certificate, ...]:
        """Walk the whole way again in plain NumPy, and recompute every certificate.

        Parameters
        ----------
        f, x0, grad
            As they were given.

        Raises
        ------
        CertificateError
            When a point, a value or a bound is not what f shows.
        """
        return Result.verify(self, f, x0, grad=grad)

    def _recompute(self, f: Any, x0: object, *, grad: Any) -> tuple[Certificate, ...]:
        from minimand.gradient_descent.verification import recompute

        return recompute(self, f, x0, grad)


def step_weights(steps: Floats, lipschitz: float | None, rule: str, momentum: str) -> Floats | None:
    """Return w_t with f_t - f_{t+1} >= w_t ||g_t||^2, which the descent lemma proves, or None."""
    if momentum != "none" or len(steps) == 0:
        return None
    if rule == "backtracking":
        return 0.5 * steps
    if lipschitz is None or not (lipschitz * steps < 2.0).all():
        return None
    return np.asarray(steps * (1.0 - 0.5 * lipschitz * steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the certificates are made of; the solver measures it once, `verify` again."""

    status: Status
    values: Floats
    norms: Floats
    steps: Floats
    error: float  # of the last gradient
    slack: float
    lower: float
    lipschitz: float | None
    strong_convexity: float
    f_lower: float | None
    tol: float
    step_rule: str
    momentum: str
    reach: float  # ||x_0||

    @property
    def guarantee(self) -> float | None:
        """What is proved of the least gradient norm."""
        return self._guarantee(float(self.values[-1]))

    def _guarantee(self, end: float) -> float | None:
        weights = step_weights(self.steps, self.lipschitz, self.step_rule, self.momentum)
        if weights is None or self.status is Status.CONSTANT_REFUTED:
            return None
        fall = max(float(self.values[0]) - end + self.slack, 0.0)
        return math.sqrt(fall / float(weights.sum()))

    def certificates(self) -> tuple[Certificate, ...]:
        """Return what holds of the run."""
        return tuple(
            Certificate(*entry)
            for entry in (self._stationary(), self._constant(), *self._best(), *self._convex())
            if entry is not None
        )

    def _stationary(self) -> tuple[Any, ...]:
        bound = self.tol if self.status.ok else math.inf
        text = "||grad f(x)||, at most tol where the run converged"
        return "gradient norm", float(self.norms[-1]), bound, text, 4.0 * self.error

    def _constant(self) -> tuple[Any, ...] | None:
        if self.lipschitz is None or (len(self.steps) == 0 and not self.refuted):
            return None
        if self.refuted:
            text = "L in units of what two points of the run need at least"
            return "refuted constant", self.lipschitz / self.lower, 1.0, text, 1e-6
        text = "largest curvature between two points of the run, beyond rounding; at most L"
        return "curvature", self.lower, self.lipschitz, text, 1e-6 * self.lipschitz

    def _best(self) -> list[tuple[Any, ...]]:
        found = []
        best = float(self.norms[:-1].min()) if len(self.steps) else math.nan
        for name, end in (("best gradient", self.values[-1]), ("a priori", self.f_lower)):
            bound = None if end is None else self._guarantee(float(end))
            if bound is not None:
                text = "least gradient norm; gradient steps promise the bound"
                resolution = 1e-6 * best + 4.0 * self.error
                found.append((name, best, bound * (1.0 + 1e-12), text, resolution))
        if self.f_lower is not None:
            end = float(self.values.min())
            text = "f_lower minus the least value of the run"
            found.append(("f_lower", self.f_lower - end, self.slack, text, 1e-6 * abs(end)))
        return found

    def _convex(self) -> list[tuple[Any, ...]]:
        mu, L = self.strong_convexity, self.lipschitz
        if mu == 0.0:
            return []
        # f_t - f* <= ||g_t||^2/2mu, for all t; f* is at most the least value.
        fall = np.maximum(self.values - self.values.min() - self.slack - self._spread, 0.0)
        squares = (self.norms + self.error) ** 2
        ratio = np.divide(2.0 * mu * fall, squares, out=np.zeros_like(fall), where=fall > 0.0)
        text = "2 mu (f_t - f_N)/||g_t||^2, at most 1 where mu is right"
        found = [("strong convexity", float(ratio.max()), 1.0, text, 1e-5)]
        if L is not None and self.step_rule == "1/L" and self.momentum == "none" and mu <= L:
            decay = math.exp(0.5 * len(self.steps) * math.log1p(-mu / L)) if mu < L else 0.0
            bound = math.sqrt(L / mu) * decay * float(self.norms[0]) * (1.0 + 1e-6) + self.error
            # x_{t+1} is rounded by the size of x_t, which is at most that of all that was walked.
            bound += 4.0 * EPS * (L * self.reach + float(self.norms.sum()))
            text = "last gradient norm; at most sqrt(L/mu) (1 - mu/L)^(N/2) ||g_0||"
            found.append(("linear rate", float(self.norms[-1]), bound, text, 4.0 * self.error))
        return found

    @property
    def _spread(self) -> float:
        """Rounding of the largest value, which the others are compared with."""
        return 1e-15 * float(np.abs(self.values).max())

    @property
    def refuted(self) -> bool:
        """Whether two points of the run contradict L."""
        return self.status is Status.CONSTANT_REFUTED
