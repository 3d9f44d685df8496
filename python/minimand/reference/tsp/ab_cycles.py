"""AB-cycles of two tours: closed ways that take edges of A only and of B only in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class AbCycle(NamedTuple):
    """Vertices v0 v1 ..; (v0 v1), (v2 v3), .. are edges of A, (v1 v2), .. of B."""

    vertices: list[int]
    gain: int


class Bits:
    """Random bits, 64 from each word, the lowest first."""

    def __init__(self, word: Callable[[], int]) -> None:
        self._word = word
        self._value = self._left = 0

    def __call__(self) -> int:
        """Return the next bit."""
        if self._left == 0:
            self._value, self._left = self._word(), 64
        self._left -= 1
        bit = self._value & 1
        self._value >>= 1
        return bit


def ab_cycles(
    a: list[int], b: list[int], d: list[list[int]], below: Callable[[int], int], bit: Bits
) -> list[AbCycle]:
    """Divide the edges that only one of two tours has into AB-cycles.

    A trace takes an edge of A, an edge of B, .. from a random vertex; where it arrives at a vertex
    that it left before by the other kind, what lies between is cut off as a cycle.
    """
    n = len(a) // 2
    tours = (a, b)
    rest: list[list[list[int]]] = [[], []]
    for v in range(n):
        pairs = [tour[2 * v : 2 * v + 2] for tour in tours]
        for kind in (0, 1):
            rest[kind].append([w for w in pairs[kind] if w not in pairs[1 - kind]])
    active = [v for v in range(n) if rest[0][v]]
    left_by = [[-1] * n, [-1] * n]
    trace: list[int] = []
    cycles: list[AbCycle] = []

    def take(kind: int, v: int, w: int) -> None:
        rest[kind][v].remove(w)
        rest[kind][w].remove(v)
        for u in (v, w):
            if not (rest[0][u] or rest[1][u]):  # the last one takes its place
                active[active.index(u)] = active[-1]
                active.pop()

    while active:
        if not trace:
            trace.append(active[below(len(active))])
        steps, v = len(trace) - 1, trace[-1]
        kind = steps % 2
        ways = rest[kind][v]
        w = ways[bit()] if len(ways) == 2 else ways[0]
        left_by[kind][v] = steps
        take(kind, v, w)
        trace.append(w)
        begin = left_by[1 - kind][w]
        if begin < 0:
            continue
        for k in range(begin, len(trace) - 1):
            left_by[k % 2][trace[k]] = -1
        vertices = trace[begin + begin % 2 : len(trace) - 1 + begin % 2]
        cycles.append(AbCycle(vertices, _gain(vertices, d)))
        del trace[begin + 1 :]
        if begin == 0:
            trace.clear()
    return cycles


def _gain(vertices: list[int], d: list[list[int]]) -> int:
    following = vertices[1:] + vertices[:1]
    legs = [d[v][w] for v, w in zip(vertices, following, strict=True)]
    return sum(legs[::2]) - sum(legs[1::2])
