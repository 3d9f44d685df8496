"""The least bound on the thrust: a sum of norms on a plane, by a primal-dual Newton method.

    minimise h(eta) = sum_g |F_g eta|  subject to  d'eta = 1.

Every p with |p_g| <= 1 and F'p = theta d shows that inputs p/theta, no longer than 1/theta, meet;
every eta shows that none shorter than 1/h(eta) do. Steps of K. D. Andersen, E. Christiansen,
A. R. Conn, M. L. Overton, SIAM J. Sci. Comput. 22 (2000) 243.
"""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernel

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand.reference.rendezvous.newton import group_sums, lengths, spread

Array: TypeAlias = NDArray[np.float64]

LEAST_BETA = 1e-17
TO_BOUNDARY = 0.99


@np.errstate(all="ignore")
def thrust_newton_steps(
    F: Array,
    first: int,
    m1: int,
    m2: int,
    d: Array,
    basis: Array,
    tol: float,
    max_iterations: int,
    eta: Array,
    p: Array,
    y: Array,
    best_eta: Array,
    best_p: Array,
    state: Array,
    threads: int,
) -> int:
    """At most `max_iterations` steps on ``eta`` and ``p``, in place; return how many were done.

    `basis` (r, r - 1) is orthonormal and spans d'eta = 0. ``state`` = (beta, upper bound, lower
    bound, what happened): 0 more to do, 1 the bounds are within tol of each other, 2 no further
    progress. The bounds belong to ``best_p`` and ``best_eta``.
    """
    sizes = (first, m1, m2)
    for done in range(max_iterations + 1):
        y[...] = F @ eta
        size = lengths(y, *sizes)
        improved = keep_best(F, sizes, d, eta, p, float(size.sum()), best_eta, best_p, state)
        if np.isfinite(state[1]) and state[1] - state[2] <= tol * state[1]:
            state[3] = 1.0
            return done
        if state[0] <= LEAST_BETA and not improved:
            state[3] = 2.0
            return done
        if done == max_iterations:
            break
        beta = state[0]
        s = np.sqrt(size * size + beta * beta)
        each = spread(s, *sizes)
        # M = (I - (p y' + y p')/(2 s))/s
        G = F / each[:, np.newaxis]
        P = group_sums(F * p[:, np.newaxis], *sizes)
        Y = group_sums(F * y[:, np.newaxis], *sizes) / (2 * s * s)[:, np.newaxis]
        cross = P.T @ Y
        H = F.T @ G - cross - cross.T
        gradient = F.T @ (y / each)
        if basis.shape[1]:
            reduced = basis.T @ H @ basis
            delta = -basis @ solve(reduced, basis.T @ gradient)
        else:
            delta = np.zeros_like(eta)
        dy = F @ delta
        py, yy = group_sums(p * dy, *sizes), group_sums(y * dy, *sizes)
        turn = (spread(yy, *sizes) * p + spread(py, *sizes) * y) / (2 * each)
        target = (y + dy - turn) / each
        share = step_length(p, target - p, sizes)
        p += share * (target - p)
        eta += delta
        factor = 0.1 if share > 0.9 else 0.3 if share > 0.3 else 0.7
        state[0] = max(LEAST_BETA, factor * beta)
    return max_iterations


def keep_best(
    F: Array,
    sizes: tuple[int, int, int],
    d: Array,
    eta: Array,
    p: Array,
    h: float,
    best_eta: Array,
    best_p: Array,
    state: Array,
) -> bool:
    """Keep p if its bound is smaller, eta if its bound is larger; tell whether one is so."""
    theta = float(F.T @ p @ d / (d @ d))
    longest = float(lengths(p, *sizes).max())
    upper = longest / theta if theta > 0 else np.inf
    lower = float(eta @ d) / h if h > 0 else 0.0
    improved = upper < state[1] * (1 - 1e-15) or lower > state[2] * (1 + 1e-15)
    if upper < state[1]:
        best_p[...], state[1] = p / theta, upper
    if lower > state[2]:
        best_eta[...], state[2] = eta, lower
    return bool(improved)


def step_length(p: Array, dp: Array, sizes: tuple[int, int, int]) -> float:
    """Return 1, or 0.99 of the way to the first |p_g| = 1."""
    a = group_sums(dp * dp, *sizes)
    b = group_sums(p * dp, *sizes)
    c = np.minimum(group_sums(p * p, *sizes) - 1.0, 0.0)
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    reach = np.where(b > 0, -c / (b + root), (root - b) / a)
    least = float(np.nanmin(np.where(a > 0, reach, np.inf), initial=np.inf))
    return min(1.0, TO_BOUNDARY * least)


def solve(H: Array, g: Array) -> Array:
    """Solve with a scaled diagonal and the least damping that keeps it definite."""
    scale = 1 / np.sqrt(np.maximum(np.diag(H), np.finfo(float).tiny))
    scaled = H * scale[:, np.newaxis] * scale
    scaled[np.diag_indices(len(H))] += 1e-15
    try:
        return np.asarray(scale * np.linalg.solve(scaled, scale * g))
    except np.linalg.LinAlgError:
        return np.zeros_like(g)
