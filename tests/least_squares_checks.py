"""What the tests of lstsq share: certified fits, and errors in units of what rounding does."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
import pytest

from minimand import LeastSquaresResult, MinimandWarning, RankWarning, Status, lstsq

EPS = float(np.finfo(np.float64).eps)
UNIT = EPS / 2
RATIO = 30.0  # LAPACK's threshold for errors in units of the rounding error


def certified(
    X: Any, y: Any, *, warns: type[MinimandWarning] | None = None, **options: Any
) -> LeastSquaresResult:
    """Fit, expect that warning or none, and check the certificates, recorded and recomputed."""
    expected = pytest.warns(warns) if warns else contextlib.nullcontext()
    with expected:
        result = lstsq(X, y, **options)
    check(result, X, y, options.get("weights"))
    return result


def quiet(X: Any, y: Any, **options: Any) -> LeastSquaresResult:
    """Fit where rank and condition are not what the test is about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MinimandWarning)
        result = lstsq(X, y, **options)
    check(result, X, y, options.get("weights"))
    return result


def deficient(X: Any, y: Any, **options: Any) -> LeastSquaresResult:
    """Fit columns that depend on each other."""
    return certified(X, y, warns=RankWarning, **options)


def check(result: LeastSquaresResult, X: Any, y: Any, weights: Any = None) -> None:
    assert result.status is Status.CONVERGED
    assert all(certificate.holds for certificate in result.certificates), str(result)
    assert all(certificate.holds for certificate in result.verify(X, y, weights))
    # The rank never depends on rows or units, so what was claimed is consistent with the shape.
    n = result.coef.shape[0]
    rows = len(X) if weights is None else np.count_nonzero(weights)
    wide = not result.aliased and result.rank == rows - result.has_intercept
    assert wide or result.rank + len(result.aliased) == n
    assert result.dependency.shape == (n, len(result.aliased))
    assert sorted(result.pivots) == list(range(n))


def coefficients(result: LeastSquaresResult) -> np.ndarray:
    """The coefficients, after the constant where one was fitted."""
    if result.has_intercept:
        return np.concatenate([np.atleast_1d(result.intercept), result.coef])
    return result.coef


def error_ratio(
    coef: Any,
    truth: Any,
    X: Any,
    y: Any,
    *,
    weights: Any = None,
    intercept: bool = False,
    ridge: float = 0.0,
    rank: int | None = None,
) -> float:
    """Error of the scaled coefficients in units of what rounding of X does to them.

    That is n eps kappa (1 + kappa ||r|| / (||B|| ||x||)) ||x||, where B is X, weighted, centred,
    its columns of length 1; times c_j / s_j, the size of a column before and after centring.
    """
    A, target = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    coef, truth = np.asarray(coef), np.asarray(truth)
    m, n = A.shape
    w = np.ones(m) if weights is None else np.asarray(weights, dtype=float)
    raw = np.sqrt(w @ A**2)
    if intercept:
        A, target = A - w @ A / w.sum(), target - w @ target / w.sum()
    root = np.sqrt(w)
    length = np.linalg.norm(root[:, None] * A, axis=0)
    used = length > 1e-14 * raw
    length = np.where(used, length, 1.0)
    B = np.where(used, root[:, None] * A / length, 0.0)
    B = np.vstack([B, np.diag(np.sqrt(ridge) / length)])
    r = np.append(root * (target - A @ truth), -np.sqrt(ridge) * truth)
    s = np.linalg.svd(B, compute_uv=False)
    s = s[: np.count_nonzero(used) if rank is None else rank]
    kappa, size = s[0] / s[-1], np.linalg.norm(length * truth)
    noise = max(1.0, float((raw / length)[used].max(initial=1.0)))
    sensitivity = kappa * (size + kappa * np.linalg.norm(r) / s[0]) * noise
    error = float(np.linalg.norm(length * (coef - truth)))
    return error / (n * EPS * sensitivity) if error else 0.0
