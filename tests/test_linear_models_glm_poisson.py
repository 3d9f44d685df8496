"""Poisson regression: published data, exposure, and what is said of bad counts."""

import csv

import numpy as np
import pytest

import minimand
from minimand.problems.linear_models.glm import table

X = np.array([[0.0], [1.0], [2.0], [3.0]])


def test_ships(data_file, backend):
    with data_file("counts/ships.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if float(row["service"] or 0) > 0]
    periods = ("co_65_69", "co_70_74", "co_75_79", "op_75_79")
    design = np.array(
        [
            [float(row["ship"] == kind) for kind in "2345"] + [float(row[name]) for name in periods]
            for row in rows
        ]
    )
    counts = np.array([float(row["accident"]) for row in rows])
    service = np.array([float(row["service"]) for row in rows])
    assert len(counts) == 34
    fit = minimand.poisson_regression(design, counts, exposure=service, backend=backend)
    expected = [
        -0.54334430119392532, -0.68740164744981940, -0.07596142187713161, 0.32557945622395044,
        0.69714042670050633, 0.81842657720174745, 0.45342663880050012, 0.38446695821207305,
    ]  # fmt: skip
    assert fit.coef == pytest.approx(expected, rel=1e-10)
    assert fit.intercept == pytest.approx(-6.4059015610488472547, rel=1e-10)
    assert fit.deviance == pytest.approx(38.69505153555479670, rel=1e-10)
    assert fit.log_likelihood == pytest.approx(-68.2807714296, rel=1e-10)
    fit.verify(design, counts, exposure=service)


def test_exposure_is_the_unit_of_time(backend):
    problem = table("poisson", [3, 4, 8], [1.0, 2.0, 5.0], repeat=2)
    fit = minimand.poisson_regression(
        problem.X, problem.y, exposure=problem.exposure, backend=backend
    )
    assert fit.coef == pytest.approx(problem.coef, rel=1e-10)
    hours = minimand.poisson_regression(
        problem.X, problem.y, exposure=3600.0 * problem.exposure, backend=backend
    )
    assert hours.coef == pytest.approx(fit.coef, rel=1e-10)
    assert hours.intercept == pytest.approx(fit.intercept - np.log(3600.0), rel=1e-12)
    assert fit.predict(problem.X, problem.exposure) == pytest.approx(problem.y, rel=1e-10)


def test_counts_that_are_no_integers_bring_a_warning(backend):
    with pytest.warns(minimand.MinimandWarning, match="quasi-likelihood"):
        fit = minimand.poisson_regression(X, [0.5, 1.0, 2.0, 1.0], backend=backend)
    assert fit.status is minimand.Status.CONVERGED


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"y": [1, -2, 3, 4]}, "y has -2.0 at entry 1, expected numbers >= 0"),
        ({"exposure": [1, 2, 0, 4]}, "exposure has 0.0 at entry 2, expected numbers > 0"),
        ({"exposure": [1, 2, 3]}, "exposure has 3 entries but X has 4 rows"),
        ({"weights": [0, 0, 0, 0]}, "weights are all zero"),
        ({"ridge": -1.0}, "ridge is -1.0, expected a finite number >= 0"),
    ],
)
def test_bad_arguments(arguments, words, backend):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the words are compared below
        minimand.poisson_regression(**{"X": X, "y": [1, 2, 1, 3], **arguments}, backend=backend)
    assert words in str(caught.value)


def test_large_counts_and_a_bad_start(backend):
    """The first Newton step from a constant overshoots by far."""
    x = np.linspace(0.0, 20.0, 30)
    counts = np.rint(np.exp(x))
    fit = minimand.poisson_regression(x[:, None], counts, backend=backend)
    assert fit.status is minimand.Status.CONVERGED
    assert fit.coef[0] == pytest.approx(1.0, abs=1e-3)
    fit.verify(x[:, None], counts)
