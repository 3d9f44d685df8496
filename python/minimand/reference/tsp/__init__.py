"""NumPy mirror of the travelling salesman's kernels, written to be read.

Signatures, in-out arguments and return values are those of the compiled module
``minimand._core.tsp``. Nothing is checked here and nothing is tuned; what moves single edges does
so in plain Python, draw for draw and tie for tie as the compiled kernels do, so that tours are the
same. ``threads`` is accepted and ignored.
"""

from minimand.reference.tsp.bounds import ascent, dp, nearest_reduced, prim_dense
from minimand.reference.tsp.eax import count_edges, eax_pairs
from minimand.reference.tsp.genetic import genetic_steps
from minimand.reference.tsp.local_search import descend, kick
from minimand.reference.tsp.neighbours import greedy_tour, nearest

__all__ = [
    "ascent",
    "count_edges",
    "descend",
    "dp",
    "eax_pairs",
    "genetic_steps",
    "greedy_tour",
    "kick",
    "nearest",
    "nearest_reduced",
    "prim_dense",
]
