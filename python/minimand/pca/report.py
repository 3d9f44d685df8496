"""From a spectrum to a result: how many components, their certificates, the user's units."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.conversion import wrong_type
from minimand._common.errors import ConvergenceWarning, RankWarning
from minimand._common.result import Certificate, Status
from minimand.least_squares.data import Frame
from minimand.least_squares.moments import UNIT
from minimand.pca.bounds import bounds
from minimand.pca.data import Rows, roundoff
from minimand.pca.result import PCAResult
from minimand.pca.spectrum import Spectrum, with_signs


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. `data`: certify from the data; None leaves it open."""

    tol: float
    whiten: bool
    data: bool | None
    backend: str
    names: tuple[str, ...] | None
    start: float


Wanted = int | float | None  # a number of components, a fraction of the variance, all


def wanted_components(value: object, most: int) -> Wanted:
    """Return `n_components`, which must be an int from 1 to `most`, a fraction, or None."""
    expected = f"an int from 1 to {most} = min(rows, columns), a fraction between 0 and 1, or None"
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)):
        raise wrong_type("n_components", value, expected)
    if isinstance(value, (int, np.integer)):
        if not 1 <= value <= most:
            raise ValueError(f"n_components is {value}, expected {expected}")
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"n_components is {value}, expected {expected}")
        return float(value)
    raise wrong_type("n_components", value, expected)


def count(wanted: Wanted, spectrum: Spectrum, most: int) -> int:
    """Return how many components that means, whether or not they are above the noise."""
    if isinstance(wanted, int):
        return min(wanted, spectrum.sigma.size)
    if wanted is None or spectrum.energy == 0:
        return min(most, spectrum.sigma.size)
    shares = np.cumsum(spectrum.sigma**2) / spectrum.energy
    return min(int(np.searchsorted(shares, wanted)) + 1, most, spectrum.sigma.size)


def report(data: Rows, spectrum: Spectrum, wanted: Wanted, options: Options) -> PCAResult:
    """Cut at the rank, certify, and put everything into the user's units."""
    rank = spectrum.rank(data)
    k = min(count(wanted, spectrum, data.columns), rank)
    if rank == 0 and isinstance(wanted, int):
        raise ValueError(
            f"n_components is {wanted}, but there is no variance: all rows of X are "
            f"{'equal' if data.intercept else 'zero'} within rounding"
        )
    weight, scale = spectrum.moments.weight, spectrum.moments.scale
    if rank and weight <= data.lead:
        raise ValueError(
            f"weights sum to {weight:.6g}, expected more than 1: they count observations, "
            "so weight 2 is the same as a repeated row"
        )
    V = np.empty((0, data.columns))
    if k:
        V = with_signs(spectrum.vectors(k))
    sigma = spectrum.sigma[:k]
    first = float(sigma[0]) if k else 1.0
    found, noise, certified_by = _measured(data, spectrum, V, sigma, options)
    left_out, proved = spectrum.left_out(k)
    complete = k == data.columns
    known = bounds(
        sigma / first, found, noise, spectrum.backward_error / first,
        None if complete else left_out / first**2,
    )  # fmt: skip

    ratio = sigma**2 / spectrum.energy if k else sigma
    degrees = np.sqrt(weight - data.lead) if k else 1.0
    with np.errstate(over="ignore", under="ignore"):  # squares of 1e200 are infinite in these units
        singular_values = sigma / scale
        variance = (singular_values / degrees) ** 2
        total = float((np.sqrt(spectrum.energy) / scale / degrees) ** 2)
    discarded = 0.0
    if k and not complete:
        # What is known one by one does not cancel.
        rest = float(np.sum(spectrum.sigma[k:] ** 2))
        if not spectrum.complete:
            rest = max(spectrum.energy - float(np.sum(sigma**2)), 0.0)
        discarded = rest / spectrum.energy
    beyond = left_out / first**2 if proved and not complete else None
    last = float(sigma[-1] / first) ** 2 if k else 1.0
    listed = certificates(V, found, noise, beyond, last, discarded, wanted, options.tol)
    result = PCAResult(
        status=Status.CONVERGED,
        iterations=spectrum.iterations,
        history=spectrum.history,
        seconds=0.0,
        backend=options.backend,
        certificates=listed,
        components=V,
        singular_values=singular_values,
        explained_variance=variance,
        explained_variance_ratio=ratio,
        mean=spectrum.moments.mean,
        noise_variance=total * (discarded / (data.columns - k)) if discarded else 0.0,
        rank=rank,
        residual=found,
        eigenvalue_bound=known.eigenvalue,
        singular_value_bound=known.singular_value,
        gap=known.gap,
        angle_bound=known.angle,
        clusters=known.clusters,
        left_out=0.0 if complete else left_out / first**2,
        leading="proved" if proved or complete else "probable",
        discarded_energy=discarded,
        total_variance=total,
        roundoff=noise,
        backward_error=spectrum.backward_error / first,
        constant_columns=tuple(int(j) for j in np.flatnonzero(spectrum.moments.constant)),
        method=spectrum.method,
        certified_by=certified_by,
        weight=weight,
        tol=options.tol,
        whiten=options.whiten,
        centered=data.intercept,
        feature_names=options.names,
    )
    return _finished(result, spectrum, options)


def _finished(result: PCAResult, spectrum: Spectrum, options: Options) -> PCAResult:
    status = Status.CONVERGED
    if result.components.shape[0] == 0:
        status = Status.NO_VARIANCE
    elif not spectrum.converged:
        status = Status.MAX_ITERATIONS
    elif not all(certificate.holds for certificate in result.certificates):
        status = Status.NOT_CERTIFIED
    return replace(result, status=status, seconds=time.perf_counter() - options.start)


def _measured(
    data: Rows, spectrum: Spectrum, V: Floats, sigma: Floats, options: Options
) -> tuple[Floats, float, str]:
    """Return the residuals, what rounding may add to them, and where they come from."""
    k, n = V.shape
    if k == 0:
        return np.empty(0), 0.0, "state"
    first = float(sigma[0])
    from_data = options.data
    if from_data is None:
        from_data = data.rows > 0 and (16 * k <= n or data.rows * n * k <= 10_000_000)
    if spectrum.method == "randomized":
        image, noise, origin = spectrum.image(V), spectrum.noise, "data"
    elif from_data:
        scale = np.where(spectrum.moments.constant, 0.0, spectrum.moments.scale)
        Q = np.ascontiguousarray(V.T)
        found = data.covariance(Frame(spectrum.moments.mean, scale), Q)
        if data.intercept:  # the mean is rounded, which large offsets would show
            found = found.about_mean(Q, data.weight)
        image, origin = found.product.T, "data"
        noise = roundoff(data.covariance_depth(k)) * float(found.squares.sum())
    else:
        image, noise, origin = spectrum.image(V), spectrum.noise, "state"
    # The squares of the numbers themselves may overflow.
    image, values, noise = image / first**2, (sigma / first) ** 2, noise / first**2
    residual = np.linalg.norm(image - values[:, None] * V, axis=1) + noise
    missed = np.abs(np.einsum("kn,kn->k", image, V) - values).max()
    return residual, float(noise + missed), origin


def certificates(
    V: Floats,
    residual: Floats,
    noise: float,
    left_out: float | None,
    last: float,
    discarded: float,
    wanted: Wanted,
    tol: float,
) -> tuple[Certificate, ...]:
    """Put the quality of the components into words."""
    k, n = V.shape
    if k == 0:
        return ()
    apart = float(np.linalg.norm(V @ V.T - np.eye(k)))
    listed = [
        Certificate(
            "residual", float(residual.max()), tol + 2 * noise,
            "largest ||C v - lambda v||, relative to the first eigenvalue", noise,
        ),
        Certificate(
            "orthonormality", apart, 10 * n * UNIT, "||V V' - I||_F of the components", n * UNIT
        ),
    ]  # fmt: skip
    if left_out is not None:
        text = "largest eigenvalue left out, relative to the smallest one kept"
        slack = 2 * noise / last
        listed.append(Certificate("left out", left_out / last, 1.0 + slack, text, 1.0 + slack))
    if isinstance(wanted, float):
        text = "share of the variance that the components do not explain"
        listed.append(Certificate("discarded energy", discarded, 1.0 - wanted, text, 10 * noise))
    return tuple(listed)


def announce(result: PCAResult, wanted: Wanted, *, stacklevel: int = 3) -> None:
    """Warn of what the user should not overlook."""
    k = len(result.components)
    if k == 0:
        warnings.warn(
            "all rows of X are equal: there is no variance and no component",
            RankWarning,
            stacklevel=stacklevel,
        )
    elif isinstance(wanted, int) and k < wanted:
        warnings.warn(
            f"X has rank {result.rank} within its rounding: {k} components are returned, not "
            f"{wanted}",
            RankWarning,
            stacklevel=stacklevel,
        )
    if not result.status.ok and k:
        warnings.warn(
            f"the residual is {result.residual.max():.1e} of the first eigenvalue, asked for were "
            f'{result.tol:.1e}; raise tol, or use method="svd"',
            ConvergenceWarning,
            stacklevel=stacklevel,
        )
