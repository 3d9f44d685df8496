"""A quantile problem: rows and weights, and the passes over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.linear_models.design import Design

Indices = NDArray[np.intp]

UNIT = 2.0**-53
_ALL = slice(None)
_BLOCK = 1 << 12  # rows that are looked at together


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """minimise sum_i w_i max(tau r_i, (tau - 1) r_i), r = y - X theta, the constant term last.

    Attributes
    ----------
    X, y, weights, intercept
        As in `Design`.
    quantile : float
        tau.
    kernels : module
        Of linear models.
    threads : int
        For these.
    """

    X: Floats
    y: Floats
    weights: Floats
    intercept: bool
    quantile: float
    kernels: ModuleType
    threads: int
    peak: Floats = field(init=False)  # largest sizes in the columns of X, 1 for the constant term

    def __post_init__(self) -> None:
        peak = np.zeros(self.X.shape[1])
        for begin in range(0, len(self.X), _BLOCK):
            np.maximum(peak, np.abs(self.X[begin : begin + _BLOCK]).max(axis=0), out=peak)
        object.__setattr__(self, "peak", np.append(peak, 1.0) if self.intercept else peak)

    @classmethod
    def of(cls, design: Design, quantile: float, kernels: ModuleType, threads: int) -> Rows:
        """Return the problem of a design, the weights in a unit in which the largest is near 1."""
        weights = design.weights
        if weights.size:
            weights = weights / design_unit(design)
        return cls(design.X, design.y, weights, design.intercept, quantile, kernels, threads)

    @property
    def parameters(self) -> int:
        """The length of theta."""
        return int(self.X.shape[1]) + self.intercept

    def weight(self, rows: Indices | slice = _ALL) -> Floats:
        """Return the weights of some rows."""
        if self.weights.size:
            chosen: Floats = self.weights[rows]
            return chosen
        return np.broadcast_to(1.0, self.y[rows].shape)

    def lower(self, rows: Indices | slice = _ALL) -> Floats:
        """Return the least value of the dual variables."""
        return np.asarray((self.quantile - 1.0) * self.weight(rows))

    def upper(self, rows: Indices | slice = _ALL) -> Floats:
        """Return the largest value of the dual variables."""
        return np.asarray(self.quantile * self.weight(rows))

    def take(self, rows: Indices | slice) -> Floats:
        """Return some rows with the one of the constant term."""
        part: Floats = self.X[rows]
        return np.column_stack([part, np.ones(len(part))]) if self.intercept else part

    def residuals(self, theta: Floats) -> Floats:
        """Return y - X theta."""
        r = np.empty(self.y.shape)
        theta = np.ascontiguousarray(theta)
        self.kernels.quantile_residuals(self.X, self.y, self.intercept, theta, r, self.threads)
        return r

    def along(self, direction: Floats) -> Floats:
        """Return X direction."""
        values, nothing = np.empty(self.y.shape), np.zeros(self.y.shape)
        direction = np.ascontiguousarray(direction)
        self.kernels.quantile_residuals(
            self.X, nothing, self.intercept, direction, values, self.threads
        )
        return np.negative(values, out=values)

    def normal(self, psi: Floats) -> Floats:
        """Return X'psi."""
        total = np.empty(self.parameters)
        psi = np.ascontiguousarray(psi)
        self.kernels.quantile_normal(self.X, psi, self.intercept, total, self.threads)
        return total

    def bands(self, factor: Floats) -> Floats:
        """Return |factor'x_i|."""
        bands = np.empty(self.y.shape)
        factor = np.ascontiguousarray(factor)
        self.kernels.quantile_bands(self.X, self.intercept, factor, bands, self.threads)
        return bands

    def column_scale(self) -> Floats:
        """Return powers of two that bring the largest entry of each column to [1/2, 1)."""
        scale = np.ldexp(1.0, -np.frexp(np.where(self.peak > 0.0, self.peak, 1.0))[1])
        if self.intercept:
            scale[-1] = 1.0
        return np.asarray(scale)

    def objective(self, r: Floats) -> float:
        """Return the sum of the losses."""
        return float((self.weight() * self.losses(r)).sum())

    def losses(self, r: Floats) -> Floats:
        """Return max(tau r, (tau - 1) r)."""
        return np.maximum(self.quantile * r, (self.quantile - 1.0) * r)

    def gap(self, r: Floats, psi: Floats) -> float:
        """Return the excess over the bound that psi proves, a sum of terms that are not negative.

        Rounding apart, rho(r) - psi r is r times the distance of psi to the bound on its side.
        """
        terms = np.where(r > 0.0, r * (self.upper() - psi), r * (self.lower() - psi))
        return float(terms.sum())

    def certain_gap(self, theta: Floats, r: Floats, psi: Floats, tol: float) -> float:
        """Return the gap, the larger of two where rounding alone could exceed `tol`.

        There, at quantiles next to 0 or 1 for example, the sign of a residual that vanishes but for
        its rounding matters; it is then computed in NumPy as well, where it may come out otherwise.
        """
        gap, zeros = self.gap(r, psi), self.zeros(theta, r)
        far = np.maximum(self.upper() - psi, psi - self.lower())[zeros]
        if gap + float(self.zero_level(theta, zeros) @ far) <= tol * self.objective(r):
            return gap
        n = self.X.shape[1]
        fitted = self.X @ theta[:n] + (theta[n] if self.intercept else 0.0)
        return max(gap, self.gap(self.y - fitted, psi))

    def zero_level(self, theta: Floats, rows: Indices | slice = _ALL) -> Floats:
        """Return what is rounding noise in the residuals of `rows`."""
        size = np.abs(self.take(rows)) @ np.abs(theta) + np.abs(self.y[rows])
        # The other rows have a say too: a coefficient may be 0 but for what their solution leaves.
        return np.asarray(4 * (self.parameters + 2) * UNIT * size + UNIT * self.noise(theta))

    def noise(self, theta: Floats) -> float:
        """Return a bound of `zero_level` over all rows."""
        size = float(self.peak @ np.abs(theta)) + float(np.abs(self.y).max())
        return 8 * (self.parameters + 2) * UNIT * size

    def zeros(self, theta: Floats, r: Floats) -> Indices:
        """Return the rows whose residual is zero within rounding."""
        few = np.flatnonzero(np.abs(r) <= self.noise(theta))
        return few[np.abs(r[few]) <= self.zero_level(theta, few)]

    def stationarity(self, psi: Floats) -> float:
        """Return the largest |X'psi|_j, relative to the sum of the sizes of its terms.

        That sum counts as at least as much as the largest entries make in one term.
        """
        sizes = np.zeros(self.parameters)
        n = self.X.shape[1]
        for begin in range(0, len(psi), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            sizes[:n] += np.einsum("i,ij->j", np.abs(psi[part]), np.abs(self.X[part]))
        sizes[n:] = np.abs(psi).sum()
        sizes = np.maximum(sizes, self.peak * np.abs(psi).max())
        relative = np.abs(self.normal(psi)) / np.where(sizes > 0.0, sizes, 1.0)
        return float(relative.max(initial=0.0))


def design_unit(design: Design) -> float:
    """Return the power of two that is the unit of the weights."""
    largest = design.weights.max() if design.weights.size else 1.0
    return float(np.ldexp(1.0, np.frexp(largest)[1] - 1))
