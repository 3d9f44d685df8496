"""Pictures of networks show what the results say."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from minimand import nn
from minimand.plotting import neural_network as plot


@pytest.fixture
def ax():
    before = dict(mpl.rcParams)
    yield Figure().subplots()
    assert dict(mpl.rcParams) == before


def small(hidden=4, outputs=3, inputs=2):
    module = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs))
    return nn.Network(module, nn.CrossEntropy(), inputs, rng=0)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    return rng.standard_normal((60, 2)) + 3.0 * np.eye(3)[labels, :2], labels


def test_learning_curves_are_the_history(ax, data):
    result = nn.train(small(), *data, epochs=7, validation=0.3, rng=0)
    assert plot.learning_curves(result, ax=ax) is ax
    training, validation, best = ax.lines
    np.testing.assert_allclose(training.get_ydata(), [r["loss"] for r in result.history])
    np.testing.assert_allclose(
        validation.get_ydata(), [r["validation_loss"] for r in result.history]
    )
    assert best.get_xdata()[0] == result.best_epoch
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]


def test_learning_curves_of_several_runs(ax, data):
    runs = {name: nn.train(small(), *data, epochs=3, rng=0) for name in "ab"}
    plot.learning_curves(runs, quantity="accuracy", ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "a, training", "b, training",
    ]  # fmt: skip
    assert ax.get_yscale() == "linear"
    with pytest.raises(ValueError, match="quantity is 'los', expected one of"):
        plot.learning_curves(runs, quantity="los", ax=ax)


def test_no_accuracy_no_curve(ax):
    network = nn.Network(nn.Linear(1, 1), nn.SquaredError(), 1, rng=0)
    result = nn.train(network, [[0.0], [1.0]], [0.0, 1.0], epochs=2, rng=0)
    with pytest.raises(ValueError, match="results has no accuracy"):
        plot.learning_curves(result, quantity="accuracy", ax=ax)


def test_gradient_norms_by_layer(ax, data):
    network = small()
    with pytest.raises(ValueError, match=r"networks\['x'\] has no gradient"):
        plot.gradient_norms({"x": network}, ax=ax)
    network.loss_and_gradient(*data)
    plot.gradient_norms({"x": network}, ax=ax)
    first, last = (network.gradient[s.begin : s.end] for s in network.segments if s.penalised)
    expected = [np.sqrt(np.mean(np.square(g, dtype=np.float64))) for g in (first, last)]
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), expected)


def test_bias_and_variance_add_up(ax, data):
    found = {
        h: nn.bias_variance(small(h), *data, *data, resamples=3, epochs=2, rng=0) for h in (4, 2)
    }
    plot.bias_variance(found, ax=ax)
    loss, bias, variance, _ = (np.asarray(line.get_ydata()) for line in ax.lines)
    np.testing.assert_allclose(bias + variance, loss)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2", "4"]
    with pytest.raises(ValueError, match="results is empty"):
        plot.bias_variance({}, ax=ax)


def test_reconstructions_show_both_rows(ax):
    X = np.arange(24.0).reshape(4, 6)
    plot.reconstructions(X, X + 1.0, shape=(2, 3), count=3, ax=ax)
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == (5, 11)
    np.testing.assert_array_equal(shown[:2, 4:7], X[1].reshape(2, 3))
    np.testing.assert_array_equal(shown[3:, 8:], X[2].reshape(2, 3) + 1.0)


def test_reconstructions_check_their_arguments(ax):
    X = np.zeros((4, 6))
    with pytest.raises(ValueError, match="6 numbers, which is no square"):
        plot.reconstructions(X, X, ax=ax)
    with pytest.raises(ValueError, match=r"shape is \(2, 2\) but an image has 6 numbers"):
        plot.reconstructions(X, X, shape=(2, 2), ax=ax)
    with pytest.raises(ValueError, match="restored has 3 rows but X has 4 rows"):
        plot.reconstructions(X, X[:3], shape=(2, 3), ax=ax)


def test_first_layer_has_a_tile_for_each_unit(ax):
    network = small(5, inputs=9)
    plot.first_layer(network, columns=5, ax=ax)
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == (3, 19)
    W = network.array("0.weight")
    np.testing.assert_allclose(
        shown[:, 4:7], (W[:, 1] / np.abs(W[:, 1]).max()).reshape(3, 3), rtol=1e-6
    )


def test_first_layer_of_convolutions(ax):
    module = nn.Sequential(nn.Conv2d(2, 3, 4), nn.Flatten(), nn.Linear(12, 2))
    network = nn.Network(module, nn.CrossEntropy(), (2, 5, 5), rng=0)
    plot.first_layer(network, columns=2, ax=ax)
    assert np.asarray(ax.images[0].get_array()).shape == (14, 9)


def test_first_layer_needs_weights(ax):
    network = nn.Network(nn.Tanh(), nn.SquaredError(), 4)
    with pytest.raises(ValueError, match="no weights"):
        plot.first_layer(network, ax=ax)


def test_decision_regions_are_those_of_the_network(ax, data):
    network = small()
    plot.decision_regions(network, *data, resolution=20, ax=ax)
    mesh, *clouds = ax.collections
    X = data[0]
    margin = 0.06 * np.ptp(X, axis=0)
    corner = X.min(axis=0) - margin
    shown = np.asarray(mesh.get_array()).reshape(20, 20)
    assert shown[0, 0] == network.fprop(corner[np.newaxis]).argmax()
    assert sum(len(cloud.get_offsets()) for cloud in clouds) == 60


def test_decision_regions_of_one_logit(ax, data):
    network = nn.Network(nn.Linear(2, 1), nn.BinaryCrossEntropy(), 2, rng=0)
    plot.decision_regions(network, data[0], data[1] > 0, resolution=10, ax=ax)
    assert len(ax.collections) == 3
    with pytest.raises(ValueError, match="network has 9 inputs, expected 2"):
        plot.decision_regions(small(inputs=9), *data, ax=ax)


def test_new_figure_belongs_to_pyplot(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    ax = plot.first_layer(small(inputs=9))
    assert pyplot.gcf() is ax.figure
    pyplot.close("all")
