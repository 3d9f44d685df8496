"""The problems with known answers have them, in exact arithmetic."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from minimand.problems import least_squares as problems

DATA = Path(__file__).parent / "data"
MADE = ["NoInt2", "Wampler1", "Wampler2", "Wampler3", "Wampler4", "Wampler5"]
FILES = ["Norris", "NoInt1", "Wampler1", "Wampler2", "Wampler3"]


def load(name):
    return problems.read_nist(DATA / f"{name}.dat") if name in FILES else problems.nist(name)


def standard_errors(problem):
    exact = problems.exact_lstsq(problem.X, problem.y)
    m, n = problem.X.shape
    variance = float(exact.squares / (m - n))
    return np.sqrt([variance * float(v) for v in exact.variances]), np.sqrt(variance)


class TestNist:
    @pytest.mark.parametrize("name", ["Longley", "Filip", *FILES])
    def test_certified_values_are_those_of_the_data(self, name):
        problem = load(name)
        assert problem.name == name
        exact = problems.exact_lstsq(problem.X, problem.y)
        digits = problems.correct_digits(exact.coef, problem.coef)
        assert problem.attainable_digits - 0.1 < digits
        assert exact.rank == problem.rank == problem.X.shape[1]
        errors, residual_sd = standard_errors(problem)
        # Wampler1 and 2 fit exactly; their residuals are compared with y.
        near = {"rel": 10.0 ** (0.5 - digits), "abs": 1e-15 * np.linalg.norm(problem.y)}
        assert residual_sd == pytest.approx(problem.residual_sd, **near)
        assert errors == pytest.approx(problem.standard_error, **near)

    @pytest.mark.parametrize("name", ["Longley", "Filip", *MADE, *FILES])
    def test_condition_of_unit_columns(self, name):
        problem = load(name)
        condition = np.linalg.cond(problem.X / np.linalg.norm(problem.X, axis=0))
        assert condition == pytest.approx(problem.condition, rel=2e-4)

    @pytest.mark.parametrize("name", ["Wampler1", "Wampler2", "Wampler3"])
    def test_made_sets_are_those_of_the_files(self, name):
        made, read = problems.nist(name), load(name)
        for field in dataclasses.fields(read):
            a, b = getattr(made, field.name), getattr(read, field.name)
            if field.name in ("standard_error", "residual_sd"):
                assert a == pytest.approx(b, rel=1e-13)
            else:
                assert np.array_equal(a, b), field.name

    @pytest.mark.parametrize(
        ("name", "factor"), [("Wampler3", 1), ("Wampler4", 100), ("Wampler5", 10000)]
    )
    def test_perturbed_wampler_sets_are_exact(self, name, factor):
        problem, base = problems.nist(name), problems.nist("Wampler3")
        exact = problems.exact_lstsq(problem.X, problem.y)
        assert exact.fractions == (1,) * 6
        assert exact.squares == 83554268 * factor**2
        assert problem.standard_error == pytest.approx(factor * base.standard_error, rel=1e-15)
        unperturbed = problems.nist("Wampler1").y
        assert np.array_equal(problem.y - unperturbed, factor * (base.y - unperturbed))

    def test_noint2(self):
        problem = problems.nist("NoInt2")
        assert problems.exact_lstsq(problem.X, problem.y).fractions == (Fraction(8, 11),)
        # Certified by NIST.
        assert problem.coef == pytest.approx(0.727272727272727, rel=1e-14)
        assert problem.standard_error == pytest.approx(0.420827318078432e-01, rel=1e-14)
        assert problem.residual_sd == pytest.approx(0.369274472937998, rel=1e-14)

    def test_ones_column(self):
        assert (problems.nist("Filip").X[:, 0] == 1.0).all()
        assert problems.nist("Filip").leading_ones
        assert not load("NoInt1").leading_ones

    def test_unknown_name(self):
        with pytest.raises(
            ValueError, match=r"name is 'Longly', expected .* did you mean 'Longley'"
        ):
            problems.nist("Longly")


class TestReadNist:
    """Every kind of damage is found, with its line."""

    @pytest.fixture
    def damaged(self, tmp_path):
        lines = (DATA / "Norris.dat").read_text("ascii").splitlines()

        def write(number, old, new):
            changed = list(lines)
            assert old in changed[number - 1]
            changed[number - 1] = changed[number - 1].replace(old, new)
            path = tmp_path / "Norris.dat"
            path.write_text("\n".join(changed), "utf-8")
            return path

        return write

    def test_line_ends_do_not_matter(self, damaged):
        assert np.array_equal(problems.read_nist(damaged(61, "0.1", "0.1")).y, load("Norris").y)

    @pytest.mark.parametrize(
        ("line", "old", "new", "message"),
        [
            (2, "Dataset Name", "Name", "line 0: no Dataset Name from here on"),
            (6, "61", "60", "line 46: 36 observations cannot fill lines 60 to 96 of 97"),
            (6, "96", "99999", "line 46: 36 observations cannot fill lines 61 to 99999 of 97"),
            (6, "96", "999999999999", "line 2: no lines of the data from here on"),
            (61, "0.2", "nan", "line 61: 'nan' is not a number"),
            (62, "337.4", "337.4  1.0", "line 62: 3 numbers, expected 2"),
            (63, "118.1", "118_1", "line 63: '118_1' is not a number"),
            (70, "777.0", "", "line 70: 1 numbers, expected 2"),
            (97, "", "1.0 2.0", "line 97: text after the data"),
            (61, "0.1", "\u0661", "line 61: not ASCII text"),
        ],
    )
    def test_damage(self, damaged, line, old, new, message):
        with pytest.raises(ValueError, match=f"Norris.dat, {message}"):
            problems.read_nist(damaged(line, old, new))

    def test_wrong_number_of_parameters(self, damaged):
        path = damaged(20, "2 Parameters", "3 Parameters")
        with pytest.raises(ValueError, match="no estimate of B2 from here on"):
            problems.read_nist(path)

    def test_truncated(self, tmp_path):
        path = tmp_path / "Norris.dat"
        content = (DATA / "Norris.dat").read_bytes()
        for length in range(0, len(content) - 20, 97):
            path.write_bytes(content[:length])
            with pytest.raises(ValueError, match=r"^Norris.dat, line \d+: "):
                problems.read_nist(path)

    def test_too_long(self, tmp_path):
        path = tmp_path / "Norris.dat"
        path.write_bytes((DATA / "Norris.dat").read_bytes() + b" " * 2**20)
        with pytest.raises(ValueError, match="more than 1048576 bytes"):
            problems.read_nist(path)

    def test_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            problems.read_nist(tmp_path / "Norris.dat")


GENERATED = [
    problems.random_full_rank(20, 5),
    problems.random_full_rank(6, 6, condition=1e8, rng=1),
    problems.random_full_rank(30, 4, condition=1e11, residual=100.0, rng=2),
    problems.lauchli(1),
    problems.lauchli(5),
    problems.lauchli(3, exponent=44, residual=False),
    problems.hilbert(8),
    problems.hilbert(5, rows=9),
    problems.kahan(12),
    problems.vandermonde(12, 6),
    problems.dependent_columns(12, 3, 1),
    problems.dependent_columns(12, 3, 4, rng=1),
    problems.badly_scaled_columns(15, 4),
    problems.powell_reid(),
    problems.powell_reid(exponent=0),
    problems.stiff_weights(12, 3),
    problems.offset_columns(15, 3),
    problems.wide(3, 7),
    problems.wide(4, 4),
]


@pytest.mark.parametrize("problem", GENERATED, ids=lambda p: f"{p.name} {p.X.shape}")
class TestGenerators:
    def test_solution(self, problem):
        exact = problems.exact_lstsq(problem.X, problem.y, problem.weights)
        assert problems.correct_digits(problem.coef, exact.coef) > 15.3
        assert exact.rank == problem.rank
        aliased = [j for j in range(problem.X.shape[1]) if j not in exact.independent]
        assert list(problem.aliased) == aliased

    def test_condition(self, problem):
        if problem.condition is not None:
            condition = np.linalg.cond(problem.X / np.linalg.norm(problem.X, axis=0))
            assert condition == pytest.approx(problem.condition, rel=1e-15 * condition + 1e-12)

    def test_arrays_are_read_only_and_contiguous(self, problem):
        for array in (problem.X, problem.y, problem.coef):
            assert array.dtype == np.float64
            assert array.flags.c_contiguous
            assert not array.flags.writeable


class TestProperties:
    """What each generator promises beside its solution."""

    def test_random_full_rank(self):
        problem = problems.random_full_rank(50, 6, condition=1e4, residual=3.0, rng=5)
        s = np.linalg.svd(problem.X, compute_uv=False)
        assert s == pytest.approx(np.geomspace(1.0, 1e-4, 6), abs=1e-15)
        squares = problems.exact_lstsq(problem.X, problem.y).squares
        assert float(squares) == pytest.approx(9.0, rel=1e-10)

    def test_seeds(self):
        a, b, c = (problems.random_full_rank(9, 3, rng=seed) for seed in (1, 1, 2))
        assert np.array_equal(a.X, b.X)
        assert not np.array_equal(a.X, c.X)

    def test_lauchli_gram_matrix_is_singular(self):
        X = problems.lauchli(4).X
        assert np.linalg.matrix_rank(X.T @ X) == 1

    def test_hilbert(self):
        X = problems.hilbert(6).X
        assert X / X[0, 0] == pytest.approx(1.0 / (np.arange(6)[:, None] + np.arange(6) + 1.0))

    def test_kahan_hides_its_smallest_singular_value(self):
        X = problems.kahan(40).X
        assert np.linalg.svd(X, compute_uv=False)[-1] < 0.01 * X[-1, -1]

    def test_first_dependent_column_is_a_duplicate(self):
        problem = problems.dependent_columns(12, 3, 2, rng=3)
        j = problem.aliased[0]
        assert any(np.array_equal(problem.X[:, i], problem.X[:, j]) for i in range(j))

    def test_badly_scaled_columns(self):
        norms = np.linalg.norm(problems.badly_scaled_columns(15, 4, decades=24.0).X, axis=0)
        assert 23.0 < np.log10(norms.max() / norms.min()) < 25.0

    def test_stiff_weights(self):
        weights = problems.stiff_weights(12, 3, decades=12.0).weights
        assert 11.5 < np.log10(weights.max() / weights.min()) < 12.5

    def test_offset_columns(self):
        X = problems.offset_columns(50, 3, offset=1e6).X[:, 1:]
        assert X.mean(axis=0) / X.std(axis=0) == pytest.approx(np.full(3, 1e6), rel=1e-4)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: problems.random_full_rank(3, 4), "m is 3, expected at least 4"),
            (lambda: problems.random_full_rank(3, 0), "n is 0, expected a positive integer"),
            (lambda: problems.wide(4, 3), "n is 3, expected at least 4"),
            (lambda: problems.hilbert(30), "n is too large"),
            (lambda: problems.vandermonde(1000, 9), "m is too large"),
            (lambda: problems.lauchli(3, exponent=60), "exponent is 60, expected 0 to 44"),
        ],
    )
    def test_bad_sizes(self, call, message):
        with pytest.raises(ValueError, match=message):
            call()


class TestExactLstsq:
    def test_weights_are_repetitions(self):
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
        counts = np.array([0, 1, 2, 3, 1, 0])
        weighted = problems.exact_lstsq(X, y, counts)
        repeated = problems.exact_lstsq(np.repeat(X, counts, axis=0), np.repeat(y, counts))
        assert weighted.fractions == repeated.fractions
        assert weighted.squares == repeated.squares

    def test_shortest_solution(self):
        exact = problems.exact_lstsq([[1.0, 1.0], [2.0, 2.0]], [1.0, 3.0])
        assert exact.fractions == (Fraction(7, 10), Fraction(7, 10))
        assert exact.squares == Fraction(1, 5)
        assert (exact.rank, exact.independent, exact.variances) == (1, (0,), ())
        assert list(exact.basic) == [1.4, 0.0]

    def test_zero_matrix(self):
        exact = problems.exact_lstsq(np.zeros((2, 3)), [1.0, 2.0])
        assert (exact.rank, exact.fractions, exact.squares) == (0, (0, 0, 0), 5)

    def test_lengths(self):
        with pytest.raises(ValueError, match="X has 2 rows but y has 3 entries"):
            problems.exact_lstsq(np.ones((2, 1)), np.ones(3))


class TestCorrectDigits:
    def test_counts_the_worst_entry(self):
        assert problems.correct_digits([1.0, 2.002], [1.0, 2.0]) == pytest.approx(3.0)

    def test_zero_truth_is_absolute(self):
        assert problems.correct_digits([1e-7], [0.0]) == pytest.approx(7.0)

    def test_bounds(self):
        assert problems.correct_digits([1.0], [1.0]) == pytest.approx(15.95, abs=0.01)
        assert problems.correct_digits([5.0], [1.0]) == 0.0
        assert problems.correct_digits([np.nan, 1.0], [1.0, 1.0]) == 0.0
        assert problems.correct_digits([np.inf], [1.0]) == 0.0

    def test_shapes(self):
        with pytest.raises(
            ValueError, match=r"estimate has shape \(1,\) but truth has shape \(2,\)"
        ):
            problems.correct_digits([1.0], [1.0, 2.0])
