"""An instance of the travelling salesman problem: what is to be visited, and what ways cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, freeze
from minimand.tsp.metric import METRICS, REAL, between, largest

Integers = NDArray[np.int64]

_NOTHING = np.empty((0, 0))
_NO_EDGES = np.empty((0, 2), dtype=np.int64)
_BUDGET = 52  # bits that a sum of N fixed-point distances may have


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """Cities 0 to N-1, the distances between them, and what a tour has to respect.

    `read_tsplib` returns one, and `tsp` takes it in place of points. Nothing is checked here.

    Attributes
    ----------
    points : ndarray (N, d)
        Coordinates; empty (0, 0) if the distances are given as a matrix.
    matrix : ndarray (N, N)
        Symmetric distances with zeros on the diagonal; empty (0, 0) if there are points.
    metric : str
        "precomputed" for a matrix, else one of the metrics of `tsp`.
    fixed : ndarray (K, 2) of int64
        Edges that every tour must contain.
    closed : bool
        Whether the tour returns to its first city; False is an open path.
    start, end : int or None
        Given ends of a path; with `closed`, `start` is the first city of the tour.
    name : str
        For reports and files.
    integer : bool
        Whether all distances are integers: by the metric, or because the matrix has no others and
        no tour's length reaches 2^52.
    exponent : int
        Points are scaled by 2^-exponent before distances are taken, so that nothing overflows.
        0 unless the metric is real-valued.
    """

    points: Floats = field(default_factory=_NOTHING.copy)
    matrix: Floats = field(default_factory=_NOTHING.copy)
    metric: str = "euclidean"
    fixed: Integers = field(default_factory=_NO_EDGES.copy)
    closed: bool = True
    start: int | None = None
    end: int | None = None
    name: str = ""
    integer: bool = field(init=False)
    exponent: int = field(init=False)
    _scaled: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, dtype in (("points", np.float64), ("matrix", np.float64), ("fixed", np.int64)):
            own = np.array(getattr(self, name), dtype=dtype, order="C")
            object.__setattr__(self, name, freeze(own))
        whole = self.metric not in REAL
        if self.metric == "precomputed":
            most = float(self.matrix.max(initial=0.0)) * len(self.matrix)
            whole = most < 2.0**_BUDGET and bool((self.matrix == np.floor(self.matrix)).all())
        exponent = 0
        if self.metric in REAL and self.points.size:
            size = max(float(np.abs(self.points).max()), np.finfo(np.float64).tiny)
            extent = float(np.max(self.points.max(axis=0) / 2 - self.points.min(axis=0) / 2))
            # A tiny extent around a large value is not worth more than the bits of that value.
            exponent = math.frexp(max(extent, math.ldexp(size, -60)))[1] + 1
        scaled = np.ldexp(self.points, -exponent) if exponent else self.points
        object.__setattr__(self, "integer", whole)
        object.__setattr__(self, "exponent", exponent)
        object.__setattr__(self, "_scaled", freeze(scaled))

    @property
    def N(self) -> int:
        """The number of cities."""
        return len(self.matrix) if self.metric == "precomputed" else len(self.points)

    @property
    def scaled_points(self) -> Floats:
        """Points times 2^-exponent: what kernels take, together with `scale`."""
        return self._scaled

    @property
    def longest(self) -> float:
        """An upper bound on all distances; may be inf if it is beyond float64."""
        if self.metric == "precomputed":
            return float(self.matrix.max(initial=0.0))
        with np.errstate(over="ignore"):
            return float(np.ldexp(largest(self.metric, self._scaled), self.exponent))

    @property
    def unit_exponent(self) -> int:
        """The exponent k of `unit`; it exists where 2^k is beyond float64, too."""
        if self.integer:
            return 0
        if self.metric == "precomputed":
            longest, shift = float(self.matrix.max(initial=0.0)), 0
        else:
            longest, shift = largest(self.metric, self._scaled), self.exponent
        if longest == 0.0:
            return 0
        # frexp: longest < 2^e, N < 2^n. Fixed edges weigh as much as a tour, 1,000 of them pass.
        room = _BUDGET - max(0, len(self.fixed).bit_length() - 9)
        return room - math.frexp(longest)[1] - self.N.bit_length() - shift

    @property
    def unit(self) -> float:
        """S, the power of two in fixed-point distances rint(S d): N S max(d) < 2^52.

        1 where the distances are integers.
        """
        return math.ldexp(1.0, min(self.unit_exponent, 1023))

    @property
    def scale(self) -> float:
        """What turns distances of `scaled_points` into fixed-point ones."""
        return math.ldexp(1.0, self.unit_exponent + self.exponent)

    @property
    def code(self) -> int:
        """The number by which kernels know the metric."""
        return METRICS[self.metric]

    def distances(self, i: object, j: object) -> Floats:
        """Return the distances between cities i and cities j, arrays of indices of one shape."""
        i, j = np.asarray(i), np.asarray(j)
        if self.metric == "precomputed":
            return np.asarray(self.matrix[i, j])
        scaled = between(self.metric, self._scaled[i], self._scaled[j])
        with np.errstate(over="ignore", under="ignore"):
            return np.ldexp(scaled, self.exponent) if self.exponent else scaled

    def in_order(self, cycle: Integers) -> Integers:
        """Return a closed tour, maybe with a dummy N where a path ends, as the user wants it.

        A closed tour begins at `start`, or else at city 0, and goes on to the lower one of the two
        neighbours; a path has the given ends at its own.
        """
        dummy = np.flatnonzero(cycle == self.N)
        if len(dummy):
            tour = np.roll(cycle, -int(dummy[0]))[1:]
            backwards = tour[0] == self.end or tour[-1] == self.start
            return np.ascontiguousarray(tour[::-1] if backwards and len(tour) > 1 else tour)
        first = 0 if self.start is None else self.start
        tour = np.roll(cycle, -int(np.flatnonzero(cycle == first)[0]))
        backwards = tour[1] > tour[-1] if self.closed else tour[-1] != self.end
        if backwards:
            tour[1:] = tour[1:][::-1].copy()
        return tour

    def fixed_point(self, i: object, j: object) -> Integers:
        """Return rint(S d) of cities i and j as int64."""
        i, j = np.asarray(i), np.asarray(j)
        if self.metric == "precomputed":
            lengths = np.ldexp(self.matrix[i, j], self.unit_exponent)
        else:
            lengths = between(self.metric, self._scaled[i], self._scaled[j]) * self.scale
        return np.asarray(np.rint(lengths)).astype(np.int64)

    def edges(self, tour: Integers) -> tuple[Integers, Integers]:
        """Return the cities at either end of the edges of a tour or path."""
        if not self.closed:
            return tour[:-1], tour[1:]
        return tour, np.roll(tour, -1)

    def length(self, tour: Integers) -> float:
        """Return the length of a tour, correctly rounded sum of its edges."""
        if len(tour) == 1:
            return 0.0
        return math.fsum(self.distances(*self.edges(np.asarray(tour))).tolist())
