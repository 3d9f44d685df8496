"""The global search certifies known minima, whatever the method, and says when it cannot."""

from __future__ import annotations

import math

import numpy as np
import pytest
from global_search_checks import LEAST, LINE, SPACE, certified

from minimand import ConvergenceWarning, Status, minimize_lipschitz
from minimand.global_search import Quadratic
from minimand.problems import functions
from minimand.problems import global_search as problems


def contains(boxes, point):
    return ((boxes[..., 0] <= point) & (point <= boxes[..., 1])).all(axis=1).any()


# One variable


@pytest.mark.parametrize("problem", LINE.values(), ids=list(LINE))
def test_one_variable_by_slopes(problem, backend):
    constants = {"lipschitz": problem.lipschitz}
    found = minimize_lipschitz(
        problem.f, problem.bounds, tol=1e-4, backend=backend, vectorized=True, **constants
    )
    certified(found, problem.f, problem.bounds, problem.minimum, **constants)
    assert 20 * found.evaluations <= found.grid_points_equivalent
    assert contains(found.minimizer_boxes, problem.minimizers + 1e-6) or contains(
        found.minimizer_boxes, problem.minimizers - 1e-6
    )


@pytest.mark.parametrize("problem", LINE.values(), ids=list(LINE))
def test_one_variable_by_curvature_to_the_sixth_digit(problem, backend):
    constants = {"gradient_lipschitz": problem.gradient_lipschitz}
    found = minimize_lipschitz(
        problem.f, problem.bounds, tol=1e-6, backend=backend, vectorized=True, **constants
    )
    certified(found, problem.f, problem.bounds, problem.minimum, **constants)
    assert 20 * found.evaluations <= found.grid_points_equivalent


# Evaluations of a plain prototype, tol 1e-4, by M and by K alone.
EVALUATIONS = {
    "Problem02": (413, 10), "Problem03": (3873, 76), "Problem04": (671, 8), "Problem06": (375, 22),
    "Problem07": (463, 10), "Problem08": (3711, 71), "Problem09": (447, 11),
    "Problem12": (805, 15), "Problem15": (3503, 53), "Problem18": (845, 6), "Problem20": (75, 20),
    "Problem21": (1783, 16),
}  # fmt: skip


@pytest.mark.parametrize("name", EVALUATIONS)
def test_one_variable_takes_few_evaluations(name):
    problem = LINE[name]
    for k, constants in enumerate(
        ({"lipschitz": problem.lipschitz}, {"gradient_lipschitz": problem.gradient_lipschitz})
    ):
        found = minimize_lipschitz(
            problem.f, problem.bounds, tol=1e-4, vectorized=True, **constants
        )
        assert found.evaluations <= 1.1 * EVALUATIONS[name][k]


@pytest.mark.parametrize(
    ("problem", "K"),
    [
        (functions.wavy_parabola(), 8.0),
        (functions.x_cos(), 19.74),
        (functions.noisy_x_cos(), 69.09),
        (functions.quartic(), 48.0),
        (functions.cubic(), 12.0),
        (functions.hyperbolic_tangent(), 0.77),
    ],
    ids=lambda value: getattr(value, "name", None),
)
@pytest.mark.parametrize("slopes", [False, True])
def test_curvature_with_and_without_slopes(problem, K, slopes, backend):
    constants = {"gradient_lipschitz": K, "grad": problem.grad if slopes else None}
    found = minimize_lipschitz(
        problem.f, problem.bounds[0], tol=1e-6, backend=backend, vectorized=True, **constants
    )
    certified(found, problem.f, problem.bounds[0], problem.minimum, **constants)
    assert found.evaluations <= {"x^4": 400, "tanh": 80}.get(problem.name, 40)


def test_pracma_case(backend):
    f = problems.pracma_waves
    found = minimize_lipschitz(f, (-3, 8), lipschitz=5, tol=1e-4, backend=backend, vectorized=True)
    certified(found, f, (-3, 8), LEAST, lipschitz=5)
    assert found.evaluations <= 481
    assert found.x == pytest.approx(3.2162216, abs=5e-3)
    assert found.grid_points_equivalent == 275_000


def test_all_minimisers_are_kept(backend):
    f = lambda x: (x * x - 2.0) ** 2  # noqa: E731
    found = minimize_lipschitz(f, (-10, 11), gradient_lipschitz=1444.0, tol=1e-6, backend=backend)
    certified(found, f, (-10, 11), 0.0, gradient_lipschitz=1444.0)
    for x in (-math.sqrt(2), math.sqrt(2)):
        assert contains(found.minimizer_boxes, x)
    assert np.ptp(found.minimizer_boxes, axis=-1).sum() < 0.05


def test_math_functions_work_one_by_one(backend):
    f = lambda x: math.sin(x) + math.sin(10 * x / 3)  # noqa: E731
    found = minimize_lipschitz(f, (2.7, 7.5), gradient_lipschitz=12.13, backend=backend)
    certified(found, f, (2.7, 7.5), -1.899599349152113, gradient_lipschitz=12.13)
    assert isinstance(found.x, float)


# Several variables

PROTOTYPE = {
    "six-hump camel": 5096, "Branin": 1455, "Himmelblau": 2071, "Rastrigin 2": 698,
    "Rosenbrock 2": 13743, "McCormick": 128, "Hartmann 3": 7025,
}  # fmt: skip


@pytest.mark.parametrize("name", PROTOTYPE)
def test_several_variables(name, backend):
    problem = SPACE[name]
    constants = {
        "lipschitz": problem.lipschitz,
        "gradient_lipschitz": problem.gradient_lipschitz,
        "grad": problem.grad,
    }
    found = minimize_lipschitz(
        problem.f, problem.bounds, tol=1e-3, backend=backend, vectorized=True, **constants
    )
    certified(found, problem.f, problem.bounds, problem.minimum, **constants)
    assert found.evaluations <= 1.5 * PROTOTYPE[name]
    for x in problem.minimizers:
        assert contains(found.minimizer_boxes, x)


SMOOTH = [functions.six_hump_camel, functions.branin, functions.himmelblau, functions.rosenbrock]


@pytest.mark.parametrize("problem", [make() for make in SMOOTH], ids=lambda p: p.name)
def test_hessians_end_clusters(problem, backend):
    constants = {
        "grad": problem.grad,
        "hessian": problem.hess,
        "hessian_lipschitz": problem.hessian_lipschitz,
    }
    found = minimize_lipschitz(
        problem.f, problem.bounds, tol=1e-6, backend=backend, vectorized=True, **constants
    )
    certified(found, problem.f, problem.bounds, problem.minimum, **constants)
    assert found.evaluations <= 4_000
    for x in problem.minimizers:
        assert contains(found.minimizer_boxes, x)


@pytest.mark.parametrize("name", ["Branin", "McCormick", "Rastrigin 2"])
def test_differences_stand_in_for_gradients(name, backend):
    problem = SPACE[name]
    constants = {"gradient_lipschitz": problem.gradient_lipschitz}
    found = minimize_lipschitz(
        problem.f, problem.bounds, tol=1e-3, backend=backend, vectorized=True, **constants
    )
    certified(found, problem.f, problem.bounds, problem.minimum, **constants)


@pytest.mark.parametrize("partial", [False, True])
def test_values_alone(partial, backend):
    f = lambda p: np.abs(p[..., 0]) + 2.0 * np.abs(p[..., 1] - 0.3)  # noqa: E731
    constants = {"lipschitz": [1.0, 2.0] if partial else math.sqrt(5.0)}
    box = [(-1, 2), (-1, 1)]
    found = minimize_lipschitz(f, box, tol=0.02, backend=backend, **constants)
    certified(found, f, box, 0.0, **constants)
    assert 10 * found.evaluations < found.grid_points_equivalent


def test_equal_ends_fix_a_variable(backend):
    problem = functions.himmelblau()
    constants = {"gradient_lipschitz": 328.0, "grad": problem.grad}
    box = [(-5, 5), (2, 2)]
    found = minimize_lipschitz(problem.f, box, backend=backend, **constants)
    certified(found, problem.f, box, 0.0, **constants)
    assert found.x[1] == 2.0
    edge = minimize_lipschitz(bowl := lambda p: p[..., 0] ** 2, [(3, 3)], lipschitz=1)
    certified(edge, bowl, [(3, 3)], 9.0, lipschitz=1)
    point = minimize_lipschitz(problem.f, [(1, 1), (2, 2)], backend=backend, **constants)
    assert point.certified
    alone = minimize_lipschitz(problem.f, [(1, 1), (2, 2)], backend=backend)
    assert alone.fun == point.fun
    alone.verify(problem.f, [(1, 1), (2, 2)])
    assert point.fun == problem.f(np.array([1.0, 2.0]))


def test_trained_network(backend):
    problem = problems.tanh_network()
    constants = {"gradient_lipschitz": problem.gradient_lipschitz, "grad": problem.grad}
    found = minimize_lipschitz(problem.f, problem.bounds, tol=0.01, backend=backend, **constants)
    certified(found, problem.f, problem.bounds, problem.minimum, **constants)


# Quadratic functions


def random_quadratic(n, seed, *, convex):
    rng = np.random.default_rng([n, seed])
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
    eigenvalues = np.geomspace(1.0, 50.0, n) if convex else rng.uniform(-3.0, 3.0, n)
    return Quadratic(basis * eigenvalues @ basis.T, rng.standard_normal(n))


@pytest.mark.parametrize("n", [1, 2, 4, 6])
def test_convex_quadratics(n, backend):
    f = random_quadratic(n, 0, convex=True)
    box = [(-2, 1)] * n
    found = minimize_lipschitz(f, box, tol=1e-6, backend=backend)
    inside = np.linalg.solve(f.Q, -f.p)
    assert (np.abs(inside) < 1).all()  # so that the minimum is known
    certified(found, f, box, float(f(inside)))


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_indefinite_quadratics(n, seed, backend):
    f = random_quadratic(n, seed, convex=False)
    box = np.array([(-1.0, 2.0)] * n)
    found = minimize_lipschitz(f, box, tol=1e-3, backend=backend)
    axes = np.meshgrid(*[np.linspace(-1, 2, 13)] * n)
    sampled = float(f(np.stack(axes, axis=-1)).min())
    certified(found, f, box, found.fun)
    assert found.lower_bound <= sampled
    assert found.fun <= sampled + 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_indefinite_quadratics_of_six_variables(seed):
    f = random_quadratic(6, seed, convex=False)
    box = np.array([(-1.0, 2.0)] * 6)
    found = minimize_lipschitz(f, box, tol=1e-3)
    certified(found, f, box, found.fun)
    corners = np.stack(np.meshgrid(*[[-1.0, 2.0]] * 6), axis=-1)
    assert found.fun <= float(f(corners).min()) + 1e-3


def test_objects_with_a_matrix_are_quadratic_functions(backend):
    class Form:
        Q = np.array([[2.0, 1.0], [1.0, 3.0]])
        p = np.array([1.0, -1.0])

        def __call__(self, _x):
            raise AssertionError("not needed")

    found = minimize_lipschitz(Form(), [(-1, 1), (-1, 1)], tol=1e-6, backend=backend)
    certified(found, Form(), [(-1, 1), (-1, 1)], -0.7)


# Grid and DIRECT


def test_grid(backend):
    f = lambda x: np.abs(x - 0.3)  # noqa: E731
    found = minimize_lipschitz(f, (0, 1), lipschitz=1, tol=1e-3, method="grid", backend=backend)
    certified(found, f, (0, 1), 0.0, lipschitz=1)
    assert found.evaluations - 4 <= 500 == found.grid_points_equivalent
    g = lambda p: np.abs(p).sum(axis=-1)  # noqa: E731
    found = minimize_lipschitz(
        g, [(-1, 1), (-1, 2)], lipschitz=[1, 1], tol=0.02, method="grid", backend=backend
    )
    certified(found, g, [(-1, 1), (-1, 2)], 0.0, lipschitz=[1, 1])


def test_points_of_a_grid_are_counted_exactly():
    with pytest.warns(ConvergenceWarning, match="limit of evaluations"):
        found = minimize_lipschitz(
            lambda p: 2.0 * p[..., 0], [(0, 1)] * 11, lipschitz=2, tol=0.01, max_evaluations=100
        )
    assert found.grid_points_equivalent == 332**11


@pytest.mark.parametrize("method", ["direct", "grid"])
def test_derivatives_are_of_no_use_to(method, backend):
    f = Quadratic(np.diag([2.0, -1.0]), [0.1, 0.2])
    box = [(-1, 1), (-1, 1)]
    found = minimize_lipschitz(f, box, tol=0.05, method=method, backend=backend)
    certified(found, f, box, -0.7025)
    constants = {"lipschitz": 3.0, "gradient_lipschitz": 2.0, "grad": f.grad}
    found = minimize_lipschitz(
        f.__call__, box, tol=0.05, method=method, backend=backend, **constants
    )
    certified(found, f.__call__, box, -0.7025, **constants)


@pytest.mark.parametrize("name", PROTOTYPE)
def test_direct_finds_and_says_up_to_which_constant(name, backend):
    problem = SPACE[name]
    found = minimize_lipschitz(problem.f, problem.bounds, backend=backend, vectorized=True)
    assert found.method == "direct"
    assert found.status is Status.NOT_CERTIFIED
    assert not found.certified
    assert found.lower_bound == -math.inf
    assert found.evaluations <= 5_000
    assert found.fun - problem.minimum <= 1e-3
    assert found.certified_up_to > 0
    found.verify(problem.f, problem.bounds)


def test_what_direct_claims_is_true(backend):
    # Of all functions with these values at the centres, take the least one with that constant.
    f = problems.pracma_waves
    found = minimize_lipschitz(f, (-3, 8), method="direct", max_evaluations=60, backend=backend)
    M = found.certified_up_to
    again = minimize_lipschitz(
        f, (-3, 8), method="direct", lipschitz=M, max_evaluations=60, backend=backend
    ) if found.lipschitz_observed <= M else None  # fmt: skip
    assert again is None or again.certified
    target = minimize_lipschitz(f, (-3, 8), method="direct", lipschitz=5.0, tol=0.05)
    certified(target, f, (-3, 8), LEAST, lipschitz=5.0)
    assert target.certified_up_to >= 5.0


# The problems themselves


@pytest.mark.parametrize("problem", LINE.values(), ids=list(LINE))
def test_constants_of_one_variable(problem):
    x = np.linspace(*problem.bounds, 20_001)
    y, h = problem.f(x), x[1] - x[0]
    assert np.abs(np.diff(y)).max() <= problem.lipschitz * h
    rounding = 8 * np.finfo(float).eps * np.abs(y).max()
    assert np.abs(np.diff(y, 2)).max() <= problem.gradient_lipschitz * h * h + rounding
    assert float(problem.f(problem.minimizers[0])) == pytest.approx(problem.minimum, abs=1e-8)
    assert problem.minimum <= y.min() + 1e-12


@pytest.mark.parametrize("make", [problems.hartmann_3, problems.tanh_network])
def test_constants_of_several_variables(make):
    problem = make()
    rng = np.random.default_rng(0)
    x = rng.uniform(*problem.bounds.T, (20_000, len(problem.bounds)))
    d = 1e-5 * rng.standard_normal(x.shape)
    g, after = problem.grad(x), problem.grad(x + d)
    assert np.linalg.norm(g, axis=1).max() <= problem.lipschitz
    reach = np.linalg.norm(d, axis=1)
    assert (np.linalg.norm(after - g, axis=1) <= problem.gradient_lipschitz * reach).all()
    rise = problem.f(x + d) - problem.f(x)
    np.testing.assert_allclose(rise, np.sum(0.5 * (g + after) * d, axis=1), atol=1e-10)
    assert problem.f(problem.minimizers)[0] == pytest.approx(problem.minimum, abs=1e-6)
    assert problem.minimum <= problem.f(x).min()
