"""The linear systems of Newton's method: from the Hessian, or from sqrt(V) Z where that is lost."""

from __future__ import annotations

import numpy as np
import scipy

from minimand._common.arrays import Floats
from minimand.linear_models.glm import LOGISTIC, Glm, Point


class Solver:
    """A matrix H = L L' or R'R near the Hessian, to solve with; equilibrated by its diagonal."""

    def __init__(self, hessian: Floats) -> None:
        diagonal = np.sqrt(np.maximum(np.diag(hessian), 0.0))
        self._unit = np.where(diagonal > 0, diagonal, 1.0)
        scaled = hessian / self._unit / self._unit[:, None]
        scaled[np.diag_indices_from(scaled)] += diagonal == 0.0  # columns of zeros stay out of it
        self._lower, info = scipy.linalg.lapack.dpotrf(scaled, lower=1)
        self.condition = 0.0  # reciprocal
        if info == 0 and np.isfinite(hessian).all():
            norm = np.abs(scaled).sum(axis=0).max()
            self.condition = float(scipy.linalg.lapack.dpocon(self._lower, norm, uplo="L")[0])

    def solve(self, right: Floats) -> Floats:
        """Return H^-1 right."""
        z: Floats = scipy.linalg.lapack.dpotrs(self._lower, right / self._unit, lower=1)[0]
        x: Floats = z / self._unit
        return x


class Triangle:
    """The same from R with R'R = H."""

    def __init__(self, R: Floats) -> None:
        self._unit = np.linalg.norm(R, axis=0)
        self._unit[self._unit == 0.0] = 1.0
        self._R = R / self._unit

    def least_squares(self, rotated: Floats) -> Floats:
        """Return the minimiser of |R x - rotated|, the shortest where R is singular."""
        found = np.linalg.lstsq(self._R, rotated, rcond=1e-15)[0]
        x: Floats = found / self._unit
        return x

    def solve(self, right: Floats) -> Floats:
        """Return (R'R)^-1 right."""
        return self.least_squares(
            np.asarray(np.linalg.lstsq(self._R.T, right / self._unit, rcond=1e-15)[0])
        )


def qr_step(problem: Glm, point: Point) -> tuple[Triangle, Floats]:
    """Return the Newton step from a QR factorisation of sqrt(V) Z, which keeps small weights."""
    eta = np.clip(problem.predictor(point.theta), -700.0, 700.0)
    weights = problem.weights if problem.weights.size else np.ones(len(eta))
    if problem.family == LOGISTIC:
        small = np.exp(-np.abs(eta))
        variance = weights * small / (1.0 + small) ** 2
        # (y - mu) / V = y (1 + e^-eta) - (1 - y)(1 + e^eta): no rounded mu near 1.
        with np.errstate(over="ignore"):
            response = problem.y * (1.0 + np.exp(-eta)) - (1.0 - problem.y) * (1.0 + np.exp(eta))
    else:
        variance = weights * np.exp(eta)
        response = problem.y * np.exp(-eta) - 1.0
    R = problem.triangle(variance, response)
    p = problem.parameters
    if problem.intercept:  # from (constant, columns) to (columns, constant)
        R = R[:, [*range(1, p), 0, p]]
    if problem.penalty.any():
        root = np.sqrt(problem.penalty)
        R = np.vstack([R, np.column_stack([np.diag(root), -root * point.theta])])
    Q, triangle = np.linalg.qr(R[:, :p])
    solver = Triangle(triangle)
    return solver, solver.least_squares(Q.T @ R[:, p])
