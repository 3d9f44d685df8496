"""Random numbers by (seed; item, draw) alone: the same in NumPy, in C++, on any thread.

The public argument is `rng=`, as in SPEC 7 of Scientific Python. It is turned into a key of two
64-bit words once; from then on item i has its own Philox stream, so nothing depends on who draws
first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minimand._common.backend import kernels
from minimand._common.conversion import wrong_type

Key = NDArray[np.uint64]


def as_key(rng: object) -> Key:
    """Return the two 64-bit words that key all streams of a call.

    None takes fresh entropy; an int (or sequence of ints) and a SeedSequence always give the same
    key; a BitGenerator or a Generator gives 16 of its bytes and moves on, so that the next call
    draws other numbers.
    """
    expected = "None, an int >= 0, a SeedSequence, a BitGenerator or a Generator"
    if isinstance(rng, (bool, np.bool_)):
        raise wrong_type("rng", rng, expected)
    try:
        generator = np.random.default_rng(rng)  # type: ignore[arg-type]
    except TypeError:
        raise wrong_type("rng", rng, expected) from None
    except ValueError:
        raise ValueError(f"rng is {rng}, expected {expected}") from None
    return generator.integers(0, 2**64 - 1, size=2, dtype=np.uint64, endpoint=True)


def words(
    key: Key, first_item: int, items: int, draws: int, *, threads: int = 1, backend: str = "cpp"
) -> NDArray[np.uint64]:
    """Return the first `draws` 64-bit words of the streams of `items` items, one item a row."""
    out = np.empty((items, draws), dtype=np.uint64)
    kernels("random", backend).philox_words(key, first_item, out, threads)
    return out


def uniform(
    key: Key, first_item: int, items: int, draws: int, *, threads: int = 1, backend: str = "cpp"
) -> NDArray[np.float64]:
    """Return numbers uniform on [0, 1), multiples of 2**-53; the layout is that of `words`."""
    out = np.empty((items, draws), dtype=np.float64)
    kernels("random", backend).philox_uniform(key, first_item, out, threads)
    return out


def below(
    key: Key,
    first_item: int,
    bound: int,
    items: int,
    draws: int,
    *,
    threads: int = 1,
    backend: str = "cpp",
) -> NDArray[np.int64]:
    """Return integers 0 <= value < bound, biased by bound / 2**64 at most; layout as in `words`."""
    out = np.empty((items, draws), dtype=np.int64)
    kernels("random", backend).philox_below(key, first_item, bound, out, threads)
    return out


def permutation(key: Key, item: int, size: int, *, backend: str = "cpp") -> NDArray[np.int64]:
    """Return 0, 1, ..., size - 1 in the random order of `item`, for example of an epoch."""
    order = np.empty(size, dtype=np.int64)
    kernels("random", backend).shuffle_indices(key, item, order)
    return order
