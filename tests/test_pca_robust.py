"""The same bits for any number of threads; interrupts, forks; metamorphic and random problems."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pca_checks import assert_within_bounds, certified, check, largest_sine, quiet

from minimand import PCAState, pca
from minimand.problems.pca import planted

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and fork")

INTERRUPT = """
import os, signal, threading, time
import numpy as np
import minimand
X = np.random.default_rng(0).standard_normal((ROWS, COLUMNS))
def press():
    pressed.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
pressed = []
threading.Timer(0.3, press).start()
try:
    while True:
        CALL
except KeyboardInterrupt:
    print("stopped", time.perf_counter() - pressed[0] < 2.0)
print(minimand.pca(X[:100, :5]).status.name)
"""

FORK = """
import os
import numpy as np
import minimand
X = np.random.default_rng(0).standard_normal((100_000, 30))
minimand.pca(X)
child = os.fork()
if child == 0:
    minimand.pca(X)
    os._exit(0)
print("works" if os.waitpid(child, 0)[1] == 0 else "fails")
"""


def bits(result):
    names = ("components", "singular_values", "residual", "angle_bound", "mean")
    return b"".join(getattr(result, name).tobytes() for name in names)


class TestSameBits:
    # Large enough for several blocks in each thread.
    @pytest.mark.parametrize("method", ["gram", "svd", "randomized"])
    @pytest.mark.parametrize(
        ("m", "n", "dtype"),
        [(40_000, 8, np.float64), (9_001, 43, np.float64), (40_000, 8, np.float32),
         (40, 3000, np.float64)],
    )  # fmt: skip
    def test_any_number_of_threads(self, m, n, dtype, method):
        X = (np.random.default_rng([m, n]).standard_normal((m, n)) + 1).astype(dtype)
        X *= 0.7 ** np.minimum(np.arange(n), 40)
        weights = np.arange(m) % 5
        options = {"method": method, "weights": weights, "certify": "data"}
        one = bits(pca(X, 3, threads=1, **options))
        for threads in (2, 3, None):
            result = pca(X, 3, threads=threads, **options)
            assert bits(result) == one
            scores = result.transform(X, threads=threads)
            assert scores.tobytes() == result.transform(X, threads=1).tobytes()

    def test_states(self):
        X = np.random.default_rng(0).standard_normal((20_000, 12))
        found = set()
        for threads in (1, 2, 3):
            state = PCAState(threads=threads).update(X[:9000]).update(X[9000:])
            found.add(state.to_bytes())
        assert len(found) == 1


@posix
class TestMachine:
    @pytest.mark.parametrize(
        ("rows", "columns", "call"),
        [
            (300_000, 60, "minimand.pca(X, method='svd')"),
            (20_000, 1000, "minimand.pca(X, 20, method='gram')"),
            (20_000, 1000, "minimand.pca(X, 20, method='randomized', tol=1e-15)"),
        ],
    )
    def test_ctrl_c(self, rows, columns, call, run_python):
        code = INTERRUPT.replace("ROWS", str(rows)).replace("COLUMNS", str(columns))
        said = run_python(code.replace("CALL", call)).split()
        assert said == ["stopped", "True", "CONVERGED"]

    def test_fork_after_use(self, run_python):
        assert run_python(FORK, OMP_NUM_THREADS="2").split() == ["works"]


class TestMetamorphic:
    @pytest.fixture(params=["gram", "svd", "randomized"])
    def method(self, request):
        return request.param

    def data(self):
        return planted(70, 7, 4.0 * 0.6 ** np.arange(7), offset=2.0, rng=3).X

    def test_order_of_the_rows(self, method):
        X = self.data()
        order = np.random.default_rng(0).permutation(70)
        one, other = (certified(rows, 3, method=method) for rows in (X, X[order]))
        np.testing.assert_allclose(one.singular_values, other.singular_values, rtol=1e-12)
        np.testing.assert_allclose(one.components, other.components, atol=1e-11)

    def test_a_rotation_of_the_columns_rotates_the_components(self, method):
        X = self.data()
        Q = np.linalg.qr(np.random.default_rng(1).standard_normal((7, 7)))[0]
        one, other = (certified(rows, 3, method=method) for rows in (X, X @ Q))
        np.testing.assert_allclose(one.singular_values, other.singular_values, rtol=1e-12)
        for mine, theirs in zip(one.components @ Q, other.components, strict=True):
            assert largest_sine(mine[None], theirs[None]) < 1e-11

    def test_a_translation_changes_the_mean_alone(self, method):
        X = np.round(self.data() * 1024) / 1024  # so that the sums are exact
        one, other = (certified(rows, 3, method=method) for rows in (X, X + 512.0))
        np.testing.assert_allclose(one.singular_values, other.singular_values, rtol=1e-12)
        np.testing.assert_allclose(one.mean + 512.0, other.mean, rtol=1e-15)

    def test_float32_is_its_float64_copy(self, method):
        X = self.data().astype(np.float32)
        one, other = (certified(rows, 3, method=method) for rows in (X, X.astype(float)))
        assert bits(one) == bits(other)

    def test_a_column_appended_twice_doubles_its_part(self, method):
        X = self.data()
        one = certified(np.hstack([X, X]), 3, method=method)
        other = certified(X, 3, method=method)
        np.testing.assert_allclose(
            one.singular_values, np.sqrt(2) * other.singular_values, rtol=1e-12
        )


@st.composite
def tables(draw):
    """Planted matrices of odd shapes and spectra, in odd units."""
    m, n = draw(st.integers(2, 40)), draw(st.integers(1, 25))
    size = draw(st.integers(1, min(m - 1, n)))
    sigma = 10.0 ** -np.cumsum(
        draw(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=size, max_size=size))
    )
    offset = draw(st.sampled_from([0.0, 1.0, 1e4]))
    unit = draw(st.sampled_from([1.0, 1e-3, 2.0**500, 2.0**-500]))
    problem = planted(m, n, sigma, offset=offset, rng=draw(st.integers(0, 9)))
    return problem.X * unit


@given(
    X=tables(),
    method=st.sampled_from(["auto", "gram", "svd"]),
    backend=st.sampled_from(["cpp", "numpy"]),
)
def test_the_truth_is_within_the_bounds(X, method, backend):
    result = quiet(X, method=method, backend=backend)
    if len(result.components) == 0:
        return
    check(result, X)
    largest = np.abs(X).max()
    centred = X / largest
    centred = centred - centred.mean(axis=0)
    centred -= centred.mean(axis=0)
    centred[:, list(result.constant_columns)] = 0.0
    _, sigma, Vt = np.linalg.svd(centred)
    sigma = np.append(sigma, np.zeros(max(0, X.shape[1] - sigma.size))) * largest
    # The truth of this test has the rounding errors of the offset, as the data have.
    if np.abs(X).max() <= 10 * np.abs(X - X.mean(axis=0)).max():
        assert_within_bounds(result, sigma, Vt)


@given(X=tables(), k=st.integers(1, 6))
def test_iteration_and_states_agree(X, k):
    k = min(k, *X.shape)
    iterated, state = quiet(X, k, method="randomized"), PCAState()
    for begin in range(0, len(X), 7):
        state.update(X[begin : begin + 7])
    exact = quiet(X, k, method="svd")
    kept = min(len(iterated.components), len(exact.components))
    sigma = exact.singular_values
    assert np.abs(iterated.singular_values[:kept] - sigma[:kept]).max(initial=0) <= 1e-5 * sigma[0]
    streamed = state.solve()
    check(streamed, X)
    assert np.abs(streamed.singular_values[:kept] - sigma[:kept]).max() <= 1e-13 * sigma[0] * (
        1 + np.abs(X).max() * np.sqrt(X.size) / sigma[0]
    )
