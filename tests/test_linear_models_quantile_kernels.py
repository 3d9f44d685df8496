"""The quantile kernels: both backends, and what their headers state."""

import numpy as np
import pytest

from minimand._common.backend import kernels
from minimand.linear_models.rows import Rows
from minimand.linear_models.vertex import Basis, choose_basis, line_search

EPS = np.finfo(float).eps


def data(m, n, seed=0):
    rng = np.random.default_rng([m, n, seed])
    return rng.normal(size=(m, n)), rng.normal(size=m)


def state(y, weights, quantile):
    w = weights if weights.size else np.ones(len(y))
    start = np.zeros((9, len(y)))
    start[0], start[1] = (1 - quantile) * w, quantile * w
    start[2], start[3] = np.maximum(-y, 0) + 1e-3, np.maximum(y, 0) + 1e-3
    return start


def problem(m, n, intercept, backend, quantile=0.5):
    X, y = data(m, n)
    return Rows(X, y, np.empty(0), intercept, quantile, kernels("linear_models", backend), 2)


# Fewer rows than a block, several blocks, several leaves
SIZES = [(1, 1), (40, 3), (700, 5), (9001, 17), (300, 40)]


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("m", "n"), SIZES)
class TestPasses:
    def test_residuals(self, m, n, intercept, backend):
        rows = problem(m, n, intercept, backend)
        theta = np.linspace(1, 2, n + intercept)
        A = rows.take(slice(None))
        size = np.abs(A) @ np.abs(theta) + np.abs(rows.y)
        assert (
            np.abs(rows.residuals(theta) - (rows.y - A @ theta)) <= 2 * (n + 2) * EPS * size
        ).all()
        assert (np.abs(rows.along(theta) - A @ theta) <= 2 * (n + 2) * EPS * size).all()

    def test_normal(self, m, n, intercept, backend):
        rows = problem(m, n, intercept, backend)
        A = rows.take(slice(None))
        size = np.abs(A).T @ np.abs(rows.y)
        assert (np.abs(rows.normal(rows.y) - A.T @ rows.y) <= 2 * m * EPS * size).all()

    def test_bands(self, m, n, intercept, backend):
        rows = problem(m, n, intercept, backend)
        p = n + intercept
        factor = np.triu(data(p, p, 1)[0])
        A = rows.take(slice(None))
        wanted = np.linalg.norm(A @ factor, axis=1)
        size = np.linalg.norm(np.abs(A) @ np.abs(factor), axis=1)
        assert (np.abs(rows.bands(factor) - wanted) <= 4 * (p + 2) * EPS * size).all()


def test_passes_have_the_same_bits_for_any_number_of_threads():
    X, y = data(300_000, 6)
    results = []
    for threads in (1, 2, 3):
        rows = Rows(X, y, np.empty(0), True, 0.5, kernels("linear_models", "cpp"), threads)
        parts = rows.residuals(np.ones(7)), rows.normal(y), rows.bands(np.eye(7))
        results.append(b"".join(part.tobytes() for part in parts))
    assert results[0] == results[1] == results[2]


class TestSteps:
    @pytest.mark.parametrize("quantile", [0.5, 0.2])
    @pytest.mark.parametrize("weighted", [True, False])
    @pytest.mark.parametrize("intercept", [True, False])
    def test_backends_take_the_same_steps(self, quantile, weighted, intercept):
        X, y = data(500, 4)
        weights = np.arange(500) % 3 + 1.0 if weighted else np.empty(0)
        scale = np.array([1.0, 2.0, 0.5, 1.0] + [1.0] * intercept)
        results = []
        for backend in ("cpp", "numpy"):
            theta, report = np.zeros(4 + intercept), np.zeros(3)
            iterate = state(y, weights, quantile)
            done = kernels("linear_models", backend).quantile_steps(
                X, y, weights, scale, intercept, quantile, 1e-9, 4, theta, iterate, report, 2
            )
            assert done == 4
            assert report[2] == 0.0
            results.append((theta, iterate[:4], report))
        # Four steps from a well-conditioned start: rounding has not grown much yet.
        for one, other in zip(*results, strict=True):
            assert one == pytest.approx(other, rel=1e-9, abs=1e-9)

    def test_the_iterate_stays_feasible(self, backend):
        X, y = data(500, 4)
        theta, report, iterate = np.zeros(5), np.zeros(3), state(y, np.empty(0), 0.3)
        step = kernels("linear_models", backend).quantile_steps
        gaps = []
        for _ in range(30):
            arguments = (X, y, np.empty(0), np.ones(5), True, 0.3, 1e-9, 1)
            if step(*arguments, theta, iterate, report, 1) == 0:
                break
            a, s, z, v = iterate[:4]
            gaps.append(report[1] / report[0])
            assert min(a.min(), s.min(), z.min(), v.min()) > 0.0
            assert a + s == pytest.approx(1.0, rel=1e-12)
            r = y - X @ theta[:4] - theta[4]
            assert v - z == pytest.approx(r, rel=1e-9, abs=1e-12)
            assert np.append(X, np.ones((500, 1)), axis=1).T @ (a - 0.7) == pytest.approx(
                0, abs=1e-9
            )
        assert report[2] == 1.0
        assert report[1] <= 1e-9 * report[0]
        assert gaps[-1] < 1e-3 * gaps[0]

    def test_nearly_dependent_columns_go_by_qr(self, backend):
        X, y = data(500, 3)
        X = np.column_stack([X, X[:, 0] + 1e-9 * X[:, 1] ** 2])  # Cholesky sees no fourth column
        theta, report, iterate = np.zeros(4), np.zeros(3), state(y, np.empty(0), 0.5)
        kernels("linear_models", backend).quantile_steps(
            X, y, np.empty(0), np.ones(4), False, 0.5, 1e-8, 60, theta, iterate, report, 2
        )
        assert report[2] == 1.0

    def test_columns_that_depend_end_the_run(self, backend):
        X, y = data(50, 2)
        X[:, 1] = 0.0
        theta, report, iterate = np.zeros(2), np.zeros(3), state(y, np.empty(0), 0.5)
        done = kernels("linear_models", backend).quantile_steps(
            X, y, np.empty(0), np.ones(2), False, 0.5, 1e-9, 60, theta, iterate, report, 2
        )
        assert (done, report[2]) == (0, 2.0)
        assert (theta == 0.0).all()

    def test_same_bits_for_any_number_of_threads(self):
        X, y = data(70_000, 8)  # large enough for several threads
        results = []
        for threads in (1, 2, 3):
            theta, report, iterate = np.zeros(9), np.zeros(3), state(y, np.empty(0), 0.5)
            kernels("linear_models", "cpp").quantile_steps(
                X, y, np.empty(0), np.ones(9), True, 0.5, 1e-9, 5, theta, iterate, report, threads
            )
            results.append(theta.tobytes() + iterate.tobytes() + report.tobytes())
        assert results[0] == results[1] == results[2]


class TestVertex:
    def test_basis_meets_its_rows(self, backend):
        rows = problem(60, 4, True, backend)
        chosen = choose_basis(rows, 1.0 / (1e-3 + np.abs(rows.y)), rows.column_scale())
        theta = Basis(rows, chosen, rows.column_scale()).theta()
        r = rows.residuals(theta)
        assert (np.abs(r[chosen]) <= rows.zero_level(theta, chosen)).all()

    def test_line_search_stops_at_the_least_objective(self, backend):
        rows = problem(60, 4, True, backend)
        scale = rows.column_scale()
        chosen = choose_basis(rows, np.ones(60), scale)
        basis = Basis(rows, chosen, scale)
        theta = basis.theta()
        r = rows.residuals(theta)
        psi = np.where(r > 0, rows.upper(), rows.lower())
        psi[chosen] = 0.0
        psi[chosen] = basis.solve_transposed(-rows.normal(psi))
        worst = int(np.argmax(np.abs(psi[chosen])))
        sign = np.sign(psi[chosen[worst]])
        slope = abs(psi[chosen[worst]]) - 0.5
        assert slope > 0
        direction = basis.solve(-sign * np.eye(5)[worst])
        entering, length = line_search(rows, direction, r, psi, chosen, chosen, slope)
        here, there = (rows.objective(rows.residuals(theta + t * direction)) for t in (0, length))
        assert there < here
        for factor in (0.99, 1.01):
            beside = rows.objective(rows.residuals(theta + factor * length * direction))
            assert beside >= there * (1 - 1e-12)
        assert rows.residuals(theta + length * direction)[entering] == pytest.approx(0, abs=1e-12)
