"""What a time limit changes: how many tours are made, and what local search begins with."""

from __future__ import annotations

import time

import numpy as np
import pytest
from tsp_instances import ENDS

import minimand
from minimand._common.backend import kernels
from minimand._common.random import as_key
from minimand.tsp.eax import Eax
from minimand.tsp.instance import Instance
from minimand.tsp.local_search import LocalSearch
from minimand.tsp.problem import Problem

CPP = kernels("tsp", "cpp")


def problem(N, seed, **options):
    points = np.random.default_rng(seed).random((N, 2))
    return Problem(Instance(points=points, **options), CPP, 1)


def lengths(search, until):
    """The best length after each call until the condition holds."""
    found = [search.advance(1).measures["best"]]
    while not until():
        found.append(search.advance(5).measures["best"])
    return found


@pytest.mark.parametrize("ends", ENDS)
def test_local_search_crosses_tours_and_then_kicks(ends):
    instance = problem(70, 1, **ends)
    options = {"key": as_key(2), "kernels": CPP, "threads": 1}
    search = LocalSearch(
        instance, kicks_per_city=None, begin=time.perf_counter(), time_limit=3600.0, **options
    )
    found = lengths(search, lambda: search.generations >= 3)
    assert (np.diff(found) <= 0.0).all()
    assert found[-1] == pytest.approx(instance.instance.length(search.best()))
    assert sorted(search.best()) == list(range(70))
    alone = LocalSearch(instance, kicks_per_city=3, **options)
    while alone.advance(5).status is None:
        pass
    crossed = Eax(instance, population=100, generations=None, **options)
    while crossed.advance(5).status is None:
        pass
    assert found[-1] <= instance.instance.length(crossed.best())
    assert found[-1] <= instance.instance.length(alone.best())


def test_when_time_is_short_few_tours_are_crossed():
    instance = problem(90, 3)
    options = {"population": None, "generations": None, "key": as_key(4), "kernels": CPP}
    hurried = Eax(instance, threads=1, deadline=time.perf_counter(), **options)
    greedy = instance.instance.length(instance.tour(instance.start))
    populations = set()
    while (step := hurried.advance(3)).status is None:
        if hurried.generations:
            populations.add(step.measures["spread"])
    assert max(populations, default=1) <= 10
    assert hurried.generations > 0
    assert instance.instance.length(hurried.best()) <= greedy


def test_tours_under_a_limit_verify():
    points = np.random.default_rng(5).random((60, 2))
    for method in ("eax", "local_search", "auto"):
        result = minimand.tsp(points, method=method, time_limit=0.5, rng=6)
        result.verify(points)
        assert result.stopped_by in ("time_limit", "converged", "bound")
