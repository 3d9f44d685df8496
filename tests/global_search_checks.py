"""Checks that the tests of the global search share."""

from __future__ import annotations

from minimand import Status
from minimand.problems import global_search as problems

LEAST = -1.6238647383048024  # of pracma_waves
LINE = problems.univariate()
SPACE = problems.multivariate()


def certified(found, f, bounds, minimum, **constants):
    """Assert that the result is right and proves it."""
    assert found.status is Status.CONVERGED
    assert found.certified
    found.verify(f, bounds, **constants)
    slack = 1e-12 * (1.0 + abs(minimum))
    assert found.lower_bound - slack <= minimum <= found.fun + slack
    assert found.fun - minimum <= found.tol * (1.0 + 1e-6)
