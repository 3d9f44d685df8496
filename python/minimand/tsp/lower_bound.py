"""Lower bounds on the length of every tour: which kind, and the public function."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from minimand._common.arrays import nonnegative_float, one_of, positive_float
from minimand._common.backend import Backend, kernels
from minimand._common.result import Certificate, Result, Status
from minimand._common.threads import resolve_threads
from minimand.tsp.arguments import as_instance
from minimand.tsp.bound_one_tree import NOTHING, OneTree
from minimand.tsp.bound_subtour import solve_relaxation
from minimand.tsp.certificate import BoundCertificate
from minimand.tsp.closed_form import ClosedForm
from minimand.tsp.exact import FEW, LARGEST, all_subsets, subtour_certificate
from minimand.tsp.instance import Instance, Integers

KINDS = ("auto", "one_tree", "subtour")
SUBTOUR = 300  # cities up to which "auto" solves the relaxation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TourBoundResult(Result):
    """A number below which no tour can be, and its proof.

    Attributes
    ----------
    lower_bound : float
        No tour is shorter.
    certificate : BoundCertificate
        The numbers from which `verify` computes it again.
    metric : str
        As in `tsp`; "precomputed" for a matrix.
    closed : bool
        Whether tours return to their first city.
    start, end : int or None
        The ends of paths that were given.
    """

    lower_bound: float
    certificate: BoundCertificate
    metric: str
    closed: bool
    start: int | None
    end: int | None

    def __repr__(self) -> str:
        return f"TourBoundResult({self.certificate.kind}, lower_bound={self.lower_bound:.10g})"

    def verify(self, points_or_distances: object) -> tuple[Certificate, ...]:
        """Recompute the bound from the data in plain NumPy.

        Parameters
        ----------
        points_or_distances
            As it was given to `tour_lower_bound`.

        Raises
        ------
        CertificateError
            When `lower_bound` is not what the data and the certificate give.
        """
        return Result.verify(self, points_or_distances)

    def _recompute(self, points_or_distances: object) -> tuple[Certificate, ...]:
        from minimand.tsp.verification import recompute_bound

        return recompute_bound(self, points_or_distances)


def tour_lower_bound(
    points: object,
    *,
    upper_bound: float | None = None,
    kind: str = "auto",
    closed: bool = True,
    start: int | None = None,
    end: int | None = None,
    metric: str = "euclidean",
    time_limit: float | None = None,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> TourBoundResult:
    """Return a length that no tour through all points can fall below, with its proof.

    The Held-Karp bound, which is typically 0.7 to 1 % below the optimum of random points:

        max over pi of  min over one-trees T of  sum_{ij in T} (d_ij + pi_i + pi_j) - 2 sum_i pi_i

    or the subtour relaxation, a linear program with the same optimum.

    Parameters
    ----------
    points : array_like (N, d) or (N, N), or Instance
        Points, a symmetric matrix of distances, or what `read_tsplib` returned.
    upper_bound : float, optional
        The length of a tour: the search ends where the bound reaches it.
    kind : {"auto", "one_tree", "subtour"}
        "one_tree": subgradient ascent, for any number of points. "subtour": linear programs, for
        some hundred points; where these form clusters its bound is better. "auto": up to 12 points
        the optimum itself, by dynamic programming; up to 300 "subtour", then "one_tree".
    closed : bool
        Whether tours return to their first point; False for paths.
    start, end : int, optional
        Given ends of the paths.
    metric : str
        As in `tsp`.
    time_limit : float, optional
        Seconds, looked at between steps; the bound holds whenever it ends (0 at the worst).
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    TourBoundResult
        `lower_bound`, and the potentials or dual variables that prove it to
        `result.verify(points)`. It is exact: computed in integers and, with real metrics, reduced
        by all that rounding may have added. With integer metrics it is rounded up.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.
    OverflowError
        Integer distances whose sum passes 2^52.

    Notes
    -----
    Sources: Held, Karp, Oper. Res. 18 (1970) 1138; Volgenant, Jonker, EJOR 9 (1982) 83; Dantzig,
    Fulkerson, Johnson, Oper. Res. 2 (1954) 393.

    Examples
    --------
    >>> import minimand
    >>> square = [[0.0, 0.0], [0.0, 3.0], [4.0, 3.0], [4.0, 0.0]]
    >>> bound = minimand.tour_lower_bound(square)
    >>> round(bound.lower_bound, 9)
    14.0
    >>> [certificate.holds for certificate in bound.verify(square)]
    [True]
    """
    # Check and convert
    begin = time.perf_counter()
    one_of("kind", kind, KINDS)
    target = None if upper_bound is None else nonnegative_float("upper_bound", upper_bound)
    seconds = math.inf if time_limit is None else positive_float("time_limit", time_limit)
    compiled = kernels("tsp", backend)
    workers = resolve_threads(threads)
    instance = as_instance("points", points, closed=closed, start=start, end=end, metric=metric)
    if kind == "subtour" and instance.N > LARGEST:
        raise ValueError(
            f"kind is 'subtour', which is for at most {LARGEST} points, but points has "
            f"{instance.N} rows; use 'one_tree'"
        )

    # Drive
    certificate, iterations = lower_bound(
        instance, kind, target=target, deadline=begin + seconds, kernels=compiled, threads=workers
    )

    # Certify and return
    return TourBoundResult(
        status=Status.CONVERGED,
        iterations=iterations,
        history=(),
        seconds=time.perf_counter() - begin,
        backend=backend,
        certificates=(bound_certificate(0.0),),
        lower_bound=certificate.lower_bound,
        certificate=certificate,
        metric=instance.metric,
        closed=instance.closed,
        start=instance.start,
        end=instance.end,
    )


def bound_certificate(excess: float) -> Certificate:
    """Return the certificate of a bound that is stated `excess` (relative) above what is proved."""
    meaning = "excess of the stated lower bound over the proved one, relative to it"
    return Certificate("lower bound", excess, 0.0, meaning)


def lower_bound(
    instance: Instance,
    kind: str,
    *,
    tour: Integers | None = None,
    target: float | None = None,
    deadline: float = math.inf,
    kernels: ModuleType,
    threads: int,
) -> tuple[BoundCertificate, int]:
    """Return the certificate of a bound, and the number of steps that it took.

    Parameters
    ----------
    instance : Instance
        The cities.
    kind : str
        One of `KINDS`; at most 3 cities are always solved.
    tour : ndarray (N,), optional
        A short tour; its edges are looked at from the start.
    target : float, optional
        The length of a tour: a bound that reaches it is enough.
    deadline : float
        Of `time.perf_counter`.
    kernels, threads
        As everywhere.
    """
    N = instance.N
    if N == 1:
        return BoundCertificate(kind="trivial", lower_bound=0.0), 0
    if N <= 3 or (kind == "auto" and N <= FEW):
        return all_subsets(instance, kernels).certificate, 0
    form = ClosedForm(instance)
    if kind == "subtour" or (kind == "auto" and N <= SUBTOUR):
        closed = None if tour is None else form.closed(tour)
        relaxation = solve_relaxation(form, closed, deadline)
        return subtour_certificate(form, relaxation.bound), relaxation.solved
    search = OneTree(form, kernels, threads, None if tour is None else form.closed(tour))
    found = search.run(None if target is None else _weight_of(form, target), deadline)
    if found.weight == NOTHING:
        return BoundCertificate(kind="trivial", lower_bound=0.0), found.steps
    stored = form.to_units(found.potentials)
    weight = found.weight
    if not np.array_equal(form.to_weights(stored), found.potentials):  # next to 1e-308
        weight = search.evaluate(form.to_weights(stored))
    certificate = BoundCertificate(
        kind="one_tree",
        lower_bound=form.bound(weight),
        potentials=stored[:N],
        tolerance=0.0 if instance.integer else 1e-9,
    )
    return certificate, found.steps


def _weight_of(form: ClosedForm, length: float) -> int:
    """Return the least weight of a bound that proves that no tour is shorter than `length`."""
    if form.instance.integer:
        return (math.ceil(length) - 1) * form.unit + 1
    scaled = float(np.ldexp(length, form.exponent))
    return math.ceil(scaled) + form.rounding if math.isfinite(scaled) else 2**62
