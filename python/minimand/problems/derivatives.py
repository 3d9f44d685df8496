"""Functions of one variable with known derivatives, and functions that make trouble.

Those of several variables, and the classic curves, are in `minimand.problems.functions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Curve: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownDerivatives:
    """A function of one variable with its first two derivatives.

    All three work entry by entry, in the precision of what they get; f is analytic and takes
    complex numbers.

    Attributes
    ----------
    name
        Name of the function.
    f, first, second
        The function and its derivatives.
    domain
        An interval whose points are at least `clear` away from any singularity.
    clear
        That distance, at most 1.
    """

    name: str
    f: Curve
    first: Curve
    second: Curve
    domain: tuple[float, float] = (-4.0, 4.0)
    clear: float = 1.0

    def points(self, count: int, *, rng: int = 0) -> Array:
        """Return random points of the domain."""
        return np.random.default_rng(rng).uniform(*self.domain, count)


def _pi(x: Any) -> Any:
    """Return pi in the precision of x."""
    return np.asarray(x).dtype.type(4) * np.arctan(np.asarray(x).dtype.type(1))


def _x_cos_first(x: Any) -> Any:
    return np.cos(_pi(x) * x) - _pi(x) * x * np.sin(_pi(x) * x)


def _x_cos_second(x: Any) -> Any:
    pi = _pi(x)
    return -2 * pi * np.sin(pi * x) - pi**2 * x * np.cos(pi * x)


def known() -> dict[str, KnownDerivatives]:
    """Return exp, sin, x^3, tanh, log, x^2 + 3 sin^2 x and x cos(pi x), by name.

    Examples
    --------
    >>> from minimand.problems.derivatives import known
    >>> known()["tanh"].first(4.0).round(12)
    np.float64(0.001340950683)
    """
    problems = (
        KnownDerivatives(name="exp", f=np.exp, first=np.exp, second=np.exp),
        KnownDerivatives(name="sin", f=np.sin, first=np.cos, second=lambda x: -np.sin(x)),
        KnownDerivatives(
            name="x^3", f=lambda x: x * x * x, first=lambda x: 3 * x * x, second=lambda x: 6 * x
        ),
        KnownDerivatives(
            name="tanh",
            f=np.tanh,
            first=lambda x: 1 / np.cosh(x) ** 2,
            second=lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2,
        ),
        KnownDerivatives(
            name="log",
            f=np.log,
            first=lambda x: 1 / x,
            second=lambda x: -1 / (x * x),
            domain=(0.6, 4.0),
            clear=0.6,
        ),
        KnownDerivatives(
            name="x^2 + 3 sin^2 x",
            f=lambda x: x * x + 3 * np.sin(x) ** 2,
            first=lambda x: 2 * x + 3 * np.sin(2 * x),
            second=lambda x: 2 + 6 * np.cos(2 * x),
        ),
        KnownDerivatives(
            name="x cos(pi x)",
            f=lambda x: x * np.cos(np.pi * x),
            first=_x_cos_first,
            second=_x_cos_second,
        ),
    )
    return {problem.name: problem for problem in problems}


def squire_trapp(x: Any) -> Any:
    """Return e^x/sqrt(sin^3 x + cos^3 x); its derivative at 1.5 is 4.053427893898621.

    Squire, Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Rev. 40
    (1998) 110.
    """
    return np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)


def expression(point: Any) -> Any:
    """Return a small expression graph of (a, b), points along the last axis.

    At (-4, 2) it is 24.70408163265306, with the gradient (138.83381924198252, 645.5772594752186).
    """
    a, b = point[..., 0], point[..., 1]
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c - a
    d = d + d * 2 + np.maximum(b + a, 0)
    d = d + 3 * d + np.maximum(b - a, 0)
    e = c - d
    f = e**2
    return f / 2.0 + 10.0 / f


def noisy(f: Curve, level: float) -> Curve:
    """Return f plus noise uniform on [-level, level] that depends on the bits of x alone.

    Its standard deviation is level/sqrt(3).
    """

    def with_noise(x: Any) -> Any:
        bits = np.atleast_1d(np.asarray(x, dtype=np.float64)).view(np.uint64)
        with np.errstate(over="ignore"):
            mixed = (bits ^ (bits >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        unit = (mixed >> np.uint64(11)) * 2.0**-53
        return f(x) + (level * (2.0 * unit - 1.0)).reshape(np.shape(x))

    return with_noise


def relu_sum(points: Any) -> Any:
    """Return sum_i max(x_i, 0): a kink wherever an entry is 0."""
    return np.sum(np.maximum(points, 0.0), axis=-1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeastSquaresObjective:
    """||A x - b||^2/2 with its gradient and its Hessian A'A; points along the last axis."""

    A: Array
    b: Array

    def __call__(self, points: Any) -> Any:
        """Return the objective."""
        r = points @ self.A.T - self.b
        return 0.5 * np.sum(r * r, axis=-1)

    def grad(self, points: Any) -> Any:
        """Return A'(A x - b)."""
        return (points @ self.A.T - self.b) @ self.A

    @property
    def hessian(self) -> Array:
        """A'A."""
        return self.A.T @ self.A


def least_squares(m: int, n: int, *, rng: int = 0) -> LeastSquaresObjective:
    """Return a random least-squares objective."""
    generator = np.random.default_rng(rng)
    return LeastSquaresObjective(
        A=generator.standard_normal((m, n)), b=generator.standard_normal(m)
    )
