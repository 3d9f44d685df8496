"""The points of a call, the kernels that read them, and the frame in which they are round.

The problem is invariant under affine maps, so the working set is solved for the whitened points
``y = transform (x - center)``, whose mean is 0 and whose covariance is the identity: offsets,
units and thin clouds then do not matter any longer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.backend import kernels
from minimand._common.iterate import interruptible, row_chunks

EPS = float(np.finfo(np.float64).eps)
_LARGEST, _SMALLEST = 1e307, 1e-305  # a magnitude above, a width below: no room for A and b
_RATIO = 1e250  # of widths: more, and their axes cannot be written down
_SAMPLE = 1024  # points of the rough mean
_BLOCK = 4096  # rows, of which a pass over the points in chunks takes multiples
_PIVOT = 1e4  # times d eps: a smaller squared pivot has lost too many digits
_NOISE = 8.0  # times eps max |x|: what rounding of the input leaves of a constant column
_DEPENDENT = 100.0  # times d eps: relative length of a direction that is missing


@dataclass(frozen=True, slots=True)
class Frame:
    """y = transform (x - center), transform lower triangular; log_det is log det transform."""

    center: Floats
    transform: Floats
    log_det: float


class Cloud:
    """The points with their kernels: passes that can be interrupted, and moments."""

    def __init__(self, points: Floats, backend: str, threads: int) -> None:
        self.points = points
        self.backend = backend
        self.threads = threads
        self.kernels: ModuleType = kernels("ellipsoid", backend)
        self.linear: ModuleType = kernels("least_squares", backend)
        self.low, self.high = np.empty(self.dimension), np.empty(self.dimension)
        self._pass("column_ranges", self.low, self.high)

    @property
    def count(self) -> int:
        """Return the number of points."""
        return len(self.points)

    @property
    def dimension(self) -> int:
        """Return the number of columns."""
        return int(self.points.shape[1])

    @property
    def reach(self) -> Floats:
        """Return the largest magnitude in each column."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def extremes(self, center: Floats, transform: Floats) -> Any:
        """Return the rows where a coordinate of transform (x - center) is least or largest."""
        rows = np.empty((2, len(transform)), dtype=np.int64)
        self._pass("extreme_points", center, transform, rows)
        return rows.ravel()

    def farthest(
        self, center: Floats, transform: Floats, offset: Floats, count: int
    ) -> tuple[Any, Floats]:
        """Return the `count` largest ||transform (x - center) + offset||^2 and their rows."""
        count = min(count, self.count)
        rows, distances = np.empty(count, dtype=np.int64), np.empty(count)
        self._pass("distance_pass", center, transform, offset, rows, distances)
        return rows, distances

    def _pass(self, kernel: str, *arguments: Any) -> None:
        work = float(self.points.size) * self.dimension
        interruptible(work, getattr(self.kernels, kernel), self.points, *arguments, self.threads)

    def units(self) -> Floats:
        """Return a power of two for each column that makes it 1 wide, or 1 large if constant."""
        width = self.high - self.low
        return np.ldexp(1.0, -np.frexp(np.where(width > 0, width, self.reach))[1])

    def moments(self, units: Floats) -> tuple[Floats, Floats]:
        """Return the mean, and the covariance (divisor m) of the columns times `units`."""
        m, d = self.points.shape
        rough = self.points[:: max(1, m // _SAMPLE)].mean(axis=0)
        gram, total = np.empty((d + 1, d + 1)), np.zeros((d + 1, d + 1))
        for begin, end in row_chunks(m, (d + 1) ** 2 / 2, _BLOCK, elements_per_row=d):
            self.linear.gram_pass(
                self.points, np.empty((m, 0)), np.empty(0), rough, units, True, begin, end, gram,
                self.threads,
            )  # fmt: skip
            total += gram
        shift = total[0, 1:] / m
        return rough + shift / units, total[1:, 1:] / m - np.outer(shift, shift)

    def triangle(self, mean: Floats, units: Floats) -> Floats:
        """Return upper triangular R with R'R = m times the covariance, without squaring."""
        m, d = self.points.shape
        R = np.zeros((d, d))
        for begin, end in row_chunks(m, 2.0 * d * d, _BLOCK, elements_per_row=d):
            self.linear.tsqr_pass(
                self.points, np.empty((m, 0)), np.empty(0), mean, units, False, begin, end, R,
                self.threads,
            )  # fmt: skip
        return R


@np.errstate(over="ignore")
def check_magnitudes(cloud: Cloud) -> None:
    """Raise ValueError for numbers so large or so close that float64 cannot hold the ellipsoid."""
    width = cloud.high - cloud.low
    for j, (reach, wide) in enumerate(zip(cloud.reach.tolist(), width.tolist(), strict=True)):
        if reach > _LARGEST or 0.0 < wide < _SMALLEST:
            came = f"reaches {reach:.3g}" if reach > _LARGEST else f"is only {wide:.3g} wide"
            raise ValueError(
                f"points {came} in column {j}, expected magnitudes up to {_LARGEST:g} and widths "
                f"from {_SMALLEST:g}; multiply the column by a power of two"
            )
    wide = width[width > 0]
    if wide.size and wide.max() / _RATIO > wide.min():
        raise ValueError(
            f"points has columns from {wide.min():.3g} to {wide.max():.3g} wide, expected a ratio "
            f"up to {_RATIO:g}; multiply some columns by powers of two"
        )


def whiten(cloud: Cloud) -> Frame | tuple[Floats, Floats]:
    """Return the frame of a cloud, or of a degenerate one its mean and a basis of its hull (d, r).

    Cholesky of the covariance where it is accurate, QR of the centred points elsewhere: that is
    where thin clouds and degenerate ones are told apart.
    """
    m, d = cloud.points.shape
    units = cloud.units()
    mean, covariance = cloud.moments(units)
    noise = _NOISE * EPS * cloud.reach * units
    L = _cholesky(covariance)
    if L is not None:
        squares = np.diag(L) ** 2
        good = squares > _PIVOT * d * EPS * np.diag(covariance)
        if (good & (squares > (100.0 * noise) ** 2)).all():
            return _frame(cloud, mean, units, L)

    R = cloud.triangle(mean, units)
    # Columns in units of their own noise, so that the clearest come first.
    floor = _DEPENDENT * d * EPS * np.linalg.norm(R, axis=0) + noise * math.sqrt(m)
    floor[floor == 0] = 1.0
    ordered, pivots, tolerances = R / floor, np.empty(d, dtype=np.int64), np.empty(d)
    rank = int(cloud.linear.pivoted_qr(ordered, d, np.ones(d), False, pivots, tolerances))
    if rank == d:
        return _frame(cloud, mean, units, R.T / math.sqrt(m))
    rows = np.empty((rank, d))
    rows[:, pivots] = ordered[:rank]
    rows *= floor / units
    size = np.abs(rows).max(initial=0.0)
    basis = np.linalg.svd(rows / size if size > 0 else rows, full_matrices=False)[2].T
    return mean, np.ascontiguousarray(basis)


def _frame(cloud: Cloud, mean: Floats, units: Floats, L: Floats) -> Frame:
    transform = np.eye(len(L))
    cloud.linear.solve_triangular(np.ascontiguousarray(L), transform, True, False, 1)
    log_det = float(np.log(units).sum() - np.log(np.diag(L)).sum())
    return Frame(mean, transform * units, log_det)


def _cholesky(covariance: Floats) -> Floats | None:
    try:
        return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
