"""The linear-regression sets of NIST: certified values to as many digits as the data carry."""

from pathlib import Path

import numpy as np
import pytest
from least_squares_checks import UNIT, certified, coefficients

from minimand import ConditionWarning, ConvergenceWarning, NotPositiveDefiniteError, Status, lstsq
from minimand.problems import least_squares as problems
from minimand.problems.least_squares import correct_digits

DATA = Path(__file__).parent / "data"

# Correct digits: with refine="working", with refine="extended". Filip and Wampler2 carry no more.
DIGITS = {
    "Norris": (12, 13.5),
    "NoInt1": (14, 14),
    "NoInt2": (14, 15),
    "Longley": (10.5, 14),
    "Wampler1": (9.5, 14),
    "Wampler2": (12, 13),
    "Wampler3": (9.5, 14),
    "Wampler4": (8, 14),
    "Wampler5": (6, 14),
    "Filip": (7, 7.5),
}
PERFECT = ("Wampler1", "Wampler2")


def load(name):
    file = DATA / f"{name}.dat"
    return problems.read_nist(file) if file.exists() else problems.nist(name)


def both_designs():
    for name in DIGITS:
        yield pytest.param(name, False, id=name)
        if not name.startswith("NoInt"):
            yield pytest.param(name, True, id=f"{name}-intercept")


def fit(name, intercept, **options):
    problem = load(name)
    X = problem.X[:, 1:] if intercept else problem.X
    warns = ConditionWarning if name == "Filip" else None
    result = certified(X, problem.y, intercept=intercept, warns=warns, **options)
    return problem, result


class TestDigits:
    @pytest.mark.parametrize("refine", ["working", "extended"])
    @pytest.mark.parametrize(("name", "intercept"), list(both_designs()))
    def test_coefficients(self, name, intercept, refine, backend):
        problem, result = fit(name, intercept, refine=refine, backend=backend)
        assert result.rank == problem.rank - intercept
        assert result.aliased == ()
        wanted = DIGITS[name][refine == "extended"]
        assert correct_digits(coefficients(result), problem.coef) >= wanted

    @pytest.mark.parametrize("refine", ["working", "extended"])
    @pytest.mark.parametrize(("name", "intercept"), list(both_designs()))
    def test_backward_error(self, name, intercept, refine, backend):
        problem, result = fit(name, intercept, refine=refine, backend=backend)
        assert result.backward_error <= 10 * problem.X.shape[1] * UNIT
        assert result.digits <= 16

    @pytest.mark.parametrize(("name", "intercept"), list(both_designs()))
    def test_standard_errors(self, name, intercept, backend):
        problem, result = fit(name, intercept, backend=backend)
        m, n = problem.X.shape
        residual_sd = result.residual_norm / np.sqrt(m - n)
        certified_errors = problem.standard_error[int(intercept) :]
        if name in PERFECT:  # certified: 0
            size = np.linalg.norm(problem.y)
            assert residual_sd <= 10 * n * UNIT * size
            # A standard error is residual_sd times the length of a row of R^-1.
            inverse = np.linalg.inv(result.r_factor)
            bound = 10 * n * UNIT * size * np.linalg.norm(inverse, axis=1)
            assert np.all(result.standard_error <= bound)
            return
        # Of these, float64 holds 7.4 digits for Filip; for the rest it depends on the BLAS.
        assert correct_digits([residual_sd], [problem.residual_sd]) >= (
            7 if name == "Filip" else 10
        )
        least = 7 if name == "Filip" else 7.5
        assert correct_digits(result.standard_error, certified_errors) >= least

    @pytest.mark.parametrize(
        ("method", "refine", "digits"),
        [
            ("cholesky", "working", 10.5),
            ("cholesky", "extended", 14),
            ("qr", "none", 10),
            ("qr", "working", 10.5),
            ("qr", "extended", 14),
            ("svd", "none", 10),
            ("svd", "working", 10.5),
            ("svd", "extended", 14),
        ],
    )
    def test_methods_on_longley(self, method, refine, digits, backend):
        problem, result = fit("Longley", False, method=method, refine=refine, backend=backend)
        assert result.method == method
        assert correct_digits(result.coef, problem.coef) >= digits

    @pytest.mark.parametrize("method", ["qr", "svd"])
    @pytest.mark.parametrize("refine", ["none", "working", "extended"])
    def test_methods_on_filip(self, method, refine, backend):
        problem, result = fit("Filip", False, method=method, refine=refine, backend=backend)
        assert result.rank == 11
        assert correct_digits(result.coef, problem.coef) >= 6.5 + (refine == "extended")


class TestCondition:
    @pytest.mark.parametrize("name", DIGITS)
    def test_is_that_of_unit_columns(self, name, backend):
        problem, result = fit(name, False, backend=backend)
        assert result.condition == pytest.approx(problem.condition, rel=1e-3)

    @pytest.mark.parametrize("name", DIGITS)
    def test_data_digits_are_the_attainable_ones(self, name, backend):
        # In norm, and for random rounding: an estimate, never far above what the data carry.
        problem, result = fit(name, False, refine="extended", backend=backend)
        assert result.data_digits <= problem.attainable_digits + 2.5


class TestSquaredCondition:
    """What the bare normal equations lose, and that it does not go unnoticed."""

    def test_longley(self, backend):
        problem = load("Longley")
        with pytest.warns(ConvergenceWarning, match='method="auto"'):
            result = lstsq(problem.X, problem.y, method="cholesky", refine="none", backend=backend)
        assert result.status is Status.NOT_CERTIFIED
        assert not result.status.ok
        assert result.refinement_steps == 0
        held = {certificate.name: certificate.holds for certificate in result.certificates}
        assert not held["backward error"]
        assert correct_digits(result.coef, problem.coef) < 10

    @pytest.mark.parametrize("refine", ["none", "working", "extended"])
    def test_filip_is_refused(self, refine, backend):
        problem = load("Filip")
        with pytest.raises(NotPositiveDefiniteError, match="leading minor of order"):
            lstsq(problem.X, problem.y, method="cholesky", refine=refine, backend=backend)

    def test_auto_climbs(self, backend):
        assert fit("Filip", False, backend=backend)[1].method == "qr"
        assert fit("Norris", False, backend=backend)[1].method == "cholesky"


class TestUnits:
    """A change of units changes neither the rank nor the digits."""

    @pytest.mark.parametrize("factor", [2.0**40, 2.0**-40, 1e12, 1e-12])
    @pytest.mark.parametrize("name", ["Norris", "Longley", "Wampler3", "Filip"])
    def test_of_a_column(self, name, factor, backend):
        problem = load(name)
        X = np.array(problem.X)
        X[:, 1] *= factor
        warns = ConditionWarning if name == "Filip" else None
        result = certified(X, problem.y, warns=warns, backend=backend)
        assert result.rank == problem.rank
        coef = np.array(result.coef)
        coef[1] *= factor
        # Powers of ten round the column, which Filip feels.
        slack = 1.0 if name == "Filip" and factor in (1e12, 1e-12) else 0.0
        assert correct_digits(coef, problem.coef) >= DIGITS[name][0] - slack

    @pytest.mark.parametrize("factor", [2.0**60, -(2.0**-60)])
    def test_of_y(self, factor, backend):
        problem, plain = fit("Longley", False, backend=backend)
        scaled = certified(problem.X, factor * problem.y, backend=backend)
        assert np.array_equal(scaled.coef, factor * plain.coef)
        assert scaled.residual_norm == abs(factor) * plain.residual_norm
