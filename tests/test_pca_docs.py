"""The Python in docs/pca.md does what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

import minimand
from minimand.problems.pca import iris, planted

PAGE = Path(__file__).parents[1] / "docs/pca.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(marker, **names):
    """Run the only block that contains the marker; return what it printed, and its names."""
    (source,) = [block for block in BLOCKS if marker in block]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, PAGE.name, "exec"), names)
    return printed.getvalue(), names


def test_first_example():
    printed, names = run("scores = result.transform(X)", X=iris().X)
    assert names["scores"].shape == (150, 2)
    assert "orthonormality" in printed


@pytest.mark.parametrize("seed", range(3))
def test_certificates_by_hand(seed):
    X = planted(60, 5, [4.0, 3.0, 2.0, 1.0, 0.5], offset=1.0, rng=seed).X
    result = minimand.pca(X, 3)
    printed, names = run("residual / sigma[0]", X=X, result=result)
    sigma = result.singular_values
    assert (names["residual"] / sigma[0] ** 2 <= result.residual).all()
    discarded = float(printed.strip().splitlines()[-1])
    assert discarded == pytest.approx(result.discarded_energy, rel=1e-12)


def test_blocks_from_a_file(tmp_path, monkeypatch):
    X = np.random.default_rng(0).standard_normal((1000, 12))
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", X)
    _, names = run("state.update(X[begin : begin + 100_000])")
    assert all(certificate.holds for certificate in names["result"].verify(X))


def test_noise_keeps_the_promise_of_the_page():
    """Given up: the answer is the exact one."""
    X = np.random.default_rng(0).standard_normal((3000, 450))
    result = minimand.pca(X, 2)
    assert (result.method, result.leading) == ("gram", "proved")
