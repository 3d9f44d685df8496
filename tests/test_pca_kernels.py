"""The kernels of PCA: both backends, all types and weights, any number of threads."""

import numpy as np
import pytest

from minimand._common.backend import kernels

EPS = float(np.finfo(np.float64).eps)
RATIO = 30.0

SHAPES = [(1, 1, 1), (5, 1, 3), (63, 4, 2), (700, 30, 7), (5000, 12, 12), (40, 900, 11)]
VARIANTS = [{}, {"weighted": True}, {"dtype": np.float32}, {"dtype": np.float32, "weighted": True}]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
variants = pytest.mark.parametrize("variant", VARIANTS, ids=str)


def arguments(m, n, b, *, weighted=False, dtype=np.float64):
    rng = np.random.default_rng([m, n, b])
    weights = rng.uniform(0.0, 2.0, m) if weighted else np.empty(0)
    if weighted:
        weights[0] = 0.0
    return {
        "X": (rng.standard_normal((m, n)) + 1.0).astype(dtype),
        "weights": weights,
        "shift": rng.standard_normal(n),
        "scale": rng.choice([0.0, 0.5, 1.0, 2.0], n),
        "Q": rng.standard_normal((n, b)),
    }


def ranges(m):
    return [(0, m), (m // 3, m - m // 7), (m, m)]


def covariance(backend, given, begin, end, threads=1):
    n, b = given["Q"].shape
    out = {"product": np.ones((n, b)), "sums": np.ones(n), "squares": np.ones(n)}
    kernels("pca", backend).covariance_pass(**given, begin=begin, end=end, **out, threads=threads)
    return out


@variants
@shapes
def test_covariance_pass(shape, variant):
    given = arguments(*shape, **variant)
    for begin, end in ranges(shape[0]):
        cpp, reference = (covariance(backend, given, begin, end) for backend in ("cpp", "numpy"))
        root = np.sqrt(given["weights"][begin:end]) if given["weights"].size else 1.0
        B = (given["X"][begin:end] - given["shift"]) * given["scale"]
        B = np.abs(B * np.reshape(root, (-1, 1)))
        sizes = {
            "product": B.T @ (B @ np.abs(given["Q"])),
            "sums": np.sum(B * np.reshape(root, (-1, 1)), axis=0),
            "squares": np.sum(B**2, axis=0),
        }
        for name, size in sizes.items():
            allowed = RATIO * EPS * np.sqrt(1 + (end - begin) / 16) * size
            assert (np.abs(cpp[name] - reference[name]) <= allowed).all(), name


@variants
@shapes
def test_project(shape, variant):
    given = arguments(*shape, **variant)
    del given["weights"]
    m, _, b = shape
    for begin, end in ranges(m):
        found = []
        for backend in ("cpp", "numpy"):
            scores = np.full((m, b), 7.0)
            kernels("pca", backend).project(**given, begin=begin, end=end, scores=scores, threads=1)
            assert (scores[:begin] == 7.0).all()
            assert (scores[end:] == 7.0).all()
            found.append(scores)
        B = np.abs((given["X"] - given["shift"]) * given["scale"])
        size = B @ np.abs(given["Q"])
        assert (np.abs(found[0] - found[1]) <= RATIO * EPS * size).all()


@pytest.mark.parametrize(("m", "n", "b"), [(100, 3, 2), (40_003, 5, 3), (9_001, 70, 20)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_any_number_of_threads_gives_the_same_bits(m, n, b, dtype):
    given = arguments(m, n, b, weighted=True, dtype=dtype)
    one = covariance("cpp", given, 1, m - 1)
    for threads in (2, 3):
        other = covariance("cpp", given, 1, m - 1, threads)
        assert all(other[name].tobytes() == one[name].tobytes() for name in one)
    del given["weights"]
    scores = [np.zeros((m, b)) for _ in range(3)]
    for threads, out in enumerate(scores, start=1):
        kernels("pca", "cpp").project(**given, begin=0, end=m, scores=out, threads=threads)
    assert scores[0].tobytes() == scores[1].tobytes() == scores[2].tobytes()


def test_nan_reaches_the_sums():
    given = arguments(50, 3, 2, weighted=True)
    given["X"][0, 1] = np.nan  # its weight is 0
    given["scale"][:] = 1.0
    for backend in ("cpp", "numpy"):
        assert np.isnan(covariance(backend, given, 0, 50)["squares"][1])
