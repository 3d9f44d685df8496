"""mask_from_color: which pixels were painted over."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minimand.inpainting.mask import mask_from_color
from minimand.problems.inpainting import photograph, text_mask


def by_loops(image, color, tol, dilate):
    """The definition, pixel by pixel, in integers or fractions of any size."""
    m, n = image.shape[:2]
    planes = image.reshape(m, n, -1).tolist()
    wanted = np.atleast_1d(color).tolist()
    unknown = {
        (i, j)
        for i in range(m)
        for j in range(n)
        if all(abs(a - b) <= tol for a, b in zip(planes[i][j], wanted, strict=True))
    }
    for _ in range(dilate):
        unknown |= {(i + a, j + b) for i, j in unknown for a in (-1, 0, 1) for b in (-1, 0, 1)}
    return np.array([[(i, j) not in unknown for j in range(n)] for i in range(m)])


@given(
    st.data(),
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
    st.sampled_from([(), (1,), (3,), (4,)]),
    st.integers(0, 3),
    st.integers(0, 4),
)
def test_is_what_the_loops_say(data, shape, channels, tol, dilate):
    image = data.draw(hnp.arrays(np.uint8, shape + channels, elements=st.integers(250, 255)))
    color = data.draw(hnp.arrays(np.uint8, channels, elements=st.integers(250, 255)))
    found = mask_from_color(image, color, tol=tol, dilate=dilate)
    assert found.dtype == np.bool_
    assert np.array_equal(found, by_loops(image, color, tol, dilate))


def test_differences_do_not_wrap_around():
    image = np.array([[0, 1, 254, 255]], dtype=np.uint8)
    assert mask_from_color(image, 255, tol=2).tolist() == [[True, True, False, False]]
    assert mask_from_color(image, -1, tol=1).tolist() == [[False, True, True, True]]
    assert mask_from_color(image.astype(np.int8), -1).tolist() == [[True, True, True, False]]
    huge = np.array([[-1.7e308, 1.7e308]])
    assert mask_from_color(huge, 1.7e308, tol=1.0).tolist() == [[True, False]]


def test_every_channel_counts():
    black = [0, 0, 0]
    image = np.array([[black, [0, 5, 0], [9, 9, 9]]], dtype=np.uint8)
    assert mask_from_color(image, black).tolist() == [[False, True, True]]
    assert mask_from_color(image, black, tol=5).tolist() == [[False, False, True]]


def test_scale_of_floats():
    image = np.array([[0.0, 0.5, 1.0]])
    assert mask_from_color(image, 1).tolist() == [[True, True, False]]
    assert mask_from_color(image, 0.75, tol=0.25).tolist() == [[True, False, False]]
    assert mask_from_color(image.astype(bool), True).tolist() == [[True, False, False]]


def test_dilation_stays_in_the_image_and_may_cover_it():
    image = np.zeros((5, 7))
    image[0, 6] = 1.0
    assert np.count_nonzero(~mask_from_color(image, 1.0, dilate=2)) == 9
    assert not mask_from_color(image, 1.0, dilate=6).any()
    assert not mask_from_color(image, 1.0, dilate=10**30).any()
    assert mask_from_color(image, 2.0, dilate=3).all()


@pytest.mark.parametrize("name", ["camera", "coffee"])
def test_text_on_a_photograph(name):
    image = photograph(name).copy()
    known = text_mask(*image.shape[:2], scale=2)
    image[~known] = 255
    found = mask_from_color(image, 255 if image.ndim == 2 else (255, 255, 255))
    assert not found[~known].any()
    assert np.count_nonzero(found != known) < 0.1 * known.size  # white things in the picture


def test_the_image_is_not_touched():
    image = np.zeros((3, 3))
    found = mask_from_color(image, 1.0)
    assert found.flags.writeable
    assert not np.shares_memory(found, image)
    assert not image.any()


RGB, RGBA = np.zeros((2, 3, 3)), np.zeros((2, 3, 4))


@pytest.mark.parametrize(
    ("image", "color", "message"),
    [
        (RGBA, (0, 0, 0), r"color has shape \(3,\) .*; add the value of the fourth channel or"),
        (RGB, (0, 0, 0, 0), r"color has shape \(4,\) but image has shape \(2, 3, 3\), expected"),
        (RGB, 0, r"color has shape \(\) .* expected 3 numbers, one for each channel$"),
        (RGB[..., 0], (0, 0, 0), r"color has shape \(3,\) .* expected a number$"),
        (RGB, [[0, 0, 0]], r"color has shape \(1, 3\)"),
        (RGB, (0, np.nan, 0), "color has NaN at entry 1"),
        (RGB[..., 0], np.inf, "color has inf at entry 0"),
        (RGB + np.nan, (0, 0, 0), "image has NaN at row 0, column 0, channel 0, expected"),
        (RGB[:0], (0, 0, 0), "image is empty"),
    ],
)
def test_bad_values(image, color, message):
    with pytest.raises(ValueError, match=message):
        mask_from_color(image, color)


@pytest.mark.parametrize(
    ("image", "color", "message"),
    [
        (RGB, "white", "color is 'white' of type str, expected 3 numbers, one for each channel"),
        (RGB[..., 0], "#ffffff", "color is '#ffffff' of type str, expected a number"),
        (RGB, None, "color is None, expected 3 numbers"),
        (RGB, (0, 0, 1j), "color has dtype complex128"),
        (RGB.astype(str), (0, 0, 0), "image has dtype <U"),
    ],
)
def test_bad_types(image, color, message):
    with pytest.raises(TypeError, match=message):
        mask_from_color(image, color)


def test_bad_options():
    for tol in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"tol is .*, expected a finite number >= 0"):
            mask_from_color(RGB, (0, 0, 0), tol=tol)
    with pytest.raises(ValueError, match="dilate is -1, expected an integer >= 0"):
        mask_from_color(RGB, (0, 0, 0), dilate=-1)
    for dilate in (1.0, True, "1"):
        with pytest.raises(TypeError, match=r"dilate is .*, expected an integer >= 0"):
            mask_from_color(RGB, (0, 0, 0), dilate=dilate)
