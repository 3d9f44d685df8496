"""Bad input, degenerate clouds, extreme units, tolerances out of reach, interruption, fork."""

from __future__ import annotations

import math
import pickle
import warnings

import numpy as np
import pytest
from ellipsoid_checks import norms_in_many_orders, objective, solve
from hypothesis import given
from hypothesis import strategies as st

import minimand
from minimand import ConvergenceWarning, DegeneratePointsError, Status, min_volume_ellipsoid
from minimand.ellipsoid.cloud import Cloud, whiten
from minimand.ellipsoid.working_set import WorkingSet
from minimand.problems.ellipsoid import cloud


def plane(m=40, *, rank=2, d=3, seed=0):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((m, rank)) @ generator.standard_normal((rank, d)) + 1.0


# Degenerate clouds

DEGENERATE = {
    "one point": (np.array([[1.0, 2.0, 3.0]]), 0, "is one point, expected at least 4"),
    "equal points": (np.full((7, 3), 0.1), 0, "has 7 rows that are all equal"),
    "equal points far out": (np.full((5, 2), -1e300), 0, "has 5 rows that are all equal"),
    "one number": (
        np.array([[5.0]]),
        0,
        "is one point, expected at least 2 points that span 1 dim",
    ),
    "line": (np.outer(np.arange(9.0), [1.0, -2.0, 0.5]) + 0.1, 1, "lie on a line"),
    "plane": (plane(), 2, "lie in a plane of 2 dimensions"),
    "too few points": (plane(3, rank=3), 2, "has 3 rows that lie in a plane of 2"),
    "constant column": (np.column_stack([cloud("gaussian", 50, 2), np.full(50, 7.7)]), 2, "plane"),
    "zero column": (np.column_stack([cloud("gaussian", 50, 2), np.zeros(50)]), 2, "plane"),
    "sum of columns": (np.column_stack([c := cloud("cauchy", 50, 2), c.sum(axis=1)]), 2, "plane"),
    "rounded line": (np.linspace(0, 1, 50)[:, None] * [1 / 3, 1 / 7], 1, "lie on a line"),
    "plane in units": (plane(60) * [1e-200, 1.0, 1e30], 2, "plane of 2"),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_clouds_are_an_error(name, backend):
    points, rank, words = DEGENERATE[name]
    with pytest.raises(DegeneratePointsError) as caught:
        min_volume_ellipsoid(points, backend=backend)
    error = caught.value
    d = points.shape[1]
    assert isinstance(error, ValueError)
    assert str(error).startswith("points ")
    assert words in str(error)
    assert "on_degenerate='subspace'" in str(error)
    assert error.rank == rank
    assert error.basis.shape == (d, rank)
    np.testing.assert_allclose(error.basis.T @ error.basis, np.eye(rank), atol=1e-14)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.rank) == (str(error), rank)
    assert np.array_equal(again.basis, error.basis)


@pytest.mark.parametrize("name", [name for name in DEGENERATE if name != "plane in units"])
def test_degenerate_clouds_have_an_ellipsoid_in_their_hull(name, backend):
    points, rank, _ = DEGENERATE[name]
    m, d = points.shape
    result = solve(points, on_degenerate="subspace", backend=backend)
    assert result.rank == rank
    assert result.A.shape == (rank, d)
    assert result.b.shape == result.radii.shape == (rank,)
    assert result.axes.shape == result.basis.shape == (d, rank)
    assert result.weights.shape == (m,)
    assert np.linalg.matrix_rank(result.shape) == rank
    if rank:
        assert norms_in_many_orders(result, points) <= 1.0
        # The same as the ellipsoid of the coordinates in the hull.
        flat = (points - result.center) @ result.basis
        inner = solve(np.ascontiguousarray(flat))
        assert result.log_volume == pytest.approx(inner.log_volume, abs=1e-7)
        assert {c.name for c in result.certificates} >= ({"affine hull"} if rank < d else set())
    else:
        assert result.log_volume == 0.0
        assert np.array_equal(result.center, points[0])


def test_transposed_points_are_suspected():
    with pytest.raises(ValueError, match="is points transposed"):
        min_volume_ellipsoid(cloud("gaussian", 3, 50))


def test_full_rank_is_not_projected():
    points = cloud("gaussian", 30, 3)
    with_option = min_volume_ellipsoid(points, on_degenerate="subspace")
    assert np.array_equal(with_option.A, min_volume_ellipsoid(points).A)
    assert np.array_equal(with_option.basis, np.eye(3))


@pytest.mark.parametrize("thickness", [1e-3, 1e-6, 1e-9, 1e-12])
def test_thin_slabs_are_not_degenerate(thickness, backend):
    points = cloud("gaussian", 300, 4)
    points[:, 2] *= thickness
    result = solve(points, backend=backend)
    expected = objective(solve(points / [1.0, 1.0, thickness, 1.0])) + math.log(thickness)
    assert objective(result) == pytest.approx(expected, abs=4e-9)


# Units


@pytest.mark.parametrize("unit", [1e300, 1e-300, 1e150, 1e-150, 2.0**1000])
def test_extreme_units(unit, backend):
    points = cloud("gaussian", 100, 3)
    plain, result = solve(points, backend=backend), solve(points * unit, backend=backend)
    assert objective(result) == pytest.approx(objective(plain) + 3 * math.log(unit), abs=4e-9)
    np.testing.assert_allclose(result.radii / unit, plain.radii, rtol=1e-4)
    assert norms_in_many_orders(result, points * unit) <= 1.0
    assert not np.isnan(result.shape).any()
    assert result.to_dict()["status"] == "CONVERGED"


def test_units_that_differ_from_column_to_column(backend):
    units = np.array([1e100, 1.0, 1e-120])
    points = cloud("gaussian", 100, 3)
    result = solve(points * units, backend=backend)
    expected = objective(solve(points)) + np.log(units).sum()
    assert objective(result) == pytest.approx(expected, abs=4e-9)


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        ([1.0, 1e308], "points reaches .* in column 1, expected magnitudes up to 1e"),
        ([1e-310, 1.0], "points is only .* wide in column 0"),
        ([1e300, 1e-300], "points has columns from .* wide, expected a ratio up to 1e"),
    ],
)
def test_numbers_without_room_for_the_answer_are_an_error(scale, words, backend):
    points = cloud("cube", 50, 2) * scale
    with pytest.raises(ValueError, match=words):
        min_volume_ellipsoid(points, backend=backend)


# Accuracy out of reach


def test_a_tolerance_below_rounding_is_reported(backend):
    points = cloud("gaussian", 50, 3)
    with pytest.warns(ConvergenceWarning, match=r"the gap is .*, above tol = 1\.0e-18.*larger tol"):
        result = min_volume_ellipsoid(points, tol=1e-18, backend=backend)
    assert result.status is Status.NOT_CERTIFIED
    assert 0 < result.gap < 1e-11
    assert norms_in_many_orders(result, points) <= 1.0
    with pytest.raises(minimand.CertificateError, match="duality gap"):
        result.verify(points)


@pytest.mark.parametrize("offset", [1e6, 1e9, 1e12])
def test_points_far_from_the_origin_say_what_limits_them(offset):
    points = cloud("gaussian", 50, 3) + offset
    with pytest.warns(ConvergenceWarning, match="subtract a center from the points"):
        result = min_volume_ellipsoid(points)
    assert norms_in_many_orders(result, points) <= 1.0
    assert result.condition == pytest.approx(offset, rel=2.0)
    assert result.gap <= 1e-14 * offset  # d (d + 2) eps condition


def test_a_rotated_slab_says_what_limits_it():
    rotation = np.linalg.qr(cloud("gaussian", 3, 3))[0]
    points = np.ascontiguousarray(cloud("slab", 200, 3) @ rotation)
    with pytest.warns(ConvergenceWarning, match="rescale thin directions"):
        result = min_volume_ellipsoid(points)
    assert result.gap < 1e-5
    assert norms_in_many_orders(result, points) <= 1.0


def test_one_far_outlier_does_not_stall(backend):
    """Two points far out among many: Newton's full step leads away from the optimum."""
    points = cloud("cauchy", 600, 1, rng=7)
    points[:2] = [[-1650.0], [1656.0]]
    for scale in (1.0, 1e3, 1e6, 1e9):
        far = points.copy()
        far[:2] *= scale
        assert solve(far, backend=backend).gap <= 1e-9


def test_a_first_set_that_does_not_span_the_space_is_completed(backend):
    """Of Kumar and Yildirim's 2 d points, d + 1 are affinely independent."""
    points = cloud("cauchy", 500, 6)
    points[3] = -points[7]
    working = WorkingSet(whole := Cloud(points, backend, 1), whiten(whole), 1e-9)
    assert not working._is_singular()
    working._take(np.array([3, 7, 8, 9]))
    assert working._is_singular()
    rows = working._spanning()
    assert len(rows) <= 12
    working._take(rows)
    assert not working._is_singular()


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 30), st.integers(0, 12),
    st.sampled_from(["gaussian", "integers", "outlier", "low rank", "repeated"]),
)  # fmt: skip
def test_whatever_comes_every_point_is_inside(seed, d, m, digits, kind):
    generator = np.random.default_rng(seed)
    points = generator.standard_normal((m, d))
    if kind == "integers":
        points = generator.integers(-2, 3, (m, d)).astype(float)
    if kind == "outlier":
        points[0] *= 10.0**digits
    if kind == "low rank":
        r = int(generator.integers(0, d + 1))
        points = points[:, :r] @ generator.standard_normal((r, d)) + 10.0**-digits * points
    if kind == "repeated":
        points = points[generator.integers(0, m, 2 * m)]
    points = points * 10.0 ** generator.integers(-4, 5, d) + 10.0 ** generator.integers(0, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = min_volume_ellipsoid(points, on_degenerate="subspace")
    if result.rank:
        assert norms_in_many_orders(result, points) <= 1.0
        assert result.gap <= 1e-9 + 1e-15 * d * (d + 3) * result.condition
    if result.status.ok:
        result.verify(points)


# The process around it


@pytest.mark.slow
def test_interruption(run_python):
    code = """
import signal, threading, time
import numpy as np
import minimand
points = np.random.default_rng(0).standard_normal((4000, 220))
threading.Timer(0.5, lambda: signal.raise_signal(signal.SIGINT)).start()
start = time.perf_counter()
try:
    minimand.min_volume_ellipsoid(points)
    print("finished")
except KeyboardInterrupt:
    print("interrupted")
small = minimand.min_volume_ellipsoid(points[:50, :4])
small.verify(points[:50, :4])
"""
    assert run_python(code).strip() == "interrupted"


def test_fork(run_python):
    code = """
import os
import minimand
from minimand.problems.ellipsoid import cloud
points = cloud("gaussian", 20_000, 8)
expected = minimand.min_volume_ellipsoid(points)
child = os.fork()
if child == 0:
    same = (minimand.min_volume_ellipsoid(points).A == expected.A).all()
    os._exit(0 if same else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python(code).strip() == "0"
