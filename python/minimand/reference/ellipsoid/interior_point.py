"""The minimum-volume ellipsoid of a few points by a predictor-corrector interior-point method.

On the dual, with lifted points ``q_i = (y_i, 1)`` in dimension D = d + 1:

    maximise log det Q(u),  Q = sum_i u_i q_i q_i',  subject to  u >= 0, sum u = 1.

With ``kappa_i = q_i' Q^-1 q_i`` the optimum has kappa_i + s_i = eta, u_i s_i = 0, s >= 0, eta = D.
"""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

TO_BOUNDARY = 0.999  # of the way
PATIENCE = 8  # steps without a smaller gap
GROWTH = 1e-4  # of what the slope promises
NOISE = 1e-14  # of an objective: less cannot be seen
HALVINGS = 40
START = 1.05  # times the largest kappa: the first eta

# Places in `report`
ETA, GAP, BEST, WASTED, OUTCOME = range(5)
RUNNING, CONVERGED, STALLED = 0.0, 1.0, 2.0


def interior_point_start(q: Array, weights: Array, slack: Array, report: Array) -> None:
    """Set slack and report for weights > 0 that add up to 1: eta = 1.05 max kappa."""
    L = _factor(q, weights)
    report[:] = 0.0, np.inf, np.inf, 0.0, STALLED
    if L is not None:
        kappa = (np.linalg.solve(L, q.T) ** 2).sum(axis=0)
        report[[ETA, OUTCOME]] = START * kappa.max(), RUNNING
        slack[:] = report[ETA] - kappa


@np.errstate(all="ignore")
def interior_point_steps(
    q: Array,
    weights: Array,
    slack: Array,
    best: Array,
    report: Array,
    tol: float,
    max_iterations: int,
    threads: int,
) -> int:
    """At most `max_iterations` predictor-corrector steps; return how many were done.

    ``report`` is (eta, gap, best gap, steps without a better one, outcome): the gap is
    d/2 log((max kappa - 1)/d), by which the weights miss the optimum; ``best`` are the weights that
    had the smallest so far. Outcome 0: more to do; 1: gap <= tol; 2: no further progress.
    """
    k, D = q.shape
    u, s = weights, slack
    report[OUTCOME] = STALLED
    L = _factor(q, u)
    for done in range(max_iterations):
        if L is None:
            return done
        # Where we are
        Z = np.linalg.solve(L, q.T).T
        G = Z @ Z.T
        kappa = np.diag(G).copy()
        if not np.isfinite(kappa).all():
            return done
        total = u.sum()
        report[GAP] = 0.5 * (D - 1) * np.log(max((kappa.max() * total - 1.0) / (D - 1), 1.0))
        if report[GAP] < report[BEST]:
            report[[BEST, WASTED]] = report[GAP], 0.0
            best[:] = u / total
        else:
            report[WASTED] += 1.0
        if report[GAP] <= tol:
            report[OUTCOME] = CONVERGED
            return done
        newton = _Newton(u, s, kappa + s - report[ETA], 1.0 - total, G)
        if not report[WASTED] < PATIENCE or newton.inverse is None:
            return done

        # Predictor, then the corrector for what it leaves
        du, ds, _ = newton.direction(-u * s)
        step = min(1.0, _to_boundary(u, du), _to_boundary(s, ds))
        mu = (u @ s) / k
        after = ((u + step * du) @ (s + step * ds)) / k
        theta = (after / mu) ** 3 * mu
        gradient = kappa + theta / u
        du, ds, d_eta = newton.direction(theta - u * s - du * ds)
        if not gradient @ du > 0.0:  # the corrector leads astray
            du, ds, d_eta = newton.direction(theta - u * s)

        # The step must increase the objective: far from the optimum kappa is anything but linear.
        before, promise = _objective(L, u, theta), GROWTH * (gradient @ du)
        noise = NOISE * (D + abs(before))
        step = min(1.0, TO_BOUNDARY * min(_to_boundary(u, du), _to_boundary(s, ds)))
        if not (np.isfinite(du).all() and np.isfinite(ds).all()):
            return done
        for _ in range(HALVINGS + 1):
            L = _factor(q, u + step * du)
            if L is not None and (
                _objective(L, u + step * du, theta) >= before + step * promise - noise
            ):
                break
            step *= 0.5
        else:
            return done
        u += step * du
        s += step * ds
        report[ETA] += step * d_eta
    report[OUTCOME] = RUNNING
    return max_iterations


class _Newton:
    """Newton's equations: (G o G + diag(s/u)) du = r_d + r_c/u - d_eta, 1'du = r_p.

    Scaled by W = diag(sqrt(u/s)) the matrix is K = I + W (G o G) W.
    """

    def __init__(self, u: Array, s: Array, r_d: Array, r_p: float, G: Array) -> None:
        self.u, self.s, self.r_d, self.r_p = u, s, r_d, r_p
        self.w = np.sqrt(u / s)
        self.inverse: Array | None = None
        try:
            K = G * G * np.outer(self.w, self.w) + np.eye(len(u))
            self.inverse = np.linalg.inv(np.linalg.cholesky(K))
        except np.linalg.LinAlgError:
            return
        self.e = self._solve(np.ones(len(u)))

    def direction(self, r_c: Array) -> tuple[Array, Array, float]:
        """Return du, ds and d_eta."""
        a = self._solve(self.r_d + r_c / self.u)
        d_eta = float((a.sum() - self.r_p) / self.e.sum())
        du = a - d_eta * self.e
        return du, (r_c - self.s * du) / self.u, d_eta

    def _solve(self, right: Array) -> Array:
        assert self.inverse is not None
        solution: Array = self.w * (self.inverse.T @ (self.inverse @ (self.w * right)))
        return solution


def _factor(q: Array, u: Array) -> Array | None:
    """Return L with L L' = Q(u), None where Q is not positive definite."""
    try:
        L = np.asarray(np.linalg.cholesky((q * u[:, np.newaxis]).T @ q), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return L if np.isfinite(L).all() else None


def _objective(L: Array, u: Array, theta: float) -> float:
    """Return log det Q(u) + theta sum log u, which Newton's directions for theta increase."""
    return float(2.0 * np.log(np.diag(L)).sum() + theta * np.log(u).sum())


def _to_boundary(v: Array, dv: Array) -> float:
    """Return the largest step for which v + step dv >= 0."""
    fastest = np.max(-dv / v)
    return float(1.0 / fastest) if fastest > 0.0 else np.inf
