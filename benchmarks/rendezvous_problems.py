"""Meetings that are measured, and every way to compute them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import minimand
from minimand.problems import rendezvous as problems

Plan = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Meeting:
    """A meeting of full states; `bound` is in units of the least thrust, None without one."""

    problem: str
    steps: int
    turns: int = 3
    bound: float | None = None

    @property
    def name(self) -> str:
        limits = "" if self.bound is None else ", bounds"
        return f"{self.problem} T={self.steps}{limits}"

    @property
    def bodies(self) -> tuple[np.ndarray, ...]:
        return getattr(problems, self.problem)().bodies

    @property
    def limit(self) -> float | None:
        return None if self.bound is None else self.bound * least_thrust(self.problem, self.steps)


@lru_cache
def least_thrust(problem: str, steps: int) -> float:
    return minimand.min_rendezvous_thrust(*getattr(problems, problem)().bodies, steps).bound


# As a quadratic program with all states and inputs: what a user of a solver writes


@lru_cache(maxsize=2)
def program(meeting: Meeting) -> tuple[Any, Any, np.ndarray, int]:
    """Return (Hessian, equations, right-hand side, unknowns of the first body)."""
    A, B, C, D, x0, z0 = meeting.bodies
    T = meeting.steps
    parts = []
    for M, N, start in ((A, B, x0), (C, D, z0)):
        n = len(M)
        moves = sparse.kron(sparse.eye(T), sparse.csc_matrix(-N))
        ahead = sparse.eye(T * n) - sparse.kron(sparse.diags([1.0], [-1], (T, T)), M)
        right = np.zeros(T * n)
        right[:n] = M @ start
        parts.append((sparse.hstack([moves, ahead]), right, N.shape[1] * T, n))
    (first, b, m1, n), (second, c, m2, _) = parts
    width1, width2 = first.shape[1], second.shape[1]
    ends = sparse.hstack(
        [
            sparse.csc_matrix((n, width1 - n)), sparse.eye(n),
            sparse.csc_matrix((n, width2 - n)), -sparse.eye(n),
        ]
    )  # fmt: skip
    equations = sparse.vstack([sparse.block_diag([first, second]), ends]).tocsc()
    cost = np.concatenate([np.full(m1, 2.0), np.zeros(T * n), np.full(m2, 2.0), np.zeros(T * n)])
    return sparse.diags(cost).tocsc(), equations, np.concatenate([b, c, np.zeros(n)]), width1


def inputs(meeting: Meeting, solution: np.ndarray) -> Plan:
    _, B, _, D, _, _ = meeting.bodies
    T, first = meeting.steps, program(meeting)[3]
    u = solution[: T * B.shape[1]].reshape(T, -1)
    v = solution[first : first + T * D.shape[1]].reshape(T, -1)
    return u, v


def limits(meeting: Meeting) -> tuple[np.ndarray, np.ndarray]:
    cost = program(meeting)[0].diagonal()
    most = np.where(cost > 0, np.inf if meeting.limit is None else meeting.limit, np.inf)
    return -most, most


def by_piqp(meeting: Meeting) -> Callable[[], Plan]:
    piqp = pytest.importorskip("piqp")
    P, A, b, _ = program(meeting)
    low, high = limits(meeting)

    def solve() -> Plan:
        solver = piqp.SparseSolver()
        solver.settings.verbose = False
        nothing = sparse.csc_matrix((0, P.shape[0]))
        empty = np.zeros(0)
        solver.setup(P, np.zeros(P.shape[0]), A, b, nothing, empty, empty, low, high)
        solver.solve()
        return inputs(meeting, solver.result.x)

    return solve


def by_osqp(meeting: Meeting) -> Callable[[], Plan]:
    osqp = pytest.importorskip("osqp")
    P, A, b, _ = program(meeting)
    low, high = limits(meeting)
    rows = A if meeting.limit is None else sparse.vstack([A, sparse.eye(P.shape[0])]).tocsc()
    below, above = (b, b) if meeting.limit is None else (np.append(b, low), np.append(b, high))

    def solve() -> Plan:
        solver = osqp.OSQP()
        solver.setup(P, np.zeros(P.shape[0]), rows, below, above, verbose=False)
        return inputs(meeting, solver.solve().x)

    return solve


def by_clarabel(meeting: Meeting) -> Callable[[], Plan]:
    clarabel = pytest.importorskip("clarabel")
    P, A, b, _ = program(meeting)
    rows, right, cones = A, b, [clarabel.ZeroConeT(len(b))]
    if meeting.limit is not None:
        bounded = sparse.eye(P.shape[0]).tocsr()[np.isfinite(limits(meeting)[1])]
        rows = sparse.vstack([A, bounded, -bounded]).tocsc()
        right = np.append(b, np.full(2 * bounded.shape[0], meeting.limit))
        cones.append(clarabel.NonnegativeConeT(2 * bounded.shape[0]))

    def solve() -> Plan:
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        solver = clarabel.DefaultSolver(P, np.zeros(P.shape[0]), rows, right, cones, settings)
        return inputs(meeting, np.array(solver.solve().x))

    return solve


def cvxpy_model(meeting: Meeting) -> Any:
    """The model of the lecture's notebook in a few vectorised lines."""
    cvxpy = pytest.importorskip("cvxpy")
    A, B, C, D, x0, z0 = meeting.bodies
    T = meeting.steps
    x, z = cvxpy.Variable((T + 1, len(A))), cvxpy.Variable((T + 1, len(C)))
    u, v = cvxpy.Variable((T, B.shape[1])), cvxpy.Variable((T, D.shape[1]))
    rules = [x[0] == x0, z[0] == z0, x[T] == z[T]]
    rules += [x[1:] == x[:-1] @ A.T + u @ B.T, z[1:] == z[:-1] @ C.T + v @ D.T]
    if meeting.limit is not None:
        rules += [cvxpy.abs(u) <= meeting.limit, cvxpy.abs(v) <= meeting.limit]
    return cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(u) + cvxpy.sum_squares(v)), rules), u, v


def lecture_model(meeting: Meeting) -> Any:
    """The model as the lecture has it: a sum of problems, one for each step of each body."""
    cvxpy = pytest.importorskip("cvxpy")
    A, B, C, D, x0, z0 = meeting.bodies
    T = meeting.steps
    x, z = cvxpy.Variable((len(A), T + 1)), cvxpy.Variable((len(C), T + 1))
    u, v = cvxpy.Variable((B.shape[1], T)), cvxpy.Variable((D.shape[1], T))
    problems = []
    for M, N, state, push in ((A, B, x, u), (C, D, z, v)):
        for t in range(T):
            rules = [state[:, t + 1] == M @ state[:, t] + N @ push[:, t]]
            if meeting.limit is not None:
                rules.append(cvxpy.norm(push[:, t], "inf") <= meeting.limit)
            problems.append(cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(push[:, t])), rules))
    total = sum(problems)
    ends = [x[:, 0] == x0, z[:, 0] == z0, x[:, T] == z[:, T]]
    return cvxpy.Problem(total.objective, total.constraints + ends), u.T, v.T


def by_cvxpy(
    solver: str, model: Callable[[Meeting], Any] = cvxpy_model
) -> Callable[[Meeting], Callable[[], Plan]]:
    def prepare(meeting: Meeting) -> Callable[[], Plan]:
        pytest.importorskip("cvxpy")

        def solve() -> Plan:
            problem, u, v = model(meeting)
            problem.solve(solver=solver)
            return u.value, v.value

        return solve

    return prepare


def by_minimand(meeting: Meeting) -> Callable[[], Plan]:
    bodies, limit = meeting.bodies, meeting.limit

    def solve() -> Plan:
        plan = minimand.rendezvous(*bodies, meeting.steps, u_max=limit, v_max=limit)
        return plan.u, plan.v

    return solve


def ten_horizons(meeting: Meeting) -> list[float]:
    steps = np.linspace(2, meeting.steps, 10).astype(int)
    found = []
    for T in steps:
        problem, _, _ = cvxpy_model(Meeting(meeting.problem, int(T)))
        found.append(float(problem.solve(solver="OSQP")))
    return found


@dataclass(frozen=True)
class Contender:
    """`prepare(meeting)` returns the call that is measured."""

    prepare: Callable[[Meeting], Callable[[], Plan]]
    horizons: Callable[[Meeting], list[float]] | None = None


CONTENDERS = {
    "minimand": Contender(by_minimand),
    "CVXPY OSQP": Contender(by_cvxpy("OSQP"), ten_horizons),
    "CVXPY OSQP, as in the lecture": Contender(by_cvxpy("OSQP", lecture_model)),
    "CVXPY Clarabel": Contender(by_cvxpy("CLARABEL")),
    "PIQP": Contender(by_piqp),
    "Clarabel": Contender(by_clarabel),
    "OSQP": Contender(by_osqp),
}


def quality(meeting: Meeting, plan: Plan) -> dict[str, Any]:
    """Return the energy of the inputs, by how far they miss, and the excess over the bound."""
    A, B, C, D, x, z = meeting.bodies
    for u, v in zip(*plan, strict=True):
        x, z = A @ x + B @ u, C @ z + D @ v
    energy = float(sum(np.sum(part * part) for part in plan))
    own = minimand.rendezvous(
        *meeting.bodies, meeting.steps, u_max=meeting.limit, v_max=meeting.limit
    )
    found = {"objective": energy, "miss": float(np.abs(x - z).max())}
    found["gap"] = (energy - own.lower_bound) / energy  # below 0 where the plan does not meet
    if meeting.limit is not None:
        found["violation"] = max(float(np.abs(part).max()) for part in plan) / meeting.limit - 1
    return found
