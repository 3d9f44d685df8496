"""What the tests of principal components share."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from minimand import MinimandWarning, PCAResult, Status, pca
from minimand.problems.pca import PCAProblem, planted

EPS = float(np.finfo(np.float64).eps)
UNIT = EPS / 2
RATIO = 30.0  # LAPACK's threshold for errors in units of the rounding error


METHODS = ("gram", "svd", "randomized")
methods = pytest.mark.parametrize("method", METHODS)


def decaying(m: int, n: int, *, rate: float = 0.7, offset: float = 3.0) -> PCAProblem:
    rng = np.random.default_rng([m, n, 0])
    return planted(m, n, 5.0 * rate ** np.arange(min(m - 1, n)), offset=offset, rng=rng)


def certified(X: Any, n_components: Any = None, **options: Any) -> PCAResult:
    """Find components, expect no warning, and check the certificates, recorded and recomputed."""
    result = pca(X, n_components, **options)
    check(result, X, options.get("weights"))
    return result


def quiet(X: Any, n_components: Any = None, **options: Any) -> PCAResult:
    """Find components where the rank is not what the test is about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MinimandWarning)
        result = pca(X, n_components, **options)
    result.verify(X, options.get("weights"))
    return result


def check(result: PCAResult, X: Any, weights: Any = None) -> None:
    assert result.status is Status.CONVERGED, str(result)
    assert all(certificate.holds for certificate in result.certificates), str(result)
    assert all(certificate.holds for certificate in result.verify(X, weights))


def largest_sine(mine: np.ndarray, theirs: np.ndarray) -> float:
    """Sine of the largest angle between the subspaces of orthonormal rows."""
    return float(np.linalg.norm(mine - (mine @ theirs.T) @ theirs, 2))


def assert_within_bounds(result: PCAResult, sigma: Any, components: Any) -> None:
    """The truth lies where the result says; `sigma` and `components` may have rounding errors."""
    k = len(result.components)
    first = result.singular_values[0]
    own = 50 * UNIT * np.sqrt(result.mean.size)
    error = np.abs(result.singular_values - sigma[:k]) / first
    assert np.all(error <= result.singular_value_bound + own), error
    values = np.abs(result.singular_values**2 - np.asarray(sigma[:k]) ** 2) / first**2
    assert np.all(values <= result.eigenvalue_bound + own), values
    clustered = {i for cluster in result.clusters for i in cluster}
    for group in [*result.clusters, *((i,) for i in range(k) if i not in clustered)]:
        members = list(group)
        others = np.delete(np.asarray(sigma), members)
        apart = np.abs(np.asarray(sigma)[members][:, None] - others).min(initial=first)
        sine = largest_sine(result.components[members], np.asarray(components)[members])
        assert sine <= result.angle_bound[members[0]] + own * first / apart, (group, sine)
