"""One body, x[t+1] = A x[t] + B u[t]: what it can reach, and sweeps along its path."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


def lower_factor(M: Array) -> Array:
    """Return the square lower triangle L with L L' = M M', by Householder reflections of M'."""
    n = len(M)
    L = np.zeros((n, n))
    R = np.asarray(np.linalg.qr(M.T, mode="r"))
    L[:, : len(R)] = R.T
    return L


@np.errstate(all="ignore")
def reach_factor(A: Array, B: Array, steps: int, L: Array, P: Array) -> None:
    """Set ``P := A^steps`` and ``L`` with ``L L' = sum_{k < steps} A^k B B' A'^k``.

    Doubling over the bits of `steps`, the most significant first. What overflows is not finite.
    """
    reach, power = np.zeros_like(A), np.eye(len(A))
    for bit in f"{steps:b}":
        reach, power = lower_factor(np.hstack([reach, power @ reach])), power @ power
        if bit == "1":
            reach, power = lower_factor(np.hstack([A @ reach, B])), A @ power
        if not (np.isfinite(reach).all() and np.isfinite(power).all()):
            reach[...] = power[...] = np.nan
            break
    L[...], P[...] = reach, power


def adjoint_sweep(A: Array, B: Array, mu: Array, y: Array) -> None:
    """From ``mu[T]`` down ``y[t] := B' mu[t+1]``, ``mu[t] = A' mu[t+1]``; ``mu`` becomes mu[0]."""
    for t in reversed(range(len(y))):
        y[t] = B.T @ mu
        mu[...] = A.T @ mu


def rollout(A: Array, B: Array, u: Array, x: Array) -> None:
    """From ``x[0]``, which is given, ``x[t+1] := A x[t] + B u[t]``."""
    for t in range(len(u)):
        x[t + 1] = A @ x[t] + B @ u[t]


def input_rows(A: Array, B: Array, Phi: Array, rows: Array) -> None:
    """Set row ``t m + j`` of `rows` to ``Phi A^(T-1-t) B[:, j]``; ``Phi`` becomes ``Phi A^T``."""
    m = B.shape[1]
    for t in reversed(range(len(rows) // m)):
        rows[t * m : (t + 1) * m] = (Phi @ B).T
        Phi[...] = Phi @ A
