"""The result of a search, and what to warn of."""

from __future__ import annotations

import math
import warnings

import numpy as np

from minimand._common.errors import ConvergenceWarning
from minimand._common.iterate import Outcome
from minimand._common.result import Status
from minimand.global_search.boxes import Boxes
from minimand.global_search.choose import Search
from minimand.global_search.problem import ENOUGH, EPS, NEAR, Constants, grid_counts
from minimand.global_search.result import GlobalResult, certificates

TINY = float(np.finfo(np.float64).tiny)

_KNOBS = {
    Status.EVALUATION_LIMIT: "raise max_evaluations, or give gradient_lipschitz and grad",
    Status.TIME_LIMIT: "raise time_limit, or give gradient_lipschitz and grad",
    Status.CONSTANT_REFUTED: "pass a larger constant; witness has the points",
    Status.NOT_CERTIFIED: "pass a larger tol, cells cannot become smaller",
}


def check_tol(tol: float, search: Search) -> None:
    """Raise ValueError for a gap that rounding alone would leave."""
    if math.isfinite(search.best.fun):
        least = 64.0 * EPS * abs(search.best.fun)
        if tol < least:
            raise ValueError(
                f"tol is {tol}, below the rounding of f; expected at least {least:.3g}"
            )


def make_result(
    search: Search,
    outcome: Outcome,
    constants: Constants,
    method: str,
    tol: float,
    backend: str,
    *,
    scalar: bool,
) -> GlobalResult:
    """Return what the search found and proves."""
    contradiction = search.finish()
    refuted = search.refuted if contradiction is None else contradiction
    fun, lower = search.best.fun, search.lower_bound
    status, n = outcome.status, len(search.samples.box)
    record = search.record()
    rounding = 64.0 * EPS * (search.samples.scale + abs(fun))
    boxes = np.empty((0, n, 2))
    if refuted is not None:
        status, lower = Status.CONSTANT_REFUTED, -math.inf
    else:
        refuted = np.empty((0, n))
        if math.isfinite(lower):
            boxes = search.minimizer_boxes(fun + NEAR * tol)
    gap = fun - lower
    certified = gap <= tol * ENOUGH
    blind = method == "direct" and not constants.of_values  # its limit is where it is to end
    ended = status is Status.CONVERGED or (blind and status is Status.EVALUATION_LIMIT)
    if ended and not certified:
        status = Status.NOT_CERTIFIED
    observed = search.lipschitz_observed
    steepest = constants.lipschitz if constants.of_values else max(observed, TINY)
    up_to = search.certified_up_to if isinstance(search, Boxes) and search.direct else None
    return GlobalResult(
        status=status,
        iterations=outcome.iterations,
        history=outcome.history,
        seconds=outcome.seconds,
        backend=backend,
        certificates=certificates(
            gap=gap, tol=tol * ENOUGH, certified=certified, excess=0.0, value=0.0, rounding=rounding
        ),
        x=float(search.best.x[0]) if scalar else search.best.x,
        fun=fun,
        lower_bound=lower,
        gap=gap,
        certified=certified,
        tol=tol,
        method=method,
        evaluations=search.samples.evaluations,
        grid_points_equivalent=math.prod(grid_counts(search.samples.box, constants, steepest, tol)),
        lipschitz_observed=observed,
        witness=refuted,
        certified_up_to=up_to,
        minimizer_boxes=boxes,
        **record,
    )


def warn(result: GlobalResult) -> None:
    """Warn unless the result is what was asked for; DIRECT without a constant proves nothing."""
    status = result.status
    expected = status is Status.NOT_CERTIFIED and result.method == "direct"
    if status not in _KNOBS or expected:
        return
    text = f"{status.value} The gap is {result.gap:.3g}. To mend it, {_KNOBS[status]}."
    warnings.warn(f"minimize_lipschitz: {text}", ConvergenceWarning, stacklevel=3)
