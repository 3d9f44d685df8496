"""`tsp`: short tours of every kind of instance, within limits, with certificates that hold."""

from __future__ import annotations

import csv
import itertools
import math
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tsp_instances import ENDS, instances, shortest

import minimand
from minimand._common.result import Status
from minimand.problems import tsp as problems
from minimand.tsp.instance import Instance

METHODS = ("eax", "genetic", "local_search", "exact")


def uniform(N, seed=0, dimension=2):
    return np.random.default_rng(seed).random((N, dimension))


def solve(points, **options):
    """A solution that verifies."""
    result = minimand.tsp(points, **{"rng": 1, "threads": 1} | options)
    result.verify(points)
    assert sorted(result.tour.tolist()) == list(range(len(result.tour)))
    return result


# Known answers


@pytest.mark.parametrize(
    "problem",
    [
        problems.circle(20),
        problems.circle(31, closed=False),
        problems.grid(4, 5),
        problems.grid(5, 5),
        problems.grid(3, 6, closed=False),
        problems.grid(1, 9),
        problems.line(25),
        problems.line(17, closed=False),
        problems.tsplib("ulysses16"),
        problems.tsplib("eil51"),
        problems.tsplib("berlin52"),
    ],
    ids=lambda problem: problem.name,
)
@pytest.mark.parametrize("method", ["eax", "local_search"])
def test_known_optima(problem, method):
    result = solve(problem.instance, method=method)
    slack = 0.005 if method == "local_search" else 1e-12
    assert problem.optimum * (1 - 1e-12) <= result.length <= problem.optimum * (1 + slack)
    assert result.lower_bound <= problem.optimum * (1 + 1e-12)


@settings(max_examples=60)
@given(instances(), st.sampled_from(METHODS), st.integers(0, 9))
def test_small_instances_of_every_kind(instance, method, seed):
    if method == "genetic" and len(instance.fixed):
        with pytest.raises(ValueError, match="knows no fixed edges"):
            minimand.tsp(instance, method=method)
        return
    options = {"closed": instance.closed, "start": instance.start, "end": instance.end}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", minimand.ResolutionWarning)
        result = solve(instance, method=method, generations=5, rng=seed, **options)
    best = shortest(instance)
    assert result.length >= best * (1 - 1e-12)
    if method != "genetic":
        assert math.isclose(result.length, best, rel_tol=1e-9)
        assert result.proven_optimal


@settings(max_examples=20)
@given(instances(least=8, most=9), st.sampled_from(["eax", "local_search"]), st.integers(0, 9))
def test_searches_find_the_optimum_of_a_few_cities(instance, method, seed):
    options = {"closed": instance.closed, "start": instance.start, "end": instance.end}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", minimand.ResolutionWarning)
        result = solve(instance, method=method, population=8, rng=seed, **options)
        exact = minimand.tsp(instance, method="exact", **options)
    assert exact.length * (1 - 1e-12) <= result.length
    if method == "eax":
        assert result.length <= exact.length * (1 + 1e-9)


# Ends


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dimension", [2, 3])
def test_ends_are_respected(ends, method, dimension):
    points = uniform(30, 2, dimension)
    result = solve(points, method=method, generations=30, **ends)
    assert ends.get("start", result.tour[0]) == result.tour[0]
    assert ends.get("end", result.tour[-1]) == result.tour[-1]
    assert result.length == minimand.tour_length(points, result.tour, closed=ends["closed"])


@pytest.mark.parametrize("method", METHODS)
def test_a_closed_tour_begins_at_its_start(method):
    points = uniform(20, 3)
    there, anywhere = (
        solve(points, method=method, generations=30, start=start) for start in (7, None)
    )
    assert there.tour[0] == 7
    assert math.isclose(there.length, anywhere.length, rel_tol=1e-12)


def test_a_path_is_shorter_than_a_tour_and_given_ends_make_it_longer():
    points = uniform(40, 4)
    tour = solve(points).length
    free = solve(points, closed=False).length
    start = solve(points, closed=False, start=3).length
    both = solve(points, closed=False, start=3, end=9).length
    assert free <= start <= both
    assert free < tour


@pytest.mark.parametrize("N", [1, 2, 3])
@pytest.mark.parametrize("method", ["auto", *METHODS])
@pytest.mark.parametrize("closed", [True, False])
def test_up_to_three_cities(N, method, closed):
    points = uniform(N, 5)
    result = solve(points, method=method, closed=closed)
    lengths = [
        minimand.tour_length(points, order, closed=closed)
        for order in itertools.permutations(range(N))
    ]
    assert result.length == min(lengths)
    assert (result.stopped_by, result.method) == ("trivial", "trivial")
    assert 0 <= result.gap <= 1e-12
    assert result.proven_optimal


# Fixed edges


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("method", ["eax", "local_search", "exact"])
def test_fixed_edges_stay(ends, method):
    fixed = np.array([[10, 20], [20, 5], [7, 8], [11, 4]])
    instance = Instance(points=uniform(25, 6), fixed=fixed, **ends)
    result = solve(instance, method=method, closed=ends["closed"])
    after = dict(itertools.pairwise([*result.tour.tolist(), int(result.tour[0])]))
    assert all(after.get(i) == j or after.get(j) == i for i, j in fixed.tolist())


def test_a_tour_of_fixed_edges_is_the_answer():
    order = np.random.default_rng(0).permutation(15)
    for count in (13, 14, 15):
        fixed = np.column_stack([order, np.roll(order, -1)])[:count]
        instance = Instance(points=uniform(15, 7), fixed=fixed)
        assert math.isclose(solve(instance).length, instance.length(order), rel_tol=1e-12)


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        ([[0, 1], [0, 2], [0, 3]], "all end at city 0"),
        ([[0, 1], [1, 2], [2, 0]], "close a cycle"),
    ],
)
def test_impossible_fixed_edges_are_listed(fixed, words):
    instance = Instance(points=uniform(8, 8), fixed=np.array(fixed))
    with pytest.raises(ValueError, match=words):
        minimand.tsp(instance)


# Symmetries


@pytest.mark.parametrize("method", ["eax", "local_search"])
def test_units_and_places_do_not_matter(method):
    points = uniform(60, 9)
    length = solve(points, method=method).length
    for factor in (2.0**-900, 2.0**900, 1024.0):
        assert solve(points * factor, method=method).length == length * factor
    turned = points @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert math.isclose(solve(turned, method="eax").length, solve(points).length, rel_tol=1e-12)


def test_a_matrix_is_as_good_as_the_points():
    points = uniform(40, 10)
    matrix = np.linalg.norm(points[:, None] - points, axis=2)
    by_matrix, by_points = solve(matrix), solve(points)
    assert by_matrix.metric == "precomputed"
    assert math.isclose(by_matrix.length, by_points.length, rel_tol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_duplicates_cost_nothing(method):
    points = np.repeat(uniform(10, 11), 3, axis=0)
    result = solve(points, method=method, generations=200)
    once = solve(points[::3], method="exact")
    assert result.length >= once.length * (1 - 1e-12)
    if method != "genetic":
        assert math.isclose(result.length, once.length, rel_tol=1e-12)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_all_cities_in_one_place(method, closed):
    result = solve(np.ones((20, 2)), method=method, closed=closed)
    assert (result.length, result.gap, result.proven_optimal) == (0.0, 0.0, True)


def test_distances_of_very_different_sizes_warn():
    points = np.concatenate([uniform(20, 12), 1e-13 * uniform(20, 13)])
    with pytest.warns(minimand.ResolutionWarning, match="shortest one is"):
        result = minimand.tsp(points, rng=1)
    result.verify(points)


# Randomness


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_tour_for_any_number_of_threads(method):
    points = uniform(220 if method == "eax" else 60, 14)
    options = {"method": method, "generations": 40, "islands": 2, "bound": None, "rng": 5}
    runs = [minimand.tsp(points, threads=threads, **options) for threads in (1, 2, 3)]
    assert runs[0].tour.tolist() == runs[1].tour.tolist() == runs[2].tour.tolist()
    assert runs[0].seed == runs[1].seed


@pytest.mark.parametrize("method", METHODS)
def test_both_backends_give_the_same_tour(method):
    points = uniform(40, 15)
    options = {"method": method, "generations": 30, "population": 8, "islands": 2, "rng": 6}
    cpp, reference = (solve(points, backend=backend, **options) for backend in ("cpp", "numpy"))
    assert cpp.tour.tolist() == reference.tour.tolist()
    assert (cpp.generations, cpp.lower_bound) == (reference.generations, reference.lower_bound)


def test_without_a_seed_runs_differ():
    points = uniform(60, 16)
    seeds = {minimand.tsp(points, method="genetic", generations=1).seed for _ in range(3)}
    assert len(seeds) == 3


# Limits


@pytest.mark.parametrize("method", ["eax", "genetic", "local_search"])
@pytest.mark.parametrize("limit", [0.05, 0.4])
def test_a_time_limit_is_kept(method, limit):
    points = uniform(2000, 17)
    minimand.tsp(points[:9], method="eax")  # what is imported on first use
    begin = time.perf_counter()
    result = minimand.tsp(
        points, method=method, time_limit=limit, generations=10**9, population=100, rng=1
    )
    elapsed = time.perf_counter() - begin
    assert result.stopped_by == "time_limit"
    assert result.status is Status.TIME_LIMIT
    assert elapsed >= 0.9 * limit
    result.verify(points)


def test_generations_are_counted():
    points = uniform(100, 18)
    for method in ("eax", "genetic", "local_search"):
        result = solve(points, method=method, generations=7, bound=None)
        assert (result.generations, result.iterations, result.stopped_by) == (7, 7, "generations")
        assert math.isnan(result.lower_bound)
        assert result.certificate is None


def test_a_bound_that_is_reached_ends_the_search():
    result = solve(problems.circle(60).instance, method="eax")
    assert (result.stopped_by, result.proven_optimal) == ("bound", True)


def test_a_callback_sees_the_best_tour_and_may_stop():
    points, seen = uniform(300, 19), []

    def stop(now):
        seen.append(now)
        if len(seen) == 4:
            raise StopIteration

    result = minimand.tsp(points, method="eax", rng=1, callback=stop)
    assert (result.status, result.stopped_by) == (Status.STOPPED_BY_CALLBACK, "callback")
    for now in seen:
        assert now.length == minimand.tour_length(points, now.tour)
        assert now.lower_bound == result.lower_bound
        assert not now.tour.flags.writeable
    assert result.length <= seen[-1].length
    result.verify(points)


@pytest.mark.parametrize("method", ["eax", "genetic", "local_search"])
def test_ctrl_c_returns_the_best_tour_so_far(run_python, method):
    code = f"""
import os, signal, threading, minimand
import numpy as np
points = np.random.default_rng(0).random((3000, 2))
timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
def look(progress):  # the first call says that the run is on its way
    if timer.ident is None:
        timer.start()
result = minimand.tsp(
    points, method={method!r}, generations=10**9, bound=None, rng=1, callback=look
)
result.verify(points)
print(result.stopped_by, result.status.name)
"""
    assert run_python(code).split() == ["interrupt", "INTERRUPTED"]


def test_a_fork_after_use_works(run_python):
    code = """
import os, minimand
import numpy as np
points = np.random.default_rng(0).random((400, 2))
tour = minimand.tsp(points, generations=3, method="eax", bound=None, rng=1, threads=2).tour
child = os.fork()
if child == 0:
    again = minimand.tsp(points, generations=3, method="eax", bound=None, rng=1, threads=2).tour
    os._exit(0 if again.tolist() == tour.tolist() else 1)
print(os.waitpid(child, 0)[1])
"""
    assert run_python(code).strip() == "0"


# Choices


def test_auto_chooses_by_size_and_time():
    assert solve(uniform(12, 20)).method == "exact"
    assert solve(uniform(40, 20)).method == "eax"
    assert solve(uniform(800, 20), time_limit=0.2).method == "local_search"


def test_bounds_can_be_chosen():
    points = uniform(60, 21)
    for kind in ("one_tree", "subtour"):
        assert solve(points, bound=kind).certificate.kind == kind
    assert solve(points, bound=None).certificate is None


def test_history_goes_down():
    result = solve(uniform(300, 22), method="eax", bound=None)
    best = [record["best"] for record in result.history]
    assert best == sorted(best, reverse=True)
    assert best[-1] == result.length
    assert all(record["mean"] >= record["best"] for record in result.history)
    assert {"generation", "spread", "seconds"} <= set(result.history[0])


# Errors


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"end": 3}, "end is given but a closed tour has no end; pass closed=False"),
        ({"closed": False, "start": 2, "end": 2}, "start and end are both city 2"),
        ({"start": 9}, "start is 9, expected a city from 0 to 8"),
        ({"population": 1}, "population is 1, expected an integer >= 2"),
        ({"mutation_rate": 1.5}, "mutation_rate is 1.5"),
        ({"islands": 0}, "islands is 0"),
        ({"metric": "euclid"}, "did you mean 'euclidean'"),
        ({"metric": "euc_3d"}, "points_or_distances has 2 columns, expected 3"),
        ({"metric": "precomputed"}, "expected a square matrix"),
    ],
)
def test_bad_options(options, words):
    with pytest.raises(ValueError, match=words):
        minimand.tsp(uniform(9), **options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((2, 3, -1.0), "has -1.0 at row 2, column 3, expected distances >= 0"),
        (
            (2, 3, 7.0),
            r"has 7.0 at row 2, column 3 but .* at row 3, column 2, expected a symmetric",
        ),
        ((2, 2, 1.0), "has 1.0 at row 2, column 2, expected zeros on the diagonal"),
    ],
)
def test_bad_matrices(change, words):
    points = uniform(6, 23)
    matrix = np.linalg.norm(points[:, None] - points, axis=2)
    i, j, value = change
    matrix[i, j] = value
    with pytest.raises(ValueError, match=words):
        minimand.tsp(matrix, metric="precomputed")
    if i != j:  # a zero diagonal tells a matrix from points in six dimensions
        with pytest.raises(ValueError, match=words):
            minimand.tsp(matrix)


def test_integers_that_are_too_large():
    with pytest.raises(OverflowError, match=r"could pass 2\^52"):
        minimand.tsp(1e15 * uniform(20), metric="euc_2d")
    with pytest.raises(ValueError, match="range of float64"):
        minimand.tsp(1.7e308 * uniform(20))


@pytest.mark.parametrize(
    ("tour", "words"),
    [
        ([0, 1, 1], "visits city 1 2 times and city 2 never"),
        ([0, 1, 3], "has 3 at entry 2, expected cities 0 to 2"),
        ([0, 1, 0.5], "has 0.5 at entry 2, expected whole numbers"),
        ([0, 1], "tour has 2 entries but points has 3 rows"),
    ],
)
def test_lengths_of_what_is_no_tour(tour, words):
    with pytest.raises(ValueError, match=words):
        minimand.tour_length(uniform(3), tour)


# Published instances


@pytest.mark.parametrize("name", ["att48", "pr76", "gr96", "kroA100", "pr107", "ch130", "a280"])
def test_published_optima(data_file, name):
    instance = minimand.read_tsplib(data_file(f"tsplib/{name}.tsp"))
    with data_file("tsplib/optima.csv").open() as file:
        optima = {row["name"]: int(row["optimum"]) for row in csv.DictReader(file)}
    lengths = [solve(instance, rng=seed, bound=None).length for seed in range(3)]
    assert min(lengths) == optima[name]
    assert np.median(lengths) == optima[name]


def test_float_lengths_do_not_exceed_the_published_ones(data_file):
    with data_file("tsplib/float_upper_bounds.csv").open() as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    for name in ("berlin52", "kroA100", "a280"):
        points = minimand.read_tsplib(data_file(f"tsplib/{name}.tsp")).points
        best = solve(points, bound=None).length
        assert best <= float(rows[name]["float_length_of_int_opt_tour"]) * (1 + 1e-8)
        path = solve(points, closed=False, bound=None)
        assert path.length <= float(rows[name]["open_path_float_ub"]) * (1 + 1e-8)


@pytest.mark.slow
def test_every_instance_up_to_1100_cities_is_mostly_solved(data_file):
    with data_file("tsplib/optima.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if int(row["n"]) <= 1100]
    for row in rows:
        instance = minimand.read_tsplib(data_file(f"tsplib/{row['name']}.tsp"))
        if row["name"] == "d657":
            # Hundreds of its distances lie on a half. The published length is that of coordinates
            # in single precision; in double precision, 48913 is the best that is known to us.
            single = instance.points.astype(np.float32).astype(np.float64)
            instance = Instance(points=single, metric=instance.metric)
        lengths = [
            minimand.tsp(instance, method="eax", rng=seed, bound=None).length for seed in range(10)
        ]
        assert min(lengths) == int(row["optimum"]), row["name"]
        assert lengths.count(min(lengths)) >= 9, row["name"]
