"""The duality gap: a feasible dual point made of the residuals, and what it proves.

For any a with sum_i c_i a_i = 0 (the constant term is free) and v = X'(c a), by Fenchel duality

    min P >= D(a) = -sum_i c_i phi*(a_i) - sum_j max(|v_j| - l1, 0)^2 / (2 l2).

The residuals a_i = phi'(m_i) at the minimum are such a point; elsewhere they are repaired first,
each loss in its own way, so that they stay where phi* is finite. Rockafellar, Convex Analysis, 31.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import interruptible
from minimand.sgd.data import LOSSES, Design
from minimand.sgd.losses import balanced, conjugate, imbalance, residuals
from minimand.sgd.rates import CERTIFIED_COLUMNS, GRAM_COLUMNS, RANK

_HALVINGS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """What is minimised: sum_i c_i phi(x_i'w + b; y_i) + l2/2 ||w||^2 + l1 ||w||_1."""

    design: Design
    y: Floats
    loss: str
    l2: float
    l1: float

    def penalty(self, w: Floats) -> float:
        """Return l2/2 ||w||^2 + l1 ||w||_1."""
        value = 0.5 * self.l2 * float(np.vdot(w, w)) if self.l2 else 0.0
        return value + (self.l1 * float(np.abs(w).sum()) if self.l1 else 0.0)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known of a point.

    `gap` is objective - dual, infinite where no bound is known; `unbalanced` is |sum c a| of the
    dual point; `gradient` the norm of the gradient without l1; `noise` the mean of
    ||n c_i a_i x̃_i||^2; `margin` the least y_i m_i of a logistic model without a penalty.
    """

    objective: float
    dual: float
    gap: float
    unbalanced: float
    gradient: float
    noise: float
    margin: float = -np.inf


@np.errstate(all="ignore")
def full_gradient(problem: Problem, theta: Floats) -> tuple[float, Floats, Floats]:
    """Return sum_i c_i phi_i, its gradient, and all n c_i a_i, in one pass over the rows.

    It is a step of length 0 with all rows as the batch, which SAGA writes into an empty table.
    """
    design, none = problem.design, np.empty((0, 0))
    table, mean, sums = np.zeros((design.rows, len(theta))), np.zeros(theta.shape), np.zeros(1)
    arguments = (
        *(*design.entries, problem.y, design.weights, np.empty(0, dtype=np.int64), 0, design.rows),
        *(LOSSES.index(problem.loss), np.zeros(1), 0.0, 0.0, 0.0, False, design.intercept, True),
        *(theta.copy(), none, none, 0, table, mean, sums),
    )
    if design.sparse:
        work = float(design.X.nnz) * len(theta)
        interruptible(4.0 * work, design.kernels.sgd_steps_csr, *arguments)
    else:
        work = float(design.rows) * design.columns * len(theta)
        interruptible(2.0 * work, design.kernels.sgd_steps, *arguments, design.threads)
    return float(sums[0]) / design.rows, mean, table


def bounds(problem: Problem, theta: Floats) -> Bounds:
    """Return objective, lower bound and gap of [w_k, b_k]."""
    if problem.l1 == 0.0 and (problem.l2 == 0.0 or has_exact_excess(problem)):
        return _exact(problem, theta)
    return _fenchel(problem, theta)


@np.errstate(all="ignore")
def _exact(problem: Problem, theta: Floats) -> Bounds:
    """Without l1: the norm of the gradient, and for squares the exact excess."""
    design, w = problem.design, theta[:, :-1]
    loss, gradient, table = full_gradient(problem, theta)
    objective = loss + problem.penalty(w)
    gradient[:, :-1] += problem.l2 * w
    gap = np.inf
    if has_exact_excess(problem):
        size = float(np.sqrt(np.vdot(table, table) / design.rows))
        gap = newton_decrement(problem, gradient[0, :-1], float(gradient[0, -1]), size)
    noise = float(np.einsum("ik,ik,i->", table, table, design.row_squares)) / design.rows
    margin = -np.inf
    if problem.loss == "logistic":
        margin = float((problem.y * design.margins(theta)[:, 0]).min())
    size = float(np.linalg.norm(gradient))
    return Bounds(objective, objective - gap, gap, 0.0, size, noise, margin)


@np.errstate(all="ignore")
def _fenchel(problem: Problem, theta: Floats) -> Bounds:
    """With a penalty: the duality gap."""
    design, y, loss = problem.design, problem.y, problem.loss
    c, w = design.shares, theta[:, :-1]
    m = design.margins(theta)
    a, phi = residuals(loss, m, y)
    objective = float(c @ phi) + problem.penalty(w)
    noise = design.rows * float(np.einsum("ik,ik,i,i,i->", a, a, c, c, design.row_squares))
    if loss == "absolute":
        dual, unbalanced, a = _absolute(problem, m[:, 0], c)
    else:
        if design.intercept:
            a = balanced(loss, m, y, c)
        dual = _value(problem, a, c)
        unbalanced = imbalance(a, c) if design.intercept else 0.0
    gap = objective - dual
    if not np.isfinite(gap):
        return Bounds(objective, -np.inf, np.inf, unbalanced, np.nan, noise)
    return Bounds(objective, dual, max(gap, 0.0), unbalanced, np.nan, noise)


def _value(problem: Problem, a: Floats, c: Floats) -> float:
    """Return D(a); with l2 = 0, of the multiple of a that is feasible."""
    v = problem.design.transposed(c[:, np.newaxis] * a)
    if problem.l2 == 0.0:
        largest = float(np.abs(v).max())
        most = problem.l1 / largest if largest > 0 else np.inf
        t = min(1.0, most)
        if problem.loss == "squared":
            square = float(c @ (a[:, 0] ** 2))
            best = -float(c @ (a[:, 0] * problem.y)) / square if square > 0 else 0.0
            t = float(np.clip(best, -most, most))
        return -conjugate(problem.loss, a, problem.y, c, t)
    excess = np.maximum(np.abs(v) - problem.l1, 0.0)
    penalty = float(np.vdot(excess, excess)) / (2.0 * problem.l2)
    return -conjugate(problem.loss, a, problem.y, c) - penalty


def _absolute(problem: Problem, m: Floats, c: Floats) -> tuple[float, float, Floats]:
    """Return the best D over a = clip((m - y) / tau, -1, 1), its imbalance, and its a."""
    miss, intercept = m - problem.y, problem.design.intercept
    unit = float(c @ np.abs(miss))
    best = -np.inf, 0.0, np.sign(miss)[:, np.newaxis]
    for halving in range(_HALVINGS + 1):
        width = unit * 0.5**halving
        a = np.clip(miss / width, -1.0, 1.0) if width > 0 else np.sign(miss)
        if intercept:
            up, down = float(c @ np.maximum(a, 0.0)), float(c @ np.maximum(-a, 0.0))
            heavy = a > 0 if up > down else a < 0
            a = np.where(heavy, a * (min(up, down) / max(up, down, 5e-324)), a)
        column = a[:, np.newaxis]
        value = _value(problem, column, c)
        if value > best[0]:
            best = value, abs(float(c @ a)) if intercept else 0.0, column
        if unit == 0.0:
            break
    return best


def has_exact_excess(problem: Problem) -> bool:
    """Whether the objective is quadratic, so that its excess is known, and worth a Gram matrix."""
    most = CERTIFIED_COLUMNS if problem.l2 == 0.0 else GRAM_COLUMNS
    return problem.loss == "squared" and problem.l1 == 0.0 and problem.design.columns <= most


def newton_decrement(problem: Problem, slope: Floats, constant: float, size: float) -> float:
    """Return g'H^+ g / 2, the exact excess of a sum of squares without l1.

    In centred columns of unit size, so that neither units nor large means cost digits. Every
    eigenvalue is lowered by what rounding may have added to it. Along directions in which the rows
    do not differ, g is 0 but for the rounding of residuals of norm `size`; otherwise nothing is
    known.
    """
    means, covariance = problem.design.means, problem.design.covariance
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    spread = np.hypot(np.where(spread > RANK * np.abs(means), spread, 0.0), np.sqrt(problem.l2))
    scale = np.where(spread > 0.0, 1.0 / np.where(spread > 0.0, spread, 1.0), 0.0)
    hessian = covariance * np.outer(scale, scale) + np.diag(problem.l2 * scale**2)
    values, vectors = np.linalg.eigh(hessian)
    parts = vectors.T @ ((slope - means * constant) * scale)
    usable = values > RANK * values[-1]
    if (np.abs(parts[~usable]) > RANK * size).any():
        return np.inf
    lowered = values[usable] - 1e-15 * len(values) * values[-1]
    return 0.5 * float((parts[usable] ** 2 / lowered).sum()) + 0.5 * constant**2
