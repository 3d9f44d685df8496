"""PCAState: any blocks and any tree of merges give the components of all rows; bytes; refusals."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pca_checks import UNIT, check

from minimand import PCAState, RankWarning, pca

KINDS = [(method, center) for method in ("qr", "gram") for center in (False, True)]


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]}-{'centred' if kind[1] else 'plain'}")
def kind(request, backend):
    method, center = request.param
    return {"method": method, "center": center, "backend": backend}


def data(m=90, n=4, offset=2.0):
    rng = np.random.default_rng([m, n])
    return rng.standard_normal((m, n)) * 0.6 ** np.arange(n) + offset


def at_once(X, kind, **options):
    method = "svd" if kind["method"] == "qr" else "gram"
    return pca(X, method=method, center=kind["center"], backend=kind["backend"], **options)


def assert_same(result, expected):
    """Within 100 roundings of the first singular value, as the eigenvectors magnify them."""
    first = expected.singular_values[0]
    assert np.abs(result.singular_values - expected.singular_values).max() <= 100 * UNIT * first
    assert np.abs(result.mean - expected.mean).max() <= 1e-14 * np.abs(expected.mean).max(initial=1)
    assert np.abs(result.components - expected.components).max() <= 1e-12


class TestBlocks:
    @pytest.mark.parametrize("size", [1, 7, 90])
    def test_any_size(self, size, kind):
        X = data()
        state = PCAState(**kind)
        for begin in range(0, 90, size):
            assert state.update(X[begin : begin + size]) is state
        assert state.rows == 90
        result = state.solve()
        check(result, X)
        assert_same(result, at_once(X, kind))
        assert result.certified_by == "state"

    @pytest.mark.parametrize("seed", range(4))
    def test_any_tree_of_merges(self, seed, kind):
        rng = np.random.default_rng(seed)
        X = data()
        cuts = np.sort(rng.choice(np.arange(1, 90), 9, replace=False))
        states = [PCAState(**kind).update(part) for part in np.split(X, cuts)]
        while len(states) > 1:
            i, j = rng.choice(len(states), 2, replace=False)
            states[i].merge(states[j])
            del states[j]
        result = states[0].solve(3)
        check(result, X)
        assert_same(result, at_once(X, kind, n_components=3))

    def test_weights(self, kind):
        X, weights = data(), np.arange(90) % 3
        state = PCAState(**kind)
        for begin in range(0, 90, 10):
            rows = slice(begin, begin + 10)
            state.update(X[rows], weights[rows])
        result = state.solve()
        check(result, X, weights)
        assert state.rows == np.count_nonzero(weights)
        assert result.weight == weights.sum()
        assert_same(result, at_once(X, kind, weights=weights))

    def test_merge_with_an_empty_state(self, kind):
        X = data()
        state = PCAState(**kind).update(X)
        before = state.to_bytes()
        assert state.merge(PCAState(**kind)).to_bytes() == before
        assert PCAState(**kind).merge(state).to_bytes() == before
        assert state.to_bytes() == before

    def test_solve_does_not_change_the_state(self, kind):
        X = data()
        state = PCAState(**kind).update(X[:50])
        check(state.solve(2), X[:50])
        state.update(X[50:])
        check(state.solve(0.9), X)

    def test_drifting_means(self, kind):
        """The origin is that of the first block, which is far from the last one."""
        X = data() + np.linspace(0, 1000, 90)[:, None]
        state = PCAState(**kind)
        for row in X:
            state.update(row[None])
        check(state.solve(2), X)

    @pytest.mark.parametrize("large", [1e200, 1e-200])
    def test_units_that_change(self, large, kind):
        X = data(offset=0.0)
        X[:40] *= large
        state = PCAState(**kind)
        for begin in range(0, 90, 20):
            state.update(X[begin : begin + 20])
        check(state.solve(2), X)

    def test_fewer_rows_than_columns(self, kind):
        X = data(5, 12)
        state = PCAState(**kind).update(X[:2]).update(X[2:])
        result = state.solve(3)
        check(result, X)
        with pytest.raises(ValueError, match="n_components is 6, expected an int from 1 to 5"):
            state.solve(6)

    def test_constant_column_and_rank(self, kind):
        X = data()
        X[:, 1], X[:, 3] = 0.0, 2 * X[:, 0]
        state = PCAState(**kind)
        for begin in range(0, 90, 9):
            state.update(X[begin : begin + 9])
        with pytest.warns(RankWarning):
            result = state.solve(4)
        check(result, X)
        assert result.constant_columns == (1,)
        assert result.rank == 2

    def test_float32(self, kind):
        X = data().astype(np.float32)
        state = PCAState(**kind).update(X[:50]).update(X[50:])
        check(state.solve(), X)
        assert_same(state.solve(), at_once(X, kind))

    def test_whiten(self):
        X = data()
        result = PCAState().update(X).solve(whiten=True)
        np.testing.assert_allclose(np.cov(result.transform(X).T), np.eye(4), atol=1e-12)

    def test_certificate_is_about_the_rows_seen(self, backend):
        from minimand import CertificateError

        X = data()
        result = PCAState(backend=backend).update(X[:50]).solve()
        check(result, X[:50])
        with pytest.raises(CertificateError):
            result.verify(X)


class TestBytes:
    def test_round_trip(self, kind):
        X = data()
        state = PCAState(**kind).update(X[:20])
        content = state.to_bytes()
        again = PCAState.from_bytes(content, backend=kind["backend"])
        assert again.to_bytes() == content
        assert (again.rows, again.method, again.center) == (20, kind["method"], kind["center"])
        assert np.array_equal(again.solve().components, state.solve().components)
        for one in (state, again):  # it goes on as the first one does
            one.update(X[20:])
        assert again.to_bytes() == state.to_bytes()
        check(again.solve(), X)

    def test_empty_state(self, kind):
        again = PCAState.from_bytes(PCAState(**kind).to_bytes(), backend=kind["backend"])
        assert again.rows == 0
        check(again.update(data()).solve(), data())

    def test_size_does_not_grow_with_the_rows(self, kind):
        small = PCAState(**kind).update(data(10)).to_bytes()
        large = PCAState(**kind).update(data(4000)).to_bytes()
        assert abs(len(large) - len(small)) < 20  # digits of the numbers in the header

    def test_names_survive(self):
        pandas = pytest.importorskip("pandas")
        state = PCAState().update(pandas.DataFrame(data(), columns=["a", "b", "ü", "d"]))
        assert PCAState.from_bytes(state.to_bytes()).solve().feature_names == ("a", "b", "ü", "d")

    def test_pickle(self, kind):
        state = PCAState(**kind).update(data())
        again = pickle.loads(pickle.dumps(state))
        assert again.backend == kind["backend"]
        assert again.to_bytes() == state.to_bytes()

    @pytest.mark.parametrize("bytes_like", [bytearray, memoryview])
    def test_bytes_like(self, bytes_like):
        assert PCAState.from_bytes(bytes_like(PCAState().update(data()).to_bytes())).rows == 90

    def test_damaged(self):
        good = PCAState().update(data()).to_bytes()
        magic, header, body = good.split(b"\n", 2)
        fields = json.loads(header)

        def changed(**values):
            return b"\n".join([magic, json.dumps(fields | values).encode(), body])

        assert PCAState.from_bytes(changed()).rows == 90
        bad = [
            b"", b"PK", good[:-1], good + b"\0", good[: len(magic) + 5], b"x" + good,
            changed(columns=10**9), changed(columns=-1), changed(rows=-3), changed(method="lu"),
            changed(center="yes"), changed(weight=float("nan")), changed(deepest=-1),
            changed(depth=-1), changed(rows=None), good[:-8] + np.array([np.nan]).tobytes(),
        ]  # fmt: skip
        for content in bad:
            with pytest.raises(ValueError, match="data"):
                PCAState.from_bytes(content)
        with pytest.raises(TypeError, match="bytes"):
            PCAState.from_bytes("text")

    def test_states_of_several_threads(self, kind):
        X = data(4000)
        parts = np.array_split(np.arange(4000), 8)

        def accumulate(rows):
            return PCAState(**kind).update(X[rows]).to_bytes()

        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(accumulate, parts))
        assert found == [accumulate(rows) for rows in parts]
        state = PCAState(**kind)
        for content in found:
            state.merge(PCAState.from_bytes(content, backend=kind["backend"]))
        check(state.solve(), X)

    def test_memory_map(self, tmp_path, kind):
        X = data(3000)
        np.save(tmp_path / "X.npy", X)
        mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
        state = PCAState(**kind)
        for begin in range(0, 3000, 999):
            state.update(mapped[begin : begin + 999])
        check(state.solve(), X)


class TestRefused:
    def test_nothing_to_solve(self, kind):
        with pytest.raises(ValueError, match="no rows"):
            PCAState(**kind).solve()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda X: (X[:, :2],), "X has 2 columns, expected 4"),
            (lambda X: (np.where(X[7, 1] == X, np.nan, X),), "NaN at row 7, column 1"),
            (lambda X: (X, np.zeros(90)), "weights are all zero"),
            (lambda X: (X, -np.ones(90)), "weights"),
            (lambda X: (X, np.ones(89)), "weights has 89"),
        ],
    )
    def test_bad_blocks_leave_the_state_as_it_was(self, change, words, kind):
        X = data()
        state = PCAState(**kind).update(X)
        before = state.to_bytes()
        with pytest.raises(ValueError, match=words):
            state.update(*change(X))
        with pytest.raises(TypeError):
            state.update(X.astype(complex))
        assert state.to_bytes() == before

    def test_merge_of_another_kind(self):
        X = data()
        state = PCAState().update(X)
        before = state.to_bytes()
        others = [PCAState(center=False), PCAState(method="gram"), PCAState()]
        for other, block in zip(others, (X, X, X[:, :2]), strict=True):
            with pytest.raises(ValueError, match="other has"):
                state.merge(other.update(block))
        with pytest.raises(TypeError, match="expected a PCAState"):
            state.merge(before)
        assert state.to_bytes() == before
