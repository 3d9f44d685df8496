"""The state of a descent, and the kernel calls that move it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.backend import kernels
from minimand._common.iterate import Advance
from minimand._common.result import Status
from minimand.gradient_descent.objectives import ROUNDING, LeastSquares, Objective, quadratic_noise
from minimand.reference.gradient_descent import loop

_LOST = 0.5  # relative error of a gradient that is no direction any more
_GRAM_ACCURACY = 1e-6  # relative error from which the data are read again
_STATUS = {
    loop.CONVERGED: Status.CONVERGED,
    loop.REFUTED: Status.CONSTANT_REFUTED,
    loop.UNDEFINED: Status.UNDEFINED,
    loop.UNBOUNDED: Status.UNBOUNDED,
    loop.DIVERGED: Status.DIVERGED,
    loop.NOISE: Status.NOISE_DOMINATES,
    loop.NONSMOOTH: Status.NONSMOOTH,
    loop.CYCLING: Status.CYCLING,
}


class Run:
    """A descent on a function of the user: the loop is the NumPy mirror, on either backend.

    Attributes
    ----------
    point, gradient : ndarray (p,)
        Where the run is.
    state, control : ndarray
        As the kernel has them.
    increases : int
        How often L was raised because it was refuted.
    """

    method = "function"

    def __init__(
        self,
        function: Any,
        x0: Floats,
        *,
        variant: int,
        control: Floats,
        lipschitz: float,
        step: float,
        increase: bool,
        path: bool,
    ) -> None:
        self._function = function
        self._variant, self._increase = variant, increase
        self.control = control
        self.point, self.previous, self.saved = x0.copy(), x0.copy(), np.full_like(x0, np.inf)
        self.trial, self.gradient = np.full_like(x0, np.nan), np.empty_like(x0)
        self.state = np.zeros(12)
        fun = self.exact(self.point, self.gradient)
        if not (np.isfinite(fun) and np.isfinite(self.gradient).all()):
            raise ValueError(f"f is {fun} at x0, or its gradient is not finite; expected finite")
        s = self.state
        s[loop.FUN], s[loop.SIZE], s[loop.THETA], s[loop.SAVED_AT] = fun, abs(fun), 1.0, 0.5
        self.set_constant(lipschitz, step)
        self.norm0 = float(np.linalg.norm(self.gradient))
        self._traces: list[Floats] = []
        self._path = [x0.copy()] if path else None
        self.fun0, self.increases = fun, 0

    def set_constant(self, lipschitz: float, step: float) -> None:
        """Set L and the step."""
        self.state[loop.LIPSCHITZ], self.state[loop.STEP] = lipschitz, step
        self.state[loop.FIRST] = lipschitz

    def exact(self, x: Floats, out: Floats) -> float:
        """Return f(x) from the data and write the gradient."""
        self.state[loop.EVALUATIONS] += 1.0
        return float(self._function(x, out))

    def noise(self) -> tuple[float, float]:
        """Return the rounding errors of f and of its gradient where the run is."""
        found: tuple[float, float] = self._function.rounding(
            float(self.state[loop.FUN]), self.position, self.gradient
        )
        return found

    @property
    def position(self) -> Floats:
        """The current point."""
        return self.point

    @property
    def evaluations(self) -> int:
        """How often f and its gradient were computed."""
        return int(self.state[loop.EVALUATIONS])

    def advance(self, count: int) -> Advance:
        """Do at most `count` steps."""
        count = 1 if self._path is not None else count
        trace = np.empty((count, 4))
        done, status = 0, None
        while done == 0 and status is None:
            done, reason = self._call(count, trace)
            self._traces.append(trace[:done].copy())
            if self._path is not None and done:
                self._path.append(self.position.copy())
            if reason != loop.STEPS:
                status = self._resolve(reason)
        return Advance(done, self.measures(), status)

    def measures(self) -> Mapping[str, float]:
        """Return what history and progress show."""
        norm = float(np.linalg.norm(self.gradient))
        return {
            "fun": float(self.state[loop.FUN]),
            "gradient_norm": norm,
            "lipschitz_lower": float(self.state[loop.LOWER]),
        }

    def trace(self) -> tuple[Floats, Floats, Floats, Floats, Floats | None]:
        """Return values, gradient norms, steps, momenta and the path."""
        rows = np.concatenate([np.empty((0, 4)), *self._traces])
        values = np.concatenate([[self.fun0], rows[:, 0]])
        norms = np.concatenate([[self.norm0], rows[:, 1]])
        path = None if self._path is None else np.array(self._path)
        return values, norms, rows[:, 2].copy(), rows[:, 3].copy(), path

    def finish(self) -> None:
        """Make the last point exact."""

    def _call(self, count: int, trace: Floats) -> tuple[int, int]:
        with np.errstate(all="ignore"):
            return self._descend(count, trace)

    def _descend(self, count: int, trace: Floats) -> tuple[int, int]:
        return loop.descend(
            self._function, self._function.rounding, self.point, self.previous, self.gradient,
            self.saved, self.trial, self.state, self.control, self._variant, count, trace,
        )  # fmt: skip

    def _resolve(self, reason: int) -> Status | None:
        if reason == loop.REFUTED and self._increase:
            lipschitz = 2.0 * max(self.state[loop.LIPSCHITZ], self.state[loop.LOWER])
            self.state[loop.LIPSCHITZ], self.state[loop.STEP] = lipschitz, 1.0 / lipschitz
            self.increases += 1
            return None
        return _STATUS[reason]


class DataRun(Run):
    """A descent on a built-in objective; every step reads the data once."""

    method = "data"

    def __init__(self, f: Objective, x0: Floats, backend: str, threads: int, **options: Any):
        self._kernels = kernels("gradient_descent", backend)
        self._f, self._threads = f, threads
        super().__init__(f, x0, **options)

    def exact(self, x: Floats, out: Floats) -> float:
        """Return f(x) from the data and write the gradient."""
        self.state[loop.EVALUATIONS] += 1.0
        f = self._f
        with np.errstate(over="ignore", invalid="ignore"):
            return float(
                self._kernels.value_gradient(
                    *f.arrays, x, f.kind, f.scale, f.ridge, 0.0, out, self._threads
                )
            )

    def noise(self) -> tuple[float, float]:
        """Return the rounding errors of f and of its gradient where the run is."""
        return self._f.rounding(float(self.state[loop.FUN]), self.position)

    def _call(self, count: int, trace: Floats) -> tuple[int, int]:
        f = self._f
        return self._steps(*f.arrays, f.kind, f.scale, f.ridge, 0.0, f.noise, count, trace)

    def _steps(self, A: Floats, b: Floats, kind: int, scale: float, l2: float, constant: float,
               noise: Floats, count: int, trace: Floats) -> tuple[int, int]:  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):
            done, reason = self._kernels.descent_steps(
                A, b, kind, scale, l2, constant, noise, self.point, self.previous, self.gradient,
                self.saved, self.trial, self.state, self.control, self._variant, count, trace,
                self._threads,
            )  # fmt: skip
        return int(done), int(reason)


class GramRun(DataRun):
    """Least squares from the Gram matrix: p^2 instead of 2 n p multiply-adds for a step.

    With H = A'A the function is f(c) + g(c)'d + d'H d/2 around a point c that moves: steps are made
    in d, and as soon as rounding in H d would matter beside the gradient, c becomes c + d and f and
    g are computed from the data. So nothing is lost to the squared condition number of H.
    """

    method = "gram"

    def __init__(self, f: LeastSquares, x0: Floats, H: Floats, *arguments: Any, **options: Any):
        super().__init__(f, x0, *arguments, **options)
        self._H = np.ascontiguousarray(H)
        n, p = f.A.shape
        size = ROUNDING * (np.sqrt(n) + np.sqrt(p)) * float(np.trace(H))
        self._lost, self._centre = size, np.zeros_like(x0)
        self._readings = 0
        self._tolerance = float(self.control[loop.ACCURACY])
        self.control[loop.ACCURACY] = _GRAM_ACCURACY
        self._move()

    @property
    def position(self) -> Floats:
        """The current point."""
        return self._centre + self.point

    def finish(self) -> None:
        """Make the last point exact."""
        self._move()

    @property
    def evaluations(self) -> int:
        """How often f and its gradient were computed from the data."""
        return 1 + self._readings

    def _move(self) -> None:
        """Take the current point as the centre, and compute f and its gradient there."""
        shift = self.point.copy()
        self._centre += shift
        self.previous -= shift
        self._readings += 1
        self.saved -= shift
        self.point[:] = 0.0
        self.state[loop.FUN] = self.exact(self._centre, self.gradient)
        self._b = self.gradient.copy()
        self._constant = float(self.state[loop.FUN])
        self._noise = quadratic_noise(self._H, self._b)
        self._noise[3] += self._lost
        self._noise[7] += self._lost
        # Below what the data themselves leave uncertain there is nothing to be gained.
        self._noise[8] += 2.0 * _GRAM_ACCURACY * self._f.rounding(self._constant, self._centre)[1]

    def _call(self, count: int, trace: Floats) -> tuple[int, int]:
        done, reason = self._steps(
            self._H, self._b, 2, 1.0, 0.0, self._constant, self._noise, count, trace
        )
        if reason == loop.REFUTED:
            self.trial += self._centre
        return done, reason

    def _resolve(self, reason: int) -> Status | None:
        if reason not in (loop.NOISE, loop.CONVERGED):
            return super()._resolve(reason)
        self._move()
        norm = float(np.linalg.norm(self.gradient))
        if norm <= self.control[loop.TOL]:
            return Status.CONVERGED
        lost = self.noise()[1] > self._tolerance * norm
        return Status.NOISE_DOMINATES if lost else None


def make_control(
    *, momentum: float, tol: float, backtracking: bool, restart: bool, claimed: bool
) -> Floats:
    """Return the kernel's options."""
    control = np.zeros(6)
    control[loop.MOMENTUM], control[loop.TOL], control[loop.ACCURACY] = momentum, tol, _LOST
    control[loop.BACKTRACKING] = backtracking
    control[loop.RESTART], control[loop.CLAIMED] = restart, claimed
    return control


def first_guess(run: Run) -> float:
    """Return a guess of L: the change of the gradient along itself, over a short way."""
    norm = float(np.linalg.norm(run.gradient))
    if norm == 0.0:
        return 1.0
    length = 1e-6 * max(1.0, float(np.linalg.norm(run.point)))
    other = np.empty_like(run.gradient)
    d = -(length / norm) * run.gradient
    if not np.isfinite(run.exact(run.point + d, other)):
        return norm / length
    seen = float(np.linalg.norm(other - run.gradient)) / length
    least = 1e-8 * norm / max(1.0, float(np.linalg.norm(run.point)))
    return max(seen, least) if np.isfinite(seen) else norm / length
