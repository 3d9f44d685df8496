"""Philox 4x64-10, a counter-based generator; mirror of cpp/common/random.hpp.

Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011.

A bijection of a 256-bit counter under a 128-bit key. Block b = 1, 2, ... of item i encrypts the
counter (b, i, 0, 0), which makes the stream of item i equal to `numpy.random.Philox(key=key,
counter=[0, i, 0, 0]).random_raw()`.
"""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)  # golden ratio, sqrt(3) - 1
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def philox_words(key: Words, first_item: int, out: Words, threads: int) -> None:
    """Row r of out (items, draws) := the first words of the stream of item first_item + r."""
    items, draws = out.shape
    blocks = -(-draws // 4)
    item = np.arange(items, dtype=np.uint64)[:, np.newaxis] + np.uint64(first_item)
    block = np.arange(1, blocks + 1, dtype=np.uint64)[np.newaxis, :]
    zero = np.zeros((items, blocks), dtype=np.uint64)
    four = _philox([zero + block, zero + item, zero, zero], int(key[0]), int(key[1]))
    out[...] = np.stack(four, axis=2).reshape(items, 4 * blocks)[:, :draws]


def philox_uniform(key: Words, first_item: int, out: NDArray[np.float64], threads: int) -> None:
    """Row r of out := the upper 53 bits of the words of item first_item + r, times 2**-53."""
    words = np.empty(out.shape, dtype=np.uint64)
    philox_words(key, first_item, words, threads)
    out[...] = (words >> np.uint64(11)) * 2.0**-53


def philox_below(
    key: Words, first_item: int, bound: int, out: NDArray[np.int64], threads: int
) -> None:
    """Row r of out := floor(word * bound / 2**64) (Lemire 2019 without rejection)."""
    words = np.empty(out.shape, dtype=np.uint64)
    philox_words(key, first_item, words, threads)
    out[...] = _multiply(words, bound)[0]


def shuffle_indices(key: Words, item: int, order: NDArray[np.int64]) -> None:
    """Order := a permutation of 0..n-1 by the words of `item` (Fisher-Yates)."""
    n = order.size
    words = np.empty((1, max(n - 1, 0)), dtype=np.uint64)
    philox_words(key, item, words, 1)
    shuffled = list(range(n))
    for i, word in zip(range(n - 1, 0, -1), words[0].tolist(), strict=True):
        j = word * (i + 1) >> 64
        shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
    order[...] = shuffled


def _philox(counter: list[Words], key0: int, key1: int) -> list[Words]:
    c0, c1, c2, c3 = counter
    for _ in range(ROUNDS):
        high0, low0 = _multiply(c0, MULTIPLIERS[0])
        high1, low1 = _multiply(c2, MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ np.uint64(key0), low1, high0 ^ c3 ^ np.uint64(key1), low0
        key0, key1 = (key0 + WEYL[0]) % 2**64, (key1 + WEYL[1]) % 2**64
    return [c0, c1, c2, c3]


def _multiply(a: Words, multiplier: int) -> tuple[Words, Words]:
    """Return the upper and the lower 64 bits of a * multiplier, by 32-bit halves."""
    b1, b0 = np.uint64(multiplier >> 32), np.uint64(multiplier & 0xFFFFFFFF)
    a1, a0 = a >> HALF, a & LOW
    middle = a1 * b0 + (a0 * b0 >> HALF)  # at most (2**32 - 1)**2 + 2**32 - 1: no overflow
    cross = a0 * b1 + (middle & LOW)
    return a1 * b1 + (middle >> HALF) + (cross >> HALF), a * np.uint64(multiplier)
