"""The certificates of stochastic gradient descent: valid, tight, and hard to forge."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
from scipy import sparse
from sgd_checks import LOSSES, data, minimum, objective

import minimand
from minimand import CertificateError, Status
from minimand.problems import sgd as problems

X = np.random.default_rng(0).standard_normal((40, 3))
Y = X @ [1.0, -2.0, 0.5]
COUNTS = np.arange(40.0) % 5


@pytest.mark.parametrize("l2", [1e-3, 0.3])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_gap_is_at_least_the_distance_to_the_minimum(loss, l2, seed, backend):
    X, y = data(loss, seed=seed)
    fit = minimand.sgd(X, y, loss=loss, l2=l2, epochs=5, rng=seed, backend=backend)
    fit.verify(X, y)
    assert fit.fun == pytest.approx(objective(loss, X, y, fit.coef, fit.intercept, l2), rel=1e-12)
    assert fit.gap == pytest.approx(fit.fun - fit.dual, abs=1e-12)
    assert fit.fun - minimum(loss, X, y, l2, fit) <= fit.gap + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_gap_of_two_hundred_random_problems(loss):
    """All kinds of steps, penalties, weights and rows; the minimum is sought by L-BFGS."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X, y = data(loss, n=int(rng.integers(6, 60)), d=int(rng.integers(1, 8)), seed=seed)
        if np.unique(y).size < 2:
            continue
        X *= 10.0 ** rng.uniform(-2, 1)
        options = {
            "l2": float(rng.choice([1e-4, 1e-2, 1.0])),
            "batch_size": int(rng.choice([1, 3, 7, 100])),
            "epochs": int(rng.choice([1, 5, 60])),
            "momentum": float(rng.choice([0.0, 0.9])),
        }
        if rng.random() < 0.5 and loss != "absolute":
            options |= {"momentum": 0.0, "variance_reduction": str(rng.choice(["saga", "svrg"]))}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = minimand.sgd(X, y, loss=loss, rng=seed, **options)
        fit.verify(X, y)
        assert fit.fun - minimum(loss, X, y, options["l2"], fit) <= fit.gap + 1e-9 * max(1, fit.fun)


@pytest.mark.parametrize("loss", ["squared", "logistic", "poisson", "softmax"])
@pytest.mark.parametrize("variance_reduction", ["saga", "svrg"])
def test_variance_reduction_closes_the_gap(loss, variance_reduction, backend):
    """And so the lower bound is tight: it meets the objective at the minimum."""
    X, y = data(loss)
    options = {"loss": loss, "l2": 0.5, "variance_reduction": variance_reduction, "rng": 1}
    epochs = 400 if loss != "poisson" else 3000
    fit = minimand.sgd(X, y, batch_size=4, epochs=epochs, tol_gap=1e-10, backend=backend, **options)
    assert fit.status is Status.CONVERGED
    assert fit.gap <= 1e-10 * max(1.0, abs(fit.fun))
    fit.verify(X, y)
    assert fit.distance_bound == pytest.approx(np.sqrt(2 * fit.gap / 0.5))


def test_digits_are_certified_within_50_epochs():
    """Digits 0 against 1, scaled by 16; SAGA row by row."""
    datasets = pytest.importorskip("sklearn.datasets")
    X, y = datasets.load_digits(n_class=2, return_X_y=True)
    options = {"loss": "logistic", "batch_size": 1, "variance_reduction": "saga"}
    fit = minimand.sgd(X / 16.0, y, **options, l2=0.1, epochs=50, tol_gap=1e-8, rng=0)
    assert X.shape == (360, 64)
    assert fit.status is Status.CONVERGED
    assert (fit.predict(X / 16.0) == y).mean() > 0.99


def test_squares_without_penalty_have_their_exact_excess():
    problem = problems.regression(300, 5)
    fit = minimand.sgd(problem.X, problem.y, epochs=3, rng=0)
    assert fit.gap == pytest.approx(fit.fun - problem.fun, rel=1e-6)
    fit.verify(problem.X, problem.y)


@pytest.mark.parametrize("loss", ["logistic", "absolute", "poisson", "softmax"])
def test_without_penalty_there_is_no_bound(loss):
    X, y = data(loss)
    fit = minimand.sgd(X, y, loss=loss, epochs=3, rng=0)
    assert fit.gap == np.inf
    assert fit.dual == -np.inf
    assert not fit.certified
    assert fit.certificates[0].name == "gradient norm"
    assert fit.gradient_norm > 0
    fit.verify(X, y)


def test_constant_columns_and_large_means_do_not_spoil_the_excess():
    problem = problems.regression(200, 3, seed=3)
    X = np.column_stack([problem.X, np.full(200, 7.0)])
    X[:, 1] += 1e3
    best = np.linalg.lstsq(np.column_stack([X, np.ones(200)]), problem.y, rcond=1e-12)
    least = 0.5 * ((np.column_stack([X, np.ones(200)]) @ best[0] - problem.y) ** 2).mean()
    with pytest.warns(minimand.ConditionWarning, match="standardise"):
        fit = minimand.sgd(X, problem.y, epochs=2, rng=0)
    assert fit.gap == pytest.approx(fit.fun - least, rel=1e-6)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_columns_that_hardly_differ_from_a_large_mean_keep_their_excess(form):
    """By exact arithmetic: the problem in centred columns, whose entries are all multiples."""
    rng = np.random.default_rng(1)
    Z, y = rng.integers(-8, 9, (40, 3)).astype(float), rng.standard_normal(40)
    X = 1024.0 + Z / 2.0**13  # no rounding
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = minimand.sgd(form(X), y, epochs=3, rng=0)
    best = np.linalg.lstsq(np.column_stack([Z, np.ones(40)]), y, rcond=None)[0]
    least = 0.5 * ((np.column_stack([Z, np.ones(40)]) @ best - y) ** 2).mean()
    assert fit.gap == pytest.approx(fit.fun - least, rel=1e-8)
    fit.verify(form(X), y)


def test_a_bound_of_nearly_equal_columns_is_not_invented():
    """A direction too flat to be told from none: then the gap is infinite, or right."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(100)
    X = np.column_stack([x, x + 1e-9 * rng.standard_normal(100)])
    y = (X[:, 1] - X[:, 0]) * 1e9
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = minimand.sgd(X, y, epochs=5, rng=0)
    assert fit.gap >= fit.fun * 0.99


# Forgeries


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("coef", lambda value: value + 0.1),
        ("coef", lambda value: value * (1 + 1e-4)),
        (
            "intercept",
            lambda value: value + 0.1 * np.arange(1, np.size(value) + 1).reshape(np.shape(value)),
        ),
        ("fun", lambda value: value - 0.01),
        ("dual", lambda value: value + 0.01),
        ("gap", lambda value: 0.5 * value),
        ("distance_bound", lambda value: 0.5 * value),
        ("l2", lambda value: 2 * value),
    ],
)
@pytest.mark.parametrize("loss", ["squared", "logistic", "absolute", "poisson", "softmax"])
def test_tampering_is_found(loss, field, change):
    y = {"logistic": COUNTS > 1, "softmax": COUNTS % 3, "poisson": COUNTS}.get(loss, Y)
    fit = minimand.sgd(X, y, loss=loss, l2=0.1, epochs=2, rng=0)
    fit.verify(X, y)
    forged = dataclasses.replace(fit, **{field: change(getattr(fit, field))})
    with pytest.raises(CertificateError):
        forged.verify(X, y)


@pytest.mark.parametrize("loss", ["squared", "logistic", "poisson", "softmax"])
def test_a_forged_gradient_is_found(loss):
    y = {"logistic": COUNTS > 1, "softmax": COUNTS % 3, "poisson": COUNTS}.get(loss, Y)
    fit = minimand.sgd(X, y, loss=loss, epochs=2, rng=0)
    with pytest.raises(CertificateError):
        dataclasses.replace(fit, gradient_norm=0.9 * fit.gradient_norm).verify(X, y)


def test_other_data_do_not_verify():
    fit = minimand.sgd(X, Y, rng=0)
    with pytest.raises(CertificateError):
        fit.verify(X, Y + 0.1)
