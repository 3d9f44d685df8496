"""Optimal tours with proof: all subsets for a few cities, else an integer program that grows cuts.

The dual of the subtour relaxation excludes most edges: with a lower bound LB and reduced costs rc,
no tour of at most `cutoff` has an edge with LB + rc_e > cutoff. Among the rest HiGHS seeks the
shortest set of edges of degree 2 that respects some cuts; each of its cycles gives a cut, until it
is one tour, or is above the cutoff, or there is none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import scipy

from minimand.tsp.bound_subtour import Relaxation, solve_relaxation
from minimand.tsp.certificate import BoundCertificate
from minimand.tsp.closed_form import ClosedForm, lower_float
from minimand.tsp.instance import Instance, Integers
from minimand.tsp.safe_bound import SafeBound, safe_bound
from minimand.tsp.separation import components

FEW = 12  # cities up to which all subsets are looked at
LARGEST = 2000  # cities for which n^2 numbers and the programs are still reasonable
TOLERANCE = 1e-6  # relative to the length: what HiGHS may not see where distances are real
_ROUNDS = 1000


@dataclass(frozen=True, slots=True)
class ExactAnswer:
    """The best tour, a certificate of its bound, and whether it is proved to be optimal."""

    tour: Integers
    certificate: BoundCertificate
    proven: bool


def all_subsets(instance: Instance, kernels: ModuleType) -> ExactAnswer:
    """Return the optimal tour of 3 to 12 cities by dynamic programming."""
    form = ClosedForm(instance)
    d = form.matrix()
    for i, j in form.fixed.tolist():
        d[i, j] = d[j, i] = -form.penalty * form.unit
    tour = np.empty(form.n, dtype=np.int32)
    weight = kernels.dp(d, tour) + form.fixed_offset
    certificate = BoundCertificate(kind="dp", lower_bound=form.bound(weight), tolerance=1e-9)
    return ExactAnswer(form.opened(tour.astype(np.int64)), certificate, True)


def exact(instance: Instance, tour: Integers, *, deadline: float = np.inf) -> ExactAnswer:
    """Prove that a tour is optimal, or find one that is.

    Parameters
    ----------
    instance : Instance
        At least 4 and at most 2000 cities.
    tour : ndarray (N,)
        A tour of the instance, as short as possible: its length decides how much is excluded.
    deadline : float
        Of `time.perf_counter`; when it passes, the answer has the best bound so far.
    """
    form = ClosedForm(instance)
    best, length = tour, instance.length(tour)
    relaxation = solve_relaxation(form, form.closed(tour), deadline)
    root = relaxation.bound
    if _proves(instance, form.bound(root.weight), length):
        return ExactAnswer(best, subtour_certificate(form, root), True)
    program = _Program(form, relaxation, root, _cutoff(form, length))
    for _ in range(_ROUNDS):
        remaining = deadline - time.perf_counter()
        if remaining <= 0.0:
            break
        bound, edges = program.solve(remaining)
        if edges is None:  # no tour below the cutoff, or the time is over
            proven = bound >= program.cutoff
            return ExactAnswer(best, program.certificate(bound), proven)
        cycle = _cycle(edges, form.n)
        if cycle is None:
            program.cut(edges)
            continue
        found = form.opened(cycle)
        if instance.length(found) < length:
            best, length = found, instance.length(found)
        program.finish(_cutoff(form, length))
        return ExactAnswer(best, program.certificate(program.cutoff), True)
    return ExactAnswer(best, program.certificate(-np.inf), False)


def subtour_certificate(form: ClosedForm, root: SafeBound) -> BoundCertificate:
    """Return the certificate of a dual of the subtour relaxation.

    Its potentials have the n entries of the closed form: one more than cities for a path.
    """
    y, z = form.to_units(root.y), form.to_units(root.z)
    rounded = form.to_weights(y), form.to_weights(z)
    weight = root.weight
    if not (np.array_equal(rounded[0], root.y) and np.array_equal(rounded[1], root.z)):
        weight = safe_bound(form, form.matrix(), rounded[0], root.subsets, rounded[1]).weight
    return BoundCertificate(
        kind="subtour",
        lower_bound=form.bound(weight),
        potentials=y,
        subsets=root.subsets,
        multipliers=z,
        tolerance=0.0 if form.instance.integer else 1e-9,
    )


class _Program:
    """The integer program over the edges that are not excluded, in units of its mean edge."""

    def __init__(
        self, form: ClosedForm, relaxation: Relaxation, root: SafeBound, cutoff: int
    ) -> None:
        self.form, self.root, self.cutoff = form, root, cutoff
        self.relaxation = relaxation
        relaxation.subsets = list(root.subsets)
        self._exclude()

    def _exclude(self) -> None:
        """Keep the edges that a tour of at most the cutoff may have."""
        slack = self.cutoff - self.root.weight
        keep = np.triu(self.root.reduced <= slack, 1)
        keep[self.form.fixed.min(axis=1), self.form.fixed.max(axis=1)] = True
        relaxation = self.relaxation
        relaxation.i, relaxation.j = np.nonzero(keep)
        self.must = self.root.reduced[relaxation.i, relaxation.j] < -slack

    def solve(self, seconds: float) -> tuple[float, tuple[Integers, Integers] | None]:
        """Return a bound (weight) on all tours of at most the cutoff, and the optimal edges."""
        relaxation = self.relaxation
        weights = relaxation.matrix[relaxation.i, relaxation.j]
        if not len(weights):
            return float(self.cutoff), None
        mean = max(1.0, float(weights.mean()))
        degrees, cuts = relaxation.rows()
        constraints: list[Any] = [scipy.optimize.LinearConstraint(degrees, 2.0, 2.0)]
        if relaxation.subsets:
            constraints.append(scipy.optimize.LinearConstraint(cuts, 2.0, np.inf))
        options: dict[str, Any] = {"mip_rel_gap": 0.0}
        if np.isfinite(seconds):
            options["time_limit"] = seconds
        lower = np.maximum(relaxation.lower(), self.must)
        for presolve in (True, False):  # presolve may not know infeasible from unbounded
            found = _abandonable(
                scipy.optimize.milp,
                weights / mean,
                integrality=np.ones(len(weights)),
                bounds=scipy.optimize.Bounds(lower, 1.0),
                constraints=constraints,
                options=options | {"presolve": presolve},
            )
            if found.status != 4:
                break
        if found.status == 2:  # infeasible
            return float(self.cutoff), None
        if found.status != 0 or found.x is None:
            dual = found.mip_dual_bound
            weight = -np.inf if dual is None else dual * mean * (1 - TOLERANCE)
            return min(weight, float(self.cutoff) - 1.0), None
        chosen = found.x > 0.5
        edges = relaxation.i[chosen], relaxation.j[chosen]
        if int(relaxation.matrix[edges].sum()) > self.cutoff:
            return float(self.cutoff), None
        return -np.inf, edges

    def cut(self, edges: tuple[Integers, Integers]) -> None:
        """Add the cut of every cycle, and tell that of two complementary ones one will do."""
        n = self.form.n
        labels = components(*edges, n)
        sizes = np.bincount(labels)
        subsets = [np.flatnonzero(labels == k) for k in range(len(sizes))]
        if len(subsets) == 2:
            subsets = subsets[:1]
        self.relaxation.add_subsets([subset.astype(np.int64) for subset in subsets])

    def finish(self, cutoff: int) -> None:
        """Lower the cutoff below a tour that is optimal among all of at most the old one."""
        self.cutoff = cutoff
        self._exclude()

    def certificate(self, bound: float) -> BoundCertificate:
        """Return the certificate of the root and of the program, which proves `bound` (weight)."""
        form, root = self.form, subtour_certificate(self.form, self.root)
        value = root.lower_bound
        if bound >= self.cutoff:
            value = max(value, _beyond(form, self.cutoff))
        elif np.isfinite(bound):
            value = max(value, form.bound(int(bound)))
        if value == root.lower_bound:
            return root
        i, j = self.relaxation.i, self.relaxation.j
        return replace(
            root,
            kind="milp",
            lower_bound=value,
            edges=np.column_stack([i, j]),
            independent=False,
            tolerance=0.0 if form.instance.integer else TOLERANCE,
        )


def _abandonable(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function that Ctrl-C cannot end: in a thread, which is left alone then."""
    if threading.current_thread() is not threading.main_thread():
        return call(*arguments, **options)
    answer: Future[Any] = Future()

    def run() -> None:
        try:
            answer.set_result(call(*arguments, **options))
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer.result()


def _cutoff(form: ClosedForm, length: float) -> int:
    """Return the weight up to which a tour would be shorter than `length`, by enough to see it."""
    if form.instance.integer:
        return (int(length) - 1) * form.unit
    return int(np.floor(np.ldexp(length * (1.0 - TOLERANCE), form.exponent)))


def _beyond(form: ClosedForm, cutoff: int) -> float:
    """Return the lower bound that is proved when no tour has a weight of at most the cutoff."""
    if form.instance.integer:
        return float(cutoff // form.unit + 1)
    return lower_float(cutoff - form.rounding, form.exponent)


def _proves(instance: Instance, bound: float, length: float) -> bool:
    return bound >= length if instance.integer else length - bound <= 1e-9 * length


def _cycle(edges: tuple[Integers, Integers], n: int) -> Integers | None:
    """Return the edges as one closed tour, None if they are several cycles."""
    neighbours: list[list[int]] = [[] for _ in range(n)]
    for u, v in zip(edges[0].tolist(), edges[1].tolist(), strict=True):
        neighbours[u].append(v)
        neighbours[v].append(u)
    tour, before = [0], -1
    while True:
        a, b = neighbours[tour[-1]]
        after = b if a == before else a
        if after == 0:
            break
        before = tour[-1]
        tour.append(after)
    return np.array(tour, dtype=np.int64) if len(tour) == n else None
