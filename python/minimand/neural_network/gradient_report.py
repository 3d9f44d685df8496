"""What differences say about a gradient, and how a check is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.backend import kernels
from minimand._common.conversion import wrong_type
from minimand._common.result import Certificate, Result
from minimand.neural_network.program import Indices, Segment

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SIDES = np.array([1.0, -1.0, 0.5, -0.5])  # in steps: where losses are taken
_EPS = 2.0**-52
_NOISE = 2.0  # rounding of a loss, in units of eps (1 + |loss|)
_BARS = 3.0
_RELATIVE = 1e-6  # that a gradient has to reach
_SMOOTH, _TURN = 0.5, 0.05  # slopes of the two sides come together like h where J is smooth


@dataclass(frozen=True, slots=True)
class Reading:
    """Entry by entry: difference, error bar, relative error, kink, verdict."""

    differences: Floats
    bars: Floats
    errors: Floats
    kinks: Flags
    wrong: Flags


def read(
    gradient: Floats,
    losses: Floats,
    loss: float,
    steps: Floats,
    segments: tuple[Segment, ...],
    index: Indices,
) -> Reading:
    """Return what losses at +h, -h, +h/2, -h/2 say about a gradient."""
    with np.errstate(all="ignore"):
        rounding = _NOISE * _EPS * (1.0 + abs(loss)) / steps
        ahead, behind = (losses[:, 0] - loss) / steps, (loss - losses[:, 1]) / steps
        near_ahead = 2.0 * (losses[:, 2] - loss) / steps
        near_behind = 2.0 * (loss - losses[:, 3]) / steps
        whole, half = 0.5 * (ahead + behind), 0.5 * (near_ahead + near_behind)
        difference = (4.0 * half - whole) / 3.0
        bars = np.abs(difference - half) + rounding
        # Relative to the largest entry of the array, or to what differences can resolve
        scale = np.maximum(
            _largest(gradient, segments, index), _largest(difference, segments, index)
        )
        errors = np.abs(gradient - difference) / np.maximum(scale, rounding / _RELATIVE)
        # Kinks: the slopes of the sides do not come together
        apart, near = np.abs(ahead - behind), np.abs(near_ahead - near_behind)
        kinks = (apart > 20.0 * rounding) & (np.abs(near / apart - _SMOOTH) > _TURN)
        low, high = np.minimum(ahead, behind), np.maximum(ahead, behind)
        slack = _BARS * rounding
        between = (low - slack <= gradient) & (gradient <= high + slack)
        close = np.abs(gradient - difference) <= _BARS * bars
        kinks &= ~close | (errors > _RELATIVE)
    return Reading(difference, bars, errors, kinks, ~np.where(kinks, between, close))


def read_directions(slopes: Floats, losses: Floats, loss: float, stride: float) -> Reading:
    """Return what losses along directions say about the slopes there, all in one "array"."""
    count = len(slopes)
    one = (Segment("directions", 0, count, (count,), False, (1, 1), None),)
    return read(slopes, losses, loss, np.full(count, stride), one, np.arange(count))


def worst(found: Reading) -> float:
    """Return the largest relative error, kinks left out."""
    return float(found.errors[~found.kinks].max(initial=0.0))


def _largest(values: Floats, segments: tuple[Segment, ...], index: Indices) -> Floats:
    """Return for each entry the largest magnitude in its array."""
    largest = np.zeros(len(values))
    for segment in segments:
        own = (index >= segment.begin) & (index < segment.end)
        largest[own] = np.abs(values[own]).max(initial=0.0)
    return largest


def worst_by_array(
    found: Reading, segments: tuple[Segment, ...], index: Indices
) -> Mapping[str, float]:
    """Return the largest relative error of each array, kinks left out."""
    smooth = ~found.kinks
    return {
        s.name: float(found.errors[smooth & (index >= s.begin) & (index < s.end)].max(initial=0.0))
        for s in segments
    }


def certificates(error: float, wrong: int, apart: float) -> tuple[Certificate, ...]:
    """Return the certificates of a check."""
    return (
        Certificate(
            "relative error",
            error,
            _RELATIVE,
            "largest |g - D| over the largest entry of its array, kinks left out",
            _RELATIVE,
        ),
        Certificate("wrong entries", wrong, 0.0, "entries outside of their error bars"),
        Certificate(
            "losses", apart, 1e-12, "difference of the two interpreters over 1 + |loss|", 1e-12
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GradientCheck(Result):
    """A gradient against differences. `iterations` counts the entries that were checked.

    Attributes
    ----------
    relative_error : float
        The largest |g - D| over the largest entry of its array (or, where that is smaller, over a
        million times the rounding error of a difference), kinks left out.
    by_array : mapping
        The same for each array, by its name.
    index : ndarray (k,)
        Which parameters were checked.
    gradient : ndarray (k,)
        What backpropagation says.
    losses, loss, steps : ndarray (k, 4), float, ndarray (k,)
        The mean loss at theta_i + h, - h, + h/2, - h/2, at theta itself, and h.
    slopes, slope_losses : ndarray (m,), ndarray (m, 4)
        With too many parameters: the derivative along random directions, and losses there.
    key : tuple of int
        Of these random choices.
    training : bool
        As given.
    segments : tuple of Segment
        The layout of the parameters.
    """

    relative_error: float
    by_array: Mapping[str, float]
    index: Indices
    gradient: Floats
    losses: Floats
    loss: float
    steps: Floats
    slopes: Floats
    slope_losses: Floats
    key: tuple[int, int]
    training: bool
    segments: tuple[Segment, ...]

    @property
    def differences(self) -> Floats:
        """Richardson's extrapolation D of the two central differences, for each entry."""
        return self._read().differences

    @property
    def error_bars(self) -> Floats:
        """How far D may be off: |D - D(h/2)| and the rounding of the losses over h."""
        return self._read().bars

    @property
    def kinks(self) -> Flags:
        """Where the loss has a kink within the step."""
        return self._read().kinks

    @property
    def wrong(self) -> Flags:
        """Entries that are neither within three error bars nor, at a kink, between the slopes."""
        return self._read().wrong

    def verify(
        self, network: object, X: object, y: object, sample_weight: object = None
    ) -> tuple[Certificate, ...]:
        """Recompute losses and gradient with the NumPy interpreter and judge anew.

        Parameters
        ----------
        network, X, y, sample_weight
            As they were given to `check_gradient`; the network must not have been trained since.

        Raises
        ------
        CertificateError
            When losses or gradient are not those of the network.
        """
        return Result.verify(self, network, X, y, sample_weight)

    def _read(self) -> Reading:
        return read(self.gradient, self.losses, self.loss, self.steps, self.segments, self.index)

    def _recompute(
        self, network: object, X: object, y: object, sample_weight: object = None
    ) -> tuple[Certificate, ...]:
        from minimand.neural_network.gradient_check import Point, directions
        from minimand.neural_network.network import Network

        if not isinstance(network, Network):
            raise wrong_type("network", network, "the Network")
        point = Point(network, X, y, sample_weight, self.training)
        plain = kernels("neural_network", "numpy")
        losses = point.losses(self.index, self.steps[:, np.newaxis] * SIDES, plain, 1)
        here = float(point.losses(np.zeros(1, np.int64), np.zeros((1, 1)), plain, 1)[0, 0])
        signs = directions(
            np.array(self.key, np.uint64), len(self.slopes), point.theta.size, "numpy"
        )
        along = point.losses_along(signs, plain, 1)
        pairs = ((losses, self.losses), (along, self.slope_losses), (here, self.loss))
        apart = max(float(np.abs(new - old).max(initial=0.0)) for new, old in pairs)
        found = read(self.gradient, losses, here, self.steps, self.segments, self.index)
        beside = read_directions(self.slopes, along, here, point.stride)
        said = self._read()
        error = max(worst(found), worst(beside))
        wrong = int((found.wrong | said.wrong).sum() + beside.wrong.sum())
        return certificates(error, wrong, apart / (1.0 + abs(self.loss)))
