"""`verify` accepts what is true and finds whatever was changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import minimand
from minimand import CertificateError, Status, min_volume_ellipsoid
from minimand.problems.ellipsoid import cloud

POINTS = cloud("gaussian", 60, 3) @ np.diag([1.0, 4.0, 0.2]) + 0.5
FLAT = cloud("gaussian", 60, 2) @ np.array([[1.0, 2.0, 0.5], [-1.0, 0.3, 1.0]])
ARRAYS = ("A", "b", "center", "shape", "axes", "radii", "weights", "support", "basis")


@pytest.fixture(scope="module", params=["full", "subspace"])
def case(request):
    points = POINTS if request.param == "full" else FLAT
    return min_volume_ellipsoid(points, on_degenerate="subspace"), points


def test_the_truth_is_accepted(case):
    result, points = case
    recomputed = result.verify(points)
    assert [c.name for c in recomputed] == [c.name for c in result.certificates]
    assert all(c.holds for c in recomputed)
    # Other types of the same numbers
    result.verify(points.tolist())
    result.verify(np.asfortranarray(points))


@pytest.mark.parametrize("name", ARRAYS)
def test_any_changed_entry_is_found(case, name):
    result, points = case
    array = getattr(result, name)
    for index in np.ndindex(array.shape):
        changed = array.copy()
        changed[index] += 1 if array.dtype.kind == "i" else 1e-6 * max(1.0, abs(changed[index]))
        with pytest.raises(CertificateError):
            replace(result, **{name: changed}).verify(points)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_found(case, name, bad):
    result, points = case
    array = getattr(result, name)
    if array.dtype.kind == "i":
        pytest.skip("integers are numbers")
    changed = array.copy()
    changed.flat[-1] = bad
    with pytest.raises(CertificateError):
        replace(result, **{name: changed}).verify(points)


@pytest.mark.parametrize("name", ARRAYS)
def test_wrong_shapes_are_found(case, name):
    result, points = case
    with pytest.raises((CertificateError, ValueError)):
        replace(result, **{name: getattr(result, name)[:-1]}).verify(points)


@pytest.mark.parametrize(
    "changes",
    [
        {"log_volume": -1.0},
        {"lower_bound": 1.0},
        {"gap": -1e-3},
        {"rank": 1},
        {"condition": -0.5},
        {"epsilon_plus": 1e-3},
        {"epsilon_minus": 1e-3},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_changed_numbers_are_found(case, changes):
    result, points = case
    changed = {name: getattr(result, name) + by for name, by in changes.items()}
    with pytest.raises(CertificateError, match=next(iter(changes))):
        replace(result, **changed).verify(points)


def test_a_consistent_lie_is_found():
    """An ellipsoid scaled in all its forms is no longer the least, or does not hold the points."""
    result = min_volume_ellipsoid(POINTS)
    for factor in (1 - 1e-6, 1 + 1e-6):
        forms = {
            "A": result.A / factor, "b": result.b / factor, "shape": result.shape * factor**2,
            "radii": result.radii * factor, "log_volume": result.log_volume + 3 * np.log(factor),
            "condition": result.condition / factor,
        }  # fmt: skip
        words = "containment" if factor < 1 else "gap is"
        with pytest.raises(CertificateError, match=words):
            replace(result, **forms).verify(POINTS)


def test_weights_of_other_points_prove_less():
    result = min_volume_ellipsoid(POINTS)
    weights = np.full(len(POINTS), 1.0 / len(POINTS))
    with pytest.raises(CertificateError, match="lower_bound"):
        replace(result, weights=weights, support=np.arange(len(POINTS))).verify(POINTS)


def test_other_points_are_found():
    result = min_volume_ellipsoid(POINTS)
    moved = POINTS.copy()
    moved[result.support[0]] *= 1.0001
    with pytest.raises(CertificateError):
        result.verify(moved)
    with pytest.raises(ValueError, match="points has 59 rows but the result is for 60"):
        result.verify(POINTS[1:])
    with pytest.raises(ValueError, match="points has 2 columns, expected 3"):
        result.verify(POINTS[:, :2])


def test_a_status_that_is_too_good_is_found():
    points = POINTS + 1e7
    with pytest.warns(minimand.ConvergenceWarning):
        result = min_volume_ellipsoid(points)
    assert result.status is Status.NOT_CERTIFIED
    with pytest.raises(CertificateError, match="status"):
        replace(result, status=Status.CONVERGED).verify(points)
