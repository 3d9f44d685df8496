"""Both backends of the in-painting kernels do the same, step by step and to the bit where possible.

Names and signatures are compared in test_parity.py.
"""

import math

import numpy as np
import pytest
from inpainting_instances import (
    EPS,
    RATIO,
    Newton,
    drawn,
    label_by_loops,
    random_dual,
    random_image,
    random_instance,
    random_known,
    solvable_parts,
)

from minimand._common.backend import kernels

BACKENDS = ("cpp", "numpy")
SHAPES = [(2, 2), (2, 7), (9, 2), (13, 8), (33, 40), (100, 67)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
densities = pytest.mark.parametrize("unknown", [0.0, 0.2, 0.5, 0.8, 0.97])
channel_counts = pytest.mark.parametrize("channels", [1, 2, 3, 4])


def on_both(name, arguments, outputs):
    """Run a kernel on both backends, by keyword, on copies; return outputs and returned values."""
    results = []
    for backend in BACKENDS:
        own = {key: np.copy(arguments[key]) for key in outputs}
        returned = getattr(kernels("inpainting", backend), name)(**{**arguments, **own})
        results.append(([own[key] for key in outputs], returned))
    (cpp, cpp_returned), (reference, reference_returned) = results
    return cpp, reference, cpp_returned, reference_returned


def assert_near(cpp, reference, size, ratio=RATIO):
    """Differences of at most `ratio` rounding errors of numbers as large as `size`."""
    assert (np.abs(cpp - reference) <= ratio * EPS * np.asarray(size)).all()


def masked_image(known, channels):
    """Values at unknown pixels are not read: NaN."""
    image = random_image(*known.shape, channels)
    image[~np.tile(known, (channels, 1))] = np.nan
    return image


@densities
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), *SHAPES], ids=str)
def test_label_components(shape, unknown):
    for seed in range(5):
        arguments = {
            "known": random_known(*shape, unknown, seed),
            "labels": np.full(shape, -1, dtype=np.int32),
            "threads": 1,
        }
        [cpp], [reference], k, k_reference = on_both("label_components", arguments, ["labels"])
        assert k == k_reference
        assert np.array_equal(cpp, reference)


@channel_counts
@densities
@shapes
def test_component_boxes(shape, unknown, channels):
    known = random_known(*shape, unknown)
    labels = label_by_loops(known)
    k = labels.max(initial=0)
    arguments = {
        "image": masked_image(known, channels),
        "labels": labels,
        "channels": channels,
        "low": np.empty((k, channels)),
        "high": np.empty((k, channels)),
        "threads": 1,
    }
    cpp, reference, *_ = on_both("component_boxes", arguments, ["low", "high"])
    assert np.array_equal(cpp[0], reference[0])
    assert np.array_equal(cpp[1], reference[1])


@channel_counts
@densities
@shapes
def test_prepare(shape, unknown, channels):
    m, n = shape
    known = random_known(m, n, unknown)
    labels = label_by_loops(known)
    image = masked_image(known, channels)
    box_low = np.random.default_rng(0).random((labels.max(initial=0), channels))
    arguments = {
        "image": image,
        "labels": labels,
        "box_low": box_low,
        "box_high": box_low + 0.25,
        "channels": channels,
        "balance": math.sqrt(1000.0),
        "threads": 1,
        **{key: np.empty_like(image) for key in ("iterate", "low", "high")},
        "tau": np.empty((m, n)),
        "sigma": np.empty((m - 1, n - 1)),
        "dual": np.empty((channels * 2 * (m - 1), n - 1)),
    }
    names = ["iterate", "low", "high", "tau", "sigma", "dual"]
    cpp, reference, *_ = on_both("prepare", arguments, names)
    for found, expected in zip(cpp[:3], reference[:3], strict=True):
        assert np.array_equal(found, expected)
    for found, expected in zip(cpp[3:5], reference[3:5], strict=True):
        assert_near(found, expected, expected, ratio=4)
    assert_near(cpp[5], reference[5], 1.0, ratio=4)


@channel_counts
@shapes
@pytest.mark.parametrize("joint", [False, True])
def test_total_variation_sum(shape, channels, joint):
    image = random_image(*shape, channels)
    arguments = {"image": image, "channels": channels, "joint": joint, "threads": 1}
    *_, total, expected = on_both("total_variation_sum", arguments, [])
    assert_near(total, expected, expected)


@channel_counts
@shapes
def test_evaluate_bounds(shape, channels):
    image = random_image(*shape, channels)
    arguments = {
        "image": image,
        "dual": random_dual(*shape, channels),
        "low": image - 0.3,
        "high": image + random_image(*shape, channels, seed=1),
        "channels": channels,
        "sums": np.empty(5),
        "threads": 1,
    }
    [cpp], [reference], *_ = on_both("evaluate_bounds", arguments, ["sums"])
    upper, _, _, weight, norm = reference
    assert_near(cpp, reference, [upper, weight, weight, weight, norm])


@channel_counts
@densities
@shapes
def test_pdhg_steps(shape, unknown, channels):
    inst = random_instance(*shape, unknown, channels)
    moving = np.tile(~inst.known, (channels, 1))
    balance = math.sqrt(1000.0)
    count = np.full(shape, 4.0)  # larger than some of the true ones: shorter steps
    arguments = {
        "image": np.where(moving, random_image(*shape, channels, seed=1), inst.image),
        "dual": np.where(inst.dual == 0.0, 0.5 * random_dual(*shape, channels), inst.dual),
        "low": inst.low,
        "high": inst.high,
        "tau": np.where(inst.known, 0.0, 1.0 / (balance * count)),
        "sigma": np.full((shape[0] - 1, shape[1] - 1), 0.5 * balance),
        "channels": channels,
        "relaxation": 1.9,
        "threads": 1,
    }
    for iterations in (1, 2, 5):
        full = {**arguments, "iterations": iterations}
        cpp, reference, *_ = on_both("pdhg_steps", full, ["image", "dual"])
        # A step multiplies errors in u by sigma |D|, those in p by tau |D'|.
        growth = 4.0 * balance * iterations
        assert_near(cpp[0], reference[0], growth)
        assert_near(cpp[1], reference[1], growth)


PLANNED = {
    "nothing": np.ones((5, 6), dtype=bool),
    "pair over the diagonal": drawn("ooo", "oo?", "o?o"),
    "last row and column": drawn("oooo?", "oo?o?", "ooo??", "?????"),
    "all but one": np.arange(41 * 30).reshape(41, 30) == 500,
    "all but the corner": np.arange(30 * 47).reshape(30, 47) == 30 * 47 - 1,
    **{
        f"{m} x {n}, {unknown:.0%}": random_known(m, n, unknown)
        for m, n in ((2, 60), (60, 2), (50, 43), (39, 80))
        for unknown in (0.3, 0.5, 0.7, 0.97)
    },
}


@pytest.mark.parametrize("leaf", [1, 2, 7, 32, 1000])
@pytest.mark.parametrize("name", PLANNED)
def test_plan_elimination(name, leaf):
    arguments = {**solvable_parts(label_by_loops(PLANNED[name]))._asdict(), "leaf": leaf}
    *_, cpp, reference = on_both("plan_elimination", arguments, [])
    for found, expected in zip(cpp, reference, strict=True):
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)


INSTANCES = {
    "40 %": random_instance(30, 33, 0.4),
    "80 %": random_instance(28, 31, 0.8),
    "97 %": random_instance(50, 41, 0.97),
    "flat 60 %": random_instance(31, 30, 0.6, levels=2),
    "joint 2": random_instance(20, 23, 0.6, 2),
    "joint 3": random_instance(22, 19, 0.9, 3),
    "joint 4": random_instance(17, 16, 0.7, 4),
}
instances = pytest.mark.parametrize("name", INSTANCES)


@instances
def test_newton_start(name):
    cpp, reference = (Newton(kernels("inpainting", b), INSTANCES[name]) for b in BACKENDS)
    # The condition of the Laplacian is at most about the number of pixels.
    assert_near(cpp.image, reference.image, cpp.image.size)


@instances
def test_first_newton_steps(name):
    """Two solvers: as near as the condition of the systems allows."""
    cpp, reference = (Newton(kernels("inpainting", b), INSTANCES[name]) for b in BACKENDS)
    for tolerance in (1e-12, 1e-11, 1e-10):
        cpp.steps(1)
        reference.steps(1)
        for found, expected in zip(cpp.arrays(), reference.arrays(), strict=True):
            assert found == pytest.approx(expected, rel=tolerance, abs=tolerance)


@instances
def test_converged_newton(name):
    """Minimisers are not unique, objective and bound are; both take about as many iterations."""
    cpp, reference = (
        Newton(kernels("inpainting", b), INSTANCES[name], target=1e-9) for b in BACKENDS
    )
    cpp.steps(80)
    reference.steps(80)
    for newton in (cpp, reference):
        assert (newton.state[:, 1] - newton.state[:, 2] <= 1e-9).all()
    # Each lies between the bounds of the other.
    gap = 1e-9 + RATIO * EPS * cpp.state[:, 1]
    assert (np.abs(cpp.state[:, 1:3] - reference.state[:, 1:3]) <= gap[:, None]).all()
    assert (np.abs(cpp.state[:, 3] - reference.state[:, 3]) <= 3).all()
    assert cpp.bounds() == pytest.approx(reference.bounds(), abs=1e-9 * cpp.plan.components)
