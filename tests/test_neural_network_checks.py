"""check_gradient and lipschitz_bounds: every module and loss, known answers, wrong gradients."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from neural_network_nets import LOSSES, NETS, network, samples, targets

import minimand
from minimand import nn
from minimand._common.backend import kernels
from minimand._common.result import Status
from minimand.neural_network.norm_bound import spectral_norm_bound
from minimand.reference.neural_network import network as interpreter

nets = pytest.mark.parametrize("name", NETS)


# The gradient


@nets
@pytest.mark.parametrize("loss", LOSSES)
def test_every_module_with_every_loss(name, loss):
    net = network(name, loss, "float32", seed=1)
    X, y, weights = samples(name, 7), targets(loss, 7), np.random.default_rng(3).random(7)
    before = net.parameters.copy()
    check = nn.check_gradient(net, X, y, sample_weight=weights, rng=0)
    assert check.status is Status.COMPLETED
    assert check.relative_error <= 1e-6
    assert max(check.by_array.values()) <= check.relative_error
    assert not check.wrong.any()
    assert np.array_equal(net.parameters, before)


@nets
def test_every_module_in_the_numpy_interpreter(name):
    net = network(name, "both terms of softmax", seed=1)
    X, y = samples(name, 4), targets("cross entropy", 4)
    check = nn.check_gradient(net, X, y, max_parameters=300, rng=0, backend="numpy")
    assert check.relative_error <= 1e-6
    assert not check.wrong.any()
    check.verify(net, X, y)


def test_differences_are_those_of_the_formula(backend):
    net = network("tanh", "cross entropy", seed=2)
    X, y = samples("tanh", 5), targets("cross entropy", 5)
    check = nn.check_gradient(net, X, y, backend=backend)
    exact = net.loss_and_gradient(X, y, training=True, backend=backend)[1]
    assert np.array_equal(check.gradient, exact)
    off = np.abs(check.differences - exact)
    assert (off <= 3 * check.error_bars).all()
    assert (check.error_bars <= 1e-8).all()
    assert check.loss == pytest.approx(net.loss_and_gradient(X, y)[0], abs=1e-14)


def test_a_kink_at_the_point_itself_is_no_error(backend):
    net = nn.Network(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)),
                     nn.CrossEntropy(), 3, rng=0)  # fmt: skip
    X = np.zeros((5, 3))
    X[:3, 1] = 1.0  # without bias, the others lie on the kinks of all units
    check = nn.check_gradient(net, X, [0, 1, 0, 1, 1], backend=backend)
    assert check.kinks.sum() == 8
    assert (check.index[check.kinks] == np.arange(24, 32)).all()  # the biases
    assert not check.wrong.any()
    gradient = check.gradient.copy()
    gradient[24:32] += 10.0
    assert dataclasses.replace(check, gradient=gradient).wrong[24:32].all()


@pytest.mark.parametrize("factor", [1.0 + 1e-5, -0.5, 0.0])
def test_a_wrong_interpreter_is_caught(factor, monkeypatch):
    net = network("tanh", "squared error", seed=1)
    X, y = samples("tanh", 6), targets("squared error", 6)
    chain = interpreter.chain
    monkeypatch.setattr(
        interpreter, "chain", lambda D, h, kind, slope: factor * chain(D, h, kind, slope)
    )
    check = nn.check_gradient(net, X, y, backend="numpy")
    assert check.status is Status.NOT_CERTIFIED
    assert check.wrong.sum() > 20
    assert check.by_array["0.weight"] > 1e-6
    assert not check.certificates[0].holds


def test_many_parameters_are_sampled_and_looked_at_along_directions(backend):
    module = nn.Sequential(nn.Linear(30, 40), nn.ReLU(), nn.Linear(40, 3))
    net = nn.Network(module, nn.CrossEntropy(), 30, rng=0)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 30)), rng.integers(0, 3, 20)
    check = nn.check_gradient(net, X, y, max_parameters=500, rng=0, backend=backend)
    assert len(check.index) == 200 + 40 + 120 + 3
    assert check.slopes.shape == (20,)
    assert check.relative_error <= 1e-6
    check.verify(net, X, y)
    moved = dataclasses.replace(check, slopes=check.slopes * 1.01)
    with pytest.raises(minimand.CertificateError):
        moved.verify(net, X, y)


def test_tampering_with_a_check_is_found():
    net = network("tanh", "cross entropy", seed=1)
    X, y = samples("tanh", 6), targets("cross entropy", 6)
    check = nn.check_gradient(net, X, y)
    check.verify(net, X, y)
    for name in ("gradient", "losses", "steps"):
        changed = getattr(check, name).copy()
        changed.flat[np.abs(check.gradient).argmax() * (4 if name == "losses" else 1)] *= 1.01
        with pytest.raises(minimand.CertificateError):
            dataclasses.replace(check, **{name: changed}).verify(net, X, y)
    with pytest.raises(minimand.CertificateError):
        dataclasses.replace(check, index=check.index[::-1].copy()).verify(net, X, y)
    net.parameters[:] += 0.01
    with pytest.raises(minimand.CertificateError):
        check.verify(net, X, y)


def test_what_cannot_be_checked():
    net = network("batch norm", "cross entropy")
    with pytest.raises(ValueError, match="batch norm"):
        nn.check_gradient(net, samples("batch norm", 1), [0])
    with pytest.raises(TypeError, match="network"):
        nn.check_gradient(net.module, samples("batch norm", 2), [0, 1])
    net.parameters[3] = np.nan
    for call in (nn.check_gradient, nn.train):
        with pytest.raises(ValueError, match=r"network\.parameters has NaN at entry 3"):
            call(net, samples("batch norm", 4), [0, 1, 0, 2])
    with pytest.raises(ValueError, match=r"network\.parameters has NaN at entry 3"):
        net.lipschitz_bounds()


# Norms


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (40, 3), (64, 100), (100, 64), (17, 17)])
def test_gram_iteration_is_just_above_the_norm(shape, backend):
    compiled = kernels("neural_network", backend)
    rng = np.random.default_rng(0)
    for W in (
        rng.standard_normal(shape),
        np.outer(rng.standard_normal(shape[0]), rng.standard_normal(shape[1])),
        np.eye(*shape),
        np.ones(shape) * 1e-200,
        rng.standard_normal(shape) * 1e200,
        np.zeros(shape),
    ):
        exact = np.linalg.norm(W, 2)
        bound = spectral_norm_bound(W, compiled, 2)
        assert exact * (1 - 1e-14) <= bound <= exact * min(shape) ** (1 / 2**11) * (1 + 1e-9)
    W = rng.standard_normal((64, 100))
    assert spectral_norm_bound(W, compiled, 1) <= np.linalg.norm(W, 2) * (1 + 1e-12)


@nets
def test_bounds_of_every_module_hold_and_verify(name, backend):
    net = network(name, "both terms of softmax", "float32", seed=1)
    rng = np.random.default_rng(1)
    net.running[...] = 0.5 + rng.random(net.running.size)
    X = samples(name, 12)
    bounds = net.lipschitz_bounds(X, rng=0, backend=backend)
    assert 0.0 < bounds.lower <= bounds.upper
    assert all(0.0 < layer.lower <= layer.upper for layer in bounds.layers)
    bounds.verify(net)
    # Any two points stay below the bound.
    wide = network(name, "both terms of softmax", "float64")
    wide.parameters[:], wide.running[:] = net.parameters, net.running
    a, b = samples(name, 40, 5), samples(name, 40, 6)
    a = np.concatenate([a, b + 1e-3 * a])
    b = np.concatenate([b, b])
    apart = np.linalg.norm((wide.fprop(a) - wide.fprop(b)).reshape(80, -1), axis=1)
    assert (apart <= bounds.upper * np.linalg.norm((a - b).reshape(80, -1), axis=1)).all()


def test_linear_networks_have_tight_bounds():
    rng = np.random.default_rng(0)
    W = rng.standard_normal((6, 4))
    net = nn.Network(nn.Linear(6, 4, init=W), nn.SquaredError(), 6, "float64")
    bounds = nn.lipschitz_bounds(net, rng=0)
    norm = np.linalg.norm(W, 2)
    assert bounds.upper == pytest.approx(norm, rel=1e-9)
    assert bounds.lower == pytest.approx(norm, rel=1e-4)
    doubled = nn.Network(nn.Residual(nn.Identity()), nn.SquaredError(), 3, "float64")
    found = nn.lipschitz_bounds(doubled, rng=0)
    assert found.lower == pytest.approx(2.0, rel=1e-8)
    assert found.upper == pytest.approx(2.0, rel=1e-12)
    both = nn.Network(nn.Concat(nn.Identity(), nn.Identity()), nn.SquaredError(), 3, "float64")
    assert nn.lipschitz_bounds(both, rng=0).upper == pytest.approx(np.sqrt(2), rel=1e-12)


def test_operators_of_images_stay_below_their_bounds():
    """Each matrix is built column by column, and its norm compared with the bound."""
    for module in (
        nn.Conv2d(2, 3, 3, padding=1, bias=False),
        nn.Conv2d(2, 3, (3, 2), stride=(2, 1), bias=False),
        nn.AvgPool2d(3, stride=1, padding=1),
        nn.AvgPool2d((2, 3)),
        nn.AvgPool2d(2, stride=3),
    ):
        net = nn.Network(module, nn.SquaredError(), (2, 5, 6), "float64", rng=0)
        matrix = net.fprop(np.eye(60).reshape(60, 2, 5, 6)).reshape(60, -1)
        assert np.linalg.norm(matrix, 2) <= nn.lipschitz_bounds(net, rng=0).upper * (1 + 1e-12)


def test_tampering_with_bounds_is_found():
    net = network("wide", seed=1)
    bounds = nn.lipschitz_bounds(net, samples("wide", 9), rng=0)
    low = tuple(dataclasses.replace(b, upper=0.9 * b.upper, lower=0.0) for b in bounds.layers)
    for changes in (
        {"upper": 0.99 * bounds.upper},
        {"lower": 1.01 * bounds.lower},
        {"a": bounds.a + 0.01},
        {"b": bounds.b * 0.5},
        {"layers": low},
    ):
        with pytest.raises(minimand.CertificateError):
            dataclasses.replace(bounds, **changes).verify(net)


def test_samples_for_the_lower_bound_are_checked(backend):
    net = network("tanh")
    X = samples("tanh", 3)
    X[1, 2] = np.nan
    with pytest.raises(ValueError, match="X has NaN at row 1, column 2"):
        nn.lipschitz_bounds(net, X, backend=backend)
    with pytest.raises(ValueError, match=r"X has shape \(3, 4\)"):
        nn.lipschitz_bounds(net, np.ones((3, 4)), backend=backend)
    with pytest.raises(TypeError, match="network"):
        nn.lipschitz_bounds(3, backend=backend)


def test_networks_without_parameters(backend):
    net = nn.Network(nn.Tanh(), nn.SquaredError(), 3, "float64")
    with pytest.raises(ValueError, match="expected one with parameters"):
        nn.check_gradient(net, np.ones((2, 3)), np.ones((2, 3)), backend=backend)
    bounds = nn.lipschitz_bounds(net, np.zeros((1, 3)), rng=0, backend=backend)
    assert bounds.layers == ()
    assert bounds.lower == pytest.approx(1.0, abs=1e-6)
    assert bounds.upper == pytest.approx(1.0, abs=1e-12)
    bounds.verify(net)
