"""Random numbers one at a time, in the order in which the compiled kernels draw them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from minimand.reference.random import philox_words

Key = NDArray[np.uint64]

_MOST = 2**64
_CHUNK = 16  # words that are made at a time


class Draws:
    """The streams under the key of a call, or of one of its islands."""

    def __init__(self, key: Key, island: int = 0) -> None:
        self._key = np.array([int(key[0]), (int(key[1]) + island) % _MOST], dtype=np.uint64)

    def stream(self, item: int) -> Callable[[int], int]:
        """Return below(bound): the next number of that item's stream, 0 <= number < bound."""
        words = self.words(item)
        return lambda bound: words() * bound >> 64

    def words(self, item: int) -> Callable[[], int]:
        """Return a function that returns the next 64-bit word of that item's stream."""
        made: list[int] = []
        taken = 0

        def word() -> int:
            nonlocal taken
            if taken == len(made):
                count = max(_CHUNK, 2 * len(made))
                out = np.empty((1, count), dtype=np.uint64)
                philox_words(self._key, item % _MOST, out, 1)
                made[:] = out[0].tolist()
            taken += 1
            return made[taken - 1]

        return word
