"""Networks that learn to read digits, and what can go wrong on the way."""

from __future__ import annotations

import dataclasses
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import minimand
from minimand import nn
from minimand.plotting import neural_network as plot
from minimand.plotting._style import BLUE, ORANGE, RED, tidy
from minimand.problems.neural_network import digits, mnist, read_idx

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report

Array = NDArray[Any]


def section(report: Report) -> None:
    """Say everything about neural networks."""
    report.title(
        "Neural networks",
        """A neural network is a chain of simple functions with many numbers in it, and learning is
        to change these numbers, a little at a time, until the answers are right. Nothing proves
        that it will work on what it has not seen; so that has to be measured, and honestly.""",
    )
    _vanishing(report)
    _bias_variance(report)
    try:
        X, y = digits()
    except ImportError as error:
        report.text(f"(The digits are missing: {error})")
        return
    _digits(report, X, y)
    _autoencoder(report, X)
    _mnist(report)


def _vanishing(report: Report) -> None:
    """Gradients on their way back through ten layers."""
    report.heading("Gradients that vanish")
    report.text(
        """Ten hidden layers of 64 units. On its way back from the loss to the first layer the
        gradient is multiplied by the slope of every activation: at most 1/4 for a sigmoid. What
        arrives is too small to learn from. ReLU has slope 1 where it is on, and a residual block
        x + f(x) leaves a way around f."""
    )
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((256, 64)), rng.integers(0, 10, 256)
    kinds: dict[str, list[nn.Module]] = {
        "sigmoid": [part for _ in range(10) for part in (nn.Linear(64, 64), nn.Sigmoid())],
        "ReLU": [
            part for _ in range(10) for part in (nn.Linear(64, 64, init="he_normal"), nn.ReLU())
        ],
        "residual": [
            nn.Residual(nn.Sequential(nn.Linear(64, 64), nn.Tanh())) for _ in range(10)
        ],
    }  # fmt: skip
    networks: dict[str, nn.Network] = {}
    rows = []
    for name, layers in kinds.items():
        module = nn.Sequential(*layers, nn.Linear(64, 10))
        network = nn.Network(module, nn.CrossEntropy(), 64, "float64", rng=0)
        network.loss_and_gradient(X, y)
        weights = [s for s in network.segments if s.penalised]
        first, last = (
            float(np.sqrt(np.square(network.gradient[s.begin : s.end]).mean()))
            for s in (weights[0], weights[-1])
        )
        networks[name] = network
        rows.append((name, f"{first:.1e}", f"{last:.1e}", f"{first / last:.1e}"))
    report.table(
        "Gradient of a weight, before the first step",
        ("activation", "first layer", "last layer", "ratio"),
        rows,
    )

    def draw(figure: Figure) -> None:
        plot.gradient_norms(networks, ax=figure.subplots())

    report.picture(
        "neural_network_vanishing",
        "Root mean square of the gradient of each layer's weights, for three kinds of networks.",
        draw,
        size=(7.0, 3.4),
    )


def _bias_variance(report: Report) -> None:
    """Too small and too large."""
    report.heading("Too stiff, too nervous")
    report.text(
        """A curve and 30 noisy points of it. Networks are fitted again and again to points drawn
        from these. With few hidden units all fits are wrong alike: bias. With many, each
        follows the noise of its own points: variance. The test loss is exactly the sum of the two
        (`nn.bias_variance` checks it)."""
    )
    rng = np.random.default_rng(3)
    X = rng.uniform(-3.0, 3.0, (30, 1))
    y = _curve(X) + 0.5 * rng.standard_normal((30, 1))
    T = np.linspace(-3.0, 3.0, 150)[:, np.newaxis]
    sizes = (1, 2, 4, 8, 32)
    found: dict[float, nn.BiasVariance] = {}
    for hidden in sizes:
        module = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        network = nn.Network(module, nn.SquaredError(), 1, "float64")
        found[hidden] = nn.bias_variance(
            network, X, y, T, _curve(T), resamples=5 if report.quick else 20,
            epochs=300 if report.quick else 1500, batch_size=30, optimizer=nn.Adam(0.02), rng=0,
        )  # fmt: skip
    report.table(
        "Half the squared distance from the curve",
        ("hidden units", "test loss", "bias", "variance", "training loss"),
        [
            (
                f"{hidden}",
                *(f"{v:.4f}" for v in (r.loss, r.bias, r.variance, r.training_loss)),
            )
            for hidden, r in found.items()
        ],
    )
    report.certify("Bias and variance: certificates", {f"{h:g} units": r for h, r in found.items()})

    def draw(figure: Figure) -> None:
        left, *right = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
        plot.bias_variance(found, ax=left)
        tidy(left, title="loss = bias + variance")
        for ax, hidden in zip(right, (1, 8), strict=True):
            _fits(ax, found[hidden], T, X, y)
            tidy(ax, title="1 hidden unit" if hidden == 1 else f"{hidden} hidden units")

    report.picture(
        "neural_network_bias_variance",
        """Left: the two parts of the test loss by size. Right: some fits, the points, and the true
        curve (dashed).""",
        draw,
        size=(9.6, 3.4),
    )


def _curve(X: Array) -> Array:
    value: Array = np.sin(1.5 * X)
    return value


def _fits(ax: Any, result: nn.BiasVariance, T: Array, X: Array, y: Array) -> None:
    for fit in result.predictions[:8]:
        ax.plot(T[:, 0], fit[:, 0], color=BLUE, alpha=0.35, linewidth=1.0)
    ax.scatter(X[:, 0], y[:, 0], s=9, color=ORANGE, zorder=3)
    ax.plot(T[:, 0], _curve(T)[:, 0], "--", color=RED, linewidth=1.6)
    ax.set_ylim(-2.6, 2.6)


_VERIFY = """
for certificate in found.verify(*split.training, validation=split.validation):
    print(certificate)
"""
_TAMPER = """
parameters = result.parameters.copy()
parameters[-1] += 0.01    # somebody moves one of 2410 numbers
dataclasses.replace(result, parameters=parameters).verify(*split.training)
"""


def _network(hidden: int) -> nn.Network:
    module = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))
    return nn.Network(module, nn.CrossEntropy(), 64, rng=0)


def _digits(report: Report, X: Array, y: Array) -> None:
    """Choose, train and judge, each on samples of its own."""
    report.heading("1797 digits")
    split = nn.three_way_split(X, y, rng=0)
    report.text(
        f"""Written digits of 8 x 8 pixels (Alpaydin and Kaynak), in three parts: {split}. Twelve
        networks are fitted to the first part, all at once without waiting for each other. The
        second part chooses one of them, and when to stop. The third is looked at once, at the
        end."""
    )
    epochs = 20 if report.quick else 100
    grid: dict[str, list[Any]] = {
        "hidden": [8, 16, 32],
        "l2": [0.0, 1e-3],
        "optimizer": [nn.Adam(3e-3), nn.SGD(0.2)],
    }
    found = nn.grid_search(
        _network, grid, *split.training, validation=split.validation, epochs=epochs, patience=10,
        rng=0,
    )  # fmt: skip
    report.table(
        "The five best of twelve",
        ("hidden units, l2, optimiser", "validation loss", "validation accuracy", "epoch"),
        [
            (
                f"{t.options['hidden']}, {t.options['l2']:g}, {_short(t.options['optimizer'])}",
                f"{t.loss:.4f}",
                f"{t.accuracy:.2%}",
                f"{t.epochs[0]}",
            )
            for t in found.ranking[:5]
        ],
    )
    report.certify("Search: certificates", found)
    report.run(_VERIFY, found=found, split=split)
    judged = nn.evaluate(found.network, *split.test)
    assert judged.interval is not None
    low, high = judged.interval
    report.text(
        f"""On the test set the best one is right for {judged.accuracy:.2%} of {judged.samples}
        digits; with 95 % confidence it is right for {low:.1%} to {high:.1%} of all digits of this
        kind."""
    )
    report.certify("Test set: certificates", judged)
    runs = {}
    for name, hidden, rate in (("8 units", 8, 3e-3), ("32 units", 32, 3e-3)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", minimand.ConvergenceWarning)
            runs[name] = nn.train(
                _network(hidden), *split.training, validation=split.validation,
                optimizer=nn.Adam(rate), epochs=epochs, rng=0,
            )  # fmt: skip
    result = runs["32 units"]
    check = result.network.check_gradient(X[:40], y[:40])
    bounds = result.network.lipschitz_bounds(X[:100], rng=0)
    report.text(
        f"""The gradient is right to {check.relative_error:.0e} of its largest entry; the logits of
        32 units move by {bounds.lower:.0f} to {bounds.upper:.0f} times what the pixels move, at
        most. Somebody tampers with a weight:"""
    )
    report.run(_TAMPER, result=result, split=split, dataclasses=dataclasses)
    report.certify("Training: certificates", runs)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
        plot.learning_curves(runs, ax=left)
        tidy(left, title="learning curves")
        plot.first_layer(result.network, ax=right)
        tidy(right, grid=None, title="what the 32 units look for")

    report.picture(
        "neural_network_digits",
        """Left: loss by epoch; a dot marks the best epoch, whose weights are kept. Right: weights
        of the first layer; red pixels speak for the unit, blue ones against it.""",
        draw,
        size=(9.2, 3.6),
    )


def _short(optimizer: nn.Optimizer) -> str:
    return f"{type(optimizer).__name__}({getattr(optimizer, 'lr', '')})"


def _autoencoder(report: Report, X: Array) -> None:
    """Digits through eight numbers."""
    report.heading("Eight numbers for a digit")
    report.text(
        """An autoencoder has to give back its input after squeezing it through a few numbers. With
        linear layers the best it can do is what principal components do; with bent ones it does
        better."""
    )
    rows = []
    codes = 8
    shown: dict[str, Array] = {}
    epochs = 20 if report.quick else 150
    centred = X - X.mean(axis=0)
    energy = float(np.square(centred).sum())
    for name, sizes, options in (
        ("bent, 64-48-8-48-64", (64, 48, codes), {"output": nn.Sigmoid()}),
        ("linear, 64-8-64", (64, codes), {"activation": nn.Identity()}),
    ):
        auto = nn.autoencoder(sizes, rng=0, **options)
        result = nn.train(
            auto.network, X, X, epochs=epochs, optimizer=nn.Adam(3e-3), rng=0, batch_size=32
        )
        shown[name] = auto.reconstruct(X)
        lost = float(np.square(shown[name] - X).sum()) / energy
        rows.append((name, f"{lost:.1%}"))
        report.certify(f"Autoencoder, {name}: certificates", result)
    lost = minimand.pca(X, codes).discarded_energy
    rows.append((f"{codes} principal components", f"{lost:.1%}"))
    report.table("Share of the variance that is lost", ("by", "lost"), rows)
    restored = shown["bent, 64-48-8-48-64"]

    def draw(figure: Figure) -> None:
        plot.reconstructions(X, restored, count=16, ax=figure.subplots())

    report.picture(
        "neural_network_autoencoder",
        "Above: digits. Below: what the bent autoencoder makes of their eight numbers.",
        draw,
        size=(9.0, 1.4),
    )


def _mnist(report: Report) -> None:
    """Show the same at 28 x 28 pixels, where the data are at hand."""
    report.heading("MNIST")
    folder = Path(os.environ.get("MINIMAND_DATA", "")) / "mnist"
    if not os.environ.get("MINIMAND_DATA") or not folder.is_dir():
        report.text("(Set `MINIMAND_DATA` to a folder with the four files of MNIST in `mnist`.)")
        return
    (X, y), (X_test, y_test) = _few(folder) if report.quick else mnist(folder)
    X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    epochs = 3 if report.quick else 5
    rows = []
    runs: dict[str, nn.TrainingResult] = {}
    for name, module in (
        ("softmax regression", nn.Linear(784, 10)),
        ("784-128-10", nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))),
    ):
        network = nn.Network(module, nn.CrossEntropy(), 784, rng=0)
        result = nn.train(
            network, X, y, validation=0.1, epochs=epochs, batch_size=64, optimizer=nn.Adam(2e-3),
            rng=0,
        )  # fmt: skip
        runs[name] = result
        judged = nn.evaluate(network, X_test, y_test)
        assert judged.interval is not None
        low, high = judged.interval
        rows.append(
            (name, f"{judged.accuracy:.2%}", f"{low:.2%} to {high:.2%}", f"{result.seconds:.2f} s")
        )
    report.text(
        f"{len(y)} images to learn from, {epochs} epochs, {len(y_test)} images to judge by."
    )
    report.table(
        "MNIST: test accuracy", ("network", "right", "with 95 % confidence", "training"), rows
    )
    report.certify("MNIST: certificates", runs)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
        plot.learning_curves(runs, quantity="accuracy", ax=left)
        tidy(left, title="learning curves")
        plot.first_layer(runs["softmax regression"].network, columns=5, ax=right)
        tidy(right, grid=None, title="softmax regression: weights of the ten digits")

    report.picture(
        "neural_network_mnist",
        "Left: share of images read right, by epoch. Right: what counts for and against a digit.",
        draw,
        size=(9.2, 3.6),
    )


def _few(folder: Path) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return half of the small file to learn from, the other half to judge by."""
    X = read_idx(folder / "t10k-images-idx3-ubyte.gz").astype(np.float32) / np.float32(255.0)
    y = read_idx(folder / "t10k-labels-idx1-ubyte.gz").astype(np.int64)
    return (X[::2], y[::2]), (X[1::2], y[1::2])
