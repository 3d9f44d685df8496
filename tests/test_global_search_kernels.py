"""Kernels of global_search: the same bits on both backends and for any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minimand import minimize_lipschitz
from minimand._common.backend import kernels
from minimand.global_search import Quadratic
from minimand.problems import functions
from minimand.problems import global_search as problems
from minimand.reference.global_search.cells import FIRST, HIGH, LEVELS, LOW, POWERS, sides

CPP, NUMPY = kernels("global_search", "cpp"), kernels("global_search", "numpy")
FIELDS = ("x", "fun", "lower_bound", "evaluations", "iterations", "points", "values", "actions")
LINE = problems.univariate()
SPACE = problems.multivariate()


def same(a, b):
    for name in (*FIELDS, "minimizer_boxes", "lipschitz_observed", "witness", "certified_up_to"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@pytest.mark.parametrize("name", ["Problem03", "Problem13", "Problem18", "Problem22"])
@pytest.mark.parametrize("constant", ["lipschitz", "gradient_lipschitz"])
def test_searches_on_a_line_are_the_same(name, constant):
    problem = LINE[name]
    options = {constant: getattr(problem, constant), "tol": 1e-3, "vectorized": True}
    same(
        *(
            minimize_lipschitz(problem.f, problem.bounds, backend=backend, **options)
            for backend in ("cpp", "numpy")
        )
    )


HIMMELBLAU = functions.himmelblau()
SEARCHES = {
    "values": {"lipschitz": [600.0, 500.0], "tol": 20.0},
    "gradients": {"gradient_lipschitz": 328.0, "grad": HIMMELBLAU.grad},
    "differences": {"gradient_lipschitz": 328.0},
    "Hessians": {
        "grad": HIMMELBLAU.grad,
        "hessian": HIMMELBLAU.hess,
        "hessian_lipschitz": 121.0,
    },
    "direct": {"max_evaluations": 1000},
    "grid": {"method": "grid", "lipschitz": 656.0, "tol": 20.0},
}


@pytest.mark.parametrize("search", SEARCHES)
def test_searches_in_a_box_are_the_same(search):
    box = [(-5.0, 5.0), (-4.0, 5.0)]
    same(
        *(
            minimize_lipschitz(HIMMELBLAU.f, box, backend=backend, **SEARCHES[search])
            for backend in ("cpp", "numpy")
        )
    )


@pytest.mark.parametrize("seed", range(5))
def test_quadratic_functions_are_the_same(seed):
    rng = np.random.default_rng(seed)
    Q = rng.standard_normal((3, 3))
    f = Quadratic(Q + Q.T, rng.standard_normal(3))
    found = [
        minimize_lipschitz(f, [(-1, 2)] * 3, backend=backend, polish=False, **threads)
        for backend, threads in (("cpp", {}), ("numpy", {}), ("cpp", {"threads": 3}))
    ]
    same(found[0], found[1])
    same(found[0], found[2])


def test_any_number_of_threads_and_concurrent_calls():
    problem = SPACE["Hartmann 3"]
    constants = {"gradient_lipschitz": problem.gradient_lipschitz, "grad": problem.grad}

    def call(threads):
        return minimize_lipschitz(
            problem.f, problem.bounds, tol=0.05, batch=500, threads=threads, **constants
        )

    one = call(1)
    with ThreadPoolExecutor(3) as pool:
        for other in pool.map(call, (None, 1, 2, 5)):
            same(one, other)


@pytest.mark.parametrize(
    "convert", [np.asfortranarray, lambda a: a.astype(">f8"), np.ndarray.tolist]
)
def test_odd_bounds(convert):
    bounds = np.array([[-2.0, 2.0], [-1.0, 1.0]])
    constants = {"lipschitz": 3.0, "tol": 0.1}
    f = lambda p: np.abs(p).sum(axis=-1)  # noqa: E731
    before = bounds.copy()
    same(
        minimize_lipschitz(f, bounds, **constants),
        minimize_lipschitz(f, convert(bounds), **constants),
    )
    np.testing.assert_array_equal(bounds, before)


# Single kernels


def random_nodes(n, m, seed):
    """Random cells, with derivatives at their centres."""
    rng = np.random.default_rng([n, m, seed])
    level = rng.integers(0, 6, (m, n))
    cells = FIRST[level] + rng.integers(0, POWERS[level])
    cells[rng.random((m, n)) < 0.1] = LOW
    cells[rng.random((m, n)) < 0.1] = HIGH
    H = rng.standard_normal((m, n, n))
    H = H + H.transpose(0, 2, 1) + 3.0 * np.eye(n)
    bounds = np.stack([-rng.uniform(0, 2, n), rng.uniform(0, 3, n)], axis=1)
    return {
        "bounds": bounds,
        "cells": cells,
        "point": rng.permutation(m),
        "value": rng.standard_normal(m),
        "gradient": rng.standard_normal((m, n)),
        "gradient_error": 1e-3 * rng.random((m, n)),
        "hessian": H.reshape(m, -1),
    }


@pytest.mark.parametrize("n", [1, 2, 5, 30])
@pytest.mark.parametrize("known", ["M", "slopes", "K", "K and errors", "H", "H for all", "all"])
def test_bounds_of_cells(n, known):
    m = 300
    nodes = random_nodes(n, m, 0)
    inf = np.inf
    constants = {"M": [2, inf, inf], "K": [inf, 3, inf], "H": [inf, inf, 0.5], "all": [2, 3, 0.5]}
    row = constants.get(known.split()[0], [inf, inf, inf])
    slopes = np.linspace(1.0, 2.0, n) if known in ("slopes", "all") else np.full(n, inf)
    if known in ("M", "slopes"):
        nodes["gradient"], nodes["gradient_error"] = np.empty((0, n)), np.empty((0, n))
    if known != "K and errors":
        nodes["gradient_error"] = nodes["gradient_error"][:1] * 0.0
    if known not in ("H", "H for all", "all"):
        nodes["hessian"] = np.empty((0, n * n))
    if known == "H for all":
        nodes["hessian"] = nodes["hessian"][:1].copy()
    found = []
    for module, threads in ((CPP, 1), (NUMPY, 1), (CPP, 3)):
        out = {
            "bound": np.zeros(m), "action": np.zeros(m, dtype=np.int64),
            "heap": np.zeros(m, dtype=np.int64), "counts": np.array([m, m, 0]),
        }  # fmt: skip
        module.boxes_bound(
            **nodes, slopes=slopes, constants=np.array([*row, 0.01]), weights=np.ones(n),
            first=0, last=m, threads=threads, **out,
        )  # fmt: skip
        out["heap"] = np.sort(out["heap"][: out["counts"][2]])
        found.append(out)
    for name in found[0]:
        np.testing.assert_array_equal(found[0][name], found[1][name], err_msg=name)
        np.testing.assert_array_equal(found[0][name], found[2][name], err_msg=name)


@pytest.mark.parametrize("module", [CPP, NUMPY])
@pytest.mark.parametrize("seed", range(20))
def test_bounds_are_below_a_cubic_everywhere(module, seed):
    """f = g'x + x'Hx/2 + t (a'x)^3/6 has the third derivative t ||a||^3 in every direction."""
    rng = np.random.default_rng(seed)
    n, t = 3, rng.uniform(0.0, 2.0)
    g, a = rng.standard_normal(n), rng.standard_normal(n)
    H = rng.standard_normal((n, n))
    H = H + H.T + rng.choice([0.0, 4.0]) * np.eye(n)
    third = t * np.linalg.norm(a) ** 3 * (1 + 1e-12)
    h = rng.uniform(0.05, 1.0, n)
    bounds = np.stack([-h, h], axis=1)
    x = rng.uniform(-h, h, (4000, n))
    x[:2000] = np.sign(x[:2000]) * h
    f = x @ g + 0.5 * np.sum(x * (x @ H), axis=1) + t * (x @ a) ** 3 / 6
    curvature = np.abs(np.linalg.eigvalsh(H)).max() + t * np.linalg.norm(a) ** 2 * (np.abs(a) @ h)
    for constants in ([np.inf, np.inf, third, 0.0], [np.inf, curvature, np.inf, 0.0]):
        bound, action = np.zeros(1), np.zeros(1, dtype=np.int64)
        heap, counts = np.zeros(1, dtype=np.int64), np.array([1, 1, 0])
        hessian = H.reshape(1, -1) if np.isfinite(constants[2]) else np.empty((0, n * n))
        module.boxes_bound(
            bounds, np.zeros((1, n), dtype=np.int64), np.zeros(1, dtype=np.int64), np.zeros(1),
            g[np.newaxis], np.zeros((1, n)), hessian, np.full(n, np.inf), np.array(constants),
            np.ones(n), 0, 1, bound, action, heap, counts, 1,
        )  # fmt: skip
        kind, axis = (action[0] - 1) % 4 + 1, (action[0] - 1) // 4
        assert kind in (1, 2, 3)
        assert bound[0] <= f.min()
        if kind > 1:  # the least value is on that face
            face = x.copy()
            face[:, axis] = h[axis] * (1 if kind == 3 else -1)
            on_face = face @ g + 0.5 * np.sum(face * (face @ H), axis=1) + t * (face @ a) ** 3 / 6
            assert on_face.min() <= f.min() + 1e-12


def test_cells_have_no_gaps():
    rng = np.random.default_rng(0)
    bounds = np.array([[-1.7, 2.9]])
    for level in (0, 1, 5, 12):
        k = rng.integers(0, POWERS[level] - 1) if level else 0
        pair = np.array([[FIRST[level] + k], [FIRST[level] + min(k + 1, POWERS[level] - 1)]])
        c, h = sides(bounds, pair)
        assert c[0] + h[0] >= c[1] - h[1]
    assert FIRST[-1] + POWERS[-1] < 2**63
    assert len(POWERS) == LEVELS
    c, h = sides(bounds, np.array([[LOW], [HIGH]]))
    assert c.tolist() == bounds.T.tolist()
    assert not h.any()


@pytest.mark.parametrize("module", [CPP, NUMPY])
def test_the_least_come_first_and_ties_in_order(module):
    rng = np.random.default_rng(0)
    bound = rng.integers(0, 20, 200).astype(float)
    heap, counts = np.zeros(200, dtype=np.int64), np.array([200, 200, 0])
    order = np.lexsort((np.arange(200), bound))
    items = rng.permutation(200)
    if module is CPP:  # a heap is what boxes_bound and line_open leave
        items = order
    heap[:] = items
    counts[2] = 200
    taken = []
    while True:
        chosen = np.empty(7, dtype=np.int64)
        count = module.pop_least(bound, heap, counts, 15.0, chosen)
        if count == 0:
            break
        taken += chosen[:count].tolist()
    assert taken == [i for i in order if bound[i] < 15.0]


@pytest.mark.parametrize("seed", range(20))
def test_hulls(seed):
    rng = np.random.default_rng(seed)
    size, value = 3.0 ** -rng.integers(0, 6, 100), rng.integers(0, 30, 100) / 10
    found = []
    for module in (CPP, NUMPY):
        chosen = np.full(20, -1)
        count = module.hull_select(size, value, float(value.min()), 1e-4, chosen)
        found.append(chosen[:count])
    np.testing.assert_array_equal(*found)
    # Each is the best of all for some slope; the largest size always is.
    assert size[found[0]].max() == size.max()
    for i in found[0]:
        larger, smaller = size > size[i], size < size[i]
        steepest = np.min((value[larger] - value[i]) / (size[larger] - size[i]), initial=np.inf)
        least = np.max((value[i] - value[smaller]) / (size[i] - size[smaller]), initial=0.0)
        assert least <= steepest + 1e-12
        assert value[i] == value[size == size[i]].min()


@pytest.mark.parametrize(("m", "n"), [(1, 1), (7, 3), (5000, 12)])
def test_quadratic(m, n):
    rng = np.random.default_rng(m)
    Q, p, x = rng.standard_normal((n, n)), rng.standard_normal(n), rng.standard_normal((m, n))
    Q = Q + Q.T
    found = []
    for module, threads in ((CPP, 1), (NUMPY, 1), (CPP, 4)):
        value, gradient = np.empty(m), np.empty((m, n))
        module.quadratic(Q, p, x, value, gradient, threads)
        found.append((value, gradient))
    for a, b, c in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    np.testing.assert_allclose(found[0][0], Quadratic(Q, p)(x), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(found[0][1], x @ Q + p, rtol=1e-11, atol=1e-11)
