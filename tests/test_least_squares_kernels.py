"""The mathematics of the least-squares kernels, on both backends."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minimand._common.backend import kernels
from minimand.problems import least_squares as problems
from minimand.reference.least_squares import double_double as dd

EPS = float(np.finfo(np.float64).eps)
RATIO = 30.0  # LAPACK's threshold for residuals in units of the rounding error


@pytest.fixture
def kernel(backend):
    return kernels("least_squares", backend)


class Rows(NamedTuple):
    """First arguments of the passes."""

    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    intercept: bool


def sample_rows(m, n, k=1, *, weighted=False, intercept=False, dtype=np.float64, seed=0):
    rng = np.random.default_rng([m, n, k, seed])
    return Rows(
        rng.standard_normal((m, n)).astype(dtype),
        rng.standard_normal((m, k)),
        rng.uniform(0.5, 2.0, m) if weighted else np.empty(0),
        rng.standard_normal(n + k),
        rng.uniform(0.5, 2.0, n + k),
        intercept,
    )


def plain_rows(X, Y, weights=(), *, intercept=False):
    """Rows without shift and scale."""
    X, Y = np.array(X, dtype=np.float64, ndmin=2), np.array(Y, dtype=np.float64, ndmin=2)
    p = X.shape[1] + Y.shape[1]
    return Rows(X, Y, np.array(weights, dtype=np.float64), np.zeros(p), np.ones(p), intercept)


def augmented(rows, begin=0, end=None):
    """The matrix Z of which the kernels speak."""
    data = np.hstack([rows.X.astype(np.float64), rows.Y])
    Z = (data - rows.shift) * rows.scale
    if rows.intercept:
        Z = np.hstack([np.ones((len(Z), 1)), Z])
    if rows.weights.size:
        Z = np.sqrt(rows.weights)[:, None] * Z
    return Z[begin:end]


def gram_of(kernel, rows, begin=0, end=None, threads=1):
    p = rows.intercept + rows.X.shape[1] + rows.Y.shape[1]
    gram = np.full((p, p), 7.0)
    kernel.gram_pass(*rows, begin, len(rows.X) if end is None else end, gram, threads)
    return gram


def gram_ratio(gram, Z):
    """Largest error of Z'Z in units of eps |z_i| |z_j|."""
    norms = np.linalg.norm(Z, axis=0)
    return np.max(np.abs(gram - Z.T @ Z) / (EPS * np.outer(norms, norms)))


SHAPES = [(1, 1, 0), (5, 1, 1), (40, 3, 0), (63, 4, 1), (64, 4, 2), (257, 7, 3), (1000, 12, 1)]


class TestGramPass:
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("intercept", [False, True])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_is_z_transposed_z(self, kernel, shape, weighted, intercept, dtype):
        rows = sample_rows(*shape, weighted=weighted, intercept=intercept, dtype=dtype)
        gram = gram_of(kernel, rows)
        assert gram_ratio(gram, augmented(rows)) < RATIO
        assert np.array_equal(gram, gram.T)

    @pytest.mark.parametrize(("begin", "end"), [(0, 0), (0, 1), (17, 18), (3, 200), (199, 300)])
    def test_reads_its_row_range_only(self, kernel, begin, end):
        rows = sample_rows(300, 3, 1, weighted=True, intercept=True)
        rows.X[:begin] = np.nan
        rows.Y[end:] = np.nan
        gram = gram_of(kernel, rows, begin, end)
        if begin == end:
            assert not gram.any()
        else:
            assert gram_ratio(gram, augmented(rows, begin, end)) < RATIO

    def test_ranges_add_up(self, kernel):
        rows = sample_rows(1000, 5, 2, intercept=True)
        parts = [gram_of(kernel, rows, begin, begin + 250) for begin in range(0, 1000, 250)]
        assert gram_ratio(np.sum(parts, axis=0), augmented(rows)) < RATIO

    def test_small_integers_are_exact(self, kernel):
        rng = np.random.default_rng(0)
        X, Y = rng.integers(-9, 10, (500, 4)), rng.integers(-9, 10, (500, 2))
        rows = plain_rows(X, Y, rng.integers(0, 3, 500) ** 2, intercept=True)
        Z = augmented(rows).astype(np.int64)
        assert np.array_equal(gram_of(kernel, rows), Z.T @ Z)

    def test_weight_zero_is_deletion(self, kernel):
        rows = sample_rows(200, 4, 1, weighted=True, intercept=True)
        rows.weights[::3] = 0.0
        kept = rows.weights > 0.0
        remaining = rows._replace(X=rows.X[kept], Y=rows.Y[kept], weights=rows.weights[kept])
        assert gram_ratio(gram_of(kernel, rows), augmented(remaining)) < RATIO

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("weight", [0.0, 1.0])
    @pytest.mark.parametrize("array", ["X", "Y"])
    @pytest.mark.parametrize("row", [0, 70, 299])
    def test_bad_entry_reaches_the_diagonal(self, kernel, row, array, weight, bad):
        rows = sample_rows(300, 3, 2, weighted=True, intercept=True)
        rows.weights[row] = weight
        getattr(rows, array)[row, -1] = bad
        assert not np.isfinite(np.diag(gram_of(kernel, rows))).all()

    def test_overflow_shows_as_infinity(self, kernel):
        rows = plain_rows(np.full((10, 2), 1e200), np.ones((10, 1)))
        gram = gram_of(kernel, rows)
        assert np.isinf(gram[0, 0])
        assert gram[2, 2] == 10.0


class TestTsqr:
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("intercept", [False, True])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_r_has_the_gram_matrix_of_z(self, kernel, shape, weighted, intercept, dtype):
        rows = sample_rows(*shape, weighted=weighted, intercept=intercept, dtype=dtype)
        Z = augmented(rows)
        R = np.zeros((Z.shape[1], Z.shape[1]))
        kernel.tsqr_pass(*rows, 0, len(Z), R, 1)
        self.check(R, Z)

    def test_goes_on_from_r(self, kernel):
        rows = sample_rows(700, 5, 2, weighted=True, intercept=True)
        R = np.zeros((8, 8))
        for begin, end in [(0, 3), (3, 3), (3, 301), (301, 700)]:
            kernel.tsqr_pass(*rows, begin, end, R, 1)
        self.check(R, augmented(rows))

    @pytest.mark.parametrize("other_rows", [1, 4, 9, 100])
    def test_merge(self, kernel, other_rows):
        rng = np.random.default_rng(other_rows)
        R = np.triu(rng.standard_normal((4, 4)))
        other = rng.standard_normal((other_rows, 4))
        stacked = np.vstack([R, other])
        kernel.merge_r(R, other)
        self.check(R, stacked)

    def test_keeps_digits_that_the_gram_matrix_loses(self, kernel):
        problem = problems.lauchli(4, exponent=30)
        rows = plain_rows(problem.X, problem.y[:, None])
        R = np.zeros((5, 5))
        kernel.tsqr_pass(*rows, 0, 5, R, 1)
        smallest = np.linalg.svd(R[:4, :4], compute_uv=False)[-1]
        assert abs(smallest / 2.0**-30 - 1.0) < RATIO * 4 * EPS * 2.0**30

    @staticmethod
    def check(R, Z):
        assert not np.tril(R, -1).any()
        assert (np.diag(R) >= 0.0).all()
        assert gram_ratio(R.T @ R, Z) < RATIO


class TestPreconditionedGramPass:
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize(("m", "n"), [(5, 1), (64, 4), (777, 9)])
    def test_is_the_gram_matrix_of_b_r_inverse(self, kernel, m, n, weighted, dtype):
        rows = sample_rows(m, n, 1, weighted=weighted, dtype=dtype)
        B = augmented(rows)[:, :n]
        R = np.triu(np.random.default_rng(0).uniform(-1.0, 1.0, (n, n))) + 4.0 * np.eye(n)
        gram = np.empty((n, n))
        kernel.preconditioned_gram_pass(
            rows.X, rows.weights, rows.shift, rows.scale, R, 0, m, gram, 1
        )
        assert gram_ratio(gram, B @ np.linalg.inv(R)) < RATIO
        assert np.array_equal(gram, gram.T)

    def test_own_factor_gives_the_identity(self, kernel):
        problem = problems.random_full_rank(400, 6, condition=1e6)
        R = np.ascontiguousarray(np.linalg.qr(problem.X)[1])
        gram = np.empty((6, 6))
        no_weights, shift, scale = np.empty(0), np.zeros(7), np.ones(7)
        kernel.preconditioned_gram_pass(problem.X, no_weights, shift, scale, R, 0, 400, gram, 1)
        assert np.abs(gram - np.eye(6)).max() < RATIO * 6 * 1e6 * EPS


def residual_of(kernel, rows, coef, coef_low, precision, begin=0, end=None, threads=1):
    normal, normal_low = np.full(coef.shape, 7.0), np.full(coef.shape, 7.0)
    squares = np.full(coef.shape[1], 7.0)
    end = len(rows.X) if end is None else end
    kernel.residual_pass(
        *rows, coef, coef_low, precision, begin, end, normal, normal_low, squares, threads
    )
    return normal, normal_low, squares


def exact_residual(rows, coef, coef_low, begin, end):
    """Normal residual, its sum of magnitudes, and the squares, in rational numbers.

    Only the shifted and scaled entries are rounded, as the kernels round them.
    """
    q, k = coef.shape
    n = rows.X.shape[1]
    normal = [[Fraction(0)] * k for _ in range(q)]
    size = [[Fraction(0)] * k for _ in range(q)]
    squares = [Fraction(0)] * k
    entries = (np.hstack([rows.X.astype(np.float64), rows.Y]) - rows.shift) * rows.scale
    for i in range(begin, end):
        z = [Fraction(v) for v in entries[i]]
        b = [Fraction(1)] * rows.intercept + z[:n]
        w = Fraction(rows.weights[i]) if rows.weights.size else Fraction(1)
        for c in range(k):
            x = [Fraction(coef[j, c]) + Fraction(coef_low[j, c]) for j in range(q)]
            terms = [b_j * x_j for b_j, x_j in zip(b, x, strict=True)]
            r = z[n + c] - sum(terms)
            magnitude = abs(z[n + c]) + sum(abs(t) for t in terms)
            for j in range(q):
                normal[j][c] += w * b[j] * r
                size[j][c] += w * abs(b[j]) * magnitude
            squares[c] += w * r * r
    return normal, size, squares


class TestResidualPass:
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("intercept", [False, True])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize(("m", "n", "k"), [(1, 1, 1), (30, 2, 3), (150, 4, 1)])
    @pytest.mark.parametrize(
        ("precision", "accuracy"), [(0, RATIO * EPS), (1, RATIO * EPS), (2, 1e-30)]
    )
    def test_against_rational_numbers(
        self, kernel, m, n, k, weighted, intercept, dtype, precision, accuracy
    ):
        rows = sample_rows(m, n, k, weighted=weighted, intercept=intercept, dtype=dtype)
        coef = np.random.default_rng(1).standard_normal((n + intercept, k))
        coef_low = 1e-17 * coef[::-1]
        begin, end = m // 7, m - m // 5
        normal, normal_low, squares = residual_of(
            kernel, rows, coef, coef_low, precision, begin, end
        )
        exact, size, exact_squares = exact_residual(rows, coef, coef_low, begin, end)
        for j, c in np.ndindex(coef.shape):
            found = Fraction(normal[j, c]) + Fraction(normal_low[j, c])
            assert abs(found - exact[j][c]) <= accuracy * size[j][c]
        for c in range(k):
            assert squares[c] == pytest.approx(float(exact_squares[c]), rel=1e-13)

    def test_is_consistent_with_the_gram_matrix(self, kernel):
        # B'r = B'y - B'B x, and r'r follows from the same matrix.
        rows = sample_rows(500, 4, 2, weighted=True, intercept=True)
        coef = np.random.default_rng(1).standard_normal((5, 2))
        normal, _, squares = residual_of(kernel, rows, coef, np.zeros((5, 2)), 0)
        gram = gram_of(kernel, rows)
        v = np.vstack([-coef, np.eye(2)])
        size = 500 * (1.0 + np.abs(coef).sum())
        assert np.abs(normal - gram[:5] @ v).max() < RATIO * EPS * size
        assert np.abs(squares - np.diag(v.T @ gram @ v)).max() < RATIO * EPS * size**2

    @pytest.mark.parametrize("precision", [0, 1, 2])
    def test_no_right_hand_side(self, kernel, precision):
        rows = sample_rows(20, 3, 0, weighted=True)
        empty = np.empty((3, 0))
        normal, _, squares = residual_of(kernel, rows, empty, empty, precision)
        assert normal.shape == (3, 0)
        assert squares.shape == (0,)

    @pytest.mark.parametrize("precision", [0, 1, 2])
    def test_no_rows(self, kernel, precision):
        rows = sample_rows(20, 3, 2)
        coef = np.ones((3, 2))
        for result in residual_of(kernel, rows, coef, coef, precision, 5, 5):
            assert not result.any()

    @pytest.mark.parametrize("precision", [1, 2])
    def test_cancelling_sum(self, kernel, precision):
        rows = plain_rows(np.ones((3, 1)), [[1e16], [1.0], [-1e16]])
        normal, normal_low, _ = residual_of(
            kernel, rows, np.zeros((1, 1)), np.zeros((1, 1)), precision
        )
        assert normal[0, 0] + normal_low[0, 0] == 1.0

    @pytest.mark.parametrize("precision", [1, 2])
    def test_sum_below_the_last_digit(self, kernel, precision):
        rows = plain_rows(np.ones((1000, 1)), [[1e16], *[[0.25]] * 999])
        zero = np.zeros((1, 1))
        normal, normal_low, _ = residual_of(kernel, rows, zero, zero, precision)
        assert Fraction(normal[0, 0]) + Fraction(normal_low[0, 0]) == 10**16 + Fraction(999, 4)

    def test_rounding_errors_of_products_are_seen(self, kernel):
        # x * coef rounds to y: only an exact product knows the residual.
        x, coef = 1.0 + 2.0**-30, 1.0 - 2.0**-30
        rows = plain_rows([[x]], [[1.0]])
        normal, _, squares = residual_of(kernel, rows, np.array([[coef]]), np.zeros((1, 1)), 2)
        assert normal[0, 0] == pytest.approx(2.0**-60 * x, rel=1e-15)
        assert squares[0] == 2.0**-120

    def test_low_part_of_the_coefficients(self, kernel):
        rows = plain_rows([[3.0]], [[3.0]])
        low = np.array([[2.0**-70]])
        normal, _, squares = residual_of(kernel, rows, np.ones((1, 1)), low, 2)
        assert normal[0, 0] == -9.0 * 2.0**-70
        assert squares[0] == 9.0 * 2.0**-140

    def test_exact_solution_has_no_normal_residual(self, kernel):
        # The solution of Longley as a pair: B'r vanishes to the accuracy of the pair.
        problem = problems.nist("Longley")
        exact = problems.exact_lstsq(problem.X, problem.y).fractions
        high = np.array([[float(v)] for v in exact])
        low = np.array([[float(v - Fraction(float(v)))] for v in exact])
        rows = plain_rows(problem.X, problem.y[:, None])
        normal, _, squares = residual_of(kernel, rows, high, low, 2)
        size = np.abs(problem.X).T @ (np.abs(problem.X) @ np.abs(high))
        assert (np.abs(normal) <= 1e-30 * size).all()
        assert np.sqrt(squares[0] / 9) == pytest.approx(problem.residual_sd, rel=1e-13)

    @pytest.mark.parametrize("power", [-400, 300, 480])
    def test_large_and_small_magnitudes(self, kernel, power):
        size = 2.0**power
        rows = plain_rows([[3.0 * size], [5.0 * size]], [[1.0], [1.0]])
        coef = np.array([[1.0 / (3.0 * size)]])
        normal, normal_low, _ = residual_of(kernel, rows, coef, np.zeros((1, 1)), 2)
        exact, terms, _ = exact_residual(rows, coef, np.zeros((1, 1)), 0, 2)
        found = Fraction(normal[0, 0]) + Fraction(normal_low[0, 0])
        assert abs(found - exact[0][0]) <= 1e-30 * terms[0][0]


def factored(kernel, A, columns, floor=1e-13, *, keep_order=False):
    """Result of pivoted_qr on a copy: rank, pivots, tolerances, R and the transformed rest."""
    work = np.array(A, dtype=np.float64, order="C")
    pivots, tolerances = np.empty(columns, dtype=np.int64), np.empty(columns)
    floors = np.broadcast_to(np.float64(floor), columns).copy()
    rank = kernel.pivoted_qr(work, columns, floors, keep_order, pivots, tolerances)
    return rank, pivots, tolerances, work[:, :columns], work[:, columns:]


class TestPivotedQr:
    @pytest.mark.parametrize("keep_order", [False, True])
    @pytest.mark.parametrize("shape", [(1, 1, 0), (4, 4, 1), (9, 4, 2), (3, 6, 1), (30, 20, 0)])
    def test_is_a_factorisation(self, kernel, shape, keep_order):
        rows, columns, k = shape
        A = np.random.default_rng(5).standard_normal((rows, columns + k))
        rank, pivots, tolerances, R, rest = factored(kernel, A, columns, keep_order=keep_order)
        assert rank == min(rows, columns)
        assert sorted(pivots) == list(range(columns))
        assert (tolerances[:rank] == 1e-13).all()
        assert not np.tril(R, -1).any()
        assert (np.diag(R) >= 0.0).all()
        # An orthogonal transformation keeps all the inner products.
        whole = np.hstack([R, rest])
        permuted = np.hstack([A[:, pivots], A[:, columns:]])
        assert gram_ratio(whole.T @ whole, permuted) < RATIO
        if keep_order:
            assert list(pivots[:rank]) == list(range(rank))

    def test_diagonal_dominates_what_follows(self, kernel):
        A = np.random.default_rng(6).standard_normal((12, 8)) * 10.0 ** np.arange(8)
        _, _, _, R, _ = factored(kernel, A, 8)
        for j in range(8):
            remaining = np.linalg.norm(R[j:, j:], axis=0)
            assert (remaining <= R[j, j] * (1.0 + RATIO * EPS)).all()

    @pytest.mark.parametrize("keep_order", [False, True])
    @pytest.mark.parametrize("seed", range(5))
    def test_dependent_columns(self, kernel, seed, keep_order):
        problem = problems.dependent_columns(15, 4, 4, rng=seed)
        scale = np.linalg.norm(problem.X, axis=0)
        rank, pivots, _, R, _ = factored(
            kernel, problem.X / scale, 8, floor=1e-12, keep_order=keep_order
        )
        assert rank == problem.rank == 4
        assert np.abs(R[rank:, rank:]).max() < 1e-14
        if keep_order:
            independent = [j for j in range(8) if j not in problem.aliased]
            assert list(pivots[:rank]) == independent

    def test_the_tolerance_remembers_the_largest_floor(self, kernel):
        A = np.diag([4.0, 3.0, 2.0, 1.0])
        rank, pivots, tolerances, _, _ = factored(kernel, A, 4, floor=[0.1, 1.5, 0.2, 0.3])
        assert (rank, list(pivots)) == (3, [0, 1, 2, 3])  # 1.0 <= 1.5, the floor of column 1
        assert list(tolerances) == [0.1, 1.5, 1.5, 1.5]

    def test_a_failed_column_leaves_no_floor_behind(self, kernel):
        A = np.diag([4.0, 3.0, 2.0, 1.0])
        rank, pivots, tolerances, R, _ = factored(
            kernel, A, 4, floor=[0.1, 5.0, 0.2, 0.3], keep_order=True
        )
        assert (rank, list(pivots)) == (3, [0, 2, 3, 1])
        assert list(tolerances) == [0.1, 0.2, 0.3, 5.0]
        assert np.diag(R) == pytest.approx([4.0, 2.0, 1.0, 3.0])

    def test_norm_equal_to_the_floor_fails(self, kernel):
        assert factored(kernel, [[2.0]], 1, floor=2.0)[0] == 0
        assert factored(kernel, [[2.0]], 1, floor=np.nextafter(2.0, 0.0))[0] == 1

    @pytest.mark.parametrize("keep_order", [False, True])
    def test_zero_matrix(self, kernel, keep_order):
        rank, pivots, _, R, rest = factored(
            kernel, np.hstack([np.zeros((4, 3)), np.ones((4, 1))]), 3, keep_order=keep_order
        )
        assert rank == 0
        assert sorted(pivots) == [0, 1, 2]
        assert not R.any()
        assert np.linalg.norm(rest) == pytest.approx(2.0)

    def test_set_aside_columns_are_pivoted_among_themselves(self, kernel):
        A = np.diag([1.0, 2e-8, 1.0, 3e-8])
        rank, pivots, _, R, _ = factored(kernel, A, 4, floor=1e-6, keep_order=True)
        assert rank == 2
        assert list(pivots) == [0, 2, 3, 1]
        assert np.diag(R) == pytest.approx([1.0, 1.0, 3e-8, 2e-8])

    def test_norms_are_right_after_cancellation(self, kernel):
        # Nearly parallel columns: a norm that is only updated, never recomputed, is all noise.
        problem = problems.lauchli(6, exponent=40)
        R = np.linalg.qr(problem.X)[1]
        rank, _, _, factor, _ = factored(kernel, R, 6, floor=1e-14)
        assert rank == 6
        remaining = np.diag(factor)[1:]
        assert (remaining > 0.5 * 2.0**-40).all()
        assert (remaining < 2.0 * 2.0**-40).all()

    def test_kahan_is_of_full_rank_and_keeps_its_order(self, kernel):
        problem = problems.kahan(20)
        rank, pivots, _, _, _ = factored(kernel, problem.X, 20)
        assert rank == 20
        assert list(pivots) == list(range(20))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(data=st.data())
    def test_rank_of_small_integer_matrices(self, kernel, data):
        m, n = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
        entries = st.lists(st.integers(-3, 3), min_size=m * n, max_size=m * n)
        A = np.array(data.draw(entries), dtype=np.float64).reshape(m, n)
        keep_order = data.draw(st.booleans())
        exact = problems.exact_lstsq(A, np.ones(m))
        rank, pivots, _, R, _ = factored(kernel, A, n, floor=1e-12, keep_order=keep_order)
        assert rank == exact.rank
        assert np.abs(R.T @ R - A[:, pivots].T @ A[:, pivots]).max() < 1e-12
        if keep_order:
            assert tuple(pivots[:rank]) == exact.independent


class TestSolveTriangular:
    @pytest.mark.parametrize("lower", [False, True])
    @pytest.mark.parametrize("transpose", [False, True])
    @pytest.mark.parametrize(("n", "k"), [(1, 1), (7, 1), (7, 0), (33, 5), (150, 130)])
    def test_backward_error(self, kernel, n, k, lower, transpose):
        rng = np.random.default_rng(n)
        triangle = np.tril if lower else np.triu
        R = triangle(rng.standard_normal((n, n)))
        R[np.diag_indices(n)] += 3.0 * np.sign(np.diag(R))
        full = np.where(triangle(np.ones((n, n))) > 0, R, np.nan)  # the other triangle is not read
        B = rng.standard_normal((n, k))
        X = B.copy()
        assert kernel.solve_triangular(full, X, lower, transpose, 1) == 0
        T = R.T if transpose else R
        # Oettli and Prager: the smallest componentwise relative change that makes X exact.
        change = np.abs(T @ X - B) / (np.abs(T) @ np.abs(X) + np.abs(B))
        assert change.max(initial=0.0) <= n * EPS

    def test_ill_conditioned(self, kernel):
        R = np.triu(problems.kahan(60).X)
        X = np.ones((60, 1))
        assert kernel.solve_triangular(R, X, False, False, 1) == 0
        change = np.abs(R @ X - 1.0) / (np.abs(R) @ np.abs(X) + 1.0)
        assert change.max() <= 60 * EPS

    @pytest.mark.parametrize("transpose", [False, True])
    @pytest.mark.parametrize("lower", [False, True])
    def test_first_zero_on_the_diagonal(self, kernel, lower, transpose):
        R = np.diag([2.0, 3.0, 0.0, 5.0, 0.0])
        B = np.arange(5.0)[:, None]
        before = B.copy()
        assert kernel.solve_triangular(R, B, lower, transpose, 1) == 3
        assert np.array_equal(B, before)


class TestCholeskyFactor:
    @pytest.mark.parametrize("n", [1, 2, 7, 64, 65, 200])
    def test_backward_error(self, kernel, n):
        rows = sample_rows(n + 5, n, 0)
        A = rows.X.T @ rows.X
        L = np.where(np.tril(np.ones((n, n))) > 0, A, np.nan)  # the upper triangle is not read
        assert kernel.cholesky_factor(L, 1) == 0
        assert not np.triu(L, 1).any()
        assert (np.diag(L) > 0.0).all()
        assert np.linalg.norm(A - L @ L.T) <= 10.0 * n * EPS * np.linalg.norm(A)

    @pytest.mark.parametrize("n", [1, 5, 150])
    def test_failing_minor(self, kernel, n):
        L = np.tril(np.random.default_rng(n).uniform(-1.0, 1.0, (n, n)), -1) + 2.0 * np.eye(n)
        for order in {1, n // 2 + 1, n}:
            signs = np.ones(n)
            signs[order - 1] = -1.0  # the sign of this minor changes
            A = (L * signs) @ L.T
            assert kernel.cholesky_factor(A, 1) == order

    def test_semidefinite_fails(self, kernel):
        assert kernel.cholesky_factor(np.array([[4.0, 2.0], [2.0, 1.0]]), 1) == 2
        assert kernel.cholesky_factor(np.zeros((3, 3)), 1) == 1

    def test_nan_fails(self, kernel):
        A = np.eye(3)
        A[1, 1] = np.nan
        assert kernel.cholesky_factor(A, 1) == 2


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 5), (5, 1), (9, 9), (300, 17), (12, 40)])
class TestQrAndSvd:
    def test_qr_factor(self, kernel, m, n):
        A = np.random.default_rng(m).standard_normal((m, n))
        before = A.copy()
        t = min(m, n)
        Q, R = np.empty((m, t)), np.empty((t, n))
        kernel.qr_factor(A, Q, R, 1)
        assert np.array_equal(A, before)
        assert np.linalg.norm(Q.T @ Q - np.eye(t)) < RATIO * t * EPS
        assert np.linalg.norm(A - Q @ R) < RATIO * t * EPS * np.linalg.norm(A)
        assert not np.tril(R, -1).any()
        assert (np.diag(R) >= 0.0).all()

    def test_svd(self, kernel, m, n):
        A = np.random.default_rng(m).standard_normal((m, n))
        before = A.copy()
        t = min(m, n)
        U, s, V = np.empty((m, t)), np.empty(t), np.empty((n, t))
        kernel.svd(A, U, s, V)
        assert np.array_equal(A, before)
        assert np.linalg.norm(U.T @ U - np.eye(t)) < RATIO * t * EPS
        assert np.linalg.norm(V.T @ V - np.eye(t)) < RATIO * t * EPS
        assert np.linalg.norm(A - (U * s) @ V.T) < RATIO * t * EPS * s[0]
        assert (s >= 0.0).all()
        assert (np.diff(s) <= 0.0).all()


def test_svd_of_a_singular_matrix(kernel):
    A = np.outer([1.0, 2.0, 3.0], [2.0, 0.0, 1.0, 2.0])
    U, s, V = np.empty((3, 3)), np.empty(3), np.empty((4, 3))
    kernel.svd(A, U, s, V)
    assert s[0] == pytest.approx(np.sqrt(14.0) * 3.0, rel=1e-14)
    assert s[1] < RATIO * EPS * s[0]
    assert np.linalg.norm(U.T @ U - np.eye(3)) < RATIO * 3 * EPS


def test_svd_finds_small_singular_values(kernel):
    problem = problems.random_full_rank(40, 6, condition=1e6)
    U, s, V = np.empty((40, 6)), np.empty(6), np.empty((6, 6))
    kernel.svd(problem.X, U, s, V)
    assert np.abs(s - np.geomspace(1.0, 1e-6, 6)).max() < RATIO * EPS


class TestMinNorm:
    @pytest.mark.parametrize(
        ("r", "n", "k"), [(1, 1, 1), (1, 4, 2), (5, 5, 1), (6, 20, 3), (4, 9, 0)]
    )
    def test_is_the_pseudoinverse(self, kernel, r, n, k):
        rng = np.random.default_rng(n)
        A, B, X = rng.standard_normal((r, n)), rng.standard_normal((r, k)), np.empty((n, k))
        before = A.copy(), B.copy()
        kernel.min_norm(A, B, X)
        assert np.array_equal(A, before[0])
        assert np.array_equal(B, before[1])
        expected = np.linalg.pinv(A) @ B
        bound = RATIO * n * EPS * np.linalg.cond(A) ** 2 * np.linalg.norm(expected)
        assert np.linalg.norm(X - expected) <= bound
        size = np.linalg.norm(A) * np.linalg.norm(X) + np.linalg.norm(B)
        assert np.linalg.norm(A @ X - B) <= RATIO * n * EPS * size

    def test_rational_answer(self, kernel):
        problem = problems.wide(4, 9)
        X = np.empty((9, 1))
        kernel.min_norm(problem.X, problem.y[:, None], X)
        assert problems.correct_digits(X[:, 0], problem.coef) > 13.0


def pair_arrays(high, low=0.0):
    return np.array([high]), np.array([low])


def exact_value(pair):
    return Fraction(float(pair[0][0])) + Fraction(float(pair[1][0]))


# Products of them and the errors of these products stay within the range of float64.
moderate = st.floats(1e-100, 1e100) | st.floats(-1e100, -1e-100) | st.just(0.0)


class TestDoubleDouble:
    """The arithmetic under the NumPy residual, against rational numbers."""

    @given(a=moderate, b=moderate)
    def test_error_free_transformations(self, a, b):
        x, y = np.array([a]), np.array([b])
        assert exact_value(dd.two_sum(x, y)) == Fraction(a) + Fraction(b)
        assert exact_value(dd.two_prod(x, y)) == Fraction(a) * Fraction(b)
        assert exact_value(dd.split(x)) == Fraction(a)

    @given(numbers=st.tuples(moderate, moderate), tails=st.tuples(*[st.floats(-0.5, 0.5)] * 2))
    def test_pairs(self, numbers, tails):
        pairs = [pair_arrays(v, t * EPS * v) for v, t in zip(numbers, tails, strict=True)]
        a, b = (exact_value(pair) for pair in pairs)
        assert abs(exact_value(dd.multiply(*pairs)) - a * b) <= abs(a * b) * Fraction(2) ** -101
        # Relative to the sum itself: nothing is lost to cancellation.
        assert abs(exact_value(dd.add(*pairs)) - (a + b)) <= abs(a + b) * Fraction(2) ** -103

    @pytest.mark.parametrize("large", [2.0**1000, 1.7e308, -1.7e308])
    def test_split_does_not_overflow(self, large):
        high, low = dd.split(np.array([large]))
        assert exact_value((high, low)) == Fraction(large)
        assert exact_value(dd.two_prod(np.array([large]), np.array([0.3]))) == (
            Fraction(large) * Fraction(0.3)
        )

    @pytest.mark.parametrize("rows", [0, 1, 2, 3, 7, 64, 101])
    def test_sum_rows(self, rows):
        high = (
            np.random.default_rng(rows).standard_normal((rows, 1))
            * 10.0 ** np.arange(-rows, 0)[:, None]
        )
        total = dd.sum_rows(dd.as_pair(high))
        exact = sum((Fraction(float(v)) for v in high[:, 0]), Fraction(0))
        assert abs(exact_value(total) - exact) <= abs(exact) * Fraction(2) ** -100
