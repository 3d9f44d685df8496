"""Logistic regression: published data, and what is said of bad outcomes."""

import csv

import numpy as np
import pytest

import minimand

X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
Y = np.array([0, 1, 0, 1, 0, 1])


def test_lizards(data_file, backend):
    with data_file("separation/lizards.csv").open() as file:
        table = list(csv.DictReader(file))
    successes = np.array([float(row["grahami"]) for row in table])
    trials = successes + [float(row["opalinus"]) for row in table]
    levels = [("height", ">=5ft"), ("diameter", ">2in"), ("light", "shady"), ("time", "midday")]
    levels.append(("time", "late"))
    rows = np.array([[row[name] == level for name, level in levels] for row in table], float)
    share = successes / np.where(trials > 0, trials, 1.0)
    fit = minimand.logistic_regression(rows, share, weights=trials, backend=backend)
    expected = [
        1.129991346334067391, -0.762634315732707879, -0.847275534386376842,
        0.227110543498695210, -0.736811675575279820,
    ]  # fmt: skip
    assert fit.status is minimand.Status.CONVERGED
    assert not fit.separated.any()
    assert fit.coef == pytest.approx(expected, rel=1e-10)
    assert fit.intercept == pytest.approx(1.944688211572225928, rel=1e-10)
    assert fit.deviance == pytest.approx(14.20457320188537427, rel=1e-10)
    fit.verify(rows, share, trials)


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        ([-1, 1, -1, 1, -1, 1], ValueError, "y has the values -1 and 1, expected 0 and 1"),
        ([1, 2, 1, 2, 1, 2], ValueError, "y has the values 1 and 2, expected 0 and 1"),
        (
            ["no", "yes"] * 3,
            TypeError,
            "y has the values 'no' and 'yes' (dtype <U3), expected 0 and 1",
        ),
        ([0, 1, 2, 0, 1, 2], ValueError, "y has 2.0 at entry 2, expected numbers from 0 to 1"),
        ([0, 1, 0, 1, 0, -0.5], ValueError, "y has -0.5 at entry 5"),
    ],
)
def test_labels_other_than_0_and_1(labels, error, words, backend):
    with pytest.raises(error) as caught:
        minimand.logistic_regression(X, labels, backend=backend)
    assert words in str(caught.value)


def test_true_and_false_are_outcomes(backend):
    fit = minimand.logistic_regression(X, Y == 1, backend=backend)
    assert fit == fit
    assert np.array_equal(fit.coef, minimand.logistic_regression(X, Y, backend=backend).coef)


def test_probabilities(backend):
    fit = minimand.logistic_regression(X, Y, backend=backend)
    probability = fit.predict_probability(X)
    assert ((probability > 0) & (probability < 1)).all()
    assert probability.sum() == pytest.approx(Y.sum(), rel=1e-10)


def test_nearly_certain_outcomes_bring_a_warning(backend):
    rows = np.array([[-1.0], [0.0], [0.0], [1.0], [40.0]])
    outcomes = [1e-9, 0.4, 0.6, 1 - 1e-9, 1.0]
    with pytest.warns(minimand.ConditionWarning, match="the fit exists"):
        minimand.logistic_regression(rows, outcomes, backend=backend)
