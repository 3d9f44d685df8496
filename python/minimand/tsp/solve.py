"""The public functions of the travelling salesman problem: `tsp` and `tour_length`."""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable
from types import ModuleType

import numpy as np

from minimand._common.arrays import (
    boolean,
    fraction,
    one_of,
    positive_float,
    positive_int,
)
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.errors import ResolutionWarning
from minimand._common.random import Key, as_key
from minimand._common.threads import resolve_threads
from minimand.tsp.arguments import as_instance, as_tour
from minimand.tsp.eax import Eax
from minimand.tsp.exact import FEW, LARGEST
from minimand.tsp.genetic import Genetic
from minimand.tsp.instance import Instance
from minimand.tsp.local_search import LocalSearch
from minimand.tsp.problem import Problem
from minimand.tsp.result import TSPProgress, TSPResult
from minimand.tsp.run import Found, Run

METHODS = ("auto", "eax", "genetic", "local_search", "exact")
BOUNDS = ("auto", "one_tree", "subtour")
CROSSOVERS = ("ox", "ox_linear")
_SMALLEST = 8  # cities for which there is a choice of method
_EAX_SECONDS = 3.0  # for 1000 cities; grows with the power 1.5
_RESOLUTION = 16  # units of the shortest distance below which there is a warning
_GENERATIONS, _POPULATION, _KICKS = 1000, 100, 50  # genetic, genetic, local search


def tsp(
    points_or_distances: object,
    *,
    method: str = "auto",
    closed: bool = True,
    start: int | None = None,
    end: int | None = None,
    metric: str = "euclidean",
    population: int | None = None,
    generations: int | None = None,
    mutation_rate: float = 0.05,
    crossover: str = "ox",
    islands: int = 1,
    time_limit: float | None = None,
    bound: str | None = "auto",
    rng: object = None,
    callback: Callable[[TSPProgress], object] | None = None,
    progress: bool = False,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> TSPResult:
    """Find a short tour through all points, and prove how much shorter another one can be at most.

    Minimises over all orders t of the N cities

        L(t) = sum_{i<N-1} d(t[i], t[i+1])  +  [closed] d(t[N-1], t[0])

    Parameters
    ----------
    points_or_distances : array_like (N, d) or (N, N), or Instance
        Coordinates; or a symmetric matrix of distances with zeros on its diagonal (for N <= 3 say
        `metric="precomputed"`); or what `read_tsplib` returned, with its metric and fixed edges.
    method : {"auto", "eax", "genetic", "local_search", "exact"}
        "eax": genetic algorithm with edge assembly crossover, whose tours mostly are optimal up to
        some thousand cities. "genetic": the classic one with ordered crossover, swap mutation and
        truncation selection, a baseline. "local_search": chains of exchanges and small kicks, for
        large problems and short times. "exact": "eax", then an integer program that proves the
        tour, up to some hundred cities. "auto": all subsets up to 12 cities, else "eax" if the time
        limit allows it, else "local_search".
    closed : bool
        Whether the tour returns to where it began; False for a path.
    start, end : int, optional
        Given ends of a path. `start` alone also says where a closed tour is written from.
    metric : str
        "euclidean", "manhattan", "chebyshev" in any dimension; "precomputed"; or one of TSPLIB's,
        which round to integers: "euc_2d", "euc_3d", "ceil_2d", "att", "geo", "man_2d", "max_2d".
    population : int, optional
        Tours of "eax" (by default 200, from 2000 cities on 100) and "genetic" (100).
    generations : int, optional
        At most so many; by default "eax" goes on until the population has converged, "genetic"
        does 1000. For "local_search" it is the number of kicks per city (50, without a time limit).
    mutation_rate : float
        "genetic": the share of children that mutate, and of their cities that are swapped.
    crossover : {"ox", "ox_linear"}
        "genetic": whether the second parent fills a child cyclically from the second cut on, or
        from the first place on.
    islands : int
        "genetic": populations that exchange their best tour every 50 generations.
    time_limit : float, optional
        Seconds, of which the bound takes at most a tenth.
    bound : {"auto", "one_tree", "subtour"} or None
        The kind of lower bound, see `tour_lower_bound`.
    rng : None, int, SeedSequence, BitGenerator or Generator
        With a number, and without a time limit, the same tour each time.
    callback : callable, optional
        Called with a `TSPProgress` every now and then; StopIteration from it ends the run.
    progress : bool
        Whether to show a progress bar (needs tqdm).
    threads : int, optional
        At most so many threads; the tour is the same for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror (for small problems).

    Returns
    -------
    TSPResult
        The tour, its length, a lower bound for all tours, the relative gap between the two and the
        proof, which `result.verify(points_or_distances)` checks in plain NumPy. When a limit, the
        callback or Ctrl-C ends the run, it holds the best tour so far.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.
    OverflowError
        Integer distances whose sum passes 2^52.

    Notes
    -----
    Sources: Nagata, Kobayashi, INFORMS J. Comput. 25 (2013) 346; Davis, IJCAI 1985; Lin, Kernighan,
    Oper. Res. 21 (1973) 498; Held, Karp, Oper. Res. 18 (1970) 1138.

    Examples
    --------
    >>> import minimand
    >>> square = [[0.0, 0.0], [4.0, 3.0], [0.0, 3.0], [4.0, 0.0]]
    >>> result = minimand.tsp(square)
    >>> result.tour.tolist(), result.length, result.proven_optimal
    ([0, 2, 1, 3], 14.0, True)
    """
    # Check
    begin = time.perf_counter()
    one_of("method", method, METHODS)
    one_of("crossover", crossover, CROSSOVERS)
    if bound is not None:
        one_of("bound", bound, BOUNDS)
    tours = None if population is None else _at_least("population", population, 2)
    limit = None if generations is None else positive_int("generations", generations)
    rate = fraction("mutation_rate", mutation_rate)
    groups = positive_int("islands", islands)
    seconds = None if time_limit is None else positive_float("time_limit", time_limit)
    if callback is not None and not callable(callback):
        raise wrong_type("callback", callback, "a function or None")
    progress = boolean("progress", progress)
    compiled = kernels("tsp", backend)
    workers = resolve_threads(threads)

    # Convert
    key = as_key(rng)
    instance = as_instance(
        "points_or_distances",
        points_or_distances,
        closed=closed,
        start=start,
        end=end,
        metric=metric,
    )
    chosen = _choose(method, instance, seconds)

    # Drive and certify
    run = Run(instance, bound, begin, seconds, compiled, workers)
    found: Found
    if instance.N <= 3:
        found = run.solve_directly(_shortest_of_all(instance), "trivial")
    elif chosen == "exact" and instance.N <= FEW:
        found = run.solve_by_subsets()
    else:
        engine: Genetic | Eax | LocalSearch
        if chosen == "genetic":
            engine = Genetic(
                instance,
                population=tours or _POPULATION,
                generations=limit or _GENERATIONS,
                mutation_rate=rate,
                crossover=crossover,
                islands=groups,
                key=key,
                kernels=compiled,
                threads=workers,
            )
        else:
            engine = _engine(chosen, instance, tours, limit, begin, seconds, key, compiled, workers)
        found = run.solve(engine, callback=callback, progress=progress)
        if chosen == "exact":
            found = run.prove(found)

    # Return
    return TSPResult(
        status=found.status,
        iterations=found.generations,
        history=found.history,
        seconds=time.perf_counter() - begin,
        backend=backend,
        certificates=found.certificates,
        tour=found.tour,
        length=found.length,
        lower_bound=found.lower_bound,
        gap=found.gap,
        proven_optimal=found.proven_optimal,
        certificate=found.certificate,
        stopped_by=found.stopped_by,
        method="trivial" if instance.N <= 3 else chosen,
        metric=instance.metric,
        closed=instance.closed,
        start=instance.start,
        end=instance.end,
        seed=(int(key[0]), int(key[1])),
    )


def tour_length(
    points: object, tour: object, *, closed: bool = True, metric: str = "euclidean"
) -> float:
    """Return the length of a tour, or with `closed=False` of a path, correctly rounded.

    Parameters
    ----------
    points : array_like (N, d) or (N, N), or Instance
        As for `tsp`.
    tour : array_like (N,)
        The cities 0 to N-1 in the order of the tour.
    closed, metric
        As for `tsp`.

    Raises
    ------
    ValueError, TypeError
        Bad arguments, among them a tour that misses a city.

    Examples
    --------
    >>> import minimand
    >>> minimand.tour_length([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]], [0, 1, 2])
    12.0
    """
    instance = as_instance("points", points, closed=closed, metric=metric)
    return instance.length(as_tour("tour", tour, instance.N))


def _engine(
    method: str,
    instance: Instance,
    population: int | None,
    generations: int | None,
    begin: float,
    seconds: float | None,
    key: Key,
    compiled: ModuleType,
    threads: int,
) -> Eax | LocalSearch:
    problem = Problem(instance, compiled, threads)
    if problem.least_distance < _RESOLUTION:
        warnings.warn(
            f"points_or_distances has distances that differ by a factor of more than 2^44/N: the "
            f"shortest one is {problem.least_distance} units of {2.0**-instance.unit_exponent:.3g} "
            "in which lengths are compared; ways among the nearest cities may be in any order",
            ResolutionWarning,
            stacklevel=3,
        )
    if method == "local_search":
        kicks = generations
        if kicks is None and seconds is None:
            kicks = _KICKS
        return LocalSearch(
            problem,
            kicks_per_city=kicks,
            key=key,
            kernels=compiled,
            threads=threads,
            begin=begin,
            time_limit=seconds if generations is None else None,
        )
    return Eax(
        problem,
        population=population,
        generations=generations,
        key=key,
        kernels=compiled,
        threads=threads,
        deadline=None if seconds is None or population else begin + seconds,
    )


def _choose(method: str, instance: Instance, seconds: float | None) -> str:
    """Return the method, and refuse what it cannot do."""
    N = instance.N
    if method == "genetic" and len(instance.fixed):
        raise ValueError(
            "method is 'genetic', which knows no fixed edges, but points_or_distances has "
            f"{len(instance.fixed)}; use 'eax'"
        )
    if method == "exact" and N > LARGEST:
        raise ValueError(
            f"method is 'exact', which is for at most {LARGEST} cities, but there are {N}; "
            "use 'eax', which proves a gap as well"
        )
    if (method == "auto" and N <= FEW) or (method != "genetic" and N < _SMALLEST):
        return "exact"
    if method != "auto":
        return method
    enough = seconds is None or seconds >= _EAX_SECONDS * (N / 1000) ** 1.5
    return "eax" if enough else "local_search"


def _shortest_of_all(instance: Instance) -> list[int]:
    """Return the first shortest tour of at most three cities that begins and ends as wanted."""
    first, last = instance.start, instance.end
    orders = [
        list(order)
        for order in itertools.permutations(range(instance.N))
        if first in (None, order[0]) and last in (None, order[-1])
    ]
    return min(orders, key=lambda order: instance.length(np.array(order)))


def _at_least(name: str, value: object, least: int) -> int:
    number = positive_int(name, value)
    if number < least:
        raise ValueError(f"{name} is {number}, expected an integer >= {least}")
    return number
