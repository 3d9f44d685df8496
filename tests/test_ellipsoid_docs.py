"""The Python in docs/ellipsoid.md does what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

import minimand
from minimand.problems.ellipsoid import boyd_vandenberghe, cloud

PAGE = Path(__file__).parents[1] / "docs/ellipsoid.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(marker, **names):
    """Run the only block that contains the marker; return what it printed, and its names."""
    (source,) = [block for block in BLOCKS if marker in block]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, PAGE.name, "exec"), names)
    return printed.getvalue(), names


def test_first_example():
    printed, names = run("result.verify(points)", points=boyd_vandenberghe().points)
    assert names["result"].status.ok
    assert "duality gap" in printed


@pytest.mark.parametrize("seed", range(3))
def test_certificate_by_hand(seed):
    points = cloud("gaussian", 200, 4, rng=seed)
    result = minimand.min_volume_ellipsoid(points)
    printed, _ = run("bound = 0.5", points=points, result=result)
    objective, bound = map(float, printed.split("\n")[0].split())
    assert objective == pytest.approx(bound, abs=1e-9)
    assert float(printed.split("\n")[1]) <= 1.0


def test_picture(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    _, names = run("plotting.ellipsoid", minimand=minimand)
    assert names["ax"].get_legend() is not None
    pyplot.close("all")


def test_accuracy_is_limited_as_the_page_says():
    points = cloud("gaussian", 1000, 3)
    with pytest.warns(minimand.ConvergenceWarning):
        far = minimand.min_volume_ellipsoid(points + 1e6)
    assert far.gap == pytest.approx(3e-9, rel=0.5)
    rotation = np.linalg.qr(cloud("gaussian", 3, 3))[0]
    with pytest.warns(minimand.ConvergenceWarning):
        skew = minimand.min_volume_ellipsoid(cloud("slab", 1000, 3) @ rotation)
    assert 1e-7 < skew.gap < 1e-5
    points[:, 1] *= 1e-12
    assert minimand.min_volume_ellipsoid(points).gap < 1e-10
