"""The Python in docs/inpainting.md does what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

import minimand

PAGE = Path(__file__).parents[1] / "docs/inpainting.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(marker, **names):
    """Run the only block that contains the marker; return what it printed, and its names."""
    (source,) = [block for block in BLOCKS if marker in block]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, PAGE.name, "exec"), names)
    return printed.getvalue(), names


@pytest.fixture(scope="module")
def painted():
    i, j = np.indices((20, 30))
    image = (90 + 40 * np.sin(i / 3) * np.cos(j / 4)).astype(np.uint8)
    image[7:12, 5:20] = 255
    return image


def test_first_example(painted):
    printed, names = run("known = minimand.mask_from_color", image=painted)
    assert "2 of 2" in repr(names["result"])
    assert "duality gap" in printed


@pytest.mark.parametrize("density", [0.9, 0.5, 0.1])
def test_certificate_by_hand(density):
    rng = np.random.default_rng(5)
    image = rng.integers(0, 255, (24, 31)).astype(float)
    known = rng.random(image.shape) < density
    result = minimand.inpaint(image, known, method="newton", tol=1e-8)
    _, names = run("low, high", image=image, known=known, result=result)
    rounding = 1e-12 * result.objective
    assert names["objective"] == pytest.approx(result.objective, abs=rounding)
    assert names["bound"] == pytest.approx(result.lower_bound, abs=1e-9 * result.objective)

    image[known] += 1.0 * (np.arange(known.sum()) == 3)  # one known pixel is another one
    printed, names = run("low, high", image=image, known=known, result=result)
    assert printed.startswith("False")


def test_lost_pixels():
    printed, names = run("photograph")
    gap, least, original = map(float, printed.split())
    assert gap <= 1e-4
    assert 0 < least < original
    names["result"].verify(names["photo"], names["known"])


def test_pictures_are_there():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(pictures) == 3
    assert all((PAGE.parent / picture).is_file() for picture in pictures)
