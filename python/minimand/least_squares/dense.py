"""The rung for matrices whose rows must be looked at together: wide ones, and wild weights."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import interruptible
from minimand.least_squares import certificate, moments, rank
from minimand.least_squares.data import Frame
from minimand.least_squares.moments import Moments
from minimand.least_squares.rank import RowFactor
from minimand.least_squares.rung import (
    Problem,
    Rung,
    by_rank,
    penalty_of,
    penalty_rows,
    user_length,
)

_CLEARLY_INDEPENDENT = 1e6  # condition of the rows up to which no column need be looked at
_SPREAD = 1e8  # row weights sqrt(w) further apart than this need sorted rows


def needs_all_rows(problem: Problem) -> bool:
    """Whether sums over rows would lose what matters: m < n, or weights that differ wildly."""
    weights = problem.data.weights
    used = weights[weights > 0]
    spread = np.sqrt(used.max()) > _SPREAD * np.sqrt(used.min()) if used.size else False
    return problem.data.rows < problem.data.columns or bool(spread)


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
    penalty = penalty_of(problem, frame, found)
    rows[:, :n] *= found.inverse_length
    order = np.argsort(-np.abs(rows[:, :n]).max(axis=1), kind="stable")
    rows = rows[order]
    if penalty.any():
        rows = np.vstack([rows, penalty_rows(penalty, rows.shape[1])])
    name = "svd" if by_svd else "qr"
    target_norm = np.sqrt(squares[n:])
    if data.rows < n and problem.shortest and not penalty.any():
        rung = _by_rows(problem, name, frame, found, rows, np.sqrt(weights[order]), target_norm)
        if rung is not None:
            return rung
    return by_rank(problem, name, frame, found, rows[:, :n], rows[:, n:], target_norm, penalty)


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
    unit = user_length(frame, found)
    unit /= unit.max()
    length = np.linalg.norm(rows[:, :n] * unit, axis=1)
    if len(rows) == 0 or not length.all() or unit[found.length > 0].min() < rank.GRADED:
        return None
    Q, R = _transposed_qr(rows[:, :n] * unit / length[:, None], problem)
    if not certificate.condition(R, data.kernels) < _CLEARLY_INDEPENDENT:
        return None
    kappa = certificate.condition(_transposed_r(rows[:, :n], problem), data.kernels)
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


def _transposed_r(matrix: Floats, problem: Problem) -> Floats:
    """Return the triangle alone."""
    columns = np.ascontiguousarray(matrix.T)
    n, m = columns.shape
    R, none, plain = np.zeros((m, m)), np.empty(0), (np.zeros(m), np.ones(m))
    problem.data.kernels.tsqr_pass(
        columns, np.empty((n, 0)), none, *plain, False, 0, n, R, problem.data.threads
    )
    return R


def _transposed_qr(matrix: Floats, problem: Problem) -> tuple[Floats, Floats]:
    columns = np.ascontiguousarray(matrix.T)
    Q, R = np.empty_like(columns), np.empty((matrix.shape[0], matrix.shape[0]))
    work = 2 * matrix.size * matrix.shape[0]
    interruptible(work, problem.data.kernels.qr_factor, columns, Q, R, problem.data.threads)
    return Q, R
