"""The Python in docs/neural_network.md does what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np

from minimand import nn
from minimand.problems.neural_network import digits

PAGE = Path(__file__).parents[1] / "docs/neural_network.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(marker, **names):
    """Run the only block that contains the marker; return what it printed, and its names."""
    (source,) = [block for block in BLOCKS if marker in block]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, PAGE.name, "exec"), {"nn": nn, **names}, names)
    return printed.getvalue(), names


def test_training_checks_and_bounds():
    X, y = digits()
    X, y, X_new, y_new = X[:1200], y[:1200], X[1200:], y[1200:]
    printed, names = run("epochs=200", X=X, y=y, X_new=X_new)
    assert "gradient norm" in printed
    assert (names["labels"] == y_new).mean() > 0.88
    network = names["network"]
    printed, names = run("check_gradient", network=network, X=X, y=y)
    assert names["check"].relative_error < 1e-6
    assert not names["check"].wrong.any()
    printed, names = run("lipschitz_bounds", network=network, X=X)
    assert "0.weight" in printed
    assert names["bounds"].lower <= names["bounds"].upper


def test_autoencoder():
    X = digits()[0]
    names = run("nn.autoencoder", X=X)[1]
    assert names["codes"].shape == (len(X), 8)
    miss = np.square(names["restored"] - X).sum() / np.square(X - X.mean(axis=0)).sum()
    assert miss < 0.5


def test_two_networks():
    data = 3.0 + 2.0 * np.random.default_rng(0).standard_normal((10_000, 1))
    names = run("train_gan", data=data)[1]
    assert abs(names["made"].mean() - 3.0) < 0.1
    assert abs(names["made"].std() - 2.0) < 0.15


def test_operations_are_shown_as_they_are():
    module = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    network = nn.Network(module, nn.CrossEntropy(), 64)
    assert "\n".join(network.program.operations) in PAGE.read_text(encoding="utf-8")


def test_choosing_and_judging():
    X, y = digits()
    _, names = run("three_way_split", X=X, y=y)
    assert names["judged"].accuracy > 0.93
    assert len(names["found"].trials) == 8
    names["found"].verify(*names["split"].training, validation=names["split"].validation)


def test_parts_of_the_loss():
    X, y = digits()
    network = nn.Network(nn.Linear(64, 10), nn.CrossEntropy(), 64)
    printed, names = run(
        "nn.bias_variance", network=network, X=X[:200], y=y[:200], X_test=X[1500:], y_test=y[1500:]
    )
    loss, _, bias, _, variance = printed.split()
    assert abs(float(loss) - float(bias) - float(variance)) < 1e-13 * (1.0 + float(loss))
    assert names["spread"].iterations == 20


def test_pictures_of_the_page_are_there():
    for name in re.findall(r"\(gallery/([a-z_]+\.png)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / "gallery" / name).stat().st_size < 60_000
