"""A smooth function and what is known of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
Field: TypeAlias = Callable[[Any], Any]

KINDS = ("minimum", "maximum", "saddle", "undetermined")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SmoothFunction:
    """f: R^n -> R with its derivatives, and its constants on a box.

    A function of one variable (n = 1) works entry by entry on an array of any shape. One of several
    variables takes points along the last axis, (..., n) -> (...), with gradients (..., n) and
    Hessians (..., n, n). Complex arguments go through f unharmed, unless `source` says otherwise.
    `values`, `gradients` and `hessians` take points (m, n) for every n.

    Attributes
    ----------
    name
        Name of the problem.
    dimension
        n.
    f, grad, hess
        The function, its gradient and its Hessian (for n = 1 the two derivatives).
    bounds
        The box (n, 2) that all of the following is about.
    lipschitz
        M with |f(x) - f(y)| <= M ||x - y||; an upper bound, at most 1% above the least one.
    gradient_lipschitz, hessian_lipschitz
        The same of grad f and of the Hessian (spectral norm), None where unknown.
    strong_convexity
        Least eigenvalue of all Hessians if that is positive, else 0.
    polyak_lojasiewicz
        mu with ||grad f||^2 >= 2 mu (f - min f), 0 if there is none, None where unknown.
    minimum, minimizers
        The least value in the box, and all points (k, n) that have it.
    stationary_points, kinds
        All points (k, n) inside the box where the gradient vanishes, and what their Hessians say:
        "minimum", "maximum", "saddle" or "undetermined". None and () if they are not listed.
    source
        Where it comes from, and what to know about it.
    """

    name: str
    dimension: int
    f: Field
    grad: Field
    hess: Field
    bounds: Array
    lipschitz: float
    gradient_lipschitz: float
    hessian_lipschitz: float | None
    strong_convexity: float = 0.0
    polyak_lojasiewicz: float | None = None
    minimum: float
    minimizers: Array
    stationary_points: Array | None = None
    kinds: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        for array in (self.bounds, self.minimizers, self.stationary_points):
            if array is not None:
                array.setflags(write=False)

    def __call__(self, x: Any) -> Any:
        """Return f(x)."""
        return self.f(x)

    def values(self, points: ArrayLike) -> Array:
        """Return f at the points (m, n), as a vector (m,)."""
        P = self._points(points)
        return np.asarray(self.f(P[:, 0] if self.dimension == 1 else P))

    def gradients(self, points: ArrayLike) -> Array:
        """Return grad f at the points (m, n), one row each."""
        P = self._points(points)
        return np.asarray(self.grad(P))

    def hessians(self, points: ArrayLike) -> Array:
        """Return the Hessians (m, n, n) at the points (m, n)."""
        P = self._points(points)
        return np.asarray(self.hess(P)[:, :, np.newaxis] if self.dimension == 1 else self.hess(P))

    def _points(self, points: ArrayLike) -> Array:
        P = np.asarray(points)
        if P.ndim != 2 or P.shape[1] != self.dimension:
            raise ValueError(f"points has shape {P.shape}, expected (points, {self.dimension})")
        return P


def box(*sides: tuple[float, float]) -> Array:
    """Return bounds (n, 2)."""
    return np.array(sides, dtype=np.float64)


def column(*points: float) -> Array:
    """Return points (k, 1) of a function of one variable."""
    return np.array(points, dtype=np.float64).reshape(-1, 1)
