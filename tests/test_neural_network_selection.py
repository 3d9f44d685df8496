"""Model selection: splits, searches, evaluation, and bias plus variance."""

from __future__ import annotations

import dataclasses
import os
import pickle
import signal
import sys
import threading

import numpy as np
import pytest
import scipy.stats
from neural_network_nets import BACKENDS

from minimand import CertificateError, nn
from minimand._common.errors import ConvergenceWarning
from minimand._common.result import Status
from minimand.neural_network.evaluation import clopper_pearson, objective_of
from minimand.problems.neural_network import gaussian_classes


def build(hidden=4, dtype="float64"):
    module = nn.Sequential(nn.Linear(3, hidden), nn.Tanh(), nn.Linear(hidden, 3))
    return nn.Network(module, nn.CrossEntropy(), 3, dtype)


@pytest.fixture(scope="module")
def data():
    return gaussian_classes(120, 3, 3, distance=2.0)


GRID = {"hidden": [2, 5], "l2": [0.0, 0.1]}
FEW = {"epochs": 4, "batch_size": 16, "rng": 0}


def bits(result):
    return [a.tobytes() for t in result.trials for a in t.parameters], [
        t.loss for t in result.trials
    ]


# The three-way split


@pytest.mark.parametrize("n", [3, 4, 5, 10, 97])
@pytest.mark.parametrize("shares", [(0.2, 0.2), (0.01, 0.01), (0.45, 0.5), (0.9, 0.05)])
def test_split_has_every_row_once(n, shares):
    y = np.arange(n) % 2
    split = nn.three_way_split(np.arange(n), y, validation=shares[0], test=shares[1], rng=n)
    rows = np.concatenate(split.rows)
    np.testing.assert_array_equal(np.sort(rows), np.arange(n))
    assert all(len(part) for part in split.rows)
    for (X, labels), own in zip(
        (split.training, split.validation, split.test), split.rows, strict=True
    ):
        np.testing.assert_array_equal(X, own)
        np.testing.assert_array_equal(labels, y[own])


def test_split_shares_out_each_class():
    y = np.repeat([0, 1, 2], [50, 100, 20])
    split = nn.three_way_split(y, y, rng=0)
    for label, size in enumerate((50, 100, 20)):
        counts = [(y[rows] == label).sum() for rows in split.rows]
        assert np.abs(np.array(counts) - size * np.array([0.6, 0.2, 0.2])).max() <= 2


def test_split_depends_on_the_seed_alone():
    X, y = np.arange(50), np.arange(50.0)
    first, again, other = (nn.three_way_split(X, y, rng=s).rows for s in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not (first[2] == other[2]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation": 0.5, "test": 0.5}, "expected a sum below 1"),
        ({"test": 0.0}, "test is 0.0"),
        ({"y": np.zeros(9)}, "y has 9 rows but X has 10 rows"),
        ({"X": np.zeros(2), "y": np.zeros(2)}, "X has 2 rows, expected at least 3"),
        ({"X": 1.0}, r"X has shape \(\)"),
        ({"y": np.zeros((10, 2)), "stratify": True}, r"y has shape \(10, 2\), expected labels"),
    ],
)
def test_split_checks_its_arguments(changes, message):
    arguments = {"X": np.zeros((10, 2)), "y": np.zeros(10)} | changes
    X, y = arguments.pop("X"), arguments.pop("y")
    with pytest.raises(ValueError, match=message):
        nn.three_way_split(X, y, **arguments)


# Evaluation


@pytest.mark.parametrize(("right", "n"), [(0, 5), (5, 5), (3, 7), (97, 100)])
def test_limits_are_those_of_the_definition(right, n):
    low, high = clopper_pearson(right, n, 0.9)
    if right > 0:
        assert scipy.stats.binom.sf(right - 1, n, low) == pytest.approx(0.05, rel=1e-9)
    if right < n:
        assert scipy.stats.binom.cdf(right, n, high) == pytest.approx(0.05, rel=1e-9)
    known = scipy.stats.binomtest(right, n).proportion_ci(0.9, method="exact")
    assert (low, high) == pytest.approx((known.low, known.high), rel=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_evaluation_is_that_of_the_formula(data, backend):
    X, y = data
    network = build()
    found = nn.evaluate(network, X, y, backend=backend)
    z = network.fprop(X)
    expected = np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])
    assert found.loss == pytest.approx(expected, rel=1e-12)
    assert found.accuracy == pytest.approx((z.argmax(axis=1) == y).mean())
    assert found.interval[0] <= found.accuracy <= found.interval[1]
    found.verify(network, X, y)
    with pytest.raises(CertificateError):
        dataclasses.replace(found, loss=found.loss + 1e-6).verify(network, X, y)


def test_evaluation_of_numbers_has_no_accuracy():
    network = nn.Network(nn.Linear(1, 1), nn.SquaredError(), 1)
    found = nn.evaluate(network, [[1.0]], [1.0])
    assert found.accuracy is None
    assert found.interval is None
    with pytest.raises(ValueError, match=r"confidence is 1\.0"):
        nn.evaluate(network, [[1.0]], [1.0], confidence=1.0)
    with pytest.raises(TypeError, match="network is"):
        nn.evaluate("net", [[1.0]], [1.0])


# Searches


@pytest.mark.parametrize("backend", BACKENDS)
def test_grid_search_finds_the_least_loss(data, backend):
    found = nn.grid_search(build, GRID, *data, **FEW, backend=backend)
    assert [t.options for t in found.trials] == [
        {"hidden": h, "l2": p} for h in (2, 5) for p in (0.0, 0.1)
    ]
    assert found.validation_loss == min(t.loss for t in found.trials)
    assert found.best_options == found.ranking[0].options
    found.verify(*data)
    held = objective_of(found.network, data[0][found.rows[0]], data[1][found.rows[0]])
    again = nn.evaluate(found.network, held.samples, held.targets.labels)
    assert again.loss == pytest.approx(found.validation_loss, rel=1e-12)


def test_backends_agree(data):
    first, second = (nn.grid_search(build, GRID, *data, **FEW, backend=b) for b in BACKENDS)
    for a, b in zip(first.trials, second.trials, strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-9)


def test_any_number_of_threads_gives_the_same_bits(data):
    found = [nn.grid_search(build, GRID, *data, **FEW, threads=t) for t in (1, 2, 5)]
    assert bits(found[0]) == bits(found[1]) == bits(found[2])
    spread = [
        nn.bias_variance(build(), *data, *data, resamples=4, **FEW, threads=t) for t in (1, 3)
    ]
    assert spread[0].predictions.tobytes() == spread[1].predictions.tobytes()


def test_searches_at_the_same_time_do_not_meet(data):
    found = {}
    workers = [
        threading.Thread(
            target=lambda k=k: found.update({k: nn.grid_search(build, GRID, *data, **FEW)})
        )
        for k in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert bits(found[0]) == bits(found[1]) == bits(found[2])


def test_a_trial_is_what_train_computes(data):
    """With the seeds of the trial, outside of any search."""
    from minimand._common.random import as_key
    from minimand.neural_network.many import seed_of

    X, y = data
    found = nn.grid_search(build, GRID, X, y, validation=(X[:20], y[:20]), **FEW)
    first, second = seed_of(as_key(0), 1).spawn(2)
    network = build(2)
    network.initialise(first)
    result = nn.train(
        network, X, y, validation=(X[:20], y[:20]), l2=0.1, epochs=4, batch_size=16, rng=second
    )
    np.testing.assert_array_equal(result.parameters, found.trials[1].parameters[0])
    found.verify(X, y, validation=(X[:20], y[:20]))
    with pytest.raises(TypeError, match="the pair"):
        found.verify(X, y)


def test_folds_train_each_network_several_times(data):
    pytest.importorskip("sklearn")
    X, y = data
    found = nn.grid_search(build, GRID, X, y, validation=3, **FEW)
    assert len(found.rows) == 3
    np.testing.assert_array_equal(np.sort(np.concatenate(found.rows)), np.arange(len(y)))
    assert all(len(t.parameters) == 3 for t in found.trials)
    assert found.refit.network is found.network
    assert found.iterations == 13
    found.verify(X, y)


def test_a_splitter_of_scikit_learn_is_taken(data):
    selection = pytest.importorskip("sklearn.model_selection")
    found = nn.grid_search(
        build, selection.ParameterGrid(GRID), *data, validation=selection.KFold(2), **FEW
    )
    np.testing.assert_array_equal(found.rows[0], np.arange(60))
    assert len(found.trials) == 4
    found.verify(*data)


def test_folds_without_scikit_learn_name_the_pip_command(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", None)
    with pytest.raises(ImportError, match=r'pip install "minimand\[sklearn\]"'):
        nn.grid_search(build, GRID, *data, validation=3, **FEW)


def test_error_as_the_criterion(data):
    found = nn.grid_search(build, GRID, *data, criterion="error", **FEW)
    assert found.validation_accuracy == max(t.accuracy for t in found.trials)
    found.verify(*data)


def test_random_search_draws_from_lists_and_distributions(data):
    space = {"hidden": [2, 3, 4], "l2": scipy.stats.loguniform(1e-4, 1e-1)}
    short, long = (nn.random_search(build, space, *data, trials=k, **FEW) for k in (3, 6))
    assert [t.options for t in short.trials] == [t.options for t in long.trials[:3]]
    assert bits(short)[0] == bits(long)[0][:3]
    assert all(1e-4 <= t.options["l2"] <= 1e-1 for t in long.trials)
    assert len({t.options["l2"] for t in long.trials}) == 6
    long.verify(*data)


def test_a_network_stands_for_itself(data):
    network = build()
    before = network.parameters.copy()
    found = nn.grid_search(network, {"optimizer": [nn.Adam(0.1), nn.SGD(0.1)]}, *data, **FEW)
    np.testing.assert_array_equal(network.parameters, before)
    assert found.network.module is network.module


def test_results_pickle(data):
    found = nn.grid_search(build, GRID, *data, **FEW)
    pickle.loads(pickle.dumps(found)).verify(*data)
    spread = nn.bias_variance(build(), *data, *data, resamples=2, **FEW)
    pickle.loads(pickle.dumps(spread)).verify(*data, *data)


def tampered(found, name):
    if name == "trial":
        first = found.trials[0]
        moved = tuple(a + 0.01 for a in first.parameters)
        return dataclasses.replace(
            found, trials=(dataclasses.replace(first, parameters=moved), *found.trials[1:])
        )
    if name == "rows":
        return dataclasses.replace(found, rows=(np.arange(24),))
    return dataclasses.replace(found, **{name: getattr(found, name) + 1})


@pytest.mark.parametrize("name", ["trial", "rows", "parameters", "validation_loss"])
def test_tampering_with_a_search_is_found(data, name):
    found = nn.grid_search(build, GRID, *data, **FEW)
    with pytest.raises(CertificateError):
        tampered(found, name).verify(*data)


def test_another_choice_is_found(data):
    found = nn.grid_search(build, GRID, *data, **FEW)
    worst = found.ranking[-1]
    forged = dataclasses.replace(
        found, best=worst.number, validation_loss=worst.loss, parameters=worst.parameters[0]
    )
    with pytest.raises(CertificateError):
        forged.verify(*data)


def test_diverged_trials_lose(data):
    X, y = data
    network = nn.Network(nn.Linear(3, 1), nn.SquaredError(), 3)
    grid = {"optimizer": [nn.SGD(1e6), nn.SGD(0.01)]}
    found = nn.grid_search(network, grid, X, y, epochs=30, rng=0)
    assert found.best == 1
    assert Status.DIVERGED in found.trials[0].status
    found.verify(X, y)
    with pytest.warns(ConvergenceWarning, match="No trial has a finite"):
        hopeless = nn.grid_search(
            network, {"optimizer": [nn.SGD(1e30)]}, X, y, epochs=30, batch_size=1, rng=0
        )
    assert hopeless.status is Status.DIVERGED


def test_an_error_in_a_thread_names_the_options(data):
    with pytest.raises(ValueError, match="epochs is 0") as caught:
        nn.grid_search(build, {"epochs": [2, 0]}, *data, rng=0, threads=2)
    assert "'epochs': 0" in caught.value.__notes__[0]


def test_ctrl_c_in_a_build_passes_through(data):
    def stop(**_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nn.grid_search(stop, {"hidden": [1]}, *data)


def test_ctrl_c_ends_all_runs(data):
    before = threading.active_count()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        nn.grid_search(build, {"hidden": [2] * 5}, *data, epochs=10**7, rng=0, threads=2)
    timer.join()
    assert threading.active_count() == before


def test_progress_counts_runs(data, capsys):
    nn.grid_search(build, GRID, *data, **FEW, progress=True)
    assert "4/4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"grid": {}, "build": "x"}, TypeError, "build is 'x'"),
        ({"grid": {"hidden": []}}, ValueError, r"grid\['hidden'\] is empty"),
        ({"grid": {"hidden": "abc"}}, TypeError, r"grid\['hidden'\] is 'abc'"),
        ({"grid": 3}, TypeError, "grid is 3"),
        ({"grid": []}, ValueError, "grid is empty"),
        ({"grid": [3]}, TypeError, r"grid\[0\] is 3"),
        ({"grid": {3: [1]}}, TypeError, "a name in grid is 3"),
        ({"grid": {f"x{k}": [0] * 10 for k in range(6)}}, ValueError, "1000000 combinations"),
        ({"grid": {"width": [3]}}, ValueError, "'width' is no option of build or train"),
        ({"grid": {"rng": [3]}}, ValueError, "'rng' is no option"),
        ({"criterion": "los"}, ValueError, "criterion is 'los'"),
        ({"validation": 1.5}, ValueError, "validation is 1.5"),
        ({"validation": 1}, ValueError, "validation is 1, expected 2 to 120 folds"),
        ({"validation": None}, TypeError, "validation is None"),
        ({"validation": ([[1.0]], [0])}, ValueError, r"validation\[0\] has shape"),
        ({"build": lambda **_: 3}, TypeError, "what build returns is 3"),
        ({"threads": 0}, ValueError, "threads is 0"),
        ({"backend": "c"}, ValueError, "backend is 'c'"),
        ({"progress": 1}, TypeError, "progress is 1"),
        ({"l2": 1.0}, ValueError, "l2 is given for all trials and searched for"),
    ],
)
def test_searches_check_their_arguments(data, changes, error, message):
    arguments = {"build": build, "grid": GRID, **FEW} | changes
    with pytest.raises(error, match=message):
        nn.grid_search(arguments.pop("build"), arguments.pop("grid"), *data, **arguments)


@pytest.mark.parametrize(
    ("space", "message"),
    [({}, "space is empty"), ({"hidden": []}, r"space\['hidden'\] is empty")],
)
def test_random_search_checks_its_arguments(data, space, message):
    with pytest.raises(ValueError, match=message):
        nn.random_search(build, space, *data)
    with pytest.raises(ValueError, match="trials is 0"):
        nn.random_search(build, {"hidden": [2]}, *data, trials=0)
    with pytest.raises(TypeError, match="space is 3"):
        nn.random_search(build, 3, *data)


def test_samples_are_checked(data):
    X, y = data
    bad = X.copy()
    bad[3, 1] = np.nan
    for function in (nn.grid_search, nn.random_search):
        with pytest.raises(ValueError, match="X has NaN at row 3, column 1"):
            function(build, {"hidden": [2]}, bad, y, **FEW)
    with pytest.raises(ValueError, match="X_test has NaN at row 3, column 1"):
        nn.bias_variance(build(), X, y, bad, y, **FEW)
