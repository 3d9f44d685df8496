"""Travelling salesman: generations, time to a tour of given quality, bounds and proofs."""

from __future__ import annotations

import importlib
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TOY, turns

import minimand
from minimand.problems.tsp import random_uniform, tsplib

DATA = os.environ.get("MINIMAND_DATA")
POPULATION = 100
LONGEST = 1.0 if TOY else 4.0  # seconds that a peer may try
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Problem:
    """An instance, and what is wanted of it."""

    instance: str
    target: float | None = None  # excess over the optimum
    generations: int = 0
    seconds: float = 0.0
    turns: int = 3

    @property
    def name(self) -> str:
        if self.generations:
            return f"{self.instance}, {self.generations} generations of {POPULATION}"
        if self.seconds:
            return f"{self.instance} in {self.seconds:g} s"
        if self.target is None:
            return self.instance
        return (
            f"{self.instance} to {self.target:.2%}" if self.target else f"{self.instance}, optimal"
        )


if TOY:
    GENETIC = [Problem("berlin52", generations=20)]
    TARGETS = [Problem("berlin52", 0.01)]
    LIMITS = [Problem("berlin52", seconds=0.1)]
    BOUNDS = [Problem("random 60")]
    PROOFS = [Problem("eil51")]
else:
    GENETIC = [Problem("berlin52", generations=500)]
    TARGETS = [Problem("random 1000", 0.01, turns=1), Problem("random 1000", 0.001, turns=1)]
    LIMITS = [Problem("random 1000", seconds=seconds) for seconds in (0.25, 0.5, 1.0)]
    BOUNDS = [Problem("random 1000")]
    PROOFS = [Problem("berlin52"), Problem("eil51")]
    if DATA:
        GENETIC += [Problem("a280", generations=500)]
        TARGETS += [
            Problem(name, target, turns=1)
            for name in ("rat575", "pr1002", "pcb3038")
            for target in (0.01, 0.001, 0.0)
        ]
        LIMITS += [
            Problem(name, seconds=seconds)
            for name in ("rat575", "pr1002", "u2152", "pcb3038")
            for seconds in (0.25, 0.5, 1.0)
        ]
        BOUNDS += [Problem("pr107"), Problem("kroA100"), Problem("dsj1000")]
        PROOFS += [Problem("kroA100")]


@lru_cache
def load(name: str) -> Any:
    kind, _, size = name.partition(" ")
    if kind == "random":
        return random_uniform(int(size), rng=0).instance
    if name in ("berlin52", "eil51"):
        return tsplib(name).instance
    return minimand.read_tsplib(Path(DATA or "") / "tsplib" / f"{name}.tsp")


@lru_cache
def optimum(name: str) -> float:
    """The published length; of random points the best one we know."""
    if name in ("berlin52", "eil51"):
        return {"berlin52": 7542.0, "eil51": 426.0}[name]
    if name.startswith("random"):
        return min(
            minimand.tsp(load(name), method="eax", rng=seed, bound=None).length for seed in range(3)
        )
    rows = (Path(DATA or "") / "tsplib" / "optima.csv").read_text().splitlines()
    columns = rows[0].split(",")
    where = columns.index("name"), columns.index("optimum")
    found = {row.split(",")[where[0]]: row.split(",")[where[1]] for row in rows[1:]}
    return float(found[name])


@lru_cache
def matrix(name: str) -> np.ndarray:
    instance = load(name)
    cities = np.arange(instance.N)
    return np.array([instance.distances(np.full_like(cities, i), cities) for i in cities])


@lru_cache
def whole(name: str) -> np.ndarray:
    """Distances for the peers, integers of 16 bits: random points in units of 1/40,000."""
    d = matrix(name)
    return np.rint(d if load(name).integer else d * 40_000.0).astype(np.int64)


def excess(name: str, tour: object) -> float:
    return load(name).length(np.asarray(tour)) / optimum(name) - 1.0


# The classic genetic algorithm


def plain_python(name: str, generations: int) -> list[int]:
    """Ordered crossover, swaps and truncation as one writes them in Python, in DEAP's manner."""
    d: list[list[float]] = matrix(name).tolist()
    n = len(d)
    draw = random.Random(0)

    def length(tour: list[int]) -> float:
        return sum(d[a][b] for a, b in zip(tour, tour[1:] + tour[:1], strict=True))

    def child(a: list[int], b: list[int]) -> list[int]:
        i, j = sorted((draw.randrange(n), draw.randrange(n)))
        kept = set(a[i : j + 1])
        rest = [city for city in b[j + 1 :] + b[: j + 1] if city not in kept]
        made = rest[n - 1 - j :] + a[i : j + 1] + rest[: n - 1 - j]
        if draw.random() < 0.05:
            p, q = draw.randrange(n), draw.randrange(n)
            made[p], made[q] = made[q], made[p]
        return made

    tours = sorted((draw.sample(range(n), n) for _ in range(POPULATION)), key=length)
    for _ in range(generations):
        tours += [child(*draw.sample(tours[:POPULATION], 2)) for _ in range(POPULATION)]
        tours = sorted(tours, key=length)[:POPULATION]
    return tours[0]


def scikit_opt(name: str, generations: int) -> object:
    algorithms = pytest.importorskip("sko.GA")
    d = matrix(name)
    np.random.seed(0)  # noqa: NPY002 -- its only way
    solver = algorithms.GA_TSP(
        func=lambda tour: d[tour, np.roll(tour, -1)].sum(),
        n_dim=len(d),
        size_pop=POPULATION,
        max_iter=generations,
        prob_mut=0.05,
    )
    return solver.run()[0]


def classic(name: str, generations: int) -> object:
    return minimand.tsp(
        load(name),
        method="genetic",
        population=POPULATION,
        generations=generations,
        bound=None,
        rng=0,
    ).tour


GENETIC_CONTENDERS = {
    "minimand": classic,
    "scikit-opt GA_TSP": scikit_opt,
    "plain Python": plain_python,
}


@pytest.mark.parametrize(("problem", "_turn", "contender"), turns(GENETIC, GENETIC_CONTENDERS))
def test_generations(measure, benchmark, problem, _turn, contender):
    run = GENETIC_CONTENDERS[contender]
    matrix(problem.instance)
    tour = measure(problem.name, contender, lambda: run(problem.instance, problem.generations))
    benchmark.extra_info["gap"] = excess(problem.instance, tour)


# Time to a tour of given quality. A method that knows only a time limit gets the least of 1/16,
# 1/8, ... seconds that has sufficed, or the longest.

Solver = Callable[[str, float], object]


def until(method: str) -> Callable[[Problem], Callable[[], object]]:
    """Stop as soon as the tour is good enough, which a callback can."""

    def prepare(problem: Problem) -> Callable[[], object]:
        enough = optimum(problem.instance) * (1.0 + (problem.target or 0.0)) * (1.0 + TOLERANCE)

        def look(progress: minimand.TSPProgress) -> None:
            if progress.length <= enough:
                raise StopIteration

        return lambda: (
            minimand.tsp(
                load(problem.instance),
                method=method,
                bound=None,
                rng=0,
                time_limit=LONGEST,
                callback=look,
            ).tour
        )

    return prepare


def doubling(solve: Solver) -> Callable[[Problem], Callable[[], object]]:
    def prepare(problem: Problem) -> Callable[[], object]:
        seconds = 1 / 16
        while seconds < LONGEST:
            found = excess(problem.instance, solve(problem.instance, seconds))
            if found <= (problem.target or 0.0) + TOLERANCE:
                break
            seconds *= 2
        return lambda: solve(problem.instance, seconds)

    return prepare


def fast_tsp(name: str, seconds: float) -> object:
    return pytest.importorskip("fast_tsp").find_tour(whole(name), seconds)


def or_tools(name: str, seconds: float) -> object:
    pytest.importorskip("ortools")
    solver = importlib.import_module("ortools.constraint_solver.pywrapcp")
    enums = importlib.import_module("ortools.constraint_solver.routing_enums_pb2")
    d = whole(name).tolist()
    manager = solver.RoutingIndexManager(len(d), 1, 0)
    model = solver.RoutingModel(manager)
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(d))
    search = solver.DefaultRoutingSearchParameters()
    search.first_solution_strategy = enums.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    search.local_search_metaheuristic = enums.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    search.time_limit.FromMilliseconds(int(1000 * seconds))
    found = model.SolveWithParameters(search)

    def along() -> Iterator[int]:
        index = model.Start(0)
        while not model.IsEnd(index):
            yield manager.IndexToNode(index)
            index = found.Value(model.NextVar(index))

    return list(along()) if found else list(range(len(d)))


def lkh(problem: Problem) -> Callable[[], object]:
    elkai = pytest.importorskip("elkai")
    d = whole(problem.instance).tolist()
    return lambda: elkai.DistanceMatrix(d).solve_tsp(runs=1)[:-1]


TARGET_CONTENDERS = {
    "minimand eax": until("eax"),
    "minimand local_search": until("local_search"),
    "fast-tsp": doubling(fast_tsp),
    "OR-Tools guided local search": doubling(or_tools),
    "elkai (LKH), one run": lkh,
}


@pytest.mark.parametrize(("problem", "_turn", "contender"), turns(TARGETS, TARGET_CONTENDERS))
def test_time_to_quality(measure, benchmark, problem, _turn, contender):
    call = TARGET_CONTENDERS[contender](problem)
    tour = measure(problem.name, contender, call)
    benchmark.extra_info["gap"] = excess(problem.instance, tour)


# The best tour in given time


def limited(method: str) -> Solver:
    return lambda name, seconds: (
        minimand.tsp(load(name), method=method, bound=None, rng=0, time_limit=seconds).tour
    )


LIMIT_CONTENDERS = {
    "minimand local_search": limited("local_search"),
    "minimand eax": limited("eax"),
    "fast-tsp": fast_tsp,
}


@pytest.mark.parametrize(("problem", "_turn", "contender"), turns(LIMITS, LIMIT_CONTENDERS))
def test_quality_in_time(measure, benchmark, problem, _turn, contender):
    solve = LIMIT_CONTENDERS[contender]
    whole(problem.instance)
    tour = measure(problem.name, contender, lambda: solve(problem.instance, problem.seconds))
    benchmark.extra_info["gap"] = excess(problem.instance, tour)


# Bounds and proofs

BOUND_CONTENDERS = {"minimand one_tree": "one_tree", "minimand subtour": "subtour"}


@pytest.mark.parametrize(("problem", "_turn", "contender"), turns(BOUNDS, BOUND_CONTENDERS))
def test_bounds(measure, benchmark, problem, _turn, contender):
    found = measure(
        f"bound of {problem.name}",
        contender,
        lambda: minimand.tour_lower_bound(load(problem.instance), kind=BOUND_CONTENDERS[contender]),
    )
    benchmark.extra_info["gap"] = 1.0 - found.lower_bound / optimum(problem.instance)


@pytest.mark.parametrize(("problem", "_turn", "contender"), turns(PROOFS, ["minimand exact"]))
def test_proofs(measure, benchmark, problem, _turn, contender):
    found = measure(
        f"proof of {problem.name}",
        contender,
        lambda: minimand.tsp(load(problem.instance), method="exact", rng=0),
    )
    assert found.proven_optimal
    benchmark.extra_info["gap"] = excess(problem.instance, found.tour)
