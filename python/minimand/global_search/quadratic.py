"""Quadratic functions, which kernels evaluate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, as_matrix, as_vector


@dataclass(frozen=True, eq=False, repr=False)
class Quadratic:
    """x'Q x/2 + p'x at points (..., n): its derivatives and constants are known.

    Parameters
    ----------
    Q : array_like (n, n)
        Symmetric, definite or not.
    p : array_like (n,), optional
        0 by default.

    Examples
    --------
    >>> from minimand.global_search import Quadratic
    >>> f = Quadratic([[2.0, 0.0], [0.0, -4.0]])
    >>> float(f([1.0, 1.0]))
    -1.0
    """

    Q: Floats
    p: Floats = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        Q = as_matrix("Q", self.Q, square=True)
        if not (np.abs(Q - Q.T) <= 1e-12 * np.abs(Q).max()).all():
            raise ValueError("Q is not symmetric; (Q + Q.T)/2 gives the same function")
        none = np.shape(self.p) == (0,)
        p = np.zeros(len(Q)) if none else as_vector("p", self.p, length=len(Q), like="Q")
        object.__setattr__(self, "Q", np.ascontiguousarray(0.5 * (Q + Q.T)))
        object.__setattr__(self, "p", p.copy())

    def __call__(self, x: Any) -> Any:
        """Return the value at each point."""
        x = np.asarray(x, dtype=np.float64)
        return np.sum(x * (0.5 * (x @ self.Q) + self.p), axis=-1)

    def grad(self, x: Any) -> Any:
        """Return the gradient at each point."""
        return np.asarray(x, dtype=np.float64) @ self.Q + self.p

    @property
    def curvature(self) -> float:
        """The Lipschitz constant of the gradient, ||Q||, rounded up."""
        return float(np.abs(np.linalg.eigvalsh(self.Q)).max()) * (1.0 + 1e-12)

    def slopes(self, box: Floats) -> Floats:
        """Return bounds of the partial derivatives in a box (n, 2)."""
        centre, half = box.mean(axis=1), 0.5 * (box[:, 1] - box[:, 0])
        most = np.abs(self.Q @ centre + self.p) + np.abs(self.Q) @ half
        slopes: Floats = np.maximum(most * (1.0 + 1e-12), np.finfo(np.float64).tiny)
        return slopes


def as_quadratic(f: object) -> object:
    """Return f, as a Quadratic if it has a matrix Q and a vector p and says no more."""
    if isinstance(f, Quadratic) or not (hasattr(f, "Q") and hasattr(f, "p")):
        return f
    return Quadratic(f.Q, f.p)
