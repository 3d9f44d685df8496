"""Small problems that once went wrong, most of them found by Hypothesis."""

import numpy as np
import pytest
from least_squares_checks import EPS, RATIO, certified, deficient, error_ratio, quiet

from minimand.least_squares import ladder
from minimand.problems import least_squares as problems


def test_short_column_beside_a_long_and_an_empty_one(backend):
    # The minimum norm, taken through sums over all columns, drowned the short one.
    X = np.zeros((4, 4))
    X[2:, 2] = 2.0**40
    X[3, 0] = 2.0**-6
    result = deficient(X, [0.0, 0.0, 0.0, 1.0], backend=backend)
    assert result.coef == pytest.approx([64.0, 0.0, 0.0, 0.0], rel=RATIO * EPS, abs=1e-24)


def test_short_column_beside_duplicates(backend):
    X = np.zeros((7, 4))
    X[4, 1] = X[4, 3] = X[6, 1] = X[6, 3] = 1.0
    X[5:, 0] = 2.0**-34
    y = np.eye(7)[6]
    result = deficient(X, y, backend=backend)
    # Rounding must not make coefficients of the duplicates that cancel.
    scaled = X / 2.0 ** np.array([-34, 0, 0, 0])
    truth = problems.exact_lstsq(scaled, y).coef
    assert error_ratio(result.coef * [2.0**-34, 1, 1, 1], truth, scaled, y, rank=2) < RATIO


def test_wide_rows_of_very_different_columns(backend):
    X = np.array([[0.125, 0.0, 0.0, 0.0, 0.0], [0.125, 0.0, 3 * 2.0**40, 0.0, 0.0]])
    result = certified(X, [1.0, 0.0], backend=backend)
    assert result.coef == pytest.approx([8.0, 0, -1 / (3 * 2.0**40), 0, 0], rel=RATIO * EPS)


def test_unstable_only_by_a_little(backend):
    # A correction that looked like rounding left a backward error just above the bound.
    X = np.zeros((5, 4))
    X[3, 1:3] = 2.0, 2.0**-5
    X[4, 1] = 1.0
    result = deficient(X, np.eye(5)[4], backend=backend)
    assert result.coef == pytest.approx([0.0, 1.0, -64.0, 0.0], rel=RATIO * EPS)


def test_columns_that_only_rows_of_weight_zero_fill(backend):
    # The origin was the mean of all rows, so that the empty column was one rounding error.
    X = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    for intercept in (False, True):
        result = deficient(
            X, np.zeros(3), weights=[1.0, 1.0, 0.0], intercept=intercept, backend=backend
        )
        assert result.rank == 0


def test_columns_in_their_order_magnify_rounding(backend):
    # The first three columns take part with factors of 7, and the last one was kept.
    X = np.array([[0, 0, 0, 0], [1, 0, 0, 1], [1, 1, 2, 0], [-3, 0, 1, 0]])
    for policy in ("min_norm", "drop"):
        result = deficient(X, np.zeros(4), rank_deficient=policy, backend=backend)
        assert result.rank == 3
        assert result.aliased == (3,)


@pytest.mark.parametrize("power", [0, 10, 36])
def test_ridge_with_empty_columns(power, backend):
    # Singular values of the empty columns were rounding errors, and divided by.
    X = np.array([[0.0, 0.0, 1.0, 2.0**power]])
    result = quiet(X, [1.0], ridge=1.0, backend=backend)
    truth = X[0] / (X[0] @ X[0] + 1.0)
    # Relative to the length of the columns; the penalty is far above that of column 2.
    assert error_ratio(result.coef[2:], truth[2:], X[:, 2:], [1.0], ridge=1.0) < RATIO


@pytest.mark.parametrize("residual", [0.0, 1e-6])
def test_first_correction_larger_than_the_solution(residual, backend, monkeypatch):
    # The start after CholeskyQR has an error of condition^2 u; relative to it no step got smaller.
    monkeypatch.setattr(ladder, "_SMALL_WORK", 0.0)
    p = problems.random_full_rank(200, 20, condition=1e12, residual=residual, rng=2)
    result = quiet(p.X, p.y, backend=backend)
    assert result.method == "cholesky_qr"
    assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO
