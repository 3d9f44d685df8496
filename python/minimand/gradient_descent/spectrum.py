"""Extreme eigenvalues of Gram matrices, as brackets that hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.backend import kernels
from minimand._common.iterate import row_chunks
from minimand.gradient_descent.objectives import ROUNDING, Logistic, Objective
from minimand.reference.gradient_descent.loop import EPS

DENSE = 2000  # rows up to which all eigenvalues are computed
_SQUARINGS = 6


@dataclass(frozen=True, slots=True)
class Curvature:
    """The least and the largest curvature of an objective.

    L is in [lower, upper], `exact` but for rounding; `strong` is a lower bound of the least
    curvature, and `hessian` what it was computed from, if that is the Hessian.
    """

    lower: float
    upper: float
    exact: bool
    strong: float
    hessian: Floats | None
    method: str


def curvature(f: Objective, backend: str, threads: int) -> Curvature:
    """Return L and the strong convexity of a built-in objective."""
    if f.kind == 2:
        Q = f.hess(np.zeros(f.dimension))
        least, low, high, exact = bracket(Q)
        return Curvature(low, high, exact, max(least, 0.0), Q, _method(exact))
    A = f.arrays[0]
    wide = A.shape[0] < A.shape[1]
    G = gram(np.ascontiguousarray(A.T) if wide else A, backend, threads)
    least, low, high, exact = bracket(G)
    # The kernel sums up the squares in blocks; what that loses is as small as this.
    lost = ROUNDING * np.sqrt(max(A.shape)) * float(np.trace(G))
    factor = f.scale / 4.0 if isinstance(f, Logistic) else f.scale
    strong = 0.0 if wide or isinstance(f, Logistic) else factor * max(least - lost, 0.0)
    hessian = None
    if not wide and not isinstance(f, Logistic):
        hessian = f.scale * G
        hessian[np.diag_indices_from(hessian)] += f.ridge
    return Curvature(
        factor * low + f.ridge, factor * high + f.ridge, exact, strong + f.ridge, hessian,
        _method(exact),
    )  # fmt: skip


def gram(A: Floats, backend: str, threads: int) -> Floats:
    """Return A'A."""
    n, p = A.shape
    pass_ = kernels("least_squares", backend).gram_pass
    none = np.empty((n, 0))
    total, part = np.zeros((p, p)), np.empty((p, p))
    for begin, end in row_chunks(n, p * p / 2, 1024, elements_per_row=p):
        pass_(A, none, np.empty(0), np.zeros(p), np.ones(p), False, begin, end, part, threads)
        total += part
    return total


def bracket(G: Floats) -> tuple[float, float, float, bool]:
    """Return (lower bound of the least eigenvalue, bounds of the largest |eigenvalue|, exact).

    All eigenvalues up to 2000 rows. Beyond, Gram iteration: for even k the k-th root of the trace
    of G^k is an upper bound, by at most the factor m^(1/k), and the Rayleigh quotient of the
    heaviest column of G^k a lower one (Delattre et al., arXiv:2305.16173).
    """
    m = len(G)
    if m <= DENSE:
        values = np.linalg.eigvalsh(G)
        largest = float(np.abs(values).max())
        slack = m * EPS * largest
        return float(values[0]) - slack, largest - slack, largest + slack, True
    power, log, k = G, 0.0, 1
    for _ in range(_SQUARINGS):
        size = float(np.linalg.norm(power))
        if size == 0.0:
            return 0.0, 0.0, 0.0, True
        power = power / size
        power = power @ power
        log, k = 2.0 * (log + np.log(size)), 2 * k
    slack = 1.0 + m * EPS
    upper = float(np.exp((log + np.log(np.trace(power))) / k)) * slack
    column = power[:, int(np.argmax(np.diag(power)))]
    column = column / np.linalg.norm(column)
    lower = float(np.linalg.norm(G @ column)) / slack
    return -upper, lower, upper, False


def _method(exact: bool) -> str:
    return "eigenvalues" if exact else "gram iteration"
