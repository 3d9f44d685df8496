"""Ridge regression is least squares with extra rows."""

import numpy as np
import pytest
from least_squares_checks import EPS, RATIO, certified, error_ratio

from minimand.problems import least_squares as problems

METHODS = ["auto", "cholesky", "qr", "svd"]


def exact_ridge(X, y, root, *, intercept=False):
    """The exact solution; root^2 is the ridge, so that the extra rows are not rounded."""
    m, n = X.shape
    ones = np.vstack([np.ones((m, 1)), np.zeros((n, 1))])
    rows = np.vstack([X, root * np.eye(n)])
    target = np.concatenate([y, np.zeros(n)])
    return problems.exact_lstsq(np.hstack([ones, rows]) if intercept else rows, target).coef


def integers(m, n, seed=0):
    rng = np.random.default_rng([m, n, seed])
    return rng.integers(-8, 9, (m, n)).astype(float), rng.integers(-50, 51, m).astype(float)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("refine", ["working", "extended"])
@pytest.mark.parametrize("root", [2.0**-10, 0.5, 8.0, 2.0**12])
@pytest.mark.parametrize("intercept", [False, True])
def test_exact_solution(intercept, root, refine, method, backend):
    X, y = integers(15, 3)
    options = {"method": method, "refine": refine, "intercept": intercept, "backend": backend}
    result = certified(X, y, ridge=root**2, **options)
    truth = exact_ridge(X, y, root, intercept=intercept)
    if intercept:
        assert result.intercept == pytest.approx(truth[0], rel=100 * EPS)
        truth = truth[1:]
    ratio = error_ratio(result.coef, truth, X, y, intercept=intercept, ridge=root**2)
    assert ratio < RATIO
    assert np.isnan(result.standard_error).all()
    names = {certificate.name for certificate in result.certificates}
    assert "objective gap" in names


def test_intercept_is_not_penalised(backend):
    # A ridge without bound leaves the mean of y.
    X, y = integers(15, 3)
    result = certified(X, y, ridge=1e30, intercept=True, backend=backend)
    assert result.intercept == pytest.approx(y.mean(), rel=100 * EPS)
    shifted = certified(X + 100.0, y + 7.0, ridge=4.0, intercept=True, backend=backend)
    plain = certified(X, y, ridge=4.0, intercept=True, backend=backend)
    assert shifted.coef == pytest.approx(plain.coef, rel=1e-11)


def test_zero_is_no_ridge(backend):
    X, y = integers(15, 3)
    none, zero = certified(X, y, backend=backend), certified(X, y, ridge=0.0, backend=backend)
    assert np.array_equal(none.coef, zero.coef)
    assert none.certificates == zero.certificates


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("shape", [(3, 6), (2, 4), (5, 6)])
def test_more_columns_than_rows(shape, intercept, backend):
    X, y = integers(*shape)
    result = certified(X, y, ridge=0.25, intercept=intercept, backend=backend)
    truth = exact_ridge(X, y, 0.5, intercept=intercept)
    slopes = truth[int(intercept) :]
    assert error_ratio(result.coef, slopes, X, y, intercept=intercept, ridge=0.25) < RATIO
    assert result.rank == shape[1]  # with the penalty every column counts
    assert result.aliased == ()


@pytest.mark.parametrize("ridge", [0.0, 0.25])
def test_one_row_with_intercept(ridge, backend):
    # All columns are constant, and the constant explains the row.
    result = certified([[3.0, 4.0]], [7.0], ridge=ridge, intercept=True, backend=backend)
    assert result.intercept == 7.0
    assert not result.coef.any()
    assert result.rank == 0


@pytest.mark.parametrize("method", METHODS)
def test_dependent_columns_share(method, backend):
    X, y = integers(15, 3)
    X = np.hstack([X, X[:, :1]])
    result = certified(X, y, ridge=4.0, method=method, backend=backend)
    assert result.rank == 4
    assert error_ratio(result.coef, exact_ridge(X, y, 2.0), X, y, ridge=4.0) < RATIO
    assert result.coef[0] == pytest.approx(result.coef[3], rel=RATIO * EPS)


def test_weights(backend):
    X, y = integers(15, 3)
    weights = np.arange(15.0) % 3 * 4  # squares of 0, 2 and 8 ** 0.5
    repeated = np.repeat(np.arange(15), (weights / 4).astype(int))
    weighted = certified(X, y, ridge=4.0, weights=weights, backend=backend)
    rows = certified(2 * X[repeated], 2 * y[repeated], ridge=4.0, backend=backend)
    assert error_ratio(weighted.coef, rows.coef, X, y, weights=weights, ridge=4.0) < RATIO


def test_acts_in_the_units_of_the_data(backend):
    X, y = integers(15, 3)
    unit = np.array([1.0, 2.0**20, 2.0**-20])
    result = certified(X * unit, y, ridge=4.0, backend=backend)
    rows = np.vstack([X * unit, 2 * np.eye(3)])
    truth = problems.exact_lstsq(rows, np.concatenate([y, np.zeros(3)])).coef
    assert error_ratio(result.coef, truth, X * unit, y, ridge=4.0) < RATIO


def test_several_right_hand_sides(backend):
    X, y = integers(15, 3)
    Y = np.column_stack([y, y[::-1], X[:, 0]])
    together = certified(X, Y, ridge=2.25, intercept=True, backend=backend)
    for j in range(3):
        truth = exact_ridge(X, Y[:, j], 1.5, intercept=True)[1:]
        ratio = error_ratio(together.coef[:, j], truth, X, Y[:, j], intercept=True, ridge=2.25)
        assert ratio < RATIO


@pytest.mark.parametrize("condition", [1e6, 1e10])
def test_ill_conditioned_columns(condition, backend):
    p = problems.random_full_rank(40, 5, condition=condition, rng=1)
    result = certified(p.X, p.y, ridge=2.0**-20, backend=backend)
    assert (
        error_ratio(result.coef, exact_ridge(p.X, p.y, 2.0**-10), p.X, p.y, ridge=2.0**-20) < RATIO
    )


def test_r_factor_contains_the_ridge(backend):
    X, y = integers(15, 3)
    R = certified(X, y, ridge=4.0, backend=backend).r_factor
    assert np.tril(R, -1).any() == 0
    target = X.T @ X + 4.0 * np.eye(3)
    assert np.linalg.norm(R.T @ R - target) < RATIO * 3 * EPS * np.linalg.norm(target)
