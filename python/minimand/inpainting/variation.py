"""The total variation of a given image."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats, one_of
from minimand._common.backend import Backend, kernels
from minimand._common.threads import resolve_threads
from minimand.inpainting.arguments import as_image, check_all_finite

COUPLINGS = ("separate", "joint")


def total_variation(
    image: object,
    *,
    coupling: str = "separate",
    threads: int | None = None,
    backend: Backend = "cpp",
) -> float:
    """Return the isotropic total variation of an image.

        TV(u) = sum_{i<m-1, j<n-1} ||(u[i+1,j] - u[i,j], u[i,j+1] - u[i,j])||

    An image of one row or one column has TV(u) = sum_k |u[k+1] - u[k]|.

    Parameters
    ----------
    image : array_like (m, n) or (m, n, C)
        Any real type; differences do not wrap around.
    coupling : {"separate", "joint"}
        "separate": the sum over the channels. "joint": one norm over the differences of all
        channels in each term.
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernel, or its NumPy mirror.

    Returns
    -------
    float
        In the units of the image; infinity only where the sum is beyond 1.8e308.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    The last row has no vertical and the last column no horizontal difference of its own, so the
    pixel in the last corner is in no term. Source: Rudin, Osher, Fatemi, Physica D 60 (1992) 259.

    Examples
    --------
    >>> import minimand
    >>> minimand.total_variation([[0, 4, 8], [3, 7, 11]])
    10.0
    """
    # Check
    one_of("coupling", coupling, COUPLINGS)
    compiled = kernels("inpainting", backend)
    workers = resolve_threads(threads)

    # Convert
    pixels = as_image("image", image)
    check_all_finite("image", pixels)

    # Sum in a unit in which nothing overflows
    with np.errstate(over="ignore", under="ignore"):
        scaled, exponent = _scaled(pixels.planar)
    channels, m, n = scaled.shape
    if min(m, n) > 1:
        stacked = scaled.reshape(-1, n)
        total = compiled.total_variation_sum(stacked, channels, coupling == "joint", workers)
    else:
        total = _line_variation(scaled.reshape(channels, -1), coupling == "joint")
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(total, exponent))


def _line_variation(u: Floats, joint: bool) -> float:
    """Return the variation of a single row or column (channels, k)."""
    steps = np.diff(u, axis=1)
    return float((np.linalg.norm(steps, axis=0) if joint else np.abs(steps)).sum())


def _scaled(planar: Floats) -> tuple[Floats, int]:
    """Return (v, e) so that 2^e v has the differences of `planar`, and those of v are at most 1."""
    values = planar.copy()
    if min(planar.shape[1:]) > 1:  # the last corner is in no term
        values[:, -1, -1] = values[:, -1, -2]
    spread = np.ptp(values, axis=(1, 2))
    values[spread == 0] = 0.0  # however large: it must not make the other channels vanish
    exponent = int(np.frexp(min(spread.max(), np.finfo(np.float64).max))[1]) + 1
    return np.ldexp(values, -exponent), exponent
