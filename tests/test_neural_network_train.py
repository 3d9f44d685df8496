"""Training: resumption, early stopping, weights, penalties, Newton, threads."""

from __future__ import annotations

import pickle
import signal
import threading

import numpy as np
import pytest
from neural_network_nets import network

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


# Exact resumption


@pytest.mark.parametrize("name", ["tanh", "batch norm", "dropout"])
@pytest.mark.parametrize("optimizer", [nn.Adam(), nn.SGD(0.1, 0.9, schedule=nn.inverse_time(0.1))],
                         ids=["Adam", "SGD"])  # fmt: skip
def test_training_twice_is_training_once(name, optimizer, backend):
    X, y = classes()
    options = {"optimizer": optimizer, "batch_size": 32, "validation": 0.2, "backend": backend}
    whole = fresh(name=name)
    once = nn.train(whole, X, y, epochs=6, rng=4, **options)
    net = fresh(name=name)
    first = nn.train(net, X, y, epochs=3, rng=4, **options)
    second = nn.train(net, X, y, epochs=3, resume=pickle.loads(pickle.dumps(first)), **options)
    assert same(once.parameters, second.parameters)
    assert same(once.state.theta, second.state.theta)
    assert same(once.state.moments, second.state.moments)
    assert same(once.running, second.running)
    assert (
        (once.epochs, once.best_epoch) == (second.epochs, second.best_epoch) == (6, once.best_epoch)
    )
    assert [h["loss"] for h in once.history[3:]] == [h["loss"] for h in second.history]


def test_resumption_in_the_middle_of_an_epoch():
    X, y = classes(20000)
    net = fresh()
    with pytest.warns(minimand.ConvergenceWarning):
        first = nn.train(net, X, y, epochs=10**6, time_limit=0.05, rng=0)
    assert first.status is Status.TIME_LIMIT
    state = first.state
    assert state.step == state.epoch * 625 + state.position
    second = nn.train(net, X, y, epochs=1, resume=first)
    once = nn.train(fresh(), X, y, epochs=state.epoch + 1, rng=0)
    assert same(second.parameters, once.parameters)


def test_resumption_with_another_network_or_optimiser_is_refused():
    X, y = classes()
    result = nn.train(fresh(), X, y, epochs=1, rng=0)
    with pytest.raises(ValueError, match="network or optimizer"):
        nn.train(fresh(), X, y, epochs=1, optimizer=nn.SGD(), resume=result)
    with pytest.raises(TypeError, match="resume"):
        nn.train(fresh(), X, y, resume=3)


# The same bits


@pytest.mark.parametrize(
    ("module", "shape", "batch"),
    [
        (nn.Sequential(nn.Linear(300, 200), nn.ReLU(), nn.Linear(200, 10)), (300,), 128),
        (nn.Sequential(nn.Linear(600, 600), nn.Tanh(), nn.Linear(600, 10)), (600,), 64),
        (nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), (20,), 2000),
        (nn.Sequential(nn.Conv2d(1, 8, 5), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
                       nn.Flatten(), nn.Linear(1152, 10)), (1, 28, 28), 64),
        (nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3),
                       nn.Linear(4608, 10)), (1, 28, 28), 60),
    ],
    ids=["rows", "products", "lanes", "batch norm", "conv"],
)  # fmt: skip
def test_any_number_of_threads_gives_the_same_bits(module, shape, batch):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2 * batch + 7, *shape)), rng.integers(0, 10, 2 * batch + 7)
    results = []
    for threads in (1, 2, 3, 8):
        net = nn.Network(module, nn.CrossEntropy(), shape, rng=0)
        results.append(nn.train(net, X, y, epochs=2, batch_size=batch, rng=1, threads=threads))
        results[-1].verify(X, y)
    for result in results[1:]:
        assert same(result.parameters, results[0].parameters)
        assert result.objective == results[0].objective
        assert result.gradient_norm == results[0].gradient_norm


def test_threads_of_python_do_not_disturb_each_other():
    X, y = classes()
    alone = nn.train(fresh(), X, y, epochs=5, rng=0).parameters
    found = []
    workers = [
        threading.Thread(
            target=lambda: found.append(nn.train(fresh(), X, y, epochs=5, rng=0).parameters)
        )
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(same(parameters, alone) for parameters in found)


# Early stopping


def test_patience_ends_the_run_and_the_best_parameters_stay():
    X, y = classes(60)
    seen = {}

    def remember(progress):
        seen[progress.epoch] = progress.network.parameters.copy()

    net = fresh()
    held = classes(100, seed=1)
    result = nn.train(net, X, y, optimizer=nn.Adam(0.05), epochs=500, validation=held, patience=7,
                      rng=0, callback=remember)  # fmt: skip
    assert result.status is Status.CONVERGED
    assert result.epochs == result.best_epoch + 7
    losses = [record["validation_loss"] for record in result.history]
    assert result.best_epoch == 1 + int(np.argmin(losses))
    assert result.validation_loss == min(losses)
    assert same(result.parameters, seen[result.best_epoch])
    assert same(net.parameters, result.parameters)
    assert not same(result.state.theta, result.parameters)


def test_the_best_parameters_stay_when_the_callback_or_ctrl_c_ends_the_run():
    X, y = classes(60)
    held = classes(100, seed=1)

    def run(end):
        net, best = fresh(), []

        def watch(progress):
            loss = progress.record["validation_loss"]
            if not best or loss < best[0]:
                best[:] = [loss, progress.network.parameters.copy()]
            if progress.epoch == 40:
                end()

        try:
            result = nn.train(net, X, y, optimizer=nn.Adam(0.1), epochs=100, validation=held, rng=0,
                              callback=watch)  # fmt: skip
            assert result.status is Status.STOPPED_BY_CALLBACK
            assert result.epochs == 40
        except KeyboardInterrupt:
            pass
        assert same(net.parameters, best[1])

    def stop():
        raise StopIteration

    run(stop)
    if threading.current_thread() is threading.main_thread():
        run(lambda: signal.raise_signal(signal.SIGINT))


def test_epochs_that_do_not_suffice_for_patience_are_told():
    X, y = classes()
    with pytest.warns(minimand.ConvergenceWarning, match="raise epochs"):
        result = nn.train(fresh(), X, y, epochs=2, validation=0.25, patience=50, rng=0)
    assert result.status is Status.MAX_ITERATIONS
    result.verify(X, y)


# Weights and penalties


def test_weights_of_one_are_none_bit_by_bit():
    X, y = classes()
    plain = nn.train(fresh(), X, y, epochs=3, rng=0)
    ones = nn.train(fresh(), X, y, epochs=3, rng=0, sample_weight=np.full(200, 3.0))
    assert same(plain.parameters, ones.parameters)


def test_integer_weights_are_repeated_samples(backend):
    X, y = classes(50)
    weights = np.arange(50) % 3
    repeated = np.repeat(np.arange(50), weights)
    options = {"epochs": 20, "optimizer": nn.SGD(0.1), "backend": backend}
    a = nn.train(fresh("float64"), X, y, batch_size=50, sample_weight=weights, **options)
    b = nn.train(fresh("float64"), X[repeated], y[repeated], batch_size=len(repeated), **options)
    assert np.abs(a.parameters - b.parameters).max() <= 1e-10
    assert a.objective == pytest.approx(b.objective, abs=1e-10)


def test_balanced_classes_weigh_the_same():
    X, y = classes(300)
    y[y == 2] = np.where(np.arange((y == 2).sum()) % 10, 0, 2)
    counts = np.bincount(y)
    by_hand = (300 / (3 * counts))[y]
    balanced = nn.train(fresh(), X, y, epochs=2, rng=0, class_weight="balanced")
    weighted = nn.train(fresh(), X, y, epochs=2, rng=0, sample_weight=by_hand)
    mapped = nn.train(fresh(), X, y, epochs=2, rng=0,
                      class_weight=dict(enumerate(300 / (3 * counts))))  # fmt: skip
    assert np.abs(balanced.parameters - weighted.parameters).max() <= 1e-6
    assert same(balanced.parameters, mapped.parameters)
    balanced.verify(X, y)


def test_l1_makes_weights_zero_and_leaves_biases():
    X, y = classes()
    result = nn.train(fresh(), X, y, optimizer=nn.SGD(0.1), epochs=60, l1=0.05, rng=0)
    weights = np.concatenate([
        result.parameters[s.begin : s.end] for s in result.network.segments if s.penalised
    ])  # fmt: skip
    assert (weights == 0.0).mean() > 0.2
    assert all((result.network.array(f"{k}.bias") != 0.0).all() for k in (0, 2))
    result.verify(X, y)


def test_the_penalty_does_not_depend_on_the_batch_size():
    X, y = classes(64)
    for batch in (8, 64):
        net = nn.Network(nn.Linear(5, 3), nn.CrossEntropy(), 5, "float64", rng=0)
        result = nn.train(net, X, y, optimizer=nn.SGD(0.5, schedule=nn.inverse_time(0.01)),
                          epochs=4000 * batch // 64, batch_size=batch, l2=0.1, rng=0)  # fmt: skip
        assert result.gradient_norm <= 2e-2
    # Stationary: the gradient of the mean loss is -l2 W.
    assert result.gradient_norm <= 1e-3


# Newton


def test_one_newton_step_is_least_squares():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((50, 4)), rng.standard_normal(50)
    net = nn.Network(nn.Linear(4, 1), nn.SquaredError(), 4, "float64", rng=0)
    result = nn.train(net, X, y, optimizer=nn.Newton(mu=1e-12), epochs=1)
    expected = np.linalg.lstsq(np.hstack([X, np.ones((50, 1))]), y, rcond=None)[0]
    assert np.abs(result.parameters - expected).max() <= 1e-8
    result.verify(X, y)


def test_newton_finds_a_stationary_point_that_gradient_descent_does_not():
    X, y = classes(80)
    result = nn.train(fresh("float64"), X, y, optimizer=nn.Newton(), epochs=60, l2=1e-3)
    descent = nn.train(fresh("float64"), X, y, epochs=60, l2=1e-3, rng=0)
    assert result.gradient_norm <= 1e-8
    assert descent.gradient_norm > 1e-4


def test_newton_refuses_what_is_too_large():
    net = nn.Network(nn.Linear(100, 30), nn.SquaredError(), 100, "float64")
    with pytest.raises(ValueError, match=str(8 * 3030**2)):
        nn.train(net, np.ones((5, 100)), np.ones((5, 30)), optimizer=nn.Newton())
    with pytest.raises(ValueError, match="float64"):
        nn.train(fresh(), *classes(), optimizer=nn.Newton())
