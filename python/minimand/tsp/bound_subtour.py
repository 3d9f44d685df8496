"""The subtour relaxation by SciPy's HiGHS, with cuts and edges added until neither is missing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy

from minimand._common.arrays import Floats
from minimand.tsp.closed_form import ClosedForm
from minimand.tsp.instance import Integers
from minimand.tsp.safe_bound import SafeBound, safe_bound
from minimand.tsp.separation import violated_subsets

_NEAREST = 8
_ROUNDS = 300
_TOLERANCE = 1e-9  # of HiGHS, and for reduced costs; the mean edge has weight 1
_NEW_EDGES = 4  # a vertex and round


@dataclass(eq=False)
class Relaxation:
    """Edges, cuts, and the best bound of their duals so far."""

    form: ClosedForm
    matrix: Integers
    i: Integers
    j: Integers
    bound: SafeBound
    subsets: list[Integers] = field(default_factory=list)
    x: Floats = field(default_factory=lambda: np.empty(0))
    solved: int = 0

    def rows(self) -> tuple[Any, Any]:
        """Return the matrices of the degrees (n, edges) and of the cuts (subsets, edges)."""
        edges = np.arange(len(self.i))
        ones = np.ones(2 * len(edges))
        ends = (np.concatenate([self.i, self.j]), np.concatenate([edges, edges]))
        degrees = scipy.sparse.csr_array((ones, ends), shape=(self.form.n, len(edges)))
        inside = np.zeros((len(self.subsets), self.form.n), dtype=np.bool_)
        for k, subset in enumerate(self.subsets):
            inside[k, subset] = True
        cuts = scipy.sparse.csr_array((inside[:, self.i] != inside[:, self.j]).astype(np.float64))
        return degrees, cuts

    def lower(self) -> Floats:
        """Return the lower bounds of the edges: 1 where they are fixed."""
        n, fixed = self.form.n, self.form.fixed
        keys = np.concatenate([fixed[:, 0] * n + fixed[:, 1], fixed[:, 1] * n + fixed[:, 0]])
        return np.isin(self.i * n + self.j, keys).astype(np.float64)

    def add_subsets(self, subsets: list[Integers]) -> bool:
        """Add sets that are new; return whether there was one."""
        known = {subset.tobytes() for subset in self.subsets}
        new = [subset for subset in subsets if subset.tobytes() not in known]
        self.subsets += new
        return bool(new)


def solve_relaxation(
    form: ClosedForm, tour: Integers | None = None, deadline: float = np.inf
) -> Relaxation:
    """Return the solved subtour relaxation; `bound.weight` is what its dual proves.

    Parameters
    ----------
    form : ClosedForm
        n vertices; n^2 numbers are kept.
    tour : ndarray, optional
        A closed tour of all vertices, whose edges are included from the start.
    deadline : float
        Of `time.perf_counter`, looked at between linear programs; the bound is valid at any time.
    """
    relaxation = _start(form, tour)
    mean = max(1.0, float(relaxation.matrix[relaxation.i, relaxation.j].mean()))
    for _ in range(_ROUNDS):
        dual = _solve(relaxation, mean)
        if dual is None:
            break
        bound = safe_bound(form, relaxation.matrix, *dual)
        if bound.weight > relaxation.bound.weight:
            relaxation.bound = bound
        if time.perf_counter() >= deadline:
            break
        subsets = violated_subsets(relaxation.i, relaxation.j, relaxation.x, form.n)
        if relaxation.add_subsets(subsets):
            continue
        if not _price(relaxation, bound.reduced, mean):
            break
    return relaxation


def _start(form: ClosedForm, tour: Integers | None) -> Relaxation:
    matrix, n = form.matrix(), form.n
    own = matrix.copy()
    np.fill_diagonal(own, np.iinfo(np.int64).max)
    count = min(_NEAREST, n - 1)
    near = np.argsort(own, axis=1, kind="stable")[:, :count]
    i, j = np.repeat(np.arange(n), count), near.ravel()
    order = np.arange(n) if tour is None else tour  # any tour makes the relaxation feasible
    i, j = (
        np.concatenate([i, order, form.fixed[:, 0]]),
        np.concatenate([j, np.roll(order, -1), form.fixed[:, 1]]),
    )
    i, j = np.divmod(np.unique(np.minimum(i, j) * n + np.maximum(i, j)), n)
    nothing = np.zeros(n, dtype=np.int64)
    return Relaxation(form, matrix, i, j, safe_bound(form, matrix, nothing, [], nothing[:0]))


def _solve(relaxation: Relaxation, mean: float) -> tuple[Integers, list[Integers], Integers] | None:
    """Solve the linear program; set `x` and return the dual as integers, None if HiGHS fails."""
    degrees, cuts = relaxation.rows()
    cost = relaxation.matrix[relaxation.i, relaxation.j] / mean
    some = len(relaxation.subsets) > 0
    found = scipy.optimize.linprog(
        cost,
        A_eq=degrees,
        b_eq=np.full(relaxation.form.n, 2.0),
        A_ub=-cuts if some else None,
        b_ub=np.full(len(relaxation.subsets), -2.0) if some else None,
        bounds=np.column_stack([relaxation.lower(), np.ones(len(cost))]),
        method="highs-ds",
        options={
            "primal_feasibility_tolerance": _TOLERANCE,
            "dual_feasibility_tolerance": _TOLERANCE,
        },
    )
    relaxation.solved += 1
    if found.x is None or found.status != 0:
        return None
    relaxation.x = found.x
    limit = relaxation.form.limit
    y = np.clip(np.rint(found.eqlin.marginals * mean), -limit, limit).astype(np.int64)
    z = np.clip(np.rint(-found.ineqlin.marginals * mean), 0, limit) if some else np.empty(0)
    return y, list(relaxation.subsets), z.astype(np.int64)


def _price(relaxation: Relaxation, reduced: Integers, mean: float) -> bool:
    """Add the edges of negative reduced cost, some at each vertex; return whether there was one."""
    n = relaxation.form.n
    costs = np.where(np.triu(np.ones((n, n), dtype=np.bool_), 1), reduced, 0)
    costs[relaxation.i, relaxation.j] = 0
    if costs.min() >= -10 * _TOLERANCE * mean:
        return False
    costs = np.minimum(costs, costs.T)
    near = np.argsort(costs, axis=1, kind="stable")[:, :_NEW_EDGES]
    rows = np.repeat(np.arange(n), near.shape[1])
    columns = near.ravel()
    new = costs[rows, columns] < -10 * _TOLERANCE * mean
    low, high = np.minimum(rows, columns)[new], np.maximum(rows, columns)[new]
    keys = np.unique(np.concatenate([relaxation.i * n + relaxation.j, low * n + high]))
    relaxation.i, relaxation.j = np.divmod(keys, n)
    return True
