from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minimand._common.random import as_key, below, permutation, uniform, words

word = st.integers(0, 2**64 - 1)
KEY = np.array([0x0123456789ABCDEF, 0xFEDCBA9876543210], dtype=np.uint64)


def numpys_words(key, item, draws):
    counter = np.array([0, item, 0, 0], dtype=np.uint64)
    return np.random.Philox(key=key, counter=counter).random_raw(draws)


# Equal to NumPy's generator


@settings(max_examples=150)
@given(
    st.tuples(word, word),
    st.one_of(word, st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1])),
    st.integers(1, 40),
    st.sampled_from(["cpp", "numpy"]),
)
def test_words_are_those_of_numpy(key, item, draws, backend):
    key = np.array(key, dtype=np.uint64)
    drawn = words(key, item, 1, draws, backend=backend)
    np.testing.assert_array_equal(drawn[0], numpys_words(key, item, draws))


def test_words_far_into_a_stream_are_those_of_numpy(backend):
    draws = 3 * (1 << 14) + 3  # the compiled kernel cuts long streams into stretches
    drawn = words(KEY, 5, 2, draws, backend=backend)
    np.testing.assert_array_equal(drawn[0], numpys_words(KEY, 5, draws))
    np.testing.assert_array_equal(drawn[1], numpys_words(KEY, 6, draws))


def test_row_r_is_item_first_plus_r(backend):
    drawn = words(KEY, 1000, 50, 6, backend=backend)
    for row in (0, 1, 49):
        np.testing.assert_array_equal(drawn[row], numpys_words(KEY, 1000 + row, 6))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_nothing_to_draw(backend, shape):
    assert words(KEY, 0, *shape, backend=backend).shape == shape


# The same for both backends and any number of threads


@settings(max_examples=50)
@given(
    st.tuples(word, word),
    st.integers(0, 2**63),
    st.integers(1, 2**63),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_backends_draw_the_same_bits(key, first, bound, items, draws):
    key = np.array(key, dtype=np.uint64)
    for draw, more in ((words, ()), (uniform, ()), (below, (bound,))):
        cpp = draw(key, first, *more, items, draws, backend="cpp")
        numpy = draw(key, first, *more, items, draws, backend="numpy")
        assert cpp.tobytes() == numpy.tobytes()


@pytest.mark.parametrize("shape", [(1, 100_000), (100_000, 1), (3, 40_000), (5000, 7)])
def test_any_number_of_threads_draws_the_same_bits(shape):
    one = words(KEY, 7, *shape, threads=1)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(words(KEY, 7, *shape, threads=threads), one)


def test_concurrent_calls_draw_the_same_bits(backend):
    one = uniform(KEY, 7, 100, 50, backend=backend)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(uniform, KEY, 7, 100, 50, backend=backend) for _ in range(8)]
        for call in calls:
            np.testing.assert_array_equal(call.result(), one)


# The numbers made of words


def test_uniform_is_the_upper_53_bits(backend):
    drawn = uniform(KEY, 3, 4, 1000, backend=backend)
    raw = words(KEY, 3, 4, 1000, backend=backend)
    np.testing.assert_array_equal(drawn, (raw >> np.uint64(11)).astype(np.float64) / 2**53)
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0


@pytest.mark.parametrize("bound", [1, 2, 3, 10, 2**32 + 1, 2**53 + 1, 2**63 - 1, 2**63])
def test_below_is_the_upper_half_of_a_product(backend, bound):
    drawn = below(KEY, 3, bound, 4, 50, backend=backend)
    raw = words(KEY, 3, 4, 50, backend=backend)
    expected = [[int(w) * bound >> 64 for w in row] for row in raw]
    assert drawn.dtype == np.int64
    assert drawn.tolist() == expected
    assert drawn.min() >= 0
    assert int(drawn.max()) < bound


@pytest.mark.parametrize("bound", [2, 6, 100])
def test_below_is_uniform_across_items_and_along_streams(backend, bound):
    for items, draws in ((20_000, 1), (1, 20_000)):
        drawn = below(KEY, 0, bound, items, draws, backend=backend)
        counts = np.bincount(drawn.ravel(), minlength=bound)
        expected = items * draws / bound
        chi_square = float(((counts - expected) ** 2 / expected).sum())
        freedom = bound - 1
        assert abs(chi_square - freedom) < 4.5 * np.sqrt(2 * freedom) + 4


# Keys


@pytest.mark.parametrize("seed", [0, 1, 2**200, np.int64(3), [1, 2], np.random.SeedSequence(5)])
def test_seeds_give_the_same_key_always(seed):
    key = as_key(seed)
    assert key.dtype == np.uint64
    assert key.shape == (2,)
    np.testing.assert_array_equal(as_key(seed), key)


def test_the_key_of_a_seed_is_fixed_for_good():
    np.testing.assert_array_equal(
        as_key(12345), np.random.Generator(np.random.PCG64(12345)).bit_generator.random_raw(2)
    )


def test_seeds_and_fresh_entropy_differ():
    keys = {as_key(seed).tobytes() for seed in [None, None, 0, 1, 2]}
    assert len(keys) == 5


@pytest.mark.parametrize(
    "bits", [np.random.PCG64, np.random.Philox, np.random.MT19937, np.random.SFC64]
)
def test_generators_move_on(bits):
    generator = np.random.Generator(bits(7))
    first, second = as_key(generator), as_key(generator)
    assert first.tobytes() != second.tobytes()
    # A BitGenerator stands for a Generator of it, and 32-bit ones fill the upper halves too.
    np.testing.assert_array_equal(as_key(bits(7)), first)
    assert (first >> np.uint64(32)).all()


@pytest.mark.parametrize("bad", ["seed", 1.5, True, {"a": 1}, object()])
def test_what_is_no_seed_is_a_type_error(bad):
    with pytest.raises(TypeError, match=r"rng is .*, expected None, an int >= 0, a SeedSequence"):
        as_key(bad)


def test_a_negative_seed_is_a_value_error():
    with pytest.raises(ValueError, match="rng is -1, expected None, an int >= 0"):
        as_key(-1)


def test_the_backend_is_checked():
    with pytest.raises(ValueError, match="backend is 'fortran', expected one of 'cpp', 'numpy'"):
        words(KEY, 0, 1, 1, backend="fortran")


# The kernels themselves


def test_kernels_take_no_other_type():
    from minimand._core import random as compiled

    with pytest.raises(TypeError):
        compiled.philox_words(KEY, 0, np.empty((2, 2)), 1)
    with pytest.raises(TypeError):
        compiled.philox_words(KEY.astype(float), 0, np.empty((2, 2), dtype=np.uint64), 1)
    with pytest.raises(TypeError):
        compiled.philox_uniform(KEY, 0, np.empty((4, 4))[::2, ::2], 1)


# Permutations


@settings(max_examples=60)
@given(st.tuples(word, word), word, st.integers(0, 300))
def test_permutation_is_the_fisher_yates_of_its_words(key, item, size):
    key = np.array(key, dtype=np.uint64)
    order = list(range(size))
    drawn = numpys_words(key, item, size).tolist()
    for draw, i in enumerate(range(size - 1, 0, -1)):
        j = drawn[draw] * (i + 1) // 2**64
        order[i], order[j] = order[j], order[i]
    for backend in ("cpp", "numpy"):
        assert permutation(key, item, size, backend=backend).tolist() == order


def test_permutation_longer_than_the_cache_of_partners_is_one(backend):
    order = permutation(KEY, 3, 100_000, backend=backend)
    assert np.array_equal(np.sort(order), np.arange(100_000))
    assert not np.array_equal(order, permutation(KEY, 4, 100_000, backend=backend))


def test_every_permutation_is_equally_likely():
    """All 24 orders of four: chi-square with 23 degrees of freedom."""
    draws = 24_000
    orders = [tuple(permutation(KEY, item, 4)) for item in range(draws)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert counts.size == 24
    assert (
        (counts - draws / 24) ** 2 / (draws / 24)
    ).sum() < 58.6  # exceeded with probability 6e-5
