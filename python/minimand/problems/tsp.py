"""Cities whose shortest tour is known, and some to look at.

- by geometry: `circle`, `grid`, `line`;
- published: `tsplib`, with the optima of TSPLIB;
- not known, but bounded by any tour: `random_uniform`, `village`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources

import numpy as np

from minimand._common.arrays import one_of, positive_int
from minimand.tsp.instance import Instance
from minimand.tsp.tsplib import read_tsplib

_OPTIMA = {"berlin52": 7542, "eil51": 426, "ulysses16": 6859}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TSPProblem:
    """Cities and, if it is known, the length of the shortest tour.

    Attributes
    ----------
    name
        Name of the problem.
    instance
        What `tsp` takes.
    optimum
        The length of the shortest tour, NaN if it is not known.
    """

    name: str
    instance: Instance
    optimum: float = math.nan


def circle(N: int, *, closed: bool = True) -> TSPProblem:
    """N cities around a circle of radius 1, not in their order; a path leaves one edge out.

    Examples
    --------
    >>> from minimand.problems.tsp import circle
    >>> round(circle(6).optimum, 12)
    6.0
    """
    positive_int("N", N)
    angles = 2.0 * np.pi * np.random.default_rng(N).permutation(N) / N
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    edges = (N if closed else N - 1) if N > 1 else 0
    return TSPProblem(
        name=f"circle of {N}",
        instance=Instance(points=points, closed=closed),
        optimum=2.0 * edges * math.sin(math.pi / N),
    )


def grid(rows: int, columns: int, *, closed: bool = True) -> TSPProblem:
    """Cities at all crossings of a grid: every edge can have length 1, except for odd times odd.

    There a closed tour needs one diagonal.
    """
    m, n = positive_int("rows", rows), positive_int("columns", columns)
    points = np.indices((m, n)).reshape(2, -1).T.astype(np.float64)
    optimum = float(m * n - 1)
    if closed and min(m, n) > 1:
        optimum = m * n + (m * n % 2) * (math.sqrt(2.0) - 1.0)
    elif closed:
        optimum *= 2.0
    return TSPProblem(
        name=f"grid of {m} x {n}",
        instance=Instance(points=points, closed=closed),
        optimum=optimum,
    )


def line(N: int, *, closed: bool = True, rng: int = 0) -> TSPProblem:
    """Cities on one line, some of them twice: there and, for a closed tour, back."""
    positive_int("N", N)
    points = np.random.default_rng(rng).integers(0, 2 * N, size=(N, 1)).astype(np.float64)
    extent = float(np.ptp(points))
    return TSPProblem(
        name=f"line of {N}",
        instance=Instance(points=points, closed=closed),
        optimum=2.0 * extent if closed else extent,
    )


def tsplib(name: str) -> TSPProblem:
    """Return a problem of TSPLIB that comes with the package.

    Parameters
    ----------
    name
        "berlin52", "eil51" or "ulysses16".

    Examples
    --------
    >>> from minimand.problems.tsp import tsplib
    >>> tsplib("berlin52").optimum
    7542.0
    """
    one_of("name", name, tuple(_OPTIMA))
    file = resources.files("minimand.problems").joinpath("data", f"{name}.tsp")
    with resources.as_file(file) as path:
        return TSPProblem(name=name, instance=read_tsplib(path), optimum=float(_OPTIMA[name]))


def random_uniform(N: int, *, dimension: int = 2, rng: int = 0) -> TSPProblem:
    """N cities uniform in the unit square or cube; the shortest tour is about 0.7124 sqrt(N)."""
    points = np.random.default_rng(rng).random((positive_int("N", N), dimension))
    return TSPProblem(name=f"uniform {N}", instance=Instance(points=points))


def village(houses: int = 120, *, rng: int = 7) -> TSPProblem:
    """Houses along a few winding streets that meet at a square, in metres."""
    positive_int("houses", houses)
    random = np.random.default_rng(rng)
    streets = 6
    street = random.integers(streets, size=houses)
    distance = 60.0 + 640.0 * random.random(houses) ** 0.8
    bend = random.uniform(-0.9, 0.9, streets)[street]
    angle = 2.0 * np.pi * (street + random.uniform(-0.15, 0.15, streets)[street]) / streets
    angle = angle + bend * (distance / 700.0) ** 1.5
    side = np.where(random.random(houses) < 0.5, -1.0, 1.0) * random.uniform(14.0, 30.0, houses)
    along = np.column_stack([np.cos(angle), np.sin(angle)])
    across = np.column_stack([-np.sin(angle), np.cos(angle)])
    points = np.round(distance[:, np.newaxis] * along + side[:, np.newaxis] * across, 1)
    return TSPProblem(name=f"village of {houses}", instance=Instance(points=points))
