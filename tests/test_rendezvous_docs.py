"""The Python in docs/rendezvous.md does what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from minimand.problems.rendezvous import lecture

PAGE = Path(__file__).parents[1] / "docs/rendezvous.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_runs_from_top_to_bottom():
    names, printed = {}, []
    for block in BLOCKS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block, PAGE.name, "exec"), names)
        printed.append(out.getvalue())
    first, curve, by_hand = printed
    assert "duality gap" in first
    budget, price = map(int, curve.split())
    assert names["energies"].energy[budget - 2] > 10_000 >= names["energies"].energy[budget - 1]
    assert 1 < price < 400
    bound, energy, miss = map(float, by_hand.split())
    assert bound == pytest.approx(energy, rel=1e-12)
    assert energy == pytest.approx(lecture().energies[100], rel=1e-12)
    assert miss < 1e-11
