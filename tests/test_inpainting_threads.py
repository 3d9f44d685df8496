"""Large enough that threads do share the work: the same bits as from one thread."""

import numpy as np
import pytest

from minimand import inpaint, total_variation
from minimand.inpainting.components import Components
from minimand.inpainting.field import Field
from minimand.inpainting.newton import LARGE, Newton
from minimand.inpainting.pdhg import Pdhg
from minimand.problems.inpainting import photograph

THREADS = (1, 2, 3)


def picture(channels=1):
    """A photograph of 512 x 520 pixels: the kernels work with one thread below 200,000."""
    tile = photograph("camera").astype(float)
    image = np.tile(tile, (2, 3))[:512, :520]
    return np.stack([image + 10.0 * c * np.roll(image, 7 * c, 1) for c in range(channels)])


def mask(density):
    return np.random.default_rng(3).random((512, 520)) < density


def field(density, threads, channels=1):
    from minimand._core import inpainting as kernels

    known = mask(density)
    return Field(picture(channels), Components.of(known, kernels, threads), kernels, threads)


def bits(state):
    arrays = (state.components.labels, state.low, state.high, state.image, state.dual, state.tau)
    return [array.tobytes() for array in arrays], state.upper.hex(), state.lower.hex()


@pytest.mark.parametrize("channels", [1, 2])
def test_what_comes_before_the_solver(channels):
    one, *others = (field(0.5, threads, channels) for threads in THREADS)
    assert all(bits(other) == bits(one) for other in others)
    image = np.moveaxis(picture(channels), 0, -1)
    sums = {total_variation(image, coupling="joint", threads=threads) for threads in THREADS}
    assert len(sums) == 1


@pytest.mark.parametrize("channels", [1, 2])
def test_gradient_steps(channels):
    """Any number of threads cuts the image into blocks of its own."""
    found = []
    for threads in THREADS:
        state = field(0.5, threads, channels)
        solver = Pdhg(state)
        for limit in (1, 7, 25):
            solver.advance(limit)
        found.append(bits(state))
    assert found[1:] == found[:-1]


def test_newton_steps_on_one_large_component():
    found = []
    for threads in THREADS:
        state = field(0.2, threads)
        assert state.components.sizes.max() > max(LARGE, 50_000)
        solver = Newton(state, 1e-9, warm=False)
        for _ in range(2):
            solver.advance(1)
        found.append(bits(state))
    assert found[1:] == found[:-1]


def test_the_answer():
    known = mask(0.5)
    image = np.moveaxis(picture(2), 0, -1)
    results = [inpaint(image, known, tol=1e-2, threads=threads) for threads in THREADS]
    assert len({result.image.tobytes() for result in results}) == 1
    assert len({result.dual.tobytes() for result in results}) == 1
    assert len({(result.objective, result.lower_bound) for result in results}) == 1
    results[0].verify(image, known)
