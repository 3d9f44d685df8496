"""Means and lengths of the columns, from a Gram matrix or a triangle; scaling to length 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats
from minimand.least_squares.data import Data, Frame

UNIT = 2.0**-53  # unit roundoff u of float64
_CONSTANT = 8.0  # a column whose spread is under this many roundings of its size is constant


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of the columns in a frame.

    offset_x, offset_y : weighted means (0 without an intercept)
    length : s_j, length of the (centred) weighted columns of X; 0 for constant columns
    noise : delta_j = u_data c_j / s_j, rounding of the data on the scale of s_j (c_j: uncentred)
    """

    total_weight: float
    offset_x: Floats
    offset_y: Floats
    length: Floats
    noise: Floats
    u_data: float

    @property
    def inverse_length(self) -> Floats:
        """1 / s_j, and 0 for constant columns, which take no part."""
        inverse = np.zeros_like(self.length)
        np.divide(1.0, self.length, out=inverse, where=self.length > 0)
        return inverse

    @property
    def frobenius(self) -> float:
        """Frobenius norm of the matrix of unit columns."""
        return float(np.sqrt(np.count_nonzero(self.length)))

    @property
    def worst_noise(self) -> float:
        """max(u, max_j delta_j): how exactly the data give the columns of length 1."""
        return max(UNIT, float(self.noise.max(initial=0.0)))

    @property
    def worst_rounding(self) -> float:
        """max(u, u max_j c_j / s_j): how exactly float64 holds the columns of length 1."""
        return max(UNIT, UNIT / self.u_data * float(self.noise.max(initial=0.0)))


def from_gram(data: Data, frame: Frame, gram: Floats, u_data: float) -> tuple[Moments, Floats]:
    """Return the moments and the Gram matrix of [X y] about the means."""
    n = data.columns
    if not data.intercept:
        weight, offset, centred = float(data.observations), np.zeros(gram.shape[0]), gram
    else:
        weight = float(gram[0, 0])
        offset = gram[0, 1:] / weight
        centred = gram[1:, 1:] - weight * np.outer(offset, offset)
    squares = np.maximum(np.diag(centred)[:n], 0.0)
    return from_columns(data, frame, weight, offset, squares, u_data), centred


def from_triangle(data: Data, frame: Frame, R: Floats, u_data: float) -> tuple[Moments, Floats]:
    """Return the moments and the triangle of [X y] about the means."""
    n = data.columns
    if not data.intercept:
        weight, offset, centred = float(data.observations), np.zeros(R.shape[0]), R
    else:
        weight = float(R[0, 0]) ** 2
        offset, centred = R[0, 1:] / R[0, 0], R[1:, 1:]
    squares = np.einsum("ij,ij->j", centred[:, :n], centred[:, :n])
    return from_columns(data, frame, weight, offset, squares, u_data), centred


def from_columns(
    data: Data, frame: Frame, weight: float, offset: Floats, squares: Floats, u_data: float
) -> Moments:
    """Return the moments from the sums of squares of the centred weighted columns."""
    n = data.columns
    length = np.sqrt(squares)
    # c_j: length of the column as the user gave it, in the unit of the frame.
    raw = length
    if data.intercept:
        mean = frame.shift[:n] * frame.scale[:n] + offset[:n]
        raw = np.hypot(length, np.sqrt(weight) * np.abs(mean))
        length = np.where(length <= _CONSTANT * max(u_data, UNIT) * raw, 0.0, length)
    noise = np.zeros_like(length)
    np.divide(u_data * raw, length, out=noise, where=length > 0)
    return Moments(weight, offset[:n], offset[n:], length, noise, u_data)
