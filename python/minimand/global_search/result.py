"""What the global search returns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.result import Certificate, Result

_REBUILT = 1e-4  # of tol: what the rounding of rebuilt cells and of differences may change


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalProgress:
    """What a callback gets: the best point and the bound so far."""

    x: Floats
    fun: float
    lower_bound: float
    evaluations: int

    @property
    def gap(self) -> float:
        """How far fun may be above the minimum."""
        return self.fun - self.lower_bound


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GlobalResult(Result):
    """The least value found in a box, and a lower bound of all values in it.

    If the constants that were given are right, and f is computed to within `f_error`, the minimum
    is in [lower_bound, fun + f_error].

    Attributes
    ----------
    x : ndarray (n,) or float
        The best point.
    fun : float
        f(x).
    lower_bound : float
        What the constants and the samples say f is at least; -inf without a constant, or if the
        samples refute one.
    gap : float
        fun - lower_bound.
    certified : bool
        Whether gap <= tol.
    tol : float
        As given.
    method : str
        "piyavskii", "branch_and_bound", "grid" or "direct".
    evaluations : int
        Points at which f was asked for its value.
    grid_points_equivalent : int
        Points of the uniform grid that has the same guarantee; without a constant of f, for the
        largest slope seen.
    lipschitz_observed : float
        The largest slope that the samples prove: no Lipschitz constant of f is smaller.
    witness : ndarray (k, n)
        The points that show that a given constant is too small; none if there are none.
    certified_up_to : float or None
        Direct only: fun is within tol of the minimum for every f with these values whose Lipschitz
        constant is at most this.
    minimizer_boxes : ndarray (k, n, 2)
        Where the minimisers are, all of them: cells whose bound is not above fun + tol/1000.
    points : ndarray (m,)
        Piyavskii only: the samples, from left to right.
    values : ndarray (m,)
        f at these points, or at the centres of the cells of `actions`.
    actions : ndarray of int (m,)
        The tree of cells, generation by generation from the whole box on: 0 for a leaf, else 4 j +
        1 for the division into three along axis j, + 2 (+ 3) for the reduction to the face where
        x_j is least (largest), + 4 for the proof that no minimiser is inside.
    """

    x: Floats | float
    fun: float
    lower_bound: float
    gap: float
    certified: bool
    tol: float
    method: str
    evaluations: int
    grid_points_equivalent: int
    lipschitz_observed: float
    witness: Floats
    certified_up_to: float | None
    minimizer_boxes: Floats
    points: Floats
    values: Floats
    actions: NDArray[np.int64]

    def verify(
        self,
        f: Callable[..., Any],
        bounds: object,
        *,
        lipschitz: object = None,
        gradient_lipschitz: float | None = None,
        hessian_lipschitz: float | None = None,
        grad: Callable[..., Any] | None = None,
        hessian: Callable[..., Any] | None = None,
        f_error: float = 0.0,
    ) -> tuple[Certificate, ...]:
        """Rebuild the cover of the box and its lower bound in plain NumPy, and return certificates.

        Parameters
        ----------
        f, bounds, lipschitz, gradient_lipschitz, hessian_lipschitz, grad, hessian, f_error
            As they were given; with other constants, the bound that those prove is compared.

        Raises
        ------
        CertificateError
            When the cover does not prove the bound, or a number of the result is not what f shows.
        """
        constants = {"lipschitz": lipschitz, "gradient_lipschitz": gradient_lipschitz}
        constants |= {"hessian_lipschitz": hessian_lipschitz, "f_error": f_error}
        return Result.verify(self, f, bounds, grad=grad, hessian=hessian, **constants)

    def _recompute(self, f: Any, bounds: object, **given: Any) -> tuple[Certificate, ...]:
        from minimand.global_search.verification import recompute

        return recompute(self, f, bounds, **given)


def certificates(
    *,
    gap: float,
    tol: float,
    certified: bool,
    excess: float,
    rounding: float,
    value: float,
) -> tuple[Certificate, ...]:
    """Return the certificates of a result."""
    found = [
        Certificate(
            "value at x",
            value,
            rounding,
            "difference between fun and f at x, computed anew",
            rounding,
        )
    ]
    if math.isfinite(gap):
        found += [
            Certificate(
                "excess of the lower bound",
                excess,
                rounding + _REBUILT * tol,
                "how much lower_bound is above the least bound of a cover of the box",
                rounding + _REBUILT * tol,
            ),
            Certificate(
                "gap",
                gap,
                tol if certified else math.inf,
                "how far fun may be above the minimum, if the constants are right",
                rounding,
            ),
        ]
    return tuple(found)
