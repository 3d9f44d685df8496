"""What lstsq returns, warns of and refuses."""

import json
import pickle

import numpy as np
import pytest
from least_squares_checks import EPS, RATIO, certified

import minimand
from minimand import (
    CertificateError,
    ConditionWarning,
    LeastSquaresResult,
    NotPositiveDefiniteError,
    lstsq,
)
from minimand.problems import least_squares as problems

ARRAYS = ["coef", "pivots", "standard_error", "r_factor", "dependency"]


def data(m=12, n=3, k=None):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, n)) + 1.0
    return X, rng.normal(size=m if k is None else (m, k))


class TestResult:
    @pytest.fixture(params=[None, 2], ids=["vector", "matrix"])
    def result(self, request, backend) -> LeastSquaresResult:
        return certified(*data(k=request.param), intercept=True, backend=backend)

    def test_pickle(self, result):
        again = pickle.loads(pickle.dumps(result))
        assert again == result
        assert type(again) is LeastSquaresResult
        assert not again.coef.flags.writeable

    def test_to_dict_is_json(self, result):
        found = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        assert found["status"] == "CONVERGED"
        assert found["coef"] == result.coef.tolist()
        assert found["backend"] == result.backend
        assert all(certificate["holds"] for certificate in found["certificates"])

    def test_str_is_brief_and_complete(self, result):
        text = str(result)
        assert text.startswith("LeastSquaresResult")
        assert len(text.splitlines()) < 40
        for words in ("coef", "rank", "backward error", "holds", result.status.value):
            assert words in text
        assert "FAILS" not in text

    def test_arrays_are_read_only(self, result):
        for name in ["coef", "pivots", "standard_error", "r_factor"]:
            with pytest.raises(ValueError, match="read-only"):
                getattr(result, name)[...] = 0

    def test_fields_are_frozen(self, result):
        with pytest.raises(AttributeError):
            result.rank = 7

    def test_predict(self, result):
        X, y = data(k=None if result.coef.ndim == 1 else 2)
        fitted = result.predict(X)
        assert fitted.shape == y.shape
        norms = np.linalg.norm(y - fitted, axis=0)
        assert norms == pytest.approx(result.residual_norm, rel=1e-12)
        assert result.predict(X[:1].tolist())[0] == pytest.approx(fitted[0], rel=1e-12)
        with pytest.raises(ValueError, match=r"X .*3"):
            result.predict(X[:, :2])

    def test_runs_on_the_backend_that_was_asked_for(self, result, backend):
        assert result.backend == backend
        assert result.seconds > 0
        assert result.iterations == result.refinement_steps
        assert all("backward_error" in record for record in result.history)

    def test_r_factor(self, result):
        X, _ = data()
        centred = X - X.mean(axis=0)
        R = result.r_factor
        assert not np.tril(R, -1).any()
        difference = np.linalg.norm(R.T @ R - centred.T @ centred)
        assert difference < RATIO * 3 * EPS * np.linalg.norm(centred) ** 2

    def test_standard_error_is_the_textbooks(self, result):
        X, y = data(k=None if result.coef.ndim == 1 else 2)
        A = np.column_stack([np.ones(12), X])
        variance = np.sum((y - result.predict(X)) ** 2, axis=0) / (12 - 4)
        spread = np.diag(np.linalg.inv(A.T @ A))[1:]
        assert result.standard_error == pytest.approx(np.sqrt(np.multiply.outer(spread, variance)))


def test_inputs_stay_as_they_are(backend):
    X, y = data()
    weights = np.arange(12.0) % 3
    for array in (X, y, weights):
        array.setflags(write=False)
    copies = X.copy(), y.copy(), weights.copy()
    for method in ("auto", "cholesky", "qr", "svd"):
        options = {"method": method, "weights": weights, "intercept": True, "backend": backend}
        certified(X, y, refine="extended", ridge=1.0, **options)
        wide = certified(X[:2], y[:2], method="auto", backend=backend)
        assert wide.rank == 2
    assert all(np.array_equal(a, b) for a, b in zip((X, y, weights), copies, strict=True))


class TestVerify:
    @pytest.mark.parametrize("column", range(3))
    @pytest.mark.parametrize("factor", [1 + 1e-8, 1 - 1e-8])
    def test_refuses_a_perturbed_coefficient(self, column, factor, backend):
        X, y = data()
        result = certified(X, y, backend=backend)
        fields = dict(result._items())
        fields["coef"] = result.coef * np.where(np.arange(3) == column, factor, 1.0)
        with pytest.raises(CertificateError, match="backward error"):
            LeastSquaresResult(**fields).verify(X, y)

    def test_refuses_other_data(self, backend):
        X, y = data()
        result = certified(X, y, backend=backend)
        with pytest.raises(CertificateError):
            result.verify(X, y + 1.0)
        with pytest.raises(CertificateError):
            result.verify(X, y, np.arange(1.0, 13.0))


class TestWarnings:
    def test_condition(self, backend):
        p = problems.nist("Filip")
        with pytest.warns(ConditionWarning, match="condition 5.*e.09.* digits"):
            result = lstsq(p.X, p.y, backend=backend)
        assert result.data_digits < 8

    @pytest.mark.parametrize("options", [{}, {"intercept": True}, {"ridge": 1.0}])
    def test_none_on_good_data(self, options, backend):
        certified(*data(), **options, backend=backend)  # warnings are errors

    def test_point_at_the_caller(self, backend):
        X, y = data()
        with pytest.warns(minimand.RankWarning) as caught:
            lstsq(np.column_stack([X, X]), y, backend=backend)
        assert caught[0].filename == __file__


class TestNotFinite:
    """The position is told, also where the row has weight 0."""

    @pytest.mark.parametrize("method", ["auto", "cholesky", "qr", "svd"])
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("weight", [None, 0.0, 1.0])
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_in_x(self, dtype, weight, bad, method, backend):
        X, y = data(200)
        X[70, 1] = bad
        weights = None
        if weight is not None:
            weights = np.ones(200)
            weights[70] = weight
        with pytest.raises(ValueError, match=r"X has (NaN|-?inf\w*) at row 70, column 1"):
            lstsq(X.astype(dtype), y, weights=weights, method=method, backend=backend)

    @pytest.mark.parametrize("method", ["auto", "cholesky", "qr", "svd"])
    @pytest.mark.parametrize("intercept", [False, True])
    def test_in_y(self, intercept, method, backend):
        X, y = data(200)
        y[70] = np.nan
        weights = np.ones(200)
        weights[70] = 0.0
        with pytest.raises(ValueError, match=r"y has NaN at .*70"):
            lstsq(X, y, weights=weights, method=method, intercept=intercept, backend=backend)

    def test_in_a_later_block(self, backend):
        X, y = data(9000)
        X[8999, 2] = np.inf
        with pytest.raises(ValueError, match="row 8999, column 2"):
            lstsq(X, y, intercept=True, backend=backend)

    @pytest.mark.parametrize("shape", [(2, 5), (1, 2)])
    def test_in_wide_data(self, shape, backend):
        X = np.ones(shape)
        X[-1, -1] = np.nan
        with pytest.raises(ValueError, match=f"row {shape[0] - 1}, column {shape[1] - 1}"):
            lstsq(X, np.ones(shape[0]), backend=backend)

    def test_in_weights(self, backend):
        X, y = data()
        with pytest.raises(ValueError, match="weights"):
            lstsq(X, y, weights=np.where(np.arange(12) == 3, np.nan, 1.0), backend=backend)


class TestRefused:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"weights": np.zeros(12)}, "weights are all zero"),
            ({"weights": -np.ones(12)}, "weights"),
            ({"weights": np.ones(11)}, "weights has 11 entries but X has 12 rows"),
            ({"ridge": -1.0}, "ridge"),
            ({"ridge": np.inf}, "ridge"),
            ({"data_error": -1e-3}, "data_error"),
            ({"method": "lu"}, "method"),
            ({"refine": "twice"}, "refine"),
            ({"rank_deficient": "ignore"}, "rank_deficient"),
            ({"threads": 0}, "threads"),
        ],
    )
    def test_bad_options(self, options, words, backend):
        with pytest.raises(ValueError, match=words):
            lstsq(*data(), **options, backend=backend)

    def test_lengths(self, backend):
        X, y = data()
        with pytest.raises(ValueError, match="y has 11 entries but X has 12 rows"):
            lstsq(X, y[:11], backend=backend)

    @pytest.mark.parametrize("ridge", [0.0, 1e-30])
    def test_cholesky_of_a_singular_matrix(self, ridge, backend):
        X, y = data()
        X = np.column_stack([X, X[:, 0]])
        with pytest.raises(NotPositiveDefiniteError, match=r'leading minor of order 4.*"auto"'):
            lstsq(X, y, method="cholesky", ridge=ridge, backend=backend)

    def test_backend(self):
        with pytest.raises(ValueError, match="backend"):
            lstsq(*data(), backend="fortran")
