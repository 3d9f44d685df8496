"""Autoencoders and adversarial pairs; the duality gap of single layers."""

from __future__ import annotations

import dataclasses
import pickle
import signal
import threading

import numpy as np
import pytest

import minimand
from minimand import nn
from minimand._common.result import Status
from minimand.problems.neural_network import digits


def pair(seed=0, dtype="float32", hidden=16):
    generator = nn.Network(nn.Linear(1, 1), nn.SquaredError(), 1, dtype, rng=seed)
    judge = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    return generator, nn.Network(judge, nn.BinaryCrossEntropy(), 1, dtype, rng=seed + 10)


def normal_data(seed=0, count=10_000):
    return 3.0 + 2.0 * np.random.default_rng(seed).standard_normal((count, 1))


def same(a, b):
    return a.tobytes() == b.tobytes()


# Adversarial pairs


def test_a_generator_learns_a_normal_distribution():
    X = normal_data()
    generator, discriminator = pair()
    falling = nn.Adam(2e-3, beta1=0.5, schedule=nn.step(0.5, every=1000, hold=3000))
    result = nn.train_gan(
        generator, discriminator, X, steps=6000, batch_size=128, optimizer=falling, rng=0
    )
    made = result.sample(20_000, rng=1)
    assert abs(made.mean() - 3.0) < 0.1
    assert abs(made.std() - 2.0) < 0.15
    assert result.value == pytest.approx(-np.log(4.0), abs=0.02)
    assert abs(result.gap) < 0.05
    assert result.history[-1]["real"] == pytest.approx(0.5, abs=0.05)
    assert result.status is Status.COMPLETED
    result.verify(X)


@pytest.mark.parametrize("loss", ["non_saturating", "minimax"])
@pytest.mark.parametrize("latent", ["normal", "uniform"])
def test_both_interpreters_play_alike(loss, latent):
    X = normal_data(count=50)
    found = []
    for backend in ("cpp", "numpy"):
        generator, discriminator = pair(dtype="float64")
        options = {"steps": 20, "batch_size": 16, "d_steps": 2, "loss": loss, "latent": latent}
        result = nn.train_gan(generator, discriminator, X, rng=0, backend=backend, **options)
        result.verify(X)
        found.append(result)
    cpp, reference = found
    assert cpp.generator_parameters == pytest.approx(reference.generator_parameters, abs=1e-12)
    assert cpp.discriminator_parameters == pytest.approx(
        reference.discriminator_parameters, abs=1e-12
    )
    assert cpp.gap == pytest.approx(reference.gap, abs=1e-10)


def test_the_first_steps_are_those_of_the_formulas():
    """One step of each by hand, with the derivatives written out."""
    from minimand._common.random import as_key
    from minimand.neural_network.game import Draws

    X = normal_data(count=30)
    G, D = pair(dtype="float64", hidden=3)
    a, b = G.parameters.copy()
    W, c, v, d = (D.array(n).copy() for n in ("0.weight", "0.bias", "2.weight", "2.bias"))
    nn.train_gan(G, D, X, steps=1, batch_size=8, optimizer=nn.SGD(0.1), rng=5)
    draws = Draws(as_key(5), "normal", 1, 30, "float64", "cpp")

    def logit(x):
        return np.tanh(x @ W + c) @ v + d

    def sigma(z):
        return 1.0 / (1.0 + np.exp(-z))

    real, fake = X[draws.rows(1, 8)], a * draws.latent(1, 8) + b
    delta = np.concatenate([sigma(logit(real)) - 1.0, sigma(logit(fake))]) / 8
    both = np.concatenate([real, fake])
    h = np.tanh(both @ W + c)
    back = (delta @ v.T) * (1.0 - h * h)
    W, c = W - 0.1 * both.T @ back, c - 0.1 * back.sum(axis=0)
    v, d = v - 0.1 * h.T @ delta, d - 0.1 * delta.sum(axis=0)
    assert D.array("0.weight") == pytest.approx(W, abs=1e-14)
    assert D.array("2.weight") == pytest.approx(v, abs=1e-14)
    assert D.array("0.bias") == pytest.approx(c, abs=1e-14)
    assert D.array("2.bias") == pytest.approx(d, abs=1e-14)

    z = draws.latent(2, 8)
    fake = a * z + b
    h = np.tanh(fake @ W + c)
    D_fake = ((sigma(logit(fake)) - 1.0) / 8 @ v.T * (1.0 - h * h)) @ W.T
    assert G.parameters == pytest.approx(
        [a - 0.1 * (D_fake * z).sum(), b - 0.1 * D_fake.sum()], abs=1e-14
    )


def test_images_and_threads_and_dropout():
    rng = np.random.default_rng(0)
    X = rng.random((40, 1, 6, 6))
    judge = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Flatten(), nn.Linear(64, 1)
    )
    maker = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    found = []
    for threads in (1, 2):
        generator = nn.Network(maker, nn.SquaredError(), (1, 6, 6), rng=0)
        discriminator = nn.Network(judge, nn.BinaryCrossEntropy(), (1, 6, 6), rng=1)
        result = nn.train_gan(generator, discriminator, X, steps=5, rng=0, threads=threads)
        assert result.sample(3).shape == (3, 1, 6, 6)
        result.verify(X)
        found.append(result.generator_parameters)
    assert same(*found)


def test_a_gap_is_wide_at_the_start():
    generator, discriminator = pair(dtype="float64")
    fast = nn.Adam(0.02)
    result = nn.train_gan(generator, discriminator, normal_data(), steps=2, optimizer=fast, rng=0)
    assert result.gap > 0.3


def test_callback_time_limit_and_interruption():
    X = normal_data(count=100)

    def stop(progress):
        assert progress.iterations > 0
        raise StopIteration

    result = nn.train_gan(*pair(), X, steps=10**6, callback=stop, rng=0)
    assert result.status is Status.STOPPED_BY_CALLBACK
    with pytest.warns(minimand.ConvergenceWarning, match="time_limit"):
        result = nn.train_gan(*pair(), X, steps=10**6, time_limit=0.05, rng=0)
    assert result.status is Status.TIME_LIMIT
    if threading.current_thread() is threading.main_thread():
        networks = pair()
        before = networks[0].parameters.copy()
        with pytest.raises(KeyboardInterrupt):
            nn.train_gan(
                *networks, X, steps=10**6, rng=0,
                callback=lambda _p: signal.raise_signal(signal.SIGINT),
            )  # fmt: skip
        assert not same(networks[0].parameters, before)
        assert np.isfinite(networks[0].parameters).all()


def test_a_game_that_explodes_leaves_finite_parameters(backend):
    generator, discriminator = pair()
    with (
        np.errstate(all="ignore"),
        pytest.warns(minimand.ConvergenceWarning, match="not finite"),
    ):
        result = nn.train_gan(
            generator, discriminator, 1e30 * normal_data(count=50), steps=200, rng=0,
            optimizer=nn.SGD(1e38), backend=backend,
        )  # fmt: skip
    assert result.status is Status.DIVERGED
    assert np.isfinite(result.generator_parameters).all()
    assert np.isfinite(result.discriminator_parameters).all()


def test_tampering_with_a_pair_is_found():
    X = normal_data(count=200)
    result = nn.train_gan(*pair(dtype="float64"), X, steps=20, rng=0)
    pickle.loads(pickle.dumps(result)).verify(X)
    for changes in (
        {"value": result.value + 1e-3},
        {"generator_parameters": result.generator_parameters * 1.01},
        {"discriminator_parameters": result.discriminator_parameters * 1.01},
    ):
        with pytest.raises(minimand.CertificateError):
            dataclasses.replace(result, **changes).verify(X)


def test_networks_that_do_not_fit_together():
    generator, discriminator = pair()
    X = normal_data(count=9)
    wide = nn.Network(nn.Linear(2, 2), nn.SquaredError(), 2)
    with pytest.raises(ValueError, match=r"generator gives shape \(2,\), but discriminator"):
        nn.train_gan(wide, discriminator, X)
    with pytest.raises(ValueError, match="one logit"):
        nn.train_gan(generator, generator, X)
    normed = nn.Network(
        nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1)), nn.BinaryCrossEntropy(), 1
    )
    with pytest.raises(ValueError, match="discriminator has a batch norm"):
        nn.train_gan(generator, normed, X)
    with pytest.raises(ValueError, match="float64 and discriminator float32"):
        nn.train_gan(pair(dtype="float64")[0], discriminator, X)
    with pytest.raises(TypeError, match="generator"):
        nn.train_gan(3, discriminator, X)
    with pytest.raises(TypeError, match="optimizer"):
        nn.train_gan(generator, discriminator, X, optimizer=nn.Newton())
    generator.parameters[0] = np.inf
    with pytest.raises(ValueError, match=r"generator\.parameters has inf at entry 0"):
        nn.train_gan(generator, discriminator, X)


# Autoencoders


def test_a_linear_autoencoder_reaches_principal_components_and_not_more():
    X = digits()[0][:600]
    X = X - X.mean(axis=0)
    auto = nn.autoencoder((64, 8), activation=nn.Identity(), bias=False, dtype="float64", rng=0)
    falling = nn.Adam(0.005, schedule=nn.step(0.5, every=40, per="epoch"))
    result = nn.train(auto.network, X, X, optimizer=falling, epochs=300, batch_size=64, rng=0)
    kept = minimand.pca(X, 8)
    floor = 0.5 * (np.square(X).sum() - (len(X) - 1) * kept.explained_variance.sum()) / len(X)
    assert floor * (1 - 1e-9) <= result.loss <= 1.01 * floor


def test_halves_are_views_of_the_whole(backend):
    auto = nn.autoencoder((6, 4, 2), output=nn.Sigmoid(), loss=nn.CategoricalCrossEntropy(), rng=0)
    X = np.random.default_rng(0).random((9, 6))
    for _ in range(2):
        codes = auto.encode(X, backend=backend)
        assert codes.shape == (9, 2)
        back = auto.decode(codes, backend=backend)
        assert back == pytest.approx(auto.reconstruct(X, backend=backend), abs=1e-6)
        before = auto.encoder.parameters.copy()
        nn.train(auto.network, X, X, epochs=2, rng=0, backend=backend)
        assert not same(auto.encoder.parameters, before)
    copied = pickle.loads(pickle.dumps(auto))
    copied.network.parameters[:] = 0.0
    assert (copied.encode(X) == 0.0).all()
    assert auto.encode(X).any()


def test_sizes_that_are_none():
    for sizes, error, words in (
        ((3,), ValueError, "at least two"),
        (3, TypeError, "sizes"),
        ((3, 0), ValueError, r"sizes\[1\]"),
        ((3, 1.5), TypeError, r"sizes\[1\]"),
        ("ab", TypeError, "sizes"),
    ):
        with pytest.raises(error, match=words):
            nn.autoencoder(sizes)
    with pytest.raises(TypeError, match="activation"):
        nn.autoencoder((3, 1), activation="tanh")


# Convex problems


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("loss", "outputs", "l1", "l2"),
    [
        (nn.SquaredError(), 1, 0.0, 0.0),
        (nn.SquaredError(), 1, 0.01, 0.1),
        (nn.CrossEntropy(), 3, 0.01, 0.1),
        (nn.BinaryCrossEntropy(), 1, 0.0, 0.1),
    ],
)
def test_a_single_layer_has_a_duality_gap(loss, outputs, bias, l1, l2, backend):
    rng = np.random.default_rng(0)
    X, weights = rng.standard_normal((200, 4)), 0.5 + rng.random(200)
    y = rng.integers(0, max(outputs, 2), 200)
    objectives, gaps = [], []
    for epochs in (2, 300):
        net = nn.Network(nn.Linear(4, outputs, bias=bias), loss, 4, "float64", rng=0)
        result = nn.train(net, X, y, optimizer=nn.SGD(0.4), epochs=epochs, batch_size=200, l1=l1,
                          l2=l2, sample_weight=weights, backend=backend)  # fmt: skip
        objectives.append(result.objective)
        gaps.append(result.duality_gap(X, y, weights))
    assert objectives[0] - objectives[1] <= gaps[0] + 1e-12
    assert gaps[0] > 1e-3
    assert 0.0 <= gaps[1] <= 1e-6


def test_deeper_networks_have_none():
    net = nn.Network(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)), nn.SquaredError(), 2)
    X, y = np.ones((4, 2)), np.ones(4)
    with pytest.raises(ValueError, match="expected one Linear"):
        nn.train(net, X, y, epochs=1).duality_gap(X, y)
