"""Masks from the colour that marks the unknown pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from minimand._common.arrays import Floats, as_vector, nonnegative_float, nonnegative_int
from minimand._common.conversion import real_array, wrong_type
from minimand.inpainting.arguments import Image, Mask, as_image, check_all_finite


def mask_from_color(image: object, color: object, *, tol: float = 0.0, dilate: int = 0) -> Mask:
    """Return the mask of an image whose unknown pixels were painted over in one colour.

    A pixel is unknown where every channel is within `tol` of `color`. The unknown area then grows
    by `dilate` pixels in all eight directions.

    Parameters
    ----------
    image : array_like (m, n) or (m, n, C)
        The damaged image. Differences do not wrap around, whatever its type.
    color : float or array_like (C,)
        The colour in the units of the image: a number for an image (m, n), else one number for
        each channel, so four for RGBA.
    tol : float
        The largest difference in a channel. Paint with smooth edges has mixed colours there, which
        no tolerance separates from the picture: `dilate` is for them.
    dilate : int
        How often to grow the unknown area by a square of 3 x 3 pixels.

    Returns
    -------
    ndarray of bool (m, n)
        True where the pixel is known, as `inpaint` takes it.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> image = np.array([[10, 20, 30, 40], [10, 255, 254, 40]], dtype=np.uint8)
    >>> minimand.mask_from_color(image, 255)
    array([[ True,  True,  True,  True],
           [ True, False,  True,  True]])
    >>> bool(minimand.mask_from_color(image, 255, tol=1, dilate=1).any())
    False
    """
    # Check
    pixels = as_image("image", image)
    check_all_finite("image", pixels)
    paint = _as_color(color, pixels)
    tol = nonnegative_float("tol", tol)
    dilate = nonnegative_int("dilate", dilate)

    # Compare and grow
    with np.errstate(over="ignore"):  # an infinite difference is not within tol
        apart = np.abs(pixels.planar - paint[:, np.newaxis, np.newaxis])
    unknown = (apart <= tol).all(axis=0)
    reach = min(dilate, max(unknown.shape))
    if reach:
        unknown = scipy.ndimage.maximum_filter(unknown, 2 * reach + 1, mode="constant", cval=False)
    return np.logical_not(unknown)


def _as_color(color: object, image: Image) -> Floats:
    """Return one number for each channel."""
    channels = len(image.planar)
    numbers = "a number" if image.gray else f"{channels} numbers, one for each channel"
    if isinstance(color, (str, bytes)) or color is None:
        raise wrong_type("color", color, numbers)
    array: NDArray[Any] = real_array("color", color)
    if array.size == 0:
        raise ValueError(f"color is empty (shape {array.shape}), expected {numbers}")
    if image.gray and array.ndim == 0:
        array = array.reshape(1)
    if array.shape != (channels,):
        alpha = channels == 4 and array.shape == (3,)
        mend = "; add the value of the fourth channel or pass image[..., :3]" if alpha else ""
        raise ValueError(
            f"color has shape {array.shape} but image has shape {image.shape}, "
            f"expected {numbers}{mend}"
        )
    return as_vector("color", array)
