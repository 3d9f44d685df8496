"""A child of EAX: tour A with the edges of an E-set exchanged, its sub-tours joined."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from minimand.reference.tsp.ab_cycles import AbCycle

Edge = tuple[int, int]
Join = tuple[int, int, int, int, int]  # gain; (u u_next), (c c_next) leave, (u c), .. come


def edge(i: int, j: int) -> Edge:
    """Return an edge with its smaller vertex first."""
    return (i, j) if i < j else (j, i)


class Offspring:
    """A copy of tour A that becomes a child; `gain`, `removed` and `added` say what it is."""

    def __init__(
        self,
        links: list[int],
        d: list[list[int]],
        near: list[list[int]],
        parent: Offspring | None = None,
    ) -> None:
        self.links, self.d, self.near = links.copy(), d, near
        self.order: list[int] = _order(links) if parent is None else parent.order
        self.place: dict[int, int] = (
            {v: p for p, v in enumerate(self.order)} if parent is None else parent.place
        )
        self.gain = 0
        self.cuts: list[int] = []  # places of the edges of A that leave
        self.tours: list[int] = []  # the sub-tour of the segment after each cut
        self.sizes: list[int] = []
        self.removed: list[Edge] = []
        self.added: list[Edge] = []

    def place_of(self, x: int, y: int) -> int:
        """Return p if the edge of A leads from place p to the next one."""
        following = (self.place[x] + 1) % len(self.order)
        return self.place[x] if following == self.place[y] else self.place[y]

    def make(self, chosen: list[AbCycle]) -> None:
        """Exchange the edges of an E-set, follow the sub-tours, join them."""
        ends: list[tuple[int, int, int]] = []  # place, x, y of the edges of A
        links_of_b: list[tuple[int, int]] = []  # numbers of the edges of A at both ends
        for cycle in chosen:
            v, first = cycle.vertices, len(ends)
            self.gain += cycle.gain
            for k in range(0, len(v), 2):
                x, y, before, following = v[k], v[k + 1], v[k - 1], v[(k + 2) % len(v)]
                links_of_b.append((len(ends), len(ends) + 1 if k + 2 < len(v) else first))
                ends.append((self.place_of(x, y), x, y))
                self.removed.append(edge(x, y))
                self.added.append(edge(y, following))
                self._replace(x, y, before)
                self._replace(y, x, following)
        self._label(ends, links_of_b)
        left = len(self.sizes)
        while left > 1:
            u = min((t for t, size in enumerate(self.sizes) if size), key=self.sizes.__getitem__)
            join = self._best_join(u) or self._between_cuts(u)
            assert join is not None
            self._apply(join)
            into = self._tour_at(self.place[join[3]])
            self.tours = [into if t == u else t for t in self.tours]
            self.sizes[into] += self.sizes[u]
            self.sizes[u] = 0
            left -= 1

    def _replace(self, v: int, old: int, new: int) -> None:
        self.links[2 * v + int(self.links[2 * v] != old)] = new

    def _label(self, ends: list[tuple[int, int, int]], links_of_b: list[tuple[int, int]]) -> None:
        """Follow the segments between the cuts and the new edges between their ends."""
        self.cuts = sorted(place for place, _, _ in ends)
        count = len(self.cuts)
        rank = {place: r for r, place in enumerate(self.cuts)}

        def end_of(number: int, v: int) -> int:  # 2 r before the cut of rank r, 2 r + 1 after it
            r = rank[ends[number][0]]
            return 2 * r + int(self.order[self.cuts[r]] != v)

        mate = {}
        for number, following in links_of_b:
            out, into = end_of(number, ends[number][2]), end_of(following, ends[following][1])
            mate[out], mate[into] = into, out
        self.tours = [-1] * count
        self.sizes = []
        for start in range(count):
            if self.tours[start] >= 0:
                continue
            size, segment, forward = 0, start, True
            while True:
                self.tours[segment] = len(self.sizes)
                size += len(self._places(segment))
                into = mate[2 * ((segment + 1) % count) if forward else 2 * segment + 1]
                forward = into % 2 == 1
                segment = into // 2 if forward else (into // 2 - 1) % count
                if segment == start:
                    break
            self.sizes.append(size)

    def _places(self, segment: int) -> list[int]:
        n = len(self.order)
        first, last = (self.cuts[segment] + 1) % n, self.cuts[(segment + 1) % len(self.cuts)]
        return [p % n for p in range(first, (last if last >= first else last + n) + 1)]

    def _tour_at(self, place: int) -> int:
        return self.tours[bisect_left(self.cuts, place) - 1]

    def _best_join(self, tour: int) -> Join | None:
        segments = [s for s, t in enumerate(self.tours) if t == tour]
        members = [self.order[p] for s in segments for p in self._places(s)]
        inside = set(members)
        best: Join | None = None
        for u in members:
            for c in self.near[u]:
                if c not in inside:
                    best = self._better(u, c, best)
        return best

    def _between_cuts(self, tour: int) -> Join | None:
        """Return a join at a cut, where no neighbour lies outside."""
        best: Join | None = None
        for place in self.cuts:
            u, c = self.order[place], self.order[(place + 1) % len(self.order)]
            if self._tour_at(place) != tour:
                u, c = c, u
            if self._tour_at(self.place[u]) == tour != self._tour_at(self.place[c]):
                best = self._better(u, c, best)
        return best

    def _better(self, u: int, c: int, best: Join | None) -> Join | None:
        for join in self._joins(u, c):
            if best is None or join[0] > best[0]:
                best = join
        return best

    def _joins(self, u: int, c: int) -> Iterator[Join]:
        d = self.d
        for c_next in self.links[2 * c : 2 * c + 2]:
            for u_next in self.links[2 * u : 2 * u + 2]:
                gain = d[c][c_next] - d[u][c] + d[u][u_next] - d[u_next][c_next]
                yield gain, u, u_next, c, c_next

    def _apply(self, join: Join) -> None:
        gain, u, u_next, c, c_next = join
        self.gain += gain
        self._replace(u, u_next, c)
        self._replace(u_next, u, c_next)
        self._replace(c, c_next, u)
        self._replace(c_next, c, u_next)
        for leaving in (edge(u, u_next), edge(c, c_next)):
            _cancel(leaving, self.added, self.removed)
        for coming in (edge(u, c), edge(u_next, c_next)):
            _cancel(coming, self.removed, self.added)


def _cancel(changed: Edge, taken: list[Edge], otherwise: list[Edge]) -> None:
    """Note a change of an edge, or forget the opposite one."""
    for k in range(len(taken) - 1, -1, -1):
        if taken[k] == changed:
            taken[k] = taken[-1]
            taken.pop()
            return
    otherwise.append(changed)


def _order(links: list[int]) -> list[int]:
    order, before, v = [], -1, 0
    for _ in range(len(links) // 2):
        order.append(v)
        following = links[2 * v] if links[2 * v] != before else links[2 * v + 1]
        before, v = v, following
    return order
