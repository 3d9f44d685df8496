"""Images and masks as users give them: what they mean, and what is wrong with bad ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, positive_float
from minimand._common.conversion import kernel_array, place, real_array

Mask = NDArray[np.bool_]

LEAST_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """An image as the kernels read it.

    Attributes
    ----------
    planar : ndarray (C, m, n)
        float64, C-contiguous. It may share memory with the user's array: never to be written and
        never to be returned.
    gray : bool
        Whether it came without an axis for the channels.
    """

    planar: Floats
    gray: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that came: (m, n) or (m, n, C)."""
        channels, m, n = self.planar.shape
        return (m, n) if self.gray else (m, n, channels)

    def as_given(self, planar: Floats) -> Floats:
        """Return a planar array (C, m, n) in the layout that came, C-contiguous."""
        return planar[0] if self.gray else np.ascontiguousarray(np.moveaxis(planar, 0, -1))


def as_image(name: str, value: object) -> Image:
    """Return an image (m, n) or (m, n, C); NaN and infinity are left to `check_known_finite`."""
    array = real_array(name, value)
    if array.ndim not in (2, 3):
        mend = f"; use np.reshape({name}, (1, -1)) if it is one row" if array.ndim == 1 else ""
        expected = "(rows, columns) or (rows, columns, channels)"
        raise ValueError(f"{name} has shape {array.shape}, expected {expected}{mend}")
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}), expected at least one pixel")
    planes = array[np.newaxis] if array.ndim == 2 else np.moveaxis(array, -1, 0)
    return Image(kernel_array(planes, (np.float64,)), array.ndim == 2)


def as_known(known: object, image_shape: Sequence[int]) -> Mask:
    """Return the mask as a C-contiguous bool array (m, n); at least one pixel is known.

    A contiguous array of bool passes without a copy.
    """
    array = real_array("known", known)
    if array.size == 0:
        raise ValueError(f"known is empty (shape {array.shape}), expected one entry for each pixel")
    shape = tuple(image_shape)
    if array.shape != shape[:2]:
        raise ValueError(
            f"known has shape {array.shape} but image has shape {shape}, "
            f"expected {shape[:2]}{_mend_shape(array.shape, shape)}"
        )
    if array.dtype != np.bool_:
        odd = (array != 0) & (array != 1)
        if odd.any():
            first = np.unravel_index(int(odd.argmax()), odd.shape)
            came = "NaN" if np.isnan(array[first]) else str(array[first])
            raise ValueError(
                f"known has {came} at {place(first)}, expected True and False, or 1 and 0; "
                "use known > 0 (True means known)"
            )
    mask = np.require(array, np.bool_, ("C", "A"))
    if not mask.any():
        inverse = "~known" if array.dtype == np.bool_ else "known == 0"
        raise ValueError(
            "known has no True entry, and without a known pixel every constant image is optimal; "
            f"True means known: use {inverse} if it marks the unknown pixels"
        )
    # NumPy calls a reversed axis of length 1 contiguous, Eigen does not.
    return mask.copy() if min(mask.strides) < 0 else mask


def check_known_finite(name: str, image: Image, known: Mask) -> None:
    """Raise ValueError with the first position of a NaN or an infinity in a known pixel."""
    bad = ~np.isfinite(image.planar)
    if not (bad & known).any():
        return
    in_pixel = bad.any(axis=0)
    mend = f"set known to False there, as np.isfinite({name}) is"
    if not image.gray:
        mend = f"set known to False there, as np.isfinite({name}).all(axis=-1) is"
    if np.array_equal(in_pixel, known):
        mend = "known is True where a value is given; did you mean ~known?"
    came, where = _first(image, bad & known)
    raise ValueError(
        f"{name} has {came} at {where}, a known pixel, expected finite numbers; {mend}"
    )


def check_all_finite(name: str, image: Image) -> None:
    """Raise ValueError with the first position of a NaN or an infinity."""
    bad = ~np.isfinite(image.planar)
    if bad.any():
        came, where = _first(image, bad)
        raise ValueError(f"{name} has {came} at {where}, expected finite numbers")


def as_tolerance(name: str, value: object) -> float:
    """Return `value` as a relative gap that float64 can certify."""
    tolerance = positive_float(name, value)
    if tolerance < LEAST_TOLERANCE:
        raise ValueError(
            f"{name} is {tolerance}, expected at least {LEAST_TOLERANCE}: "
            "rounding alone leaves about so much of a gap"
        )
    return tolerance


def _mend_shape(came: tuple[int, ...], image: tuple[int, ...]) -> str:
    if len(came) == 3 and came[:2] == image[:2]:
        return "; use known.all(axis=-1) to make one entry of the channels of each pixel"
    if len(image) == 3 and came == image[1:]:
        return "; use np.moveaxis(image, 0, -1) if the channels of image come first"
    if came == (image[1], image[0]):
        return "; it looks transposed, use known.T"
    return ""


def _first(image: Image, bad: NDArray[np.bool_]) -> tuple[str, str]:
    """Return the first bad number in the order of rows, and where it is."""
    row, column, channel = np.unravel_index(int(np.moveaxis(bad, 0, -1).argmax()), _last(bad.shape))
    value = image.planar[channel, row, column]
    where = place((row, column)) + ("" if image.gray else f", channel {channel}")
    return ("NaN" if np.isnan(value) else str(value)), where


def _last(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[1:], shape[0])
