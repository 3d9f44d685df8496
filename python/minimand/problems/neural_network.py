"""Samples with known answers for networks: drawn classes, digits, MNIST, and a regression."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

_MAGIC = {0x08: np.dtype(np.uint8)}  # the one type of MNIST's files
_LARGEST = 1 << 28  # bytes of an idx file, unpacked


def gaussian_classes(
    samples: int, features: int, classes: int, *, distance: float = 3.0, seed: int = 0
) -> tuple[Floats, Labels]:
    """Return samples of unit normal clouds around corners that are `distance` from the origin."""
    if features < classes:
        raise ValueError(f"features is {features}, expected at least classes = {classes}")
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, samples)
    X = np.asarray(rng.standard_normal((samples, features)), dtype=np.float64)
    X[np.arange(samples), labels] += distance
    return X, labels


def parity(bits: int) -> tuple[Floats, Labels]:
    """Return all corners of the cube {-1, 1}^bits and whether the number of ones is odd.

    No linear model does better than guessing; one hidden layer of `bits` units suffices.
    """
    corners = (np.arange(2**bits)[:, np.newaxis] >> np.arange(bits)) & 1
    signs = np.asarray(2.0 * corners - 1.0, dtype=np.float64)
    odd: Labels = corners.sum(axis=1) % 2
    return signs, odd


def digits() -> tuple[Floats, Labels]:
    """Return scikit-learn's 1797 digits (8 x 8 pixels from 0 to 1) and their labels.

    Alpaydin, Kaynak: Optical recognition of handwritten digits, UCI (1998).
    """
    from minimand._common.errors import missing_extra

    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise missing_extra("scikit-learn", "sklearn") from None
    data = load_digits()
    return np.asarray(data.data, dtype=np.float64) / 16.0, np.asarray(data.target, dtype=np.int64)


def mnist(
    folder: str | Path,
) -> tuple[tuple[NDArray[np.float32], Labels], tuple[NDArray[np.float32], Labels]]:
    """Return the 60,000 training and the 10,000 test images (28 x 28, from 0 to 1) with labels.

    `folder` holds the four files of LeCun, Cortes and Burges, gzipped, under their usual names.
    """
    parts = []
    for name in ("train", "t10k"):
        images = read_idx(Path(folder) / f"{name}-images-idx3-ubyte.gz")
        labels = read_idx(Path(folder) / f"{name}-labels-idx1-ubyte.gz")
        parts.append((images.astype(np.float32) / np.float32(255.0), labels.astype(np.int64)))
    return parts[0], parts[1]


def read_idx(path: str | Path) -> NDArray[np.uint8]:
    """Read a gzipped idx file of bytes; its sizes are checked before anything is allocated."""
    with gzip.open(path) as file:
        head = file.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _MAGIC or not 1 <= head[3] <= 3:
            raise ValueError(f"{path} is no idx file of bytes")
        sizes = np.frombuffer(file.read(4 * head[3]), dtype=">u4").astype(int)
        expected = int(np.prod(sizes, dtype=object)) if len(sizes) == head[3] else _LARGEST + 1
        if expected > _LARGEST:
            raise ValueError(f"{path} states sizes {sizes.tolist()}, too large or cut off")
        content = file.read(expected + 1)
    if len(content) != expected:
        raise ValueError(f"{path} has {len(content)} bytes, expected {expected}")
    return np.frombuffer(content, dtype=np.uint8).reshape(sizes)
