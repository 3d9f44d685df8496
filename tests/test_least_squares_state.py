"""LeastSquaresState: any split and any order of merging gives the fit of all rows at once."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from least_squares_checks import RATIO, UNIT, certified, check, error_ratio

from minimand import (
    ConditionWarning,
    LeastSquaresState,
    NotPositiveDefiniteError,
    RankWarning,
    Status,
)
from minimand.problems import least_squares as problems
from minimand.problems.least_squares import correct_digits

KINDS = [(method, intercept) for method in ("qr", "gram") for intercept in (False, True)]


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]}-{'intercept' if kind[1] else 'plain'}")
def kind(request, backend):
    """Arguments of the states."""
    method, intercept = request.param
    return {"method": method, "intercept": intercept, "backend": backend}


def data(m=60, n=4, k=None, seed=0):
    rng = np.random.default_rng([m, n, seed])
    X = rng.normal(size=(m, n)) * [1.0, 1e3, 1e-3, 1.0][:n] + [5.0, 0.0, 0.0, -2.0][:n]
    Y = X @ np.arange(1.0, n + 1) + 3.0 + rng.normal(size=m)
    weights = np.arange(m) % 4.0
    return X, Y if k is None else np.column_stack([Y * (j + 1) for j in range(k)]), weights


def state_of(X, y, weights=None, **kind):
    return LeastSquaresState(**kind).update(X, y, weights)


def blocks(X, y, weights, sizes):
    """Consecutive rows; blocks of weight 0 alone are left out, as empty ones would be."""
    begin = 0
    for size in sizes:
        rows = slice(begin, begin + size)
        if weights is None or weights[rows].any():
            yield X[rows], y[rows], None if weights is None else weights[rows]
        begin += size
    assert begin == len(X)


def assert_holds(result):
    """The certificate of a state speaks of the sums that it has, not of the rows."""
    assert result.status is Status.CONVERGED
    assert all(certificate.holds for certificate in result.certificates), str(result)


def assert_same_fit(result, X, y, weights=None, *, intercept):
    """Certificate, and equal to the batch within 100 u kappa."""
    assert_holds(result)
    batch = certified(X, y, weights=weights, intercept=intercept, method="qr")
    assert result.rank == batch.rank
    bound = 100 * UNIT * batch.condition * max(1.0, _offset(X, weights, intercept))
    length = np.linalg.norm(batch.r_factor, axis=0)
    error = np.linalg.norm(length * (result.coef - batch.coef).T)
    scale = np.linalg.norm(length * batch.coef.T)
    assert error <= bound * (scale + batch.condition * np.linalg.norm(batch.residual_norm))
    # Sums of products lose what the residual is smaller than y.
    target = y - np.average(y, axis=0, weights=weights) if intercept else y
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    lost = np.linalg.norm((root * target.T).T, axis=0) / batch.residual_norm
    rel = RATIO * len(X) * UNIT * np.max(lost) ** 2
    assert result.residual_norm == pytest.approx(batch.residual_norm, rel=rel)
    assert result.standard_error == pytest.approx(batch.standard_error, rel=rel)


def _offset(X, weights, intercept):
    w = np.ones(len(X)) if weights is None else weights
    mean = w @ X / w.sum()
    spread = np.sqrt(w @ (X - mean) ** 2 / w.sum())
    return float(np.max(1.0 + np.abs(mean) / spread)) if intercept else 1.0


class TestSplits:
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize(
        "sizes",
        [[60], [1] * 60, [1, 59], [59, 1], [30, 30], [7] * 8 + [4], [3, 20, 1, 36]],
        ids=["one", "ones", "1+59", "59+1", "halves", "sevens", "mixed"],
    )
    def test_updates(self, sizes, weighted, kind):
        X, y, weights = data()
        weights = weights if weighted else None
        state = LeastSquaresState(**kind)
        for block in blocks(X, y, weights, sizes):
            assert state.update(*block) is state
        assert state.rows == (60 if weights is None else 45)
        assert_same_fit(state.solve(), X, y, weights, intercept=kind["intercept"])

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("order", ["forward", "backward", "tree", "shuffled"])
    def test_merges(self, order, weighted, kind):
        X, y, weights = data()
        weights = weights if weighted else None
        parts = [state_of(*block, **kind) for block in blocks(X, y, weights, [5] * 12)]
        if order == "tree":
            while len(parts) > 1:
                pairs = zip(parts[::2], parts[1::2], strict=False)
                parts = [a.merge(b) for a, b in pairs] + (parts[-1:] if len(parts) % 2 else [])
            state = parts[0]
        else:
            if order == "shuffled":
                np.random.default_rng(1).shuffle(parts)
            parts = parts[::-1] if order == "backward" else parts
            state = functools.reduce(lambda a, b: a.merge(b), parts)
        assert_same_fit(state.solve(), X, y, weights, intercept=kind["intercept"])

    @given(st.lists(st.integers(1, 20), min_size=1, max_size=8), st.sampled_from(KINDS), st.data())
    def test_any_split_and_tree(self, sizes, kind, more):
        method, intercept = kind
        X, y, _ = data(sum(sizes) + 10)
        options = {"method": method, "intercept": intercept}
        parts = [state_of(*block, **options) for block in blocks(X, y, None, [*sizes, 10])]
        while len(parts) > 1:
            a = parts.pop(more.draw(st.integers(0, len(parts) - 1)))
            parts[more.draw(st.integers(0, len(parts) - 1))].merge(a)
        assert_same_fit(parts[0].solve(), X, y, intercept=intercept)

    def test_several_right_hand_sides(self, kind):
        X, Y, weights = data(k=3)
        state = LeastSquaresState(**kind)
        for block in blocks(X, Y, weights, [20, 40]):
            state.update(*block)
        result = state.solve()
        assert result.coef.shape == (4, 3)
        assert_same_fit(result, X, Y, weights, intercept=kind["intercept"])

    def test_other_is_not_changed(self, kind):
        X, y, _ = data()
        a, b = state_of(X[:20], y[:20], **kind), state_of(X[20:], y[20:], **kind)
        before = b.to_bytes()
        assert a.merge(b) is a
        assert b.to_bytes() == before
        b.update(X, y)
        check(a.solve(), X, y)

    def test_merge_with_itself_counts_rows_twice(self, kind):
        X, y, _ = data()
        state = state_of(X, y, **kind)
        result = state.merge(state).solve()
        check(result, np.vstack([X, X]), np.append(y, y))

    def test_empty_merges(self, kind):
        X, y, _ = data()
        state = LeastSquaresState(**kind)
        assert state.merge(LeastSquaresState(**kind)).rows == 0
        state.merge(state_of(X, y, **kind))
        before = state.to_bytes()
        assert state.merge(LeastSquaresState(**kind)).to_bytes() == before
        check(state.solve(), X, y)

    def test_rows_of_weight_zero_leave_no_trace(self, kind):
        X, y, _ = data()
        far = np.where(np.arange(60) % 5 == 0, 1e6, 0.0)[:, None]
        weights = (np.arange(60) % 5 > 0).astype(float)
        kept = weights > 0
        state = LeastSquaresState(**kind)
        for block in blocks(X + far, y, weights, [20, 2, 38]):
            state.update(*block)
        assert state.rows == 48
        assert_same_fit(state.solve(), X[kept], y[kept], intercept=kind["intercept"])


class TestSolve:
    def test_any_number_of_times(self, kind):
        X, y, _ = data()
        state = state_of(X[:30], y[:30], **kind)
        first = state.solve()
        assert np.array_equal(first.coef, state.solve().coef)
        state.update(X[30:], y[30:])
        check(state.solve(), X, y)
        check(first, X[:30], y[:30])

    @pytest.mark.parametrize("ridge", [1e-3, 10.0])
    def test_ridge(self, ridge, kind):
        X, y, weights = data()
        result = state_of(X, y, weights, **kind).solve(ridge=ridge)
        batch = certified(X, y, weights=weights, ridge=ridge, intercept=kind["intercept"])
        check(result, X, y, weights)
        options = {"weights": weights, "intercept": kind["intercept"], "ridge": ridge}
        assert error_ratio(result.coef, batch.coef, X, y, **options) < RATIO

    @pytest.mark.parametrize("policy", ["min_norm", "drop"])
    def test_dependent_columns(self, policy, backend):
        p = problems.dependent_columns(12, 3, 2, rng=2)
        state = LeastSquaresState(intercept=False, backend=backend)
        for block in blocks(p.X, p.y, None, [1, 4, 7]):
            state.update(*block)
        with pytest.warns(RankWarning):
            result = state.solve(rank_deficient=policy)
        check(result, p.X, p.y)
        assert result.aliased == p.aliased
        exact = problems.exact_lstsq(p.X, p.y)
        if policy == "min_norm":
            assert error_ratio(result.coef, exact.coef, p.X, p.y, rank=3) < RATIO
        else:
            kept = list(exact.independent)
            assert error_ratio(result.coef[kept], exact.basic[kept], p.X[:, kept], p.y) < RATIO
        with pytest.raises(np.linalg.LinAlgError, match="3 of 5"):
            state.solve(rank_deficient="raise")

    def test_gram_refuses_dependent_columns(self, backend):
        X, y, _ = data()
        state = state_of(np.column_stack([X, X[:, 0]]), y, method="gram", backend=backend)
        with pytest.raises(NotPositiveDefiniteError, match='method="qr"'):
            state.solve()

    def test_fewer_rows_than_columns(self, backend):
        p = problems.wide(4, 9, rng=3)
        state = LeastSquaresState(intercept=False, backend=backend)
        for block in blocks(p.X, p.y, None, [1, 3]):
            state.update(*block)
        result = state.solve()
        check(result, p.X, p.y)
        assert result.rank == 4
        assert error_ratio(result.coef, p.coef, p.X, p.y, rank=4) < RATIO

    @pytest.mark.parametrize(("name", "digits"), [("Longley", 9.5), ("Wampler1", 8.5)])
    def test_nist_in_blocks(self, name, digits, backend):
        p = problems.nist(name)
        state = LeastSquaresState(intercept=True, backend=backend)
        for block in blocks(p.X[:, 1:], p.y, None, [3] * (len(p.y) // 3) + [1] * (len(p.y) % 3)):
            state.update(*block)
        result = state.solve()
        check(result, p.X[:, 1:], p.y)
        assert correct_digits(result.coef, p.coef[1:]) >= digits


class TestNumbers:
    @pytest.mark.parametrize("size", [2.0**-600, 2.0**600])
    def test_extreme(self, size, kind):
        X, y, _ = data()
        plain = state_of(X, y, **kind).solve()
        state = LeastSquaresState(**kind)
        for block in blocks(size * X, size * y, None, [7, 23, 30]):
            state.update(*block)
        result = state.solve()
        check(result, size * X, size * y)
        ratio = error_ratio(result.coef, plain.coef, X, y, intercept=kind["intercept"])
        assert ratio < RATIO

    def test_sizes_that_grow_and_shrink(self, kind):
        # Squares overflow in the second block and underflow in the third.
        X, y, _ = data()
        unit = np.repeat([1.0, 2.0**520, 2.0**-560], 20)[:, None]
        state = LeastSquaresState(**kind)
        for block in blocks(unit * X, y, None, [20, 20, 20]):
            state.update(*block)
        check(state.solve(), unit * X, y)

    @pytest.mark.parametrize("offset", [1e4, 1e8])
    def test_offset(self, offset, backend):
        p = problems.offset_columns(40, 3, offset=offset, rng=4)
        X = p.X[:, 1:]
        for method in ("qr", "gram"):
            state = LeastSquaresState(method=method, backend=backend)
            for block in blocks(X, p.y, None, [1, 3, 16, 20]):
                state.update(*block)
            result = state.solve()
            check(result, X, p.y)
            centred = X - np.round(X.mean(axis=0))
            assert error_ratio(result.coef, p.coef[1:], centred, p.y, intercept=True) < RATIO

    def test_float32(self, kind):
        X, y, weights = data()
        single = X.astype(np.float32)
        result = state_of(single, y, weights, **kind).solve()
        check(result, single, y, weights)
        # Dependent within the rounding of float32 only.
        total = (single[:, 0] + single[:, 3]).astype(np.float32)
        state = state_of(np.column_stack([single, total]), y, backend=kind["backend"])
        with pytest.warns(RankWarning, match="column 4"):
            state.solve()

    def test_ill_conditioned(self, backend):
        p = problems.random_full_rank(60, 5, condition=1e9, rng=5)
        state = LeastSquaresState(intercept=False, backend=backend)
        for block in blocks(p.X, p.y, None, [20, 40]):
            state.update(*block)
        with pytest.warns(ConditionWarning):
            result = state.solve()
        check(result, p.X, p.y)
        assert error_ratio(result.coef, p.coef, p.X, p.y) < RATIO
