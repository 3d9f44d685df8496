"""How large a step may be, and how fast the theory says the steps then converge.

Gower et al., SGD: general analysis and improved rates, ICML 2019, arXiv:1901.09401; Gazagnadou,
Gower, Salmon, ICML 2019, arXiv:1902.00071; Defazio et al., NIPS 2014, arXiv:1407.0202; Johnson,
Zhang, NIPS 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from minimand._common.arrays import Floats
from minimand.sgd.data import Design

CURVATURE = {"squared": 1.0, "logistic": 0.25, "softmax": 0.5}  # the largest phi''
GRAM_COLUMNS = 1000
CERTIFIED_COLUMNS = 2000  # up to which it is formed where a certificate needs it
RANK = 1e-12


class Smoothness:
    """Constants of the objective, for losses of curvature 1; all are computed on demand."""

    def __init__(self, design: Design, l2: float) -> None:
        self.design, self.l2 = design, l2

    @cached_property
    def moment(self) -> Floats:
        """Sum_i c_i x̃_i x̃_i', x̃ = (x, 1)."""
        mean, design = self.design.means, self.design
        inner = design.covariance + np.outer(mean, mean)
        if not design.intercept:
            return np.asarray(inner)
        return np.block([[inner, mean[:, np.newaxis]], [mean[np.newaxis, :], np.ones((1, 1))]])

    @cached_property
    def whole(self) -> float:
        """L of the mean over all rows: the largest eigenvalue of the moment matrix."""
        return float(self.spectrum[-1]) if self.small else self._lanczos()

    @property
    def small(self) -> bool:
        """Whether the moment matrix costs less than the passes of Lanczos' method."""
        return self.design.columns <= GRAM_COLUMNS

    @property
    def known(self) -> bool:
        """Whether the moment matrix was needed, so that more can be said of it."""
        return "spectrum" in self.__dict__

    @cached_property
    def spectrum(self) -> Floats:
        """Eigenvalues of the moment matrix, the largest last."""
        return np.asarray(np.linalg.eigvalsh(self.moment))

    @property
    def rank(self) -> int:
        """Number of eigenvalues that are not rounding errors."""
        return int((self.spectrum > RANK * self.spectrum[-1]).sum())

    @property
    def condition(self) -> float:
        """The largest eigenvalue over the smallest that is not 0, and at least what units do."""
        values, squares = self.spectrum, np.diag(self.moment)
        squares = squares[squares > 0.0]
        if not squares.size:
            return 1.0
        return float(max(values[-1] / values[-self.rank], squares.max() / squares.min()))

    @cached_property
    def row(self) -> float:
        """L_max of a single row: max n c_i ||x̃_i||^2."""
        squares = self.design.row_squares
        return float((self.design.weights * squares if self.design.weights.size else squares).max())

    def expected(self, batch: int, curvature: float) -> float:
        """Return the expected smoothness of a batch drawn without replacement."""
        n = self.design.rows
        whole, row = curvature * self.whole + self.l2, curvature * self.row + self.l2
        if n == 1:
            return row
        if batch == n:
            return whole
        return (n * (batch - 1) * whole + (n - batch) * row) / (batch * (n - 1))

    def convexity(self, loss: str) -> float | None:
        """Return mu of strong convexity: along the rows' space for squared losses."""
        if loss == "squared" and self.small:
            values = self.spectrum
            if self.l2 > 0.0:
                slopes = np.arange(len(values)) < self.design.columns
                values = np.asarray(np.linalg.eigvalsh(self.moment + self.l2 * np.diag(slopes)))
            values = values[values > RANK * values[-1]]
            return float(values.min()) if values.size else None
        return self.l2 if self.l2 > 0 and not self.design.intercept else None

    def _lanczos(self) -> float:
        """Return the largest eigenvalue, five per cent enlarged, without a matrix."""
        design, size = self.design, self.design.columns + 1
        shares = design.shares[:, np.newaxis]

        def product(v: Floats) -> Floats:
            image = shares * design.margins(np.ascontiguousarray(v.reshape(1, -1)))
            back = np.append(design.transposed(image)[0], image.sum())
            return back if design.intercept else np.append(back[:-1], 0.0)

        linalg = scipy.sparse.linalg
        operator = linalg.LinearOperator((size, size), matvec=product, dtype=np.float64)
        start = np.append(np.ones(design.columns), float(design.intercept))
        if size < 3:
            return float(self.row)
        return 1.05 * float(
            linalg.eigsh(operator, k=1, v0=start, tol=1e-2, return_eigenvectors=False)[0]
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A step, and what is expected of it.

    Attributes
    ----------
    rate
        The step.
    expected_rate
        Factor of the expected squared distance (SVRG: of the objective's excess) in an epoch.
    noise_factor
        2 rate / mu: times the variance of a batch's gradient at the minimum, it is the squared
        distance that plain steps of constant length do not get below.
    """

    rate: float
    expected_rate: float | None = None
    noise_factor: float | None = None


def default_rate(
    smooth: Smoothness, loss: str, batch: int, curvature: float, variance_reduction: str | None
) -> float:
    """Return the step that the theory recommends; 1 where the data are all zero."""
    expected = smooth.expected(batch, curvature)
    if expected == 0.0:
        return 1.0
    if variance_reduction == "svrg":
        return 1.0 / (10.0 * expected)
    if variance_reduction == "saga":
        n, row = smooth.design.rows, curvature * smooth.row + smooth.l2
        if batch == 1:
            return 1.0 / (3.0 * row)
        mu = smooth.convexity(loss) or smooth.l2
        noise = row * (n - batch) / (batch * max(n - 1, 1)) + mu * n / (4.0 * batch)
        return 1.0 / (4.0 * max(expected, noise))
    return 1.0 / (2.0 * expected)


def plan(
    smooth: Smoothness, loss: str, batch: int, rate: float, variance_reduction: str | None
) -> Plan:
    """Return what the theory expects of constant steps, as far as it knows."""
    mu = smooth.convexity(loss) if loss in CURVATURE else None
    if not mu:
        return Plan(rate)
    n, steps = smooth.design.rows, -(-smooth.design.rows // batch)
    expected = smooth.expected(batch, CURVATURE[loss])
    slack = 1.0 + 1e-12
    if variance_reduction == "svrg":
        inner, loss_of_step = 2 * steps, 2.0 * expected * rate
        if loss_of_step >= 1.0:
            return Plan(rate)
        kept = 1.0 / (mu * rate * (1.0 - loss_of_step) * inner) + loss_of_step / (1 - loss_of_step)
        return Plan(rate, float(np.sqrt(kept)) if kept < 1.0 else None)
    if rate > slack * default_rate(smooth, loss, batch, CURVATURE[loss], variance_reduction):
        return Plan(rate)
    if variance_reduction == "saga":
        kept = 1.0 - (min(1.0 / (4.0 * n), mu * rate) if batch == 1 else mu * rate)
        return Plan(rate, kept**steps)
    return Plan(rate, (1.0 - rate * mu) ** steps, 2.0 * rate / mu)
