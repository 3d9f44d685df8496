"""What is searched: a box, what is known of f, and how f is asked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, nonnegative_float, positive_float
from minimand._common.conversion import real_array, wrong_type
from minimand.global_search.quadratic import Quadratic

EPS = 2.0**-52
MOST_VARIABLES = 30
ENOUGH = 1.0 + 1e-6  # a gap of tol times this is closed: bounds have rounding errors
NEAR = 1e-3  # of tol: a bound that is no higher above fun may be one of a minimiser
INF = math.inf

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """Lipschitz constants of f, its gradient and its Hessian, infinite where unknown.

    `slopes` bounds the partial derivatives one by one; `margin` is the error of f.
    """

    lipschitz: float
    slopes: Floats
    curvature: float
    third: float
    margin: float

    @property
    def vector(self) -> Floats:
        """M, K, M_H and the margin, as kernels take them."""
        return np.array([self.lipschitz, self.curvature, self.third, self.margin])

    @property
    def of_values(self) -> bool:
        """Whether f itself has a constant."""
        return math.isfinite(self.lipschitz) or bool(np.isfinite(self.slopes).all())

    @property
    def known(self) -> bool:
        """Whether anything is known."""
        return self.of_values or math.isfinite(self.curvature) or math.isfinite(self.third)


def as_box(name: str, value: object) -> tuple[Floats, bool]:
    """Return bounds (n, 2), and whether they are of one number: (a, b) instead of pairs."""
    array = real_array(name, value)
    scalar = array.shape == (2,)
    if not scalar and (array.ndim != 2 or array.shape[1] != 2 or array.size == 0):
        raise ValueError(
            f"{name} has shape {array.shape}, expected a pair (a, b) or pairs (n, 2), one for each "
            "variable"
        )
    box = np.array(array, dtype=np.float64, order="C").reshape(-1, 2)
    low, high = box[:, 0], box[:, 1]
    with np.errstate(all="ignore"):
        width = high - low
    inverted = low >= high if scalar else low > high
    for bad, what, expected in (
        (~np.isfinite(box).all(axis=1), "a number that is not finite", "finite numbers"),
        (inverted, "a low end that is not below the high one", "a < b" if scalar else "a <= b"),
        (~np.isfinite(width), "a width beyond the largest number", "a narrower box"),
    ):
        if bad.any():
            i = int(bad.argmax())
            raise ValueError(
                f"{name} has {what} at entry {i} {tuple(box[i].tolist())}, expected {expected}"
            )
    if len(box) > MOST_VARIABLES:
        raise ValueError(f"{name} has {len(box)} pairs, expected at most {MOST_VARIABLES}")
    return box, scalar


def as_constants(
    f: object,
    box: Floats,
    lipschitz: object,
    gradient_lipschitz: object,
    hessian_lipschitz: object,
    f_error: object,
) -> Constants:
    """Return the constants that were given; a quadratic function has its own."""
    n = len(box)
    M, slopes = INF, np.full(n, INF)
    if isinstance(lipschitz, (list, tuple, np.ndarray)) and np.ndim(lipschitz) > 0:
        slopes = np.array(real_array("lipschitz", lipschitz), dtype=np.float64)
        if slopes.shape != (n,) or not (np.isfinite(slopes).all() and (slopes > 0.0).all()):
            raise ValueError(
                f"lipschitz is {slopes}, expected a finite number > 0, or {n} of them, one for "
                "each variable"
            )
    elif lipschitz is not None:
        M = positive_float("lipschitz", lipschitz)
    K = (
        INF
        if gradient_lipschitz is None
        else positive_float("gradient_lipschitz", gradient_lipschitz)
    )
    third = (
        INF
        if hessian_lipschitz is None
        else nonnegative_float("hessian_lipschitz", hessian_lipschitz)
    )
    if isinstance(f, Quadratic):
        third = 0.0
        K = f.curvature if gradient_lipschitz is None else K
        slopes = f.slopes(box) if lipschitz is None else slopes
    return Constants(
        lipschitz=min(M, float(slopes[0])) if n == 1 else M,
        slopes=slopes,
        curvature=K,
        third=third,
        margin=nonnegative_float("f_error", f_error),
    )


def as_function(name: str, value: object) -> Function:
    """Return `value`, which must be callable."""
    if not callable(value):
        raise wrong_type(name, value, "a function")
    return value


def grid_counts(box: Floats, constants: Constants, lipschitz: float, tol: float) -> list[int]:
    """Return the cells along each axis of a grid whose centres are near enough to everything.

    Half the diagonal times M, or sum M_j h_j, is at most tol.
    """
    n, width = len(box), box[:, 1] - box[:, 0]
    if math.isfinite(lipschitz):
        wanted = width * math.sqrt(n) * lipschitz / (2.0 * tol)
    else:
        wanted = width * n * constants.slopes / (2.0 * tol)
    return [max(1, math.ceil(count)) if math.isfinite(count) else 1 for count in wanted.tolist()]


def rounding_of(values: Function, box: Floats, K: float, f_error: float) -> float:
    """Return the rounding of f in a box, eps (|f| + |x| |f'|), or its error if that is larger.

    |f| and |f'| are bounded by K and by the values at the centre and at the ends of the axes.
    """
    low, high = box.T
    c, h = low + 0.5 * (high - low), 0.5 * (high - low)
    ends = np.concatenate([c + np.diag(h), c - np.diag(h)])
    found = values(np.clip(np.concatenate([c[np.newaxis], ends]), low, high))
    rise = np.abs(found[1 : 1 + len(c)] - found[1 + len(c) :])
    slope = np.divide(rise, 2.0 * h, out=np.zeros_like(h), where=h > 0.0) + 0.5 * K * h
    r = float(np.linalg.norm(h))
    size = abs(float(found[0])) + float(slope @ h) + 0.5 * K * r * r
    move = float(np.maximum(np.abs(low), np.abs(high)) @ (slope + K * r))
    return max(f_error, 16.0 * EPS * (size + move))
