"""The test functions: derivatives, constants, minima and stationary points are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from minimand.problems import functions

FUNCTIONS = functions.catalogue() | {
    problem.name: problem
    for problem in (functions.rosenbrock(5), functions.rastrigin(1), functions.quadratic(7))
}
problems = pytest.mark.parametrize("problem", FUNCTIONS.values(), ids=list(FUNCTIONS))


def inside(problem, count, seed=0):
    low, high = problem.bounds.T
    return np.random.default_rng(seed).uniform(low, high, (count, problem.dimension))


def grid(problem, total=40_000):
    per_axis = int(total ** (1 / problem.dimension))
    axes = [np.linspace(low, high, per_axis) for low, high in problem.bounds]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, problem.dimension)


def steps(problem, h):
    return h * np.eye(problem.dimension)


@problems
def test_gradients_and_hessians_are_those_of_the_values(problem):
    h, P = 1e-5, inside(problem, 50)
    size = max(problem.gradient_lipschitz, problem.lipschitz)
    for j, e in enumerate(steps(problem, h)):
        slope = (problem.values(P + e) - problem.values(P - e)) / (2 * h)
        assert np.abs(slope - problem.gradients(P)[:, j]).max() <= 1e-6 * size
        if problem.hessian_lipschitz is not None:
            bend = (problem.gradients(P + e) - problem.gradients(P - e)) / (2 * h)
            bound = 1e-6 * max(problem.hessian_lipschitz, problem.gradient_lipschitz)
            assert np.abs(bend - problem.hessians(P)[:, j]).max() <= bound


@problems
def test_constants_bound_what_is_seen_and_are_tight(problem):
    P = grid(problem)
    slope = np.linalg.norm(problem.gradients(P), axis=1).max()
    bend = np.abs(np.linalg.eigvalsh(problem.hessians(P))).max()
    assert slope <= problem.lipschitz
    assert bend <= problem.gradient_lipschitz
    if problem.dimension <= 2:
        assert problem.lipschitz <= 1.01 * slope
        assert problem.gradient_lipschitz <= 1.01 * bend
    if problem.hessian_lipschitz is not None:
        a, b = inside(problem, 2000), inside(problem, 2000, seed=1)
        b = a + 1e-3 * (b - a)
        change = np.abs(np.linalg.eigvalsh(problem.hessians(b) - problem.hessians(a))).max(axis=1)
        bound = problem.hessian_lipschitz * np.linalg.norm(b - a, axis=1)
        assert (change <= bound + 1e-9 * problem.gradient_lipschitz).all()
    if problem.strong_convexity:
        assert np.linalg.eigvalsh(problem.hessians(P)).min() >= problem.strong_convexity - 1e-9


@problems
def test_polyak_lojasiewicz(problem):
    mu = problem.polyak_lojasiewicz
    if mu:
        P = grid(problem)
        squares = np.sum(problem.gradients(P) ** 2, axis=1)
        assert (squares >= 2 * mu * (problem.values(P) - problem.minimum) - 1e-12).all()


@problems
def test_minima(problem):
    size = max(1.0, problem.lipschitz)
    assert problem.values(problem.minimizers) == pytest.approx(problem.minimum, abs=1e-15 * size)
    low, high = problem.bounds.T
    assert ((low <= problem.minimizers) & (problem.minimizers <= high)).all()
    assert (problem.values(grid(problem)) >= problem.minimum - 1e-14 * size).all()


@problems
def test_stationary_points(problem):
    points = problem.stationary_points
    if points is None:
        return
    assert len(points) == len(problem.kinds)
    if not len(points):
        return
    gradients = np.linalg.norm(problem.gradients(points), axis=1)
    assert gradients.max() <= 1e-14 * max(problem.lipschitz, problem.gradient_lipschitz)
    for H, kind in zip(problem.hessians(points), problem.kinds, strict=True):
        values = np.linalg.eigvalsh(H)
        expected = (
            "undetermined"
            if not values.all()
            else "minimum"
            if values[0] > 0
            else "maximum"
            if values[-1] < 0
            else "saddle"
        )
        assert kind == expected


@problems
def test_layouts_agree(problem):
    P = inside(problem, 6)
    x = P[:, 0] if problem.dimension == 1 else P
    assert np.array_equal(problem(x.reshape(2, 3, *x.shape[1:])).ravel(), problem.values(P))
    if problem.name != "heavy-ball cycle":
        assert np.asarray(problem(x + 0j)).dtype == complex
    with pytest.raises(ValueError, match="points has shape"):
        problem.values(P[0])
    for array in (problem.bounds, problem.minimizers):
        assert not array.flags.writeable


def test_bad_sizes():
    with pytest.raises(ValueError, match="n is 1, expected at least 2"):
        functions.rosenbrock(1)
    with pytest.raises(ValueError, match=r"condition is 0.5, expected at least 1"):
        functions.quadratic(3, condition=0.5)
