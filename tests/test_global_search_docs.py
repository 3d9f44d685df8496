"""The Python in docs/global_search.md does what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs/global_search.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def page():
    """What the blocks printed, one after the other in one namespace."""
    names, printed = {}, []
    for source in BLOCKS:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(source, PAGE.name, "exec"), names)
        printed.append(said.getvalue())
    return printed, names


def test_first_example(page):
    (first, _), names = page
    assert "excess of the lower bound" in first
    assert names["found"].certified
    assert names["found"].fun == pytest.approx(-1.6238647, abs=1e-4)


def test_himmelblau(page):
    assert page[0][1].startswith("True ")


def test_pictures_are_there():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(pictures) == 2
    assert all((PAGE.parent / picture).is_file() for picture in pictures)
