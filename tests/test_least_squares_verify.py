"""`verify` passes good answers, and notices what is wrong with bad ones."""

import ast
import dataclasses
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minimand
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate, Status
from minimand.least_squares import verification
from minimand.least_squares.result import LeastSquaresResult
from minimand.least_squares.verification import backward_error, recompute, rows
from minimand.least_squares.verification.pairs import Pair, two_prod, two_sum
from minimand.problems import least_squares as problems

DATA = Path(__file__).parent / "data"
UNIT = 2.0**-53


def claim(X, y, weights=None, *, intercept=False, ridge=0.0, drop=()):
    """A result made by hand: plain NumPy on the scaled, centred matrix, and one correction."""
    X, y = np.asarray(X), np.asarray(y, dtype=float)
    A, Y = X.astype(float), y.reshape(len(y), -1)
    w = np.ones(len(A)) if weights is None else np.asarray(weights, dtype=float)
    A, Y, w = A[w > 0], Y[w > 0], w[w > 0]
    n, k = A.shape[1], Y.shape[1]
    unit_x, unit_y = np.abs(A).max(axis=0), np.abs(Y).max()
    unit_x[unit_x == 0] = 1.0
    A, Y = A / unit_x, Y / (unit_y or 1.0)
    mean_x = w @ A / w.sum() if intercept else np.zeros(n)
    mean_y = w @ Y / w.sum() if intercept else np.zeros(k)
    root = np.sqrt(w)[:, None]
    B = (A - mean_x) * root
    constant = np.ptp(A, axis=0) == 0 if intercept else ~A.any(axis=0)
    B[:, constant] = 0.0
    kept = [j for j in range(n) if j not in drop and not constant[j]]
    length = np.where(constant, 1.0, np.linalg.norm(B, axis=0))
    penalty = np.diag(np.sqrt(ridge) / unit_x)
    top = np.vstack([B, penalty])[:, kept] / length[kept]
    rhs = np.vstack([(Y - mean_y) * root, np.zeros((n, k))])
    z = np.linalg.lstsq(top, rhs, rcond=1e-12)[0]
    z += np.linalg.lstsq(top, rhs - top @ z, rcond=1e-12)[0]
    scaled = np.zeros((n, k))
    scaled[kept] = z / length[kept, None]
    intercepts = (mean_y - mean_x @ scaled) * unit_y
    residual = np.linalg.norm((Y - mean_y) * root - B @ scaled, axis=0) * unit_y
    coef = scaled * (unit_y / unit_x[:, None])
    coef[list(drop)] = np.nan
    # Full rank in these tests, but for the columns left out and for m < n.
    independent = min(len(kept), len(A) - intercept) if not ridge else len(kept)
    order = [*kept, *(j for j in range(n) if j not in kept)]
    R = np.linalg.qr(np.vstack([B, penalty]), mode="r") * unit_x
    single = y.ndim == 1
    result = LeastSquaresResult(
        status=Status.CONVERGED, iterations=0, history=(), seconds=0.0, backend="numpy",
        certificates=(), coef=coef[:, 0] if single else coef,
        intercept=(float(intercepts[0]) if single else intercepts) if intercept else 0.0,
        residual_norm=float(residual[0]) if single else residual, rank=independent,
        aliased=() if len(kept) > independent else tuple(sorted(order[independent:])),
        pivots=np.array(order), rank_margin=(1.0, -np.inf), condition=1.0, backward_error=0.0,
        digits=1.0, data_digits=1.0, standard_error=np.full_like(coef, np.nan),
        refinement_steps=0, method="qr", r_factor=R, ridge=ridge, has_intercept=intercept,
        feature_names=None,
    )  # fmt: skip
    return dataclasses.replace(result, certificates=recompute(result, X, y, weights))


def change(result, **fields):
    return dataclasses.replace(result, **fields)


def values(certificates):
    return {certificate.name: certificate.value for certificate in certificates}


def recompute_anyway(result, X, y, weights=None):
    """The certificates of coefficients that do not fit the other claims."""
    found = assess(result, X, y, weights)
    return verification._certificates(*found)


def assess(result, X, y, weights=None):
    fit = rows.Fit(result)
    data = rows.read(fit, X, y, weights)
    moments = rows.column_moments(data)
    B = backward_error.design(data, moments, fit)
    columns = range(fit.coef.shape[1])
    return [backward_error.assess(data, moments, B, fit, j) for j in columns], B, fit


def regression(m=60, n=4, k=None, *, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(m, n)) + 3.0).astype(dtype)
    y = X.astype(float) @ np.arange(1.0, n + 1) + 5.0 + rng.normal(size=m)
    return X, y if k is None else np.column_stack(
        [y * (j + 1) + rng.normal(size=m) for j in range(k)]
    )


def weights_of(m):
    return np.arange(m) % 4.0  # a quarter of them 0


OPTIONS = [
    {},
    {"intercept": True},
    {"ridge": 2.5},
    {"intercept": True, "ridge": 2.5},
]
SHAPES = [
    (60, 4, None),
    (60, 4, 3),
    (5, 5, None),
    (4, 9, None),
    (4, 9, 2),
    (60, 1, None),
    (1, 1, None),
]


class TestGoodAnswers:
    @pytest.mark.parametrize("options", OPTIONS)
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize(("m", "n", "k"), SHAPES)
    def test_hold(self, m, n, k, dtype, weighted, options):
        X, y = regression(m, n, k, dtype=dtype)
        weights = weights_of(m) + (m < 9) if weighted else None
        result = claim(X, y, weights, **options)
        again = result.verify(X, y, weights)
        assert all(certificate.holds for certificate in again)
        expected = {"backward error", "normal equations"}
        expected |= {"intercept"} if options.get("intercept") else set()
        expected |= {"objective gap"} if options.get("ridge") else set()
        assert values(again).keys() == expected
        assert values(again)["backward error"] < 3 * UNIT

    @pytest.mark.parametrize("options", OPTIONS[:2])
    @pytest.mark.parametrize("scale", [1e300, 1e-300, 1e150, 1e-150])
    def test_extreme_numbers(self, scale, options):
        X, y = regression()
        plain = values(claim(X, y, **options).certificates)
        for X_, y_, w in [(X * scale, y * scale, None), (X, y * scale, None), (X, y, 60 * [scale])]:
            result = claim(X_, y_, w, **options)
            found = values(result.verify(X_, y_, w))
            assert found == pytest.approx(plain, abs=5 * UNIT)

    @pytest.mark.parametrize("options", OPTIONS)
    def test_columns_of_any_unit(self, options):
        X, y = regression()
        units = np.array([1e100, 1.0, 1e-100, 1e-5])
        if options.get("ridge"):
            units = np.array([1e10, 1.0, 1e-10, 1e-5])
        result = claim(X * units, y, **options)
        assert all(certificate.holds for certificate in result.verify(X * units, y))

    @pytest.mark.parametrize("ridge", [0.0, 2.5])
    def test_constant_column(self, ridge):
        X, y = regression()
        X[:, 2] = 7.3
        result = claim(X, y, intercept=True, ridge=ridge)
        assert result.rank == 3
        result.verify(X, y)

    def test_zero_column_without_intercept(self):
        X, y = regression()
        X[:, 1] = 0.0
        claim(X, y).verify(X, y)

    @pytest.mark.parametrize("intercept", [False, True])
    def test_dropped_column_counts_as_zero(self, intercept):
        X, y = regression()
        X[:, 3] = X[:, 0] + X[:, 1]
        result = claim(X, y, intercept=intercept, drop=(3,))
        assert np.isnan(result.coef[3])
        result.verify(X, y)

    def test_dropped_column_that_was_needed(self):
        X, y = regression()
        result = claim(X, y, drop=(3,))
        with pytest.raises(CertificateError, match=r"backward error is .* the bound is"):
            result.verify(X, y)

    def test_dependent_up_to_the_rounding_of_float32(self):
        X, y = regression(dtype=np.float32)
        X[:, 3] = X[:, 0] + X[:, 1]
        good = claim(X, y, drop=(3,))
        stated = [dataclasses.replace(c, bound=4e-5) for c in good.certificates]
        again = change(good, certificates=tuple(stated)).verify(X, y)
        # More than the roundings of float64, and no more than what was cut off.
        assert 1e-15 < again[0].bound < 1e-6

    def test_no_intercept_in_the_data(self):
        X, y = regression()
        X -= X.mean(axis=0)
        claim(X, y - y.mean(), intercept=True).verify(X, y - y.mean())

    def test_offset_data(self):
        X, y = regression()
        result = claim(X + 1e6, y + 1e9, intercept=True)
        assert result.verify(X + 1e6, y + 1e9)[0].bound == pytest.approx(4e1 * UNIT * 1e6, rel=0.5)

    def test_targets_zero(self):
        X, y = regression()
        for options in OPTIONS:
            assert set(values(claim(X, 0 * y, **options).verify(X, 0 * y)).values()) == {0.0}

    def test_perfect_fit(self):
        X, _ = regression()
        X = np.round(64 * X)
        for intercept in (False, True):
            y = X @ [1.0, 2.0, 3.0, 4.0] + 5.0 * intercept
            result = claim(X, y, intercept=intercept)
            again = result.verify(X, y)
            assert "perfect fit" in again[0].meaning
            assert again[0].value < 2 * UNIT

    def test_lists_and_frames(self):
        pandas = pytest.importorskip("pandas")
        X, y = regression()
        result = claim(X, y)
        expected = result.verify(X, y)
        assert result.verify(X.tolist(), y.tolist()) == expected
        assert result.verify(pandas.DataFrame(X), pandas.Series(y)) == expected
        assert result.verify(np.asfortranarray(X), y[::-1][::-1]) == expected


class TestFormula:
    @pytest.mark.parametrize("intercept", [False, True])
    @pytest.mark.parametrize("ridge", [0.0, 2.5])
    def test_karlson_walden(self, intercept, ridge):
        X, y = regression()
        w = weights_of(60)
        good = claim(X, y, w, intercept=intercept, ridge=ridge)
        bad = change(good, coef=good.coef * [1, 1 + 1e-6, 1, 1 - 1e-5])
        found = values(recompute_anyway(bad, X, y, w))

        mean_x, mean_y = (w @ X / w.sum(), w @ y / w.sum()) if intercept else (0.0, 0.0)
        A = np.sqrt(w)[:, None] * (X - mean_x)
        s = np.linalg.norm(A, axis=0)
        B = np.vstack([A / s, np.sqrt(ridge) * np.diag(1 / s)])
        x = bad.coef * s
        r = np.append(np.sqrt(w) * (y - mean_y), np.zeros(4)) - B @ x
        g, omega = B.T @ r, np.linalg.norm(r) / np.linalg.norm(x)
        U = np.linalg.inv(np.linalg.cholesky(B.T @ B + omega**2 * np.eye(4)))
        mu = np.linalg.norm(U @ g) / np.linalg.norm(x)
        size = np.linalg.norm(B)
        assert found["backward error"] == pytest.approx(mu / size, rel=1e-6)
        scale = size * (np.linalg.norm(r) + size * np.linalg.norm(x))
        assert found["normal equations"] == pytest.approx(np.abs(g).max() / scale, rel=1e-6)
        if ridge:
            best = B @ np.linalg.lstsq(B, np.append(np.sqrt(w) * (y - mean_y), np.zeros(4)))[0]
            excess = np.linalg.norm(best - B @ x) ** 2 / np.linalg.norm(r) ** 2
            assert found["objective gap"] == pytest.approx(excess, rel=1e-6)
        if intercept:
            best = mean_y - mean_x @ bad.coef
            below = (np.linalg.norm(r) + 2 * np.linalg.norm(x)) / np.sqrt(w.sum())
            below += abs(good.intercept) + np.abs(mean_x) @ np.abs(bad.coef)
            assert found["intercept"] == pytest.approx(abs(best - good.intercept) / below, rel=1e-6)

    def test_coefficients_zero(self):
        X, y = regression()
        zero = change(claim(X, y), coef=np.zeros(4))
        B = X / np.linalg.norm(X, axis=0)
        expected = np.linalg.norm(B.T @ y) / np.linalg.norm(y) / 2
        found = values(recompute_anyway(zero, X, y))
        assert found["backward error"] == pytest.approx(expected, rel=1e-12)

    def test_worst_of_the_right_hand_sides(self):
        X, y = regression(k=3)
        good = claim(X, y)
        coef = good.coef.copy()
        coef[:, 1] *= 1 + 1e-6
        one = claim(X, y[:, 1])
        alone = values(recompute_anyway(change(one, coef=one.coef * (1 + 1e-6)), X, y[:, 1]))
        assert values(recompute_anyway(change(good, coef=coef), X, y)) == pytest.approx(
            alone, rel=1e-6
        )

    @pytest.mark.parametrize("options", OPTIONS)
    def test_weight_zero_is_deletion_and_weight_two_is_repetition(self, options):
        X, y = regression()
        w = weights_of(60)
        copies = np.repeat(np.arange(60), w.astype(int))
        good = claim(X, y, w, **options)
        bad = change(good, coef=good.coef * (1 + 1e-7))
        repeated = recompute_anyway(bad, X[copies], y[copies])
        assert values(recompute_anyway(bad, X, y, w)) == pytest.approx(values(repeated), rel=1e-6)

    @pytest.mark.parametrize("options", OPTIONS)
    def test_blocks_do_not_matter(self, monkeypatch, options):
        X, y = regression(m=301, k=2)
        w = weights_of(301)
        w[40:140] = 0.0  # blocks without a row
        result = claim(X, y, w, **options)
        bad = change(result, coef=result.coef * (1 + 1e-7))
        whole = values(recompute_anyway(bad, X, y, w))
        monkeypatch.setattr(rows, "BLOCK", 60)
        monkeypatch.setattr(rows, "QR_BLOCK", 60)
        assert values(recompute_anyway(bad, X, y, w)) == pytest.approx(whole, rel=1e-6)
        result.verify(X, y, w)

    def test_residual_norm_is_exact(self):
        # The residual is 1e-8 of what is subtracted: plain sums would keep half of its digits.
        rng = np.random.default_rng(1)
        X = rng.integers(1, 2**26, size=(20, 2)).astype(float)
        X[:, 1] = X[:, 0] + rng.integers(1, 99, size=20)
        coef = np.array([2.0**20, -(2.0**20) + 1])
        y = X @ coef + rng.integers(-9, 10, size=20) / 8
        result = change(claim(X, y), coef=coef)
        (found,), _, _ = assess(result, X, y)
        squares = sum(
            (Fraction(t) - sum(Fraction(a) * Fraction(b) for a, b in zip(row, coef, strict=True)))
            ** 2
            for t, row in zip(y, X, strict=True)
        )
        assert found.residual_norm == pytest.approx(float(squares) ** 0.5, rel=4 * UNIT)


class TestBadAnswers:
    @pytest.mark.parametrize("options", OPTIONS)
    @pytest.mark.parametrize("column", range(4))
    @pytest.mark.parametrize("factor", [1 + 1e-8, 1 - 1e-8])
    def test_a_coefficient_off_by_1e8(self, column, factor, options):
        X, y = regression()
        result = claim(X, y, **options)
        coef = result.coef.copy()
        coef[column] *= factor
        with pytest.raises(CertificateError, match=r"backward error is .*, the bound is"):
            change(result, coef=coef).verify(X, y)

    @pytest.mark.parametrize(
        "name", ["Norris", "NoInt1", "Longley", "Wampler1", "Wampler3", "Filip"]
    )
    @pytest.mark.filterwarnings("ignore::minimand.ConditionWarning")
    def test_nist_off_by_1e8(self, name):
        file = DATA / f"{name}.dat"
        problem = problems.read_nist(file) if file.exists() else problems.nist(name)
        result = minimand.lstsq(problem.X, problem.y)
        for column in range(problem.X.shape[1]):
            coef = result.coef.copy()
            coef[column] *= 1 + 1e-8
            with pytest.raises(CertificateError):
                change(result, coef=coef).verify(problem.X, problem.y)

    def test_one_right_hand_side_of_several(self):
        X, y = regression(k=3)
        result = claim(X, y)
        coef = result.coef.copy()
        coef[2, 1] *= 1 + 1e-8
        with pytest.raises(CertificateError, match="backward error"):
            change(result, coef=coef).verify(X, y)

    def test_intercept(self):
        X, y = regression()
        result = claim(X, y, intercept=True)
        with pytest.raises(CertificateError, match="intercept is"):
            change(result, intercept=result.intercept * (1 + 1e-8)).verify(X, y)
        with pytest.raises(CertificateError, match="expected 0 without an intercept"):
            change(claim(X, y), intercept=1.0).verify(X, y)

    def test_coefficient_of_a_constant_column(self):
        X, y = regression()
        X[:, 2] = 7.3
        result = claim(X, y, intercept=True)
        coef = result.coef.copy()
        coef[2] = 1.0
        moved = change(result, coef=coef, intercept=result.intercept - 7.3)
        with pytest.raises(CertificateError, match="coef of column 2 is not 0"):
            moved.verify(X, y)

    @pytest.mark.parametrize("name", ["backward error", "normal equations", "intercept"])
    @pytest.mark.parametrize("value", [1e-20, 0.0, float("nan"), -1.0])
    def test_understated_certificate(self, name, value):
        # The answer is off by less than the bound, by more than the noise.
        X, y = regression(n=40, m=200)
        good = claim(X, y, intercept=True)
        bad = change(good, coef=good.coef * (1 + 1e-14), intercept=good.intercept * (1 + 2e-14))
        honest = recompute(bad, X, y)
        change(bad, certificates=honest).verify(X, y)
        wrong = [
            dataclasses.replace(c, value=value, resolution=0.0) if c.name == name else c
            for c in honest
        ]
        recomputed = next(c for c in honest if c.name == name)
        if value == -1.0 or recomputed.value <= 10 * abs(value) + recomputed.resolution:
            return
        with pytest.raises(CertificateError, match=f"{name} is .*, recorded was"):
            change(bad, certificates=tuple(wrong)).verify(X, y)

    def test_certificate_left_out_or_made_up(self):
        X, y = regression()
        result = claim(X, y)
        made_up = Certificate("elegance", 0.0, 1.0, "")
        for certificates in (result.certificates[1:], (*result.certificates, made_up), ()):
            with pytest.raises(CertificateError, match="missing on one side"):
                change(result, certificates=certificates).verify(X, y)

    @pytest.mark.parametrize("options", OPTIONS)
    def test_other_data(self, options):
        X, y = regression()
        w = weights_of(60)
        result = claim(X, y, w, **options)
        for array in (X, y, w):
            index = (7, 2)[: array.ndim]
            before = array[index]
            array[index] = before + 1.0
            with pytest.raises(CertificateError):
                result.verify(X, y, w)
            array[index] = before
        X[4], y[4] = 1e3, -1e3  # weight 0
        result.verify(X, y, w)
        with pytest.raises(CertificateError):
            result.verify(X, y)

    def test_not_finite(self):
        X, y = regression()
        result = claim(X, y)
        with pytest.raises(CertificateError):
            change(result, coef=result.coef * np.inf).verify(X, y)
        with pytest.raises(CertificateError, match="NaN for columns that are not aliased"):
            change(result, coef=np.array([np.nan, 1, 1, 1])).verify(X, y)
        with pytest.raises(CertificateError):
            change(result, coef=result.coef * 1e300).verify(X, y * 1e-300)

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"residual_norm": 1.0}, r"residual_norm is [\d.]+, recorded was 1$|recorded was 1;"),
            ({"residual_norm": float("nan")}, "residual_norm"),
            ({"rank": 5}, "rank is 5, but 60 rows and 4 columns have at most 4"),
            ({"rank": 3}, "aliased has 0 columns, expected 1 for rank 3"),
            ({"aliased": (1,)}, "aliased has 1 columns, expected 0 for rank 4"),
            ({"pivots": np.array([0, 1, 1, 3])}, "pivots are not the numbers 0 to 3"),
            ({"r_factor": np.eye(4)}, "r_factor is not that of the data"),
            ({"r_factor": np.eye(3)}, r"r_factor has shape \(3, 3\), expected \(4, 4\)"),
            ({"r_factor": np.full((4, 4), np.nan)}, "r_factor is not that of the data"),
        ],
    )
    def test_false_claims(self, fields, words):
        X, y = regression()
        with pytest.raises(CertificateError, match=words):
            change(claim(X, y), **fields).verify(X, y)

    def test_residual_norm_of_one_right_hand_side(self):
        X, y = regression(k=3)
        result = claim(X, y)
        norms = result.residual_norm * [1.0, 1.0, 1.0 + 1e-6]
        with pytest.raises(CertificateError, match=r"residual_norm\[2\] is"):
            change(result, residual_norm=norms).verify(X, y)

    def test_r_factor_slightly_off(self):
        X, y = regression()
        result = claim(X, y)
        R = result.r_factor.copy()
        R[1, 2] *= 1 + 1e-5
        with pytest.raises(CertificateError, match="r_factor"):
            change(result, r_factor=R).verify(X, y)
        change(result, r_factor=-result.r_factor).verify(X, y)  # signs are free

    def test_rank_too_high(self):
        X, y = regression()
        X[:, 3] = X[:, 0] + X[:, 1]
        result = claim(X, y, drop=(3,))
        coef = np.nan_to_num(result.coef)
        with pytest.raises(CertificateError, match="rank is 4, but the last independent column"):
            change(result, coef=coef, rank=4, aliased=()).verify(X, y)
        with pytest.raises(CertificateError, match="at most 2"):
            change(result, coef=coef, rank=4, aliased=()).verify(X[:2], y[:2])

    def test_rank_of_wide_data(self):
        X, y = regression(4, 9)
        result = claim(X, y)
        assert (result.rank, result.aliased) == (4, ())
        change(result, aliased=(4, 5, 6, 7, 8)).verify(X, y)
        with pytest.raises(CertificateError, match="aliased has 0 columns, expected 6 for rank 3"):
            change(result, rank=3).verify(X, y)
        X[1], y[1] = X[0], y[0]
        with pytest.raises(CertificateError, match="rank is 4, but the last independent"):
            change(result, rank=4).verify(X, y)


class TestShapes:
    def test_do_not_fit(self):
        X, y = regression()
        result = claim(X, y)
        with pytest.raises(ValueError, match="X has 3 columns, expected 4"):
            result.verify(X[:, :3], y)
        with pytest.raises(ValueError, match="y has 59 entries but X has 60 rows"):
            result.verify(X, y[1:])
        with pytest.raises(ValueError, match="weights has 3 entries but X has 60 rows"):
            result.verify(X, y, np.ones(3))
        with pytest.raises(ValueError, match=r"y has shape \(60, 1\), expected \(60,\)"):
            result.verify(X, y[:, None])
        with pytest.raises(ValueError, match=r"y has shape \(60,\), expected \(60, 3\)"):
            claim(*regression(k=3)).verify(X, y)

    def test_bad_data(self):
        X, y = regression()
        result = claim(X, y)
        with pytest.raises(ValueError, match="weights"):
            result.verify(X, y, -np.ones(60))
        with pytest.raises(ValueError, match="weights are all zero"):
            result.verify(X, y, np.zeros(60))
        with pytest.raises(ValueError, match="y has NaN at entry 0"):
            result.verify(X, np.full(60, np.nan))

    def test_fields_of_the_wrong_length(self):
        X, y = regression(k=3)
        with pytest.raises(ValueError, match="residual_norm has 2 entries, expected 3"):
            change(claim(X, y), residual_norm=np.ones(2)).verify(X, y)


class TestMeans:
    def test_memory_does_not_grow_with_the_rows(self, tmp_path):
        m = 300_000
        X = np.memmap(tmp_path / "X", dtype=np.float32, mode="w+", shape=(m, 20))
        rng = np.random.default_rng(0)
        for begin in range(0, m, 10_000):
            X[begin : begin + 10_000] = rng.normal(size=(10_000, 20))
        y = rng.normal(size=m)
        result = minimand.lstsq(X, y, intercept=True)
        tracemalloc.start()
        result.verify(X, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 60e6

    def test_nothing_of_the_solver(self):
        folder = Path(verification.__file__).parent
        trees = [ast.parse(path.read_text()) for path in folder.glob("*.py")]
        nodes = [node for tree in trees for node in ast.walk(tree)]
        imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        imported |= {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
        ours = {name for name in imported if name.startswith("minimand.")}
        allowed = {f"minimand._common.{name}" for name in ("arrays", "errors", "result")}
        allowed.add("minimand.least_squares.result")  # the type alone
        own = "minimand.least_squares.verification."
        assert {name for name in ours if not name.startswith(own)} <= allowed
        assert "scipy" not in " ".join(imported)

    @given(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150))
    def test_two_sum_is_exact(self, a, b):
        high, low = two_sum(np.array([a]), np.array([b]))
        assert Fraction(high[0]) + Fraction(low[0]) == Fraction(a) + Fraction(b)

    number = st.floats(2.0**-300, 2.0**300) | st.floats(-(2.0**300), -(2.0**-300))

    @given(number, number)
    def test_two_prod_is_exact(self, a, b):
        high, low = two_prod(np.array([a]), np.array([b]))
        assert Fraction(high[0]) + Fraction(low[0]) == Fraction(a) * Fraction(b)

    @given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40))
    def test_sums_keep_what_rounding_lost(self, terms):
        column = np.array(terms)[:, None]
        total = Pair(np.zeros(1))
        total.add(column, np.zeros_like(column))
        exact = sum(map(Fraction, terms))
        error = Fraction(total.high[0]) + Fraction(total.low[0]) - exact
        assert abs(error) <= sum(abs(Fraction(t)) for t in terms) * Fraction(2) ** -98


class TestSolver:
    @pytest.mark.parametrize(
        "name", ["Norris", "NoInt1", "Longley", "Wampler1", "Wampler2", "Wampler3", "Filip"]
    )
    @pytest.mark.parametrize("refine", ["working", "extended"])
    @pytest.mark.filterwarnings("ignore::minimand.ConditionWarning")
    def test_nist(self, name, refine, backend):
        file = DATA / f"{name}.dat"
        problem = problems.read_nist(file) if file.exists() else problems.nist(name)
        result = minimand.lstsq(problem.X, problem.y, refine=refine, backend=backend)
        result.verify(problem.X, problem.y)
        if problem.leading_ones:
            slopes = problem.X[:, 1:]
            result = minimand.lstsq(
                slopes, problem.y, intercept=True, refine=refine, backend=backend
            )
            result.verify(slopes, problem.y)

    def test_bare_normal_equations_fail(self):
        problem = problems.nist("Longley")
        with pytest.warns(minimand.ConvergenceWarning):
            bare = minimand.lstsq(problem.X, problem.y, method="cholesky", refine="none")
        with pytest.raises(CertificateError, match="backward error"):
            bare.verify(problem.X, problem.y)
