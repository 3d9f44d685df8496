"""The kernels of the search: both backends make the same moves, and each keeps its promises."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tsp_instances import ENDS, INTEGER, instances

from minimand._common.backend import kernels
from minimand._common.random import as_key
from minimand.tsp.eax import Eax
from minimand.tsp.instance import Instance
from minimand.tsp.local_search import LocalSearch
from minimand.tsp.metric import between
from minimand.tsp.problem import Problem, length_table

BACKENDS = ("cpp", "numpy")


def uniform(N, seed=0, *, lattice=False, **options):
    points = np.random.default_rng(seed).random((N, 2))
    return Instance(points=np.floor(6 * points) if lattice else points, **options)


def problem(instance, backend="cpp"):
    return Problem(instance, kernels("tsp", backend), 1)


def nearest(instance, width, quadrants=0, backend="cpp", threads=1):
    near = np.full((instance.N, width), -1, dtype=np.int32)
    kernels("tsp", backend).nearest(
        instance.scaled_points,
        length_table(instance),
        instance.code,
        1.0 if instance.metric == "precomputed" else instance.scale,
        quadrants,
        near,
        threads,
    )
    return near


def edges(tour):
    return {frozenset(edge) for edge in zip(tour.tolist(), np.roll(tour, -1).tolist(), strict=True)}


# Distances


@settings(max_examples=60)
@given(instances(least=5, most=9))
def test_kernels_measure_as_instances_do(instance):
    """The neighbours are those of NumPy's distances, so the compiled distances have their order."""
    cities = np.arange(instance.N)
    near = nearest(instance, instance.N - 1)
    for i in range(instance.N):
        d = instance.fixed_point(np.full(instance.N, i), cities)
        order = np.lexsort((cities, d))
        assert near[i].tolist() == order[order != i].tolist()


def test_distances_do_not_overflow_or_vanish():
    points = np.random.default_rng(1).random((9, 2))
    lengths = Instance(points=points).fixed_point(np.arange(8), np.arange(1, 9))
    for exponent in (-1000, -300, 300, 1000):
        scaled = Instance(points=np.ldexp(points, exponent))
        np.testing.assert_array_equal(scaled.fixed_point(np.arange(8), np.arange(1, 9)), lengths)
        assert np.isfinite(scaled.length(np.arange(9)))


@pytest.mark.parametrize("metric", INTEGER)
def test_integer_metrics_are_symmetric_and_whole(metric):
    points = np.random.default_rng(2).uniform(-80, 80, (30, 3 if metric == "euc_3d" else 2))
    d = between(metric, points[:, None], points[None])
    np.testing.assert_array_equal(d, d.T)
    np.testing.assert_array_equal(d, np.floor(d))


# Neighbours


@pytest.mark.parametrize("quadrants", [0, 1, 2])
@pytest.mark.parametrize("lattice", [False, True])
def test_neighbours_are_the_same_on_both_backends(quadrants, lattice):
    instance = uniform(300, lattice=lattice)
    reference = nearest(instance, 9, quadrants, "numpy")
    for threads in (1, 2, 5):
        np.testing.assert_array_equal(nearest(instance, 9, quadrants, threads=threads), reference)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "att", "ceil_2d", "geo", "max_2d"])
def test_the_tree_prunes_nothing_that_is_near(metric):
    instance = uniform(400, 3, metric=metric)
    if metric not in ("manhattan", "chebyshev"):
        instance = Instance(points=np.round(60 * instance.points), metric=metric)
    np.testing.assert_array_equal(nearest(instance, 8), nearest(instance, 8, backend="numpy"))


@pytest.mark.parametrize("dimension", [1, 3, 8, 9])
def test_neighbours_in_other_dimensions(dimension):
    instance = Instance(points=np.random.default_rng(4).random((150, dimension)))
    np.testing.assert_array_equal(nearest(instance, 6), nearest(instance, 6, backend="numpy"))


def test_quadrants_link_rows():
    """In rows of dense points, the nearest lie in the same row; each quadrant has one elsewhere."""
    x, y = np.meshgrid(np.arange(40) * 0.01, np.arange(5.0))
    instance = Instance(points=np.column_stack([x.ravel(), y.ravel()]))
    rows = instance.points[:, 1]
    middle = 2 * 40 + 20
    assert set(rows[nearest(instance, 10)[middle]]) == {2.0}
    assert set(rows[nearest(instance, 10, 1)[middle]]) == {1.0, 2.0, 3.0}


# Local search


@settings(max_examples=40)
@given(instances(least=8, most=14), st.integers(0, 99))
def test_both_backends_descend_and_kick_alike(instance, seed):
    tours = []
    for backend in BACKENDS:
        found = problem(instance, backend)
        search = LocalSearch(
            found, kicks_per_city=3, key=as_key(seed), kernels=kernels("tsp", backend), threads=1
        )
        while search.advance(1).status is None:
            pass
        tours.append(search.best().tolist())
        vertices = found.start
        assert sorted(vertices.tolist()) == list(range(found.size))
    assert tours[0] == tours[1]


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("lattice", [False, True])
def test_no_exchange_of_two_edges_improves_a_local_optimum(ends, lattice):
    found = problem(uniform(60, 5, lattice=lattice, **ends))
    tour = found.random_tour(np.random.default_rng(0)).reshape(1, -1)
    pending = np.ones_like(tour, dtype=np.uint8)
    before = found.measure(tour[0])
    everything = np.array([[w for w in range(found.size) if w != v] for v in range(found.size)])
    lengths = [
        [found.measure(np.array([v, w])) // 2 for w in row] for v, row in enumerate(everything)
    ]
    near = np.take_along_axis(everything, np.argsort(lengths, axis=1, kind="stable"), axis=1)
    left = kernels("tsp", "cpp").descend(
        *found.ways, np.ascontiguousarray(near, dtype=np.int32), tour, pending, 10**6, 1
    )
    assert left == 0
    assert not pending.any()
    best = found.measure(tour[0])
    assert best <= before
    t = tour[0]
    for i, j in itertools.combinations(range(found.size), 2):
        other = np.concatenate([t[:i], t[i : j + 1][::-1], t[j + 1 :]])
        assert found.measure(other) >= best


def test_a_budget_only_cuts_the_descent_into_pieces():
    found = problem(uniform(200, 6))
    results = []
    for budget in (10**6, 17):
        tour = found.start.reshape(1, -1).copy()
        pending = np.ones_like(tour, dtype=np.uint8)
        while kernels("tsp", "cpp").descend(*found.ways, found.close, tour, pending, budget, 1):
            pass
        results.append(found.measure(tour[0]))
    assert all(length <= found.measure(found.start) for length in results)


def test_what_a_kick_gains_is_what_the_tour_loses():
    found = problem(uniform(300, 7))
    tour, key = found.start.copy(), as_key(3)
    for first in range(0, 500, 50):
        before = found.measure(tour)
        gain = kernels("tsp", "cpp").kick(*found.ways, found.close, tour, key, first, 50)
        assert gain >= 0
        assert found.measure(tour) == before - gain


# EAX


def crossed(instance, backend, *, generations, population=8, seed=0, threads=1):
    """A run, and its population after each batch of pairs."""
    search = Eax(
        problem(instance, backend),
        population=population,
        generations=generations,
        key=as_key(seed),
        kernels=kernels("tsp", backend),
        threads=threads,
    )
    states = []
    while search.advance(1).status is None:
        if search._ready == population:
            states.append((search._links.tolist(), search._lengths.tolist()))
    return search, states


@settings(max_examples=30)
@given(instances(least=8, most=16), st.integers(0, 99))
def test_both_backends_cross_alike(instance, seed):
    (cpp, states), (reference, other) = (
        crossed(instance, backend, generations=70, seed=seed) for backend in BACKENDS
    )
    assert states == other
    assert cpp.best().tolist() == reference.best().tolist()
    assert cpp.generations == reference.generations


@pytest.mark.parametrize("ends", ENDS)
def test_lengths_are_those_of_the_tours(ends):
    instance = uniform(80, 8, **ends)
    search, _ = crossed(instance, "cpp", generations=15, population=12)
    for links, length in zip(search._links, search._lengths, strict=True):
        order, before, v = [], -1, 0
        for _ in range(search._problem.size):
            order.append(v)
            a, b = links[2 * v : 2 * v + 2].tolist()
            before, v = v, a if a != before else b
        assert v == 0
        assert sorted(order) == list(range(search._problem.size))
        assert search._problem.measure(np.array(order)) == length


def test_any_number_of_threads_crosses_alike():
    instance = uniform(500, 9)
    runs = [crossed(instance, "cpp", generations=4, threads=threads) for threads in (1, 2, 5)]
    assert runs[0][1] == runs[1][1] == runs[2][1]


def test_edges_are_counted():
    found = problem(uniform(50, 10))
    random = np.random.default_rng(0)
    tours = np.stack([found.random_tour(random) for _ in range(9)])
    links = np.empty((9, 100), dtype=np.int32)
    for row, tour in zip(links, tours, strict=True):
        row[2 * tour], row[2 * tour + 1] = np.roll(tour, 1), np.roll(tour, -1)
    expected = len(set().union(*(edges(tour) for tour in tours)))
    for backend in BACKENDS:
        table = np.zeros(2048, dtype=np.uint64)
        assert kernels("tsp", backend).count_edges(links, table) == expected


# Genetic algorithm


def populations(backend, *, closed, linear, islands, generations, cuts=(1,), threads=1):
    instance = uniform(24, 11, closed=closed)
    n, N = 6, instance.N
    low, high = (0, N) if closed else (1, N - 1)
    random = np.random.default_rng(0)
    population = np.stack([random.permutation(N) for _ in range(2 * n * islands)]).astype(np.int32)
    if not closed:
        population = np.stack([[0, *(c for c in row if c not in (0, 5)), 5] for row in population])
        population = population.astype(np.int32)
    slots = np.tile(np.arange(2 * n), (islands, 1))
    lengths = np.array([sum_of_edges(instance, row) for row in population]).reshape(islands, -1)
    done = 0
    for part in itertools.cycle(cuts):
        count = min(part, generations - done)
        if count == 0:
            break
        kernels("tsp", backend).genetic_steps(
            instance.scaled_points, np.empty((0, 0), dtype=np.int64), instance.code, instance.scale,
            closed, linear, low, high, 2, 3, 5, population, lengths, slots, as_key(4), done, count,
            threads,
        )  # fmt: skip
        done += count
    return instance, population, lengths, slots


def sum_of_edges(instance, tour):
    return int(instance.fixed_point(*instance.edges(tour)).sum())


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("islands", [1, 3])
def test_both_backends_breed_alike_however_a_run_is_cut(closed, linear, islands):
    options = {"closed": closed, "linear": linear, "islands": islands, "generations": 12}
    instance, population, lengths, slots = populations("cpp", **options)
    for other in (
        populations("numpy", **options),
        populations("cpp", cuts=(5, 1, 3), threads=2, **options),
    ):
        for ours, theirs in zip((population, lengths, slots), other[1:], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for island, rows in enumerate(slots):
        for row in rows:
            tour = population[island * slots.shape[1] + row]
            assert sorted(tour.tolist()) == list(range(instance.N))
            assert sum_of_edges(instance, tour) == lengths[island, row]
            assert closed or (tour[0], tour[-1]) == (0, 5)


def test_the_best_never_gets_worse():
    best = [
        populations("cpp", closed=True, linear=False, islands=1, generations=g)[2].min()
        for g in (1, 5, 20, 60)
    ]
    assert best == sorted(best, reverse=True)


def test_large_populations_share_their_children():
    """More genes than one thread gets: the tours are the same."""
    import minimand

    points = np.random.default_rng(12).random((400, 2))
    one, two = (
        minimand.tsp(points, method="genetic", generations=3, rng=1, bound=None, threads=threads)
        for threads in (1, 2)
    )
    assert one.tour.tolist() == two.tour.tolist()
