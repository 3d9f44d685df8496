"""In-painting: photographs with text or lost pixels, against CVXPY's solvers and scikit-image."""

from __future__ import annotations

import sys

import pytest
from conftest import TOY, turns
from inpainting_problems import CONTENDERS, Picture, data, quality
from peak_memory import extra_bytes

EVERYBODY = [name for name in CONTENDERS if name != "minimand"]
NO_TV = [name for name in EVERYBODY if not name.startswith("CVXPY tv")]
NO_BIHARMONIC = [name for name in EVERYBODY if not name.startswith("scikit-image")]

# picture: who competes with minimand there, as far as they need no more than about a minute
if TOY:
    PICTURES = {
        Picture(24, 24, unknown=None, tol=1e-8): NO_TV,
        Picture(24, 24): EVERYBODY,
        Picture(32, 32, tol=1e-4): [],
        Picture(32, 32, unknown=0.99, tol=1e-4): [],
        Picture(20, 24, 3, unknown=0.9, tol=1e-4): ["CVXPY tv, Clarabel"],
        Picture(12, 12, 3, unknown=0.7, coupling="joint"): EVERYBODY,
    }
    MEMORY = [Picture(32, 32, tol=1e-4)]
else:
    PICTURES = {
        Picture(512, 512, unknown=None, tol=1e-8): NO_TV,
        Picture(128, 128): EVERYBODY,
        Picture(256, 256, turns=2): EVERYBODY,
        Picture(512, 512, tol=1e-4): [],
        Picture(512, 512, unknown=0.99, tol=1e-4): [],
        Picture(512, 512, 3, unknown=0.707, tol=1e-4): [],
        Picture(512, 512, 3, unknown=0.9, tol=1e-4): [],
        Picture(512, 512, 3, unknown=0.95, tol=1e-4, turns=2): [],
        Picture(512, 512, 3, unknown=0.99, tol=1e-4, turns=2): [],
        Picture(128, 128, 3, unknown=0.7, coupling="joint", turns=2): NO_BIHARMONIC,
        Picture(512, 512, 3, unknown=0.7, tol=1e-4, coupling="joint", turns=2): [],
        Picture(4096, 4096, tol=1e-3, turns=2): [],
    }
    MEMORY = [Picture(4096, 4096, tol=1e-3, turns=2)]


@pytest.mark.parametrize(
    ("picture", "turn", "contender"),
    [
        parameters
        for picture, peers in PICTURES.items()
        for parameters in turns([picture], ["minimand", *peers])
    ],
)
def test_inpaint(measure, benchmark, picture, turn, contender):
    image, known = data(picture)
    peer = CONTENDERS[contender]
    peer.load()
    filled = measure(f"inpaint {picture.name}", contender, lambda: peer.fill(image, known, picture))
    if peer.threads is not None:
        benchmark.extra_info["threads"] = peer.threads
    if turn == 0:
        benchmark.extra_info |= quality(picture, filled)
        if contender == "minimand" and picture in MEMORY and sys.platform == "linux":
            benchmark.extra_info["extra_arrays"] = extra_bytes(picture) / image.nbytes
