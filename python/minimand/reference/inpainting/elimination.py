"""Nested dissection of the unknown pixels: in which order a sparse factorisation eliminates them.

George, SIAM J. Numer. Anal. 10 (1973) 345, 10.1137/0710032. Pixels of one term are at most one row
and one column apart, so one line of pixels separates what lies on both sides of it.
"""

from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Indices: TypeAlias = NDArray[np.int64]


class Dissection:
    """The fronts in postorder: the pixels that each owns, and its parent, -1 for a root."""

    def __init__(self, columns: int, leaf: int) -> None:
        self.columns = columns
        self.leaf = leaf
        self.own: list[Indices] = []
        self.parent: list[int] = []

    def cut(self, pixels: Indices) -> list[int]:
        """Append the fronts of a set of pixels; return those that have no parent yet.

        A small set is one front. A larger one is cut at a line of pixels: the fronts of both sides
        become children of the front of the line.
        """
        if pixels.size == 0:
            return []
        own, children = pixels, []
        if pixels.size > self.leaf:
            before, after, own = self.split(pixels)
            children = self.cut(before) + self.cut(after)
            if own.size == 0:
                return children
        front = len(self.own)
        self.own.append(own)
        self.parent.append(-1)
        for child in children:
            self.parent[child] = front
        return [front]

    def split(self, pixels: Indices) -> tuple[Indices, Indices, Indices]:
        """Return the pixels before, after and on a line across the longer side of their box.

        Of the lines in the middle third it is the one with the fewest pixels, but not one without
        any, unless all are empty; then the one nearest the middle; then the first.
        """
        i, j = np.divmod(pixels, self.columns)
        place = i if np.ptp(i) >= np.ptp(j) else j
        place = place - place.min()
        count = np.bincount(place)
        extent = len(count)
        lines = np.arange(extent // 3, extent - extent // 3)
        distance = np.abs(lines - extent // 2)
        line = lines[np.lexsort((lines, distance, count[lines], count[lines] == 0))[0]]
        return pixels[place < line], pixels[place > line], pixels[place == line]


def plan_elimination(
    pixels: Indices,
    pixel_begin: Indices,
    terms: Indices,
    rows: int,
    columns: int,
    leaf: int,
) -> tuple[Indices, Indices, Indices, Indices, Indices]:
    """Plan the elimination of components; component c has pixels[pixel_begin[c]:pixel_begin[c+1]].

    ``terms`` are given likewise, by the flat index of (i,j); all in ascending order. Sets of at
    most ``leaf`` pixels are not cut. A front touches the pixels that it owns, and in its boundary
    the later ones that are coupled with its subtree. Returns

        order            (N) flat pixel of each position in the order of elimination
        fronts           (F+1, 4) first own position, first row of boundary, first row of
                         term_table, parent or -1; the last row holds the ends
        boundary         (B, 2) position, row in the parent's front: its own pixels come first
        term_table       (E, 4) flat index of (i,j), rows of (i,j), (i+1,j), (i,j+1) in the front
                         that owns the first of them to be eliminated, -1 for known pixels
        component_front  (k+1) first front of each component
    """
    dissection = Dissection(columns, leaf)
    component_front = [0]
    for begin, end in pairwise(pixel_begin):
        dissection.cut(pixels[begin:end])
        component_front.append(len(dissection.own))
    order = np.concatenate([np.empty(0, dtype=np.int64), *dissection.own])
    own_begin = np.cumsum([0, *(own.size for own in dissection.own)])
    parent = np.array([*dissection.parent, -1])
    count = len(dissection.own)

    # The terms of each front, and the positions of their pixels: a known one comes after all.
    position = np.full(rows * columns, order.size)
    position[order] = np.arange(order.size)
    corners = position[np.stack([terms, terms + columns, terms + 1], axis=1)]
    front = np.searchsorted(own_begin, corners.min(axis=1), side="right") - 1
    by_front = np.argsort(front, kind="stable")
    corners, front = corners[by_front], front[by_front]
    first_term = np.searchsorted(front, np.arange(count + 1))

    # Boundaries, from the leaves upwards.
    later: list[Indices] = []
    inherited: list[list[Indices]] = [[] for _ in range(count + 1)]
    for f in range(count):
        touched = [corners[first_term[f] : first_term[f + 1]].ravel(), *inherited[f]]
        reached = np.unique(np.concatenate(touched))
        later.append(reached[(reached >= own_begin[f + 1]) & (reached < order.size)])
        inherited[parent[f]].append(later[f])

    def rows_in_front(f: int, positions: Indices) -> Indices:
        own = own_begin[f + 1] - own_begin[f]
        in_boundary = own + np.searchsorted(later[f], positions)
        in_own = positions - own_begin[f]
        found: Indices = np.where(positions < own_begin[f + 1], in_own, in_boundary)
        return found

    boundary = [np.empty((0, 2), dtype=np.int64)]
    local = [np.empty((0, 3), dtype=np.int64)]
    for f in range(count):
        at_parent = rows_in_front(parent[f], later[f]) if parent[f] >= 0 else later[f]
        boundary.append(np.stack([later[f], at_parent], axis=1))
        mine = corners[first_term[f] : first_term[f + 1]]
        local.append(np.where(mine < order.size, rows_in_front(f, mine), -1))
    first_later = np.cumsum([0, *(positions.size for positions in later)])
    return (
        order,
        np.stack([own_begin, first_later, first_term, parent], axis=1),
        np.concatenate(boundary),
        np.column_stack([terms[by_front], np.concatenate(local)]),
        np.array(component_front),
    )
