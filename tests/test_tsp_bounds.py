"""Lower bounds of tours: below every tour, proved by their certificates, equal on both backends."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tsp_instances import ENDS, instances, shortest, tours

import minimand
from minimand._common.backend import kernels
from minimand.tsp.bound_subtour import solve_relaxation
from minimand.tsp.closed_form import ClosedForm
from minimand.tsp.exact import all_subsets, exact
from minimand.tsp.instance import Instance
from minimand.tsp.lower_bound import lower_bound, tour_lower_bound
from minimand.tsp.separation import violated_subsets
from minimand.tsp.tsplib import read_tour, read_tsplib
from minimand.tsp.verification_bounds import proved_bound


def bound(instance, kind="auto", backend="cpp"):
    return lower_bound(instance, kind, kernels=kernels("tsp", backend), threads=1)[0]


def assert_proved(instance, certificate):
    proved, level = proved_bound(instance, certificate)
    assert proved - level <= certificate.lower_bound <= proved


# Below every tour


@settings(max_examples=60)
@given(instances())
def test_bounds_are_below_every_tour_and_proved(instance):
    best = shortest(instance)
    for kind in ("auto", "one_tree", "subtour"):
        certificate = bound(instance, kind)
        assert 0 <= certificate.lower_bound <= best
        assert_proved(instance, certificate)
    optimum = all_subsets(instance, kernels("tsp", "cpp"))
    assert math.isclose(instance.length(optimum.tour), best, rel_tol=1e-9)
    assert math.isclose(optimum.certificate.lower_bound, best, rel_tol=1e-9)


@settings(max_examples=40)
@given(instances(), st.integers(0, 2**32))
def test_exact_finds_the_optimum_from_any_tour(instance, seed):
    allowed = list(itertools.islice(tours(instance), 50))
    answer = exact(instance, allowed[seed % len(allowed)])
    best = shortest(instance)
    assert answer.proven
    assert best <= instance.length(answer.tour) <= best * (1 + 1.1e-6)
    assert answer.certificate.lower_bound <= best
    assert_proved(instance, answer.certificate)


@settings(max_examples=15)
@given(instances(most=6))
def test_both_backends_give_the_same_bits(instance):
    for kind in ("auto", "one_tree"):
        here, there = (bound(instance, kind, backend) for backend in ("cpp", "numpy"))
        assert here.lower_bound == there.lower_bound
        assert here.potentials.tobytes() == there.potentials.tobytes()


@pytest.mark.parametrize("ends", ENDS, ids=str)
def test_both_backends_and_any_threads_give_the_same_bits_on_more_points(ends):
    points = np.random.default_rng(5).random((40, 2))
    results = [
        tour_lower_bound(points, kind="one_tree", backend=backend, threads=threads, **ends)
        for backend, threads in (("cpp", 1), ("cpp", 3), ("numpy", 1))
    ]
    assert len({result.certificate.potentials.tobytes() for result in results}) == 1
    assert len({result.lower_bound for result in results}) == 1


@pytest.mark.parametrize("N", [1, 2, 3])
@pytest.mark.parametrize("ends", [{}, {"closed": False}, {"closed": False, "start": 0}], ids=str)
def test_a_few_cities(N, ends, backend):
    points = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 4.0]])[:N]
    result = tour_lower_bound(points, backend=backend, **ends)
    assert math.isclose(
        result.lower_bound, shortest(Instance(points=points, **ends)), rel_tol=1e-12
    )
    result.verify(points)


def test_all_points_equal():
    points = np.full((20, 2), 0.1)
    for kind in ("one_tree", "subtour"):
        result = tour_lower_bound(points, kind=kind)
        assert result.lower_bound == 0.0
        result.verify(points)


# The relaxation


def ring(*cities):
    return list(zip(cities, (*cities[1:], cities[0]), strict=True))


def test_separation_finds_two_cycles_and_a_bridge():
    edges = np.array([*ring(0, 1, 2), *ring(3, 4, 5, 6)]).T
    [subset] = violated_subsets(*edges, np.ones(7), 7)
    assert subset.tolist() == [0, 1, 2]
    assert violated_subsets(*np.array(ring(*range(7))).T, np.ones(7), 7) == []


@pytest.mark.parametrize("seed", range(6))
def test_separation_is_exact(seed):
    rng = np.random.default_rng(seed)
    n = 9
    x = sum(
        np.bincount(
            np.ravel_multi_index(np.sort(np.array(ring(*rng.permutation(n))).T, axis=0), (n, n)),
            minlength=n * n,
        )
        for _ in range(2)
    ) / 2.0  # fmt: skip
    if seed % 2:  # two halves of degree 2, joined by little
        i, j = np.array([*ring(0, 1, 2, 3), *ring(4, 5, 6, 7, 8)]).T
        x = x * 0.3 + 0.7 * np.bincount(
            np.ravel_multi_index((np.minimum(i, j), np.maximum(i, j)), (n, n)), minlength=n * n
        )
    i, j = np.divmod(np.flatnonzero(x), n)
    x = x[x > 0]
    least = min(
        x[np.isin(i, part) != np.isin(j, part)].sum()
        for size in range(2, n - 1)
        for part in itertools.combinations(range(n), size)
    )
    subsets = violated_subsets(i, j, x, n)
    assert bool(subsets) == (least < 2 - 1e-6)
    for part in subsets:
        assert x[np.isin(i, part) != np.isin(j, part)].sum() < 2


def test_one_tree_and_relaxation_have_the_same_optimum():
    instance = Instance(points=np.random.default_rng(3).random((60, 2)))
    by_tree, by_program = (bound(instance, kind).lower_bound for kind in ("one_tree", "subtour"))
    assert 0.998 * by_program <= by_tree <= by_program * (1 + 1e-9)


# Tampering


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(11).random((25, 2))


@pytest.mark.parametrize("kind", ["one_tree", "subtour"])
@pytest.mark.parametrize("ends", ENDS, ids=str)
def test_tampered_bounds_are_rejected(points, kind, ends):
    result = tour_lower_bound(points, kind=kind, **ends)
    result.verify(points)
    certificate = result.certificate

    def refused(**changes):
        changed = dataclasses.replace(certificate, **changes)
        both = {"certificate": changed, "lower_bound": changed.lower_bound}
        with pytest.raises(minimand.CertificateError):
            dataclasses.replace(result, **both).verify(points)

    for factor in (1 + 1e-9, 1.01, 0.99, np.nan, np.inf):
        refused(lower_bound=certificate.lower_bound * factor)
    potentials = certificate.potentials
    refused(potentials=potentials + np.random.default_rng(0).normal(0.0, 0.1, len(potentials)))
    refused(potentials=np.full_like(potentials, np.nan))
    refused(potentials=1e300 * potentials)
    refused(potentials=potentials[:-1])
    refused(kind="nonsense")
    refused(kind="dp")
    if kind == "subtour" and len(certificate.multipliers):
        refused(multipliers=certificate.multipliers * 2)
        refused(multipliers=-certificate.multipliers)
        refused(subsets=certificate.subsets[::-1][1:])
        refused(subsets=(np.array([99]), *certificate.subsets[1:]))
    with pytest.raises(minimand.CertificateError):
        dataclasses.replace(result, lower_bound=result.lower_bound * 0.5).verify(points)
    moved = points.copy()
    moved[7] = moved[8]
    with pytest.raises(minimand.CertificateError):
        result.verify(moved)


def test_a_program_that_leaves_out_an_edge_is_rejected(data_file):
    instance = read_tsplib(data_file("tsplib/eil51.tsp"))
    answer = exact(instance, read_tour(data_file("tsplib/eil51.opt.tour")))
    certificate = answer.certificate
    assert (certificate.kind, certificate.independent, answer.proven) == ("milp", False, True)
    assert proved_bound(instance, certificate)[0] == 426.0
    for changes in (
        {"edges": certificate.edges[1:]},
        {"independent": True},
        {"lower_bound": 430.0},
        {"multipliers": 0.5 * certificate.multipliers},
    ):
        with pytest.raises(minimand.CertificateError):
            proved_bound(instance, dataclasses.replace(certificate, **changes))


# Arguments


def test_bad_arguments(points):
    with pytest.raises(ValueError, match="kind is 'best', expected one of"):
        tour_lower_bound(points, kind="best")
    with pytest.raises(ValueError, match="upper_bound is -1"):
        tour_lower_bound(points, upper_bound=-1)
    with pytest.raises(ValueError, match="kind is 'subtour', which is for at most 2000 points"):
        tour_lower_bound(np.zeros((2001, 2)), kind="subtour")


def test_a_target_and_a_time_limit_end_the_search(points):
    low = tour_lower_bound(points, kind="one_tree", upper_bound=1.0)
    assert low.lower_bound >= 1.0
    for kind in ("one_tree", "subtour"):
        short = tour_lower_bound(points, kind=kind, time_limit=1e-9)
        short.verify(points)


# The published instances

REFERENCE = {  # bounds of the document and the relative tolerance
    "eil51": 422.5, "berlin52": 7542, "kroA100": 20936.5, "pr76": 105120, "pr107": 44303,
    "ch130": 6075.5,
}  # fmt: skip
ONE_TREE = {"eil76": 537.0, "rd100": 7899.3, "eil101": 627.3, "kroA200": 29064.8, "a280": 2566.0}


def optima(data_file):
    with data_file("tsplib/optima.csv").open() as stream:
        return {row["name"]: int(row["optimum"]) for row in csv.DictReader(stream)}


@pytest.mark.parametrize("name", REFERENCE)
def test_relaxations_have_their_known_values(data_file, name):
    form = ClosedForm(read_tsplib(data_file(f"tsplib/{name}.tsp")))
    weight = solve_relaxation(form).bound.weight
    assert abs(weight / form.unit - REFERENCE[name]) <= 0.1


@pytest.mark.parametrize("name", ONE_TREE)
def test_one_trees_reach_the_known_bounds(data_file, name):
    instance = read_tsplib(data_file(f"tsplib/{name}.tsp"))
    certificate = bound(instance, "one_tree")
    assert 0.999 * ONE_TREE[name] <= certificate.lower_bound <= optima(data_file)[name]
    assert_proved(instance, certificate)


def test_bounds_are_below_the_optima(data_file):
    known = optima(data_file)
    for name in ("ulysses16", "att48", "gr96", "rat195", "pr226", "gr431", "rat575", "dsj1000"):
        instance = read_tsplib(data_file(f"tsplib/{name}.tsp"))
        certificate = bound(instance)
        assert 0.94 * known[name] <= certificate.lower_bound <= known[name]
        assert_proved(instance, certificate)


@pytest.mark.parametrize("name", ["ulysses16", "berlin52", "eil51", "kroA100"])
def test_optimal_tours_are_proved(data_file, name):
    instance = read_tsplib(data_file(f"tsplib/{name}.tsp"))
    tour = read_tour(data_file(f"tsplib/{name}.opt.tour"))
    answer = exact(instance, tour)
    assert answer.proven
    assert answer.certificate.lower_bound == instance.length(answer.tour) == optima(data_file)[name]
    assert_proved(instance, answer.certificate)


def test_a_worse_tour_is_improved(data_file):
    instance = read_tsplib(data_file("tsplib/eil51.tsp"))
    tour = read_tour(data_file("tsplib/eil51.opt.tour")).copy()
    tour[[3, 4]] = tour[[4, 3]]
    answer = exact(instance, tour)
    assert (answer.proven, instance.length(answer.tour)) == (True, 426.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["d1291", "pr1002", "pcb3038", "fl1577"])
def test_larger_instances(data_file, name):
    instance = read_tsplib(data_file(f"tsplib/{name}.tsp"))
    certificate = bound(instance)
    assert 0.93 * optima(data_file)[name] <= certificate.lower_bound <= optima(data_file)[name]
    assert_proved(instance, certificate)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ch130", "gr96", "a280", "pr76"])
def test_larger_proofs(data_file, name):
    instance = read_tsplib(data_file(f"tsplib/{name}.tsp"))
    answer = exact(instance, read_tour(data_file(f"tsplib/{name}.opt.tour")))
    assert answer.proven
    assert_proved(instance, answer.certificate)
