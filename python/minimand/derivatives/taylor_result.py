"""What `taylor_model` returns."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, freeze
from minimand._common.conversion import real_array
from minimand._common.result import Certificate, Result, Status
from minimand.derivatives.rules import EPS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelMinimizer:
    """Where a model of second order is least.

    Attributes
    ----------
    status : Status
        CONVERGED, or UNBOUNDED if the curvature is not proved to be positive in all directions.
    point : ndarray (n,) or float, or None
        The Newton point a - H^-1 g.
    value : float
        The model there, -inf if it is unbounded.
    direction : ndarray (n,) or float, or None
        Where `point` is None: a direction in which the curvature may be 0 or less, downhill.
    """

    status: Status
    point: Floats | float | None
    value: float
    direction: Floats | float | None

    def __post_init__(self) -> None:
        for name in ("point", "direction"):
            if isinstance(getattr(self, name), np.ndarray):
                object.__setattr__(self, name, freeze(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TaylorModel(Result):
    """A Taylor polynomial around a; calling it with x gives its value there.

    Attributes
    ----------
    a : ndarray (n,) or float
        The centre.
    order : int
    value, value_error : float
        f(a), and how much of it may be rounding.
    gradient, gradient_error : ndarray (n,)
        For n = 1 of length 1.
    hessian, hessian_error : ndarray (n, n)
        For order 2 and more.
    coefficients, coefficient_errors : ndarray (order + 1,) or None
        Of (x - a)^k, for functions of one variable.
    constant : float or None
        Lipschitz constant of the derivative of that order, as given (for one variable, a bound of
        the next derivative).
    observed : float or None
        The largest lower bound of that constant that points within `radius` show; None where none
        were looked at. Above `constant` it refutes it, and the status says so.
    radius, circle : float or None
        As given.
    evaluations : int
        Points at which f was asked for its value, beside those for derivatives.
    """

    a: Floats | float
    order: int
    value: float
    value_error: float
    gradient: Floats
    gradient_error: Floats
    hessian: Floats | None
    hessian_error: Floats | None
    coefficients: Floats | None
    coefficient_errors: Floats | None
    constant: float | None
    observed: float | None
    radius: float | None
    circle: float
    evaluations: int

    def __call__(self, x: object) -> Any:
        """Return the model at x: numbers for a function of one variable, points (..., n) else."""
        d = real_array("x", x) - np.asarray(self.a)
        if self.coefficients is not None:
            return np.polynomial.polynomial.polyval(d, self.coefficients)
        value = self.value + d @ self.gradient
        if self.hessian is not None:
            value = value + 0.5 * np.sum(d * (d @ self.hessian), axis=-1)
        return value

    def remainder_bound(self, d: object) -> Any:
        """Return a bound of |f(a + d) - model(a + d)|, None without a constant.

        constant |d|^(order+1)/(order+1)!, and what the errors of the derivatives add to it.

        Parameters
        ----------
        d : array_like
            The step from a: numbers for a function of one variable, vectors (..., n) else.
        """
        if self.constant is None:
            return None
        step = real_array("d", d).astype(np.float64)
        length = np.abs(step) if self.coefficients is not None else np.linalg.norm(step, axis=-1)
        p = self.order + 1
        bound = self.constant * length**p / factorial(p)
        if self.coefficient_errors is not None:
            return bound + np.polynomial.polynomial.polyval(length, self.coefficient_errors)
        bound = bound + self.value_error + length * np.linalg.norm(self.gradient_error)
        if self.hessian_error is not None:
            bound = bound + 0.5 * np.linalg.norm(self.hessian_error) * length**2
        return bound

    def minimizer(self) -> ModelMinimizer:
        """Return where the model is least, if its curvature is positive beyond the errors.

        Raises
        ------
        ValueError
            The model is of an order above 2.
        """
        if self.order > 2:
            raise ValueError(f"order is {self.order}, expected at most 2 for a minimizer")
        H = np.zeros((len(self.gradient),) * 2) if self.hessian is None else self.hessian
        error = 0.0 if self.hessian_error is None else float(np.linalg.norm(self.hessian_error))
        values, vectors = np.linalg.eigh(H)
        scalar = not isinstance(self.a, np.ndarray)
        if values[0] > error + 4.0 * len(H) * EPS * float(np.abs(values).max()):
            step = -(vectors @ ((vectors.T @ self.gradient) / values))
            point = np.asarray(self.a) + step
            value = self.value + 0.5 * float(self.gradient @ step)
            return ModelMinimizer(
                status=Status.CONVERGED,
                point=float(point[0]) if scalar else point,
                value=value,
                direction=None,
            )
        if self.hessian is None:
            norm = float(np.linalg.norm(self.gradient))
            direction = -self.gradient / norm if norm > 0.0 else vectors[:, 0]
        else:
            direction = vectors[:, 0] * (-1.0 if vectors[:, 0] @ self.gradient > 0.0 else 1.0)
        return ModelMinimizer(
            status=Status.UNBOUNDED,
            point=None,
            value=-np.inf,
            direction=float(direction[0]) if scalar else direction,
        )

    def verify(self, f: Any, a: object, *, args: tuple[Any, ...] = ()) -> tuple[Certificate, ...]:
        """Compare the derivatives with other rules, and the model with f around a, in plain NumPy.

        Parameters
        ----------
        f, a, args
            As they were given.

        Raises
        ------
        CertificateError
            When a number of the result is not what f shows, or the bound does not hold.
        """
        return Result.verify(self, f, a, args=args)

    def _recompute(self, f: Any, a: object, *, args: Any) -> tuple[Certificate, ...]:
        from minimand.derivatives.verification.taylor import recompute

        return recompute(self, f, a, args)


def certificates(agreement: float, remainder: float | None) -> tuple[Certificate, ...]:
    """Return the certificates; that of the remainder needs a constant."""
    derivatives = Certificate(
        "agreement of derivatives",
        float(agreement),
        1.0,
        "largest difference to other rules, in units of the sum of both errors",
        1.0,
    )
    if remainder is None:
        return (derivatives,)
    bound = Certificate(
        "remainder",
        float(remainder),
        1.0,
        "largest |f - model| at points around the centre, in units of its bound",
        1.0,
    )
    return derivatives, bound
