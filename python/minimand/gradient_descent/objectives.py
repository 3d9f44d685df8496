"""Objectives that run as compiled kernels: least squares, logistic loss, quadratic functions.

The methods here are plain NumPy; they are what `verify` uses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import (
    Floats,
    as_matrix,
    as_vector,
    boolean,
    freeze,
    nonnegative_float,
)
from minimand.reference.gradient_descent.kernels import value_gradient
from minimand.reference.gradient_descent.loop import EPS

ROUNDING = 4.0 * EPS  # of a sum of m terms: this times sqrt(m), as roundings are independent


@dataclass(frozen=True, eq=False, repr=False)
class Objective:
    """What the built-in objectives have in common."""

    kind: ClassVar[int]

    @property
    def arrays(self) -> tuple[Floats, Floats]:
        """A and b of the kernels."""
        raise NotImplementedError

    @property
    def scale(self) -> float:
        """The factor of the sum over the rows."""
        return 1.0

    @property
    def ridge(self) -> float:
        """The factor of ||x||^2/2."""
        return 0.0

    @property
    def dimension(self) -> int:
        """Number of variables."""
        return int(self.arrays[0].shape[1])

    def __call__(self, x: object) -> float:
        """Return f(x)."""
        return self._evaluate(x)[0]

    def grad(self, x: object) -> Floats:
        """Return the gradient (p,) at x."""
        return self._evaluate(x)[1]

    def hess(self, x: object) -> Floats:
        """Return the Hessian (p, p) at x."""
        raise NotImplementedError

    @property
    def noise(self) -> Floats:
        """The nine numbers by which the kernel bounds the rounding errors of f and its gradient."""
        raise NotImplementedError

    def rounding(self, fun: float, x: Floats) -> tuple[float, float]:
        """Return bounds of the rounding errors of f and of its gradient."""
        n, root, size = self.noise, math.sqrt(abs(fun)), float(np.linalg.norm(x))
        value = n[0] * abs(fun) + root * (n[1] * size + n[2]) + size * (n[3] * size + n[4]) + n[5]
        return float(value), float(n[6] * root + n[7] * size + n[8])

    def _evaluate(self, x: object) -> tuple[float, Floats]:
        point = as_vector("x", x, length=self.dimension)
        gradient = np.empty(self.dimension)
        A, b = self.arrays
        with np.errstate(over="ignore", invalid="ignore"):
            fun = value_gradient(A, b, point, self.kind, self.scale, self.ridge, 0.0, gradient, 1)
        return fun, gradient

    def __repr__(self) -> str:
        m, p = self.arrays[0].shape
        return f"{type(self).__name__}({m} x {p})"


@dataclass(frozen=True, eq=False, repr=False)
class LeastSquares(Objective):
    """||A x - b||^2/2 + l2 ||x||^2/2; with `mean` the first term is divided by the rows.

    Parameters
    ----------
    A : array_like (n, p)
    b : array_like (n,)
    l2 : float
        Ridge.
    mean : bool
        Whether to divide the squares by n.

    Examples
    --------
    >>> import minimand
    >>> f = minimand.LeastSquares([[1.0, 0.0], [0.0, 2.0]], [1.0, 2.0])
    >>> f([0.0, 0.0]), f.grad([0.0, 0.0])
    (2.5, array([-1., -4.]))
    """

    A: Floats
    b: Floats
    l2: float = field(default=0.0, kw_only=True)
    mean: bool = field(default=False, kw_only=True)
    kind = 0

    def __post_init__(self) -> None:
        A = as_matrix("A", self.A)
        b = as_vector("b", self.b, length=len(A), like="A")
        _store(self, A=freeze(A), b=freeze(b), l2=nonnegative_float("l2", self.l2))
        boolean("mean", self.mean)

    @property
    def arrays(self) -> tuple[Floats, Floats]:
        """A and b of the kernels."""
        return self.A, self.b

    @property
    def scale(self) -> float:
        """The factor of the sum over the rows."""
        return 1.0 / len(self.A) if self.mean else 1.0

    @property
    def ridge(self) -> float:
        """The factor of ||x||^2/2."""
        return self.l2

    def hess(self, x: object) -> Floats:  # noqa: ARG002 -- it is the same everywhere
        """Return the Hessian (p, p)."""
        return _ridged(self.scale * (self.A.T @ self.A), self.l2)

    @cached_property
    def noise(self) -> Floats:
        """The nine numbers by which the kernel bounds the rounding errors of f and its gradient."""
        # f = ||r||^2/2, and r is known to u ||x|| + v.
        n, p = self.A.shape
        size = math.sqrt(self.scale) * float(np.linalg.norm(self.A))
        u = ROUNDING * math.sqrt(p) * size
        v = ROUNDING * math.sqrt(self.scale) * float(np.linalg.norm(self.b))
        rows, root = ROUNDING * math.sqrt(n), math.sqrt(2.0)
        ridge = ROUNDING * self.l2
        return np.array(
            [rows, root * u, root * v, u * u, 2 * u * v, v * v, root * rows * size,
             size * u + ridge, size * v]
        )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Logistic(Objective):
    """sum_i log(1 + exp(-y_i a_i'x))/n + l2 ||x||^2/2.

    Parameters
    ----------
    A : array_like (n, p)
    y : array_like (n,)
        Answers: -1 and 1, or 0 and 1, or False and True.
    l2 : float
        Ridge.

    Examples
    --------
    >>> import minimand
    >>> f = minimand.Logistic([[1.0], [2.0]], [0, 1])
    >>> round(f([0.0]), 6), f.grad([0.0])
    (0.693147, array([-0.25]))
    """

    A: Floats
    y: Floats
    l2: float = field(default=0.0, kw_only=True)
    kind = 1

    def __post_init__(self) -> None:
        A = as_matrix("A", self.A)
        y = as_vector("y", self.y, length=len(A), like="A")
        values = set(np.unique(y).tolist()) if len(np.unique(y)) <= 2 else {math.nan}
        if not (values <= {-1.0, 1.0} or values <= {0.0, 1.0}):
            raise ValueError("y has other values than two answers, expected -1 and 1, or 0 and 1")
        signs = np.where(y > 0.0, 1.0, -1.0)
        _store(self, A=freeze(A), y=freeze(signs), l2=nonnegative_float("l2", self.l2))

    @property
    def arrays(self) -> tuple[Floats, Floats]:
        """A and b of the kernels."""
        return self.A, self.y

    @property
    def scale(self) -> float:
        """The factor of the sum over the rows."""
        return 1.0 / len(self.A)

    @property
    def ridge(self) -> float:
        """The factor of ||x||^2/2."""
        return self.l2

    def hess(self, x: object) -> Floats:
        """Return the Hessian (p, p) at x."""
        margin = self.A @ as_vector("x", x, length=self.dimension)
        small = np.exp(-np.abs(margin))
        variance = small / (1.0 + small) ** 2
        return _ridged(self.scale * (self.A.T * variance) @ self.A, self.l2)

    @cached_property
    def noise(self) -> Floats:
        """The nine numbers by which the kernel bounds the rounding errors of f and its gradient."""
        n, p = self.A.shape
        size = float(np.linalg.norm(self.A)) / math.sqrt(n)
        rows, u = ROUNDING * math.sqrt(n), ROUNDING * math.sqrt(p) * size
        ridge = ROUNDING * self.l2
        return np.array([rows, 0, 0, ridge, u, 0, 0, size * u / 4 + ridge, rows * size])


@dataclass(frozen=True, eq=False, repr=False)
class Quadratic(Objective):
    """x'Q x/2 + p'x.

    Parameters
    ----------
    Q : array_like (n, n)
        Symmetric.
    p : array_like (n,), optional
        0 by default.

    Examples
    --------
    >>> import minimand
    >>> minimand.Quadratic([[2.0, 0.0], [0.0, 4.0]]).grad([1.0, 1.0])
    array([2., 4.])
    """

    Q: Floats
    p: Floats | None = None
    kind = 2

    def __post_init__(self) -> None:
        Q = as_matrix("Q", self.Q, square=True)
        p = np.zeros(len(Q)) if self.p is None else as_vector("p", self.p, length=len(Q), like="Q")
        if not (np.abs(Q - Q.T) <= 1e-12 * np.abs(Q).max()).all():
            raise ValueError("Q is not symmetric; (Q + Q.T)/2 gives the same function")
        _store(self, Q=freeze(Q), p=freeze(p))

    @property
    def arrays(self) -> tuple[Floats, Floats]:
        """A and b of the kernels."""
        assert self.p is not None
        return self.Q, self.p

    def hess(self, x: object) -> Floats:  # noqa: ARG002 -- it is the same everywhere
        """Return the Hessian (p, p)."""
        return np.array(0.5 * (self.Q + self.Q.T))

    @cached_property
    def noise(self) -> Floats:
        """The nine numbers by which the kernel bounds the rounding errors of f and its gradient."""
        return quadratic_noise(*self.arrays)


def quadratic_noise(Q: Floats, p: Floats) -> Floats:
    """Return the rounding errors of x'Q x/2 + p'x."""
    u = ROUNDING * math.sqrt(len(Q)) * float(np.linalg.norm(Q))
    v = ROUNDING * math.sqrt(len(Q)) * float(np.linalg.norm(p))
    return np.array([ROUNDING, 0, 0, u, v, 0, 0, u, v])


def _ridged(H: NDArray[np.float64], l2: float) -> Floats:
    H[np.diag_indices_from(H)] += l2
    return H


def _store(objective: Objective, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(objective, name, value)
