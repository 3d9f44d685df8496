"""The same bits for any number of threads; interrupts, forks, memory; random problems."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from least_squares_checks import EPS, RATIO, error_ratio, quiet

from minimand import LeastSquaresState, lstsq, qr
from minimand.problems import least_squares as problems

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and fork")


def data(m, n, k=None, *, dtype=np.float64, seed=0):
    rng = np.random.default_rng([m, n, seed])
    X = (rng.normal(size=(m, n)) + 1.0).astype(dtype)
    return X, rng.normal(size=m if k is None else (m, k))


def bits(result):
    """All numbers of a result, as bytes."""
    numbers = [result.coef, result.intercept, result.residual_norm, result.r_factor]
    numbers += [result.backward_error, result.condition, result.standard_error]
    return b"".join(np.asarray(value, dtype=float).tobytes() for value in numbers)


OPTIONS = [
    {},
    {"intercept": True},
    {"method": "cholesky", "refine": "none"},
    {"method": "qr"},
    {"method": "svd", "intercept": True},
    {"refine": "extended"},
    {"ridge": 1.0, "intercept": True},
]


class TestSameBits:
    # Large enough for several blocks in each thread.
    @pytest.mark.parametrize("options", OPTIONS)
    @pytest.mark.parametrize(
        ("m", "n", "k", "dtype"),
        [(40_000, 8, None, np.float64), (9_001, 33, 3, np.float64), (40_000, 8, None, np.float32)],
    )
    def test_any_number_of_threads(self, m, n, k, dtype, options):
        X, y = data(m, n, k, dtype=dtype)
        weights = np.arange(m) % 5
        one = bits(lstsq(X, y, weights=weights, threads=1, **options))
        for threads in (2, 3, None):
            assert bits(lstsq(X, y, weights=weights, threads=threads, **options)) == one

    def test_cholesky_qr(self):
        p = problems.random_full_rank(1300, 200, condition=1e6, rng=1)
        one, two, three = (lstsq(p.X, p.y, threads=threads) for threads in (1, 2, 3))
        assert one.method == "cholesky_qr"
        assert bits(one) == bits(two) == bits(three)

    def test_repeated_runs(self, backend):
        X, y = data(40_000, 8)
        first = bits(lstsq(X, y, intercept=True, backend=backend))
        for _ in range(3):
            assert bits(lstsq(X, y, intercept=True, backend=backend)) == first

    @pytest.mark.parametrize("method", ["qr", "gram"])
    def test_state(self, method):
        X, y = data(40_000, 8)
        found = set()
        for threads in (1, 2, 3):
            state = LeastSquaresState(method=method, threads=threads)
            for rows in (slice(0, 30_000), slice(30_000, None)):
                state.update(X[rows], y[rows])
            found.add(state.to_bytes())
        assert len(found) == 1

    def test_qr(self):
        X, _ = data(40_000, 8)
        one, two, three = (qr(X, threads=threads) for threads in (1, 2, 3))
        for other in (two, three):
            assert np.array_equal(one.Q, other.Q)
            assert np.array_equal(one.R, other.R)

    @pytest.mark.parametrize("options", [{}, {"method": "qr"}, {"intercept": True}])
    def test_memory_layout(self, options, backend):
        X, y = data(3000, 7)
        plain = bits(lstsq(X, y, backend=backend, **options))
        wide = np.zeros((6000, 14))
        wide[::2, ::-2] = X
        for same in (np.asfortranarray(X), wide[::2, ::-2], X.astype(">f8")):
            assert bits(lstsq(same, y, backend=backend, **options)) == plain

    def test_concurrent_calls(self, backend):
        problem = [data(20_000, 6, seed=seed) for seed in range(4)]

        def fit(j):
            return bits(lstsq(*problem[j % 4], intercept=True, threads=2, backend=backend))

        alone = [fit(j) for j in range(4)]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(fit, range(16)))
        assert together == alone * 4


INTERRUPT = """
import os, signal, threading, time
import numpy as np
from minimand import lstsq

X = np.random.default_rng(0).standard_normal((60_000, 60))
y = X.sum(axis=1)
options = {"refine": "extended", "backend": "BACKEND"}
begun = threading.Event()
late = []

def interrupt():
    begun.wait()
    time.sleep(0.3)
    late.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)

thread = threading.Thread(target=interrupt)
thread.start()
try:
    begun.set()
    while True:
        lstsq(X, y, **options)
except KeyboardInterrupt:
    print("interrupted")
waited = time.perf_counter() - late[0]
assert waited < 30, waited  # a hang, not a matter of speed
thread.join()
result = lstsq(X[:1000], y[:1000])
result.verify(X[:1000], y[:1000])
print("works")
"""

FORK = """
import os, sys
import numpy as np
from minimand import lstsq

X = np.random.default_rng(0).standard_normal((40_000, 8))
y = X.sum(axis=1)
before = lstsq(X, y, threads=2).coef
child = os.fork()
if child == 0:
    same = np.array_equal(lstsq(X, y, threads=2).coef, before)
    same &= np.array_equal(lstsq(X, y).coef, before)
    os._exit(0 if same else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert np.array_equal(lstsq(X, y, threads=2).coef, before)
print("works")
"""

MEMORY = """
import numpy as np
from minimand import lstsq

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

rng = np.random.default_rng(0)
X = np.empty((1_000_000, 50), dtype="DTYPE")
for block in np.array_split(X, 100):
    block[:] = rng.standard_normal(block.shape)
y = rng.standard_normal(len(X))
lstsq(X[:20_000], y[:20_000], threads=2, intercept=True)  # libraries are loaded now
before = peak()
lstsq(X, y, threads=2, OPTIONS)
print(peak() - before)
"""


@posix
class TestProcess:
    def test_interrupt(self, backend, run_python):
        assert run_python(INTERRUPT.replace("BACKEND", backend)).split() == ["interrupted", "works"]

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_fork(self, run_python):
        assert run_python(FORK, OMP_NUM_THREADS="2").split() == ["works"]

    @pytest.mark.slow
    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
    @pytest.mark.parametrize("options", ["", "intercept=True", "method='qr'"])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_memory(self, dtype, options, run_python):
        code = MEMORY.replace("DTYPE", dtype).replace("OPTIONS", options)
        assert float(run_python(code)) < 60


@st.composite
def matrices(draw, most_rows=12, most_columns=5):
    """Integer matrices with zero and repeated columns, columns in units of powers of two."""
    m, n = draw(st.integers(1, most_rows)), draw(st.integers(1, most_columns))
    entries = st.integers(-9, 9)
    rows = draw(st.lists(st.lists(entries, min_size=n, max_size=n), min_size=m, max_size=m))
    X = np.array(rows, dtype=float)
    for j in range(1, n):
        kind = draw(st.sampled_from(["own", "own", "own", "zero", "duplicate", "sum"]))
        if kind == "zero":
            X[:, j] = 0.0
        elif kind == "duplicate":
            X[:, j] = X[:, draw(st.integers(0, j - 1))]
        elif kind == "sum":
            X[:, j] = X[:, 0] + X[:, j - 1]
    powers = draw(st.lists(st.integers(-40, 40), min_size=n, max_size=n))
    y = draw(st.lists(st.integers(-99, 99), min_size=m, max_size=m))
    return X, np.exp2(powers), np.array(y, dtype=float)


class TestRandomProblems:
    @given(matrices(), st.sampled_from(["auto", "qr", "svd"]), st.sampled_from(["cpp", "numpy"]))
    def test_exact_solution(self, problem, method, backend):
        X, unit, y = problem
        exact = problems.exact_lstsq(X, y)
        assume(exact.rank > 0)
        result = quiet(X, y, method=method, backend=backend)
        assert result.rank == exact.rank
        assert error_ratio(result.coef, exact.coef, X, y, rank=exact.rank) < RATIO
        squares = float(exact.squares)
        scale = EPS * X.size * (np.linalg.norm(X) * np.linalg.norm(exact.coef) + np.linalg.norm(y))
        assert abs(result.residual_norm - np.sqrt(squares)) <= RATIO * scale
        scaled = quiet(X * unit, y, method=method, backend=backend)
        assert scaled.rank == exact.rank

    @given(matrices(), st.booleans(), st.sampled_from([0.0, 1.0]), st.data())
    def test_residual_is_orthogonal(self, problem, intercept, ridge, more):
        X, unit, y = problem
        X = X * unit
        m, n = X.shape
        weights = np.array(more.draw(st.lists(st.integers(0, 3), min_size=m, max_size=m)), float)
        assume(weights.any())
        result = quiet(X, y, intercept=intercept, ridge=ridge, weights=weights)
        r = weights * (y - result.predict(X))
        lengths = np.sqrt(weights @ X**2)
        unit = np.where(lengths > 0, lengths, 1.0)
        gradient = (X.T @ r - ridge * result.coef) / unit
        size = np.sqrt(n + ridge * np.sum(1 / unit**2))
        total = np.sqrt(weights @ y**2) + size * np.linalg.norm(lengths * result.coef)
        total += np.sqrt(weights.sum()) * abs(result.intercept)
        rounding = RATIO * (m + n) * n * EPS
        assert np.all(np.abs(gradient) <= rounding * size * total)
        if intercept:
            assert abs(r.sum()) <= rounding * np.sqrt(weights.sum()) * total

    @given(matrices(), st.booleans())
    def test_backends_agree(self, problem, intercept):
        X, unit, y = problem
        options = {"intercept": intercept}
        cpp = quiet(X * unit, y, backend="cpp", **options)
        mirror = quiet(X * unit, y, backend="numpy", **options)
        assert cpp.rank == mirror.rank
        assert cpp.aliased == mirror.aliased
        size = np.linalg.norm(y) + np.linalg.norm(X) * np.linalg.norm(unit * cpp.coef)
        size += np.sqrt(len(X)) * abs(cpp.intercept)
        assert abs(cpp.residual_norm - mirror.residual_norm) <= RATIO * X.size * EPS * size

    @given(
        st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**32 - 1), st.booleans(),
        st.sampled_from([np.float32, np.float64]), st.sampled_from(["cpp", "numpy"]),
    )  # fmt: skip
    def test_any_shape(self, m, n, seed, intercept, dtype, backend):
        X, y = data(m, n, 2, dtype=dtype, seed=seed)
        result = quiet(X, y, intercept=intercept, backend=backend)
        assert result.rank == min(m - intercept, n)
