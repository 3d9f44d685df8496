"""The ladder of factorisations: from the fastest to the safest, each with its own reach.

cholesky      Gram matrix, one read of X.                            condition up to 1e4
cholesky_qr   shifted CholeskyQR: the Gram matrix of X R^-1, again.  condition up to 1e13
qr, svd       Householder TSQR, rank decided on its triangle.        anything
dense         pivoted Householder QR of all rows at once.            m < n, row weights of 1e16 : 1

Every rung ends in a `Factor` of the scaled columns. Corrected semi-normal steps (Björck 1987) and
the certificate need nothing else; when the certificate fails, "auto" climbs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import NotPositiveDefiniteError
from minimand._common.iterate import interruptible
from minimand.least_squares import certificate, moments, rank
from minimand.least_squares.data import Data, Frame
from minimand.least_squares.moments import UNIT, Moments
from minimand.least_squares.rank import Factor
from minimand.least_squares.rung import (
    Problem,
    Rung,
    by_rank,
    penalty_of,
    penalty_rows,
    user_length,
)

_CHOLESKY_CONDITION = 1e4  # beyond it the triangle of a Gram matrix has under 8 digits
_SMALL_WORK = 5e7  # m n^2 below which Householder costs no time worth saving
_CANCELLATION = 1e4  # sums of squares that shrink by more when centred are taken again
_TINY, _HUGE = 1e-250, 1e250  # sums of squares outside of these call for scaling


class NormalEquations:
    """A Gram matrix of [1 X y] in a frame, which the first two rungs share."""

    def __init__(self, problem: Problem, frame: Frame, gram: Floats) -> None:
        self.problem, self.frame = problem, frame
        n = problem.data.columns
        self.moments, centred = moments.from_gram(problem.data, frame, gram, problem.u_data)
        unit = self.moments.inverse_length
        self.penalty = penalty_of(problem, frame, self.moments)
        self.matrix = centred[:n, :n] * np.outer(unit, unit) + np.diag(self.penalty**2)
        self.rhs = np.ascontiguousarray(centred[:n, n:] * unit[:, None])
        self.target_norm = np.sqrt(np.maximum(np.diag(centred)[n:], 0.0))

    @classmethod
    def of_rows(cls, problem: Problem) -> NormalEquations:
        """Take the Gram matrix in one pass; again if it overflowed or centring would cancel."""
        data = problem.data
        frame = data.first_frame()
        gram = data.gram(frame)
        if out_of_range(data, np.diag(gram)[data.lead :]):
            data.check_finite()
            frame = data.scaled_frame()
            gram = data.gram(frame)
        if data.intercept:
            offset = gram[0, 1:] / gram[0, 0]
            moved = gram[0, 0] * offset**2 * (1.0 + 1.0 / _CANCELLATION)
            if np.any(moved[: data.columns] > np.diag(gram)[1 : 1 + data.columns]):
                frame = replace(frame, shift=frame.shift + offset / frame.scale)
                gram = data.gram(frame)
        return cls(problem, frame, gram)

    def cholesky(self) -> Rung:
        """Cholesky of the Gram matrix; raises NotPositiveDefiniteError when it breaks down."""
        triangle, failed = _cholesky(self.matrix, self.problem)
        if failed:
            raise NotPositiveDefiniteError(
                f"X'X, columns scaled to length 1, is not positive definite: the leading minor of "
                f"order {failed} is not positive. The columns are dependent, or so close to it "
                f'that squaring the condition number lost it; use method="auto" or "qr".'
            )
        return self._rung("cholesky", triangle)

    def cholesky_qr(self) -> Rung | None:
        """Shifted CholeskyQR (Fukaya et al. 2020), the shift as small as it works; None if not."""
        data, n = self.problem.data, self.problem.data.columns
        if not self.moments.length.all():
            return None
        mean = self.frame.shift[:n] + self.moments.offset_x / self.frame.scale[:n]
        centred = Frame(np.append(mean, self.frame.shift[n:]), self.frame.scale)
        triangle, gram = np.eye(n), self.matrix
        for _ in range(4):
            step = _shifted_cholesky(gram, self.problem)
            triangle = np.ascontiguousarray(np.triu(step @ triangle))
            if gram is not self.matrix and _extreme_ratio(gram) < 1e4:
                return self._rung("cholesky_qr", triangle)
            gram = data.preconditioned_gram(centred, triangle * self.moments.length)
            if self.penalty.any():
                rows = np.diag(self.penalty)
                data.kernels.solve_triangular(triangle, rows, False, True, 1)
                gram = gram + rows @ rows.T
            if not np.isfinite(gram).all():
                return None
        return None

    def _rung(self, name: str, triangle: Floats) -> Rung:
        factor, kappa = _full_rank_factor(self.problem, triangle, self.moments, self.frame)
        start = factor.correct(self.rhs)
        return Rung(
            name, self.frame, self.moments, triangle, factor, kappa, start, self.target_norm,
            self.penalty,
        )  # fmt: skip


def householder(problem: Problem, frame: Frame, *, by_svd: bool = False) -> Rung:
    """TSQR of [1 X y] in one pass; again in another unit if it overflowed."""
    data = problem.data
    R = data.triangle(frame)
    if out_of_range(data, np.einsum("ij,ij->j", R, R)[data.lead :]):
        data.check_finite()
        frame = data.scaled_frame()
        R = data.triangle(frame)
    return from_triangle(problem, frame, R, by_svd=by_svd)


def from_triangle(problem: Problem, frame: Frame, R: Floats, *, by_svd: bool = False) -> Rung:
    """Rank, pivots and solution from the triangle of [1 X y]. `by_svd`: by the pseudo-inverse."""
    data, n = problem.data, problem.data.columns
    found, centred = moments.from_triangle(data, frame, R, problem.u_data)
    target_norm = np.linalg.norm(centred[:, n:], axis=0)
    penalty = penalty_of(problem, frame, found)
    scaled = np.array(centred, order="C")
    scaled[:, :n] *= found.inverse_length
    if penalty.any():
        data.kernels.merge_r(scaled, penalty_rows(penalty, scaled.shape[1]))
    triangle, rotated = np.ascontiguousarray(scaled[:n, :n]), scaled[:n, n:]
    name = "svd" if by_svd else "qr"
    return by_rank(problem, name, frame, found, triangle, rotated, target_norm, penalty)


def stays_with_cholesky(rung: Rung) -> bool:
    """Whether the triangle of a Gram matrix is accurate enough to stay with it."""
    return rung.condition <= _CHOLESKY_CONDITION and rung.factor.rank == rung.factor.columns


def prefers_householder(problem: Problem) -> bool:
    """Whether the problem is so small that the safest rung costs no time worth saving."""
    return problem.data.rows * problem.data.columns**2 <= _SMALL_WORK


def out_of_range(data: Data, squares: Floats) -> bool:
    """Whether sums of squares overflowed, met NaN, or underflowed in a column that is not zero."""
    if not (squares < _HUGE).all():
        return True
    tiny = squares < _TINY
    if not tiny.any():
        return False
    n = data.columns
    return bool(data.X[:, tiny[:n]].any() or data.Y[:, tiny[n:]].any())


def _full_rank_factor(
    problem: Problem, triangle: Floats, found: Moments, frame: Frame
) -> tuple[Factor, float]:
    """Pivot a triangle, unless its smallest singular value alone settles the rank."""
    kernels, floor = problem.data.kernels, rank.noise_floor(found)
    unit = user_length(frame, found)
    kappa = certificate.condition(triangle, kernels)
    # Column norms are 1, so the largest singular value is >= 1 and the smallest >= 1 / kappa.
    if triangle.shape[0] > 256 and 4 * kappa * floor.max() < 1:
        return rank.accept_all(triangle, floor, unit, kernels), kappa
    none = np.empty((triangle.shape[0], 0))
    factor, _ = rank.decide(triangle, none, floor, unit, basic=problem.basic, kernels=kernels)
    return factor, kappa


def _cholesky(matrix: Floats, problem: Problem) -> tuple[Floats, int]:
    lower = matrix.copy()
    factor, threads = problem.data.kernels.cholesky_factor, problem.data.threads
    failed = interruptible(len(lower) ** 3 / 6, factor, lower, threads)
    return np.ascontiguousarray(lower.T), failed


def _shifted_cholesky(gram: Floats, problem: Problem) -> Floats:
    n = gram.shape[0]
    size = float(np.trace(gram)) / n
    shift = 0.0
    while True:
        triangle, failed = _cholesky(gram + shift * np.eye(n), problem)
        if not failed:
            return triangle
        shift = max(100 * shift, 11 * n * UNIT * size)


def _extreme_ratio(gram: Floats) -> float:
    """Return a bound of the ratio of the eigenvalues of a Gram matrix that is close to diagonal."""
    values = np.linalg.eigvalsh(gram)
    return float(values[-1] / values[0]) if values[0] > 0 else np.inf
