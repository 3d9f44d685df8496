"""Training that goes wrong, bad targets, what results know and how they are checked."""

from __future__ import annotations

import dataclasses
import pickle
import warnings

import numpy as np
import pytest
from neural_network_nets import network, samples, targets

import minimand
from minimand import nn
from minimand._common.result import Status


def classes(count=200, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, count)
    return rng.standard_normal((count, 5)) + 2.0 * np.eye(5)[y], y


def fresh(dtype="float32", loss="cross entropy", name="tanh", seed=0):
    return network(name, loss, dtype, seed)


def same(a, b):
    return a.tobytes() == b.tobytes()


# What goes wrong


@pytest.mark.parametrize("validation", [None, 0.2])
def test_an_exploding_run_ends_with_the_last_finite_parameters(validation, backend):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((100, 5)), rng.standard_normal((100, 3))
    net = fresh(loss="squared error", name="residual")
    found = []
    for _ in range(2):
        net.initialise(0)
        with (
            np.errstate(over="ignore"),
            pytest.warns(minimand.ConvergenceWarning, match="learning rate"),
        ):
            result = nn.train(net, X, y, optimizer=nn.SGD(20.0), epochs=50, rng=0,
                              validation=validation, backend=backend)  # fmt: skip
        assert result.status is Status.DIVERGED
        assert np.isfinite(result.parameters).all()
        assert np.isfinite(result.loss)
        found.append(result.parameters)
    assert same(*found)


def test_an_error_of_the_callback_leaves_the_best_parameters(backend):
    X, y = classes(80)
    net, seen = fresh(), []

    def fail(progress):
        seen.append((progress.record["validation_loss"], progress.network.parameters.copy()))
        if progress.epoch == 12:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        nn.train(net, X, y, optimizer=nn.Adam(0.3), epochs=50, validation=0.4, rng=0,
                 callback=fail, backend=backend)  # fmt: skip
    best = min(range(12), key=lambda k: seen[k][0])
    assert best < 11
    assert same(net.parameters, seen[best][1])


def test_huge_and_tiny_samples_are_no_accident():
    X, y = classes(40)
    net = fresh("float64", "squared error")
    targets_of = np.eye(3)[y]
    with np.errstate(all="ignore"), pytest.warns(minimand.ConvergenceWarning):
        result = nn.train(net, 1e300 * X, 1e300 * targets_of, epochs=3, rng=0)
    assert result.status is Status.DIVERGED
    assert np.isfinite(result.parameters).all()
    tiny = nn.train(fresh("float64", "squared error"), 1e-300 * X, targets_of, epochs=3, rng=0)
    assert tiny.status is Status.COMPLETED
    with pytest.raises(ValueError, match="too large for a float32 network"):
        nn.train(fresh(loss="squared error"), 1e300 * X, targets_of)


def test_constant_layers_are_told_and_their_units_stay_equal():
    module = nn.Sequential(nn.Linear(5, 4, init=0.1), nn.Tanh(), nn.Linear(4, 3, init=0.2))
    net = nn.Network(module, nn.CrossEntropy(), 5, "float64")
    with pytest.warns(minimand.SymmetryWarning, match=r"0\.weight"):
        result = nn.train(net, *classes(), epochs=15, rng=0)
    W = net.array("0.weight")
    assert (W[:, :1] == W).all()
    assert result.diagnostics.equal_units["0"] == 3


def test_zero_weights_with_tanh_have_the_gradient_of_the_output_bias_alone():
    module = nn.Sequential(nn.Linear(5, 4, init="zeros"), nn.Tanh(), nn.Linear(4, 3, init="zeros"))
    net = nn.Network(module, nn.CrossEntropy(), 5, "float64")
    X, y = classes()
    net.loss_and_gradient(X, y[: len(X)])
    assert (net.gradient[:-3] == 0.0).all()
    assert (net.gradient[-3:] != 0.0).any()


def test_batches_of_one_and_batch_norm():
    net = fresh(name="batch norm")
    X, y = classes(41)
    with pytest.raises(ValueError, match="batch_size is 1"):
        nn.train(net, X, y, batch_size=1)
    with pytest.raises(ValueError, match="last batch"):
        nn.train(net, X, y, batch_size=8)


def test_a_large_batch_is_full_and_noted():
    result = nn.train(fresh(), *classes(20), epochs=2, batch_size=1000, rng=0)
    assert result.iterations == 2
    assert "batch_size" in result.notes[0]


@pytest.mark.parametrize(
    ("loss", "y", "words"),
    [
        ("cross entropy", [0, 1, 3], "has 3 at entry 2"),
        ("cross entropy", [0, -1, 2], "has -1 at entry 1"),
        ("cross entropy", [0.5, 1, 2], "has 0.5 at entry 0"),
        ("binary", [[0, 1, 0], [0, 2, 0], [0, 0, 0]], "row 1, column 1"),
        ("both terms of softmax", [[0, 1, 0], [0, 1.5, 0], [0, 0, 0]], "row 1, column 1"),
        ("squared error", [[0, 1], [1, 2], [2, 3]], r"expected \(n, 3\)"),
    ],
)
def test_targets_that_are_none(loss, y, words, backend):
    with pytest.raises(ValueError, match=words):
        nn.train(fresh(loss=loss), np.ones((3, 5)), y, backend=backend)


# Results


def test_tampering_is_found():
    X, y = classes()
    for dtype in ("float32", "float64"):
        result = nn.train(fresh(dtype), X, y, epochs=2, rng=0, validation=0.3)
        result.verify(X, y)
        changed = result.parameters.copy()
        changed[3] += 0.01
        for bad in (
            dataclasses.replace(result, parameters=changed),
            dataclasses.replace(result, objective=result.objective * 1.001),
            dataclasses.replace(result, gradient_norm=result.gradient_norm * 1.01),
        ):
            with pytest.raises(minimand.CertificateError):
                bad.verify(X, y)


def test_results_pickle_and_report():
    X, y = classes()
    result = nn.train(fresh(), X, y, epochs=2, rng=0)
    copy = pickle.loads(pickle.dumps(result))
    copy.verify(X, y)
    assert same(copy.network.parameters, result.network.parameters)
    assert "objective" in str(result)
    assert result.diagnostics.level == minimand.build_info()["level"]
    assert result.to_dict()["epochs"] == 2


def test_vanishing_gradients_are_seen():
    def ratio(activation, init):
        layers = [nn.Linear(20, 64, init=init)]
        for _ in range(9):
            layers += [activation, nn.Linear(64, 64, init=init)]
        module = nn.Sequential(*layers, activation, nn.Linear(64, 3))
        net = nn.Network(module, nn.CrossEntropy(), 20, "float64", rng=0)
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((100, 20)), rng.integers(0, 3, 100)
        return nn.train(net, X, y, optimizer=nn.SGD(1e-9), epochs=1).diagnostics.gradient_ratio

    assert ratio(nn.Sigmoid(), "glorot") < 1e-5
    assert ratio(nn.ReLU(), "he_normal") > 0.05


def test_rates_follow_the_schedules_of_the_package():
    falling = nn.SGD(0.1, schedule=minimand.Schedule.inverse_time(0.5))
    assert falling.rates(1, 2, 10) == pytest.approx([0.1 / 1.5, 0.1 / 2.0])
    by_epoch = nn.Adam(1.0, schedule=nn.step(0.5, every=2, per="epoch"))
    assert by_epoch.rates(9, 3, 5).tolist() == [0.5, 0.5, 0.5]
    assert by_epoch.rates(15, 2, 5).tolist() == [0.5, 0.25]
    assert nn.RMSProp(0.2).rates(5, 2, 3).tolist() == [0.2, 0.2]
    assert nn.Schedule is minimand.Schedule
    with pytest.raises(TypeError, match="schedule"):
        nn.SGD(schedule=0.1)
    X, y = classes(40)
    result = nn.train(fresh(), X, y, optimizer=by_epoch, epochs=5, batch_size=8, rng=0)
    assert [record["rate"] for record in result.history] == [1.0, 0.5, 0.5, 0.25, 0.25]


def test_validation_takes_each_class_alike():
    from minimand.neural_network.data import as_targets
    from minimand.neural_network.split import training_rows

    y = np.repeat([0, 1, 2], [100, 50, 10])
    net = fresh()
    wanted = as_targets("y", y, net.loss, net.program, np.float32, 160, "X")
    key = np.array([1, 2], dtype=np.uint64)
    kept, held = training_rows(160, wanted, 0.2, key)
    assert np.bincount(y[held]).tolist() == [20, 10, 2]
    assert np.array_equal(np.sort(np.concatenate([kept, held])), np.arange(160))


def test_no_warning_where_all_is_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.train(fresh(), *classes(), epochs=2, rng=0)


def test_regression_targets_may_be_a_vector(backend):
    X = samples("tanh", 30)
    net = nn.Network(nn.Linear(5, 1), nn.SquaredError(), 5, "float64", rng=0)
    y = targets("squared error", 30)[:, 0]
    a = nn.train(net, X, y, epochs=3, rng=0, backend=backend).parameters
    net.initialise(0)
    b = nn.train(net, X, y[:, None], epochs=3, rng=0, backend=backend).parameters
    assert same(a, b)
