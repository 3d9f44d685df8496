"""Real data: digits by default, MNIST (slow) where MINIMAND_DATA has it."""

from __future__ import annotations

import gzip
from itertools import pairwise

import numpy as np
import pytest

from minimand import nn
from minimand.problems.neural_network import digits, mnist, parity, read_idx


def mlp(*sizes, activation=None, init="glorot"):
    modules = [nn.Linear(sizes[0], sizes[1], init=init)]
    for a, b in pairwise(sizes[1:]):
        modules += [activation or nn.ReLU(), nn.Linear(a, b, init=init)]
    return nn.Sequential(*modules)


def accuracy(net, X, y):
    return float((net.fprop(X).argmax(axis=1) == y).mean())


@pytest.mark.parametrize("count", [2, 3])
def test_the_first_digits(count):
    X, y = digits()
    few = y < count
    X, y = X[few][:200], y[few][:200]
    net = nn.Network(mlp(64, 16, count), nn.CrossEntropy(), 64, rng=0)
    nn.train(net, X, y, epochs=30, rng=0)
    assert accuracy(net, X, y) > 0.95


def test_digits():
    X, y = digits()
    net = nn.Network(mlp(64, 32, 10), nn.CrossEntropy(), 64, rng=0)
    result = nn.train(net, X[:1500], y[:1500], epochs=300, validation=0.15, patience=5, rng=0)
    assert accuracy(net, X[1500:], y[1500:]) > 0.88  # written by other hands
    result.verify(X[:1500], y[:1500])


def test_parity_needs_a_hidden_layer(backend):
    X, y = parity(4)
    net = nn.Network(mlp(4, 12, 2, activation=nn.Tanh()), nn.CrossEntropy(), 4, rng=1)
    nn.train(net, X, y, optimizer=nn.Adam(0.03), epochs=400, batch_size=16, rng=0, backend=backend)
    assert accuracy(net, X, y) == 1.0
    linear = nn.Network(nn.Linear(4, 2), nn.CrossEntropy(), 4, rng=1)
    result = nn.train(linear, X, y, optimizer=nn.Adam(0.03), epochs=400, batch_size=16, rng=0,
                      backend=backend)  # fmt: skip
    assert result.loss == pytest.approx(np.log(2), abs=1e-3)


def test_linear_autoencoder_does_not_beat_principal_components():
    X = digits()[0]
    X = X - X.mean(axis=0)
    energy = 0.5 * np.linalg.svd(X, compute_uv=False)[8:] ** 2
    floor = float(energy.sum()) / len(X)
    module = nn.Sequential(nn.Linear(64, 8, bias=False), nn.Linear(8, 64, bias=False))
    net = nn.Network(module, nn.SquaredError(), 64, "float64", rng=0)
    falling = nn.Adam(0.005, schedule=nn.step(0.5, every=40, per="epoch"))
    result = nn.train(net, X, X, optimizer=falling, epochs=300, batch_size=64, rng=0)
    assert floor * (1 - 1e-12) <= result.loss <= 1.01 * floor


def test_idx_files_that_are_none(tmp_path):
    path = tmp_path / "x.gz"
    head = bytes([0, 0, 8, 1, 0, 0, 0, 3])
    for content in (
        b"",
        b"\0\0\x08",
        head + b"ab",
        head + b"abcd",
        bytes([0, 0, 8, 3] + [255] * 12),
    ):
        path.write_bytes(gzip.compress(content))
        with pytest.raises(ValueError, match=r"x\.gz"):
            read_idx(path)
    path.write_bytes(gzip.compress(head + b"abc"))
    assert read_idx(path).tolist() == [97, 98, 99]


@pytest.fixture(scope="module")
def images(data_file):
    return mnist(data_file("mnist"))


@pytest.mark.slow
def test_mnist_one_hidden_layer(images):
    (X, y), (X_test, y_test) = images
    net = nn.Network(mlp(784, 128, 10), nn.CrossEntropy(), 784, rng=0)
    result = nn.train(net, X.reshape(-1, 784), y, epochs=10, batch_size=64, rng=0)
    assert accuracy(net, X_test.reshape(-1, 784), y_test) >= 0.975
    result.verify(X.reshape(-1, 784), y)


@pytest.mark.slow
def test_mnist_softmax_regression(images):
    (X, y), (X_test, y_test) = images
    net = nn.Network(nn.Linear(784, 10), nn.CrossEntropy(), 784, rng=0)
    nn.train(net, X.reshape(-1, 784), y, epochs=20, batch_size=64, rng=0)
    assert accuracy(net, X_test.reshape(-1, 784), y_test) >= 0.92


@pytest.mark.slow
def test_mnist_convolutions(images):
    (X, y), (X_test, y_test) = images
    module = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    net = nn.Network(module, nn.CrossEntropy(), (1, 28, 28), rng=0)
    falling = nn.Adam(
        0.004, schedule=nn.step(0.5, every=1, per="epoch")
    )  # from 0.002, half of it after each epoch
    nn.train(net, X, y, optimizer=falling, epochs=5, batch_size=64, rng=0)
    assert accuracy(net, X_test, y_test) >= 0.988
