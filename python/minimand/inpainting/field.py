"""One coupled problem: arrays that both methods work on, and the best pair found so far."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats
from minimand.inpainting.arguments import Mask
from minimand.inpainting.components import Components, Indices

UNIT = 2.0**-53
_SUMMATION = 32  # rounding errors that a sum picks up besides log2 of its length: see variation.cpp

# Ratio of dual to primal step sizes, for values of range 1. Between 300 and 1000 the number of
# steps hardly changes, for 1 to 50 % known pixels; a textbook's 1 needs ten times as many.
BALANCE = math.sqrt(500.0)


class Field:
    """In-painting of d coupled channels, with values scaled to a range in (1/2, 1].

    Attributes
    ----------
    channels : int
        d.
    low, high : ndarray (d m, n)
        The box of each pixel, which is a point where the pixel is known.
    image, dual : ndarray (d m, n), (2 d (m-1), n-1)
        The iterate.
    tau, sigma : ndarray (m, n), (m-1, n-1)
        Step sizes.
    best_image, best_dual : ndarray
        The pair that `upper` and `lower` belong to.
    """

    def __init__(
        self, planes: Floats, components: Components, kernels: ModuleType, threads: int
    ) -> None:
        self.kernels, self.threads = kernels, threads
        self.components = components
        self.channels, rows, columns = planes.shape
        self.rows, self.columns = rows, columns
        known = components.labels == 0
        mean = np.array([_mean(plane[known]) for plane in planes])
        self.exponent = _exponent(planes, known)
        with np.errstate(over="ignore", under="ignore"):  # the last corner, see below
            scaled = np.ldexp(planes, -self.exponent)
            mean = np.ldexp(mean, -self.exponent)
        scaled[:, -1, -1] = 0.0  # in no term, and perhaps huge
        scaled = scaled.reshape(-1, columns)

        self.box_low, self.box_high = components.boxes(scaled, mean, kernels, threads)
        self.image, self.low, self.high = (np.empty_like(scaled) for _ in range(3))
        self.tau = np.empty((rows, columns))
        self.sigma = np.empty((rows - 1, columns - 1))
        self.dual = np.empty((2 * self.channels * (rows - 1), columns - 1))
        kernels.prepare(
            scaled,
            components.labels,
            self.box_low,
            self.box_high,
            self.channels,
            BALANCE,
            self.image,
            self.low,
            self.high,
            self.tau,
            self.sigma,
            self.dual,
            threads,
        )
        self.best_image, self.best_dual = self.image.copy(), self.dual.copy()
        self.upper, self.lower = self.evaluate(self.image, self.dual)

    @property
    def gap(self) -> float:
        """The certified relative gap of the best pair."""
        return relative_gap(self.upper, self.lower)

    def open_components(self) -> Indices:
        """Return the numbers of the components whose box leaves something to choose."""
        return np.flatnonzero((self.box_low < self.box_high).any(axis=1)) + 1

    def evaluate(self, image: Floats, dual: Floats) -> tuple[float, float]:
        """Return the objective of an image in its box, and the lower bound of a dual field.

        The bound is homogeneous in the field, so that it is divided by the longest vector where
        that is above 1, and it gives way by what rounding may have added to it.
        """
        sums = np.empty(5)
        self.kernels.evaluate_bounds(
            image, dual, self.low, self.high, self.channels, sums, self.threads
        )
        upper, centre, slack, weight, norm = sums.tolist()
        terms = self.sigma.size
        guard = UNIT * (math.ceil(math.log2(terms)) + _SUMMATION) * weight
        return upper, (centre - slack - guard) / (max(1.0, norm) * (1.0 + 4.0 * UNIT))

    def consider(self, image: Floats, dual: Floats) -> None:
        """Keep an image and a dual field, each if it is better than the best so far."""
        upper, lower = self.evaluate(image, dual)
        if upper < self.upper:
            self.upper = upper
            if image is not self.best_image:
                np.copyto(self.best_image, image)
        if lower > self.lower:
            self.lower = lower
            if dual is not self.best_dual:
                np.copyto(self.best_dual, dual)


def relative_gap(upper: float, lower: float) -> float:
    """Return (upper - lower)/upper, 0 when upper is 0."""
    return (upper - lower) / upper if upper > 0 else 0.0


def _exponent(planes: Floats, known: Mask) -> int:
    """Return e such that the known values that are in a term have a range in 2^e (1/2, 1]."""
    counted = known.copy()
    counted[-1, -1] = False
    if not counted.any():
        return 0
    spread = max(0.5 * plane[counted].max() - 0.5 * plane[counted].min() for plane in planes)
    return int(np.frexp(spread)[1]) + 1 if spread > 0 else 0


def _mean(values: Floats) -> float:
    """Return the mean of numbers that may be near the end of the range."""
    largest = np.abs(values).max()
    exponent = int(np.frexp(largest)[1])
    return float(np.ldexp(np.ldexp(values, -exponent).mean(), exponent))
