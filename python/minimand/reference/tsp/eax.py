"""Genetic algorithm with edge assembly crossover: one generation of pairs."""

# ruff: noqa: ARG001 -- `table` and `threads` belong to the signature of the compiled kernels

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from minimand.reference.tsp.ab_cycles import AbCycle, Bits, ab_cycles
from minimand.reference.tsp.block import Blocks
from minimand.reference.tsp.distance import Lengths, Points, Vertices
from minimand.reference.tsp.distance import table as distance_table
from minimand.reference.tsp.draws import Draws, Key
from minimand.reference.tsp.offspring import Edge, Offspring

LEAST_LOSS = 1e-9  # of entropy: a child that loses none has this

Table = NDArray[np.uint64]
Choice = tuple[float, int, list[Edge], list[Edge]]  # score, gain, removed and added edges


def _count(links: Vertices) -> Counter[Edge]:
    counts: Counter[Edge] = Counter()
    for row in links.tolist():
        mates = zip(row[::2], row[1::2], strict=True)
        counts.update((v, w) for v, pair in enumerate(mates) for w in pair if v < w)
    return counts


def count_edges(links: Vertices, table: Table) -> int:
    """Return the number of different edges; the table of the compiled kernels stays as it is."""
    return len(_count(links))


def eax_pairs(
    points: Points,
    distances: Lengths,
    metric: int,
    scale: float,
    mates: Vertices,
    penalty: int,
    near: Vertices,
    links: Vertices,
    lengths: Lengths,
    table: Table,
    entropy: NDArray[np.float64],
    key: Key,
    generation: int,
    first_pair: int,
    last_pair: int,
    batch: int,
    children: int,
    block: bool,
    threads: int,
) -> int:
    """Cross the pairs first_pair .. last_pair - 1; return how many tours changed."""
    d = distance_table(points, distances, metric, scale, mates, penalty)
    tours, draws = len(links), Draws(key)
    first_item = generation * (tours + 1)
    order = list(range(tours))
    below = draws.stream(first_item + tours)
    for k in range(tours - 1):
        other = k + below(tours - k)
        order[k], order[other] = order[other], order[k]

    counts = _count(links)
    neighbours = near.tolist()
    changed = 0
    for first in range(first_pair, last_pair, batch):
        pairs = range(first, min(first + batch, last_pair))
        rows = [(order[i], order[(i + 1) % tours]) for i in pairs]
        choices = [
            _cross(
                links[a].tolist(), links[b].tolist(), d, neighbours, counts, entropy,
                draws.words(first_item + i), children, block,
            )
            for i, (a, b) in zip(pairs, rows, strict=True)
        ]  # fmt: skip
        for (row, _), choice in zip(rows, choices, strict=True):
            if choice is None:
                continue
            _, gain, removed, added = choice
            _commit(links[row], counts, removed, added)
            lengths[row] -= gain
            changed += 1
    return changed


def _cross(
    a: list[int],
    b: list[int],
    d: list[list[int]],
    near: list[list[int]],
    counts: Counter[Edge],
    entropy: NDArray[np.float64],
    word: Callable[[], int],
    children: int,
    block: bool,
) -> Choice | None:
    """Return the best child of A and B that gains, if there is one."""

    def below(bound: int) -> int:
        return word() * bound >> 64

    cycles = ab_cycles(a, b, d, below, Bits(word))
    if len(cycles) < 2:
        return None
    parent = Offspring(a, d, near)
    blocks = Blocks(cycles, parent) if block else None
    order = list(range(len(cycles)))
    best: Choice | None = None
    for k in range(min(len(cycles), children)):
        chosen: list[AbCycle]
        if blocks is not None:
            chosen = blocks.choose(k, below, Bits(word))
            if len(chosen) == len(cycles):
                continue
        else:
            other = k + below(len(cycles) - k)
            order[k], order[other] = order[other], order[k]
            chosen = [cycles[order[k]]]
        child = Offspring(a, d, near, parent)
        child.make(chosen)
        if child.gain <= 0:
            continue
        change = 0.0
        for edge in child.removed:
            change += entropy[counts[edge]] - entropy[counts[edge] - 1]
        for edge in child.added:
            change += entropy[counts[edge]] - entropy[counts[edge] + 1]
        score = float(child.gain / max(-change, LEAST_LOSS))
        if best is None or score > best[0]:
            best = score, child.gain, child.removed, child.added
    return best


def _commit(links: Vertices, counts: Counter[Edge], removed: list[Edge], added: list[Edge]) -> None:
    """Exchange the edges of a tour, each in the place of the one that left."""

    def put(v: int, old: int, new: int) -> None:
        links[2 * v + int(links[2 * v] != old)] = new

    for i, j in removed:
        put(i, j, -1)
        put(j, i, -1)
    for i, j in added:
        put(i, -1, j)
        put(j, -1, i)
    counts.subtract(removed)
    counts.update(added)
