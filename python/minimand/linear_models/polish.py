"""Small linear systems solved to the last digit, and sums of products without cancellation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.reference.least_squares.double_double import two_prod

_STEPS = 3


class Basis(NamedTuple):
    """The fit theta of a reference, its height h and the dual y'dual = h, sum |dual| = 1."""

    theta: Floats
    height: float
    dual: Floats


def solve_reference(A: Floats, y: Floats, signs: Floats) -> Basis | None:
    """Solve [A s] (theta, h) = y and A'dual = 0, s'dual = 1 for q = p + 1 rows; None if singular.

    With refinement in twice the precision, so that both are as good as their rounded numbers.
    """
    M = np.column_stack([A, signs])
    last = np.append(np.zeros(A.shape[1]), 1.0)
    try:
        with np.errstate(all="ignore"):
            factor = scipy.linalg.lu_factor(M)
            fit = _refined(M, y, lambda b: scipy.linalg.lu_solve(factor, b))
            dual = _refined(M.T, last, lambda b: scipy.linalg.lu_solve(factor, b, trans=1))
    except (np.linalg.LinAlgError, ValueError):
        return None
    if not (np.isfinite(fit).all() and np.isfinite(dual).all() and dual.any()):
        return None
    dual = dual / np.abs(dual).sum()
    return Basis(fit[:-1], float(fit[-1]), dual)


def _refined(M: Floats, b: Floats, solve: Callable[[Floats], Floats]) -> Floats:
    high = solve(b)
    low = np.zeros_like(high)
    for _ in range(_STEPS):
        step = low + solve(remainders(M, (high, low), b))
        total = high + step
        low = step - (total - high)
        high = total
    return high


def remainders(M: Floats, x: tuple[Floats, ...], b: Floats) -> Floats:
    """Return b - M sum(x), each entry rounded once or twice."""
    parts = [part for term in x for part in two_prod(M, np.broadcast_to(term, M.shape))]
    rows = zip(b.tolist(), (-np.hstack(parts)).tolist(), strict=True)
    return np.array([math.fsum([b_i, *products]) for b_i, products in rows])


def balanced(A: Floats, dual: Floats, target: Floats) -> tuple[Floats, float]:
    """Return A'dual - target, rounded once, and its largest entry over sum |dual| max |A_j|."""
    rest = -remainders(np.ascontiguousarray(A.T), (dual,), target)
    size = np.abs(dual).sum() * np.abs(A).max(axis=0, initial=0.0) + np.abs(target)
    share = np.divide(np.abs(rest), size, out=np.zeros_like(rest), where=size > 0)
    return rest, float(share.max(initial=0.0))


def corrected(A: Floats, dual: Floats, target: Floats) -> NDArray[np.float64]:
    """Return the multipliers with A'dual = target that are nearest to the given ones."""
    rest, _ = balanced(A, dual, target)
    if not rest.any():
        return dual
    unit = np.abs(A).max(axis=0, initial=0.0)
    unit[unit == 0] = 1.0
    answer: Floats = dual - np.linalg.lstsq((A / unit).T, rest / unit)[0]
    return answer
