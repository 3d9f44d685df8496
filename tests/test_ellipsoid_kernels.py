"""Both backends of the ellipsoid kernels do the same, step by step.

Names and signatures are compared in test_parity.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from ellipsoid_checks import EPS

from minimand._common.backend import kernels

BACKENDS = ("cpp", "numpy")
RATIO = 30.0
SHAPES = [(1, 1), (3, 5), (64, 2), (65, 3), (200, 4), (1000, 7), (5000, 16), (300, 33)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
maps = pytest.mark.parametrize("form", ["full", "lower", "rows", "diagonal"])


def drawn(m, d, form):
    rng = np.random.default_rng([m, d])
    transform = rng.standard_normal((d, d))
    if form == "lower":
        transform = np.tril(transform)
    if form == "rows":
        transform = rng.standard_normal((d // 2 + 1, d))
    if form == "diagonal":
        transform = np.diag(rng.uniform(0.5, 2.0, d))
    r = len(transform)
    return rng.standard_normal((m, d)), rng.standard_normal(d), transform, rng.standard_normal(r)


def on_both(name, arguments, outputs):
    """Run a kernel on both backends, by keyword, on copies; return outputs and returned values."""
    results = []
    for backend in BACKENDS:
        own = {key: np.copy(arguments[key]) for key in outputs}
        returned = getattr(kernels("ellipsoid", backend), name)(**{**arguments, **own})
        results.append(([own[key] for key in outputs], returned))
    (cpp, cpp_returned), (reference, reference_returned) = results
    assert cpp_returned == reference_returned
    return cpp, reference


@shapes
def test_column_ranges(shape):
    points = drawn(*shape, "full")[0]
    d = shape[1]
    arguments = {"points": points, "low": np.empty(d), "high": np.empty(d), "threads": 1}
    cpp, reference = on_both("column_ranges", arguments, ["low", "high"])
    assert np.array_equal(cpp, reference)
    assert np.array_equal(cpp, [points.min(axis=0), points.max(axis=0)])


@maps
@shapes
def test_extreme_points(shape, form):
    points, center, transform, _ = drawn(*shape, form)
    arguments = {
        "points": points, "center": center, "transform": transform,
        "rows": np.full((2, len(transform)), -1), "threads": 1,
    }  # fmt: skip
    [cpp], [reference] = on_both("extreme_points", arguments, ["rows"])
    assert np.array_equal(cpp, reference)


@maps
@shapes
@pytest.mark.parametrize("count", [1, 7, 400])
def test_distance_pass(shape, form, count):
    points, center, transform, offset = drawn(*shape, form)
    count = min(count, 2 * shape[0])  # places without a point as well
    arguments = {
        "points": points, "center": center, "transform": transform, "offset": offset,
        "rows": np.zeros(count, dtype=np.int64), "distances": np.zeros(count), "threads": 1,
    }  # fmt: skip
    cpp, reference = on_both("distance_pass", arguments, ["rows", "distances"])
    assert np.array_equal(cpp[0], reference[0])
    size = np.abs(points - center) @ np.abs(transform).T + np.abs(offset)
    bound = RATIO * shape[1] * EPS * (size * size).sum(axis=1).max()
    assert np.abs(cpp[1] - reference[1]).max() <= bound
    z = (points - center) @ transform.T + offset
    filled = cpp[0] >= 0
    assert np.abs((z * z).sum(axis=1)[cpp[0][filled]] - cpp[1][filled]).max() <= bound
    assert filled.sum() == min(count, shape[0])
    assert (cpp[1][~filled] == -1.0).all()


def test_of_equal_points_the_first_counts():
    points = np.tile(drawn(50, 3, "full")[0], (100, 1))
    for backend in BACKENDS:
        module = kernels("ellipsoid", backend)
        for threads in (1, 3):
            rows, distances = np.empty(120, dtype=np.int64), np.empty(120)
            zero, one = np.zeros(3), np.eye(3)
            module.distance_pass(points, zero, one, zero, rows, distances, threads)
            assert (rows[:100] % 50 == rows[0]).all()
            assert np.array_equal(rows[:100], rows[0] + 50 * np.arange(100))
            ends = np.empty((2, 3), dtype=np.int64)
            module.extreme_points(points, zero, one, ends, threads)
            assert (ends < 50).all()


def lifted(k, d, kind="gaussian"):
    rng = np.random.default_rng([k, d])
    y = rng.standard_cauchy((k, d)) if kind == "cauchy" else rng.standard_normal((k, d))
    if kind == "repeated":
        y = np.resize(y[: k // 2], (k, d))
    return np.column_stack([y / np.abs(y).max(), np.ones(k)])


@pytest.mark.parametrize("kind", ["gaussian", "cauchy", "repeated"])
@pytest.mark.parametrize(("k", "d"), [(6, 2), (30, 4), (100, 10), (200, 3)])
def test_interior_point_steps(k, d, kind):
    q = lifted(k, d, kind)
    arguments = {
        "q": q,
        "weights": np.full(k, 1.0 / k),
        "slack": np.empty(k),
        "report": np.empty(5),
    }
    cpp, reference = on_both("interior_point_start", arguments, ["slack", "report"])
    np.testing.assert_allclose(cpp[0], reference[0], rtol=1e-10)
    np.testing.assert_allclose(cpp[1], reference[1], rtol=1e-10)
    arguments |= {"slack": reference[0], "report": reference[1], "best": np.empty(k)}
    arguments |= {"tol": 1e-9, "max_iterations": 1, "threads": 1}
    names = ["weights", "slack", "best", "report"]
    for _ in range(60):
        cpp, reference = on_both("interior_point_steps", arguments, names)
        gap, outcome = reference[3][1], reference[3][4]
        if gap < 1e-6:  # what rounding makes of the last steps is for each its own
            break
        np.testing.assert_allclose(cpp[0], reference[0], rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(cpp[3], reference[3], rtol=1e-6)
        assert outcome == 0
        arguments |= dict(zip(names, reference, strict=True))
    assert gap < 1e-6


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("k", "d"), [(30, 4), (100, 10), (400, 20)])
def test_steps_in_chunks_are_the_same_steps(k, d, backend):
    module, q = kernels("ellipsoid", backend), lifted(k, d)
    ends = []
    for chunk in (1, 3, 60):
        weights, slack, best, report = np.full(k, 1.0 / k), np.empty(k), np.empty(k), np.empty(5)
        module.interior_point_start(q, weights, slack, report)
        steps = 0
        while report[4] == 0 and steps < 60:
            steps += module.interior_point_steps(q, weights, slack, best, report, 1e-10, chunk, 1)
        assert report[4] == 1
        ends.append((steps, report[1], best))
    for steps, gap, best in ends[1:]:
        assert steps == ends[0][0]
        assert gap == ends[0][1]
        assert np.array_equal(best, ends[0][2])


@pytest.mark.parametrize("backend", BACKENDS)
def test_points_that_do_not_span_the_space_are_reported(backend):
    module = kernels("ellipsoid", backend)
    q = np.column_stack([np.zeros((5, 2)), np.ones(5)])
    weights, slack, report = np.full(5, 0.2), np.empty(5), np.empty(5)
    module.interior_point_start(q, weights, slack, report)
    assert report[4] == 2
    assert module.interior_point_steps(q, weights, slack, np.empty(5), report, 1e-9, 9, 1) == 0
    assert report[4] == 2


@pytest.mark.parametrize("units", ["equal", "graded", "extreme"])
@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_principal_axes(n, units):
    B = np.tril(np.random.default_rng(n).uniform(-1, 1, (n, n))) + 2.0 * np.eye(n)
    span = {"equal": 0.0, "graded": 8.0, "extreme": 120.0}[units]
    scale = 10.0 ** np.linspace(-span, span, n)[np.random.default_rng(n).permutation(n)]
    B *= scale
    empty = np.empty((n, n))
    arguments = {"transform": B, "axes": empty, "stretches": np.empty(n), "root": empty}
    cpp, reference = on_both("principal_axes", arguments, ["axes", "stretches", "root"])
    np.testing.assert_allclose(cpp[1], reference[1], rtol=1e-13)
    size = np.minimum.outer(scale, scale)
    assert np.abs((cpp[2] - reference[2]) / size).max() <= RATIO * n * EPS * 10
    for axes, stretches, root in (cpp, reference):
        assert np.abs(axes.T @ axes - np.eye(n)).max() <= RATIO * n * EPS
        assert (np.diff(stretches) >= 0).all()
        assert np.array_equal(root, root.T)
        if units != "extreme":  # products overflow
            gram, square = B.T @ B, root @ root
            norms = np.sqrt(np.diag(gram))
            assert np.abs((square - gram) / np.outer(norms, norms)).max() <= RATIO * n * EPS * 10
        assert np.log(stretches).sum() == pytest.approx(
            np.log(np.diag(B)).sum(), rel=1e-12, abs=1e-12
        )


# Any number of threads gives the same bits


@pytest.mark.parametrize(("m", "d"), [(100, 3), (100_003, 5), (20_001, 40)])
def test_threads_in_passes(m, d):
    points, center, transform, offset = drawn(m, d, "lower")
    module = kernels("ellipsoid", "cpp")
    found = []
    for threads in (1, 2, 3):
        rows, distances = np.empty(50, dtype=np.int64), np.empty(50)
        ends, low, high = np.empty((2, d), dtype=np.int64), np.empty(d), np.empty(d)
        module.distance_pass(points, center, transform, offset, rows, distances, threads)
        module.extreme_points(points, center, transform, ends, threads)
        module.column_ranges(points, low, high, threads)
        found.append([array.tobytes() for array in (rows, distances, ends, low, high)])
    assert found[0] == found[1] == found[2]


def test_threads_in_steps():
    k, d = 700, 12  # large enough for a second thread
    q, module = lifted(k, d), kernels("ellipsoid", "cpp")
    found = []
    for threads in (1, 2, 3):
        weights, slack, best, report = np.full(k, 1.0 / k), np.empty(k), np.empty(k), np.empty(5)
        module.interior_point_start(q, weights, slack, report)
        module.interior_point_steps(q, weights, slack, best, report, 0.0, 5, threads)
        found.append([array.tobytes() for array in (weights, slack, best, report)])
    assert found[0] == found[1] == found[2]
