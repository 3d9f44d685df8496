"""What every rung of the ladder is given, and what it hands on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import interruptible
from minimand.least_squares import certificate, rank
from minimand.least_squares.data import Data, Frame
from minimand.least_squares.moments import Moments
from minimand.least_squares.rank import Factor, RowFactor

_OVERWHELMING = 1e10  # against columns of length 1: the data move such a coefficient by 1e-20


@dataclass(frozen=True, slots=True)
class Problem:
    """Data and options of a fit."""

    data: Data
    ridge: float
    u_data: float
    basic: bool  # policy "drop"
    shortest: bool = True  # policy "min_norm"


@dataclass(frozen=True, slots=True)
class Rung:
    """What a rung of the ladder found.

    triangle : R with R'R = B'B + penalty^2, columns in their order, all of length about 1
    start : scaled coefficients before any correction
    target_norm : lengths of the (centred) weighted y
    """

    name: str
    frame: Frame
    moments: Moments
    triangle: Floats
    factor: Factor | RowFactor
    condition: float
    start: Floats
    target_norm: Floats
    penalty: Floats

    @property
    def rounding(self) -> float:
        """What the certificate is measured by: float64, or the data where these cut the rank."""
        return self.moments.worst_noise if self.factor.deficient else self.moments.worst_rounding


def by_rank(
    problem: Problem,
    name: str,
    frame: Frame,
    found: Moments,
    matrix: Floats,
    rhs: Floats,
    target_norm: Floats,
    penalty: Floats,
) -> Rung:
    """Decide the rank of a triangle or of all rows, and solve."""
    kernels, n = problem.data.kernels, problem.data.columns
    unit = user_length(frame, found)
    factor, rotated = rank.decide(
        matrix, rhs, rank.noise_floor(found), unit, basic=problem.basic, kernels=kernels
    )
    triangle = matrix
    if matrix.shape[0] != n:
        unsorted, t = np.empty_like(factor.triangle), factor.triangle.shape[0]
        unsorted[:, factor.pivots] = factor.triangle
        triangle = np.empty((t, n))
        kernels.qr_factor(unsorted, np.empty((t, t)), triangle, problem.data.threads)
    kappa = certificate.condition(factor.head, kernels)
    if name == "svd" and factor.rank == n:
        U, s, V = np.empty((n, n)), np.empty(n), np.empty((n, n))
        interruptible(10 * n**3, kernels.svd, factor.head, U, s, V)
        start = np.empty((n, rhs.shape[1]))
        start[factor.pivots] = V @ ((U.T @ rotated) / s[:, None])
    else:
        start = factor.solve(rotated)
    return Rung(name, frame, found, triangle, factor, kappa, start, target_norm, penalty)


def penalty_of(problem: Problem, frame: Frame, found: Moments) -> Floats:
    """Return the square root of the ridge on each scaled coefficient, cut where it overwhelms."""
    return np.minimum(_full_penalty(problem, frame, found), _OVERWHELMING)


def penalty_cut(problem: Problem, rung: Rung) -> Floats:
    """Return the ratio of the penalty that a rung used to the one that was asked for.

    A column far shorter than its penalty has coefficient B'y / penalty^2. A smaller penalty, which
    still overwhelms the column, keeps the numbers in range; the answer is multiplied by the ratio
    squared.
    """
    full = _full_penalty(problem, rung.frame, rung.moments)
    return np.divide(rung.penalty, full, out=np.ones(full.size), where=full > rung.penalty)


def _full_penalty(problem: Problem, frame: Frame, found: Moments) -> Floats:
    penalty: Floats = (
        np.sqrt(problem.ridge) * frame.scale[: found.length.size] * found.inverse_length
    )
    return penalty


def user_length(frame: Frame, found: Moments) -> Floats:
    """Return the lengths of the columns in the user's units, 1 for constant ones."""
    return np.where(found.length > 0, found.length, 1.0) / frame.scale[: found.length.size]


def penalty_rows(penalty: Floats, width: int) -> Floats:
    """Return the rows that stand below X for the penalty, 0 in the columns of y."""
    rows = np.zeros((penalty.size, width))
    np.fill_diagonal(rows, penalty)
    return rows
