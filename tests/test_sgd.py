"""Stochastic gradient descent: known answers, identities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sgd_checks import LOSSES, data

import minimand
from minimand import Schedule, Status
from minimand.problems import sgd as problems

# Known answers


def test_the_line_of_the_lecture(backend):
    problem = problems.line()
    options = {"batch_size": 10, "lr": 0.03, "epochs": 10, "rng": 0, "backend": backend}
    fit = minimand.sgd(problem.X, problem.y, **options)
    assert np.abs(fit.coef - problem.coef).max() < 0.01
    assert abs(fit.intercept - problem.intercept) < 0.01
    assert fit.status is Status.COMPLETED
    assert fit.status.ok


def test_only_a_constant_is_the_mean(backend):
    problem = problems.constant("squared")
    options = {"variance_reduction": "saga", "epochs": 200, "batch_size": 1}
    fit = minimand.sgd(problem.X, problem.y, **options, rng=0, backend=backend)
    assert fit.intercept == pytest.approx(problem.intercept, abs=1e-8)


def test_only_a_constant_is_the_median(backend):
    problem = problems.constant("absolute")
    fit = minimand.sgd(problem.X, problem.y, loss="absolute", rng=0, epochs=40, backend=backend)
    assert fit.averaged or fit.fun < 1.001 * problem.fun
    assert fit.fun <= 1.001 * problem.fun


def test_full_batches_are_gradient_descent():
    problem = problems.regression(80, 3)
    Z = np.column_stack([problem.X, np.ones(80)])
    theta, lr = np.zeros(4), 0.2
    for _ in range(25):
        theta -= lr * Z.T @ (Z @ theta - problem.y) / 80
    options = {"batch_size": 500, "lr": lr, "epochs": 25}
    fit = minimand.sgd(problem.X, problem.y, **options)
    assert fit.batch_size == 80
    assert np.abs(np.append(fit.coef, fit.intercept) - theta).max() < 1e-12


def test_equal_columns_get_equal_coefficients_of_least_norm():
    problem = problems.twins()
    fit = minimand.sgd(problem.X, problem.y, batch_size=1, variance_reduction="saga", epochs=300)
    assert fit.coef[0] == pytest.approx(fit.coef[1], abs=1e-12)
    assert np.abs(np.append(fit.coef - problem.coef, 0.0)).max() < 1e-8
    assert "rank 3 of 4" in fit.notes[0]


def test_noise_added_to_columns_is_a_ridge():
    """The mean of (X + N)'(X + N) is X'X + n s^2 I: augmentation is l2."""
    rng = np.random.default_rng(0)
    X, s, draws = rng.standard_normal((20, 3)), 0.5, 2000
    products = []
    for _ in range(draws):
        noisy = X + s * rng.standard_normal(X.shape)
        products.append(noisy.T @ noisy)
    error = np.mean(products, axis=0) - (X.T @ X + 20 * s**2 * np.eye(3))
    assert (np.abs(error) <= 4 * np.std(products, axis=0) / np.sqrt(draws)).all()


def test_noise_floor_of_constant_steps():
    problem = problems.regression(2000, 10, noise=2.0)
    plain = minimand.sgd(problem.X, problem.y, rng=0)
    falling = Schedule.inverse_time(plain.rate / 2)
    sinking = minimand.sgd(problem.X, problem.y, schedule=falling, rng=0)
    assert plain.fun - problem.fun > 100 * (sinking.fun - problem.fun)
    distance = (
        (np.append(plain.coef - problem.coef, plain.intercept - problem.intercept)) ** 2
    ).sum()
    start = (np.append(problem.coef, problem.intercept) ** 2).sum()
    assert distance <= 3 * (plain.expected_rate**20 * start + plain.noise_floor)


def test_l1_makes_exact_zeros():
    problem = problems.regression(400, 10)
    y = 3.0 * problem.X[:, 0] + 0.1 * problem.y
    fit = minimand.sgd(problem.X, y, l1=0.5, variance_reduction="svrg", epochs=60, rng=0)
    assert (fit.coef[1:] == 0.0).all()
    assert fit.coef[0] > 0
    fit.verify(problem.X, y)


# Identities


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_of_one_are_no_weights(loss):
    X, y = data(loss)
    one = minimand.sgd(X, y, loss=loss, l2=0.1, rng=3)
    weighted = minimand.sgd(X, y, loss=loss, l2=0.1, rng=3, sample_weight=np.ones(60))
    assert np.array_equal(one.coef, weighted.coef)
    assert np.array_equal(one.intercept, weighted.intercept)


@pytest.mark.parametrize("loss", LOSSES)
def test_integer_weights_are_repeated_rows(loss):
    X, y = data(loss)
    weights = np.arange(60) % 3 + 1
    rows = np.repeat(np.arange(60), weights)
    options = {"loss": loss, "l2": 0.1, "batch_size": 1000, "lr": 0.05}
    a = minimand.sgd(X, y, sample_weight=weights, **options)
    b = minimand.sgd(X[rows], y[rows], **options)
    assert np.abs(a.coef - b.coef).max() < 1e-12
    assert a.fun == pytest.approx(b.fun, rel=1e-12)
    assert a.dual == pytest.approx(b.dual, rel=1e-9)
    a.verify(X, y, weights)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", [{}, {"momentum": 0.5}, {"averaging": True}])
def test_sparse_rows_are_dense_rows(loss, kind, backend):
    X, y = data(loss)
    X = np.where(X > 0.3, X, 0.0)
    options = {"loss": loss, "l2": 0.01, "l1": 0.003, "batch_size": 1, "rng": 0, **kind}
    dense = minimand.sgd(X, y, **options, backend=backend)
    for form in (sparse.csr_array, sparse.csc_matrix, sparse.coo_array):
        thin = minimand.sgd(form(X), y, **options, backend=backend)
        assert np.abs(thin.coef - dense.coef).max() < 1e-11
        assert thin.gap == pytest.approx(dense.gap, rel=1e-6, abs=1e-12)
    thin.verify(sparse.csr_array(X), y)
    assert thin.predict(sparse.csr_array(X)) == pytest.approx(dense.predict(X))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", [{}, {"averaging": True}, {"momentum": 0.9, "nesterov": True}])
def test_both_backends_walk_the_same_way(loss, kind):
    X, y = data(loss)
    options = {"loss": loss, "l2": 0.1, "epochs": 3, "rng": 5, **kind}
    cpp, numpy = (minimand.sgd(X, y, **options, backend=b) for b in ("cpp", "numpy"))
    assert np.abs(cpp.coef - numpy.coef).max() <= 1e-12 * np.abs(numpy.coef).max()
    assert cpp.gap == pytest.approx(numpy.gap, rel=1e-9)


def test_threads_and_calls_give_the_same_bits():
    problem = problems.regression(120_000, 6)
    fits = [minimand.sgd(problem.X, problem.y, epochs=2, rng=1, threads=t) for t in (1, 2, 4)]
    for fit in fits[1:]:
        assert np.array_equal(fit.coef, fits[0].coef)
        assert fit.gap == fits[0].gap


def test_more_epochs_begin_with_the_same_steps():
    """The orders depend on the seed and the epoch alone."""
    X, y = data("squared")
    seen = []
    minimand.sgd(X, y, epochs=6, rng=9, callback=lambda now: seen.append(now.coef))
    short = minimand.sgd(X, y, epochs=2, rng=9)
    assert len(seen) == 6
    assert np.array_equal(seen[1], short.coef)
    assert not np.array_equal(short.coef, minimand.sgd(X, y, epochs=2, rng=8).coef)


def test_a_warm_start_goes_on():
    X, y = data("squared")
    options = {"shuffle": False, "lr": 0.01}
    first = minimand.sgd(X, y, epochs=4, **options)
    second = minimand.sgd(X, y, epochs=3, w0=first.coef, b0=first.intercept, **options)
    assert np.array_equal(second.coef, minimand.sgd(X, y, epochs=7, **options).coef)


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1), (False, True)])
def test_labels_of_either_kind(labels):
    X, y = data("logistic")
    options = {"loss": "logistic", "l2": 0.1, "rng": 0}
    fit = minimand.sgd(X, np.where(y > 0, labels[1], labels[0]), **options)
    assert np.array_equal(fit.coef, minimand.sgd(X, y, **options).coef)
    assert fit.classes == (int(labels[0]), 1)
    assert set(fit.predict(X)) <= set(fit.classes)
    assert ((fit.predict_probability(X) > 0.5) == (fit.predict(X) == 1)).all()


def test_two_classes_of_softmax_are_logistic():
    X, y = data("logistic")
    options = {"l2": 0.2, "epochs": 800, "variance_reduction": "saga", "tol_gap": 1e-10}
    two = minimand.sgd(X, y, loss="softmax", **options)
    # softmax shares the slope among two rows, each half as long: the penalty is halved
    one = minimand.sgd(X, y, loss="logistic", **(options | {"l2": 0.1}))
    assert two.fun == pytest.approx(one.fun, abs=1e-9)
    assert two.coef[1] - two.coef[0] == pytest.approx(one.coef, abs=1e-4)
    assert two.predict_probability(X)[:, 1] == pytest.approx(one.predict_probability(X), abs=1e-4)


def test_poisson_predicts_means():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 2))
    y = rng.poisson(np.exp(X @ [0.5, -0.3] + 3.0))
    fit = minimand.sgd(X, y, loss="poisson", l2=1e-3, epochs=40, rng=0)
    assert fit.coef == pytest.approx([0.5, -0.3], abs=0.05)
    assert fit.predict([[0.0, 0.0]])[0] == pytest.approx(np.exp(3.0), rel=0.05)


def test_float32_is_read_as_it_is():
    X, y = data("squared")
    single = X.astype(np.float32)
    fit = minimand.sgd(single, y, rng=0)
    wide = minimand.sgd(single.astype(np.float64), y, rng=0)
    assert np.array_equal(fit.coef, wide.coef)
    fit.verify(single, y)


# Loops


@pytest.mark.parametrize("task", ["add", "dot", "sgd"])
def test_compare_loops_agree(task):
    found = minimand.compare_loops(n=1003, d=7, task=task, repeats=2)
    assert found.difference <= (0.0 if task == "add" else 1e-12)
    assert "times faster" in str(found)
    assert found.python > 0
    assert found.numpy > 0
    assert found.cpp > 0
