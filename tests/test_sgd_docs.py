"""The Python in docs/sgd.md does what the page says; pictures show what the results say."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import minimand
from minimand.plotting import sgd as plot
from minimand.problems.sgd import line

PAGE = Path(__file__).parents[1] / "docs/sgd.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(marker, **names):
    """Run the only block that contains the marker; return what it printed, and its names."""
    (source,) = [block for block in BLOCKS if marker in block]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, PAGE.name, "exec"), {"minimand": minimand, **names}, names)
    return printed.getvalue(), names


def test_first_example():
    problem = line()
    printed, names = run("lr=0.03", X=problem.X, y=problem.y)
    assert np.abs(names["fit"].coef - problem.coef).max() < 0.01
    assert "duality gap" in printed


def test_four_ways_out_of_the_noise():
    problem = line(noise=0.5)
    names = run("falling =", X=problem.X, y=problem.y)[1]
    assert names["saga"].status.ok
    assert names["svrg"].status.ok
    plain = minimand.sgd(problem.X, problem.y, rng=0)
    assert max(names["falling"].gap, names["averaged"].gap) < plain.gap


def test_certificate_by_hand():
    problem = line(noise=2.0)
    y = (problem.y > 4.0).astype(float)
    printed, names = run("how wrong each row is", X=problem.X, y=y)
    assert names["P"] == pytest.approx(names["fit"].fun, rel=1e-12)
    assert names["fit"].gap <= float(printed) <= 5 * names["fit"].gap


def test_loops_are_compared():
    assert "C++" in run("compare_loops")[0]


def test_convergence_shows_the_tested_epochs():
    problem = line(noise=0.5)
    options = {"l2": 0.1, "epochs": 30, "tol_gap": 1e-6, "rng": 0}
    fit = minimand.sgd(problem.X, problem.y, variance_reduction="saga", **options)
    ax = plot.convergence({"saga": fit}, ax=Figure().subplots())
    (curve,) = ax.lines
    assert curve.get_xdata()[0] == 1.0
    assert curve.get_ydata()[-1] == pytest.approx(max(fit.gap, 1e-16), rel=1e-6)
    untested = minimand.sgd(problem.X, problem.y, l2=0.1, rng=0)
    with pytest.raises(ValueError, match="results has 'plain' without tested epochs"):
        plot.convergence({"plain": untested}, ax=Figure().subplots())
    y = (problem.y > 4.0).astype(float)
    with pytest.raises(ValueError, match="no finite lower bound"):
        plot.convergence({"a": minimand.sgd(problem.X, y, loss="logistic", rng=0)})


def test_loops_have_three_bars_each():
    found = [minimand.compare_loops(n=100, task=task) for task in ("add", "dot")]
    ax = plot.loops(found, ax=Figure().subplots())
    assert [bar.get_width() for bar in ax.patches[:2]] == [one.python for one in found]
    assert len(ax.patches) == 6
