"""The Python in docs/derivatives.md does what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs/derivatives.md"
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
    (first, *_), names = page
    assert "agreement of two rules" in first
    assert names["slope"].value == pytest.approx([-36.0, -32.0], abs=1e-7)


def test_checked_gradient(page):
    (_, check, *_), _ = page
    assert check.startswith("False 2\n")
    assert check.count("WRONG") == 1


def test_model(page):
    (_, _, model, _), names = page
    assert model.startswith("Status.CONVERGED")
    assert names["model"].observed <= 121.0


def test_kinds(page):
    kinds = [line.split()[0] for line in page[0][3].splitlines()]
    assert kinds == ["minimum", "maximum", "saddle"]


def test_pictures_are_there():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(pictures) == 3
    assert all((PAGE.parent / picture).is_file() for picture in pictures)
