"""Logistic and Poisson regression: known answers, scaling, weights, ridge, kernels."""

import dataclasses
import warnings

import numpy as np
import pytest

import minimand
from minimand._common.backend import kernels
from minimand._common.errors import CertificateError
from minimand.problems.linear_models.glm import exact_fit, table

EPS = float(np.finfo(np.float64).eps)
RATIO = 30.0  # LAPACK's threshold for residuals in units of the rounding error
FAMILIES = ("logistic", "poisson")
families = pytest.mark.parametrize("family", FAMILIES)


def solve(problem, **options):
    """Fit, without the warnings that the problem is meant to cause."""
    function = getattr(minimand, f"{problem.family}_regression")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", minimand.MinimandWarning)
        return function(problem.X, problem.y, **{**problem.data, **options})


def check(fit, problem, **data):
    fit.verify(problem.X, problem.y, **{**problem.data, **data})
    assert all(certificate.holds for certificate in fit.certificates)


# Known answers


@families
def test_two_groups(family, backend):
    problem = table(family, [3, 5], [10, 7], repeat=3)
    fit = solve(problem, backend=backend)
    assert fit.status is minimand.Status.CONVERGED
    assert fit.unique
    assert fit.coef == pytest.approx(problem.coef, rel=1e-10)
    assert fit.intercept == pytest.approx(problem.intercept, rel=1e-10)
    assert fit.gap <= 1e-12
    assert abs(fit.deviance) < 1e-10  # one parameter for each group
    check(fit, problem)


@families
@pytest.mark.parametrize("scales", [(1.0,), (1e-12, 1.0, 1e12)], ids=str)
def test_exact_fit(family, scales, backend):
    problem = exact_fit(family, 400, 6, scales=scales)
    fit = solve(problem, backend=backend)
    assert fit.status is minimand.Status.CONVERGED
    unit = np.resize(scales, 6)
    # The targets are rounded means: an error of EPS each, times the condition, which is about 4.
    assert fit.coef * unit == pytest.approx(problem.coef * unit, abs=1e-12)
    check(fit, problem)


@families
def test_bits_do_not_depend_on_powers_of_two_in_columns(family, backend):
    problem = exact_fit(family, 300, 4)
    fit = solve(problem, backend=backend)
    unit = np.array([2.0**40, 1.0, 2.0**-33, 4.0])
    other = solve(dataclasses.replace(problem, X=problem.X * unit), backend=backend)
    assert np.array_equal(other.coef * unit, fit.coef)
    assert other.objective == fit.objective


@families
def test_huge_and_tiny_columns(family, backend):
    problem = exact_fit(family, 300, 3, scales=(1e300, 1e-300, 1.0))
    fit = solve(problem, backend=backend)
    assert fit.coef == pytest.approx(problem.coef, rel=1e-10)


@families
def test_far_columns_keep_their_digits(family, backend):
    """Years, say: the mean is 1e5 times the spread."""
    problem = exact_fit(family, 300, 3)
    far = dataclasses.replace(problem, X=problem.X + 1e5)
    fit = solve(far, backend=backend)
    # The rounding of X, 1e5 EPS, is what remains.
    assert fit.coef == pytest.approx(problem.coef, abs=100 * 1e5 * EPS)
    check(fit, far)


# Weights


@families
def test_weight_two_repeats_and_weight_zero_drops(family, backend):
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((60, 3)), rng.integers(0, 2, 60).astype(float)
    weights = rng.integers(0, 3, 60).astype(float)
    function = getattr(minimand, f"{family}_regression")
    X[weights == 0] *= 1e6
    fit = function(X, y, weights=weights, backend=backend)
    rows = np.repeat(np.arange(60), weights.astype(int))
    repeated = function(X[rows], y[rows], backend=backend)
    assert fit.coef == pytest.approx(repeated.coef, rel=1e-10)
    assert fit.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-12)
    assert (fit.dual[weights == 0] == 0).all()
    fit.verify(X, y, weights)


# Many rows: the sampled start


@families
def test_many_rows_from_a_sampled_start(family, backend):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40_000, 3)) * [1.0, 30.0, 0.1]
    eta = X @ [0.5, 0.02, -3.0] + 0.3
    y = (
        (rng.random(40_000) < 1 / (1 + np.exp(-eta))).astype(float)
        if family == "logistic"
        else rng.poisson(np.exp(eta)).astype(float)
    )
    function = getattr(minimand, f"{family}_regression")
    fit = function(X, y, backend=backend)
    assert fit.status is minimand.Status.CONVERGED
    fit.verify(X, y)
    other = function(X[::-1], y[::-1], backend=backend)
    assert fit.coef == pytest.approx(other.coef, abs=1e-6)
    if backend == "cpp":
        for threads in (2, 3):
            again = function(X, y, threads=threads)
            one = function(X, y, threads=1)
            assert np.array_equal(again.coef, one.coef)
            assert np.array_equal(again.dual, one.dual)


@families
def test_a_bad_entry_among_many_rows_is_named(family, backend):
    X = np.random.default_rng(0).standard_normal((50_000, 2))
    y = np.arange(50_000.0) % 2
    for row in (0, 33_333, 49_999):
        bad = X.copy()
        bad[row, 1] = np.nan
        with pytest.raises(ValueError, match=f"X has NaN at row {row}, column 1"):
            getattr(minimand, f"{family}_regression")(bad, y, backend=backend)


def test_many_rows_with_a_dependent_column(backend):
    X = np.random.default_rng(0).integers(-9, 10, (4000, 2)).astype(float)
    X[:, 1] = 2 * X[:, 0] + 1
    with pytest.warns(minimand.RankWarning, match="column 1 depends on others"):
        fit = minimand.logistic_regression(X, np.arange(4000.0) % 2, backend=backend)
    assert fit.aliased == (1,)


# Ridge


@families
def test_ridge_gradient_vanishes_and_intercept_is_free(family, backend):
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((50, 4)) + 1.0, rng.integers(0, 2, 50).astype(float)
    function = getattr(minimand, f"{family}_regression")
    fit = function(X, y, ridge=3.0, backend=backend)
    eta = X @ fit.coef + fit.intercept
    mu = 1 / (1 + np.exp(-eta)) if family == "logistic" else np.exp(eta)
    assert (y - mu) @ X - 3.0 * fit.coef == pytest.approx(0.0, abs=1e-9)
    assert (y - mu).sum() == pytest.approx(0.0, abs=1e-9)
    fit.verify(X, y)


def test_ridge_shares_between_equal_columns(backend):
    x = np.random.default_rng(1).standard_normal(40)
    y = (x + np.sin(np.arange(40)) > 0).astype(float)
    fit = minimand.logistic_regression(np.column_stack([x, x]), y, ridge=1.0, backend=backend)
    assert fit.aliased == ()
    assert fit.coef[0] == pytest.approx(fit.coef[1], rel=1e-9)


def test_ridge_makes_separated_classes_finite(backend):
    X, y = np.arange(6.0)[:, None], np.array([0, 0, 0, 1, 1, 1.0])
    fit = minimand.logistic_regression(X, y, ridge=0.1, backend=backend)
    assert fit.status is minimand.Status.CONVERGED
    fit.verify(X, y)


# Rank


@families
def test_dependent_columns_are_named(family, backend):
    problem = exact_fit(family, 60, 3)
    X = np.column_stack([problem.X, problem.X[:, 0] - problem.X[:, 1], np.full(60, 7.0)])
    function = getattr(minimand, f"{family}_regression")
    y = (problem.y > np.median(problem.y)).astype(float)
    y[:5] = 1 - y[:5]
    with pytest.warns(minimand.RankWarning, match=r"column 3, column 4 depend on others"):
        fit = function(X, y, backend=backend)
    assert fit.aliased == (3, 4)
    assert (fit.coef[3:] == 0).all()
    assert fit.unique is False
    fit.verify(X, y)


def test_fewer_rows_than_columns(backend):
    X = np.random.default_rng(0).standard_normal((4, 7))
    with pytest.warns(minimand.MinimandWarning):
        fit = minimand.logistic_regression(X, [0, 1, 0, 1], backend=backend)
    assert fit.separated.all()  # four points are always separable in seven dimensions
    fit.verify(X, [0, 1, 0, 1])


def test_constant_columns_only(backend):
    with pytest.warns(minimand.RankWarning):
        fit = minimand.logistic_regression(np.ones((4, 2)), [0, 1, 1, 1], backend=backend)
    assert fit.intercept == pytest.approx(np.log(3.0), rel=1e-12)
    assert fit.coef.tolist() == [0.0, 0.0]
    fit.verify(np.ones((4, 2)), [0, 1, 1, 1])


def test_without_intercept(backend):
    X = np.array([[1.0], [1.0], [1.0]])
    fit = minimand.logistic_regression(X, [0, 1, 1], intercept=False, backend=backend)
    assert fit.coef[0] == pytest.approx(np.log(2.0), rel=1e-12)
    assert fit.intercept == 0.0
    fit.verify(X, [0, 1, 1])


# Verification


@families
@pytest.mark.parametrize(
    "field", ["coef", "limit_coef", "dual", "objective", "log_likelihood", "deviance"]
)
def test_what_was_changed_does_not_verify(family, field):
    problem = exact_fit(family, 50, 3)
    fit = solve(problem)
    changed = np.array(getattr(fit, field))
    changed.flat[0] += 1e-3
    value = changed if changed.ndim else float(changed)
    with pytest.raises(CertificateError):
        dataclasses.replace(fit, **{field: value}).verify(problem.X, problem.y, problem.weights)


def test_other_data_do_not_verify():
    problem = exact_fit("logistic", 50, 3)
    fit = solve(problem)
    with pytest.raises(CertificateError):
        fit.verify(problem.X, problem.y)  # without the weights


def test_iteration_limit(backend):
    problem = exact_fit("poisson", 50, 3)
    with pytest.warns(minimand.ConvergenceWarning, match="raise max_iterations"):
        fit = minimand.poisson_regression(
            problem.X, np.rint(problem.y), max_iterations=1, backend=backend
        )
    assert fit.status is minimand.Status.MAX_ITERATIONS


# Kernels


def pass_arguments(m, n, family, *, weighted, offset, intercept, spread=1.0):
    rng = np.random.default_rng([m, n, family])
    y = rng.integers(0, 2, m).astype(float)
    y[::7] = 0.25
    return {
        "X": rng.standard_normal((m, n)),
        "y": y,
        "weights": rng.uniform(0.5, 2.0, m) if weighted else np.empty(0),
        "offset": rng.standard_normal(m) if offset else np.empty(0),
        "theta": spread * rng.standard_normal(n + intercept),
        "shift": rng.standard_normal(n),
        "scale": 2.0 ** rng.integers(-2, 3, n),
        "intercept": intercept,
        "family": family,
        "threads": 1,
    }


def on_both(name, arguments, outputs):
    results = []
    for backend in ("cpp", "numpy"):
        own = {key: np.full_like(arguments[key], 7.0) for key in outputs}
        getattr(kernels("linear_models", backend), name)(**{**arguments, **own})
        results.append([own[key] for key in outputs])
    return results


VARIANTS = [(False, False, False), (True, False, True), (False, True, True), (True, True, False)]
variants = pytest.mark.parametrize("variant", VARIANTS, ids=str)
shapes = pytest.mark.parametrize(
    "shape", [(1, 1), (9, 3), (300, 7), (5000, 20), (2500, 65)], ids=str
)


@families
@variants
@shapes
def test_glm_pass(family, variant, shape):
    m, n = shape
    weighted, offset, intercept = variant
    arguments = pass_arguments(
        m, n, FAMILIES.index(family), weighted=weighted, offset=offset, intercept=intercept
    )
    arguments["theta"] /= 4.0 * n
    p = n + intercept
    for begin, end in ((0, m), (m // 3, m - m // 7)):
        for width in (0, p):
            full = {
                **arguments, "begin": begin, "end": end, "gradient": np.empty(p),
                "gram": np.empty((width, width)), "sums": np.empty(3),
            }  # fmt: skip
            cpp, reference = on_both("glm_pass", full, ["gradient", "gram", "sums"])
            # Sizes of what is added up; eta has an error of some EPS times its own terms.
            Z = (arguments["X"][begin:end] - arguments["shift"]) * arguments["scale"]
            Z = np.hstack([Z, np.ones((len(Z), int(intercept)))])
            largest = np.abs(Z).sum(axis=1).max() + 10.0
            mean = 2.0 * len(Z) * (1.0 if family == "logistic" else np.exp(reference[2][2]))
            size = RATIO * EPS * mean * np.abs(Z).max() ** 2 * largest
            for found, expected in zip(cpp, reference, strict=True):
                with np.errstate(invalid="ignore"):  # inf - inf
                    near = np.abs(found - expected) <= size
                assert (near | (found == expected)).all()


@families
@variants
@shapes
def test_glm_direction_pass(family, variant, shape):
    m, n = shape
    weighted, offset, intercept = variant
    arguments = pass_arguments(
        m, n, FAMILIES.index(family), weighted=weighted, offset=offset, intercept=intercept
    )
    arguments["theta"] /= 4.0 * n
    p = n + intercept
    for length in (1e-6, 1e-2):
        direction = length * np.random.default_rng(1).standard_normal(p) / n
        full = {
            **arguments, "direction": direction, "begin": 0, "end": m, "residual": np.empty(p),
            "sizes": np.empty(p), "dual": np.empty(m), "sums": np.empty(2),
        }  # fmt: skip
        names = ["residual", "sizes", "dual", "sums"]
        cpp, reference = on_both("glm_direction_pass", full, names)
        Z = (arguments["X"] - arguments["shift"]) * arguments["scale"]
        largest = np.abs(Z).sum(axis=1).max() + 10.0
        peak = np.exp(4.0) if family == "poisson" else 1.0
        size = RATIO * EPS * 2.0 * m * peak * max(1.0, np.abs(Z).max()) * largest
        for found, expected in zip(cpp, reference, strict=True):
            assert (np.abs(found - expected) <= size).all()


@families
def test_functions_of_a_row_are_accurate(family):
    """One row, one column of 1: theta is eta. Up to 745 the loss is known to some EPS."""
    for eta in [0.0, 1e-300, 1e-9, -1e-4, 0.3, -2.0, 17.0, -36.7, 37.0, -100.0, 600.0, -700.0]:
        arguments = {
            "X": np.ones((1, 1)), "y": np.zeros(1), "weights": np.empty(0), "offset": np.empty(0),
            "theta": np.array([eta]), "shift": np.zeros(1), "scale": np.ones(1),
            "intercept": False, "family": FAMILIES.index(family), "begin": 0, "end": 1,
            "gradient": np.empty(1), "gram": np.empty((1, 1)), "sums": np.empty(3), "threads": 1,
        }  # fmt: skip
        kernels("linear_models", "cpp").glm_pass(**arguments)
        e = np.exp(-abs(eta))
        if family == "logistic":
            loss, mu = max(eta, 0.0) + np.log1p(e), (1.0 if eta > 0 else e) / (1.0 + e)
            variance = e / (1.0 + e) ** 2
        else:
            loss = mu = variance = np.exp(eta)
        found = [arguments["sums"][0], -arguments["gradient"][0], arguments["gram"][0, 0]]
        assert found == pytest.approx([loss, mu, variance], rel=8 * EPS)
