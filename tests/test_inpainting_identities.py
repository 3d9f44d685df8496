"""inpaint keeps the laws of its problem: what is the same problem in other words."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inpainting_checks import EXACT, NAN, certified, variation

from minimand import inpaint
from minimand.problems import inpainting as problems

TOL = 1e-6
COUPLINGS = ["separate", "joint"]
METHODS = ["auto", "newton", "pdhg"]

RNG = np.random.default_rng(21)
GRAY = RNG.uniform(size=(13, 11))
COLOUR = RNG.uniform(size=(13, 11, 3))
KNOWN = problems.random_mask(13, 11, unknown=0.5, rng=22)


def overlap(a, b, factor=1.0):
    """The optimum of a is `factor` times that of b, as far as the certificates tell."""
    low, high = factor * b.lower_bound, factor * b.objective
    assert a.lower_bound <= high * (1 + EXACT)
    assert a.objective >= low * (1 - EXACT)


def bits(result):
    return (
        result.image.tobytes(),
        result.dual.tobytes(),
        result.objective,
        result.lower_bound,
        result.gap,
        result.iterations,
        result.method,
    )


class TestValues:
    @pytest.mark.parametrize("coupling", COUPLINGS)
    @pytest.mark.parametrize(
        ("a", "b"), [(3.0, 0.0), (-1.0, 0.0), (255.0, 16.0), (-0.01, 7.0), (1e-6, 1.0)]
    )
    def test_affine_map(self, a, b, coupling, backend):
        options = {"coupling": coupling, "backend": backend}
        plain = certified(COLOUR, KNOWN, **options)
        moved = certified(a * COLOUR + b, KNOWN, **options)
        # The map is rounded: each term changes by that, at most.
        rounding = 4 * COLOUR.size * 2.0**-52 * (abs(a) + abs(b)) / (abs(a) * plain.objective)
        assert moved.lower_bound <= abs(a) * plain.objective * (1 + rounding)
        assert moved.objective >= abs(a) * plain.lower_bound * (1 - rounding)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("exponent", [-1000, -300, -1, 8, 300, 1000])
    def test_powers_of_two_change_no_bit(self, exponent, method, backend):
        options = {"method": method, "backend": backend, "tol": 1e-4}
        plain = certified(GRAY, KNOWN, **options)
        scaled = certified(np.ldexp(GRAY, exponent), KNOWN, **options)
        assert np.array_equal(scaled.image, np.ldexp(plain.image, exponent))
        assert scaled.dual.tobytes() == plain.dual.tobytes()
        assert scaled.objective == math.ldexp(plain.objective, exponent)
        assert scaled.lower_bound == math.ldexp(plain.lower_bound, exponent)
        assert (scaled.gap, scaled.iterations) == (plain.gap, plain.iterations)

    @pytest.mark.parametrize("size", [1e-300, 1e300])
    @pytest.mark.parametrize("coupling", COUPLINGS)
    def test_ends_of_the_range(self, coupling, size, backend):
        image = COLOUR * size
        result = certified(image, KNOWN, coupling=coupling, backend=backend)
        plain = certified(COLOUR, KNOWN, coupling=coupling, backend=backend)
        overlap(result, plain, size)

    def test_subnormal_numbers(self, backend):
        # The answer is rounded to them as well: a gap of 1e-6 is not to be had.
        image = np.round(GRAY * 1000) * 5e-324
        result = certified(image, KNOWN, tol=1e-2, backend=backend)
        plain = certified(np.round(GRAY * 1000), KNOWN, backend=backend)
        assert result.objective / 5e-324 == pytest.approx(plain.objective, rel=1e-2)

    def test_beyond_the_range(self, backend):
        # All numbers are in the range of float64, but their differences and sums are not.
        image = np.where(GRAY > 0.5, 1.7e308, -1.7e308)
        known = KNOWN.copy()
        known[0, :2] = True
        image[0, :2] = -1.7e308, 1.7e308
        result = inpaint(image, known, backend=backend)
        assert result.status.ok
        assert result.objective == np.inf
        assert result.gap <= TOL
        assert np.isfinite(result.image).all()
        assert all(certificate.holds for certificate in result.verify(image, known))

    def test_a_huge_value_in_no_term(self, backend):
        image = GRAY.copy()
        known = KNOWN.copy()
        image[-1, -1], known[-1, -1] = 1e200, True
        result = certified(image, known, backend=backend)
        overlap(result, certified(GRAY, known, backend=backend))


class TestChannels:
    def test_separate_is_each_channel_alone(self, backend):
        together = certified(COLOUR, KNOWN, backend=backend)
        alone = [certified(COLOUR[..., c], KNOWN, backend=backend) for c in range(3)]
        assert together.objective >= math.fsum(one.lower_bound for one in alone) * (1 - EXACT)
        assert together.lower_bound <= math.fsum(one.objective for one in alone) * (1 + EXACT)
        for c, one in enumerate(alone):
            part = variation(together.image[..., c])
            assert part >= one.lower_bound * (1 - EXACT)

    def test_joint_with_equal_channels(self, backend):
        gray = certified(GRAY, KNOWN, backend=backend)
        equal = np.stack([GRAY] * 3, axis=-1)
        joint = certified(equal, KNOWN, coupling="joint", backend=backend)
        overlap(joint, gray, math.sqrt(3.0))

    def test_joint_is_less_than_separate(self, backend):
        separate = certified(COLOUR, KNOWN, backend=backend)
        joint = certified(COLOUR, KNOWN, coupling="joint", backend=backend)
        assert joint.objective < separate.objective
        assert separate.lower_bound <= math.sqrt(3.0) * joint.objective
        # Each is best in its own sense.
        assert variation(separate.image, joint=True) >= joint.lower_bound
        assert variation(joint.image) >= separate.lower_bound

    @pytest.mark.parametrize("image", [GRAY, GRAY[..., np.newaxis]])
    def test_coupling_of_one_channel(self, image, backend):
        joint = certified(image, KNOWN, coupling="joint", backend=backend)
        separate = certified(image, KNOWN, backend=backend)
        assert bits(joint) == bits(separate)

    @pytest.mark.parametrize("coupling", COUPLINGS)
    def test_order_of_channels(self, coupling, backend):
        options = {"coupling": coupling, "backend": backend}
        a, b = certified(COLOUR, KNOWN, **options), certified(COLOUR[..., ::-1], KNOWN, **options)
        overlap(a, b)

    @pytest.mark.parametrize("coupling", COUPLINGS)
    def test_constant_channel(self, coupling, backend):
        image = COLOUR.copy()
        image[..., 1] = 0.25
        result = certified(image, KNOWN, coupling=coupling, backend=backend)
        assert (result.image[..., 1] == 0.25).all()
        rest = certified(image[..., [0, 2]], KNOWN, coupling=coupling, backend=backend)
        overlap(result, rest)


class TestPlaces:
    @pytest.mark.parametrize("image", [GRAY, COLOUR])
    @pytest.mark.parametrize("coupling", COUPLINGS)
    def test_transposition(self, coupling, image, backend):
        options = {"coupling": coupling, "backend": backend}
        plain = certified(image, KNOWN, **options)
        overlap(certified(np.swapaxes(image, 0, 1), KNOWN.T, **options), plain)

    def test_whole_is_the_sum_of_its_parts(self, backend):
        # Two images side by side, with known columns where they touch.
        left, right = KNOWN.copy(), problems.random_mask(13, 11, unknown=0.6, rng=23)
        left[:, -1] = right[:, 0] = True
        other = COLOUR[..., 0]
        whole = certified(np.hstack([GRAY, other]), np.hstack([left, right]), backend=backend)
        parts = [certified(GRAY, left, backend=backend), certified(other, right, backend=backend)]
        seam = variation(np.column_stack([GRAY[:, -1], other[:, 0]]))
        assert whole.objective >= seam + sum(p.lower_bound for p in parts) * (1 - EXACT)
        assert whole.lower_bound <= (seam + sum(p.objective for p in parts)) * (1 + EXACT)
        assert whole.n_components == sum(p.n_components for p in parts)

    def test_each_component_is_best_on_its_own(self, backend):
        known = problems.random_mask(13, 11, unknown=0.35, rng=24)
        whole = certified(GRAY, known, tol=1e-8, backend=backend)
        assert whole.n_components > 3
        for i, j in np.argwhere(~known)[::5]:
            one = np.ones_like(known)
            one[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2] = False
            again = certified(whole.image, known | one, tol=1e-8, backend=backend)
            assert again.objective >= whole.lower_bound * (1 - EXACT)

    def test_more_known_pixels_cost_more(self, backend):
        some = certified(GRAY, KNOWN, backend=backend)
        more = certified(GRAY, KNOWN | problems.random_mask(13, 11, rng=25), backend=backend)
        assert some.n_unknown > more.n_unknown
        assert more.objective > some.lower_bound

    def test_answer_as_known_values(self, backend):
        first = certified(GRAY, KNOWN, tol=1e-8, backend=backend)
        again = certified(first.image, problems.random_mask(13, 11, rng=26) | KNOWN, tol=1e-8)
        assert again.objective >= first.lower_bound * (1 - EXACT)
        everything = certified(first.image, np.ones_like(KNOWN), backend=backend)
        assert everything.objective == pytest.approx(first.objective, rel=EXACT)


class TestInput:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("coupling", COUPLINGS)
    def test_threads_change_no_bit(self, coupling, method, backend):
        options = {"coupling": coupling, "method": method, "tol": 1e-4, "backend": backend}
        one = bits(certified(COLOUR, KNOWN, threads=1, **options))
        for threads in (2, 4):
            assert bits(certified(COLOUR, KNOWN, threads=threads, **options)) == one

    @pytest.mark.parametrize("method", METHODS)
    def test_threads_change_no_bit_of_larger_images(self, method):
        image = problems.photograph("camera")[:120, :100]
        known = problems.random_mask(120, 100, unknown=0.6, rng=27)
        options = {"method": method, "tol": 1e-3}
        one = bits(certified(image, known, threads=1, **options))
        for threads in (2, 4):
            assert bits(certified(image, known, threads=threads, **options)) == one

    @pytest.mark.parametrize("junk", [0.0, NAN, np.inf, -np.inf, 1e308, -7.0])
    @pytest.mark.parametrize("image", [GRAY, COLOUR])
    def test_what_stands_in_unknown_pixels_does_not_matter(self, image, junk, backend):
        expected = bits(certified(image, KNOWN, backend=backend))
        other = image.copy()
        other[~KNOWN] = junk
        assert bits(certified(other, KNOWN, backend=backend)) == expected

    @pytest.mark.parametrize("colour", [(), (3,)])
    def test_types_and_layouts(self, colour, backend):
        plain = np.round(255 * (COLOUR if colour else GRAY))
        expected = bits(certified(plain, KNOWN, backend=backend))
        padded = np.zeros((13, 22, *colour))
        padded[:, ::2] = plain
        planar = np.moveaxis(np.ascontiguousarray(np.moveaxis(plain, -1, 0)), 0, -1)
        types = [np.uint8, np.uint16, np.int64, np.float16, np.float32, np.longdouble, ">f8"]
        odd = [plain.astype(dtype) for dtype in types]
        odd += [np.asfortranarray(plain), padded[:, ::2], planar, plain.tolist()]
        for image in odd:
            assert bits(certified(image, KNOWN, backend=backend)) == expected
        for known in (KNOWN.astype(np.uint8), np.asfortranarray(KNOWN), KNOWN.tolist()):
            assert bits(certified(plain, known, backend=backend)) == expected

    def test_every_call_gives_the_same_bits(self, backend):
        first = bits(certified(COLOUR, KNOWN, backend=backend))
        assert bits(certified(COLOUR, KNOWN, backend=backend)) == first

    def test_chunks_change_no_bit(self, backend):
        # A callback that waits makes the driver's chunks shorter.
        expected = bits(certified(GRAY, KNOWN, method="pdhg", tol=1e-4, backend=backend))
        seen = []

        def wait(snapshot):
            seen.append(sum(range(100_000)))
            assert snapshot.image.shape == GRAY.shape

        options = {"method": "pdhg", "tol": 1e-4, "backend": backend, "callback": wait}
        assert bits(certified(GRAY, KNOWN, **options)) == expected
        assert seen


@settings(max_examples=40)
@given(
    st.integers(1, 7),
    st.integers(1, 7),
    st.sampled_from([(), (1,), (2,)]),
    st.sampled_from(COUPLINGS),
    st.sampled_from(METHODS),
    st.floats(0.0, 1.0),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 3, 255]),
)
def test_any_small_image(m, n, colour, coupling, method, unknown, seed, levels):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, levels, size=(m, n, *colour), endpoint=True)
    known = problems.random_mask(m, n, unknown=unknown, rng=rng)
    problem = problems.lost_pixels(image, known, coupling=coupling)
    options = {"coupling": coupling, "method": method, "tol": 1e-3}
    plain = certified(problem.image, known, backend="numpy", **options)
    result = certified(problem.image, known, backend="cpp", **options)
    overlap(result, plain)
    assert result.lower_bound <= problem.upper
    assert result.image.min() >= image[known].min()
    assert result.image.max() <= image[known].max()
