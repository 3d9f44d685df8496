"""What `tsp` returns, and what it tells a callback on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass

from minimand._common.arrays import freeze
from minimand._common.result import Certificate, Result
from minimand.tsp.certificate import BoundCertificate
from minimand.tsp.instance import Integers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TSPProgress:
    """Where a run is; a callback gets it after each chunk of work.

    Attributes
    ----------
    generations : int
        Generations done (local search: kicks per city; fractions are cut off).
    seconds : float
        Since the start.
    length : float
        Of the best tour so far.
    lower_bound : float
        No tour is shorter; NaN if no bound was wanted.
    tour : ndarray (N,)
        The best tour so far, read-only.
    """

    generations: int
    seconds: float
    length: float
    lower_bound: float
    tour: Integers

    def __post_init__(self) -> None:
        object.__setattr__(self, "tour", freeze(self.tour))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TSPResult(Result):
    """A short tour, and a proof of how much shorter another one can be at most.

    Attributes
    ----------
    tour : ndarray (N,) of int64
        The cities in the order of the tour, each once; a path with its ends first and last.
    length : float
        Of the tour, in the units of the input; the correctly rounded sum of its distances.
    lower_bound : float
        No tour is shorter; NaN if no bound was wanted.
    gap : float
        (length - lower_bound) / length, and 0 where the length is 0.
    proven_optimal : bool
        Whether the bound proves that no tour is shorter (for real distances: by more than
        `certificate.tolerance`, or rounding).
    certificate : BoundCertificate or None
        The numbers that prove the bound; `verify` computes it anew from them.
    stopped_by : str
        "converged", "generations", "time_limit", "callback", "interrupt", "bound" or "trivial".
    method : str
        "eax", "genetic", "local_search", "exact" or "trivial": what "auto" chose.
    metric : str
        As in `tsp`; "precomputed" for a matrix.
    closed : bool
        Whether the tour returns to its first city.
    start, end : int or None
        The ends that were given.
    seed : tuple of two ints
        The key of all random numbers, made of `rng`.
    """

    tour: Integers
    length: float
    lower_bound: float
    gap: float
    proven_optimal: bool
    certificate: BoundCertificate | None
    stopped_by: str
    method: str
    metric: str
    closed: bool
    start: int | None
    end: int | None
    seed: tuple[int, int]

    @property
    def generations(self) -> int:
        """Generations done; the same as `iterations`."""
        return self.iterations

    def __repr__(self) -> str:
        bound = "no bound"
        if math.isfinite(self.lower_bound):
            bound = f"bound={self.lower_bound:.10g}, gap={self.gap:.3%}"
        proven = ", proven optimal" if self.proven_optimal else ""
        return (
            f"TSPResult({self.method}, N={len(self.tour)}, length={self.length:.10g}, "
            f"{bound}{proven})"
        )

    def verify(self, points_or_distances: object) -> tuple[Certificate, ...]:
        """Recompute tour, length, bound and gap from the data in plain NumPy, and return them.

        Parameters
        ----------
        points_or_distances
            As it was given to `tsp`.

        Raises
        ------
        CertificateError
            When the tour is none, when `length`, `lower_bound` or `gap` is not what the data and
            the certificate give, or when optimality is claimed but not proved.
        """
        return Result.verify(self, points_or_distances)

    def _recompute(self, points_or_distances: object) -> tuple[Certificate, ...]:
        from minimand.tsp.verification import recompute

        return recompute(self, points_or_distances)


def certificates(gap: float, *, bounded: bool) -> tuple[Certificate, ...]:
    """Return the certificates of a tour; the gap is one of them if there is a bound.

    The length is a correctly rounded sum: whoever adds up the same distances gets the same bits.
    """
    about_tour = (
        Certificate(
            "tour", 0.0, 0.0, "cities missed, visited twice, or ends and edges not as given"
        ),
        Certificate("length", 0.0, 1e-14, "relative error of the stated length"),
    )
    if not bounded:
        return about_tour
    meaning = "excess of the length over its lower bound, relative to it"
    return (*about_tour, Certificate("gap", gap, 1.0, meaning, 1e-12))
