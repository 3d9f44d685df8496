"""Likelihoods without a maximum: which rows, which direction, and the limit."""

import csv
import dataclasses
import warnings

import numpy as np
import pytest

import minimand
from minimand._common.errors import CertificateError
from minimand.linear_models import separation
from minimand.linear_models.glm import LOGISTIC
from minimand.linear_models.likelihood_fit import Options, make_problem, prepare
from minimand.problems.linear_models.glm import table

COMPLETE, QUASI = minimand.Status.SEPARATED_COMPLETELY, minimand.Status.SEPARATED_QUASI


def diagnose(function, *data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", minimand.MinimandWarning)
        fit = getattr(minimand, f"{function}_regression")(*data, **options)
    data_of_rows = {k: v for k, v in options.items() if k in ("weights", "exposure")}
    fit.verify(*data, **data_of_rows)
    return fit


def read(path):
    with path.open() as file:
        table = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in table]) for name in table[0]}


def categories(column):
    return [(column == level).astype(float) for level in np.unique(column)[1:]]


@pytest.mark.parametrize("name", ["01", "02", "03", "04", "06", "09"])
def test_labelled_sets(name, data_file, backend):
    columns = read(data_file(f"separation/poisson_{name}.csv"))
    design = [values for key, values in columns.items() if key.startswith("x")]
    for key, values in columns.items():
        if key.startswith("id"):
            design += categories(values)
    X, y = np.column_stack(design), columns["y"]
    fit = diagnose("poisson", X, y, backend=backend)
    assert np.array_equal(fit.separated, columns["separated"] == 1)
    assert fit.status is (QUASI if fit.separated.any() else minimand.Status.CONVERGED)


def test_endometrial(data_file, backend):
    columns = read(data_file("separation/endometrial.csv"))
    X, y = np.column_stack([columns[name] for name in ("NV", "PI", "EH")]), columns["HG"]
    fit = diagnose("logistic", X, y, backend=backend)
    assert fit.status is QUASI
    assert fit.separated.sum() == 13
    assert fit.coef[0] == np.inf
    limit = [4.304517783057820034, -0.0421834032567899731, -2.902605613777575909]
    assert [fit.intercept, *fit.coef[1:]] == pytest.approx(limit, rel=1e-10)
    assert fit.deviance == pytest.approx(55.39326035718111188, rel=1e-10)


@pytest.mark.parametrize("family", ["logistic", "poisson"])
def test_groups_without_events(family, backend):
    problem = table(family, [3, 0, 4, 0, 2], [9, 5, 7, 3, 6], repeat=3)
    fit = diagnose(family, problem.X, problem.y, **problem.data, backend=backend)
    assert fit.status is QUASI
    assert np.array_equal(fit.separated, problem.separated)
    assert np.array_equal(np.isinf(fit.coef), problem.infinite != 0)
    assert (np.sign(fit.coef)[problem.infinite != 0] == -1).all()
    assert fit.limit_coef == pytest.approx(problem.coef, rel=1e-10)
    assert fit.intercept == pytest.approx(problem.intercept, rel=1e-10)


def test_groups_with_all_or_nothing(backend):
    problem = table("logistic", [3, 5, 4, 0], [9, 5, 7, 3])
    fit = diagnose("logistic", problem.X, problem.y, **problem.data, backend=backend)
    assert fit.status is QUASI
    assert fit.coef[[0, 2]].tolist() == [np.inf, -np.inf]
    eta = fit.linear_predictor(problem.X)
    assert eta[[1, 3]].tolist() == [np.inf, -np.inf]
    assert fit.predict_probability(problem.X) == pytest.approx(problem.y, rel=1e-10)


def test_complete_separation(backend):
    X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]])
    fit = diagnose("logistic", X, [0, 0, 1, 1], backend=backend)
    assert fit.status is COMPLETE
    assert fit.separated.all()
    assert fit.objective == fit.log_likelihood == fit.deviance == 0.0


def test_one_row_between_the_classes(backend):
    """Quasi-complete: both classes have a point on the plane."""
    X = np.array([[0.0], [1.0], [2.0], [2.0], [3.0], [4.0]])
    fit = diagnose("logistic", X, [0, 0, 0, 1, 1, 1], backend=backend)
    assert fit.status is QUASI
    assert fit.separated.tolist() == [True, True, False, False, True, True]
    assert fit.log_likelihood == pytest.approx(-2 * np.log(2), rel=1e-12)


def test_overlap_by_a_hair_is_no_separation(backend):
    X = np.array([[0.0], [1.0], [2.0], [2.0 - 1e-3], [3.0], [4.0]])
    fit = minimand.logistic_regression(X, [0, 0, 0, 1, 1, 1], backend=backend)
    assert fit.status is minimand.Status.CONVERGED
    assert fit.certificates[1].value <= 0.5
    fit.verify(X, [0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize(
    ("function", "y", "sign"),
    [("logistic", 0.0, -1), ("logistic", 1.0, 1), ("poisson", 0.0, -1)],
)
@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_one_class_only(function, y, sign, ridge, backend):
    X, targets = np.arange(8.0).reshape(4, 2) % 5, np.full(4, y)
    fit = diagnose(function, X, targets, ridge=ridge, backend=backend)
    assert fit.status is COMPLETE
    assert fit.separated.all()
    assert fit.intercept == sign * np.inf
    assert fit.coef.tolist() == [0.0, 0.0]
    assert fit.log_likelihood == 0.0


def test_weights_of_separated_rows_do_not_matter(backend):
    problem = table("poisson", [3, 0, 4], [9, 5, 7], repeat=2)
    weights = np.array([1.0, 2.0, 1e6, 0.0, 1.0, 1.0])
    fit = diagnose(
        "poisson", problem.X, problem.y, weights=weights, exposure=problem.exposure, backend=backend
    )
    assert fit.separated.tolist() == [False, False, True, False, False, False]


def test_separation_is_announced(backend):
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    with pytest.warns(minimand.SeparationWarning, match="4 of 4 rows are separated"):
        minimand.logistic_regression(X, [0, 0, 1, 1], backend=backend)


@pytest.mark.parametrize("field", ["direction", "separated", "coef"])
def test_what_was_changed_does_not_verify(field):
    problem = table("poisson", [3, 0, 4], [9, 5, 7], repeat=2)
    fit = diagnose("poisson", problem.X, problem.y, exposure=problem.exposure)
    changed = np.array(getattr(fit, field))
    changed[-1] = changed[-1] + 1 if field != "separated" else True
    with pytest.raises(CertificateError):
        dataclasses.replace(fit, **{field: changed}).verify(
            problem.X, problem.y, exposure=problem.exposure
        )


@pytest.mark.parametrize("seed", range(12))
def test_random_sparse_tables_against_linear_programming(seed, backend):
    """The largest set of separated rows, by one LP for each row with y = 0."""
    from scipy.optimize import linprog

    rng = np.random.default_rng(seed)
    m, n = 40, 6
    X = (rng.random((m, n)) < 0.25).astype(float)
    y = rng.poisson(0.4, m).astype(float)
    y[0] = 1.0
    Z = np.column_stack([X, np.ones(m)])
    zero = y == 0
    expected = np.zeros(m, dtype=bool)
    for i in np.flatnonzero(zero):
        found = linprog(
            Z[i], A_ub=Z[zero], b_ub=np.zeros(zero.sum()), A_eq=Z[~zero],
            b_eq=np.zeros((~zero).sum()), bounds=(-1, 1),
        )  # fmt: skip
        expected[i] = found.fun < -1e-7
    fit = diagnose("poisson", X, y, backend=backend)
    assert np.array_equal(fit.separated, expected)


def test_many_rows_by_linear_programming():
    """More rows than one programme takes: the direction that counts violates none of them."""
    rng = np.random.default_rng(3)
    m = 12_000
    X = np.column_stack([rng.standard_normal(m), rng.random(m) < 0.01])
    y = (rng.random(m) < 0.5).astype(float)
    y[X[:, 1] == 1.0] = 1.0  # the only column that separates
    options = Options(
        family=LOGISTIC, ridge=0.0, tol=1e-12, max_iterations=10, threads=1, backend="cpp"
    )
    design = prepare(X, y, weights=None, intercept=True, options=options)
    problem = make_problem(design, np.empty(0), options)
    d = separation.by_programming(problem)
    assert d is not None
    t = (2.0 * y - 1.0) * problem.products(d)
    assert t.min() >= -1e-12 * t.max()
    assert np.array_equal(t > 1e-7 * t.max(), X[:, 1] == 1.0)
