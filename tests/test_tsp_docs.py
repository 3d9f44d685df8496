"""The Python in docs/tsp.md does what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

import minimand

PAGE = Path(__file__).parents[1] / "docs/tsp.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(marker, **names):
    """Run the only block that contains the marker; return what it printed, and its names."""
    (source,) = [block for block in BLOCKS if marker in block]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, PAGE.name, "exec"), names)
    return printed.getvalue(), names


def test_first_example():
    points = np.random.default_rng(0).random((40, 2))
    printed, names = run("print(result.tour)", points=points)
    assert "lower_bound" in printed
    assert sorted(names["result"].tour) == list(range(40))


@pytest.mark.parametrize("seed", range(3))
def test_a_bound_by_hand(seed):
    points = np.random.default_rng(seed).random((60, 2))
    bound = minimand.tour_lower_bound(points, kind="one_tree")
    _, names = run("minimum_spanning_tree", points=points, bound=bound)
    assert names["length"] == pytest.approx(bound.lower_bound, rel=1e-9)


def test_a_bound_alone():
    points = np.random.default_rng(5).random((30, 2))
    printed, names = run("bound.verify(points)", points=points, minimand=minimand)
    assert float(printed) == pytest.approx(names["bound"].lower_bound)
