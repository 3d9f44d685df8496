"""What a result says beside its certificates: numbers that are not those of the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minimand.pca.verification.rows import Measured, Rows

if TYPE_CHECKING:
    from minimand.pca.result import PCAResult

_UNIT = 2.0**-53
_AGREE = 1e-9  # relative agreement of numbers that follow from each other
_MEAN = 1e-10  # of a standard deviation, what sums of many terms may leave of a mean
_EACH = (
    "singular_values", "explained_variance", "explained_variance_ratio", "residual",
    "eigenvalue_bound", "singular_value_bound", "gap", "angle_bound",
)  # fmt: skip


def near(a: object, b: object, slack: float = 0.0) -> bool:
    """Whether two arrays agree; NaN agrees with nothing, infinity with itself."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return bool(np.all((np.abs(a - b) <= _AGREE * np.abs(b) + slack) | (a == b)))


def false_shapes(result: PCAResult) -> Iterator[str]:
    """Check that there is one of each for every component, and their order."""
    V, sigma = np.asarray(result.components), result.singular_values
    if V.ndim != 2 or V.shape[1] != result.mean.size or len(V) > V.shape[1]:
        yield f"components has shape {V.shape}, expected (k, {result.mean.size})"
        return
    for name in _EACH:
        shape = np.shape(getattr(result, name))
        if shape != (len(V),):
            yield f"{name} has shape {shape}, expected {(len(V),)}"
            return
    if np.any(np.diff(sigma) > 0) or not np.all((sigma > 0) & np.isfinite(sigma)):
        yield "singular_values are not positive and descending"
    if not np.all((result.residual >= 0) & np.isfinite(result.residual)):
        yield "residual is not finite and >= 0"
    if not np.isfinite(V).all():
        yield "components are not finite"


def false_numbers(result: PCAResult, rows: Rows, found: Measured) -> Iterator[str]:
    """Compare everything that can be read off the data and the components."""
    yield from _false_means(result, rows)
    yield from _false_signs(result)
    k, n = result.components.shape
    if k == 0:
        return
    sigma = result.singular_values / result.singular_values[0]
    yield from _false_lengths(result, found)
    if np.any(found.residual > result.residual + found.floor):
        worst = int(np.argmax(found.residual - result.residual))
        yield (
            f"residual of component {worst} is {found.residual[worst]:.3g}, "
            f"recorded was {result.residual[worst]:.3g}"
        )
    degrees = float(np.sqrt(result.weight - result.centered))
    if not near(result.explained_variance, (result.singular_values / degrees) ** 2):
        yield "explained_variance is not singular_values^2 / (weight - 1)"
    root = np.ldexp(np.sqrt(found.energy), rows.unit + rows.unit_w // 2)
    if not near(result.total_variance, (root / degrees) ** 2):
        yield f"total_variance is {(root / degrees) ** 2:.9g}"
    if not near(result.explained_variance_ratio * found.relative, sigma**2):
        yield "explained_variance_ratio is not that of the data"
    # Relative to the first eigenvalue, rounding adds what it adds to a residual.
    slack = (10 * found.floor + result.roundoff) / found.relative
    if not near(result.discarded_energy, found.discarded, slack):
        yield f"discarded_energy is {found.discarded:.9g}, recorded {result.discarded_energy:.9g}"
    share = result.discarded_energy / (n - k) if k < n else 0.0
    if not near(result.noise_variance, result.total_variance * share if share else 0.0):
        yield "noise_variance is not the mean of the variances left out"
    if not k <= result.rank <= min(n, rows.used):
        yield f"rank is {result.rank}, with {k} components, {rows.used} rows and {n} columns"


def _false_means(result: PCAResult, rows: Rows) -> Iterator[str]:
    claimed = np.ldexp(result.mean, -rows.unit)
    error = np.abs((claimed - rows.mean) - rows.mean_low)
    root = np.sqrt(np.ldexp(rows.weight, -rows.unit_w))
    if not np.all(root * error <= _MEAN * rows.spread + 8 * _UNIT * rows.length):
        yield f"mean of column {int(np.argmax(error))} is not that of the data"
    if not near(result.weight, rows.weight):
        yield f"weight is {rows.weight:.9g}, recorded was {result.weight:.9g}"
    # Tolerances half and twice the solver's.
    unit = float(np.finfo(rows.X.dtype).eps) / 2
    must, may = (rows.spread <= factor * unit * rows.length for factor in (4.0, 16.0))
    if np.any(must & ~rows.constant) or np.any(rows.constant & ~may):
        yield "constant_columns are not those of the data"
    if result.components[:, rows.constant].any():
        yield "components have loadings on constant columns"


def _false_signs(result: PCAResult) -> Iterator[str]:
    V = result.components
    if not len(V):
        return
    size = np.abs(V)
    first = np.argmax(size >= (1 - 1e-8) * size.max(axis=1, keepdims=True), axis=1)
    if np.any(V[np.arange(len(V)), first] <= 0):
        yield "components do not have their largest loading positive"


def _false_lengths(result: PCAResult, found: Measured) -> Iterator[str]:
    """Compare singular values with ||B v||, whose square is a Rayleigh quotient."""
    sigma = result.singular_values / result.singular_values[0]
    missed = np.abs(found.length - sigma)
    measured = (result.mean.size + 20) * _UNIT * np.sqrt(found.relative)
    allowed = np.minimum(result.roundoff / sigma, np.sqrt(result.roundoff))
    allowed = np.minimum(allowed, result.backward_error) + measured
    if not np.all(missed <= allowed):
        worst = int(np.argmax(missed - allowed))
        yield (
            f"singular_values[{worst}] differs from ||B v|| by {missed[worst]:.3g} of the first, "
            f"more than {allowed[worst]:.3g}"
        )
