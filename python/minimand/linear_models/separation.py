"""Rows on which the likelihood only grows without end: finding them and proving it.

A direction d is a proof if z_i'd = 0 on the rows outside S and s_i z_i'd > 0 on S, where s = 1 for
y = 1, -1 for y = 0, and rows with other y may not be in S (Albert and Anderson, Biometrika 71
(1984) 1; Correia, Guimarães and Zylkin, arXiv 1903.01633). Along d the objective falls for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from minimand._common.arrays import Floats
from minimand.linear_models.glm import LOGISTIC, Glm

ZERO = 1e-12  # |z_i'd| outside S, relative to the largest
_NULL = 1e-10  # singular values below this, relative to the largest, span the null space
_WORKING, _ROUNDS = 5000, 20  # rows of the linear programme, and how often more may come
_CLEAR = 1e-7  # s_i z_i'd on S, relative to the largest


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """A direction, and a mask of the rows S that it separates."""

    direction: Floats
    rows: np.ndarray


def side(y: Floats, family: int) -> Floats:
    """Return s: which way the likelihood of a row grows for ever, 0 where it does not."""
    if family == LOGISTIC:
        return np.where(y == 1.0, 1.0, np.where(y == 0.0, -1.0, 0.0))
    return np.where(y == 0.0, -1.0, 0.0)


def separation(problem: Glm, step: Floats) -> Proof | None:
    """Return a direction and the rows S that it separates, from a Newton step or by an LP."""
    t = problem.products(step)
    proven = _clean(problem, step, np.abs(t) > 0.5)
    if proven is None:
        largest = np.abs(t).max()
        proven = _clean(problem, step, np.abs(t) > 1e-6 * largest)
    if proven is None:
        found = by_programming(problem)
        if found is not None:
            t = np.abs(problem.products(found))
            proven = _clean(problem, found, t > _CLEAR * t.max())
    return proven


def constant_separates(problem: Glm) -> bool:
    """Whether the constant term alone does: one class only, or no counts at all."""
    first = problem.y[:1]
    alone = problem.intercept and bool(side(first, problem.family)[0])
    return alone and bool((problem.y == first).all())


def by_constant(problem: Glm) -> Proof:
    """Return what the constant term alone proves."""
    d = np.zeros(problem.parameters)
    d[-1] = side(problem.y[:1], problem.family)[0]
    return Proof(d, np.ones(len(problem.y), dtype=np.bool_))


def _clean(problem: Glm, step: Floats, rows: np.ndarray) -> Proof | None:
    """Project the step on the null space of the other rows; None unless that proves S."""
    s = side(problem.y, problem.family)
    if not rows.any() or not (s[rows] != 0.0).all():
        return None
    d = step.copy()
    if not rows.all():
        rest = problem.rows(~rows)
        none = np.zeros(len(rest.y))
        R = rest.triangle(np.empty(0), none)[:-1, :-1]
        if problem.intercept:
            R = R[:, [*range(1, problem.parameters), 0]]
        _, values, basis = np.linalg.svd(R)
        null = basis[values <= _NULL * max(values[0], 1e-300)]
        d = null.T @ (null @ d)
    d = np.where(np.abs(d) > 1e-10 * np.abs(d).max(), d, 0.0)
    t = problem.products(d)
    largest = float(np.abs(t).max())
    if not largest > 0.0:
        return None
    inside = (s * t)[rows]
    outside = np.abs(t[~rows])
    if inside.min() < _CLEAR * largest or outside.max(initial=0.0) > ZERO * largest:
        return None
    return Proof(d / largest, rows)


def by_programming(problem: Glm) -> Floats | None:
    """Maximise sum s_i z_i'd over |d| <= 1 with s_i z_i'd >= 0 (Konis 2007), by HiGHS.

    Many rows come in as they are violated; a direction counts only when no row is.
    """
    m = len(problem.y)
    s = side(problem.y, problem.family)
    working = np.unique(np.linspace(0, m - 1, min(m, _WORKING)).astype(np.int64))
    for _ in range(_ROUNDS):
        d = _programme(problem, working, s[working])
        if d is None:
            return None
        t = problem.products(d)
        violation = np.where(s == 0.0, np.abs(t), -s * t)
        violation[working] = 0.0
        if violation.max() <= ZERO * np.abs(t).max():
            return d
        worst = np.argsort(-violation, kind="stable")[:_WORKING]
        working = np.union1d(working, worst[violation[worst] > 0.0])
    return None


def _programme(problem: Glm, rows: np.ndarray, s: Floats) -> Floats | None:
    Z = (problem.X[rows] - problem.shift) * problem.scale
    if problem.intercept:
        Z = np.hstack([Z, np.ones((len(Z), 1))])
    signed, fixed = Z[s != 0.0] * s[s != 0.0, None], Z[s == 0.0]
    found = scipy.optimize.linprog(
        -signed.sum(axis=0),
        A_ub=-signed,
        b_ub=np.zeros(len(signed)),
        A_eq=fixed if len(fixed) else None,
        b_eq=np.zeros(len(fixed)) if len(fixed) else None,
        bounds=(-1.0, 1.0),
        method="highs",
    )
    if found.x is None or not -found.fun > 1e-9:
        return None
    d: Floats = np.asarray(found.x)
    return d


def combine(problem: Glm, first: Floats, rows: np.ndarray, second: Floats) -> Floats:
    """Return K first + second, which separates `rows` and what `second` separates besides."""
    s = side(problem.y, problem.family)[rows]
    ahead = s * problem.products(first)[rows]
    behind = np.maximum(-s * problem.products(second)[rows], 0.0)
    d = 2.0 * float((behind / ahead).max() + 1.0) * first + second
    combined: Floats = d / np.abs(problem.products(d)).max()
    return combined
