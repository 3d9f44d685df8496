"""LeastSquaresState as bytes, from files, by several processes, and with bad input."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from least_squares_checks import check

from minimand import CertificateError, LeastSquaresState

KINDS = [(method, intercept) for method in ("qr", "gram") for intercept in (False, True)]


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]}-{'intercept' if kind[1] else 'plain'}")
def kind(request, backend):
    method, intercept = request.param
    return {"method": method, "intercept": intercept, "backend": backend}


def data(m=60, n=3):
    rng = np.random.default_rng([m, n])
    return rng.normal(size=(m, n)) + 2.0, rng.normal(size=m)


def _with_nan(X):
    bad = X.copy()
    bad[7, 1] = np.nan
    return bad


class TestBytes:
    def test_round_trip(self, kind):
        X, y = data()
        state = LeastSquaresState(**kind).update(X[:20], y[:20])
        content = state.to_bytes()
        again = LeastSquaresState.from_bytes(content, backend=kind["backend"])
        assert again.to_bytes() == content
        assert (again.rows, again.method, again.intercept) == (
            20,
            kind["method"],
            kind["intercept"],
        )
        assert np.array_equal(again.solve().coef, state.solve().coef)
        # It goes on as the first one does.
        for one in (state, again):
            one.update(X[20:], y[20:])
        assert again.to_bytes() == state.to_bytes()
        check(again.solve(), X, y)

    def test_empty_state(self, kind):
        again = LeastSquaresState.from_bytes(LeastSquaresState(**kind).to_bytes())
        assert again.rows == 0
        X, y = data()
        check(again.update(X, y).solve(), X, y)

    def test_size_does_not_grow_with_the_rows(self, kind):
        X, y = data(4000)
        small = LeastSquaresState(**kind).update(X[:10], y[:10]).to_bytes()
        large = LeastSquaresState(**kind).update(X, y).to_bytes()
        assert abs(len(large) - len(small)) < 10  # digits of the number of rows

    def test_names_and_shape_survive(self, backend):
        pandas = pytest.importorskip("pandas")
        X, y = data()
        table = pandas.DataFrame(X, columns=["a", "b", "ü"])
        state = LeastSquaresState(backend=backend).update(table, y[:, None])
        result = LeastSquaresState.from_bytes(state.to_bytes()).solve()
        assert result.feature_names == ("a", "b", "ü")
        assert result.coef.shape == (3, 1)

    def test_pickle(self, kind):
        X, y = data()
        state = LeastSquaresState(**kind).update(X, y)
        again = pickle.loads(pickle.dumps(state))
        assert np.array_equal(again.solve().coef, state.solve().coef)

    @pytest.mark.parametrize("bytes_like", [bytearray, memoryview])
    def test_bytes_like(self, bytes_like):
        X, y = data()
        state = LeastSquaresState().update(X, y)
        assert LeastSquaresState.from_bytes(bytes_like(state.to_bytes())).rows == 60

    def test_damaged(self):
        X, y = data()
        good = LeastSquaresState().update(X, y).to_bytes()
        magic, header, body = good.split(b"\n", 2)
        fields = json.loads(header)

        def changed(**values):
            return b"\n".join([magic, json.dumps(fields | values).encode(), body])

        assert LeastSquaresState.from_bytes(changed()).rows == 60
        bad = [
            b"",
            b"PK",
            good[:-1],
            good + b"\0",
            good[: len(magic) + 5],
            b"x" + good,
            changed(width=10**9),
            changed(columns=-1),
            changed(rows=-3),
            changed(method="lu"),
            changed(intercept="yes"),
            good[:-8] + np.array([np.nan]).tobytes(),
        ]
        for content in bad:
            with pytest.raises(ValueError, match="data"):
                LeastSquaresState.from_bytes(content)
        with pytest.raises(TypeError, match="bytes"):
            LeastSquaresState.from_bytes("text")


class TestStreaming:
    def test_memmap(self, tmp_path, kind):
        X, y = data(5000)
        file = tmp_path / "X.dat"
        X.astype(np.float32).tofile(file)
        mapped = np.memmap(file, dtype=np.float32, mode="r", shape=X.shape)
        state = LeastSquaresState(**kind)
        for begin in range(0, 5000, 700):
            state.update(mapped[begin : begin + 700], y[begin : begin + 700])
        check(state.solve(), mapped, y)

    def test_npy_file(self, tmp_path, backend):
        X, y = data(3000)
        np.save(tmp_path / "X.npy", X)
        mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
        state = LeastSquaresState(backend=backend)
        for begin in range(0, 3000, 999):
            state.update(mapped[begin : begin + 999], y[begin : begin + 999])
        check(state.solve(), X, y)

    def test_states_of_several_threads(self, kind):
        X, y = data(4000)
        parts = np.array_split(np.arange(4000), 8)

        def accumulate(rows):
            return LeastSquaresState(**kind).update(X[rows], y[rows]).to_bytes()

        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(accumulate, parts))
        assert found == [accumulate(rows) for rows in parts]
        state = LeastSquaresState(**kind)
        for content in found:
            state.merge(LeastSquaresState.from_bytes(content, backend=kind["backend"]))
        check(state.solve(), X, y)

    def test_refine_reads_the_data_again(self, kind):
        X, y = data()
        weights = np.arange(60) % 3.0
        blocks = [(X[i : i + 7], y[i : i + 7], weights[i : i + 7]) for i in range(0, 60, 7)]
        state = LeastSquaresState(**kind)
        for block in blocks:
            state.update(*block)
        result = state.refine(blocks)
        check(result, X, y, weights)
        assert result.coef == pytest.approx(state.solve().coef, rel=1e-10)

    def test_refine_wants_the_same_rows(self, backend):
        X, y = data()
        state = LeastSquaresState(backend=backend).update(X, y)
        with pytest.raises(ValueError, match=r"50 rows .* 60"):
            state.refine([(X[:50], y[:50])])
        with pytest.raises(TypeError, match="only once"):
            state.refine(iter([(X, y)]))

    def test_certificate_is_about_the_rows_seen(self, backend):
        X, y = data()
        result = LeastSquaresState(backend=backend).update(X[:50], y[:50]).solve()
        check(result, X[:50], y[:50])
        with pytest.raises(CertificateError):
            result.verify(X, y)


class TestRefused:
    def test_nothing_to_solve(self, kind):
        with pytest.raises(ValueError, match="no rows"):
            LeastSquaresState(**kind).solve()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda X, y: (X[:, :2], y), "3"),
            (lambda X, y: (X, y[:-1]), "y has 59 entries but X has 60 rows"),
            (lambda X, y: (X, np.column_stack([y, y])), "y has 2 columns, expected 1"),
            (lambda X, y: (_with_nan(X), y), "NaN at row 7, column 1"),
            (lambda X, _: (X, _with_nan(X)[:, 1]), "y has NaN"),
            (lambda X, y: (X, y, np.zeros(60)), "weights are all zero"),
            (lambda X, y: (X, y, -np.ones(60)), "weights"),
            (lambda X, y: (X, y, np.ones(59)), "weights has 59"),
        ],
    )
    def test_bad_blocks_leave_the_state_as_it_was(self, change, words, kind):
        X, y = data()
        state = LeastSquaresState(**kind).update(X, y)
        before = state.to_bytes()
        with pytest.raises(ValueError, match=words):
            state.update(*change(X, y))
        assert state.to_bytes() == before
        with pytest.raises((ValueError, TypeError)):
            state.update(X.astype(complex), y)
        assert state.to_bytes() == before

    def test_merge_of_another_kind(self, backend):
        X, y = data()
        state = LeastSquaresState(backend=backend).update(X, y)
        others = [
            LeastSquaresState(intercept=False).update(X, y),
            LeastSquaresState(method="gram").update(X, y),
            LeastSquaresState().update(X[:, :2], y),
            LeastSquaresState().update(X, np.column_stack([y, y])),
        ]
        before = state.to_bytes()
        for other in others:
            with pytest.raises(ValueError, match="other has"):
                state.merge(other)
        with pytest.raises(TypeError, match="expected a LeastSquaresState"):
            state.merge(before)
        assert state.to_bytes() == before

    def test_inputs_stay_as_they_are(self, kind):
        X, y = data()
        for array in (X, y):
            array.setflags(write=False)
        state = LeastSquaresState(**kind).update(X, y)
        before = state.to_bytes()
        result = state.solve()
        assert not result.coef.flags.writeable
        assert state.to_bytes() == before
