"""Kernels of the derivatives: the same bits on both backends, and what they should compute."""

from __future__ import annotations

import numpy as np
import pytest

import minimand
from minimand._common.backend import kernels
from minimand.problems import derivatives as problems
from minimand.problems import functions

OFFSETS = [(1, -1, 2, -2), (1, 2, 4), (1, 2), (1, -1, 2, -2), (1, 2, 3, 4, 6)]
ORDERS = [1, 1, 1, 2, 2]


def on_both(name, arguments, outputs):
    """Run a kernel on both backends by keyword; its outputs must have the same bits."""
    results = []
    for backend in ("cpp", "numpy"):
        own = {key: np.copy(arguments[key]) for key in outputs}
        getattr(kernels("derivatives", backend), name)(**{**arguments, **own})
        results.append(own)
    for key in outputs:
        # A NaN has no sign worth comparing.
        assert np.array_equal(results[0][key], results[1][key], equal_nan=True), key
    return [results[0][key] for key in outputs]


def strange(array, seed):
    """Put NaN, infinities and extreme numbers into some places."""
    rng = np.random.default_rng(seed)
    flat = array.reshape(-1)
    where = rng.choice(flat.size, size=max(1, flat.size // 5), replace=False)
    flat[where] = rng.choice([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 0.0], size=len(where))
    return array


@pytest.mark.parametrize("n", [1, 3, 40])
def test_displaced_points(n):
    rng = np.random.default_rng(n)
    m = 5 * n
    x = rng.standard_normal(n)
    arguments = {
        "x": x,
        "first": rng.integers(0, n, m),
        "first_step": rng.standard_normal(m),
        "second": rng.integers(0, n, m),
        "second_step": rng.standard_normal(m),
        "lower": x - rng.uniform(0, 1, n),
        "upper": x + rng.uniform(0, 1, n),
        "points": np.empty((m, n)),
    }
    (points,) = on_both("displaced_points", arguments, ["points"])
    assert (points >= arguments["lower"]).all()
    assert (points <= arguments["upper"]).all()
    free = arguments | {"lower": np.full(n, -np.inf), "upper": np.full(n, np.inf)}
    (points,) = on_both("displaced_points", free, ["points"])
    moved = np.tile(x, (m, 1))
    np.add.at(moved, (np.arange(m), free["first"]), free["first_step"])
    np.add.at(moved, (np.arange(m), free["second"]), free["second_step"])
    assert np.array_equal(points, moved)


@pytest.mark.parametrize("rule", range(5))
@pytest.mark.parametrize("odd", [False, True])
def test_differences(rule, odd):
    rng = np.random.default_rng(rule)
    m = 60
    arguments = {
        "values": rng.standard_normal((len(OFFSETS[rule]), m)),
        "centre": rng.standard_normal(m),
        "h": rng.uniform(0.1, 1.0, m) * (rng.choice([-1, 1], m) if rule in (1, 2) else 1),
        "size": rng.uniform(0, 2, m),
        "noise": np.where(rng.random(m) < 0.5, 0.0, 1e-3),
        "eps": 2.0**-52,
        "rule": rule,
        "out": np.empty((3, m)),
    }
    if odd:
        strange(arguments["values"], rule)
    on_both("differences", arguments, ["out"])


@pytest.mark.parametrize("rule", range(5))
def test_rules_are_exact_for_polynomials(rule):
    """Of a degree that they have no truncation for; and the truncation of the next one is right."""
    order = ORDERS[rule]
    degree = 1 if rule == 2 else order + 1
    h = np.array([0.25, 0.5]) * (-1.0 if rule in (1, 2, 4) else 1.0)
    for k in range(degree + 2):
        values = np.array([(q * h) ** k for q in OFFSETS[rule]])
        arguments = {
            "values": values,
            "centre": np.full(2, float(k == 0)),
            "h": h,
            "size": np.zeros(2),
            "noise": np.zeros(2),
            "eps": 2.0**-52,
            "rule": rule,
            "out": np.empty((3, 2)),
        }
        ((value, truncation, _),) = on_both("differences", arguments, ["out"])
        exact = float(order) if k == order else 0.0
        if k <= degree:
            assert value == pytest.approx(exact, abs=1e-14)
            assert truncation == pytest.approx(0.0, abs=1e-13)
        else:
            assert (np.abs(value - exact) <= 1.0001 * truncation + 1e-14).all()


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("n", [2, 7])
def test_mixed_differences(n, odd):
    rng = np.random.default_rng(n)
    first, second = np.triu_indices(n, 1)
    arguments = {
        "corners": rng.standard_normal((4, len(first))),
        "axes": rng.standard_normal((4, n)),
        "centre": 0.3,
        "h": rng.uniform(0.1, 1.0, n),
        "size": rng.uniform(0.0, 2.0, n),
        "noise": 0.0,
        "eps": 2.0**-52,
        "first": first,
        "second": second,
        "out": np.empty((3, len(first))),
    }
    if odd:
        strange(arguments["corners"], n)
    on_both("mixed_differences", arguments, ["out"])


def test_mixed_differences_of_a_quadratic():
    Q = np.array([[2.0, 3.0, -1.0], [3.0, 1.0, 0.5], [-1.0, 0.5, 4.0]])
    f = lambda p: 0.5 * np.sum(p * (p @ Q), axis=-1)  # noqa: E731
    h = np.array([0.5, 0.25, 1.0])
    first, second = np.triu_indices(3, 1)
    signs = (1, -1, 2, -2)
    e = np.diag(h)
    arguments = {
        "corners": np.array([f(s * (e[first] + e[second])) for s in signs]),
        "axes": np.array([f(s * e) for s in signs]),
        "centre": 0.0,
        "h": h,
        "size": np.zeros(3),
        "noise": 0.0,
        "eps": 2.0**-52,
        "first": first,
        "second": second,
        "out": np.empty((3, 3)),
    }
    (out,) = on_both("mixed_differences", arguments, ["out"])
    assert out[0] == pytest.approx(Q[first, second])
    assert out[1] == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("base", [2.0, 4.0])
@pytest.mark.parametrize("odd", [False, True])
def test_richardson_table(base, odd):
    rng = np.random.default_rng(3)
    arguments = {
        "differences": rng.standard_normal((8, 50)),
        "rounding": 10.0 ** rng.uniform(-16, 0, (8, 50)),
        "base": base,
        "out": np.empty((3, 50)),
        "level": np.empty(50, dtype=np.int64),
    }
    if odd:
        strange(arguments["differences"], 3)
        arguments["differences"][:, 7] = np.nan
    out, level = on_both("richardson_table", arguments, ["out", "level"])
    assert ((level >= 1) & (level <= 7)).all()
    if odd:
        assert np.isnan(out[0, 7])
        assert (out[1:, 7] == np.inf).all()


@pytest.mark.parametrize("base", [2.0, 4.0])
def test_richardson_table_sums_a_finite_series(base):
    """A series of three terms in powers of the step is exhausted by the fourth column."""
    h = base ** -np.arange(8.0)[:, np.newaxis]
    D = 1.0 + 3.0 * h - 5.0 * h**2 + 2.0 * h**3
    arguments = {
        "differences": D,
        "rounding": np.full((8, 1), 1e-16),
        "base": base,
        "out": np.empty((3, 1)),
        "level": np.empty(1, dtype=np.int64),
    }
    out, _ = on_both("richardson_table", arguments, ["out", "level"])
    assert out[0, 0] == pytest.approx(1.0, abs=1e-13)


def test_richardson_table_is_judged_by_the_finest_step():
    """Steps that miss an oscillation agree with one another, on what the fine ones refute."""
    h = 0.5 ** np.arange(1.0, 9.0)[:, np.newaxis]
    arguments = {
        "differences": np.sin(50.0 * h) / h,
        "rounding": np.full((8, 1), 1e-14),
        "base": 4.0,
        "out": np.empty((3, 1)),
        "level": np.empty(1, dtype=np.int64),
    }
    out, level = on_both("richardson_table", arguments, ["out", "level"])
    assert abs(out[0, 0] - 50.0) <= out[1, 0] < 1e-3
    assert level[0] == 7


@pytest.mark.parametrize("method", ["central", "forward", "richardson", "complex"])
def test_backends_give_the_same_bits(method):
    problem = functions.rosenbrock(7)
    x = np.random.default_rng(0).standard_normal(7)
    bounds = [(x[0], 9.0), *[(None, None)] * 6]
    calls = [
        lambda **o: minimand.gradient(problem, x, method=method, bounds=bounds, **o),
        lambda **o: minimand.jacobian(problem.grad, x, method=method, **o),
        lambda **o: (
            minimand.derivative(problems.squire_trapp, x, method=method, **o)
            if method != "richardson"
            else minimand.derivative(np.exp, x, method=method, order=4, **o)
        ),
    ]
    if method == "central":
        calls.append(lambda **o: minimand.hessian(problem, x, bounds=bounds, **o))
        calls.append(lambda **o: minimand.gradient(problem, x, step="auto", **o))
    for call in calls:
        try:
            compiled, mirror = call(backend="cpp"), call(backend="numpy")
        except minimand.DerivativeWarning:  # where the sum of cubes is negative
            continue
        for name in ("value", "error", "truncation", "rounding", "step"):
            assert np.array_equal(getattr(compiled, name), getattr(mirror, name))
