"""The Python in docs/gradient_descent.md does what the page says; pictures show the results."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import minimand
from minimand.plotting import gradient_descent as plot
from minimand.problems import functions

PAGE = Path(__file__).parents[1] / "docs/gradient_descent.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def printed():
    names, said = {}, []
    for source in BLOCKS:
        output = io.StringIO()
        with contextlib.redirect_stdout(output), warnings.catch_warnings():
            warnings.simplefilter("ignore", minimand.ConvergenceWarning)
            exec(compile(source, PAGE.name, "exec"), names)
        said.append(output.getvalue())
    return said


def test_the_page(printed):
    assert "a priori" in printed[0]
    assert printed[1].startswith("CONSTANT_REFUTED 3.7")
    assert [line.split()[0].strip(",") for line in printed[2].splitlines()] == [
        "sublinear",
        "linear",
        "quadratic",
    ]
    assert "exact        True" in printed[3]


def test_pictures_are_there():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(pictures) == 4
    assert all((PAGE.parent / picture).is_file() for picture in pictures)


@pytest.fixture
def ax():
    return Figure().subplots()


def test_curve_and_guarantee(ax):
    f = functions.wavy_parabola()
    run = minimand.gradient_descent(f, [3.0], grad=f.grad, lipschitz=8.0, f_lower=0.0, path=True)
    plot.curve({"run": run}, f.f, (-4.0, 4.0), ax=ax)
    assert np.array_equal(ax.lines[1].get_ydata(), run.values)
    other = plot.guarantee(run, ax=Figure().subplots())
    _, best, bound, _ = (line.get_ydata() for line in other.lines)
    assert (best <= bound).all()
    assert bound[-1] == pytest.approx(run.guarantee)


def test_plane(ax):
    f = functions.saddle()
    run = minimand.gradient_descent(f, [1.0, 0.0], grad=f.grad, step=0.2, path=True)
    plot.plane({"run": run}, f.f, [[-1, 1], [-1, 1]], ax=ax)
    assert np.array_equal(ax.lines[0].get_xydata(), run.path)
    with pytest.raises(ValueError, match="bounds has shape"):
        plot.plane({"run": run}, f.f, [0, 1], ax=ax)


def test_what_is_missing_is_named(ax):
    f = functions.saddle()
    run = minimand.gradient_descent(f, [1.0, 0.0], grad=f.grad, step=0.2)
    with pytest.raises(ValueError, match="run with path=True"):
        plot.plane({"run": run}, f.f, [[-1, 1], [-1, 1]], ax=ax)
    with pytest.raises(ValueError, match="has no guarantee"):
        plot.guarantee(run, ax=ax)
