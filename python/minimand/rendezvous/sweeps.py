"""Sweeps along the path of a body, in pieces between which Ctrl-C can act."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats
from minimand.rendezvous.system import Body

_PIECE = 2e7  # multiply-adds of one call: some 20 ms


def pieces(steps: int, work: float) -> list[tuple[int, int]]:
    """Cut `steps` steps of so many multiply-adds into ranges (begin, end)."""
    size = max(1, int(_PIECE / work))
    return [(begin, min(begin + size, steps)) for begin in range(0, steps, size)]


def _work(B: Floats) -> float:
    n, m = B.shape
    return float(n * (n + m) + 16)


def adjoint(
    kernels: ModuleType, body: Body, multiplier: Floats, steps: int
) -> tuple[Floats, Floats]:
    """Return y (T, m), y[t] = B'mu[t+1], and mu[0], for mu[T] = E'multiplier."""
    mu = body.E.T @ multiplier
    y = np.empty((steps, body.B.shape[1]))
    for begin, end in reversed(pieces(steps, _work(body.B))):
        kernels.adjoint_sweep(body.A, body.B, mu, y[begin:end])
    return y, mu


def rollout(kernels: ModuleType, A: Floats, B: Floats, start: Floats, u: Floats) -> Floats:
    """Return the states (T + 1, n) from `start` under the inputs u."""
    x = np.empty((len(u) + 1, len(A)))
    x[0] = start
    for begin, end in pieces(len(u), _work(B)):
        kernels.rollout(A, B, u[begin:end], x[begin : end + 1])
    return x


def input_rows(kernels: ModuleType, body: Body, phi: Floats, steps: int) -> Floats:
    """Return (T m, r): row t m + j is phi A^(T-1-t) B[:, j]."""
    m = body.B.shape[1]
    rows = np.empty((steps * m, len(phi)))
    running = np.array(phi)
    for begin, end in reversed(pieces(steps, len(phi) * _work(body.B))):
        kernels.input_rows(body.A, body.B, running, rows[begin * m : end * m])
    return rows
