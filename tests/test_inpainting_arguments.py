"""Images and masks: what passes, without a copy where possible, and what is wrong with the rest."""

import numpy as np
import pytest

from minimand._common.arrays import freeze
from minimand.inpainting.arguments import (
    as_image,
    as_known,
    as_tolerance,
    check_all_finite,
    check_known_finite,
)

GRAY = np.arange(12.0).reshape(3, 4)
COLOUR = np.arange(24.0).reshape(3, 4, 2)
KNOWN = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 1, 1]], dtype=bool)


def is_ready(array, dtype):
    flags = array.flags
    return (
        type(array) is np.ndarray
        and array.dtype == dtype
        and array.dtype.isnative
        and flags.c_contiguous
        and flags.aligned
        and min(array.strides) >= 0
    )


def odd_versions(array):
    shifted = np.empty(array.nbytes + 1, dtype=np.uint8)[1:].view(array.dtype)
    shifted = shifted.reshape(array.shape)
    shifted[...] = array
    return {
        "lists": array.tolist(),
        "fortran": np.asfortranarray(array),
        "reversed": np.flip(np.flip(array).copy()),
        "every other": np.repeat(array, 2, axis=1)[:, ::2],
        "big endian": array.astype(array.dtype.newbyteorder(">")),
        "unaligned": shifted,
        "int": array.astype(int),
        "uint8": array.astype(np.uint8),
        "uint16": array.astype(np.uint16),
        "float16": array.astype(np.float16),
        "float32": array.astype(np.float32),
        "longdouble": array.astype(np.longdouble),
        "read-only": freeze(array),
    }


class TestImages:
    def test_gray_of_float64_is_not_copied(self):
        image = as_image("image", GRAY)
        assert image.gray
        assert image.shape == (3, 4)
        assert image.planar.shape == (1, 3, 4)
        assert np.shares_memory(image.planar, GRAY)

    def test_colour_becomes_planes(self):
        image = as_image("image", COLOUR)
        assert not image.gray
        assert image.shape == (3, 4, 2)
        assert is_ready(image.planar, np.float64)
        assert np.array_equal(image.planar, np.moveaxis(COLOUR, -1, 0))
        assert not np.shares_memory(image.planar, COLOUR)

    def test_one_channel_keeps_its_axis(self):
        image = as_image("image", GRAY[..., np.newaxis])
        assert not image.gray
        assert image.shape == (3, 4, 1)
        assert is_ready(image.planar, np.float64)

    @pytest.mark.parametrize("array", [GRAY, COLOUR, GRAY[:1], GRAY[:, :1]])
    def test_any_type_and_layout(self, array):
        plain = as_image("image", array).planar
        for label, odd in odd_versions(array).items():
            image = as_image("image", odd)
            assert is_ready(image.planar, np.float64), label
            assert np.array_equal(image.planar, plain), label
            assert image.shape == array.shape

    @pytest.mark.parametrize("array", [GRAY, COLOUR])
    def test_and_back_again(self, array):
        image = as_image("image", array)
        back = image.as_given(image.planar)
        assert back.flags.c_contiguous
        assert np.array_equal(back, array)

    def test_bool(self):
        assert as_image("image", KNOWN).planar.tolist() == [KNOWN.astype(float).tolist()]

    def test_what_is_not_a_number_is_left_to_others(self):
        assert np.isnan(as_image("image", [[np.nan, 1.0]]).planar[0, 0, 0])

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (3.0, r"image has shape \(\), expected \(rows, columns\) or"),
            ([1.0, 2.0], r"image has shape \(2,\), .*; use np.reshape\(image, \(1, -1\)\)"),
            (np.ones((2, 2, 2, 2)), r"image has shape \(2, 2, 2, 2\), expected .*channels\)$"),
            (np.ones((0, 4)), r"image is empty \(shape \(0, 4\)\), expected at least one pixel"),
            (np.ones((3, 4, 0)), r"image is empty \(shape \(3, 4, 0\)\)"),
            ([[1.0, 2.0], [3.0]], "image is ragged"),
        ],
    )
    def test_wrong_shapes(self, value, message):
        with pytest.raises(ValueError, match=message):
            as_image("image", value)

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (GRAY + 1j, "image has dtype complex128"),
            (GRAY.astype(object), "image has dtype object"),
            (GRAY.astype(str), "image has dtype <U"),
            ("photo.png", "image has dtype <U"),
            (None, "image is None"),
        ],
    )
    def test_wrong_types(self, value, message):
        with pytest.raises(TypeError, match=message):
            as_image("image", value)


class TestMasks:
    def test_bool_is_not_copied(self):
        assert np.shares_memory(as_known(KNOWN, GRAY.shape), KNOWN)
        assert as_known(KNOWN, COLOUR.shape) is KNOWN

    def test_any_type_and_layout(self):
        for label, odd in odd_versions(KNOWN.astype(float)).items():
            mask = as_known(odd, GRAY.shape)
            assert is_ready(mask, np.bool_), label
            assert np.array_equal(mask, KNOWN), label
        for part in (KNOWN[::-1, ::-1], KNOWN[:, ::2], KNOWN[:1][::-1], KNOWN.T):
            mask = as_known(part, part.shape)
            assert is_ready(mask, np.bool_)
            assert np.array_equal(mask, part)

    @pytest.mark.parametrize(
        ("known", "shape", "message"),
        [
            (
                KNOWN[:, :3],
                (3, 4),
                r"known has shape \(3, 3\) but image has shape \(3, 4\), expected \(3, 4\)$",
            ),
            (KNOWN[0], (3, 4), r"known has shape \(4,\) but image has shape \(3, 4\)"),
            (True, (3, 4), r"known has shape \(\) but"),
            (np.ones((3, 4, 2)), (3, 4, 2), r"expected \(3, 4\); use known.all\(axis=-1\)"),
            (np.ones((3, 4, 1)), (3, 4), r"expected \(3, 4\); use known.all\(axis=-1\)"),
            (KNOWN.T, (3, 4, 2), r"expected \(3, 4\); it looks transposed, use known.T"),
            (KNOWN, (7, 3, 4), r"expected \(7, 3\); use np.moveaxis\(image, 0, -1\)"),
            (KNOWN[:0], (3, 4), r"known is empty \(shape \(0, 4\)\), expected one entry for each"),
        ],
    )
    def test_wrong_shapes(self, known, shape, message):
        with pytest.raises(ValueError, match=message):
            as_known(known, shape)

    @pytest.mark.parametrize(
        ("value", "came"), [(255, "255.0"), (-1, "-1.0"), (0.5, "0.5"), (np.nan, "NaN")]
    )
    def test_only_zero_and_one(self, value, came):
        known = KNOWN.astype(float)
        known[1, 2] = value
        message = rf"known has {came} at row 1, column 2, .*; use known > 0 \(True means known\)"
        with pytest.raises(ValueError, match=message):
            as_known(known, GRAY.shape)

    def test_integers_are_quoted_as_they_are(self):
        with pytest.raises(ValueError, match="known has 255 at row 0, column 0, expected True"):
            as_known(255 * KNOWN.astype(np.uint8), GRAY.shape)

    def test_nothing_known(self):
        message = "known has no True entry, .* every constant image is optimal; .* use ~known if"
        with pytest.raises(ValueError, match=message):
            as_known(np.zeros((3, 4), dtype=bool), GRAY.shape)
        with pytest.raises(ValueError, match="True means known: use known == 0 if"):
            as_known(np.zeros((3, 4), dtype=int), GRAY.shape)

    @pytest.mark.parametrize("value", [KNOWN + 1j, KNOWN.astype(object), KNOWN.astype(str), None])
    def test_wrong_types(self, value):
        with pytest.raises(TypeError, match="known "):
            as_known(value, GRAY.shape)


class TestGaps:
    @pytest.mark.parametrize(("bad", "came"), [(np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "-inf")])
    def test_in_a_known_pixel(self, bad, came):
        gray = GRAY.copy()
        gray[1, 2] = gray[2, 0] = bad
        message = rf"image has {came} at row 1, column 2, a known pixel, .*np.isfinite\(image\) is"
        with pytest.raises(ValueError, match=message):
            check_known_finite("image", as_image("image", gray), KNOWN)

    def test_in_a_channel_of_a_known_pixel(self):
        colour = COLOUR.copy()
        colour[2, 1, 0] = colour[1, 2, 1] = np.nan  # in the order of rows, not of channels
        message = r"row 1, column 2, channel 1, a known .*np.isfinite\(image\).all\(axis=-1\) is"
        with pytest.raises(ValueError, match=message):
            check_known_finite("image", as_image("image", colour), KNOWN)

    @pytest.mark.parametrize("array", [GRAY, COLOUR])
    def test_under_unknown_pixels_they_are_fine(self, array):
        image = array.copy()
        image[~KNOWN] = np.nan
        check_known_finite("image", as_image("image", image), KNOWN)
        check_known_finite("image", as_image("image", array), KNOWN)

    @pytest.mark.parametrize("array", [GRAY, COLOUR])
    def test_polarity_that_is_inverted(self, array):
        image = array.copy()
        image[~KNOWN] = np.nan
        with pytest.raises(ValueError, match=r"row 0, column 1.*did you mean ~known"):
            check_known_finite("image", as_image("image", image), ~KNOWN)
        image[0, 0] = np.nan  # now they are not the same pixels
        with pytest.raises(ValueError, match="set known to False there"):
            check_known_finite("image", as_image("image", image), ~KNOWN)

    def test_anywhere(self):
        check_all_finite("image", as_image("image", COLOUR))
        colour = COLOUR.copy()
        colour[0, 3, 1] = -np.inf
        with pytest.raises(ValueError, match="image has -inf at row 0, column 3, channel 1, exp"):
            check_all_finite("image", as_image("image", colour))

    def test_what_float64_cannot_hold(self):
        huge = GRAY.astype(np.longdouble)
        huge[0, 2] = np.ldexp(np.longdouble(1.0), 2000)
        with pytest.raises(ValueError, match="image has inf at row 0, column 2"):
            check_known_finite("image", as_image("image", huge), KNOWN)


def test_tolerance():
    assert as_tolerance("tol", 1e-12) == 1e-12
    assert as_tolerance("tol", 3) == 3.0
    for bad in (1e-13, 5e-324):
        with pytest.raises(ValueError, match=rf"tol is {bad}, expected at least 1e-12"):
            as_tolerance("tol", bad)
    for bad in (0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="tol is"):
            as_tolerance("tol", bad)
    with pytest.raises(TypeError, match="tol is None"):
        as_tolerance("tol", None)
