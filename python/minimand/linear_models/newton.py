"""Damped Newton for logistic and Poisson models, with a start on a sample of the rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import Advance, Outcome, drive
from minimand._common.random import as_key, uniform
from minimand._common.result import Status
from minimand.linear_models.glm import DualPoint, Glm, Point
from minimand.linear_models.newton_system import Solver, Triangle, qr_step

_ARMIJO = 1e-4
_HALVINGS = 60
_NOISE = 1e-13  # relative rounding of an objective summed over blocks
_EXISTENCE = 0.5  # a dual point with |t| <= 1/2 lies strictly inside its domain
_STEP = 1e-6  # the last step moves no linear predictor by more
_SMALL_STEP = 1e-4  # root mean square of t of a step that may be the last
_TIGHT = 1e-11  # the same for small problems
FEASIBLE = 1e-10  # |Z'W(y - q)| relative to sum w |z|
_CONDITION = 1e-10  # reciprocal condition of the equilibrated Hessian below which QR takes over
_SPREAD = 6.0  # of many numbers the largest is beyond so many times their root mean square
_SMALL = 2e6  # entries of X up to which an exact Hessian in each step costs nothing
_NEAR = 2e-3  # root mean square of t up to which a Hessian is good for three digits a step
_CHORD = 0.1  # the least progress (of the decrement) with a Hessian from elsewhere
_SAMPLES = (200, 1000)  # rows per parameter of the start
_SAMPLE_FROM = 4  # times the larger sample: fewer rows need no sampled start
_SAMPLE_STEPS = 12
_ROUGH = 0.1  # decrement per parameter; the sample itself is off by 1
_SATURATED = 30.0  # |eta| at which a sample is likely to be separated
_FLOOR, _STALLED = 1e-8, 0.25  # decrements (of tol, of the one before) that rounding explains
_SLOW = (0.33, 0.40)  # a separated likelihood loses a factor e per step
_SLOW_STEPS = 8


@dataclass(slots=True, eq=False)
class Newton:
    """The state of a run on one problem.

    suspect: the step d at which separation showed, if it did. dual: the dual point that proves the
    answer. settled: whether a step was taken as the last one.
    """

    problem: Glm
    tol: float
    point: Point
    solver: Solver | Triangle | None = None
    dual: DualPoint | None = None
    suspect: Floats | None = None
    ignore_suspicion: bool = False
    decrement: float = np.inf
    slow: int = 0
    extra: int = 0
    sampled: bool = False
    settled: bool = False
    drift: float = 0.0  # root mean square of the change of eta since the Hessian
    decrements: list[float] = field(default_factory=list)

    def advance(self, _count: int) -> Advance:
        """Do one step, or stop where the answer is certified or the classes are separated."""
        problem, point = self.problem, self.point
        if point.margin > 0 and not problem.penalty.any():
            self.suspect = point.theta
            return Advance(0, self._measures(), Status.UNBOUNDED)
        d = self.direction()
        previous, self.decrement = self.decrement, float(d @ point.gradient)
        self.decrements.append(self.decrement)
        ratio = self.decrement / previous if previous > 0 else 0.0
        if ratio > _CHORD and self.drift > 0.0:  # the old Hessian has done its duty
            self._refresh()
            d = self.direction()
            self.decrement = float(d @ self.point.gradient)
            point = self.point
        self.slow = self.slow + 1 if _SLOW[0] <= ratio <= _SLOW[1] else 0
        size = 1.0 + abs(point.objective)
        half = 0.5 * self.decrement
        if self._separating(half, ratio, size):
            t = float(np.abs(problem.products(d)).max())
            if t > _EXISTENCE:
                self.suspect = d
                return Advance(0, self._measures(), Status.UNBOUNDED)
        if half <= self.tol * size and self._last_step():
            return self._settle(d)
        if half <= self.tol * size and self._worth_certifying():
            dual = self.certify(d)
            if dual.largest <= _STEP and _feasible(problem, dual):
                self.dual = dual
                if problem.X.size <= _SMALL and dual.largest > _TIGHT and self.extra < 2:
                    self.extra += 1  # to the last digits, where that costs nothing
                    if self.search(d):
                        return Advance(1, self._measures())
                return Advance(0, self._measures(), Status.CONVERGED)
            if dual.largest > _EXISTENCE and not self.ignore_suspicion and self._penalty_free():
                self.suspect = d
                return Advance(0, self._measures(), Status.UNBOUNDED)
            floor = half <= _FLOOR * self.tol * size and len(self.decrements) > 3
            if floor or ratio > _STALLED:
                self.dual = dual  # rounding: no step can do better
                if dual.largest <= _EXISTENCE and _feasible(problem, dual):
                    return Advance(0, self._measures(), Status.CONVERGED)
                if floor:
                    return Advance(0, self._measures(), Status.NOT_CERTIFIED)
        if not self.search(d):
            self.dual = self.certify(d)
            good = self.dual.largest <= _EXISTENCE and _feasible(problem, self.dual)
            status = Status.CONVERGED if good else Status.NOT_CERTIFIED
            return Advance(0, self._measures(), status)
        return Advance(1, self._measures())

    def _worth_certifying(self) -> bool:
        """Whether the step is exact enough for a dual point; else one more step is as cheap."""
        if self.drift == 0.0:
            return True
        weight = self.problem.total_weight
        if _SPREAD * np.sqrt(max(self.decrement, 0.0) / weight) > _STEP:
            return False
        error = self.drift * float(np.abs(self.point.gradient).max())
        return error <= 0.01 * FEASIBLE * weight

    def _last_step(self) -> bool:
        """Whether a step with the Hessian at hand leaves nothing that the certificate could see."""
        if self.settled or self.sampled or not 0.0 < self.drift <= _NEAR:
            return False
        weight = self.problem.total_weight
        rms = np.sqrt(max(self.decrement, 0.0) / weight)
        error = self.drift * float(np.abs(self.point.gradient).max())
        return rms <= _SMALL_STEP and error <= 0.1 * FEASIBLE * weight

    def _settle(self, d: Floats) -> Advance:
        """Take the last step and certify it in one pass: q = mu itself is a dual point there."""
        problem, old = self.problem, self.point
        theta = old.theta + d
        dual = problem.dual_point(theta, np.zeros_like(d))
        gradient = dual.residual - problem.penalty * theta
        # f falls by half the decrement, less than f's own rounding error.
        objective = old.objective - 0.5 * self.decrement
        self.point = replace(old, theta=theta, objective=objective, gradient=gradient, hessian=None)
        left = max(float(gradient @ self.direction()), 0.0)
        small = _SPREAD * np.sqrt(left / problem.total_weight) <= _STEP
        if small and left <= _CHORD**2 * self.decrement and _feasible(problem, dual):
            self.dual = dual
            return Advance(1, self._measures(), Status.CONVERGED)
        self.settled = True
        self.drift += np.sqrt(self.decrement / problem.total_weight)
        return Advance(1, self._measures())

    def _penalty_free(self) -> bool:
        return not self.problem.penalty.any()

    def _separating(self, half: float, ratio: float, size: float) -> bool:
        if self.ignore_suspicion or not self._penalty_free():
            return False
        return (half <= 1e-10 * size and ratio > 0.1) or self.slow >= _SLOW_STEPS

    def direction(self) -> Floats:
        """Solve for the Newton step; by QR where the normal equations have lost it."""
        if self.solver is None:
            assert self.point.hessian is not None
            self.solver = Solver(self.point.hessian)
            if self.solver.condition < _CONDITION:
                self.solver, d = qr_step(self.problem, self.point)
                return d
        return self.solver.solve(self.point.gradient)

    def _refresh(self) -> None:
        self.point = self.problem.evaluate(self.point.theta, hessian=True)
        self.solver, self.drift, self.sampled = None, 0.0, False

    def search(self, d: Floats, *, keep: bool | None = None) -> bool:
        """Go along d as far as the objective falls; False if it does not."""
        problem, old = self.problem, self.point
        rms = np.sqrt(max(self.decrement, 0.0) / problem.total_weight)
        drift = max(self.drift, rms) if self.sampled else self.drift + rms
        small = problem.X.size <= _SMALL
        if keep is None:
            keep = not small and drift <= _NEAR
        step = 1.0
        slack = _NOISE * (1.0 + abs(old.objective))
        for _ in range(_HALVINGS):
            new = problem.evaluate(old.theta + step * d, hessian=not keep)
            if new.finite and (
                new.objective <= old.objective - _ARMIJO * step * self.decrement + slack
            ):
                self.point, self.dual = new, None
                if keep:
                    self.drift = drift
                else:
                    self.solver, self.drift, self.sampled = None, 0.0, False
                return True
            step *= 0.5
        return False

    def certify(self, d: Floats) -> DualPoint:
        """Return the dual point of d, polished until it is feasible."""
        assert self.solver is not None
        dual = self.problem.dual_point(self.point.theta, d)
        for _ in range(3):
            if _feasible(self.problem, dual, self.point.theta, d) or dual.largest > _EXISTENCE:
                break
            # H d = gradient means Z'W(y - q) = penalty (theta + d).
            missing = dual.residual - self.problem.penalty * (self.point.theta + d)
            d = d + self.solver.solve(missing)
            dual = self.problem.dual_point(self.point.theta, d)
        return dual

    def _measures(self) -> dict[str, float]:
        return {"objective": self.point.objective, "decrement": self.decrement}


def _feasible(
    problem: Glm, dual: DualPoint, theta: Floats | None = None, d: Floats | None = None
) -> bool:
    missing = dual.residual
    if problem.penalty.any():
        if theta is None or d is None:
            missing = np.where(problem.penalty > 0, 0.0, missing)
        else:
            missing = missing - problem.penalty * (theta + d)
    return bool((np.abs(missing) <= FEASIBLE * dual.sizes).all())


def minimise(
    problem: Glm, start: Floats, *, tol: float, max_iterations: int, insist: bool = False
) -> tuple[Newton, Outcome]:
    """Run Newton from `start`; `insist` does not look for separation."""
    m, p = problem.X.shape[0], problem.parameters
    solver: Solver | None = None
    plain = start
    if m >= _SAMPLE_FROM * _SAMPLES[-1] * p:
        for per in _SAMPLES:
            part = problem.rows(sample_rows(m, per * p))
            share = m / len(part.X)
            part = replace(part, penalty=problem.penalty / share)
            rough = _roughly(part, start)
            if rough is not None:
                start = rough.theta
                assert rough.hessian is not None
                solver = Solver(rough.hessian * share)
                solver = solver if solver.condition >= _CONDITION else None
    point = problem.evaluate(start, hessian=solver is None)
    if not point.finite and start is not plain:
        solver, point = None, problem.evaluate(plain, hessian=True)
    newton = Newton(problem, tol, point, ignore_suspicion=insist)
    if not point.finite:
        return newton, Outcome(Status.NOT_CERTIFIED, 0, (), 0.0)
    if solver is not None:
        newton.solver, newton.sampled, newton.drift = solver, True, np.finfo(float).tiny
    outcome = drive(newton.advance, max_iterations=max_iterations)
    if newton.dual is None and newton.suspect is None and newton.point.finite:
        newton.dual = newton.certify(newton.direction())
    return newton, outcome


def _roughly(problem: Glm, start: Floats) -> Point | None:
    """Return the minimum on a sample as far as a sample knows it, None if it may have none."""
    newton = Newton(problem, 0.0, problem.evaluate(start, hessian=True), ignore_suspicion=True)
    for _ in range(_SAMPLE_STEPS):
        point = newton.point
        if not point.finite or point.margin > 0 or point.largest > _SATURATED:
            return None
        d = newton.direction()
        newton.decrement = float(d @ point.gradient)
        if newton.decrement <= _ROUGH * problem.parameters:
            return point if point.hessian is not None else None
        if not newton.search(d, keep=False):
            return None
    return None


def sample_rows(m: int, count: int) -> np.ndarray:
    """Return one random row of each of `count` equal stretches, the same for the same m."""
    u = uniform(as_key(m), 0, 1, count)[0]
    chosen = ((np.arange(count) + u) * (m / count)).astype(np.int64)
    rows: np.ndarray = np.minimum(chosen, m - 1)
    return rows
