"""The kernels of the minimax fit: what they promise, and the same on both backends."""

from __future__ import annotations

import numpy as np
import pytest

from minimand._common.backend import kernels

BACKENDS = ("cpp", "numpy")
EPS = float(np.finfo(float).eps)


@pytest.fixture(params=BACKENDS)
def compiled(request):
    return kernels("linear_models", request.param)


def data(m, n, *, seed=0, whole=False):
    rng = np.random.default_rng([m, n, seed])
    if whole:
        return rng.integers(-3, 4, (m, n)).astype(float), rng.integers(-5, 6, m).astype(float)
    return rng.standard_normal((m, n)), rng.standard_normal(m)


def extremes(module, X, y, theta, intercept, count, begin, end, threads=1):
    rows, residuals = np.full(count, -1), np.full(count, np.nan)
    module.residual_extremes(X, y, theta, intercept, begin, end, rows, residuals, threads)
    return rows, residuals


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize(
    ("m", "n", "count", "begin", "end"),
    [(1, 1, 1, 0, 1), (50, 3, 7, 0, 50), (5000, 17, 200, 0, 5000), (5000, 8, 4, 1001, 4777),
     (3000, 5, 3000, 0, 3000), (90, 0, 5, 3, 80)],
)  # fmt: skip
def test_residual_extremes(compiled, intercept, m, n, count, begin, end):
    X, y = data(m, n)
    theta = np.linspace(-1, 1, n + intercept)
    rows, residuals = extremes(compiled, X, y, theta, intercept, count, begin, end)
    everything = y - X @ theta[:n] - (theta[n] if intercept else 0.0)
    size = np.abs(X) @ np.abs(theta[:n]) + np.abs(y) + 1
    assert ((begin <= rows) & (rows < end)).all()
    assert len(set(rows.tolist())) == count
    assert (np.abs(residuals - everything[rows]) <= (n + 3) * EPS * size[rows]).all()
    assert (np.diff(np.abs(residuals)) <= 0).all()
    others = np.setdiff1d(np.arange(begin, end), rows)
    if len(others):
        rest = np.abs(everything[others]) - (n + 3) * EPS * size[others]
        assert rest.max() <= np.abs(residuals[-1])


def test_ties_are_broken_by_the_number_of_the_row(compiled):
    X, y = np.zeros((4000, 1)), np.resize([1.0, -1.0, 0.5, -1.0], 4000)
    rows, residuals = extremes(compiled, X, y, np.zeros(1), False, 6, 2, 4000)
    assert rows.tolist() == [3, 4, 5, 7, 8, 9]
    assert residuals.tolist() == [-1.0, 1.0, -1.0, -1.0, 1.0, -1.0]


def test_extremes_are_the_same_bits_for_any_number_of_threads():
    X, y = data(70_001, 11)
    module, theta = kernels("linear_models", "cpp"), np.linspace(0, 1, 12)
    one = extremes(module, X, y, theta, True, 300, 5, 70_001)
    for threads in (2, 5):
        other = extremes(module, X, y, theta, True, 300, 5, 70_001, threads)
        assert all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def start(X, y, intercept):
    """The first p + 1 independent rows, with the signs of their null vector."""
    A = np.hstack([X, np.ones((len(X), int(intercept)))])
    rows = []
    for i in range(len(A)):
        if np.linalg.matrix_rank(A[[*rows, i]]) == len(rows) + 1:
            rows.append(i)
    others = [i for i in range(len(A)) if i not in rows]
    rows.append(others[0])
    null = np.linalg.svd(A[rows].T)[2][-1]
    signs = np.where(null < 0, -1.0, 1.0)
    return np.array(rows), -signs if null @ y[rows] < 0 else signs


def exchange(module, X, y, intercept, limit, calls=1, tol=1e-12):
    reference, signs = start(X, y, intercept)
    state, theta, weights = np.zeros(3), np.empty(len(signs) - 1), np.empty(len(signs))
    for _ in range(calls):
        found = module.chebyshev_exchange(
            X, y, intercept, tol, 1e-12, limit, reference, signs, state, theta, weights
        )
    return found, reference, signs, state, theta, weights


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize(("m", "n"), [(4, 1), (40, 3), (300, 9), (200, 40)])
def test_exchange_finds_the_minimax_fit(compiled, m, n, intercept, whole):
    X, y = data(m, n, whole=whole)
    found, reference, signs, state, theta, weights = exchange(compiled, X, y, intercept, 10_000)
    assert found == 0
    A = np.hstack([X, np.ones((m, int(intercept)))])
    residual = y - A @ theta
    height = (signs * y[reference]) @ weights
    assert weights.min() >= -1e-11
    assert weights.sum() == pytest.approx(1.0, abs=1e-11)
    assert (signs * weights) @ A[reference] == pytest.approx(0.0, abs=1e-10)
    assert np.abs(residual).max() == pytest.approx(height, rel=1e-10)
    assert signs * residual[reference] == pytest.approx(height, rel=1e-9)
    assert state[1] == pytest.approx(height, rel=1e-10)


def test_exchange_stops_at_its_limit_and_goes_on(compiled):
    X, y = data(300, 6)
    whole = exchange(compiled, X, y, True, 10_000)
    steps = int(whole[3][2])
    assert steps > 3
    part = exchange(compiled, X, y, True, 2)
    assert part[0] == 1
    assert part[3][2] == 2
    parts = exchange(compiled, X, y, True, 2, calls=steps)
    assert parts[0] == 0
    assert parts[4] == pytest.approx(whole[4], rel=1e-12)


def test_height_grows(compiled):
    X, y = data(200, 5)
    heights = [exchange(compiled, X, y, True, limit)[3][1] for limit in range(1, 12)]
    assert (np.diff(heights) >= -1e-13).all()


def test_singular_reference_breaks(compiled):
    X = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 1.0]])
    reference, signs = np.arange(3), np.array([1.0, -1.0, 1.0])
    theta, weights = np.empty(2), np.empty(3)
    found = compiled.chebyshev_exchange(
        X, np.ones(4), False, 1e-12, 0.0, 9, reference, signs, np.zeros(3), theta, weights
    )
    assert found == 2


def test_both_backends_take_the_same_steps():
    for seed in range(20):
        X, y = data(120, 4, seed=seed)
        cpp, reference = (exchange(kernels("linear_models", b), X, y, True, 999) for b in BACKENDS)
        assert cpp[0] == reference[0] == 0
        assert np.array_equal(cpp[1], reference[1])
        assert np.array_equal(cpp[2], reference[2])
        assert cpp[3][2] == reference[3][2]
        assert cpp[4] == pytest.approx(reference[4], rel=1e-11, abs=1e-13)
