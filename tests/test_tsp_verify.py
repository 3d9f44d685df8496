"""`TSPResult.verify`: an honest result passes, every tampered one is refused with the reason."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import minimand
from minimand._common.backend import kernels
from minimand._common.result import Status
from minimand.tsp.exact import all_subsets, exact
from minimand.tsp.instance import Instance
from minimand.tsp.lower_bound import lower_bound
from minimand.tsp.result import TSPResult, certificates

KINDS = ("none", "one_tree", "subtour", "dp", "milp")


def nearest_neighbour(instance: Instance) -> np.ndarray:
    tour, left = [instance.start or 0], set(range(instance.N)) - {instance.start or 0}
    left -= {instance.end}
    while left:
        rest = np.array(sorted(left))
        tour.append(int(rest[np.argmin(instance.distances(tour[-1], rest))]))
        left.remove(tour[-1])
    return np.array(tour if instance.end is None else [*tour, instance.end])


def result_of(instance: Instance, kind: str) -> TSPResult:
    """What a solver would return, with a bound of the given kind."""
    compiled, tour, certificate, proven = kernels("tsp", "cpp"), None, None, False
    if kind == "dp":
        answer = all_subsets(instance, compiled)
        tour, certificate, proven = answer.tour, answer.certificate, answer.proven
    elif kind == "milp":
        answer = exact(instance, nearest_neighbour(instance))
        tour, certificate, proven = answer.tour, answer.certificate, answer.proven
    else:
        tour = nearest_neighbour(instance)
        if kind != "none":
            certificate = lower_bound(instance, kind, kernels=compiled, threads=1)[0]
    length = instance.length(tour)
    low = math.nan if certificate is None else certificate.lower_bound
    gap = (length - low) / length
    return TSPResult(
        status=Status.CONVERGED,
        iterations=1,
        history=(),
        seconds=0.0,
        backend="cpp",
        certificates=certificates(gap, bounded=certificate is not None),
        tour=tour,
        length=length,
        lower_bound=low,
        gap=gap,
        proven_optimal=proven,
        certificate=certificate,
        stopped_by="converged",
        method="exact",
        metric=instance.metric,
        closed=instance.closed,
        start=instance.start,
        end=instance.end,
        seed=(0, 0),
    )


def instance_of(kind: str, metric: str = "euclidean", **ends) -> Instance:
    N = {"dp": 9, "milp": 40}.get(kind, 20)
    points = np.random.default_rng(4).random((N, 2))
    return Instance(
        points=points if metric == "euclidean" else np.floor(1e3 * points), metric=metric, **ends
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", ["euclidean", "euc_2d"])
@pytest.mark.parametrize(
    "ends", [{}, {"closed": False}, {"closed": False, "start": 3, "end": 1}], ids=str
)
def test_an_honest_result_passes_and_tampered_ones_do_not(kind, metric, ends):
    instance = instance_of(kind, metric, **ends)
    result = result_of(instance, kind)
    assert all(certificate.holds for certificate in result.verify(instance))
    assert all(certificate.holds for certificate in result.verify(instance.points))

    def refused(words, **changes):
        with pytest.raises(minimand.CertificateError, match=words):
            dataclasses.replace(result, **changes).verify(instance)

    twice = result.tour.copy()
    twice[4] = twice[5]
    refused("tour does not visit every city once", tour=twice)
    refused("tour does not visit every city once", tour=result.tour - 1)
    if "start" in ends:
        refused("at its start", tour=np.roll(result.tour, 1))
    swapped = result.tour.copy()
    swapped[[4, 6]] = swapped[[6, 4]]
    refused("length is", tour=swapped)
    refused("length is", length=result.length * (1 - 1e-12))
    refused("length is", length=math.nan)
    if kind == "none":
        refused("without a certificate", lower_bound=0.5 * result.length)
        refused("without a certificate", proven_optimal=True)
        return
    refused("lower_bound is", lower_bound=result.lower_bound * (1 + 1e-9))
    refused("lower_bound is", lower_bound=result.lower_bound * 0.9)
    refused("lower_bound is", lower_bound=math.nan)
    refused("gap is", gap=result.gap + 0.001)
    refused("gap is", gap=math.nan)
    if not result.proven_optimal:
        refused("proven_optimal is True", proven_optimal=True)
    raised = dataclasses.replace(result.certificate, lower_bound=result.length * 1.01)
    refused(
        "lower_bound is|without proof",
        certificate=raised,
        lower_bound=raised.lower_bound,
        gap=-0.01,
    )


def test_fixed_edges_must_be_in_the_tour():
    plain = instance_of("one_tree")
    result = result_of(plain, "none")
    i, j = result.tour[[3, 4]]
    kept = dataclasses.replace(plain, fixed=np.array([[i, j]]))
    result.verify(kept)
    lost = dataclasses.replace(plain, fixed=np.array([[i, result.tour[8]]]))
    with pytest.raises(minimand.CertificateError, match="does not contain the fixed edge"):
        result.verify(lost)


def test_data_of_another_size_are_refused():
    result = result_of(instance_of("one_tree"), "one_tree")
    with pytest.raises(ValueError, match="points has 7 rows, expected 20"):
        result.verify(np.zeros((7, 2)))


@pytest.mark.parametrize("kind", ["one_tree", "subtour", "milp"])
@pytest.mark.parametrize("exponent", [-300, -5, 290])
def test_huge_and_tiny_distances(kind, exponent):
    instance = instance_of(kind)
    scaled = Instance(points=instance.points * 10.0**exponent, metric="euclidean")
    result = result_of(scaled, kind)
    result.verify(scaled)
    assert 0.0 <= result.gap < (1e-5 if kind == "milp" else 0.5)
