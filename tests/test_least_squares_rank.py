"""Which columns are independent, and what is returned when some are not."""

import numpy as np
import pytest
from least_squares_checks import (
    EPS,
    RATIO,
    UNIT,
    certified,
    deficient,
    error_ratio,
    quiet,
)

from minimand import RankDeficientError, RankWarning, lstsq
from minimand.problems import least_squares as problems

METHODS = ["auto", "qr", "svd"]


class Frame:
    """The least that a table with named columns has."""

    def __init__(self, values, columns):
        self.values, self.columns = np.asarray(values), columns

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


def integers(m, n, seed=0):
    rng = np.random.default_rng([m, n, seed])
    return rng.integers(-8, 9, (m, n)).astype(float), rng.integers(-50, 51, m).astype(float)


class TestDependentColumns:
    """Integer columns, some of them duplicates or sums of two earlier ones."""

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("shape", [(9, 3, 1), (12, 3, 3), (20, 6, 2)])
    def test_min_norm(self, shape, seed, method, backend):
        p = problems.dependent_columns(*shape, rng=seed)
        result = deficient(p.X, p.y, method=method, backend=backend)
        assert result.rank == p.rank
        assert result.aliased == p.aliased
        assert error_ratio(result.coef, p.coef, p.X, p.y, rank=p.rank) < RATIO

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("seed", range(4))
    def test_drop(self, seed, method, backend):
        p = problems.dependent_columns(12, 3, 3, rng=seed)
        result = deficient(p.X, p.y, method=method, rank_deficient="drop", backend=backend)
        exact = problems.exact_lstsq(p.X, p.y)
        kept = list(exact.independent)
        assert result.aliased == p.aliased == tuple(np.flatnonzero(np.isnan(result.coef)))
        ratio = error_ratio(result.coef[kept], exact.basic[kept], p.X[:, kept], p.y)
        assert ratio < RATIO
        # As if the others had never been there.
        alone = certified(p.X[:, kept], p.y, method=method, backend=backend)
        assert result.standard_error[kept] == pytest.approx(alone.standard_error, rel=1e-12)
        assert np.isnan(np.delete(result.standard_error, kept)).all()
        assert result.predict(p.X) == pytest.approx(p.X[:, kept] @ alone.coef, rel=1e-12, abs=1e-11)

    @pytest.mark.parametrize("method", METHODS)
    def test_raise(self, method, backend):
        p = problems.dependent_columns(12, 3, 3, rng=1)
        with pytest.raises(RankDeficientError, match="3 of 6 columns of X are independent") as info:
            lstsq(p.X, p.y, method=method, rank_deficient="raise", backend=backend)
        assert all(f"column {j}" in str(info.value) for j in p.aliased)
        assert isinstance(info.value, np.linalg.LinAlgError)
        certified(p.X[:, [0]], p.y, method=method, rank_deficient="raise", backend=backend)

    @pytest.mark.parametrize("policy", ["min_norm", "drop"])
    def test_dependency_reproduces_the_columns(self, policy, backend):
        p = problems.dependent_columns(12, 3, 3, rng=2)
        X = p.X * [1.0, 1e3, 1e-3, 1e6, 1.0, 1e-6]
        result = deficient(X, p.y, rank_deficient=policy, backend=backend)
        assert result.aliased == p.aliased
        aliased = list(result.aliased)
        error = np.linalg.norm(X[:, aliased] - X @ result.dependency, axis=0)
        assert np.all(error < RATIO * 6 * EPS * np.linalg.norm(X[:, aliased], axis=0))
        assert not result.dependency[aliased].any()

    @pytest.mark.parametrize("policy", ["min_norm", "drop"])
    def test_margins_are_far_from_the_cut(self, policy, backend):
        p = problems.dependent_columns(12, 3, 3, rng=3)
        accepted, rejected = deficient(p.X, p.y, rank_deficient=policy, backend=backend).rank_margin
        assert accepted > 10
        assert rejected < -0.5
        assert certified(p.X[:, :1], p.y, backend=backend).rank_margin[1] == -np.inf

    @pytest.mark.parametrize("factor", [2.0**40, 2.0**-40, 1e12, 1e-12])
    @pytest.mark.parametrize("column", range(4))
    def test_units_do_not_matter(self, column, factor, backend):
        p = problems.dependent_columns(12, 3, 1, rng=4)
        X = np.array(p.X)
        X[:, column] *= factor
        result = deficient(X, p.y, rank_deficient="drop", backend=backend)
        assert result.rank == 3
        assert result.aliased == p.aliased
        kept = [j for j in range(4) if j not in p.aliased]
        truth = problems.exact_lstsq(X[:, kept], p.y).coef
        assert error_ratio(result.coef[kept], truth, X[:, kept], p.y) < RATIO

    def test_zero_column(self, backend):
        X, y = integers(12, 3)
        X[:, 1] = 0.0
        for intercept in (False, True):
            result = deficient(X, y, intercept=intercept, backend=backend)
            assert result.aliased == (1,)
            assert result.coef[1] == 0.0
            assert not result.dependency.any()

    def test_all_columns_zero(self, backend):
        result = deficient(np.zeros((5, 2)), np.arange(5.0), backend=backend)
        assert result.rank == 0
        assert not result.coef.any()
        assert result.residual_norm == pytest.approx(np.sqrt(30.0), rel=4 * EPS)

    @pytest.mark.parametrize("value", [1.0, -0.1, 1e9])
    def test_constant_column_with_intercept(self, value, backend):
        X, y = integers(12, 3)
        with_constant = np.insert(X, 1, value, axis=1)
        result = deficient(with_constant, y, intercept=True, backend=backend)
        plain = certified(X, y, intercept=True, backend=backend)
        assert result.aliased == (1,)
        assert result.coef[1] == 0.0
        others = result.coef[[0, 2, 3]]
        assert error_ratio(others, plain.coef, X, y, intercept=True) < RATIO
        assert result.intercept == pytest.approx(plain.intercept, rel=1e-12)
        # Without one it is a column like any other.
        assert certified(with_constant, y, backend=backend).rank == 4

    def test_dependent_through_the_intercept(self, backend):
        # Indicators of all groups: the dummy-variable trap.
        groups = np.arange(12) % 3
        X = (groups[:, None] == np.arange(3)).astype(float)
        y = np.arange(12.0)
        result = deficient(X, y, intercept=True, rank_deficient="drop", backend=backend)
        assert result.aliased == (2,)
        assert certified(X, y, backend=backend).rank == 3


class TestNames:
    @pytest.mark.parametrize("policy", ["min_norm", "drop"])
    def test_warning(self, policy, backend):
        X, y = integers(12, 3)
        table = Frame(np.column_stack([X, X[:, 0]]), ["age", "height", "weight", "age again"])
        with pytest.warns(RankWarning, match=r"3 of 4 .*column 3 \('age again'\)"):
            result = lstsq(table, y, rank_deficient=policy, backend=backend)
        assert result.feature_names == ("age", "height", "weight", "age again")

    def test_error(self, backend):
        X, y = integers(12, 3)
        table = Frame(np.column_stack([X, X[:, 0]]), ["a", "b", "c", "a2"])
        with pytest.raises(RankDeficientError, match=r"column 3 \('a2'\)"):
            lstsq(table, y, rank_deficient="raise", backend=backend)

    def test_long_lists_are_cut(self, backend):
        X, y = integers(30, 2)
        with pytest.warns(RankWarning, match="and 4 more"):
            lstsq(np.tile(X, 7), y, backend=backend)


class TestMinimumNorm:
    """Shortest in the units of the user, whatever the units."""

    @pytest.mark.parametrize("spread", [0, 10, 30])
    def test_units(self, spread, backend):
        p = problems.dependent_columns(12, 3, 3, rng=5)
        unit = np.exp2(np.linspace(-spread, spread, 6))
        X = p.X * unit
        exact = problems.exact_lstsq(X, p.y)
        result = deficient(X, p.y, backend=backend)
        assert result.rank == exact.rank
        assert error_ratio(result.coef, exact.coef, X, p.y, rank=exact.rank) < RATIO
        assert np.linalg.norm(result.coef) == pytest.approx(np.linalg.norm(exact.coef), rel=1e-9)

    @pytest.mark.parametrize("intercept", [False, True])
    def test_pinv(self, intercept, backend):
        p = problems.dependent_columns(20, 4, 3, rng=6)
        X = p.X * np.exp2(np.arange(7))
        centred = X - X.mean(axis=0) if intercept else X
        truth = np.linalg.pinv(centred, rcond=1e-10) @ p.y
        result = deficient(X, p.y, intercept=intercept, backend=backend)
        assert result.coef == pytest.approx(truth, rel=1e-10, abs=1e-10 * np.abs(truth).max())


class TestMoreColumnsThanRows:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("shape", [(1, 2), (1, 7), (3, 4), (5, 20), (30, 31)])
    def test_shortest_solution(self, shape, method, backend):
        p = problems.wide(*shape, rng=7)
        result = certified(p.X, p.y, method=method, backend=backend)  # and no warning
        assert result.rank == p.rank
        assert result.aliased == ()  # no column is more to blame than another
        assert error_ratio(result.coef, p.coef, p.X, p.y, rank=p.rank) < RATIO
        assert result.residual_norm <= 10 * shape[1] * UNIT * np.linalg.norm(p.y) * shape[0]

    def test_intercept(self, backend):
        p = problems.wide(5, 9, rng=8)
        X = p.X - p.X.mean(axis=0)
        truth = np.linalg.pinv(X, rcond=1e-10) @ p.y
        result = certified(p.X, p.y, intercept=True, backend=backend)
        assert result.rank == 4
        assert result.coef == pytest.approx(truth, rel=1e-10)

    def test_dependent_rows_as_well(self, backend):
        p = problems.wide(4, 9, rng=9)
        X, y = np.vstack([p.X, p.X[0]]), np.append(p.y, p.y[0])
        result = deficient(X, y, backend=backend)
        assert result.rank == 4
        assert error_ratio(result.coef, problems.exact_lstsq(X, y).coef, X, y, rank=4) < RATIO

    def test_other_policies(self, backend):
        p = problems.wide(4, 9, rng=9)
        exact = problems.exact_lstsq(p.X, p.y)
        kept = list(exact.independent)
        result = certified(p.X, p.y, rank_deficient="drop", backend=backend)
        assert result.aliased == p.aliased
        assert error_ratio(result.coef[kept], exact.basic[kept], p.X[:, kept], p.y) < RATIO
        assert np.isnan(result.coef[list(p.aliased)]).all()
        with pytest.raises(RankDeficientError, match="4 of 9"):
            lstsq(p.X, p.y, rank_deficient="raise", backend=backend)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_several_right_hand_sides(self, dtype, backend):
        p = problems.wide(4, 9, rng=10)
        Y = np.column_stack([p.y, p.y[::-1]])
        result = certified(p.X.astype(dtype), Y, backend=backend)
        for j in range(2):
            truth = problems.exact_lstsq(p.X, Y[:, j]).coef
            assert error_ratio(result.coef[:, j], truth, p.X, Y[:, j], rank=4) < RATIO


class TestFloorOfTheData:
    def test_float32_with_many_rows(self):
        # scikit-learn #33032: a cut that grows with the rows calls this deficient.
        rng = np.random.default_rng(11)
        X = (rng.standard_normal((600_000, 5), dtype=np.float32) + 100).astype(np.float32)
        y = X @ np.ones(5) + rng.standard_normal(600_000)
        for intercept in (False, True):
            assert certified(X, y, intercept=intercept).rank == 5

    @pytest.mark.parametrize(("dtype", "rank"), [(np.float64, 3), (np.float32, 2)])
    def test_float32_sees_less(self, dtype, rank, backend):
        X, y = integers(30, 2)
        X = np.column_stack([X, X.sum(axis=1) * (1 + 1e-9 * np.arange(30))])
        assert quiet(X.astype(dtype), y, backend=backend).rank == rank

    def test_data_error(self, backend):
        X, y = integers(30, 2)
        X = np.column_stack([X, X.sum(axis=1) + 1e-4 * y])
        assert certified(X, y, backend=backend).rank == 3
        assert certified(X, y, data_error=1e-8, backend=backend).rank == 3
        result = deficient(X, y, data_error=1e-3, backend=backend)
        assert result.rank == 2
        assert result.rank_margin[0] > 0 > result.rank_margin[1]

    @pytest.mark.parametrize("distance", [1e-6, 1e-9, 1e-12])
    def test_nearly_dependent_is_independent(self, distance, backend):
        X, y = integers(30, 2)
        X = np.column_stack([X, X[:, 0] + distance * y])
        result = quiet(X, y, backend=backend)
        assert result.rank == 3
        assert result.rank_margin[0] > 0

    @pytest.mark.parametrize(("n", "rank"), [(60, 60), (90, 89)])
    def test_kahan(self, n, rank, backend):
        # The order of the columns hides the last singular value, 1e-17 for n = 90.
        p = problems.kahan(n)
        result = quiet(p.X, p.y, backend=backend)
        assert result.rank == rank
        kept = quiet(p.X, p.y, rank_deficient="drop", backend=backend)
        assert kept.rank == rank
        assert np.isnan(kept.coef).sum() == n - rank

    def test_hilbert_beyond_float64(self, backend):
        x = np.arange(20.0)
        X = 1.0 / (x[:, None] + x + 1.0)
        result = quiet(X, X.sum(axis=1), backend=backend)
        assert 11 <= result.rank <= 14
        assert result.residual_norm <= RATIO * 20 * EPS * np.linalg.norm(X.sum(axis=1))


def test_two_equal_columns_of_many_rows(backend):
    """Rounding that grew with the number of blocks would make them independent."""
    X = np.random.default_rng(0).standard_normal((60_000, 4))
    X[:, 2] = X[:, 1]
    result = deficient(X, X[:, 0], intercept=True, rank_deficient="drop", backend=backend)
    assert result.aliased == (2,)
    assert result.rank == 3
