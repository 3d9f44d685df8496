"""Bias plus variance is the loss, and both are those of the networks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from neural_network_nets import BACKENDS

from minimand import CertificateError, nn
from minimand.neural_network.decomposition import decompose
from minimand.neural_network.evaluation import objective_of
from minimand.problems.neural_network import gaussian_classes


def build(hidden=4, dtype="float64"):
    module = nn.Sequential(nn.Linear(3, hidden), nn.Tanh(), nn.Linear(hidden, 3))
    return nn.Network(module, nn.CrossEntropy(), 3, dtype)


@pytest.fixture(scope="module")
def data():
    return gaussian_classes(120, 3, 3, distance=2.0)


FEW = {"epochs": 4, "batch_size": 16, "rng": 0}


@pytest.mark.parametrize("kind", ["squared", "softmax", "logistic"])
def test_loss_is_bias_plus_variance(kind):
    rng = np.random.default_rng(0)
    z = 30.0 * rng.standard_normal((7, 40, 3))
    loss, y = {
        "squared": (nn.SquaredError(), rng.standard_normal((40, 3))),
        "softmax": (nn.CrossEntropy(), rng.integers(0, 3, 40)),
        "logistic": (nn.BinaryCrossEntropy(), rng.integers(0, 2, (40, 3))),
    }[kind]
    network = nn.Network(nn.Linear(2, 3), loss, 2, "float64")
    targets = objective_of(network, np.zeros((40, 2)), y).targets
    parts = decompose(loss, z, targets)
    np.testing.assert_allclose(parts.losses.mean(axis=0), parts.bias + parts.variance, rtol=1e-12)
    assert (parts.variance >= 0.0).all()
    # One sample after the other by the other formula: the loss that nn.evaluate knows
    for r in range(7):
        for i in range(5):
            own = nn.Network(nn.Linear(2, 3, init=np.zeros((2, 3))), loss, 2, "float64")
            own.array("bias")[...] = z[r, i]
            assert nn.evaluate(own, np.zeros((1, 2)), y[i : i + 1]).loss == pytest.approx(
                parts.losses[r, i], rel=1e-12, abs=1e-12
            )


def test_equal_fits_have_no_variance():
    z = np.broadcast_to(np.arange(6.0).reshape(1, 2, 3), (4, 2, 3))
    network = nn.Network(nn.Linear(2, 3), nn.CrossEntropy(), 2)
    targets = objective_of(network, np.zeros((2, 2)), [0, 2]).targets
    np.testing.assert_allclose(decompose(network.loss, z, targets).variance, 0.0, atol=1e-15)


@pytest.mark.parametrize("backend", BACKENDS)
def test_variance_of_a_mean_is_known(backend):
    """A constant fitted to n normal numbers: bias 0, twice the variance is sigma^2 / n."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal((50, 1))
    y = (y - y.mean()) / y.std()
    X, T = np.zeros((50, 1)), np.zeros((1, 1))
    network = nn.Network(nn.Linear(1, 1), nn.SquaredError(), 1, "float64")
    found = nn.bias_variance(
        network, X, y, T, T, resamples=200, optimizer=nn.Newton(), epochs=1, rng=0, backend=backend
    )
    # The variance of 200 draws of chi-square with one degree is within 5 deviations sqrt(2 / 200).
    assert 2.0 * found.variance * 50 == pytest.approx(1.0, abs=0.5)
    assert found.bias < 0.5 * 25 / 50 / 200
    np.testing.assert_allclose(found.predictions.mean(axis=0), found.mean, rtol=1e-12)
    found.verify(X, y, T, T)


@pytest.mark.parametrize(
    "name",
    ["predictions", "parameters", "mean", "losses", "training_losses", "sample_bias",
     "sample_variance", "loss", "bias", "variance", "training_loss"],
)  # fmt: skip
def test_tampering_with_bias_and_variance_is_found(data, name):
    found = nn.bias_variance(build(), *data, *data, resamples=3, **FEW)
    found.verify(*data, *data)
    moved = getattr(found, name) + 1e-4
    with pytest.raises(CertificateError):
        dataclasses.replace(found, **{name: moved}).verify(*data, *data)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"network": 3}, TypeError, "network is 3"),
        ({"resamples": 1}, ValueError, "resamples is 1, expected at least 2"),
        ({"patience": 3}, ValueError, "'patience' is no option here"),
        ({"progress": 1}, TypeError, "progress is 1"),
        ({"threads": 0}, ValueError, "threads is 0"),
        (
            {
                "network": nn.Network(
                    nn.Sequential(nn.Linear(3, 3), nn.Softmax()), nn.CategoricalCrossEntropy(), 3
                )
            },
            ValueError,
            "others do not split",
        ),
    ],
)
def test_bias_variance_checks_its_arguments(data, changes, error, message):
    arguments = {"network": build(), **FEW} | changes
    with pytest.raises(error, match=message):
        nn.bias_variance(arguments.pop("network"), *data, *data, **arguments)
