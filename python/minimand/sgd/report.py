"""How a run of `sgd` ended, in words."""

from __future__ import annotations

import warnings

from minimand._common.errors import ConditionWarning, ConvergenceWarning
from minimand._common.result import Status
from minimand.sgd.dual import Bounds, Problem
from minimand.sgd.rates import CURVATURE, Smoothness
from minimand.sgd.result import SGDResult

_CONDITION = 1e6  # of the columns, beyond which steps of one length get nowhere


def final_status(status: Status, found: Bounds, tol: float | None) -> Status:
    """Return how the run ended, by the bounds of what is returned."""
    if tol is not None and found.gap <= tol * max(1.0, abs(found.objective)):
        return Status.CONVERGED
    if status is Status.CONVERGED:
        return Status.NOT_CERTIFIED
    if status is Status.MAX_ITERATIONS and tol is None:
        return Status.COMPLETED
    return status


def notes(problem: Problem, smooth: Smoothness, found: Bounds) -> tuple[str, ...]:
    """Return what a user should know of the problem."""
    said = []
    if problem.loss == "logistic" and problem.l1 == problem.l2 == 0.0 and found.margin > 0.0:
        said.append("A plane separates the classes: there is no minimiser, coefficients grow.")
    if problem.loss == "squared" and problem.l1 == problem.l2 == 0.0 and smooth.known:
        rank, columns = smooth.rank, len(smooth.moment)
        if rank < columns:
            said.append(
                f"The columns have rank {rank} of {columns}: from a start at 0 the iterates "
                "approach the minimiser of least norm."
            )
    return tuple(said)


def announce(result: SGDResult, smooth: Smoothness) -> None:
    """Warn of what the caller has to know."""
    if result.status is Status.DIVERGED:
        advice = f"lr = {result.rate:.3g} is too large"
        if result.loss in CURVATURE:
            limit = 1.0 / (2.0 * smooth.expected(result.batch_size, CURVATURE[result.loss]))
            advice += f"; 1/(2L) is {limit:.3g}"
        text = f"the iterates grew beyond all bounds in epoch {result.epochs + 1}: {advice}"
        warnings.warn(text, ConvergenceWarning, stacklevel=3)
    elif result.tol_gap is not None and not result.status.ok:
        warnings.warn(
            f"the gap is {result.gap:.1e}, above tol_gap = {result.tol_gap:.1e} times "
            f"max(1, |fun|): {result.status.value} To get further, raise epochs, lower the rate "
            "by a schedule, or take variance_reduction",
            ConvergenceWarning,
            stacklevel=3,
        )
    if smooth.known and smooth.condition > _CONDITION:
        warnings.warn(
            f"the condition number of the rows' second moments is {smooth.condition:.1e}: steps "
            "of one length for all columns get nowhere; standardise the columns of X",
            ConditionWarning,
            stacklevel=3,
        )
