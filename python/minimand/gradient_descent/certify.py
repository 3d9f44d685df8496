"""From the end of a run to its result."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.iterate import Outcome
from minimand._common.result import Status
from minimand.gradient_descent.rate import convergence_rate
from minimand.gradient_descent.result import DescentResult, Measured
from minimand.gradient_descent.run import Run
from minimand.gradient_descent.verification import record
from minimand.reference.gradient_descent import loop


def certified(
    run: Run,
    outcome: Outcome,
    *,
    lipschitz: float | None,
    strong_convexity: float,
    f_lower: float | None,
    momentum: str,
    step_rule: str,
    x0: Floats,
    backend: str,
) -> DescentResult:
    """Return the result of a run with its certificates."""
    run.finish()
    values, norms, steps, momenta, path = run.trace()
    fun, norm = float(run.state[loop.FUN]), float(np.linalg.norm(run.gradient))
    values[-1], norms[-1] = fun, norm
    tol, status = float(run.control[loop.TOL]), outcome.status
    if status is Status.MAX_ITERATIONS and norm <= tol:  # the last step allowed was enough
        status = Status.CONVERGED
    if lipschitz is not None and run.increases:
        lipschitz = float(run.state[loop.LIPSCHITZ])
    lower = float(run.state[loop.LOWER])
    measured = Measured(
        status=status,
        values=values,
        norms=norms,
        steps=steps,
        error=run.noise()[1],
        slack=float(run.state[loop.SLACK]),
        lower=lower,
        lipschitz=lipschitz if step_rule != "backtracking" else None,
        strong_convexity=strong_convexity,
        f_lower=f_lower,
        tol=tol,
        step_rule=step_rule,
        momentum=momentum,
        reach=float(np.linalg.norm(x0)),
    )
    refuted = status is Status.CONSTANT_REFUTED
    return DescentResult(
        status=status,
        iterations=outcome.iterations,
        history=outcome.history,
        seconds=outcome.seconds,
        backend=backend,
        certificates=(*measured.certificates(), record(0.0)),
        x=run.position.copy(),
        fun=fun,
        gradient=run.gradient.copy(),
        gradient_norm=norm,
        best_gradient_norm=float(norms[:-1].min()) if len(steps) else norm,
        values=values,
        gradient_norms=norms,
        steps=steps,
        momenta=momenta,
        path=path,
        rate=convergence_rate(norms),
        lipschitz=measured.lipschitz,
        lipschitz_lower=lower,
        strong_convexity=strong_convexity,
        gap_bound=norm * norm / (2.0 * strong_convexity) if strong_convexity > 0.0 else None,
        guarantee=measured.guarantee,
        slack=measured.slack,
        violation=np.array([run.position, run.trial]) if refuted else None,
        x0=x0.copy(),
        momentum=momentum,
        step_rule=step_rule,
        method=run.method,
        tol=tol,
        f_lower=f_lower,
        evaluations=run.evaluations,
    )
