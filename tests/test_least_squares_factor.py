"""solve_triangular, cholesky, qr, pinv: the certificate first, then the known answer."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from least_squares_checks import EPS, RATIO

import minimand
from minimand import (
    CertificateError,
    NotPositiveDefiniteError,
    SingularMatrixError,
    Status,
    cholesky,
    pinv,
    qr,
    solve_triangular,
)
from minimand.problems import least_squares as problems

SIZES = [1, 2, 3, 7, 64, 65, 150]
SHAPES = [(1, 1), (1, 5), (5, 1), (4, 7), (7, 7), (60, 9), (9, 60), (700, 12)]
EXTREMES = [2.0**-900, 2.0**-500, 1.0, 2.0**500, 2.0**900]


def certified(function, *args, **options):
    result = function(*args, **options)
    assert result.status is Status.CONVERGED
    assert all(certificate.holds for certificate in result.certificates), str(result)
    assert all(certificate.holds for certificate in result.verify(*args))
    return result


def triangle(n, seed=0):
    rng = np.random.default_rng([n, seed])
    return np.triu(rng.uniform(-1, 1, (n, n)), 1) + np.diag(rng.uniform(1, 2, n) * n**0.5)


def definite(n, seed=0):
    R = triangle(n, seed)
    return R.T @ R


def rectangle(m, n, seed=0):
    return np.random.default_rng([m, n, seed]).normal(size=(m, n))


class TestSolveTriangular:
    @pytest.mark.parametrize("k", [None, 1, 5])
    @pytest.mark.parametrize("transpose", [False, True])
    @pytest.mark.parametrize("lower", [False, True])
    @pytest.mark.parametrize("n", SIZES)
    def test_solution(self, n, lower, transpose, k, backend):
        R = triangle(n).T if lower else triangle(n)
        truth = np.arange(1.0, n + 1) if k is None else rectangle(n, k)
        T = R.T if transpose else R
        options = {"lower": lower, "transpose": transpose, "backend": backend}
        result = certified(solve_triangular, R, T @ truth, **options)
        assert result.x.shape == truth.shape
        kappa = np.linalg.cond(R)
        error = np.linalg.norm(result.x - truth) / np.linalg.norm(truth)
        assert error < RATIO * n * EPS * kappa
        assert (result.lower, result.transpose) == (lower, transpose)

    def test_reads_its_triangle_only(self, backend):
        R = triangle(6)
        garbage = R + np.tril(np.full((6, 6), 1e300), -1)
        b = np.arange(6.0)
        one = certified(solve_triangular, garbage, b, backend=backend)
        assert np.array_equal(one.x, certified(solve_triangular, R, b, backend=backend).x)

    def test_exact(self, backend):
        R = np.array([[2.0, 1.0], [0.0, 4.0]])
        result = certified(solve_triangular, R, [4.0, 8.0], backend=backend)
        assert result.x.tolist() == [1.0, 2.0]
        assert result.certificates[0].value == 0.0

    @pytest.mark.parametrize("where", [0, 3, 5])
    @pytest.mark.parametrize("lower", [False, True])
    def test_singular(self, lower, where, backend):
        R = triangle(6)
        R[where, where] = 0.0
        with pytest.raises(SingularMatrixError, match=f"entry {where} "):
            solve_triangular(R.T if lower else R, np.ones(6), lower=lower, backend=backend)

    @pytest.mark.parametrize("size", EXTREMES)
    @pytest.mark.parametrize("b_size", [2.0**-90, 1.0, 2.0**90])
    def test_extreme_numbers(self, size, b_size, backend):
        R, b = triangle(6), np.arange(1.0, 7.0)
        plain = certified(solve_triangular, R, b, backend=backend).x
        result = certified(solve_triangular, size * R, b_size * b, backend=backend)
        assert np.array_equal(result.x, plain * (b_size / size))

    def test_ill_conditioned_is_backward_stable(self, backend):
        R = problems.kahan(90).X
        certified(solve_triangular, R, R.sum(axis=1), backend=backend)


class TestCholesky:
    @pytest.mark.parametrize("n", SIZES)
    def test_factor(self, n, backend):
        A = definite(n)
        L = certified(cholesky, A, backend=backend).L
        assert not np.triu(L, 1).any()
        assert np.all(np.diag(L) > 0)
        assert np.linalg.norm(L @ L.T - A) < RATIO * n * EPS * np.linalg.norm(A)

    def test_exact_integers(self, backend):
        L = np.tril(np.random.default_rng(0).integers(-5, 6, (9, 9)), -1) + np.diag(range(1, 10))
        assert np.array_equal(certified(cholesky, L @ L.T, backend=backend).L, L)

    @pytest.mark.parametrize("minor", [1, 3, 6])
    def test_not_definite(self, minor, backend):
        A = definite(6)
        A[minor - 1, minor - 1] = 0.0
        with pytest.raises(NotPositiveDefiniteError, match=f"minor of order {minor} "):
            cholesky(A, backend=backend)

    @pytest.mark.parametrize("A", [[[0.0]], [[-1.0]], [[1.0, 2.0], [2.0, 1.0]], np.zeros((3, 3))])
    def test_small_ones_that_are_not_definite(self, A, backend):
        with pytest.raises(NotPositiveDefiniteError):
            cholesky(A, backend=backend)

    def test_not_symmetric(self, backend):
        A = definite(6)
        A[4, 1] += 1e-3
        with pytest.raises(ValueError, match=r"entry \((4, 1|1, 4)\)"):
            cholesky(A, backend=backend)
        A = definite(6)
        A[4, 1] *= 1 + 4 * EPS  # rounding is no reason
        certified(cholesky, A, backend=backend)

    @pytest.mark.parametrize("size", EXTREMES)
    def test_extreme_numbers(self, size, backend):
        A = definite(6)
        plain = certified(cholesky, A, backend=backend).L
        result = certified(cholesky, size * A, backend=backend)
        assert np.allclose(result.L, plain * np.sqrt(size), rtol=RATIO * EPS, atol=0.0)


class TestQR:
    @pytest.mark.parametrize("pivoting", [False, True])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_factors(self, shape, pivoting, backend):
        X = rectangle(*shape)
        result = certified(qr, X, pivoting=pivoting, backend=backend)
        Q, R, t = result.Q, result.R, min(shape)
        assert Q.shape == (shape[0], t)
        assert R.shape == (t, shape[1])
        assert not np.tril(R, -1).any()
        assert np.all(np.diag(R) >= 0)
        assert np.linalg.norm(Q.T @ Q - np.eye(t)) < RATIO * t * EPS
        permuted = X[:, result.pivots] if pivoting else X
        assert np.linalg.norm(Q @ R - permuted) < RATIO * t * EPS * np.linalg.norm(X)

    def test_unpacks(self, backend):
        X = rectangle(9, 4)
        Q, R = qr(X, backend=backend)
        assert Q.shape == (9, 4)
        Q, R, pivots = qr(X, pivoting=True, backend=backend)
        assert R.shape == (4, 4)
        assert sorted(pivots) == [0, 1, 2, 3]

    @pytest.mark.parametrize("shape", [(30, 6), (6, 6), (6, 30)])
    def test_pivoted_diagonal_falls(self, shape, backend):
        X = rectangle(*shape) * np.logspace(0, -6, shape[1])[::-1]
        R = certified(qr, X, pivoting=True, backend=backend).R
        diagonal = np.diag(R)
        assert np.all(np.diff(diagonal) <= RATIO * EPS * diagonal[0])
        for j in range(R.shape[0]):  # each pivot is the longest that remains
            remaining = np.linalg.norm(R[j:, j:], axis=0)
            assert np.all(remaining <= diagonal[j] * (1 + RATIO * EPS) + RATIO * EPS * diagonal[0])

    @pytest.mark.parametrize("condition", [1e8, 1e15])
    def test_orthogonal_whatever_the_condition(self, condition, backend):
        X = problems.random_full_rank(50, 6, condition=condition).X
        certified(qr, X, backend=backend)

    def test_rank_deficient(self, backend):
        p = problems.dependent_columns(12, 3, 2, rng=1)
        for pivoting in (False, True):
            R = certified(qr, p.X, pivoting=pivoting, backend=backend).R
        assert np.all(np.abs(R[3:, 3:]) < RATIO * EPS * R[0, 0])

    @pytest.mark.parametrize("shape", [(3, 2), (2, 3), (200, 5)])
    def test_zero(self, shape, backend):
        result = certified(qr, np.zeros(shape), backend=backend)
        assert not result.R.any()

    @pytest.mark.parametrize("size", EXTREMES)
    def test_extreme_numbers(self, size, backend):
        X = rectangle(20, 4)
        plain = certified(qr, X, backend=backend)
        result = certified(qr, size * X, backend=backend)
        assert np.array_equal(result.Q, plain.Q)
        assert np.array_equal(result.R, size * plain.R)


class TestPinv:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_inverse(self, shape, backend):
        X = rectangle(*shape)
        result = certified(pinv, X, backend=backend)
        assert result.rank == min(shape)
        truth = np.linalg.pinv(X)
        kappa = np.linalg.cond(X)
        error = np.linalg.norm(result.pinv - truth)
        assert error < RATIO * min(shape) * EPS * kappa * np.linalg.norm(truth)

    @pytest.mark.parametrize("seed", range(3))
    def test_rank_deficient(self, seed, backend):
        p = problems.dependent_columns(12, 3, 3, rng=seed)
        for X in (p.X, p.X.T.copy()):
            result = certified(pinv, X, backend=backend)
            assert result.rank == 3
            truth = np.linalg.pinv(X, rcond=1e-12)
            error = np.linalg.norm(result.pinv - truth)
            kappa = np.linalg.norm(X, 2) * np.linalg.norm(truth, 2)
            assert error < RATIO * 6 * EPS * kappa * np.linalg.norm(truth)

    def test_solves_least_squares(self, backend):
        p = problems.random_full_rank(30, 4, condition=10.0)
        x = certified(pinv, p.X, backend=backend).pinv @ p.y
        assert np.linalg.norm(x - p.coef) < RATIO * 4 * EPS * 10 * np.linalg.norm(p.coef)

    @pytest.mark.parametrize("shape", [(3, 2), (2, 3)])
    def test_zero(self, shape, backend):
        result = certified(pinv, np.zeros(shape), backend=backend)
        assert result.rank == 0
        assert result.pinv.shape == shape[::-1]
        assert not result.pinv.any()

    @pytest.mark.parametrize("size", EXTREMES)
    def test_extreme_numbers(self, size, backend):
        X = rectangle(20, 4)
        plain = certified(pinv, X, backend=backend)
        result = certified(pinv, size * X, backend=backend)
        assert np.allclose(result.pinv, plain.pinv / size, rtol=1e-12, atol=0.0)

    def test_data_error(self, backend):
        X = rectangle(20, 3)
        X[:, 2] = X[:, 0] + 1e-6 * X[:, 2]
        assert certified(pinv, X, backend=backend).rank == 3
        assert pinv(X, data_error=1e-5, backend=backend).rank == 2

    def test_rank_does_not_depend_on_units(self, backend):
        p = problems.dependent_columns(12, 3, 1, rng=4)
        for factor in (1e12, 1e-12):
            X = np.array(p.X)
            X[:, 0] *= factor
            assert certified(pinv, X, backend=backend).rank == 3


FUNCTIONS = {
    "solve_triangular": lambda: (triangle(5), np.arange(5.0)),
    "cholesky": lambda: (definite(5),),
    "qr": lambda: (rectangle(9, 4),),
    "pinv": lambda: (rectangle(9, 4),),
}
ANSWERS = {"solve_triangular": "x", "cholesky": "L", "qr": "R", "pinv": "pinv"}


@pytest.mark.parametrize("name", FUNCTIONS)
class TestResults:
    def test_arrays_and_pickles(self, name, backend):
        result = certified(getattr(minimand, name), *FUNCTIONS[name](), backend=backend)
        answer = getattr(result, ANSWERS[name])
        assert not answer.flags.writeable
        assert pickle.loads(pickle.dumps(result)) == result
        assert result.backend == backend
        assert "holds" in str(result)
        if name != "qr":
            assert np.array_equal(np.asarray(result), answer)
            assert np.asarray(result, dtype=np.float32).dtype == np.float32

    def test_verify_refuses_other_data(self, name, backend):
        arguments = FUNCTIONS[name]()
        result = certified(getattr(minimand, name), *arguments, backend=backend)
        changed = arguments[0] + 1e-6 * np.eye(*arguments[0].shape)
        with pytest.raises(CertificateError):
            result.verify(changed, *arguments[1:])

    def test_inputs_stay_as_they_are(self, name, backend):
        arguments = FUNCTIONS[name]()
        copies = [argument.copy() for argument in arguments]
        for argument in arguments:
            argument.setflags(write=False)
        certified(getattr(minimand, name), *arguments, backend=backend)
        assert all(np.array_equal(a, b) for a, b in zip(arguments, copies, strict=True))


@given(st.integers(1, 20), st.integers(1, 20), st.integers(-300, 300), st.integers(0, 2**32 - 1))
def test_random_shapes(m, n, power, seed):
    X = np.ldexp(rectangle(m, n, seed), power)
    certified(qr, X)
    certified(qr, X, pivoting=True)
    assert certified(pinv, X).rank == min(m, n)
