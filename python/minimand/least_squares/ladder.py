"""The ladder of factorisations: from the fastest to the safest, each with its own reach.

cholesky      Gram matrix, one read of X.                            condition up to 1e4
cholesky_qr   shifted CholeskyQR: the Gram matrix of X R^-1, again.  condition up to 1e13
qr, svd       Householder TSQR, rank decided on its triangle.        anything
dense         pivoted Householder QR of all rows at once.            m < n, row weights of 1e16 : 1

Every rung ends in a `Factor` of the scaled columns. Corrected semi-normal steps (Björck 1987) and
the certificate need nothing else; when the certificate fails, "auto" climbs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import NotPositiveDefiniteError
from minimand.least_squares import certificate, moments, rank
from minimand.least_squares.data import Data, Frame
from minimand.least_squares.moments import UNIT, Moments
from minimand.least_squares.rank import Factor, RowFactor

_CHOLESKY_CONDITION = 1e4  # beyond it the triangle of a Gram matrix has under 8 digits
_SMALL_WORK = 5e7  # m n^2 below which Householder costs no time worth saving
_CANCELLATION = 1e4  # sums of squares that shrink by more when centred are taken again
_TINY, _HUGE = 1e-250, 1e250  # sums of squares outside of these call for scaling
_CLEARLY_INDEPENDENT = 1e6  # condition of the rows up to which no column need be looked at
_SPREAD = 1e8  # row weights sqrt(w) further apart than this need sorted rows


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


def needs_all_rows(problem: Problem) -> bool:
    """Whether sums over rows would lose what matters: m < n, or weights that differ wildly."""
    weights = problem.data.weights
    used = weights[weights > 0]
    spread = np.sqrt(used.max()) > _SPREAD * np.sqrt(used.min()) if used.size else False
    return problem.data.rows < problem.data.columns or bool(spread)


class NormalEquations:
    """A Gram matrix of [1 X y] in a frame, which the first two rungs share."""

    def __init__(self, problem: Problem, frame: Frame, gram: Floats) -> None:
        self.problem, self.frame = problem, frame
        n = problem.data.columns
        self.moments, centred = moments.from_gram(problem.data, frame, gram, problem.u_data)
        unit = self.moments.inverse_length
        self.penalty = _penalty(problem, frame, self.moments)
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
    penalty = _penalty(problem, frame, found)
    scaled = np.array(centred, order="C")
    scaled[:, :n] *= found.inverse_length
    if penalty.any():
        data.kernels.merge_r(scaled, _penalty_rows(penalty, scaled.shape[1]))
    triangle, rotated = np.ascontiguousarray(scaled[:n, :n]), scaled[:n, n:]
    name = "svd" if by_svd else "qr"
    return _by_rank(problem, name, frame, found, triangle, rotated, target_norm, penalty)


def dense(problem: Problem, *, by_svd: bool = False) -> Rung:
    """Pivoted QR of the rows themselves, largest first (Cox, Higham 1998): a copy of X."""
    data, n = problem.data, problem.data.columns
    data.check_finite()
    frame = data.scaled_frame()
    rows = np.concatenate([data.X, data.Y], axis=1, dtype=np.float64)
    rows = (rows - frame.shift) * frame.scale
    weights = data.weights if data.weights.size else np.ones(data.rows)
    total, offset = float(weights.sum()), np.zeros(rows.shape[1])
    if data.intercept:
        offset = weights @ rows / total
        rows -= offset
    rows *= np.sqrt(weights)[:, None]
    squares = np.einsum("ij,ij->j", rows, rows)
    found = moments.from_columns(data, frame, total, offset, squares[:n], problem.u_data)
    penalty = _penalty(problem, frame, found)
    rows[:, :n] *= found.inverse_length
    order = np.argsort(-np.abs(rows[:, :n]).max(axis=1), kind="stable")
    rows = rows[order]
    if penalty.any():
        rows = np.vstack([rows, _penalty_rows(penalty, rows.shape[1])])
    name = "svd" if by_svd else "qr"
    target_norm = np.sqrt(squares[n:])
    if data.rows < n and problem.shortest and not penalty.any():
        rung = _by_rows(problem, name, frame, found, rows, np.sqrt(weights[order]), target_norm)
        if rung is not None:
            return rung
    return _by_rank(problem, name, frame, found, rows[:, :n], rows[:, n:], target_norm, penalty)


def _by_rows(
    problem: Problem,
    name: str,
    frame: Frame,
    found: Moments,
    rows: Floats,
    root: Floats,
    target_norm: Floats,
) -> Rung | None:
    """Take the shortest solution from QR of the transpose, if the rows are clearly independent."""
    data, n = problem.data, problem.data.columns
    rows, root = rows[root > 0], root[root > 0]
    if data.intercept:
        rows = _without_mean(rows, root)
    unit = _user_length(frame, found)
    unit /= unit.max()
    length = np.linalg.norm(rows[:, :n] * unit, axis=1)
    if len(rows) == 0 or not length.all():
        return None
    Q, R = _transposed_qr(rows[:, :n] * unit / length[:, None], problem)
    if not certificate.condition(R, data.kernels) < _CLEARLY_INDEPENDENT:
        return None
    kappa = certificate.condition(_transposed_qr(rows[:, :n], problem)[1], data.kernels)
    smallest = np.abs(np.diag(R)).min() / (n * rank.noise_floor(found).max())
    factor = RowFactor(Q, R * length, unit, (float(np.log10(smallest)), -np.inf), data.kernels)
    start = factor.solve(rows[:, n:])
    triangle = np.ascontiguousarray(rows[:, :n])
    return Rung(name, frame, found, triangle, factor, kappa, start, target_norm, np.zeros(n))


def _without_mean(rows: Floats, root: Floats) -> Floats:
    """Return one row less with the same X'X and X'y, for centred rows weighted by `root`.

    They are orthogonal to the direction of `root`; a reflection moves it to the first axis, and
    that row, which is 0 now, goes.
    """
    u = root / np.linalg.norm(root)
    u[0] += 1.0
    return np.asarray(rows - np.outer(u, u @ rows) / u[0])[1:]


def _transposed_qr(matrix: Floats, problem: Problem) -> tuple[Floats, Floats]:
    columns = np.ascontiguousarray(matrix.T)
    Q, R = np.empty_like(columns), np.empty((matrix.shape[0], matrix.shape[0]))
    problem.data.kernels.qr_factor(columns, Q, R, problem.data.threads)
    return Q, R


def _by_rank(
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
    unit = _user_length(frame, found)
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
        kernels.svd(factor.head, U, s, V)
        start = np.empty((n, rhs.shape[1]))
        start[factor.pivots] = V @ ((U.T @ rotated) / s[:, None])
    else:
        start = factor.solve(rotated)
    return Rung(name, frame, found, triangle, factor, kappa, start, target_norm, penalty)


def _full_rank_factor(
    problem: Problem, triangle: Floats, found: Moments, frame: Frame
) -> tuple[Factor, float]:
    """Pivot a triangle, unless its smallest singular value alone settles the rank."""
    kernels, floor = problem.data.kernels, rank.noise_floor(found)
    unit = _user_length(frame, found)
    kappa = certificate.condition(triangle, kernels)
    # Column norms are 1, so the largest singular value is >= 1 and the smallest >= 1 / kappa.
    if triangle.shape[0] > 256 and 4 * kappa * floor.max() < 1:
        return rank.accept_all(triangle, floor, unit, kernels), kappa
    none = np.empty((triangle.shape[0], 0))
    factor, _ = rank.decide(triangle, none, floor, unit, basic=problem.basic, kernels=kernels)
    return factor, kappa


def _penalty(problem: Problem, frame: Frame, found: Moments) -> Floats:
    """sqrt(ridge) of each scaled coefficient."""
    n = problem.data.columns
    penalty: Floats = np.sqrt(problem.ridge) * frame.scale[:n] * found.inverse_length
    return penalty


def _user_length(frame: Frame, found: Moments) -> Floats:
    return np.where(found.length > 0, found.length, 1.0) / frame.scale[: found.length.size]


def _penalty_rows(penalty: Floats, width: int) -> Floats:
    rows = np.zeros((penalty.size, width))
    np.fill_diagonal(rows, penalty)
    return rows


def out_of_range(data: Data, squares: Floats) -> bool:
    """Whether sums of squares overflowed, met NaN, or underflowed in a column that is not zero."""
    if not (squares < _HUGE).all():
        return True
    tiny = squares < _TINY
    if not tiny.any():
        return False
    n = data.columns
    return bool(data.X[:, tiny[:n]].any() or data.Y[:, tiny[n:]].any())


def _cholesky(matrix: Floats, problem: Problem) -> tuple[Floats, int]:
    lower = matrix.copy()
    failed = problem.data.kernels.cholesky_factor(lower, problem.data.threads)
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


def stays_with_cholesky(rung: Rung) -> bool:
    """Whether the triangle of a Gram matrix is accurate enough to stay with it."""
    return rung.condition <= _CHOLESKY_CONDITION and rung.factor.rank == rung.factor.columns


def prefers_householder(problem: Problem) -> bool:
    """Whether the problem is so small that the safest rung costs no time worth saving."""
    return problem.data.rows * problem.data.columns**2 <= _SMALL_WORK
