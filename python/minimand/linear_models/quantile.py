"""Quantile regression, and with quantile 1/2 least absolute deviations."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats, boolean, positive_float, positive_int
from minimand._common.backend import Backend, kernels
from minimand._common.errors import ConvergenceWarning
from minimand._common.random import Key, as_key
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.linear_models.design import Design, make_design, warn_of_aliased
from minimand.linear_models.globbing import LONG, solve_globbed
from minimand.linear_models.interior import Interior, solve_interior
from minimand.linear_models.quantile_result import (
    Integers,
    QuantileResult,
    certificates,
    exact_certificates,
)
from minimand.linear_models.rows import Rows, design_unit
from minimand.linear_models.selection import select_one
from minimand.linear_models.uniqueness import decide_unique
from minimand.linear_models.vertex import Vertex, find_vertex, optimal_vertex


def least_absolute_deviations(
    X: object,
    y: object,
    *,
    quantile: float = 0.5,
    intercept: bool = True,
    weights: object = None,
    tol: float = 1e-9,
    max_iterations: int = 100,
    vertex: bool = True,
    rng: object = 0,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> QuantileResult:
    """Fit a linear model by least absolute deviations, or any conditional quantile, with proof.

    Minimises sum_i w_i rho(r_i) with r = y - X coef - intercept and

        rho(r) = max(quantile r, (quantile - 1) r),

    which is |r| / 2 for quantile 1/2. That is maximum likelihood under Laplace noise.

    Parameters
    ----------
    X : array_like (m, n)
        The data, one observation a row.
    y : array_like (m,)
        The targets.
    quantile : float
        Strictly between 0 and 1.
    intercept : bool
        Whether to fit a constant term.
    weights : array_like (m,), optional
        w >= 0. Weight 0 is the same as leaving the row out, weight 2 as repeating it.
    tol : float
        The relative gap (objective - lower bound)/objective to certify.
    max_iterations : int
        Limit on the interior-point steps.
    vertex : bool
        Whether to go on to a vertex, where as many residuals vanish as there are parameters; its
        gap is a matter of rounding, and whether it is the only solution is decided there.
    rng : None, int, SeedSequence, BitGenerator or Generator
        For the sample that more than 50,000 rows begin with. It affects the speed, not the answer,
        as long as that is unique.
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    QuantileResult
        Coefficients, objective, dual variables and what they prove;
        `result.verify(X, y, weights)` checks all of it in plain NumPy.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    For any coefficients theta and the dual variables psi of the result, the objective is at least
    sum psi y - theta' X'psi, and X'psi vanishes but for rounding. Sources: Koenker, Portnoy,
    Statist. Sci. 12 (1997) 279; Mehrotra, SIAM J. Optim. 2 (1992) 575; Barrodale, Roberts, SIAM J.
    Numer. Anal. 10 (1973) 839; Bloomfield, Steiger, *Least Absolute Deviations* (1983).

    Examples
    --------
    >>> import minimand
    >>> X = [[1.0], [2.0], [3.0], [4.0], [5.0]]
    >>> fit = minimand.least_absolute_deviations(X, [1.0, 2.0, 3.0, 4.0, 50.0])
    >>> fit.coef.round(9), fit.gap <= 1e-9
    (array([1.]), True)
    """
    # Check
    start = time.perf_counter()
    tau = positive_float("quantile", quantile)
    if not tau < 1.0:
        raise ValueError(f"quantile is {tau}, expected a number between 0 and 1")
    intercept = boolean("intercept", intercept)
    tol = positive_float("tol", tol)
    limit = positive_int("max_iterations", max_iterations)
    to_vertex = boolean("vertex", vertex)
    key = as_key(rng)
    compiled = kernels("linear_models", backend)
    workers = resolve_threads(threads)

    # Convert
    design = make_design(
        X, y, weights=weights, intercept=intercept, threads=threads, backend=backend
    )
    rows = Rows.of(design, tau, compiled, workers)

    # Drive
    theta = _start(design)
    r = rows.residuals(theta)
    if rows.parameters == 0:
        answer = _without_parameters(rows)
    elif len(rows.zeros(theta, r)) == len(rows.y):
        answer = _Answer(theta, np.zeros_like(r), exact=True)
    elif rows.parameters == 1:
        chosen, psi = select_one(rows)
        scale = rows.column_scale()
        answer = _at_vertex(rows, optimal_vertex(rows, np.array([chosen]), psi, scale), scale)
    else:
        moments = kernels("least_squares", backend)
        answer = _solve(rows, theta, key, moments, tol=tol, max_iterations=limit, vertex=to_vertex)

    # Certify and return
    warn_of_aliased(design)
    result = _report(rows, design, answer, tol=tol, backend=backend, start=start)
    if result.status not in (Status.CONVERGED, Status.EXACT_FIT):
        warnings.warn(_advice(result), ConvergenceWarning, stacklevel=2)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """What was found, for the rows and columns of the design."""

    theta: Floats
    psi: Floats
    basis: Integers | None = None
    unique: bool | None = None
    other: Floats | None = None
    exact: bool = False
    status: Status = Status.CONVERGED
    iterations: int = 0
    history: tuple[Mapping[str, float], ...] = ()


def _start(design: Design) -> Floats:
    """Return the least-squares fit."""
    fit = design.least_squares
    if fit is None:
        return np.zeros(design.parameters)
    theta = np.asarray(fit.coef)[design.columns]
    return np.append(theta, fit.intercept) if design.intercept else np.ascontiguousarray(theta)


def _solve(
    rows: Rows,
    start: Floats,
    key: Key,
    least_squares: ModuleType,
    *,
    tol: float,
    max_iterations: int,
    vertex: bool,
) -> _Answer:
    found: Interior | None = None
    if len(rows.y) > LONG:
        found = solve_globbed(
            rows, start, key, least_squares, tol=tol, max_iterations=max_iterations
        )
    if found is None:
        found = solve_interior(rows, start, tol=tol, max_iterations=max_iterations)
    if vertex:
        scale = rows.column_scale()
        corner = find_vertex(rows, found.psi, found.closeness, scale)
        if corner is not None:
            at_vertex = _at_vertex(rows, corner, scale)  # optimal whatever became of the steps
            return replace(at_vertex, iterations=found.iterations, history=found.history)
    return _Answer(
        found.theta,
        found.psi,
        status=found.status,
        iterations=found.iterations,
        history=found.history,
    )


def _at_vertex(rows: Rows, vertex: Vertex | None, scale: Floats) -> _Answer:
    if vertex is None:
        raise AssertionError("a problem with one parameter has a vertex")
    if len(vertex.zeros) == len(rows.y):
        return _Answer(vertex.theta, np.zeros_like(vertex.psi), exact=True)
    unique, other = decide_unique(rows, vertex, scale)
    return _Answer(vertex.theta, vertex.psi, np.sort(vertex.basis), unique, other)


def _without_parameters(rows: Rows) -> _Answer:
    psi = np.where(rows.y > 0.0, rows.upper(), rows.lower())
    if not rows.y.any():
        return _Answer(np.empty(0), np.zeros_like(psi), unique=True, exact=True)
    return _Answer(np.empty(0), psi, np.empty(0, dtype=np.intp), unique=True)


def _report(
    rows: Rows, design: Design, answer: _Answer, *, tol: float, backend: str, start: float
) -> QuantileResult:
    """Put the answer into the user's terms, and measure it."""
    r = rows.residuals(answer.theta)
    total, unit = float(rows.weight().sum()), design_unit(design)
    objective = rows.objective(r)
    status, unique, gap = answer.status, answer.unique, 0.0
    if answer.exact:
        status, unique = Status.EXACT_FIT, True
        level = rows.zero_level(answer.theta)
        worst = float((np.abs(r) / np.where(level > 0.0, level, 1.0)).max())
        proof = exact_certificates(worst)
    else:
        gap = rows.certain_gap(answer.theta, r, answer.psi, tol) / objective
        rounding = rows.noise(answer.theta) * total / objective
        proof = certificates(0.0, rows.stationarity(answer.psi), gap, tol, rounding)
        certified = all(certificate.holds for certificate in proof)
        if certified:
            status = Status.CONVERGED
        elif status is Status.CONVERGED:
            status = Status.NOT_CERTIFIED
    scale = 0.0 if answer.exact else objective / total * (2.0 if rows.quantile == 0.5 else 1.0)
    coef, constant = design.coefficients(answer.theta)
    other = None if answer.other is None else design.coefficients(answer.other)
    user_rows = np.arange(len(r)) if design.rows is None else np.flatnonzero(design.rows)
    return QuantileResult(
        status=status,
        iterations=answer.iterations,
        history=answer.history,
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=proof,
        coef=coef,
        intercept=constant,
        objective=unit * objective,
        log_likelihood=log_likelihood(
            objective / total, unit * total, rows.quantile, exact=answer.exact
        ),
        noise_scale=scale,
        dual=design.to_user_rows(unit * answer.psi),
        gap=gap,
        unique=unique,
        aliased=design.aliased,
        has_intercept=design.intercept,
        feature_names=design.names,
        quantile=rows.quantile,
        basis=None if answer.basis is None else user_rows[answer.basis],
        other_coef=None if other is None else other[0],
        other_intercept=None if other is None else other[1],
        tol=tol,
    )


def log_likelihood(mean: float, total: float, quantile: float, *, exact: bool) -> float:
    """Return the maximum over the scale of asymmetric Laplace noise, given the mean loss."""
    if exact:
        return math.inf
    return total * (math.log(quantile * (1.0 - quantile)) - math.log(mean)) - total


def _advice(result: QuantileResult) -> str:
    """Say what was reached, why no more, and which knob to turn."""
    text = f"the gap is {result.gap:.1e}, tol = {result.tol:.1e}: {result.status.value}"
    if result.status is Status.MAX_ITERATIONS:
        return f"{text} To get further, raise max_iterations, or ask for a larger tol."
    failed = ", ".join(c.name for c in result.certificates if not c.holds)
    return f"{text} ({failed}) This is as far as float64 goes here, ask for a larger tol."
