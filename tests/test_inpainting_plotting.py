"""Pictures of in-painted images: what the panels show, and the curves of the certificates."""

from __future__ import annotations

import sys
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import minimand
from minimand.plotting import inpainting as plot
from minimand.plotting._style import NIGHT_INK, ORANGE, recolour

IMAGE = (np.indices((9, 12)).sum(axis=0) * 12 + 5).astype(np.uint8)
KNOWN = np.ones(IMAGE.shape, dtype=bool)
KNOWN[3:6, 4:9] = False
DAMAGED = np.where(KNOWN, IMAGE, 255)


@pytest.fixture
def axes():
    """Axes without pyplot; matplotlib's settings must survive the picture."""
    before = dict(mpl.rcParams)
    yield Figure().subplots(1, 4)
    assert dict(mpl.rcParams) == before


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(scope="module")
def result():
    return minimand.inpaint(DAMAGED, KNOWN, tol=1e-4, method="pdhg")


def shown(ax):
    """The pixels of a panel: red, green, blue and opacity."""
    (image,) = ax.images
    return np.asarray(image.get_array())


def grays(values):
    return np.rint(values).astype(np.uint8)[..., np.newaxis].repeat(3, axis=-1)


def test_panels_show_what_they_say(axes, result):
    result = replace(result, image=result.image + 7 * ~KNOWN)
    returned = plot.panels(result, DAMAGED, KNOWN, original=IMAGE, axes=axes)
    assert returned == tuple(axes)
    titles = [ax.get_title(loc="left") for ax in axes]
    assert titles == ["original", "corrupted", "in-painted", "difference"]
    original, corrupted, filled, _ = (shown(ax) for ax in axes)
    np.testing.assert_array_equal(original[..., :3], grays(IMAGE))
    np.testing.assert_array_equal(filled[..., :3], grays(result.image))
    np.testing.assert_array_equal(corrupted[KNOWN][:, :3], grays(IMAGE)[KNOWN])
    orange = np.rint(255 * np.array(mpl.colors.to_rgba(ORANGE)))
    np.testing.assert_array_equal(corrupted[~KNOWN], np.tile(orange, (15, 1)))


def test_difference_says_where_it_is_brighter(axes):
    result = minimand.inpaint(DAMAGED, KNOWN, tol=1e-3)
    image = result.image.copy()
    original = image.copy()
    original[3, 4] -= 20  # the in-painted image is brighter here
    original[4, 5] += 10
    plot.panels(result, DAMAGED, KNOWN, original=original, axes=axes)
    colours = shown(axes[3]).astype(int)
    assert colours[3, 4, 0] > colours[3, 4, 2]  # red
    assert colours[4, 5, 2] > colours[4, 5, 0]  # blue
    assert colours[3, 4, 3] == 255
    assert 100 < colours[4, 5, 3] < 150
    assert np.count_nonzero(colours[..., 3]) == 2


def test_without_original_the_given_image_takes_its_place(axes, result):
    plot.panels(result, DAMAGED, KNOWN, axes=axes)
    assert [ax.get_title(loc="left") for ax in axes[:2]] == ["given", "known"]
    np.testing.assert_array_equal(shown(axes[0])[..., :3], grays(DAMAGED))


def test_captions_have_the_numbers(axes, result):
    plot.panels(result, DAMAGED, KNOWN, original=IMAGE, axes=axes)
    captions = [ax.get_xlabel() for ax in axes]
    assert captions[:2] == ["12 × 9", "13.9% unknown"]
    assert captions[2] == f"gap {result.gap:.0e}"


def test_not_a_number_is_unknown(axes):
    image = IMAGE.astype(float)
    image[~KNOWN] = np.nan
    plot.panels(minimand.inpaint(image, KNOWN, tol=1e-3), image, KNOWN, axes=axes)
    first, second = shown(axes[0]), shown(axes[1])
    np.testing.assert_array_equal(first, second)
    assert not shown(axes[3])[..., 3].any()


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_any_number_of_channels(axes, channels):
    image = np.dstack([IMAGE + k for k in range(channels)])
    result = minimand.inpaint(image, KNOWN, tol=1e-3)
    plot.panels(result, image, KNOWN, axes=axes)
    expected = image[..., [0, 1, 2]] if channels > 2 else grays(image[..., 0])
    np.testing.assert_array_equal(shown(axes[0])[..., :3], expected)


@pytest.mark.parametrize(
    ("factor", "top"), [(1 / 255, 1.0), (257.0, 65535.0), (-1.0, None), (1e-6, None), (0.0, None)]
)
def test_units_are_guessed_from_the_values(axes, factor, top):
    image = IMAGE.astype(float) * factor
    plot.panels(minimand.inpaint(image, KNOWN, tol=1e-3), image, KNOWN, axes=axes)
    colours = shown(axes[0])[..., 0]
    if top is not None:
        np.testing.assert_array_equal(colours, np.rint(255 * image / top))
    elif factor:
        assert (colours.min(), colours.max()) == (0, 255)
    else:
        assert np.ptp(colours) == 0


def test_panels_check_the_data(axes, result):
    with pytest.raises(ValueError, match=r"image has shape \(9, 11\), expected \(9, 12\)"):
        plot.panels(result, DAMAGED[:, 1:], KNOWN[:, 1:], axes=axes)
    with pytest.raises(ValueError, match=r"original has shape \(9, 12, 1\), expected \(9, 12\)"):
        plot.panels(result, DAMAGED, KNOWN, original=IMAGE[..., np.newaxis], axes=axes)
    with pytest.raises(ValueError, match="known has shape"):
        plot.panels(result, DAMAGED, KNOWN.T, axes=axes)


@pytest.mark.parametrize(("over", "name"), [("seconds", "seconds"), ("iterations", "iteration")])
def test_convergence_is_the_history(ax, result, over, name):
    assert plot.convergence(result, over=over, ax=ax) is ax
    gaps, asked = ax.lines
    records = [record for record in result.history if np.isfinite(record["gap"])]
    np.testing.assert_array_equal(gaps.get_xdata(), [record[name] for record in records])
    np.testing.assert_array_equal(gaps.get_ydata(), [record["gap"] for record in records])
    assert asked.get_ydata()[0] == result.tol
    assert ax.get_yscale() == "log"
    assert ax.get_legend() is None


def test_convergence_of_several_runs_has_their_names(ax, result):
    other = replace(result, tol=1e-3)
    plot.convergence({"one": result, "two": other}, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
    assert sorted(line.get_ydata()[0] for line in ax.lines[2:]) == [1e-4, 1e-3]


def test_gaps_of_zero_and_infinity_have_a_place(ax, result):
    history = [
        {"iteration": k, "seconds": k / 10, "objective": 1.0, "lower_bound": 1.0 - gap, "gap": gap}
        for k, gap in enumerate((np.inf, 0.5, 0.0))
    ]
    plot.convergence(replace(result, history=tuple(history)), ax=ax)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0.1, 0.2])
    assert (np.asarray(ax.lines[0].get_ydata()) > 0).all()


def test_run_without_iterations_has_no_curve(ax):
    done = minimand.inpaint(IMAGE, np.ones(IMAGE.shape, dtype=bool))
    done = replace(done, history=())
    plot.convergence(done, ax=ax)
    assert len(ax.lines[0].get_xdata()) == 0


def test_bounds_enclose_the_optimum(ax, result):
    assert plot.bounds(result, over="iterations", ax=ax) is ax
    upper, lower = (np.asarray(line.get_ydata()) for line in ax.lines)
    assert (upper >= result.lower_bound).all()
    assert (lower <= result.objective).all()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["objective", "lower bound"]


def test_curves_check_what_they_are_plotted_over(ax, result):
    for function in (plot.convergence, plot.bounds):
        with pytest.raises(ValueError, match="did you mean 'seconds'"):
            function(result, over="second", ax=ax)


def test_new_figures_belong_to_pyplot(result, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    axes = plot.panels(result, DAMAGED, KNOWN)
    assert all(pyplot.gcf() is ax.figure for ax in axes)
    for function in (plot.convergence, plot.bounds):
        assert function(result).figure is pyplot.gcf()
    pyplot.close("all")


def test_dark_paint_reaches_all_words(axes, result):
    plot.panels(result, DAMAGED, KNOWN, axes=axes)
    recolour(axes[0].figure, night=True)
    assert {ax.xaxis.label.get_color() for ax in axes} == {NIGHT_INK}


def test_missing_matplotlib_names_the_pip_command(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for draw in (lambda: plot.panels(result, DAMAGED, KNOWN), lambda: plot.convergence(result)):
        with pytest.raises(ImportError, match=r'pip install "minimand\[plot\]"'):
            draw()
