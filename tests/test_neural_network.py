"""Gradients of every module with every loss, both interpreters alike, and known answers."""

from __future__ import annotations

import numpy as np
import pytest
from neural_network_nets import (
    BACKENDS,
    LOSSES,
    NETS,
    differences,
    network,
    samples,
    targets,
)

from minimand import nn

nets = pytest.mark.parametrize("name", NETS)
losses = pytest.mark.parametrize("loss", LOSSES)


@nets
@losses
def test_gradient_is_that_of_differences(name, loss, backend):
    net = network(name, loss, seed=1)
    rng = np.random.default_rng(2)
    net.parameters[:] += 0.1 * rng.standard_normal(net.parameters.size)
    X, y, weights = samples(name, 7), targets(loss, 7), rng.random(7)
    options = {"sample_weight": weights, "l2": 0.1, "training": True, "backend": backend}
    gradient = net.loss_and_gradient(X, y, **options)[1].copy()
    index = rng.permutation(net.parameters.size)[:12]
    expected = differences(lambda: net.loss_and_gradient(X, y, **options)[0], net.parameters, index)
    size = max(np.abs(gradient).max(), 1e-3)
    assert np.abs(gradient[index] - expected).max() <= 1e-7 * size


@nets
@losses
@pytest.mark.parametrize(("dtype", "tol"), [("float64", 1e-11), ("float32", 1e-4)])
def test_both_interpreters_train_alike(name, loss, dtype, tol):
    X, y = samples(name, 40), targets(loss, 40)
    weights = np.random.default_rng(3).random(40)
    results = []
    for backend in BACKENDS:
        net = network(name, loss, dtype)
        results.append(
            nn.train(
                net, X, y, optimizer=nn.SGD(0.02, 0.5), epochs=10, batch_size=9, l2=0.01, l1=0.001,
                sample_weight=weights, rng=1, backend=backend,
            )
        )  # fmt: skip
    cpp, reference = results
    assert np.abs(cpp.parameters - reference.parameters).max() <= tol
    assert np.abs(cpp.running - reference.running).max(initial=0.0) <= tol
    assert cpp.objective == pytest.approx(reference.objective, rel=tol)
    for result in results:
        result.verify(X, y, weights)


@nets
def test_outputs_and_their_derivatives_for_samples(name):
    X = samples(name, 6)
    cpp, reference = network(name), network(name)
    out = cpp.fprop(X)
    assert np.abs(out - reference.fprop(X, backend="numpy")).max() <= 1e-12
    delta = np.random.default_rng(5).standard_normal(out.shape)
    back = cpp.bprop(delta)
    assert back.shape == X.shape
    assert np.abs(back - reference.bprop(delta, backend="numpy")).max() <= 1e-12
    assert np.abs(cpp.gradient - reference.gradient).max() <= 1e-12
    flat = X.reshape(-1)
    index = np.random.default_rng(6).permutation(flat.size)[:10]
    expected = differences(lambda: float((delta * cpp.fprop(X)).sum()), flat, index)
    assert back.reshape(-1)[index] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    "optimizer",
    [
        nn.SGD(0.05),
        nn.SGD(0.05, 0.9, nesterov=True),
        nn.SGD(0.1, schedule=nn.inverse_time(0.1, hold=3)),
        nn.SGD(0.1, schedule=nn.power(0.6, per="epoch")),
        nn.SGD(0.1, schedule=nn.step(0.5, every=2)),
        nn.Adagrad(),
        nn.RMSProp(),
        nn.Adam(),
        nn.Adam(epsilon_is="before"),
    ],
    ids=str,
)
@pytest.mark.parametrize("l1", [0.0, 0.01])
def test_optimisers_are_those_of_the_formulas(optimizer, l1):
    results = [
        nn.train(
            network("tanh"), samples("tanh", 40), targets("squared error", 40),
            optimizer=optimizer, epochs=10, batch_size=9, l1=l1, l2=0.01, rng=1, backend=backend,
        )
        for backend in BACKENDS
    ]  # fmt: skip
    assert np.abs(results[0].parameters - results[1].parameters).max() <= 1e-12


def test_backward_is_the_chain_rule_of_the_books():
    net = network("sigmoid, no bias", "both terms of sigmoid")
    X, y = samples("sigmoid, no bias", 8), np.eye(3)[targets("cross entropy", 8)]
    net.loss_and_gradient(X, y)
    W1, W2, b2 = net.array("0.0.weight"), net.array("0.2.weight"), net.array("0.2.bias")
    h1 = 1 / (1 + np.exp(-X @ W1))
    h2 = 1 / (1 + np.exp(-(h1 @ W2 + b2)))
    delta2 = (h2 - y) / 8
    delta1 = (delta2 @ W2.T) * h1 * (1 - h1)
    expected = np.concatenate([(X.T @ delta1).ravel(), (h1.T @ delta2).ravel(), delta2.sum(axis=0)])
    assert np.abs(net.gradient - expected).max() <= 1e-14


def test_two_linear_layers_are_one(backend):
    two = nn.Network(nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3)), nn.SquaredError(), 5,
                     "float64", rng=0)  # fmt: skip
    one = nn.Network(nn.Linear(5, 3, bias=False), nn.SquaredError(), 5, "float64")
    one.parameters[:] = (two.array("0.weight") @ two.array("1.weight")).ravel()
    X = samples("tanh", 9)
    assert np.abs(one.fprop(X, backend=backend) - two.fprop(X, backend=backend)).max() <= 1e-12


def test_permuted_hidden_units_are_the_same_function():
    net = network("tanh")
    X = samples("tanh", 9)
    before = net.fprop(X)
    order = np.random.default_rng(0).permutation(6)
    net.array("0.weight")[:] = net.array("0.weight")[:, order]
    net.array("0.bias")[:] = net.array("0.bias")[order]
    net.array("2.weight")[:] = net.array("2.weight")[order]
    assert np.abs(net.fprop(X) - before).max() <= 1e-14


def test_softmax_with_both_terms_and_two_classes_is_twice_h_minus_y():
    module = nn.Sequential(nn.Linear(3, 2), nn.Softmax())
    net = nn.Network(module, nn.CategoricalCrossEntropy(), 3, "float64", rng=0)
    X = np.random.default_rng(0).standard_normal((6, 3))
    y = np.eye(2)[[0, 1, 1, 0, 0, 1]]
    net.loss_and_gradient(X, y)
    h = net.fprop(X)
    assert net.gradient[:6].reshape(3, 2) == pytest.approx(X.T @ (2 * (h - y) / 6), abs=1e-14)


@pytest.mark.parametrize("loss", ["cross entropy", "binary", "both terms of softmax",
                                  "both terms of sigmoid"])  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_logits_have_a_finite_loss_and_gradient(loss, dtype, backend):
    net = network("tanh", loss, dtype)
    *_, last = (s for s in net.segments if s.penalised)
    net.parameters[last.begin : last.end] *= 1e3
    value, gradient = net.loss_and_gradient(samples("tanh", 20), targets("cross entropy", 20)
                                            if loss != "binary" else targets(loss, 20),
                                            backend=backend)  # fmt: skip
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_rnn_shares_its_weights_over_the_steps():
    net = network("rnns")
    assert [segment.name for segment in net.segments[:3]] == [
        "0.input_weight", "0.hidden_weight", "0.bias",
    ]  # fmt: skip
    U, V, b = (net.array(f"0.{name}") for name in ("input_weight", "hidden_weight", "bias"))
    alone = nn.Network(nn.RNN(3, 4), nn.SquaredError(), (5, 3), "float64")
    alone.parameters[:] = np.concatenate([U.ravel(), V.ravel(), b])
    X = samples("rnns", 4)
    h = np.zeros((4, 4))
    for step in range(5):
        h = np.tanh(X[:, step] @ U + h @ V + b)
    assert np.abs(alone.fprop(X) - h).max() <= 1e-14


def test_dropout_keeps_the_mean_and_repeats_itself():
    module = nn.Sequential(nn.Linear(1, 4000, init=1.0), nn.Dropout(0.25))
    net = nn.Network(module, nn.SquaredError(), 1, "float64")
    X, y = np.ones((30, 1)), np.zeros((30, 4000))
    kept = [net.loss_and_gradient(X, y, training=True, backend=backend)[0] for backend in BACKENDS]
    assert kept[0] == pytest.approx(kept[1], rel=1e-12)
    # Each square is 0 or (4/3)^2 with mean 4/3, so that the loss is 4000 * 2/3, give or take.
    deviation = 2000 * np.sqrt(16 / 27 / (30 * 4000) * 3)
    assert abs(kept[0] - 4000 * 2 / 3) <= 5 * deviation
    assert (net.fprop(X) == 1.0).all()


def test_batch_norm_learns_the_statistics_of_its_input():
    rng = np.random.default_rng(0)
    X = 3.0 + 2.0 * rng.standard_normal((4000, 2))
    net = nn.Network(nn.BatchNorm1d(2), nn.SquaredError(), 2, "float64")
    nn.train(net, X, np.zeros((4000, 2)), optimizer=nn.SGD(1e-9), epochs=3, batch_size=500, rng=0)
    weight = 1 - 0.9**24  # of 24 batches in the running averages, which began with 0 and 1
    assert net.running[:2] / weight == pytest.approx(X.mean(axis=0), rel=0.02)
    assert net.running[2:] == pytest.approx(weight * X.var(axis=0) + 1 - weight, rel=0.1)


def test_initial_values():
    module = nn.Sequential(nn.Linear(200, 100), nn.Linear(100, 300, init="he_normal"),
                           nn.Linear(300, 2, init=np.arange(600.0).reshape(300, 2)))  # fmt: skip
    net = nn.Network(module, nn.SquaredError(), 200, "float64", rng=0)
    first, second = net.array("0.weight"), net.array("1.weight")
    bound = np.sqrt(6 / 300)
    assert np.abs(first).max() <= bound
    assert first.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    assert second.std() == pytest.approx(np.sqrt(2 / 100), rel=0.02)
    assert (net.array("2.weight") == np.arange(600.0).reshape(300, 2)).all()
    assert (net.array("0.bias") == 0.0).all()


@pytest.mark.parametrize(
    ("module", "shape", "words"),
    [
        (nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(30, 10)), 64,
         [r"module 2, Linear\(30, 10\)", "30 features", r"ReLU\(\)", r"\(32,\)"]),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.Linear(10, 2)), (1, 8, 8),
         [r"Linear\(10, 2\)", r"Conv2d\(1, 4, 3\)", r"\(4, 6, 6\)"]),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(3, 4, 3)), (1, 8, 8), ["3 channels"]),
        (nn.Linear(3, 2), 4, ["3 features", "the input", r"\(4,\)"]),
        (nn.Residual(nn.Linear(4, 3)), 4, ["Residual", r"\(3,\)", r"\(4,\)"]),
        (nn.MaxPool2d(5), (1, 4, 4), ["at least 5 x 5"]),
        (nn.RNN(3, 4), (5, 2), [r"sequences \(steps, 3\)"]),
        (nn.BatchNorm2d(3), (2, 4, 4), ["3 channels"]),
    ],
    ids=str,
)  # fmt: skip
def test_shapes_that_do_not_chain_are_named(module, shape, words):
    for word in words:
        with pytest.raises(ValueError, match=word):
            nn.Network(module, nn.SquaredError(), shape)


def test_losses_that_do_not_go_with_the_last_module():
    module = nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.Softmax()))
    with pytest.raises(ValueError, match="takes logits"):
        nn.Network(module, nn.CrossEntropy(), 3)
    with pytest.raises(ValueError, match="takes probabilities"):
        nn.Network(nn.Linear(3, 2), nn.CategoricalCrossEntropy(), 3)
    with pytest.raises(ValueError, match="at least 2 classes"):
        nn.Network(nn.Linear(3, 1), nn.CrossEntropy(), 3)
