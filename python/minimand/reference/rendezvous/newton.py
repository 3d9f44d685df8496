"""Bounded inputs of least energy: Newton's method on the dual, in as many dimensions as conditions.

    minimise |w|^2  subject to  F'w = d,  |w_g| <= b_g  for each group g of entries,
    maximise  2 eta'd - sum_g (2 y_g'w_g - |w_g|^2),   y = F eta,  w_g = y_g cut to length b_g.

The first `first` entries form groups of `m1`, the others groups of `m2`. Newton's matrix is that of
Qi and Sun, Math. Program. 58 (1993) 353.
"""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernel

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

MORE, DONE, IMPOSSIBLE, STALLED = 0.0, 1.0, 2.0, 3.0
MARGIN = 1e-11  # by which d must lie beyond what can be reached
LEAST_DAMPING, MOST_DAMPING = 1e-15, 1e-2
ROUNDING, MOST_ROUNDING = 1e-14, 1e-8
TRIALS = 60


def lengths(y: Array, first: int, m1: int, m2: int) -> Array:
    """Return |y_g| of every group."""
    return np.sqrt(group_sums(y * y, first, m1, m2))


def group_sums(values: Array, first: int, m1: int, m2: int) -> Array:
    """Add up the rows of a group."""
    tail = values.shape[1:]
    parts = (values[:first].reshape(-1, m1, *tail), values[first:].reshape(-1, m2, *tail))
    return np.concatenate([part.sum(axis=1) for part in parts])


def spread(values: Array, first: int, m1: int, m2: int) -> Array:
    """Repeat the value of a group for each of its entries."""
    groups = first // m1
    return np.concatenate([np.repeat(values[:groups], m1), np.repeat(values[groups:], m2)])


def cut(y: Array, bounds: Array, first: int, m1: int, m2: int) -> tuple[Array, Array]:
    """Return w and the lengths |y_g|."""
    size = lengths(y, first, m1, m2)
    if m1 == m2 == 1:
        return np.clip(y, -bounds, bounds), size
    share = np.where(size > bounds, bounds / np.where(size > 0, size, 1.0), 1.0)
    return y * spread(share, first, m1, m2), size


def curvature(F: Array, y: Array, size: Array, bounds: Array, sizes: tuple[int, int, int]) -> Array:
    """Return ``sum F_g' J_g F_g``, J_g the derivative of the cut at y_g."""
    over = size > bounds
    if sizes[1:] == (1, 1):
        kept = F[~over]
        return np.asarray(kept.T @ kept)
    share = np.where(over, bounds / np.where(over, size, 1.0), 1.0)
    weighted = spread(share, *sizes)[:, np.newaxis] * F
    # Along y_g nothing moves beyond the bound: take y_g y_g' / |y_g|^2 away there.
    T = group_sums(F * y[:, np.newaxis], *sizes)[over]
    T *= (np.sqrt(share[over]) / size[over])[:, np.newaxis]
    return np.asarray(F.T @ weighted - T.T @ T)


@np.errstate(all="ignore")
def dual_newton_steps(
    F: Array,
    first: int,
    m1: int,
    m2: int,
    bounds: Array,
    d: Array,
    free: Array,
    tol: float,
    max_iterations: int,
    eta: Array,
    y: Array,
    w: Array,
    report: Array,
    threads: int,
) -> int:
    """At most `max_iterations` steps from ``eta``; return how many were done.

    ``y`` (N,), ``w`` (N,) belong to eta at the end. ``report`` is (dual value, |d - F'w|, eta'd,
    support, what happened, damping, |d - F'w| before): 0 more to do, 1 |d - F'w| <= tol |d|, or
    rounding, 2 impossible: eta'd is more than any w within its bounds can give, 3 no further
    progress. The last two, 1e-4 and infinity at first, go on from call to call. Where entries have
    no bound, `free` is an orthonormal basis of the eta on which these entries have no influence,
    and eta is projected on it before it may prove anything; without columns nothing is impossible.
    """
    sizes = (first, m1, m2)
    size_of_d = math.sqrt(d @ d)
    bounded = np.isfinite(bounds)
    for done in range(max_iterations + 1):
        y[...] = F @ eta
        w[...], size = cut(y, bounds, *sizes)
        r = d - F.T @ w
        norm = math.sqrt(r @ r)
        report[:5] = 2 * (eta @ d) - np.sum(2 * y * w - w * w), norm, eta @ d, 0.0, MORE
        # A hyperplane between d and all that can be reached
        if free.shape[1]:
            ray, reach = eta, size
            if free.shape[1] < len(eta):
                ray = free @ (free.T @ eta)
                reach = lengths(F @ ray, *sizes)
            support = np.sum(bounds[bounded] * reach[bounded])
            report[3] = support
            if ray @ d > support * (1 + MARGIN) and ray @ d > 0:
                report[2] = ray @ d
                report[4] = IMPOSSIBLE
                eta[...] = ray
                return done
        # Rounding of y leaves the more the larger eta is; it shows when nothing gets better.
        rounding = min(ROUNDING * math.sqrt(eta @ eta), MOST_ROUNDING * size_of_d)
        stays, report[6] = norm > 0.5 * report[6], norm
        if norm <= tol * size_of_d or (norm <= rounding and stays):
            report[4] = DONE
            return done
        if done == max_iterations:
            break
        # Newton's direction, damped in proportion to what is missing
        H = curvature(F, y, size, bounds, sizes)
        damping = report[5] * min(1.0, norm / size_of_d) + LEAST_DAMPING
        s = np.linalg.solve(H + damping * np.eye(len(d)), r)
        alpha = line_search(F @ s, y, bounds, float(d @ s), float(r @ s), sizes)
        if not alpha > 0:
            report[4] = STALLED
            return done
        eta += alpha * s
        # A longer step than Newton's says that it was damped too much, a short one the contrary.
        change = 0.01 if alpha > 1.5 else 10.0 if alpha < 0.2 else 1.0
        report[5] = min(max(change * report[5], LEAST_DAMPING), MOST_DAMPING)
    return max_iterations


def line_search(
    ys: Array, y: Array, bounds: Array, ds: float, slope: float, sizes: tuple[int, int, int]
) -> float:
    """Return a step at which the slope of the concave dual is a tenth of its first one, or less.

    Newton's own step if it is; beyond it by factors of 4, back by the secant kept in the bracket.
    An end that stays has its slope halved (the Illinois rule).
    """
    if not slope > 0:
        return 0.0
    low, high, slope_low, slope_high = 0.0, math.inf, slope, -math.inf
    alpha = 1.0
    for _ in range(TRIALS):
        now = ds - float(np.sum(cut(y + alpha * ys, bounds, *sizes)[0] * ys))
        if abs(now) <= 0.1 * slope or not math.isfinite(now):
            return alpha if math.isfinite(now) else low
        if now > 0:
            slope_high *= 0.5 if low > 0 else 1.0
            low, slope_low = alpha, now
        else:
            slope_low *= 0.5 if high < math.inf else 1.0
            high, slope_high = alpha, now
        if math.isinf(high):
            alpha *= 4.0
        else:
            share = slope_low / (slope_low - slope_high)
            alpha = low + (high - low) * min(max(share, 0.1), 0.9)
    return low


@np.errstate(all="ignore")
def correct_inputs(
    F: Array,
    first: int,
    m1: int,
    m2: int,
    bounds: Array,
    missing: Array,
    y: Array,
    w: Array,
    threads: int,
) -> None:
    """Add to ``w`` the shortest inputs with ``F'dw = missing`` that move along the bounds at y."""
    sizes = (first, m1, m2)
    size = lengths(y, *sizes)
    H = curvature(F, y, size, bounds, sizes) + LEAST_DAMPING * np.eye(len(missing))
    dw = F @ np.linalg.solve(H, missing)
    over = size > bounds
    if m1 == m2 == 1:
        dw = np.where(over, 0.0, dw)
    else:
        share = np.where(over, bounds / np.where(over, size, 1.0), 1.0)
        along = np.where(over, group_sums(y * dw, *sizes) / np.where(over, size * size, 1.0), 0.0)
        dw = spread(share, *sizes) * (dw - spread(along, *sizes) * y)
    w[...] = cut(w + dw, bounds, *sizes)[0]
