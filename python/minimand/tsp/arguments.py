"""What users give to `tsp`: points, matrices, instances, tours; and what is wrong with bad ones."""

from __future__ import annotations

import math
import operator

import numpy as np

from minimand._common.arrays import Floats, as_matrix, boolean, one_of
from minimand._common.conversion import real_array, wrong_type
from minimand.tsp.instance import Instance, Integers
from minimand.tsp.metric import DIMENSIONS, METRICS

_SMALLEST_MATRIX = 4  # smaller square arrays are points unless "precomputed" says otherwise
_BUDGET = 2.0**52


def as_instance(
    name: str,
    value: object,
    *,
    closed: object = True,
    start: object = None,
    end: object = None,
    metric: object = "euclidean",
) -> Instance:
    """Return the instance that an array and the options describe.

    What `read_tsplib` returned brings its own metric and fixed edges along; an open path it is if
    either says so.
    """
    metric = one_of("metric", metric, tuple(METRICS))
    closed = boolean("closed", closed)
    if isinstance(value, Instance):
        points, matrix, fixed, metric = value.points, value.matrix, value.fixed, value.metric
        closed = closed and value.closed
        start = value.start if start is None else start
        end = value.end if end is None else end
        title = value.name
    else:
        points, matrix, metric = _points_or_matrix(name, value, metric)
        fixed, title = np.empty((0, 2), dtype=np.int64), ""
    N = len(matrix) if metric == "precomputed" else len(points)
    first, last = _end("start", start, N), _end("end", end, N)
    if closed and last is not None:
        raise ValueError("end is given but a closed tour has no end; pass closed=False for a path")
    if first is not None and first == last and N > 1:
        raise ValueError(
            f"start and end are both city {first}, expected two cities; "
            "pass closed=True to return to where the tour began"
        )
    instance = Instance(
        points=points, matrix=matrix, metric=metric, fixed=fixed,
        closed=closed, start=first, end=last, name=title,
    )  # fmt: skip
    _check_size(name, instance)
    if len(fixed):
        _check_fixed(instance)
    return instance


def as_tour(name: str, value: object, N: int) -> Integers:
    """Return a permutation of 0..N-1."""
    array = real_array(name, value)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}, expected a vector of {N} cities")
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}), expected {N} cities")
    if array.dtype.kind == "f":
        bad = ~np.isfinite(array)
        if bad.any():
            first = int(bad.argmax())
            came = "NaN" if np.isnan(array[first]) else str(array[first])
            raise ValueError(f"{name} has {came} at entry {first}, expected cities 0 to {N - 1}")
        if (array != np.floor(array)).any():
            first = int((array != np.floor(array)).argmax())
            raise ValueError(f"{name} has {array[first]} at entry {first}, expected whole numbers")
    if len(array) != N:
        raise ValueError(
            f"{name} has {len(array)} entries but points has {N} rows; they must match"
        )
    outside = (array < 0) | (array >= N)
    if outside.any():
        first = int(outside.argmax())
        raise ValueError(
            f"{name} has {array[first]} at entry {first}, expected cities 0 to {N - 1}"
        )
    tour = array.astype(np.int64)
    visits = np.bincount(tour, minlength=N)
    if (visits != 1).any():
        twice, never = int(visits.argmax()), int(visits.argmin())
        raise ValueError(f"{name} visits city {twice} {visits[twice]} times and city {never} never")
    return tour


def _points_or_matrix(name: str, value: object, metric: str) -> tuple[Floats, Floats, str]:
    array = as_matrix(name, value)
    square = array.shape[0] == array.shape[1]
    if metric == "precomputed":
        if not square:
            raise ValueError(
                f"{name} has shape {array.shape}, expected a square matrix of distances"
            )
        _check_matrix(name, array)
        return np.empty((0, 0)), array, metric
    looks_like_a_matrix = square and len(array) >= _SMALLEST_MATRIX and not np.diag(array).any()
    if metric == "euclidean" and looks_like_a_matrix:
        _check_matrix(name, array)
        return np.empty((0, 0)), array, "precomputed"
    dimension = DIMENSIONS.get(metric, array.shape[1])
    if array.shape[1] != dimension:
        raise ValueError(
            f"{name} has {array.shape[1]} columns, expected {dimension} for metric {metric!r}"
        )
    return array, np.empty((0, 0)), metric


def _check_matrix(name: str, array: Floats) -> None:
    def first(bad: object, what: str) -> None:
        mask = np.asarray(bad)
        if mask.any():
            i, j = (int(k) for k in np.unravel_index(int(mask.argmax()), mask.shape))
            at = f"{name} has {array[i, j]} at row {i}, column {j}"
            raise ValueError(f"{at}{what.format(other=array[j, i], i=i, j=j)}")

    first(array < 0, ", expected distances >= 0")
    first(
        (array != 0) & np.eye(len(array), dtype=np.bool_),
        ", expected zeros on the diagonal of a matrix of distances",
    )
    first(
        array != array.T,
        " but {other} at row {j}, column {i}, expected a symmetric matrix of distances; "
        "use (D + D.T) / 2 if only rounding differs",
    )


def _end(name: str, value: object, N: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise wrong_type(name, value, "the number of a city, or None")
    city = operator.index(value)
    if not 0 <= city < N:
        raise ValueError(f"{name} is {city}, expected a city from 0 to {N - 1}")
    return city


def _check_size(name: str, instance: Instance) -> None:
    """Refuse sums of distances that the arithmetic cannot hold."""
    total = instance.N * instance.longest
    if instance.metric in DIMENSIONS and not total < _BUDGET:
        raise OverflowError(
            f"{name} has integer distances up to {instance.longest:.3g}: a tour of "
            f"{instance.N} cities could pass 2^52; pass metric='euclidean', or smaller units"
        )
    if not math.isfinite(2.0 * total):
        raise ValueError(
            f"{name} has distances up to {instance.longest:.3g}, the length of a tour of "
            f"{instance.N} cities would pass the range of float64; pass smaller units"
        )


def _check_fixed(instance: Instance) -> None:
    """Refuse fixed edges that no tour can contain."""
    edges = instance.fixed.tolist()
    degree = np.bincount(instance.fixed.reshape(-1), minlength=instance.N)
    ends = [city for city in (instance.start, instance.end) if city is not None]
    limit = np.full(instance.N, 2)
    if not instance.closed:
        limit[ends] = 1
    crowded = np.flatnonzero(degree > limit)
    if crowded.size:
        city = int(crowded[0])
        at = [edge for edge in edges if city in edge]
        raise ValueError(
            f"fixed edges {at} all end at city {city}, a tour has only {limit[city]} edges there"
        )
    parent = list(range(instance.N))

    def root(city: int) -> int:
        while parent[city] != city:
            parent[city] = parent[parent[city]]
            city = parent[city]
        return city

    for count, (i, j) in enumerate(edges, start=1):
        a, b = root(i), root(j)
        if a == b and (count < instance.N or not instance.closed):
            raise ValueError(
                f"fixed edges close a cycle at {[i, j]} before it has visited all cities"
            )
        parent[a] = b
    both = len(ends) == 2 and not instance.closed
    if both and root(ends[0]) == root(ends[1]) and len(edges) < instance.N - 1:
        raise ValueError(
            f"fixed edges join start {ends[0]} and end {ends[1]} before all cities are visited"
        )
