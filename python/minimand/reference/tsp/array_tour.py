"""A tour as a list with the positions of its vertices; reversals take the shorter side."""

from __future__ import annotations


class ArrayTour:
    """Vertices in order; `flipped` says that `next` goes backwards."""

    def __init__(self, vertices: list[int]) -> None:
        self.vertices = vertices
        self.place = [0] * len(vertices)
        for p, v in enumerate(vertices):
            self.place[v] = p
        self.flipped = False
        self.journal: list[tuple[int, int, bool]] = []  # first place, length, whether it turned

    def next(self, v: int) -> int:
        """Return the vertex after v."""
        return self.vertices[(self.place[v] + (-1 if self.flipped else 1)) % len(self.vertices)]

    def previous(self, v: int) -> int:
        """Return the vertex before v."""
        return self.vertices[(self.place[v] + (1 if self.flipped else -1)) % len(self.vertices)]

    def steps(self, start: int, stop: int) -> int:
        """Return how many steps it is from one vertex on to another."""
        difference = self.place[stop] - self.place[start]
        return (-difference if self.flipped else difference) % len(self.vertices)

    def reverse(self, start: int, stop: int) -> None:
        """Reverse the path that leads from one vertex on to another, or all the rest."""
        if self.flipped:
            start, stop = stop, start
        n = len(self.vertices)
        first, last = self.place[start], self.place[stop]
        length = (last - first) % n + 1
        turned = 2 * length > n
        if turned:
            first, length = (last + 1) % n, n - length
            self.flipped = not self.flipped
        self._reverse_places(first, length)
        self.journal.append((first, length, turned))

    def undo(self, mark: int) -> None:
        """Take back all reversals since the journal had `mark` entries."""
        while len(self.journal) > mark:
            first, length, turned = self.journal.pop()
            self._reverse_places(first, length)
            self.flipped ^= turned

    def _reverse_places(self, first: int, length: int) -> None:
        n = len(self.vertices)
        places = [(first + k) % n for k in range(length)]
        for p, v in zip(places, [self.vertices[p] for p in reversed(places)], strict=True):
            self.vertices[p] = v
            self.place[v] = p
