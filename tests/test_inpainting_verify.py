"""`verify` passes good answers, and notices what is wrong with bad ones; without the solver."""

import ast
import dataclasses
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from inpainting_checks import PROVED, approximate, check, differences, dual_shape, proved, variation

import minimand
from minimand._common.errors import CertificateError
from minimand._common.result import Status
from minimand.inpainting import verification
from minimand.inpainting.result import InpaintingResult, certificates
from minimand.inpainting.verification import lower_bound
from minimand.problems import inpainting as problems


def claim(image, known, answer, dual, *, coupling="separate", tol=1e-6):
    """A result with the numbers that belong to an answer and a dual field, plainly computed."""
    objective = variation(answer, joint=coupling == "joint")
    bound = lower_bound(image, known, dual, coupling=coupling)
    gap = (objective - bound) / objective if objective else 0.0
    return InpaintingResult(
        status=Status.CONVERGED, iterations=0, history=(), seconds=0.0, backend="numpy",
        certificates=certificates(0, gap, tol, 1e-15), image=np.array(answer), objective=objective,
        lower_bound=bound, gap=gap, dual=np.array(dual), coupling=coupling, method="newton",
        n_unknown=int(np.count_nonzero(~known)), n_components=1,
        n_undetermined=int(min(known.shape) > 1 and not known[-1, -1]), tol=tol,
    )  # fmt: skip


def claim_of(problem):
    p = problem
    return claim(p.image, p.known, p.answer, p.dual, coupling=p.coupling)


def fair(*, colour=(), joint=False, tol=0.05):
    """An answer with a gap of some permille, and its data."""
    rng = np.random.default_rng(5)
    image = rng.uniform(size=(7, 8, *colour))
    known = problems.random_mask(7, 8, unknown=0.4, rng=rng)
    answer, dual = approximate(image, known, joint=joint, steps=30)
    coupling = "joint" if joint else "separate"
    answer, dual = answer.reshape(image.shape), dual.reshape(dual_shape(image.shape))
    return claim(image, known, answer, dual, coupling=coupling, tol=tol), image, known


def change(result, **fields):
    return dataclasses.replace(result, **fields)


def gap_of(certificates):
    return next(c.value for c in certificates if c.name == "duality gap")


class TestProblems:
    """The problems with known answers have them."""

    @proved
    def test_answer_and_dual_field_prove_the_optimum(self, problem):
        joint = problem.coupling == "joint"
        assert np.array_equal(problem.answer[problem.known], problem.image[problem.known])
        assert variation(problem.answer, joint=joint) == pytest.approx(problem.upper, rel=1e-15)
        bound = lower_bound(problem.image, problem.known, problem.dual, coupling=problem.coupling)
        assert bound == pytest.approx(problem.lower, rel=1e-13)
        assert bound <= problem.lower <= problem.upper

    @proved
    def test_unknown_values_are_not_there(self, problem):
        assert np.isnan(problem.image[~problem.known]).all()
        with pytest.raises(ValueError, match="read-only"):
            problem.image[0, 0] = 1.0

    @pytest.mark.parametrize("unknown", [0.707, 0.99])
    def test_camera96(self, unknown):
        problem = problems.camera96(unknown)
        assert problem.image.shape == problem.known.shape == (96, 96)
        assert problem.image.dtype == np.uint8
        assert 1 - problem.known.mean() == pytest.approx(unknown, abs=0.006)
        assert problem.upper / problem.lower - 1 < 2e-9
        assert variation(problem.image) > problem.upper
        with pytest.raises(ValueError, match=r"unknown is 0.5, expected one of 0.707, 0.99"):
            problems.camera96(0.5)

    @pytest.mark.parametrize("coupling", ["separate", "joint"])
    @pytest.mark.parametrize("shape", [(6, 5), (6, 5, 3), (1, 5), (5, 1, 2)])
    def test_lost_pixels(self, shape, coupling):
        original = np.random.default_rng(0).uniform(size=shape)
        known = problems.random_mask(*shape[:2], unknown=0.3, rng=1)
        problem = problems.lost_pixels(original, known, coupling=coupling)
        exact = variation(original, joint=coupling == "joint")
        assert problem.upper == pytest.approx(exact, rel=2e-12)
        assert np.isnan(problem.image[~known]).all()
        assert np.array_equal(problem.image[known], original[known])

    def test_random_masks(self):
        mask = problems.random_mask(200, 300, unknown=0.7, rng=1)
        assert mask.mean() == pytest.approx(0.3, abs=0.01)
        assert np.array_equal(mask, problems.random_mask(200, 300, unknown=0.7, rng=1))
        assert problems.random_mask(4, 5, unknown=0.0).all()
        assert np.count_nonzero(problems.random_mask(4, 5, unknown=1.0)) == 1

    def test_text_masks(self):
        mask = problems.text_mask(20, 80, scale=2, margin=3)
        border = np.ones_like(mask)
        border[3:-3, 3:-3] = False
        assert mask[border].all()
        assert 0.2 < 1 - mask[~border].mean() < 0.5
        assert problems.text_mask(1, 2, margin=1).all()
        letter = ["".join(".#"[not known] for known in row) for row in mask[3:13:2, 3:9:2]]
        assert letter == ["#.#", "###", "###", "#.#", "#.#"]

    def test_photographs(self):
        assert problems.photograph("camera").shape == (256, 256)
        assert problems.photograph("coffee").shape == (200, 300, 3)
        assert problems.photograph("coffee").dtype == np.uint8
        with pytest.raises(ValueError, match="name is 'lena', expected one of"):
            problems.photograph("lena")


class TestGoodAnswers:
    @proved
    def test_are_accepted(self, problem):
        result = claim_of(problem)
        check(result, problem.image, problem.known)
        assert gap_of(result.verify(problem.image, problem.known)) < 1e-13

    @pytest.mark.parametrize("joint", [False, True])
    @pytest.mark.parametrize("colour", [(), (1,), (3,)])
    def test_with_a_gap(self, colour, joint):
        result, image, known = fair(colour=colour, joint=joint)
        check(result, image, known)
        assert 1e-6 < result.gap < 0.05
        assert gap_of(result.verify(image, known)) == pytest.approx(result.gap, rel=1e-9)

    @pytest.mark.parametrize("exponent", [-1070, -1000, -500, 500, 1000])
    @proved
    def test_in_any_unit(self, problem, exponent):
        scale = math.ldexp(1.0, exponent)
        image, answer = problem.image * scale, problem.answer * scale
        bound = lower_bound(image, problem.known, problem.dual, coupling=problem.coupling)
        plain = lower_bound(problem.image, problem.known, problem.dual, coupling=problem.coupling)
        if exponent > -1000:  # else some numbers are subnormal
            assert bound == plain * scale
        unscaled = variation(np.ldexp(answer, -exponent), joint=problem.coupling == "joint")
        objective = float(np.ldexp(unscaled, exponent))
        result = change(claim_of(problem), image=answer, objective=objective, lower_bound=bound)
        check(result, image, problem.known)

    def test_a_sum_beyond_the_range(self):
        # Each pixel is in the range of float64, the objective is not.
        problem = problems.step(40, 3)
        image, answer = problem.image * 1.5e308, problem.answer * 1.5e308
        result = change(claim_of(problem), image=answer, objective=np.inf)
        assert lower_bound(image, problem.known, problem.dual) == np.inf
        result.verify(image, problem.known)
        with pytest.raises(CertificateError, match="objective is inf, recorded was 1e"):
            change(result, objective=1e308).verify(image, problem.known)

    def test_the_last_corner_may_be_anything(self):
        problem = problems.step(4, 6)
        image, answer = problem.image.copy(), problem.answer.copy()
        image[-1, -1] = answer[-1, -1] = 1e300
        result = change(claim_of(problem), image=answer)
        check(result, image, problem.known)

    @pytest.mark.parametrize("coupling", ["separate", "joint"])
    @pytest.mark.parametrize("size", [1e-300, 1e300])
    def test_a_constant_channel_of_any_size(self, size, coupling):
        p = problems.affine(5, 6, slopes=((0, 0), (3, 4), (0, 0)), coupling=coupling)
        image, answer = p.image.copy(), p.answer.copy()
        image[..., 0] = answer[..., 0] = size
        image[..., 2] = answer[..., 2] = -size
        result = change(claim_of(p), image=answer)
        check(result, image, p.known)
        assert lower_bound(image, p.known, p.dual, coupling=coupling) == claim_of(p).lower_bound

    def test_on_a_large_offset(self):
        problem = problems.step(5, 6)
        image, answer = problem.image + 2.0**40, problem.answer + 2.0**40
        result = claim(image, problem.known, answer, problem.dual)
        assert result.lower_bound == pytest.approx(problem.lower, rel=1e-13)
        check(result, image, problem.known)

    def test_integers_and_lists(self):
        image = [[0, 7, 4], [1, 7, 5]]
        known = [[1, 0, 1], [1, 0, 1]]
        answer, dual = np.array([[0.0, 2, 4], [1, 3, 5]]), np.zeros((1, 2, 2))
        result = claim(np.array(image), np.array(known, dtype=bool), answer, dual, tol=1.0)
        result.verify(image, known)
        result.verify(np.array(image, dtype=np.uint8), np.array(known, dtype=np.uint8))


class TestBadAnswers:
    def refuses(self, result, image, known, message):
        with pytest.raises(CertificateError, match=message):
            result.verify(image, known)

    @pytest.mark.parametrize("problem", ["affine", "affine, joint", "row", "step", "centre"])
    def test_dual_field_that_proves_less(self, problem):
        p = PROVED[problem]
        result = claim_of(p)
        bound = lower_bound(p.image, p.known, p.dual / 2, coupling=p.coupling)
        assert bound == pytest.approx(p.lower / 2)
        self.refuses(change(result, dual=p.dual / 2), p.image, p.known, "lower_bound is")
        weak = change(result, dual=p.dual / 2, lower_bound=bound)
        self.refuses(weak, p.image, p.known, r"gap is 0.5\S*, recorded was")
        self.refuses(change(weak, gap=0.5), p.image, p.known, r"duality gap is 0.5, the bound is")

    def test_dual_field_that_is_longer_than_1(self):
        p = PROVED["step"]
        long = p.dual.copy()
        long[1, 1] *= 2
        assert lower_bound(p.image, p.known, long) < 0.75 * p.lower
        self.refuses(change(claim_of(p), dual=long), p.image, p.known, "lower_bound is")
        # All of it being too long proves as much as before.
        change(claim_of(p), dual=1e200 * p.dual).verify(p.image, p.known)

    def test_dual_field_with_a_source_in_an_unknown_pixel(self):
        p = problems.affine(7, 7)
        wrong = p.dual.copy()
        wrong[3, 3] = -wrong[3, 3]
        self.refuses(change(claim_of(p), dual=wrong), p.image, p.known, "lower_bound is")

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_dual_field_without_meaning(self, bad):
        p = PROVED["affine"]
        dual = p.dual.copy()
        dual[2, 2, 0] = bad
        assert lower_bound(p.image, p.known, dual) == 0.0
        self.refuses(change(claim_of(p), dual=dual), p.image, p.known, "lower_bound is 0, rec")

    @pytest.mark.parametrize("problem", ["affine", "affine, colour", "row", "joint column"])
    def test_dual_field_of_another_shape(self, problem):
        p = PROVED[problem]
        for dual in (p.dual[1:], p.dual[..., np.newaxis], p.dual.ravel()[:0]):
            message = rf"dual has shape .*, expected \({', '.join(map(str, p.dual.shape))}"
            self.refuses(change(claim_of(p), dual=dual), p.image, p.known, message)

    @pytest.mark.parametrize("problem", ["affine", "affine, joint", "row", "centre"])
    def test_known_pixel_off_by_one_bit(self, problem):
        p = PROVED[problem]
        answer = p.answer.copy()
        at = tuple(np.argwhere(p.known)[-1])
        answer[at] = np.nextafter(answer[at], np.inf)
        wrong = answer[at].size
        message = f"known pixels is {wrong}, the bound is 0"
        self.refuses(change(claim_of(p), image=answer), p.image, p.known, message)

    def test_sign_of_zero(self):
        p = PROVED["step"]
        answer = p.answer.copy()
        answer[0, 0] = -0.0
        self.refuses(change(claim_of(p), image=answer), p.image, p.known, "known pixels is 1")

    @pytest.mark.parametrize("joint", [False, True])
    def test_unknown_pixel_that_was_changed(self, joint):
        result, image, known = fair(colour=(3,), joint=joint)
        answer = result.image.copy()
        i, j = np.argwhere(~known)[3]
        answer[i, j, 1] += 1e-9
        self.refuses(change(result, image=answer), image, known, r"objective is \S+, recorded was")
        answer[i, j, 1] = np.nan
        self.refuses(change(result, image=answer), image, known, "objective is nan, recorded")
        answer[i, j, 1] = np.inf
        self.refuses(change(result, image=answer), image, known, "objective is (inf|nan), rec")

    def test_numbers_that_are_stated_too_good(self):
        result, image, known = fair()
        better, worse = 1 - 1e-9, 1 + 1e-9
        self.refuses(
            change(result, objective=result.objective * better), image, known, "^Inp.*objective is"
        )
        self.refuses(
            change(result, objective=result.objective * worse), image, known, "objective is"
        )
        self.refuses(
            change(result, lower_bound=result.lower_bound * worse), image, known, "lower_bound is"
        )
        self.refuses(change(result, gap=result.gap * better), image, known, "gap is")
        for field in ("objective", "lower_bound", "gap"):
            self.refuses(change(result, **{field: np.nan}), image, known, f"{field} is")
        # Too bad is fine where it is a bound.
        change(result, lower_bound=result.lower_bound * better).verify(image, known)
        change(result, gap=result.gap * worse).verify(image, known)

    def test_certificate_that_is_understated(self):
        result, image, known = fair()
        stated = certificates(0, result.gap / 20, result.tol, 1e-15)
        self.refuses(change(result, certificates=stated), image, known, r"gap is \S+, recorded was")
        self.refuses(change(result, certificates=()), image, known, "is missing on one side")

    def test_gap_above_the_tolerance(self):
        result, image, known = fair()
        self.refuses(change(result, tol=1e-6), image, known, r"duality gap is .*bound is 1e-06")

    def test_counts(self):
        result, image, known = fair()
        self.refuses(change(result, n_unknown=3), image, known, r"n_unknown is \d+, recorded was 3")
        wrong = 1 - result.n_undetermined
        self.refuses(change(result, n_undetermined=wrong), image, known, "n_undetermined is")

    @pytest.mark.parametrize("joint", [False, True])
    def test_another_coupling(self, joint):
        result, image, known = fair(colour=(3,), joint=joint)
        other = "separate" if joint else "joint"
        self.refuses(change(result, coupling=other), image, known, "objective is")


class TestOtherData:
    def test_another_image(self):
        result, image, known = fair()
        nearly = image.copy()
        nearly[tuple(np.argwhere(known)[7])] *= 1 + 1e-15
        with pytest.raises(CertificateError, match="known pixels is 1, the bound is 0"):
            result.verify(nearly, known)
        with pytest.raises(CertificateError):
            result.verify(image[::-1], known)
        with pytest.raises(CertificateError, match="lower_bound is"):
            result.verify(np.full_like(image, 0.5), known)
        other = image.copy()
        other[~known] = -7.0  # what stands in unknown pixels does not matter
        result.verify(other, known)

    def test_another_mask(self):
        result, image, known = fair()
        more = known.copy()
        more[tuple(np.argwhere(~known)[0])] = True
        with pytest.raises(CertificateError, match="n_unknown is"):
            result.verify(image, more)
        shifted = np.roll(known, 1, axis=1)
        assert not np.array_equal(shifted, known)
        with pytest.raises(CertificateError):
            result.verify(image, shifted)
        with pytest.raises(CertificateError):
            result.verify(image, ~known)

    def test_another_shape(self):
        result, image, known = fair()
        with pytest.raises(ValueError, match=r"image has shape \(6, 8\) but the result is for"):
            result.verify(image[1:], known[1:])
        with pytest.raises(ValueError, match=r"image has shape \(7, 8, 1\) but the result is for"):
            result.verify(image[..., np.newaxis], known)
        with pytest.raises(ValueError, match=r"known has shape \(7, 7\) but image has"):
            result.verify(image, known[:, 1:])
        with pytest.raises(TypeError, match="known is None"):
            result.verify(image, None)


def box_by_flooding(f, known, i, j):
    """Ends of the box of the region of an unknown pixel, by walking through it."""
    m, n = known.shape

    def tied(a, b):
        for p in range(max(1, m - 1)):
            for q in range(max(1, n - 1)):
                term = {(p, q), (p + 1, q), (p, q + 1)} if min(m, n) > 1 else None
                if term is not None and (a, b) in term:
                    yield from term - {(a, b)}
        if min(m, n) == 1:
            yield from {(a - 1, b), (a + 1, b), (a, b - 1), (a, b + 1)} & set(np.ndindex(m, n))

    seen, border, todo = {(i, j)}, set(), [(i, j)]
    while todo:
        for pixel in tied(*todo.pop()):
            if known[pixel]:
                border.add(pixel)
            elif pixel not in seen:
                seen.add(pixel)
                todo.append(pixel)
    values = [f[pixel] for pixel in border] or [f.dtype.type(0)]
    return min(values), max(values)


def bound_by_definition(f, known, p):
    """Sum_known f r + sum_unknown min(l r, h r) of one channel, |p| <= 1; in any kind of number."""
    r = np.zeros(f.shape, dtype=f.dtype)
    if min(f.shape) == 1:
        line = r.reshape(-1)
        line[1:] += p
        line[:-1] -= p
    else:
        r[1:, :-1] += p[..., 0]
        r[:-1, 1:] += p[..., 1]
        r[:-1, :-1] -= p.sum(axis=-1)
    total = (f * r)[known].sum()
    for i, j in np.argwhere(~known):
        low, high = box_by_flooding(f, known, i, j)
        total += min(low * r[i, j], high * r[i, j])
    return total


SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 5))
VALUES = st.integers(-4, 4).map(float) | st.floats(-1, 1, width=16)


@st.composite
def instances(draw, colours=(1, 2)):
    """Data (m, n, C), a mask, a dual field as given, and an image that agrees with the data."""
    m, n = draw(SHAPES)
    shape = (m, n, draw(st.sampled_from(colours)))
    f = draw(hnp.arrays(np.float64, shape, elements=VALUES))
    known = draw(hnp.arrays(np.bool_, (m, n), elements=st.sampled_from([True, True, False])))
    assume(known.any())
    u = np.where(known[..., np.newaxis], f, draw(hnp.arrays(np.float64, shape, elements=VALUES)))
    p = draw(hnp.arrays(np.float64, dual_shape(shape), elements=st.floats(-1.5, 1.5, width=16)))
    if draw(st.booleans()):  # a direction in which something can be proved
        gradient = np.diff(u.reshape(-1, shape[2]), axis=0)
        p = 0.125 * p + (np.sign(gradient) if min(m, n) == 1 else np.sign(differences(u)))
    return f, known, p, u


class TestBounds:
    @given(instances(), st.booleans())
    def test_weak_duality(self, instance, joint):
        f, known, p, u = instance
        bound = lower_bound(f, known, p, coupling="joint" if joint else "separate")
        assert 0.0 <= bound <= variation(u, joint=joint) * (1 + 1e-14)

    @given(instances(colours=(1,)))
    def test_is_what_the_definition_says(self, instance):
        f, known, p, _ = instance
        found = lower_bound(f, known, p)
        f, line = f[..., 0], min(known.shape) == 1
        p = p[:, 0] if line else p[:, :, 0]
        length = np.abs(p) if line else np.sqrt((p**2).sum(axis=-1))
        s = max(1.0, length.max(initial=0.0))
        expected = max(0.0, bound_by_definition(f, known, p / s))
        assert found == pytest.approx(expected, abs=1e-11)

    @given(
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=5),
        st.integers(0, 2**32 - 1),
        st.sampled_from([0.0, 1.0, 1e6]),
    )
    def test_rounding_adds_nothing(self, shape, seed, offset):
        # In fractions; the field is shorter than 1, so nothing has to be divided.
        rng = np.random.default_rng(seed)
        f = rng.normal(size=shape) + offset
        known = problems.random_mask(*shape, unknown=0.3, rng=rng)
        p = 0.1 * rng.normal(size=dual_shape(shape))
        p += 0.5 * np.sign(differences(f[..., np.newaxis])[:, :, 0])
        assume((p**2).sum(axis=-1).max() < 1)
        exact = np.vectorize(Fraction, otypes=[object])
        bound, truth = lower_bound(f, known, p), bound_by_definition(exact(f), known, exact(p))
        assert Fraction(bound) <= max(0, truth)
        assert bound == pytest.approx(max(0.0, float(truth)), abs=1e-13 * (1 + offset * 1e-1))

    @given(instances(), st.floats(1.0, 1e3))
    def test_longer_fields_prove_the_same(self, instance, factor):
        f, known, p, _ = instance
        p = p / (np.abs(p).max(initial=0.0) or 1.0)  # so that some vector is at least 1 long
        one, other = (lower_bound(f, known, q, coupling="joint") for q in (p, factor * p))
        assert other == pytest.approx(one, rel=1e-12, abs=1e-12)

    @given(instances(), st.integers(-300, 300), st.booleans())
    def test_units(self, instance, exponent, joint):
        f, known, p, _ = instance
        options = {"coupling": "joint" if joint else "separate"}
        scaled = lower_bound(np.ldexp(f, exponent), known, p, **options)
        assert scaled == np.ldexp(lower_bound(f, known, p, **options), exponent)

    @given(
        st.integers(3, 12),
        st.integers(3, 12),
        st.integers(-50, 50),
        st.integers(-50, 50),
        st.integers(0, 2**30),
    )
    def test_never_above_an_optimum_that_is_known(self, m, n, a, b, offset):
        # Integers, so the optimum has no rounding but that of one square root.
        problem = problems.affine(m, n, slopes=((a, b),), border=1)
        bound = lower_bound(problem.image + offset, problem.known, problem.dual)
        squared = (m - 1) ** 2 * (n - 1) ** 2 * (a * a + b * b)
        assert bound == pytest.approx(math.sqrt(squared), rel=1e-9)
        numerator, denominator = bound.as_integer_ratio()
        assert numerator**2 <= squared * denominator**2

    def test_region_without_a_known_neighbour(self):
        # The last corner is the only pixel of its region; the first column decides the rest.
        known = np.zeros((3, 3), dtype=bool)
        known[:, 0] = True
        image = np.full((3, 3), np.nan)
        image[:, 0] = [1.0, 2.0, 4.0]
        dual = np.zeros((2, 2, 2))
        dual[:, 0, 0] = 1.0
        assert lower_bound(image, known, dual) == pytest.approx(3.0, rel=1e-14)

    def test_regions_are_no_larger_than_they_are(self):
        # In the last column nothing ties a pixel to the one below it, so the boxes of these two
        # regions are [0, 1] and [8, 9]; a source of 1 costs no more than 1 in either.
        image = np.array([[0.0, np.nan], [1.0, 8.0], [8.0, np.nan], [9.0, 9.0]])
        known = ~np.isnan(image)
        dual = np.zeros((3, 1, 2))
        dual[:, 0, 0] = [0.0, 1.0, 0.0]
        assert lower_bound(image, known, dual) == pytest.approx(7.0, rel=1e-14)
        dual[2, 0] = [0.0, 1.0]
        assert lower_bound(image, known, dual) == pytest.approx(7.0 + 8.0 - 8.0, rel=1e-14)

    def test_large_image(self):
        image = problems.photograph("camera")
        known = problems.random_mask(*image.shape, unknown=0.5, rng=2)
        gradient = differences(image[..., np.newaxis].astype(float))[:, :, 0]
        bound = lower_bound(image, known, gradient / 255)
        assert 0.0 <= bound <= variation(image)


class TestIndependence:
    def test_shares_nothing_with_the_solver(self):
        tree = ast.parse(Path(verification.__file__).read_text())
        nodes = list(ast.walk(tree))
        imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        imported |= {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
        ours = {name for name in imported if name.startswith("minimand")}
        assert ours <= {
            "minimand._common.arrays",
            "minimand._common.errors",
            "minimand._common.result",
            "minimand.inpainting.arguments",
            "minimand.inpainting.result",
        }

    def test_result_class_is_public(self):
        assert minimand.InpaintingResult is InpaintingResult
