"""Two bodies that meet: known answers, certificates, and what has to hold between answers."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from scipy.optimize import linprog

import minimand
from minimand import ConditionWarning, ConvergenceWarning, Status
from minimand.problems import rendezvous as problems

NORMS = ("inf", "2")


def solve(problem, steps=None, **options):
    T = problem.steps if steps is None else steps
    return minimand.rendezvous(*problem.bodies, T, **options)


def reach_matrix(A, B, E, T):
    """E [A^(T-1) B, ..., A B, B] and E A^T, by repeated multiplication."""
    columns, power = [], E.copy()
    for _ in range(T):
        columns.append(power @ B)
        power = power @ A
    return np.hstack(columns[::-1]), power


def random_bodies(seed, n=3, m=2, T=8, growth=0.9):
    rng = np.random.default_rng(seed)

    def motion():
        A = rng.standard_normal((n, n))
        return growth * A / np.abs(np.linalg.eigvals(A)).max()

    starts = rng.standard_normal((2, n))
    A, B, C, D = motion(), rng.standard_normal((n, m)), motion(), rng.standard_normal((n, m))
    return problems.MeetingProblem(
        name="random", A=A, B=B, C=C, D=D, x0=starts[0], z0=starts[1], steps=T
    )


# Known answers


@pytest.mark.parametrize("T", sorted(problems.lecture().energies))
def test_lecture_energies_to_1e_12(backend, T):
    problem = problems.lecture()
    plan = solve(problem, T, backend=backend)
    assert plan.status is Status.CONVERGED
    assert plan.method == "gramian"
    assert plan.energy == pytest.approx(problem.energies[T], rel=1e-12)
    assert plan.miss <= 1e-11
    assert abs(plan.gap) <= 1e-12
    plan.verify(*problem.bodies, T)


def test_lecture_energies_are_those_of_the_reference_file(data_file):
    given = json.loads(data_file("rendezvous/reference.json").read_text())
    problem = problems.lecture()
    assert problem.x0.tolist() == given["data"]["x0"]
    assert problem.z0.tolist() == given["data"]["z0"]
    assert {int(T): J for T, J in given["J_of_T"].items()} == pytest.approx(problem.energies)
    published = given["published"]["osqp_v0_5_objective"]
    assert solve(problem).lower_bound > published  # that plan does not meet


def test_lecture_cannot_meet_after_one_step(backend):
    problem = problems.lecture()
    with pytest.warns(ConvergenceWarning, match="the smallest T that works is 2"):
        plan = solve(problem, 1, backend=backend)
    assert plan.status is Status.INFEASIBLE
    assert plan.first_feasible == 2
    assert plan.energy == np.inf
    assert plan.u is plan.v is plan.x is plan.z is None
    for A, B in ((problem.A, problem.B), (problem.C, problem.D)):
        assert not (plan.certificate @ B).any(), A.shape
    apart = problem.C @ problem.z0 - problem.A @ problem.x0
    assert plan.certificate @ apart > 0
    plan.verify(*problem.bodies, 1)


def test_all_energies_in_one_call(backend):
    problem = problems.lecture()
    energies = minimand.rendezvous_energy(*problem.bodies, 400, backend=backend)
    assert energies.energy[0] == np.inf
    for T, energy in problem.energies.items():
        assert energies.energy[T - 1] == pytest.approx(energy, rel=1e-12)
    assert energies.first_feasible == 2
    assert energies.best == 400
    assert energies.rank.tolist() == [2] + [4] * 399
    energies.verify(*problem.bodies, 400)


@pytest.mark.parametrize("T", [1, 2, 7, 64])
def test_integrators_share_the_way(backend, T):
    problem = problems.integrators(3, T)
    plan = solve(problem, backend=backend)
    step = (problem.z0 - problem.x0) / (2 * T)
    np.testing.assert_allclose(plan.u, np.tile(step, (T, 1)), rtol=1e-13)
    np.testing.assert_allclose(plan.v, np.tile(-step, (T, 1)), rtol=1e-13)
    assert plan.energy == pytest.approx(problem.energies[T], rel=1e-13)
    thrust = minimand.min_rendezvous_thrust(*problem.bodies, T, backend=backend)
    assert thrust.bound == pytest.approx(np.abs(step).max(), rel=1e-9)


@pytest.mark.parametrize("length", range(2, 9))
def test_chains_of_integrators(backend, length):
    for T in (length, length + 1, 2 * length):
        problem = problems.chain(length, T, rng=length)
        plan = solve(problem, backend=backend)
        assert plan.energy == pytest.approx(problem.energies[T], rel=1e-12)
        plan.verify(*problem.bodies, T)


@pytest.mark.parametrize("growth", [1.02, 1.1, 1.5])
@pytest.mark.parametrize("T", [2000, 5000])
def test_unstable_bodies_over_long_times(growth, T):
    """The left eigenvector of `growth` says what holding the first body costs."""
    problem = problems.pendulums(T, growth=growth)
    with pytest.warns(ConditionWarning, match="unstable"):
        plan = solve(problem)
    effect = 0.1 / (growth - 0.9)
    assert plan.method == "boundary"
    assert plan.energy == pytest.approx((growth**2 - 1) / effect**2, rel=1e-9)
    plan.verify(*problem.bodies, T)


@pytest.mark.parametrize("growth", [1.1, 1.5])
def test_unstable_bodies_with_bounds(backend, growth):
    problem, T = problems.pendulums(300, growth=growth), 300
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConditionWarning)
        thrust = minimand.min_rendezvous_thrust(*problem.bodies, T, backend=backend)
        assert thrust.bound == pytest.approx((growth - 1) * (growth - 0.9) / 0.1, rel=1e-9)
        thrust.verify(*problem.bodies, T)
        limit = 1.05 * thrust.bound
        plan = solve(problem, T, u_max=limit, v_max=limit, backend=backend)
    assert np.abs(plan.u).max() == limit
    assert plan.status.ok
    plan.verify(*problem.bodies, T, u_max=limit, v_max=limit)


# What holds between answers


@pytest.mark.parametrize("seed", range(5))
def test_energies_are_those_of_the_plans(backend, seed):
    problem = random_bodies(seed)
    curve = minimand.rendezvous_energy(*problem.bodies, 12, backend=backend)
    for T in range(1, 13):
        if np.isfinite(curve.energy[T - 1]):
            plan = solve(problem, T, backend=backend)
            assert plan.energy == pytest.approx(curve.energy[T - 1], rel=1e-11)
            np.testing.assert_allclose(plan.multiplier, curve.multiplier[T - 1], rtol=1e-9)
    curve.verify(*problem.bodies, 12)


@pytest.mark.parametrize("seed", range(4))
def test_least_norm_solution(backend, seed):
    """Dense least norm, through NumPy's own factorisation."""
    problem = random_bodies(seed)
    A, B, C, D, x0, z0 = problem.bodies
    E = np.random.default_rng(seed).standard_normal((2, 3))
    R1, R2 = np.array([[2.0, 0.5], [0.5, 1.0]]), np.diag([0.3, 4.0])
    plan = solve(problem, match=(E, -E), input_weights=(R1, R2), backend=backend)
    G, P = reach_matrix(A, B, E, 8)
    H, Q = reach_matrix(C, D, E, 8)
    weight = np.kron(np.diag([1.0] * 8 + [0.0] * 8), R1) + np.kron(
        np.diag([0.0] * 8 + [1.0] * 8), R2
    )
    root = np.linalg.cholesky(weight)
    M = np.linalg.solve(root, np.hstack([G, H]).T).T
    w = np.linalg.lstsq(M, -(P @ x0 + Q @ z0), rcond=None)[0]
    assert plan.energy == pytest.approx(w @ w, rel=1e-11)
    inputs = np.linalg.solve(root.T, w)
    np.testing.assert_allclose(np.concatenate([plan.u.ravel(), plan.v.ravel()]), inputs, atol=1e-11)
    plan.verify(*problem.bodies, 8, match=(E, -E), input_weights=(R1, R2))


def test_matching_less_costs_less(backend):
    problem = problems.lecture()
    full, fly_by = solve(problem, backend=backend), solve(problem, match=[0, 1], backend=backend)
    assert fly_by.energy < full.energy
    np.testing.assert_allclose(fly_by.x[-1, :2], fly_by.z[-1, :2], atol=1e-12)
    assert np.abs(fly_by.x[-1, 2:] - fly_by.z[-1, 2:]).max() > 1
    same = solve(problem, match=np.eye(4)[:2], backend=backend)
    pair = solve(problem, match=([0, 1], [0, 1]), backend=backend)
    assert same.energy == pair.energy == fly_by.energy
    fly_by.verify(*problem.bodies, 100, match=[0, 1])


def test_bodies_of_different_states(backend):
    position = np.eye(1)
    A, B = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[0.0], [1.0]])
    data = (A, B, position, position, [0.0, 0.0], [6.0], 4)
    plan = minimand.rendezvous(*data, match=([0], [0]), backend=backend)
    assert plan.x[-1, 0] == pytest.approx(plan.z[-1, 0])
    plan.verify(*data, match=([0], [0]))


def test_swapped_bodies_swap_their_inputs(backend):
    p = problems.lecture()
    plan = solve(p, backend=backend)
    other = minimand.rendezvous(p.C, p.D, p.A, p.B, p.z0, p.x0, 100, backend=backend)
    np.testing.assert_allclose(other.u, plan.v, atol=1e-10)
    np.testing.assert_allclose(other.v, plan.u, atol=1e-10)


def test_units_of_states_do_not_matter(backend):
    p = problems.lecture()
    s = np.array([1e-6, 1e3, 1.0, 1e8])
    scaled = [p.A * s[:, None] / s, p.B * s[:, None], p.C * s[:, None] / s, p.D * s[:, None]]
    plan = minimand.rendezvous(*scaled, s * p.x0, s * p.z0, 100, backend=backend)
    assert plan.energy == pytest.approx(p.energies[100], rel=1e-12)
    plan.verify(*scaled, s * p.x0, s * p.z0, 100)


def test_weights_are_units_of_inputs(backend):
    p = problems.lecture()
    weighted = solve(p, input_weights=(4.0, [4.0, 4.0]), backend=backend)
    assert weighted.energy == pytest.approx(4 * p.energies[100], rel=1e-12)
    skew = solve(p, input_weights=(1.0, 1e6), backend=backend)  # the second one hardly moves
    assert np.abs(skew.v).max() < 1e-4 * np.abs(skew.u).max()
    skew.verify(*p.bodies, 100, input_weights=(1.0, 1e6))


def test_together_without_doing_anything(backend):
    A, B = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[0.0], [1.0]])
    data = (A, B, A, B, [0.0, 1.0], [0.0, 1.0], 5)
    plan = minimand.rendezvous(*data, backend=backend)
    assert plan.energy == plan.gap == plan.miss == 0
    assert not plan.u.any()
    assert minimand.min_rendezvous_thrust(*data, backend=backend).bound == 0
    plan.verify(*data)


def test_redundant_and_contradicting_conditions(backend):
    p = problems.lecture()
    twice = np.vstack([np.eye(4), np.ones((1, 4))])
    plan = solve(p, match=twice, backend=backend)
    assert plan.energy == pytest.approx(p.energies[100], rel=1e-11)
    plan.verify(*p.bodies, 100, match=twice)
    more = (np.vstack([np.eye(4), np.eye(4)[:1]]), np.vstack([np.eye(4), 2 * np.eye(4)[:1]]))
    at_zero = solve(p, match=more, backend=backend)  # x = z and x_1 = 2 z_1
    assert at_zero.energy > plan.energy
    assert abs(at_zero.x[-1, 0]) < 1e-11
    at_zero.verify(*p.bodies, 100, match=more)


# Bounds


@pytest.mark.parametrize("norm", NORMS)
def test_looser_bounds_change_nothing(backend, norm):
    p = problems.lecture()
    free = solve(p, backend=backend)
    loose = solve(p, u_max=50.0, v_max=50.0, norm=norm, backend=backend)
    assert loose.u.tobytes() == free.u.tobytes()
    assert loose.energy == free.energy


@pytest.mark.parametrize("norm", NORMS)
def test_energy_grows_as_the_bound_shrinks(backend, norm):
    p = problems.lecture()
    thrust = minimand.min_rendezvous_thrust(*p.bodies, 100, norm=norm, backend=backend)
    thrust.verify(*p.bodies, 100, norm=norm)
    assert thrust.status.ok
    last = p.energies[100]
    for factor in (1.4, 1.2, 1.05, 1.001, 1.00001):
        limit = factor * thrust.bound
        options = {"u_max": limit, "v_max": limit, "norm": norm}
        plan = solve(p, **options, backend=backend)
        assert plan.status.ok
        assert plan.energy > last
        assert abs(plan.gap) < 1e-11
        size = np.abs(plan.u) if norm == "inf" else np.linalg.norm(plan.u, axis=1)
        assert size.max() <= limit
        plan.verify(*p.bodies, 100, **options)
        last = plan.energy


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("factor", [0.3, 0.9, 0.999, 0.9999999])
def test_bounds_that_are_too_tight(backend, norm, factor):
    p = problems.lecture()
    thrust = minimand.min_rendezvous_thrust(*p.bodies, 100, norm=norm, backend=backend)
    limit = factor * thrust.lower_bound
    options = {"u_max": limit, "v_max": limit, "norm": norm}
    with pytest.warns(ConvergenceWarning, match="the bounds are too tight"):
        plan = solve(p, **options, backend=backend)
    assert plan.status is Status.INFEASIBLE
    assert plan.first_feasible is None
    plan.verify(*p.bodies, 100, **options)


def test_components_need_less_than_lengths(backend):
    p = problems.lecture()
    by_norm = {
        norm: minimand.min_rendezvous_thrust(*p.bodies, 100, norm=norm, backend=backend)
        for norm in NORMS
    }
    assert by_norm["inf"].bound <= by_norm["2"].bound
    fly_by = minimand.min_rendezvous_thrust(*p.bodies, 100, match=[0, 1], backend=backend)
    assert fly_by.bound < by_norm["inf"].bound


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_threshold_is_that_of_a_linear_program(backend, seed, ratio):
    p = random_bodies(seed)
    thrust = minimand.min_rendezvous_thrust(*p.bodies, 8, ratio=ratio, backend=backend)
    thrust.verify(*p.bodies, 8, ratio=ratio)
    G, P = reach_matrix(p.A, p.B, np.eye(3), 8)
    H, Q = reach_matrix(p.C, p.D, -np.eye(3), 8)
    M = np.hstack([G, ratio * H])
    N = M.shape[1]
    eye = np.eye(N)
    limits = np.block([[eye, -np.ones((N, 1))], [-eye, -np.ones((N, 1))]])
    cost = np.append(np.zeros(N), 1.0)
    found = linprog(
        cost, A_ub=limits, b_ub=np.zeros(2 * N), A_eq=np.hstack([M, np.zeros((3, 1))]),
        b_eq=-(P @ p.x0 + Q @ p.z0), bounds=[(None, None)] * N + [(0, None)],
    )  # fmt: skip
    assert thrust.bound == pytest.approx(found.fun, rel=1e-7)
    assert thrust.lower_bound <= thrust.bound


def test_a_passive_body_only_drifts(backend):
    p = problems.lecture()
    plan = solve(p, v_max=0.0, backend=backend)
    assert not plan.v.any()
    assert plan.energy > p.energies[100]
    limit = 0.9 * np.abs(plan.u).max()
    tighter = solve(p, u_max=limit, v_max=0, backend=backend)
    assert tighter.energy > plan.energy
    tighter.verify(*p.bodies, 100, u_max=limit, v_max=0)
    thrust = minimand.min_rendezvous_thrust(*p.bodies, 100, ratio=0, backend=backend)
    assert thrust.bound < limit
    assert not thrust.v.any()


def test_one_body_with_a_bound_and_one_without(backend):
    p = problems.lecture()
    free = solve(p, backend=backend)
    plan = solve(p, u_max=5.0, backend=backend)
    assert np.abs(plan.u).max() == 5.0
    assert np.abs(plan.v).max() > np.abs(free.v).max()
    plan.verify(*p.bodies, 100, u_max=5.0)
    # The second body cannot influence its first state; the first one is too weak to.
    D = p.D.copy()
    D[:, 0] = 0.0
    data = (p.A, p.B, p.C, D, p.x0, p.z0, 100)
    with pytest.warns(ConvergenceWarning, match="too tight"):
        impossible = minimand.rendezvous(*data, u_max=5.0, backend=backend)
    assert [c.name for c in impossible.certificates] == ["out of reach", "no influence"]
    impossible.verify(*data, u_max=5.0)


def test_bounds_per_step_and_per_component(backend):
    p = problems.lecture()
    per_component = solve(p, u_max=[20.0, 1.0], v_max=[25.0, 1.0], backend=backend)
    assert (np.abs(per_component.u).max(axis=0) <= [20.0, 1.0]).all()
    off = np.full(100, 40.0)
    off[30:60] = 0.0  # no thrust in between
    per_step = solve(p, u_max=off, v_max=off, norm="2", backend=backend)
    assert not per_step.u[30:60].any()
    assert per_step.status.ok
    per_step.verify(*p.bodies, 100, u_max=off, v_max=off, norm="2")
    table = np.tile([25.0, 30.0], (100, 1))
    options = {"u_max": table, "v_max": table, "input_weights": ([1.0, 2.0], 3.0)}
    each = solve(p, **options, backend=backend)
    assert each.status.ok
    each.verify(*p.bodies, 100, **options)


def test_limit_of_iterations(backend):
    p = problems.lecture()
    thrust = minimand.min_rendezvous_thrust(*p.bodies, 100, backend=backend)
    limit = 1.0001 * thrust.bound
    with pytest.warns(ConvergenceWarning, match="raise max_iterations"):
        plan = solve(p, u_max=limit, v_max=limit, max_iterations=1, backend=backend)
    assert plan.status is Status.MAX_ITERATIONS
    best = solve(p, u_max=limit, v_max=limit, backend=backend).energy
    assert plan.lower_bound <= best * (1 + 1e-12)
    with pytest.warns(ConvergenceWarning, match="raise max_iterations"):
        short = minimand.min_rendezvous_thrust(*p.bodies, 100, max_iterations=2, backend=backend)
    assert short.lower_bound <= thrust.bound * (1 + 1e-9)
    assert short.bound >= thrust.lower_bound * (1 - 1e-9)


@pytest.mark.parametrize("options", [{}, {"u_max": 20.0, "v_max": 22.0}, {"match": [0, 1]}])
def test_both_backends_agree(options):
    p = problems.lecture()
    cpp, reference = (solve(p, backend=b, **options) for b in ("cpp", "numpy"))
    assert cpp.energy == pytest.approx(reference.energy, rel=1e-12)
    for name in ("u", "v", "x", "z"):
        np.testing.assert_allclose(getattr(cpp, name), getattr(reference, name), atol=1e-9)


def test_not_controllable(backend):
    A, B = np.diag([1.0, 2.0]), np.array([[1.0], [0.0]])
    data = (A, B, A, B, [0.0, 1.0], [0.0, 0.5], 6)
    with pytest.warns(ConvergenceWarning, match="no T up to 2 works"):
        plan = minimand.rendezvous(*data, backend=backend)
    assert plan.status is Status.INFEASIBLE
    assert plan.certificate[0] == 0
    plan.verify(*data)
    with pytest.warns(ConvergenceWarning, match="no T up to 2 works"):
        thrust = minimand.min_rendezvous_thrust(*data, backend=backend)
    assert thrust.bound == np.inf
    thrust.verify(*data)
    with pytest.warns(ConvergenceWarning, match="No meeting is possible with T up to 6"):
        energies = minimand.rendezvous_energy(*data, backend=backend)
    assert energies.first_feasible is energies.best is None
    energies.verify(*data)


def test_drifting_bodies_meet_at_some_times_only(backend):
    """Without inputs that matter a meeting is luck: the energies say when."""
    rotation = np.array([[0.0, -1.0], [1.0, 0.0]])
    still, none = np.eye(2), np.zeros((2, 1))
    data = (rotation, none, still, none, [1.0, 0.0], [0.0, 1.0])
    energies = minimand.rendezvous_energy(*data, 8, backend=backend)
    assert np.flatnonzero(energies.energy == 0).tolist() == [0, 4]
    assert energies.first_feasible == energies.best == 1
    energies.verify(*data, 8)


def test_energies_that_float64_cannot_decide(backend):
    problem = problems.pendulums(1, growth=3.0)
    with pytest.warns(ConvergenceWarning, match="energy is NaN"):
        energies = minimand.rendezvous_energy(*problem.bodies, 900, backend=backend)
    assert energies.status is Status.NOT_CERTIFIED
    assert np.isfinite(energies.energy[1:20]).all()
    assert np.isnan(energies.energy[-1])


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_huge_and_tiny_states(backend, size):
    p = problems.lecture()
    data = (p.A, p.B, p.C, p.D, size * p.x0, size * p.z0, 100)
    plan, one = minimand.rendezvous(*data, backend=backend), solve(p, backend=backend)
    np.testing.assert_allclose(plan.u, size * one.u, rtol=1e-9)
    plan.verify(*data)
    thrust = minimand.min_rendezvous_thrust(*data, backend=backend)
    base = minimand.min_rendezvous_thrust(*p.bodies, 100, backend=backend)
    assert thrust.bound / size == pytest.approx(base.bound, rel=1e-9)
    thrust.verify(*data)


@pytest.mark.parametrize("size", [1e140, 1e-140])
def test_strong_and_weak_inputs(backend, size):
    p = problems.lecture()
    data = (p.A, size * p.B, p.C, size * p.D, p.x0, p.z0, 100)
    plan, one = minimand.rendezvous(*data, backend=backend), solve(p, backend=backend)
    np.testing.assert_allclose(size * plan.u, one.u, rtol=1e-9)
    plan.verify(*data)
    limit = 20.0 / size
    bounded = minimand.rendezvous(*data, u_max=limit, v_max=limit, backend=backend)
    bounded.verify(*data, u_max=limit, v_max=limit)


@pytest.mark.slow
def test_a_million_steps():
    problem = problems.lecture()
    plan = solve(problem, 1_000_000)
    assert plan.status.ok
    plan.verify(*problem.bodies, 1_000_000)
