"""What `inpaint` returns, and what it tells a callback on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minimand._common.arrays import Floats, freeze
from minimand._common.result import Certificate, Result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InpaintingProgress:
    """Where a run is; a callback gets it after each chunk of iterations.

    Attributes
    ----------
    iterations : int
        Iterations done.
    seconds : float
        Since the start.
    objective, lower_bound, gap : float
        The best so far, as in `InpaintingResult`.
    image : ndarray (m, n) or (m, n, C)
        The image that has this objective, read-only.
    """

    iterations: int
    seconds: float
    objective: float
    lower_bound: float
    gap: float
    image: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", freeze(self.image))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class InpaintingResult(Result):
    """An image of least total variation that agrees with the known pixels, and a proof.

    Attributes
    ----------
    image : ndarray (m, n) or (m, n, C)
        float64 in the units of the input. Known pixels have the very bits of the input.
    objective : float
        The total variation of `image`.
    lower_bound : float
        No image that agrees with the known pixels has less total variation than this; that is
        proved by `dual`.
    gap : float
        (objective - lower_bound) / objective, and 0 where the objective is 0.
    dual : ndarray (m-1, n-1, 2) or (m-1, n-1, C, 2)
        One vector of length at most 1 for each term: [..., 0] goes with the vertical difference
        (i+1, j) - (i, j), [..., 1] with the horizontal one (i, j+1) - (i, j). With joint coupling
        the 2C numbers of a term are one vector. For an image of one row or column of k pixels,
        (k-1,) or (k-1, C): one number for each difference.
    coupling : str
        "separate" or "joint".
    method : str
        What solved it: "newton", "pdhg", "pdhg, newton" (the first handed over to the second), or
        "closed form" (one row or column, or nothing to solve).
    n_unknown : int
        Number of unknown pixels.
    n_components : int
        Number of connected regions of them, each a problem of its own.
    n_undetermined : int
        Number of unknown pixels that are in no term: 1 if the last corner is unknown.
    tol : float
        The gap that was asked for.
    """

    image: Floats
    objective: float
    lower_bound: float
    gap: float
    dual: Floats
    coupling: str
    method: str
    n_unknown: int
    n_components: int
    n_undetermined: int
    tol: float

    def to_dtype(self, dtype: DTypeLike) -> NDArray[Any]:
        """Return a copy of the image in another type.

        An integer type gets rounded values, clipped to its range; a float type a plain cast.

        Examples
        --------
        >>> import minimand
        >>> filled = minimand.inpaint([[0, 9, 4]], [[True, False, True]])
        >>> filled.image
        array([[0., 2., 4.]])
        >>> filled.to_dtype("uint8")
        array([[0, 2, 4]], dtype=uint8)
        """
        wanted = np.dtype(dtype)
        if wanted.kind == "f":
            return self.image.astype(wanted)
        if wanted.kind not in "iu":
            raise TypeError(f"dtype is {wanted}, expected an integer or a float type")
        info = np.iinfo(wanted)
        low, high = float(info.min), float(info.max)
        if int(high) > info.max:  # 2^63 - 1 and 2^64 - 1 are no float64
            high = float(np.nextafter(high, 0.0))
        return np.clip(np.rint(self.image), low, high).astype(wanted)

    def verify(self, image: object, known: object) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and SciPy and return them.

        Parameters
        ----------
        image, known
            As they were given to `inpaint`.

        Raises
        ------
        CertificateError
            When a certificate fails, or when `objective`, `lower_bound` or `gap` is stated better
            than it is.
        """
        return Result.verify(self, image, known)

    def _recompute(self, image: object, known: object) -> tuple[Certificate, ...]:
        from minimand.inpainting.verification import recompute

        return recompute(self, image, known)


def certificates(
    changed: int, gap: float, tol: float, resolution: float
) -> tuple[Certificate, ...]:
    """Return the certificates of an in-painted image.

    `changed` is the number of known values that are not those of the input, `resolution` what
    rounding leaves of the gap.
    """
    return (
        Certificate("known pixels", float(changed), 0.0, "known values that are not the input's"),
        Certificate(
            "duality gap",
            gap,
            tol,
            "excess of the total variation over its lower bound, relative to it",
            resolution,
        ),
    )
