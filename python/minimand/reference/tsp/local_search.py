"""Local search: chains of sequential exchanges of edges, and small kicks."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minimand.reference.tsp.array_tour import ArrayTour
from minimand.reference.tsp.distance import Lengths, Points, Vertices, table
from minimand.reference.tsp.draws import Draws, Key

STEPS = 3  # exchanges of up to three edges in a chain
LONGEST_SEGMENT = 50  # of a kick


def descend(
    points: Points,
    lengths: Lengths,
    metric: int,
    scale: float,
    mates: Vertices,
    penalty: int,
    near: Vertices,
    tours: Vertices,
    pending: NDArray[np.uint8],
    budget: int,
    threads: int,
) -> int:
    """Improve each tour until no move pays or `budget` vertices were looked at."""
    d = table(points, lengths, metric, scale, mates, penalty)
    for tour, waiting in zip(tours, pending, strict=True):
        search = Search(d, near, tour)
        for v in np.flatnonzero(waiting).tolist():
            search.push(v)
        search.descend(budget)
        waiting[:] = 0
        waiting[list(search.queue)] = 1
        tour[:] = search.tour.vertices
    return int(np.count_nonzero(pending))


def kick(
    points: Points,
    lengths: Lengths,
    metric: int,
    scale: float,
    mates: Vertices,
    penalty: int,
    near: Vertices,
    tour: Vertices,
    key: Key,
    first_kick: int,
    kicks: int,
) -> int:
    """Kick, descend, and take back what did not pay, `kicks` times; return what was gained."""
    search = Search(table(points, lengths, metric, scale, mates, penalty), near, tour)
    draws = Draws(key)
    gained = 0
    for k in range(first_kick, first_kick + kicks):
        below = draws.stream(k)
        n = len(tour)
        longest = min(LONGEST_SEGMENT, (n - 2) // 3)
        places = [below(n)]
        for _ in range(3):
            places.append(places[-1] + 1 + below(longest))
        gained += search.kick(places)
    tour[:] = search.tour.vertices
    return gained


class Exchange(NamedTuple):
    """(t1 t2), (t3 t4), (t5 t6) leave, (t2 t3), (t4 t5), (t6 t1) come.

    `open` is what it gains before the last one is paid.
    """

    open: int
    t3: int
    t4: int
    t5: int
    t6: int


class Search:
    """A tour, the vertices that are to be looked at, and the moves."""

    def __init__(self, d: list[list[int]], near: Vertices, tour: Vertices) -> None:
        self.d = d
        self.near: list[list[int]] = near.tolist()
        self.tour = ArrayTour(tour.tolist())
        self.touched: list[int] = []
        self.best = Exchange(0, -1, -1, -1, -1)
        self.queue: deque[int] = deque()

    def push(self, v: int) -> None:
        """Let a vertex wait, if it does not yet."""
        if v not in self.queue:
            self.queue.append(v)

    def descend(self, budget: float) -> int:
        """Look at vertices until none is waiting, `budget` at most; return what was gained."""
        gained = 0
        while self.queue and budget > 0:
            budget -= 1
            v = self.queue.popleft()
            while gain := self.improve(v):
                gained += gain
        return gained

    def kick(self, places: list[int]) -> int:
        """Swap the outer two of the segments between the places, descend, maybe take it back."""
        d, tour = self.d, self.tour
        tour.journal.clear()
        tour.flipped = False
        n = len(tour.vertices)
        ends = [tour.vertices[(p + k) % n] for p in places for k in (0, 1)]
        a, b0, b1, c0, c1, d0, d1, e = ends
        cut = [d[a][b0], d[b1][c0], d[c1][d0], d[d1][e]]
        if min(cut) < 0:
            return 0
        gain = sum(cut) - (d[a][d0] + d[d1][c0] + d[c1][b0] + d[b1][e])
        tour.reverse(b0, d1)
        tour.reverse(d1, d0)
        tour.reverse(c1, c0)
        tour.reverse(b1, b0)
        for v in ends:
            self.push(v)
        gain += self.descend(float("inf"))
        if gain >= 0:
            return gain
        tour.undo(0)
        return 0

    def improve(self, t1: int) -> int:
        """Do the first chain of exchanges from t1 that pays and return its gain, or 0."""
        tour = self.tour
        for side in (0, 1):
            if side == 1:
                tour.flipped = not tour.flipped
            mark = len(tour.journal)
            t2 = tour.next(t1)
            self.touched = [t1, t2]
            gain_open = self.d[t1][t2]
            for step in range(STEPS):
                self.best = Exchange(0, -1, -1, -1, -1)
                if gain := self.exchange(t1, t2, gain_open):
                    for v in self.touched:
                        self.push(v)
                    return gain
                if self.best.t3 < 0 or step == STEPS - 1:
                    break
                best = self.best
                self.perform(t2, best)
                gain_open, t2 = best.open, best.t6
            tour.undo(mark)
        return 0

    def exchange(self, t1: int, t2: int, gain_open: int) -> int:
        """Do the first exchange that pays; else leave the most promising one in `best`."""
        d, tour = self.d, self.tour
        after = tour.next(t2)
        for t3 in self.near[t2]:
            open1 = gain_open - d[t2][t3]
            if open1 <= 0:
                break
            if t3 in (t1, after):
                continue
            t4 = tour.previous(t3)
            open2 = open1 + d[t3][t4]
            closed = open2 - d[t4][t1]
            if closed > 0:
                tour.reverse(t2, t4)
                self.touched += [t3, t4]
                return closed
            if gain := self.third(t1, t2, t3, t4, True, open2):
                return gain
            other = tour.next(t3)
            if gain := self.third(t1, t2, t3, other, False, open1 + d[t3][other]):
                return gain
        return 0

    def third(self, t1: int, t2: int, t3: int, t4: int, closes: bool, gain_open: int) -> int:
        """Look for the third edge; `closes` says whether (t4 t1) would close a tour already."""
        d, tour = self.d, self.tour
        last = tour.steps(t2, t4 if closes else t3)
        for t5 in self.near[t4]:
            open2 = gain_open - d[t4][t5]
            if open2 <= 0:
                break
            if t5 == t3:
                continue
            at = tour.steps(t2, t5)
            for forward in (True, False):
                if closes:
                    if forward != (at <= last) or t5 == t4:
                        continue
                elif at > last or (at == last if forward else at == 0):
                    continue
                t6 = tour.next(t5) if forward else tour.previous(t5)
                if t6 == t4 or (t5, t6) in ((t1, t2), (t2, t1)):
                    continue
                move = Exchange(open2 + d[t5][t6], t3, t4, t5, t6)
                gain = move.open - d[t6][t1]
                if gain > 0:
                    self.perform(t2, move)
                    return gain
                if move.open > self.best.open:
                    self.best = move
        return 0

    def perform(self, t2: int, move: Exchange) -> None:
        """Do an exchange by reversals of paths."""
        tour = self.tour
        _, t3, t4, t5, t6 = move
        if t4 == tour.previous(t3):
            tour.reverse(t2, t4)
            tour.reverse(t4, t6)
        elif t6 == tour.next(t5):
            tour.reverse(t2, t3)
            tour.reverse(t3, t6)
            tour.reverse(t5, t2)
        else:
            tour.reverse(t2, t6)
            tour.reverse(t5, t3)
        self.touched += [t3, t4, t5, t6]
