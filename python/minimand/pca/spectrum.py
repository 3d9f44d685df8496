"""What every method hands on: singular values, the vectors that belong to them, what is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.least_squares.moments import UNIT
from minimand.pca.data import Rows

_CONSTANT = 8.0  # a column whose spread is under this many roundings of its size is constant
_RANK = 10.0  # singular values under this many roundings of ||A||_F are noise of the arithmetic
_DATA = 3.0  # and under this many times the norm of rounding errors of the data, noise of the data
_TIE = 1e-8  # loadings whose sizes are closer than this share the first place


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of the columns, in the units of a frame.

    weight : W; mean : in the user's units; scale : power of two of the frame
    constant : which columns are constant within their rounding
    raw, longest : of the others, uncentred: ||A||_F^2, and the largest column's part of it
    """

    weight: float
    mean: Floats
    scale: float
    raw: float
    longest: float
    constant: NDArray[np.bool_]

    @classmethod
    def of(
        cls, data: Rows, shift: Floats, scale: float, offset: Floats, squares: Floats
    ) -> Moments:
        """`offset`, `squares`: mean and sum of squares about it, both in the frame."""
        weight = data.weight
        size = squares
        mean = np.zeros_like(shift)
        if data.intercept:
            mean = shift + offset / scale
            size = squares + weight * (mean * scale) ** 2
        rounding = max(data.rounding, UNIT)
        constant = np.sqrt(squares) <= _CONSTANT * rounding * np.sqrt(size)
        used = size[~constant]
        total, longest = float(used.sum()), float(used.max(initial=0.0))
        return cls(weight, mean, scale, total, longest, constant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """Eigenvalues of B'B, and how to get at the rest; in the units of the frame.

    sigma
        Singular values, descending: all of them, or the leading ones (`complete` false).
    energy
        ||B||_F^2.
    noise
        ||dC||_2 of the matrix C whose eigenvalues were computed, at most.
    backward_error
        ||dB||_2 of the matrix B whose singular values were computed, at most; inf if unknown.
    vectors
        The k leading vectors, (k, n), orthonormal.
    image
        V C for such vectors, up to `noise`.
    left_out
        An upper bound of the largest eigenvalue but k, and whether it is proved.
    """

    method: str
    moments: Moments
    sigma: Floats
    energy: float
    noise: float
    backward_error: float
    complete: bool
    vectors: Callable[[int], Floats]
    image: Callable[[Floats], Floats]
    left_out: Callable[[int], tuple[float, bool]]
    converged: bool = True
    iterations: int = 0
    history: tuple[Mapping[str, float], ...] = ()

    def rank(self, data: Rows) -> int:
        """Return the number of singular values above the noise of the data and of the method.

        A matrix of independent errors is about as long as its longest column and row together.
        """
        raw, longest = np.sqrt(self.moments.raw), np.sqrt(self.moments.longest)
        errors = max(data.rounding, UNIT) * (longest + raw / np.sqrt(data.observations))
        cut = max(_RANK * UNIT * raw, _DATA * errors)
        if not np.isfinite(self.backward_error):
            cut = max(cut, np.sqrt(self.noise))
        return int(np.count_nonzero(self.sigma > cut))


def with_signs(V: Floats) -> Floats:
    """Return the rows of V with their largest entry positive, the first one of equal ones."""
    size = np.abs(V)
    first = np.argmax(size >= (1.0 - _TIE) * size.max(axis=1, keepdims=True), axis=1)
    signs = np.where(V[np.arange(len(V)), first] < 0, -1.0, 1.0)
    return np.ascontiguousarray(V * signs[:, None]) + 0.0  # no negative zeros


def direct_left_out(
    sigma: Floats, noise: float, backward_error: float
) -> Callable[[int], tuple[float, bool]]:
    """Return the bound where all singular values are known: the next one, and its error."""

    def bound(k: int) -> tuple[float, bool]:
        value = float(sigma[k]) if k < sigma.size else 0.0
        return min(value**2 + noise, (value + backward_error) ** 2), True

    return bound
