"""What is wrong with the data of a meeting is said by name, with the shapes."""

from __future__ import annotations

import numpy as np
import pytest

import minimand
from minimand.problems.rendezvous import lecture

A, B, C, D, X0, Z0 = lecture().bodies
FUNCTIONS = (minimand.rendezvous, minimand.rendezvous_energy, minimand.min_rendezvous_thrust)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({0: A[:, :3]}, r"A has shape \(4, 3\), expected a square matrix"),
        ({1: B[:3]}, r"B has 3 rows but A has 4 rows.*B has shape \(3, 2\), A has shape \(4, 4\)"),
        ({3: np.eye(5)}, r"D has 5 rows but C has 4 rows.*D has shape \(5, 5\)"),
        ({4: X0[:2]}, "x0 has 2 entries but A has 4 rows"),
        ({5: np.append(Z0, 0)}, "z0 has 5 entries but C has 4 rows"),
        (
            {2: C[2:, 2:], 3: D[2:], 5: Z0[2:]},
            r"match has to be a pair.*A has shape \(4, 4\), C has shape \(2, 2\)",
        ),
        ({6: 0}, "T(_max)? is 0, expected a positive integer"),
    ],
)
def test_shapes_are_named(function, changes, message):
    data = [A, B, C, D, X0, Z0, 10]
    for position, value in changes.items():
        data[position] = value
    with pytest.raises(ValueError, match=message):
        function(*data)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("match", "error", "message"),
    [
        ([], ValueError, r"match has shape \(0,\), expected indices of states"),
        ([0, 4], ValueError, "match has 4 at entry 1, expected indices from 0 to 3"),
        ([-1], ValueError, "match has -1 at entry 0"),
        ([0.0], TypeError, "match has dtype float64, expected integer indices"),
        ([True, False, True, True], TypeError, "match has dtype bool"),
        (np.eye(3), ValueError, "match has 3 columns, expected 4"),
        (np.full((1, 4), np.nan), ValueError, "match has NaN at row 0, column 0"),
        (([0, 1], [2]), ValueError, "match has 2 rows for x but 1 rows for z"),
        (([0, 1], np.eye(3)), ValueError, r"match\[1\] has 3 columns, expected 4"),
        ("positions", TypeError, "match has dtype <U9"),
    ],
)
def test_what_has_to_match(function, match, error, message):
    with pytest.raises(error, match=message):
        function(A, B, C, D, X0, Z0, 10, match=match)


@pytest.mark.parametrize("function", FUNCTIONS[:2])
@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (2.0, TypeError, r"input_weights is 2.0.*expected a pair \(R1, R2\)"),
        ((1.0,), ValueError, "input_weights has 1 entries, expected a pair"),
        ((0.0, 1.0), ValueError, r"input_weights\[0\] is 0.0, expected a finite number > 0"),
        ((1.0, [1.0, -2.0]), ValueError, r"input_weights\[1\] has -2.0 at entry 1"),
        (([1.0], 1.0), ValueError, r"input_weights\[0\] has 1 entries, expected 2"),
        ((np.eye(3), 1.0), ValueError, r"input_weights\[0\] has 3 columns, expected 2"),
        ((np.array([[1.0, 2.0], [0.0, 1.0]]), 1.0), ValueError, "is not symmetric"),
        ((np.array([[1.0, 2.0], [2.0, 1.0]]), 1.0), ValueError, "has the eigenvalue -1"),
        ((np.zeros((2, 2)), 1.0), ValueError, "has the eigenvalue 0"),
        ((1.0, np.nan), ValueError, r"input_weights\[1\] is nan"),
        (([1.0, np.inf], 1.0), ValueError, r"input_weights\[0\] has inf at entry 1"),
        ((1.0, None), TypeError, r"input_weights\[1\] is None"),
    ],
)
def test_weights(function, weights, error, message):
    with pytest.raises(error, match=message):
        function(A, B, C, D, X0, Z0, 10, input_weights=weights)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"u_max": -1.0}, "u_max is -1.0, expected a finite number >= 0"),
        ({"v_max": np.nan}, "v_max is nan"),
        ({"u_max": [1.0, -1.0]}, "u_max has -1.0 at entry 1, expected numbers >= 0"),
        ({"u_max": np.ones(3)}, r"u_max has shape \(3,\), expected a number, \(2,\), \(10,\)"),
        ({"u_max": np.ones((2, 10))}, r"u_max has shape \(2, 10\)"),
        ({"v_max": [1.0, 2.0], "norm": "2"}, r"v_max has shape \(2,\), expected a number, \(10,\)"),
        ({"u_max": np.full(10, np.inf)}, "u_max has inf at entry 0"),
        ({"norm": "1"}, "norm is '1', expected one of 'inf', '2'"),
        (
            {"u_max": 1.0, "input_weights": (np.array([[2.0, 1.0], [1.0, 2.0]]), 1.0)},
            "u_max with norm='inf' needs input_weights that are diagonal",
        ),
        (
            {"v_max": 1.0, "norm": "2", "input_weights": (1.0, [1.0, 2.0])},
            "v_max with norm='2' needs input_weights that are a multiple of the identity",
        ),
    ],
)
def test_bounds(options, message):
    with pytest.raises(ValueError, match=message):
        minimand.rendezvous(A, B, C, D, X0, Z0, 10, **options)


def test_a_bound_that_can_be_read_in_two_ways():
    with pytest.raises(ValueError, match="per step or per component"):
        minimand.rendezvous(A, B, C, D, X0, Z0, 2, u_max=[1e9, 1e9])
    table = np.full((2, 2), 1e9)
    assert minimand.rendezvous(A, B, C, D, X0, Z0, 2, u_max=table).status.ok


def test_a_mere_number_weights_all_inputs():
    one = minimand.rendezvous(A, B, C, D, X0, Z0, 10, input_weights=[2, 2])
    two = minimand.rendezvous(A, B, C, D, X0, Z0, 10, input_weights=(2 * np.eye(2), [2, 2]))
    assert one.energy == pytest.approx(two.energy, rel=1e-13)
