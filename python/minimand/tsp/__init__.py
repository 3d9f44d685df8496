"""Travelling salesman: short tours by genetic algorithms or local search, with a proven gap."""

from minimand.tsp.certificate import BoundCertificate
from minimand.tsp.instance import Instance
from minimand.tsp.lower_bound import TourBoundResult, tour_lower_bound
from minimand.tsp.result import TSPProgress, TSPResult
from minimand.tsp.solve import tour_length, tsp
from minimand.tsp.tsplib import TSPLIBError, read_tour, read_tsplib, write_tour

__all__ = [
    "BoundCertificate",
    "Instance",
    "TSPLIBError",
    "TSPProgress",
    "TSPResult",
    "TourBoundResult",
    "read_tour",
    "read_tsplib",
    "tour_length",
    "tour_lower_bound",
    "tsp",
    "write_tour",
]
