"""Every variant as a closed tour through n vertices, with integer weights, for the lower bounds.

A path gets a dummy vertex N at distance 0 from all cities; a given end is a fixed edge of it. A
distance is D = rint(S d) as in all kernels, times `unit`, a power of two that leaves room for fine
potentials. With real metrics D may be above S d: by 1/2 of rounding, and by what is lost in
computing d, (dimension + 4) 2^-53 S d < (dimension + 4) / 2n. Hence `rounding` is subtracted from
every bound, which is about twice what n edges can make of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.tsp.instance import Instance, Integers

_BITS = 55  # of n times the longest weight: sums with potentials and penalties stay below 2^62
_MATRIX = 3000  # cities up to which distances are kept that take long to compute
POTENTIALS = 4  # times the longest weight: the range of potentials
_PENALTY = 32  # times the longest distance: more than potentials can make up for


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """What kernels take, made from an instance.

    Attributes
    ----------
    instance : Instance
        N >= 3 cities.
    n : int
        Number of vertices.
    root : int
        The vertex outside of the tree of a one-tree: the dummy, or city 0.
    fixed : ndarray (K, 2) of int64
        Edges in every tour, those of the dummy included.
    unit : int
        Weight of a fixed-point distance of 1.
    limit : int
        Largest magnitude of a potential.
    """

    instance: Instance
    n: int = field(init=False)
    root: int = field(init=False)
    fixed: Integers = field(init=False)
    unit: int = field(init=False)
    limit: int = field(init=False)

    def __post_init__(self) -> None:
        instance = self.instance
        N, path = instance.N, not instance.closed
        ends = (
            [] if instance.closed else [c for c in (instance.start, instance.end) if c is not None]
        )
        dummy = np.array([(N, city) for city in ends], dtype=np.int64).reshape(-1, 2)
        longest = self._longest()
        room = _BITS - (longest * (N + path)).bit_length()
        unit = 1 << max(0, min(room, 20))
        values = {
            "n": N + path,
            "root": N if path else 0,
            "fixed": np.concatenate([instance.fixed, dummy]) if N + path > 3 else dummy[:0],
            "unit": unit,
            "limit": POTENTIALS * max(1, longest * unit),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _longest(self) -> int:
        """Return an upper bound on all fixed-point distances."""
        instance = self.instance
        with np.errstate(over="ignore"):
            value = Fraction(instance.longest) if math.isfinite(instance.longest) else None
        if value is None:  # beyond float64; N S d < 2^52 by the choice of S
            return int(2**52 // instance.N) + 1
        exponent = instance.unit_exponent
        scaled = value * 2**exponent if exponent >= 0 else value / 2**-exponent
        most: int = math.ceil(scaled)
        return most + 1

    @property
    def exponent(self) -> int:
        """The exponent of a weight of 1: a distance d has the weight d 2^exponent."""
        return self.instance.unit_exponent + self.unit.bit_length() - 1

    @property
    def rounding(self) -> int:
        """By how much the weight of a tour may be above its length, where that is real."""
        dimension: int = self.instance.points.shape[1]
        return (self.n + dimension + 4) * self.unit

    @cached_property
    def penalty(self) -> int:
        """The length of a fixed edge is less this; in fixed-point units."""
        longest: int = self.limit // POTENTIALS // self.unit
        return _PENALTY * (longest + 1)

    @cached_property
    def ways(self) -> tuple[Any, ...]:
        """The leading arguments of kernels, up to `unit`."""
        instance = self.instance
        mates = np.full((self.n, 2), -1, dtype=np.int32)
        for i, j in self.fixed.tolist():
            for a, b in ((i, j), (j, i)):
                mates[a, 0 if mates[a, 0] < 0 else 1] = b
        lengths = np.empty((0, 0), dtype=np.int64)
        cheap = instance.metric in ("euclidean", "euc_2d") and instance.points.shape[1] == 2
        if instance.metric == "precomputed" or (instance.N <= _MATRIX and not cheap):
            lengths = self._all_lengths()
        scale = 1.0 if instance.metric == "precomputed" else instance.scale
        points = np.ascontiguousarray(instance.scaled_points)
        return points, lengths, instance.code, scale, mates, self.penalty, self.unit

    def _all_lengths(self) -> Integers:
        N = self.instance.N
        lengths = np.empty((N, N), dtype=np.int64)
        columns, block = np.arange(N), max(1, (1 << 16) // N)
        for begin in range(0, N, block):
            rows = columns[begin : begin + block, None]
            lengths[begin : begin + block] = self.instance.fixed_point(rows, columns)
        np.fill_diagonal(lengths, 0)
        return lengths

    def weights(self, i: Integers, j: Integers) -> Integers:
        """Return the weights of edges, without potentials or penalties."""
        N = self.instance.N
        city = (i < N) & (j < N)
        out = np.zeros(np.broadcast_shapes(i.shape, j.shape), dtype=np.int64)
        i, j = np.broadcast_arrays(i, j)
        city = np.broadcast_to(city, out.shape)
        lengths = self.ways[1]
        if lengths.size:
            out[city] = lengths[i[city], j[city]]
        else:
            out[city] = self.instance.fixed_point(i[city], j[city])
        return out * self.unit

    def matrix(self) -> Integers:
        """Return the weights of all edges (n, n)."""
        out = np.zeros((self.n, self.n), dtype=np.int64)
        N = self.instance.N
        out[:N, :N] = self.ways[1] if self.ways[1].size else self._all_lengths()
        return out * self.unit

    @cached_property
    def fixed_offset(self) -> int:
        """What penalised weights of a tour lack: the fixed edges at their true cost."""
        true: int = sum(self.weights(self.fixed[:, 0], self.fixed[:, 1]).tolist())
        return true + len(self.fixed) * self.penalty * self.unit

    def closed(self, tour: Integers) -> Integers:
        """Return a tour of the instance as a closed one of all vertices."""
        return tour if self.n == self.instance.N else np.append(tour, self.n - 1)

    def opened(self, tour: Integers) -> Integers:
        """Return a closed tour of all vertices as one of the instance, given ends in place."""
        return self.instance.in_order(tour)

    def bound(self, weight: int) -> float:
        """Return the largest float that a bound of this weight proves for all tours.

        An integer metric rounds up to the next integer.
        """
        if self.instance.integer:
            return max(0.0, float(-(-weight // self.unit)))
        return lower_float(weight - self.rounding, self.exponent)

    def to_units(self, weights: Integers) -> NDArray[np.float64]:
        """Return weights in the units of the distances."""
        return np.ldexp(weights.astype(np.float64), -self.exponent)

    def to_weights(self, values: NDArray[np.float64]) -> Integers:
        """Return values in the units of the distances as weights, within the limit."""
        scaled = np.nan_to_num(np.ldexp(values, self.exponent))
        clipped: NDArray[np.float64] = np.clip(np.rint(scaled), -self.limit, self.limit)
        return clipped.astype(np.int64)


def lower_float(weight: int, exponent: int) -> float:
    """Return the largest float that is not above weight / 2^exponent, at least 0."""
    if weight <= 0:
        return 0.0
    exact = Fraction(weight, 2**exponent) if exponent >= 0 else Fraction(weight * 2**-exponent)
    value = float(exact)
    return math.nextafter(value, 0.0) if Fraction(value) > exact else value
