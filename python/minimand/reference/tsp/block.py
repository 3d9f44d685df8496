"""The Block2 strategy: sets of AB-cycles that make few portions of A and of B."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from minimand.reference.tsp.ab_cycles import AbCycle, Bits
from minimand.reference.tsp.offspring import Offspring

LONGEST_TENURE, PATIENCE = 10, 20


class Blocks:
    """Weights W(s, t) of the pairs of AB-cycles; cycles go by their rank in size here.

    +1 for each vertex where both pass, +1 for each maximal path of common edges between an end
    where s passes and one where t does.
    """

    def __init__(self, cycles: list[AbCycle], parent: Offspring) -> None:
        self.by_size = sorted(cycles, key=lambda cycle: -len(cycle.vertices))
        self.weights: list[Counter[int]] = [Counter() for _ in cycles]
        at: dict[int, int] = {}
        cuts = set()
        for rank, cycle in enumerate(self.by_size):
            for k, v in enumerate(cycle.vertices):
                if v in at:
                    self._connect(at[v], rank)
                at[v] = rank
                if k % 2 == 0:
                    cuts.add(parent.place_of(v, cycle.vertices[k + 1]))
        places = sorted(cuts)
        for before, place in zip(places[-1:] + places[:-1], places, strict=True):
            begin = (before + 1) % len(parent.order)
            if begin != place:
                self._connect(at[parent.order[begin]], at[parent.order[place]])
        self.total = [sum(row.values()) for row in self.weights]

    def _connect(self, s: int, t: int) -> None:
        if s != t:
            self.weights[s][t] += 1
            self.weights[t][s] += 1

    def choose(self, centre: int, below: Callable[[int], int], bit: Bits) -> list[AbCycle]:
        """Return an E-set around the cycle of that rank, by tabu search for the least cut."""
        count = len(self.by_size)
        inside, member, free_at = [0] * count, [False] * count, [0] * count

        def change(t: int) -> int:
            more = self.total[t] - 2 * inside[t]
            return -more if member[t] else more

        def flip(t: int) -> int:
            made = change(t)
            member[t] = not member[t]
            for other, weight in self.weights[t].items():
                inside[other] += weight if member[t] else -weight
            return made

        cost = flip(centre)
        smaller = range(centre + 1, count)
        joining = [t for t in smaller if inside[t] > 0 and bit()]
        for t in joining:
            cost += flip(t)
        least, best = cost, member.copy()
        step = stalls = 0
        while stalls < PATIENCE:
            free = [t for t in smaller if free_at[t] <= step and (member[t] or inside[t] > 0)]
            if free:
                found = min(free, key=change)
                cost += flip(found)
                free_at[found] = step + 2 + below(LONGEST_TENURE)
            if cost < least:
                least, best, stalls = cost, member.copy(), 0
            else:
                stalls += 1
            step += 1
        return [cycle for cycle, chosen in zip(self.by_size, best, strict=True) if chosen]
