"""The kernels of the rendezvous: what they promise, the same on both backends."""

from __future__ import annotations

import numpy as np
import pytest

from minimand._common.backend import kernels
from minimand.problems.rendezvous import lecture

BACKENDS = ("cpp", "numpy")
EPS = float(np.finfo(float).eps)


@pytest.fixture(params=BACKENDS)
def compiled(request):
    return kernels("rendezvous", request.param)


def body(n, m, *, seed=0, growth=0.9):
    rng = np.random.default_rng([n, m, seed])
    A = rng.standard_normal((n, n))
    A *= growth / np.abs(np.linalg.eigvals(A)).max()
    return A, rng.standard_normal((n, m))


def powers(A, count):
    found = [np.eye(len(A))]
    for _ in range(count):
        found.append(found[-1] @ A)
    return found


SIZES = [(1, 1), (2, 1), (3, 2), (6, 3), (8, 8), (9, 2), (13, 5)]


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 12])
def test_reach_factor(compiled, n, m, steps):
    A, B = body(n, m)
    L, P = np.empty((n, n)), np.empty((n, n))
    compiled.reach_factor(A, B, steps, L, P)
    every = powers(A, steps)
    W = sum(power @ B @ B.T @ power.T for power in every[:-1])
    assert np.array_equal(L, np.tril(L))
    np.testing.assert_allclose(L @ L.T, W, atol=1e3 * n * EPS * np.abs(W).max())
    np.testing.assert_allclose(P, every[-1], atol=1e3 * n * EPS)


def test_reach_factor_says_when_it_overflows(compiled):
    A, B = np.diag([1e100, 1.0]), np.ones((2, 1))
    L, P = np.empty((2, 2)), np.empty((2, 2))
    compiled.reach_factor(A, B, 9, L, P)
    assert np.isnan(L).all()
    assert np.isnan(P).all()


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_sweeps_are_adjoint_to_each_other(compiled, n, m):
    """sum y'u = mu[T]'x[T] - mu[0]'x[0]."""
    A, B = body(n, m)
    rng = np.random.default_rng(1)
    u, x = rng.standard_normal((11, m)), np.empty((12, n))
    x[0] = rng.standard_normal(n)
    compiled.rollout(A, B, u, x)
    np.testing.assert_allclose(x[1:], x[:-1] @ A.T + u @ B.T, atol=1e-13)
    end = rng.standard_normal(n)
    mu, y = end.copy(), np.empty((11, m))
    compiled.adjoint_sweep(A, B, mu, y)
    assert np.sum(y * u) == pytest.approx(end @ x[-1] - mu @ x[0], rel=1e-11)


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_input_rows(compiled, n, m):
    A, B = body(n, m)
    Phi = np.random.default_rng(2).standard_normal((2, n))
    running, rows = Phi.copy(), np.empty((7 * m, 2))
    compiled.input_rows(A, B, running, rows)
    every = powers(A, 7)
    for t in range(7):
        np.testing.assert_allclose(
            rows[t * m : (t + 1) * m], (Phi @ every[6 - t] @ B).T, atol=1e-12
        )
    np.testing.assert_allclose(running, Phi @ every[7], atol=1e-13)


def match(compiled, M, d, floor=0.0, noise=0.0):
    q = len(M)
    factor, order, scale = np.empty((q, q)), np.empty(q, np.int64), np.empty(q)
    rank = compiled.match_factor(M, np.full(q, floor), factor, order, scale)
    multiplier, direction = np.empty(q), np.empty(q)
    energy = compiled.match_solve(
        factor, order, scale, rank, d, np.full(q, noise), multiplier, direction
    )
    return rank, energy, multiplier, direction, (factor, order, scale)


@pytest.mark.parametrize(
    ("q", "k", "rank"), [(1, 1, 1), (3, 7, 3), (5, 3, 3), (6, 9, 2), (4, 4, 0)]
)
def test_meeting_equations(compiled, q, k, rank):
    rng = np.random.default_rng(q)
    M = rng.standard_normal((q, rank)) @ rng.standard_normal((rank, k))
    M *= np.geomspace(1e-8, 1e8, q)[:, None]
    w = rng.standard_normal(k)
    found, energy, multiplier, direction, (factor, order, scale) = match(compiled, M, M @ w)
    assert found == rank
    scaled = (scale[:, None] * M)[order]
    np.testing.assert_allclose(factor @ factor.T, scaled @ scaled.T, atol=1e-13)
    shortest = np.linalg.pinv(scaled) @ scaled @ w if rank else 0 * w
    assert energy == pytest.approx(shortest @ shortest, rel=1e-9)
    np.testing.assert_allclose(M.T @ multiplier, shortest, atol=1e-9)
    assert not direction.any()
    if rank < q:
        d = rng.standard_normal(q) * np.geomspace(1e-8, 1e8, q)
        _, energy, _, direction, _ = match(compiled, M, d)
        assert energy == np.inf
        assert direction @ d > 0
        size = np.abs(M).T @ np.abs(direction)
        assert (np.abs(M.T @ direction) <= 1e-12 * size + 1e-300).all()


def test_rows_below_the_floor_are_zero(compiled):
    M = np.array([[1.0, 0.0], [0.0, 1e-14]])
    assert match(compiled, M, np.array([1.0, 0.0]))[0] == 2
    rank, energy, *_ = match(compiled, M, np.array([1.0, 1.0]), floor=1e-13)
    assert (rank, energy) == (1, np.inf)
    assert match(compiled, M, np.array([1.0, 1e-12]), floor=1e-13, noise=1e-11)[1] == 1.0


def stages(compiled, n=3, m=1, steps=9, columns=2, growth=1.4):
    A, B = body(n, m, growth=growth)
    rng = np.random.default_rng(4)
    S, f = B @ B.T, rng.standard_normal((steps, n))
    carry = np.zeros((n, 2 * n + columns))
    carry[:, :n] = np.eye(n)
    carry[:, 2 * n :] = start = rng.standard_normal((n, columns))
    first = carry.copy()
    compiled.stage_elimination(A, S, f, steps, carry)
    return A, S, f, start, first, carry


def test_stage_elimination(compiled):
    """What remains holds for every path, and its rows are orthonormal."""
    A, S, f, start, _, carry = stages(compiled)
    n = len(A)
    np.testing.assert_allclose(carry[:, : 2 * n] @ carry[:, : 2 * n].T, np.eye(n), atol=1e-13)
    rng = np.random.default_rng(5)
    mu = [rng.standard_normal((n, 2))]
    for _ in range(9):
        mu.insert(0, A.T @ mu[0])
    x = start.copy()
    for t in range(9):
        x = A @ x + S @ mu[t + 1]
        x[:, 0] += f[t]
    left = carry[:, :n] @ x + carry[:, n : 2 * n] @ mu[9]
    np.testing.assert_allclose(left, carry[:, 2 * n :], atol=1e-9)


def test_stage_substitution(compiled):
    A, S, f, start, first, carry = stages(compiled)
    n = len(A)
    path = np.empty((10, 2 * n * 2))
    end = np.vstack([np.zeros((n, 2)), np.random.default_rng(6).standard_normal((n, 2))])
    end[:n] = np.linalg.solve(carry[:, :n], carry[:, 2 * n :] - carry[:, n : 2 * n] @ end[n:])
    path[9] = end.ravel()
    compiled.stage_substitution(A, S, f, first, path)
    entries = path.reshape(10, 2 * n, 2)
    x, mu = entries[:, :n], entries[:, n:]
    np.testing.assert_allclose(x[0], start, atol=1e-10)
    for t in range(9):
        expected = A @ x[t] + S @ mu[t + 1]
        expected[:, 0] += f[t]
        np.testing.assert_allclose(x[t + 1], expected, atol=1e-11 * np.abs(entries).max())
        np.testing.assert_allclose(mu[t], A.T @ mu[t + 1], atol=1e-11 * np.abs(entries).max())


# The two Newton methods


def rows(groups, m1, m2, r, *, seed=0):
    """F with orthonormal columns: half of the groups of each size."""
    first = groups // 2 * m1
    rng = np.random.default_rng([groups, m1, m2, r, seed])
    F = np.linalg.qr(rng.standard_normal((first + (groups - groups // 2) * m2, r))).Q
    return np.ascontiguousarray(F), first, rng.standard_normal(r)


def newton_arguments(groups, m1, m2, r, tightness):
    F, first, d = rows(groups, m1, m2, r)
    least = thrust_arguments(groups, m1, m2, r)
    kernels("rendezvous", "cpp").thrust_newton_steps(**least, max_iterations=60)
    return {
        "F": F, "first": first, "m1": m1, "m2": m2,
        "bounds": np.full(groups, tightness * least["state"][1]), "d": d, "free": np.eye(r),
        "tol": 1e-13,
        "eta": d.copy(), "y": np.empty(len(F)), "w": np.empty(len(F)),
        "report": np.array([0, 0, 0, 0, 0, 1e-4, np.inf]), "threads": 1,
    }  # fmt: skip


GROUPS = [(40, 1, 1, 3), (30, 2, 2, 4), (31, 3, 1, 2), (700, 2, 3, 5), (3000, 1, 1, 6)]


@pytest.mark.parametrize(("groups", "m1", "m2", "r"), GROUPS)
@pytest.mark.parametrize("tightness", [9.0, 1.3, 1.01])
def test_dual_newton(compiled, groups, m1, m2, r, tightness):
    state = newton_arguments(groups, m1, m2, r, tightness)
    compiled.dual_newton_steps(**state, max_iterations=60)
    value, _, pull, support, what = state["report"][:5]
    assert what == 1
    w, y, first = state["w"], state["y"], state["first"]
    np.testing.assert_allclose(y, state["F"] @ state["eta"], atol=1e-12 * np.abs(y).max())
    lengths = np.concatenate(
        [
            np.linalg.norm(part.reshape(-1, m), axis=1)
            for part, m in ((w[:first], m1), (w[first:], m2))
        ]
    )
    assert (lengths <= state["bounds"] * (1 + 4 * EPS)).all()
    np.testing.assert_allclose(state["F"].T @ w, state["d"], atol=1e-11)
    assert value == pytest.approx(w @ w, rel=1e-11)
    assert pull <= support * (1 + 1e-11)


@pytest.mark.parametrize(("groups", "m1", "m2", "r"), GROUPS)
def test_impossible_bounds_are_proved(compiled, groups, m1, m2, r):
    state = newton_arguments(groups, m1, m2, r, 0.9)
    compiled.dual_newton_steps(**state, max_iterations=60)
    assert state["report"][4] == 2
    eta, first = state["eta"], state["first"]
    y = state["F"] @ eta
    reach = sum(
        np.sum(np.linalg.norm(part.reshape(-1, m), axis=1))
        for part, m in ((y[:first], m1), (y[first:], m2))
    )
    assert eta @ state["d"] > state["bounds"][0] * reach


def test_newton_stops_at_its_limit_and_goes_on(compiled):
    whole = newton_arguments(700, 2, 3, 5, 1.05)
    steps = compiled.dual_newton_steps(**whole, max_iterations=60)
    parts = newton_arguments(700, 2, 3, 5, 1.05)
    done = 0
    while parts["report"][4] == 0 and done < 60:
        done += compiled.dual_newton_steps(**parts, max_iterations=1)
    assert done == steps
    assert np.array_equal(parts["eta"], whole["eta"])


@pytest.mark.parametrize(("groups", "m1", "m2", "r"), GROUPS)
def test_corrections_make_up_for_what_is_missing(compiled, groups, m1, m2, r):
    state = newton_arguments(groups, m1, m2, r, 1.3)
    compiled.dual_newton_steps(**state, max_iterations=60)
    missing = 1e-7 * np.arange(1.0, r + 1)
    before = state["F"].T @ state["w"]
    keys = ("F", "first", "m1", "m2", "bounds", "y", "w", "threads")
    compiled.correct_inputs(**{key: state[key] for key in keys}, missing=missing)
    # Lengths of groups are bounded by spheres: what is cut off there is of second order.
    np.testing.assert_allclose(state["F"].T @ state["w"] - before, missing, atol=2e-12)


def thrust_arguments(groups, m1, m2, r):
    F, first, d = rows(groups, m1, m2, r)
    eta = d / (d @ d)
    p = F @ d
    p *= 0.5 / np.abs(p).max()
    beta = 0.1 * np.abs(F @ eta).max()
    return {
        "F": F, "first": first, "m1": m1, "m2": m2, "d": d,
        "basis": np.ascontiguousarray(np.linalg.qr(d[:, None], mode="complete").Q[:, 1:]),
        "tol": 1e-11, "eta": eta, "p": p, "y": np.empty(len(F)), "best_eta": eta.copy(),
        "best_p": p.copy(), "state": np.array([beta, np.inf, 0.0, 0.0]), "threads": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("groups", "m1", "m2", "r"), [*GROUPS, (9, 1, 1, 1)])
def test_thrust_newton(compiled, groups, m1, m2, r):
    state = thrust_arguments(groups, m1, m2, r)
    compiled.thrust_newton_steps(**state, max_iterations=60)
    _, upper, lower, what = state["state"]
    assert what == 1
    F, first, d = state["F"], state["first"], state["d"]

    def lengths(v):
        parts = ((v[:first], m1), (v[first:], m2))
        return np.concatenate([np.linalg.norm(part.reshape(-1, m), axis=1) for part, m in parts])

    np.testing.assert_allclose(F.T @ state["best_p"], d, atol=1e-10)
    assert lengths(state["best_p"]).max() == pytest.approx(upper, rel=1e-13)
    eta = state["best_eta"]
    assert lower == pytest.approx(eta @ d / lengths(F @ eta).sum(), rel=1e-13)
    assert lower <= upper * (1 + 1e-14)


# Both backends


def on_both(name, arguments, outputs):
    results = []
    for backend in BACKENDS:
        own = {key: np.copy(arguments[key]) for key in outputs}
        returned = getattr(kernels("rendezvous", backend), name)(**{**arguments, **own})
        results.append((returned, own))
    return results


@pytest.mark.parametrize(("groups", "m1", "m2", "r"), GROUPS)
@pytest.mark.parametrize("tightness", [1.1, 0.9])
def test_newton_steps_are_the_same(groups, m1, m2, r, tightness):
    arguments = newton_arguments(groups, m1, m2, r, tightness)
    for limit in (1, 3, 60):
        (done, cpp), (expected, reference) = on_both(
            "dual_newton_steps", arguments | {"max_iterations": limit}, ["eta", "y", "w", "report"]
        )
        assert done == expected
        assert cpp["report"][4] == reference["report"][4]
        size = np.abs(reference["eta"]).max()
        np.testing.assert_allclose(cpp["eta"], reference["eta"], atol=1e-8 * size)
        np.testing.assert_allclose(cpp["w"], reference["w"], atol=1e-9)


@pytest.mark.parametrize(("groups", "m1", "m2", "r"), GROUPS)
def test_thrust_steps_are_the_same(groups, m1, m2, r):
    arguments = thrust_arguments(groups, m1, m2, r)
    for limit in (1, 3, 60):
        (_, cpp), (_, reference) = on_both(
            "thrust_newton_steps",
            arguments | {"max_iterations": limit},
            ["eta", "p", "y", "best_eta", "best_p", "state"],
        )
        np.testing.assert_allclose(cpp["state"][1:], reference["state"][1:], rtol=1e-9)
        np.testing.assert_allclose(cpp["best_eta"], reference["best_eta"], rtol=1e-5, atol=1e-9)


def test_energy_curves_are_the_same():
    p = lecture()
    T, eye = 60, np.eye(4)
    arguments = {
        "A": p.A, "B": p.B, "C": p.C, "D": p.D, "Ex": eye, "Ez": -eye,
        "Lx": np.zeros((4, 4)), "Lz": np.zeros((4, 4)), "x": p.x0, "z": p.z0,
        "largest_x": np.abs(p.x0), "largest_z": np.abs(p.z0), "begin": 0,
        "energy": np.empty(T), "rank": np.empty(T, np.int64), "condition": np.empty(T),
        "multiplier": np.empty((T, 4)),
    }  # fmt: skip
    outputs = ["Lx", "Lz", "x", "z", "largest_x", "largest_z", "energy", "rank", "condition"]
    (_, cpp), (_, reference) = on_both("energy_curve", arguments, [*outputs, "multiplier"])
    for name in ("energy", "rank", "condition", "multiplier", "x", "largest_z"):
        np.testing.assert_allclose(cpp[name], reference[name], rtol=1e-11, atol=1e-300)
    for name in ("Lx", "Lz"):  # the signs of columns are free
        np.testing.assert_allclose(
            cpp[name] @ cpp[name].T, reference[name] @ reference[name].T, atol=1e-15
        )


# Any number of threads gives the same bits


@pytest.mark.parametrize(("groups", "m1", "m2", "r"), [(30_000, 1, 1, 4), (9_001, 2, 3, 5)])
def test_threads_do_not_change_bits(groups, m1, m2, r):
    module = kernels("rendezvous", "cpp")
    found = []
    for threads in (1, 2, 3):
        newton = newton_arguments(groups, m1, m2, r, 1.1) | {"threads": threads}
        module.dual_newton_steps(**newton, max_iterations=3)
        thrust = thrust_arguments(groups, m1, m2, r) | {"threads": threads}
        module.thrust_newton_steps(**thrust, max_iterations=3)
        found.append(
            [a.tobytes() for a in (newton["eta"], newton["w"], thrust["p"], thrust["eta"])]
        )
    assert found[0] == found[1] == found[2]
