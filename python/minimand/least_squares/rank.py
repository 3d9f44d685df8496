"""Which columns are independent within the accuracy of the data, and the solutions that follow.

The decision is made on columns of length 1 and never depends on the number of rows: pivot k is
rejected when

    |R_kk| <= tau sqrt(n) max(delta_j, u)    over the columns j accepted so far and the candidate,

with delta_j = u_data c_j / s_j the rounding of the data seen on the scale of the (centred) column,
and tau = 10.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.iterate import interruptible
from minimand.least_squares.moments import UNIT, Moments

FLOOR_FACTOR = 10.0  # tau
GRADED = 1e-8  # units of columns further apart: refinement cannot mend a sum that mixes them


@dataclass(frozen=True, slots=True)
class Factor:
    """An n-column triangle R of the scaled columns, permuted, cut at its rank.

    triangle : (t, n), R with the columns in the order of `pivots`
    unit : length of each column in the user's units; the minimum norm is taken there
    """

    triangle: Floats
    pivots: NDArray[np.int64]
    tolerances: Floats
    rank: int
    unit: Floats
    basic: bool
    kernels: ModuleType

    @property
    def columns(self) -> int:
        """Number of columns n."""
        return self.pivots.size

    @property
    def deficient(self) -> bool:
        """Whether pivots were rejected."""
        return self.rank < len(self.triangle)

    @property
    def head(self) -> Floats:
        """The square triangle R11 of the independent columns."""
        return np.ascontiguousarray(self.triangle[: self.rank, : self.rank])

    @property
    def margin(self) -> tuple[float, float]:
        """log10(pivot / tolerance) of the last accepted and of the first rejected pivot."""
        pivots = np.abs(np.diag(self.triangle))
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.log10(pivots / self.tolerances[: pivots.size])
        accepted = float(log[self.rank - 1]) if self.rank else -np.inf
        rejected = float(log[self.rank]) if self.rank < pivots.size else -np.inf
        return accepted, rejected

    def solve(self, rotated: Floats, *, columnwise: bool = True) -> Floats:
        """Return the scaled coefficients from Q'y of the independent columns, (rank, k).

        `columnwise` asks for an accuracy relative to each column, whatever their units; without it
        large columns may drown small ones, as normwise measures allow.
        """
        x = np.zeros((self.columns, rotated.shape[1]))
        if self.rank == 0:
            return x
        if self.rank == self.columns or self.basic:
            z = np.array(rotated, order="C")
            self.kernels.solve_triangular(self.head, z, False, False, 1)
            x[self.pivots[: self.rank]] = z
            return x
        # Shortest in the user's units: x_user = x / unit, so the columns are multiplied by it.
        shared = self.triangle[: self.rank].any(axis=0)
        used, matrix = self.pivots[shared], self.triangle[: self.rank, shared]
        unit = self.unit[used] / self.unit[used].max()
        if columnwise and unit.min() < GRADED:
            x[used] = self._shortest(matrix, rotated, unit)
            return x
        user = np.empty((used.size, rotated.shape[1]))
        self.kernels.min_norm(
            np.ascontiguousarray(matrix * unit), np.ascontiguousarray(rotated), user
        )
        x[used] = user * unit[:, None]
        return x

    def _shortest(self, matrix: Floats, rotated: Floats, unit: Floats) -> Floats:
        """Return the same for units so different that x_user has no common accuracy.

        All solutions are (x_1 - C z, z) with C = R11^-1 R12, to the accuracy of each column; only
        the choice among them is made in the user's units, by QR with sorted rows and pivoting.
        """
        r, free = self.rank, matrix.shape[1] - self.rank
        both = np.ascontiguousarray(np.hstack([matrix[:, r:], rotated]))
        self.kernels.solve_triangular(self.head, both, False, False, 1)
        C, particular = both[:, :free], both[:, free:]
        if free == 0:
            return particular
        # A share under the accuracy of the decision is none: large units would magnify it.
        C = np.where(np.abs(C) > self.tolerances[:r].max(), C, 0.0)
        weight = (unit.min() / unit)[:, None]
        rows = np.vstack([C, -np.eye(free)]) * weight
        length = np.linalg.norm(rows, axis=0)
        target = np.vstack([particular, np.zeros((free, rotated.shape[1]))]) * weight
        work = np.ascontiguousarray(np.hstack([rows / length, target]))
        work = work[np.argsort(-np.abs(work[:, :free]).max(axis=1), kind="stable")]
        order = np.empty(free, dtype=np.int64)
        rank = self.kernels.pivoted_qr(work, free, np.zeros(free), False, order, np.zeros(free))
        shares = np.ascontiguousarray(work[:rank, free:])
        head = np.ascontiguousarray(work[:rank, :rank])
        self.kernels.solve_triangular(head, shares, False, False, 1)
        z = np.zeros((free, rotated.shape[1]))
        z[order[:rank]] = shares / length[order[:rank], None]
        return np.vstack([particular - C @ z, z])

    def correct(self, gradient: Floats) -> Floats:
        """Return (B'B)^-1 gradient on the independent columns: the corrected semi-normal step."""
        z = np.ascontiguousarray(gradient[self.pivots[: self.rank]])
        if self.rank:
            self.kernels.solve_triangular(self.head, z, False, True, 1)
        return self.solve(z)

    def inverse_row_norms(self) -> Floats:
        """Return the square roots of the diagonal of (R'R)^-1; NaN without full rank (or basic)."""
        norms = np.full(self.columns, np.nan)
        if self.rank and (self.rank == self.columns or self.basic):
            inverse = np.eye(self.rank)
            self.kernels.solve_triangular(self.head, inverse, False, False, 1)
            norms[self.pivots[: self.rank]] = np.linalg.norm(inverse, axis=1)
        return norms

    @property
    def aliased(self) -> tuple[int, ...]:
        """The columns left out, in their order."""
        return tuple(int(j) for j in np.sort(self.pivots[self.rank :]))


@dataclass(frozen=True, slots=True)
class RowFactor:
    """A wide matrix of full row rank r: A = R'Q' in the user's units, Q (n, r), R (r, r).

    The shortest solution of A x = b is Q R^-T b; no column has to be singled out.
    """

    Q: Floats
    R: Floats
    unit: Floats  # lengths of the columns: scaled coefficients are x = unit * x_user
    margin: tuple[float, float]
    kernels: ModuleType
    basic: bool = False
    deficient: bool = False

    @property
    def columns(self) -> int:
        """Number of columns n."""
        return len(self.Q)

    @property
    def rank(self) -> int:
        """Number of independent rows."""
        return len(self.R)

    @property
    def pivots(self) -> NDArray[np.int64]:
        """The columns in their order."""
        return np.arange(self.columns)

    def solve(self, rhs: Floats) -> Floats:
        """Return the scaled coefficients of the shortest solution of A x = rhs."""
        z = np.array(rhs, order="C")
        self.kernels.solve_triangular(self.R, z, False, True, 1)
        return np.asarray(self.Q @ z * self.unit[:, None])

    def correct(self, gradient: Floats) -> Floats:
        """Return (B'B)^+ gradient: the corrected semi-normal step."""
        z = np.ascontiguousarray(self.Q.T @ (gradient * self.unit[:, None]))
        self.kernels.solve_triangular(self.R, z, False, False, 1)
        return self.solve(z)

    def inverse_row_norms(self) -> Floats:
        """Return NaN: single coefficients have no standard error here."""
        return np.full(self.columns, np.nan)


def noise_floor(moments: Moments) -> Floats:
    """Return the tolerance that each column brings into the decision."""
    floor: Floats = FLOOR_FACTOR * np.sqrt(moments.length.size) * np.maximum(moments.noise, UNIT)
    return floor


def decide(
    R: Floats, rhs: Floats, floor: Floats, unit: Floats, *, basic: bool, kernels: ModuleType
) -> tuple[Factor, Floats]:
    """Factor the columns of R by pivoting, decide their rank, and rotate the right-hand sides.

    The longest remaining column comes next: that is how the rank is decided. `basic` then takes the
    columns as they come and sets aside those that depend on earlier ones. Without pivoting rounding
    is magnified, so the floor is raised until as many columns are left as the rank says.
    """
    found, rotated = _factored(R, rhs, floor, unit, False, kernels)
    if not basic:
        return found, rotated
    if 0 < found.rank < found.columns:
        for slack in (1.0, 10.0, 100.0, 1000.0):
            ordered, turned = _factored(R, rhs, slack * floor, unit, True, kernels)
            if ordered.rank == found.rank:
                return ordered, turned
    # In Kahan's matrix no column depends on those before it, yet together they do.
    return replace(found, basic=True), rotated


def _factored(
    R: Floats, rhs: Floats, floor: Floats, unit: Floats, keep_order: bool, kernels: ModuleType
) -> tuple[Factor, Floats]:
    n = R.shape[1]
    work = np.ascontiguousarray(np.hstack([R, rhs]))
    pivots, tolerances = np.empty(n, dtype=np.int64), np.zeros(n)
    cost = work.size * min(work.shape[0], n)
    rank = interruptible(cost, kernels.pivoted_qr, work, n, floor, keep_order, pivots, tolerances)
    triangle = np.ascontiguousarray(work[: min(work.shape[0], n), :n])
    factor = Factor(triangle, pivots, tolerances, rank, unit, keep_order, kernels)
    return factor, np.ascontiguousarray(work[:rank, n:])


def accept_all(R: Floats, floor: Floats, unit: Floats, kernels: ModuleType) -> Factor:
    """Wrap a triangle whose smallest singular value alone shows that its rank is full."""
    n = R.shape[1]
    return Factor(R, np.arange(n), np.full(n, floor.max()), n, unit, False, kernels)
