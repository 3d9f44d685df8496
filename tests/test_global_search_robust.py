"""The global search in trouble: wrong constants, limits, noise, interruptions."""

from __future__ import annotations

import importlib
import math
import os
import signal

import numpy as np
import pytest
from global_search_checks import LEAST, LINE, SPACE, certified

from minimand import ConvergenceWarning, Status, minimize_lipschitz
from minimand.problems import functions
from minimand.problems import global_search as problems


@pytest.mark.parametrize("seed", range(100))
def test_never_certified_and_wrong(seed):
    rng = np.random.default_rng(seed)
    a, w, s = rng.standard_normal(4), rng.uniform(0.5, 8.0, 4), rng.uniform(0, 6, 4)
    f = lambda x: np.sin(np.multiply.outer(x, w) + s) @ a  # noqa: E731
    x = np.linspace(-2, 2, 20_001)
    M, K = float(np.abs(a) @ w), float(np.abs(a) @ w**2)
    least = float(f(x).min())
    for constants in ({"lipschitz": M}, {"gradient_lipschitz": K}):
        found = minimize_lipschitz(f, (-2, 2), tol=1e-3, vectorized=True, **constants)
        certified(found, f, (-2, 2), min(least, found.fun), **constants)
        assert found.lower_bound <= least
        assert found.fun <= least + 1e-3


def test_a_constant_that_samples_refute_is_reported(backend):
    f = problems.pracma_waves
    with pytest.warns(ConvergenceWarning, match="changes faster than the given constant"):
        found = minimize_lipschitz(f, (-3, 8), lipschitz=2, tol=1e-4, backend=backend)
    assert found.status is Status.CONSTANT_REFUTED
    assert not found.certified
    assert found.lower_bound == -math.inf
    assert 2 < found.lipschitz_observed <= 4.7
    a, b = found.witness[:, 0]
    assert abs(f(a) - f(b)) > 2 * abs(a - b)
    found.verify(f, (-3, 8), lipschitz=2)


@pytest.mark.parametrize(
    "given",
    ["lipschitz", "gradient_lipschitz", "hessian_lipschitz", "grid", "differences", "partial"],
)
def test_constants_are_refuted_in_several_variables(given, backend):
    problem = functions.himmelblau()
    constants = {"grad": problem.grad, given: 20.0}
    if given == "hessian_lipschitz":
        constants["hessian"] = problem.hess
    if given == "partial":
        constants = {"lipschitz": [600.0, 20.0]}
    if given == "differences":
        constants = {"gradient_lipschitz": 20.0}
    if given == "grid":
        constants = {"lipschitz": 0.2, "method": "grid", "tol": 0.01}
    with pytest.warns(ConvergenceWarning, match="witness has the points"):
        found = minimize_lipschitz(problem.f, problem.bounds, backend=backend, **constants)
    assert found.status is Status.CONSTANT_REFUTED
    constants.pop("method", None), constants.pop("tol", None)
    found.verify(problem.f, problem.bounds, **constants)


def test_a_bound_holds_for_the_constant_that_was_given_only():
    f = problems.pracma_waves
    found = minimize_lipschitz(f, (-3, 8), lipschitz=5, tol=1e-3)
    found.verify(f, (-3, 8), lipschitz=4.8)
    with pytest.raises(ValueError, match="excess of the lower bound"):
        found.verify(f, (-3, 8), lipschitz=6)


def test_errors_of_f_are_in_the_bound(backend):
    noise = lambda x: 1e-3 * np.sin(1e6 * x)  # noqa: E731
    f = lambda x: problems.pracma_waves(x) + noise(x)  # noqa: E731
    constants = {"lipschitz": 5.0, "f_error": 1e-3}
    found = minimize_lipschitz(f, (-3, 8), tol=0.01, backend=backend, **constants)
    assert found.certified
    found.verify(f, (-3, 8), **constants)
    assert found.lower_bound <= LEAST <= found.fun + 1e-3


def test_limits_leave_a_valid_bound(backend):
    problem = SPACE["six-hump camel"]
    for limit in ({"max_evaluations": 500}, {"time_limit": 1e-3}):
        with pytest.warns(ConvergenceWarning, match="limit"):
            found = minimize_lipschitz(
                problem.f, problem.bounds, lipschitz=problem.lipschitz, backend=backend, **limit
            )
        assert found.status in (Status.EVALUATION_LIMIT, Status.TIME_LIMIT)
        assert not found.certified
        assert found.lower_bound <= problem.minimum <= found.fun
        found.verify(problem.f, problem.bounds, lipschitz=problem.lipschitz)


def test_evaluations_are_those_of_f(backend):
    count = 0

    def f(p):
        nonlocal count
        count += np.size(p) // 2
        return SPACE["Branin"].f(p)

    constants = {"gradient_lipschitz": 29.3}
    with pytest.warns(ConvergenceWarning):
        found = minimize_lipschitz(
            f, SPACE["Branin"].bounds, max_evaluations=2_000, backend=backend, **constants
        )
    assert found.evaluations == count <= 2_000


def test_callback_stops(backend):
    seen = []

    def callback(now):
        seen.append(now)
        if now.gap < 1.0:
            raise StopIteration

    f, constants = problems.pracma_waves, {"lipschitz": 5.0}
    found = minimize_lipschitz(
        f, (-3, 8), tol=1e-9, callback=callback, backend=backend, **constants
    )
    assert found.status is Status.STOPPED_BY_CALLBACK
    assert seen[-1].lower_bound <= LEAST + 1e-12
    assert seen[-1].fun >= LEAST - 1e-12
    found.verify(f, (-3, 8), **constants)


def test_other_limits_of_direct_keep_their_status():
    found = minimize_lipschitz(problems.pracma_waves, (-3, 8), callback=_stop)
    assert found.status is Status.STOPPED_BY_CALLBACK


def _stop(_now):
    raise StopIteration


@pytest.mark.parametrize("where", ["f", "callback"])
@pytest.mark.parametrize("name", ["six-hump camel", "Problem03"])
def test_interruption_leaves_the_best_so_far(name, where, backend):
    problem, calls = (LINE | SPACE)[name], 0

    def press(*_now):
        nonlocal calls
        calls += 1
        if calls == (300 if where == "f" else 3):
            os.kill(os.getpid(), signal.SIGINT)

    f = (lambda x: (press(), problem.f(x))[1]) if where == "f" else problem.f
    found = minimize_lipschitz(
        f, problem.bounds, lipschitz=problem.lipschitz, tol=1e-9, backend=backend,
        vectorized=True, callback=press if where == "callback" else None,
    )  # fmt: skip
    interrupted(found, problem)


def interrupted(found, problem):
    """Assert that what is left is valid."""
    assert found.status is Status.INTERRUPTED
    assert found.lower_bound <= problem.minimum + 1e-12
    assert found.fun >= problem.minimum - 1e-12
    found.verify(problem.f, problem.bounds, lipschitz=problem.lipschitz)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("Problem03", "line._raise"),
        ("Problem03", "line.line_open"),
        ("six-hump camel", "boxes.rows"),
    ],
)
def test_interruption_in_a_kernel_in_python(name, function, monkeypatch):
    problem, calls = (LINE | SPACE)[name], 0
    module, attribute = function.split(".")
    module = importlib.import_module(f"minimand.reference.global_search.{module}")
    original = getattr(module, attribute)

    def interrupt(*arguments):
        nonlocal calls
        calls += 1
        if calls == 1001:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(module, attribute, interrupt)
    constants = {"lipschitz": problem.lipschitz, "gradient_lipschitz": problem.gradient_lipschitz}
    constants = constants if name != "Problem03" else {"lipschitz": problem.lipschitz}
    found = minimize_lipschitz(
        problem.f, problem.bounds, tol=1e-9, backend="numpy", vectorized=True, **constants
    )
    monkeypatch.undo()
    assert found.status is Status.INTERRUPTED
    assert found.lower_bound <= problem.minimum + 1e-12
    found.verify(problem.f, problem.bounds, **constants)


@pytest.mark.parametrize("scale", [1e-200, 1e150])
def test_extreme_units(scale, backend):
    f = lambda x: scale * problems.pracma_waves(x / scale)  # noqa: E731
    found = minimize_lipschitz(
        f, (-3 * scale, 8 * scale), lipschitz=5.0, tol=1e-3 * scale, backend=backend
    )
    assert found.certified
    assert found.fun / scale == pytest.approx(-1.6238647, abs=1e-3)
