"""The kernels of stochastic gradient descent: both backends, dense and sparse, any threads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from minimand._common.backend import kernels
from minimand._common.random import as_key, permutation

NONE, EMPTY, ORDER = np.empty((0, 0)), np.empty(0), np.empty(0, dtype=np.int64)
LOSSES = range(5)
LOGISTIC, ABSOLUTE, POISSON, SOFTMAX = 1, 2, 3, 4
# What a step may have besides: momentum, nesterov, averaging, variance reduction
KINDS = {
    "plain": {},
    "momentum": {"momentum": 0.7},
    "nesterov": {"momentum": 0.7, "nesterov": True},
    "average": {"average": True},
    "saga": {"table": True, "refresh": True},
    "svrg": {"table": True},
}


def data(n, d, loss, seed=0, *, zeros=0.0):
    rng = np.random.default_rng([n, d, loss, seed])
    X = rng.standard_normal((n, d)) / np.sqrt(d)
    X[rng.random((n, d)) < zeros] = 0.0
    y = {
        LOGISTIC: rng.choice([-1.0, 1.0], n),
        POISSON: rng.poisson(2.0, n).astype(float),
        SOFTMAX: rng.integers(0, 3, n).astype(float),
    }.get(loss, rng.standard_normal(n))
    return X, y, 3 if loss == SOFTMAX else 1


def run(X, y, outputs, loss, batch, *, backend="cpp", epochs=3, threads=1, **kind):
    """Do some epochs with all the state there is; return it, flattened."""
    n, d = X.shape
    weights = kind.get("weights", EMPTY)
    shape = outputs, d + 1
    theta = np.full(shape, 0.1) if kind.get("intercept", True) else np.eye(*shape) * 0.1
    theta[:, -1] *= kind.get("intercept", True)
    velocity = np.zeros(shape) if kind.get("momentum") else NONE
    average = np.zeros(shape) if kind.get("average") else NONE
    table = np.zeros((n, outputs)) if kind.get("table") else NONE
    mean = np.zeros(shape) if kind.get("table") else NONE
    if kind.get("table") and not kind.get("refresh"):
        mean[...] = 0.01
    sums = np.zeros(1)
    module = kernels("sgd", backend)
    steps = -(-n // batch)
    for epoch in range(epochs):
        order = permutation(as_key(1), epoch, n) if kind.get("shuffle", True) else ORDER
        common = (
            *(y, weights, order, 0, batch, loss, np.full(steps, 0.05)),
            *(kind.get("l2", 0.0), kind.get("l1", 0.0), kind.get("momentum", 0.0)),
            *(kind.get("nesterov", False), kind.get("intercept", True)),
            *(kind.get("refresh", False), theta, velocity, average, epoch * steps, table, mean),
            sums,
        )
        if sparse.issparse(X):
            columns, pointers = X.indices.astype(np.int32), X.indptr.astype(np.int64)
            module.sgd_steps_csr(X.data, columns, pointers, *common)
        else:
            module.sgd_steps(X, *common, threads)
    return np.concatenate([a.ravel() for a in (theta, velocity, average, table, mean, sums)])


def assert_near(a, b, tolerance=1e-12):
    assert np.abs(a - b).max() <= tolerance * max(1.0, np.abs(b).max())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 7, 32, 53])
@pytest.mark.parametrize("loss", LOSSES)
def test_backends_agree(loss, batch, kind):
    X, y, outputs = data(53, 5, loss)
    both = [run(X, y, outputs, loss, batch, backend=b, **KINDS[kind]) for b in ("cpp", "numpy")]
    assert_near(*both)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch", [1, 7, 53])
def test_sparse_rows_are_dense_rows(loss, batch, kind, backend):
    X, y, outputs = data(53, 9, loss, zeros=0.7)
    options = KINDS[kind] | {"l2": 0.3, "l1": 0.02}
    dense = run(X, y, outputs, loss, batch, backend=backend, **options)
    assert_near(
        run(sparse.csr_array(X), y, outputs, loss, batch, backend=backend, **options), dense
    )


@pytest.mark.parametrize(
    "more",
    [
        {"l2": 0.5},
        {"l1": 0.05},
        {"l2": 0.5, "l1": 0.05},
        {"intercept": False},
        {"weights": np.arange(53.0) / 26.0},
        {"shuffle": False},
    ],
    ids=lambda more: ", ".join(more),
)
@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("loss", LOSSES)
def test_backends_agree_on_options(loss, batch, more):
    X, y, outputs = data(53, 5, loss)
    assert_near(*[run(X, y, outputs, loss, batch, backend=b, **more) for b in ("cpp", "numpy")])


@pytest.mark.parametrize("d", [1, 2, 3, 7, 8, 9, 16, 300])
@pytest.mark.parametrize("loss", [0, SOFTMAX])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_any_number_of_columns(d, loss, dtype):
    """The last rows are read beyond their ends where the next ones begin, and only there."""
    X, y, outputs = data(21, d, loss)
    X = X.astype(dtype)
    assert_near(*[run(X, y, outputs, loss, 4, backend=b) for b in ("cpp", "numpy")])


def test_a_step_is_the_formula():
    """The lecture's closed form, by hand."""
    X, y, _ = data(6, 2, 0)
    theta, sums = np.array([[0.5, -1.0, 0.2]]), np.zeros(1)
    w, b, lr = theta[0, :2].copy(), 0.2, 0.03
    kernels("sgd", "cpp").sgd_steps(
        *(X, y, EMPTY, ORDER, 0, 6, 0, np.array([lr]), 0.0, 0.0, 0.0, False, True, False),
        *(theta, NONE, NONE, 0, NONE, NONE, sums, 1),
    )
    miss = X @ w + b - y
    expected = np.append(w - lr / 6 * (X.T @ miss), b - lr / 6 * miss.sum())
    assert_near(theta[0], expected, 1e-15)
    assert sums[0] == pytest.approx(0.5 * miss @ miss)


def test_average_is_the_closed_recursion():
    X, y, _ = data(40, 3, 0)
    theta, average = np.zeros((1, 4)), np.zeros((1, 4))
    seen = []
    for step in range(10):
        kernels("sgd", "cpp").sgd_steps(
            *(X, y, EMPTY, ORDER, step, 4, 0, np.array([0.1]), 0.0, 0.0, 0.0, False, True, False),
            *(theta, NONE, average, step, NONE, NONE, np.zeros(1), 1),
        )
        seen.append(theta.copy())
    assert_near(average, np.mean(seen, axis=0))


@pytest.mark.parametrize("loss", LOSSES)
def test_threads_give_the_same_bits(loss):
    """A batch of 2.5 million products and more is cut into shards."""
    X, y, outputs = data(30_000, 100, loss)
    one = run(X, y, outputs, loss, 30_000, epochs=1, threads=1)
    for threads in (2, 3, 4):
        assert np.array_equal(run(X, y, outputs, loss, 30_000, epochs=1, threads=threads), one)
    assert_near(one, run(X, y, outputs, loss, 30_000, epochs=1, backend="numpy"), 1e-11)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "d", "K"), [(1, 1, 1), (5, 3, 2), (40, 9, 3), (20_001, 60, 2)])
def test_passes(n, d, K, dtype):
    rng = np.random.default_rng([n, d, K])
    X = rng.standard_normal((n, d)).astype(dtype)
    theta, q = rng.standard_normal((K, d + 1)), rng.standard_normal((n, K))
    for begin, end in ((0, n), (n // 3, n - n // 4), (n, n)):
        found = {}
        for key in (("numpy", 1), ("cpp", 1), ("cpp", 2), ("cpp", 4)):
            module = kernels("sgd", key[0])
            margins, sums, squares = np.ones((n, K)), np.ones((K, d)), np.ones(n)
            module.margin_pass(X, theta, begin, end, margins, key[1])
            module.transposed_pass(X, q, begin, end, sums, key[1])
            module.square_pass(X, begin, end, squares, key[1])
            found[key] = margins, sums, squares
        for a, b in zip(found["cpp", 1], found["numpy", 1], strict=True):
            assert_near(a, b, 1e-13 * np.sqrt(n * d))
        for threads in (2, 4):
            same = zip(found["cpp", threads], found["cpp", 1], strict=True)
            assert all(np.array_equal(a, b) for a, b in same)


def test_lazy_l1_is_exact_over_long_pauses():
    """A feature that one row in a hundred has pays its debts when it is touched."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random((500, 40)) < 0.01, 1.0, 0.0)
    X[:, 0] = 1.0
    y = rng.standard_normal(500)
    options = {"l1": 0.003, "l2": 4.0, "epochs": 8}  # the scale falls below 1e-9 on the way
    dense = run(X, y, 1, 0, 1, **options)
    lazy = run(sparse.csr_array(X), y, 1, 0, 1, **options)
    assert_near(lazy, dense)
    assert np.array_equal(dense == 0.0, lazy == 0.0)
    assert (dense == 0.0).sum() > 10


def test_steps_longer_than_l2_allows_are_exact(backend):
    """With rate l2 = 2 the scale of sparse coefficients would be -1."""
    X, y, _ = data(30, 4, 0, zeros=0.5)
    options = {"l2": 40.0, "epochs": 1, "backend": backend}
    assert_near(run(sparse.csr_array(X), y, 1, 0, 1, **options), run(X, y, 1, 0, 1, **options))


def test_loops(backend):
    module = kernels("sgd", backend)
    x, y = np.random.default_rng(0).standard_normal((2, 1000))
    out = np.empty(1000)
    module.add_loop(x, y, out)
    assert np.array_equal(out, x + y)
    assert module.dot_loop(x, y) == pytest.approx(x @ y)
