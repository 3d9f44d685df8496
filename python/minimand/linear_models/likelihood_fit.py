"""From checked data to a certified logistic or Poisson fit: the way both public functions go."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from minimand._common.arrays import Floats, as_matrix, check_finite, column_names
from minimand._common.backend import Backend, kernels
from minimand._common.errors import (
    MinimandWarning,
)
from minimand._common.result import Status
from minimand.least_squares import lstsq
from minimand.least_squares.lstsq import as_weights
from minimand.linear_models import separation
from minimand.linear_models.design import Design, make_design
from minimand.linear_models.glm import LOGISTIC, DualPoint, Glm, frame
from minimand.linear_models.newton import minimise, sample_rows

_SAMPLES = (20, 200)  # rows per parameter that may decide the rank for all
_CLEARLY = 3.0  # digits between the last pivot and its tolerance
_FRAME_ROWS = 4096  # rows that say where columns are measured from


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Options:
    """What the caller asked for, checked."""

    family: int
    ridge: float
    tol: float
    max_iterations: int
    threads: int
    backend: Backend


@dataclass(slots=True, eq=False)
class Fit:
    """A fit of the rows that are not separated, in the frame of the whole problem.

    last, last_theta and dual_point are of the problem that was minimised in the end, which has
    fewer rows and columns where some rows are separated; None if all are.
    """

    problem: Glm
    theta: Floats
    dual: Floats
    separated: np.ndarray
    direction: Floats | None = None
    loss: float = 0.0
    largest: float = 0.0
    last: Glm | None = None
    last_theta: Floats | None = None
    dual_point: DualPoint | None = None
    status: Status = Status.CONVERGED
    iterations: int = 0
    history: tuple[Mapping[str, float], ...] = ()

    @property
    def fractions(self) -> bool:
        """Whether some outcomes are neither 0 nor 1."""
        y = self.problem.y
        return bool(((y != 0.0) & (y != 1.0)).any())


def prepare(X: object, y: Floats, *, weights: object, intercept: bool, options: Options) -> Design:
    """Return the data; a sample of many rows decides the rank if it is full there already."""
    matrix = as_matrix("X", X, finite=False)
    weight = as_weights(weights, matrix)
    m, n = matrix.shape
    if len(y) != m:
        raise ValueError(f"y has {len(y)} entries but X has {m} rows; they must match")
    full_rank = options.ridge > 0
    for per in _SAMPLES:
        count = per * (n + intercept)
        if full_rank or m < 10 * count:
            break
        part = matrix[sample_rows(m, count)]
        if not np.isfinite(part).all():
            check_finite("X", matrix)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MinimandWarning)
            fit = lstsq(
                part, np.zeros(count), intercept=intercept, rank_deficient="drop",
                threads=options.threads, backend=options.backend,
            )  # fmt: skip
        full_rank = not fit.aliased and fit.rank_margin[0] > _CLEARLY
    if not full_rank or (weight.size and not weight.all()):
        check_finite("X", matrix)
    if not full_rank:
        return make_design(
            X, y, weights=weights, intercept=intercept, threads=options.threads,
            backend=options.backend,
        )  # fmt: skip
    rows = None
    if weight.size and not weight.all():
        rows = weight > 0
        matrix, y, weight = matrix[rows], y[rows], weight[rows]
    return Design(
        X=matrix, y=y, weights=weight, intercept=intercept, rows=rows, columns=np.arange(n),
        aliased=(), user_columns=n, names=column_names(X, n), least_squares=None,
    )  # fmt: skip


def make_problem(design: Design, offset: Floats, options: Options) -> Glm:
    """Return the problem in a frame of its own."""
    m = len(design.X)
    X = design.X if design.X.shape[1] else np.zeros((m, 1))  # kernels want a column
    head = X[:: max(1, m // _FRAME_ROWS)]
    if not np.isfinite(head).all():
        check_finite("X", X)
    shift, scale = frame(head, design.intercept)
    penalty = np.append(options.ridge * scale * scale, np.zeros(int(design.intercept)))
    return Glm(
        X=X, y=design.y, weights=design.weights, offset=offset, intercept=design.intercept,
        family=options.family, shift=shift, scale=scale, penalty=penalty, threads=options.threads,
        kernels=kernels("linear_models", options.backend),
        row_kernels=kernels("least_squares", options.backend),
    )  # fmt: skip


def start_of(problem: Glm) -> Floats:
    """Return theta = 0 with the constant term that fits alone."""
    theta = np.zeros(problem.parameters)
    if problem.intercept:
        weights, y = problem.weights, problem.y
        events = float(weights @ y) if weights.size else float(y.sum())
        if problem.family == LOGISTIC:
            theta[-1] = np.log(events) - np.log(problem.total_weight - events)
        elif not problem.offset.size:
            theta[-1] = np.log(events) - np.log(problem.total_weight)
        else:
            highest = float(problem.offset.max())
            share = np.exp(problem.offset - highest)
            exposure = float(weights @ share) if weights.size else float(share.sum())
            theta[-1] = np.log(events) - np.log(exposure) - highest
    return theta


def fit(design: Design, offset: Floats, options: Options) -> Fit:
    """Minimise; where rows are separated, go on with the others."""
    problem = make_problem(design, offset, options)
    m, p = len(design.X), problem.parameters
    found = Fit(problem, np.zeros(p), np.zeros(m), np.zeros(m, dtype=np.bool_))
    current, columns, left = problem, np.arange(p), np.arange(m)
    insist = False
    while len(left):
        if separation.constant_separates(current):
            proof: separation.Proof | None = separation.by_constant(current)
        else:
            run, outcome = minimise(
                current, start_of(current), tol=options.tol,
                max_iterations=max(1, options.max_iterations - found.iterations), insist=insist,
            )  # fmt: skip
            found.iterations += outcome.iterations
            found.history += outcome.history
            found.status = outcome.status
            if not run.point.finite:
                check_finite("X", design.X)
            proof = None
            if run.suspect is not None:
                proof = separation.separation(current, run.suspect)
                if proof is None:
                    insist = True
                    continue
        if proof is None:
            found.theta[columns] = run.point.theta
            found.loss, found.largest = run.point.objective, run.point.largest
            found.last = current
            found.dual_point = run.dual
            found.last_theta = run.point.theta
            if run.dual is not None:
                found.dual[left] = run.dual.values
            return found
        step = np.zeros(p)
        step[columns] = proof.direction
        if found.direction is not None:
            step = separation.combine(problem, found.direction, found.separated, step)
        found.direction = step
        found.separated[left[proof.rows]] = True
        left = left[~proof.rows]
        if len(left):
            current, columns = _others(problem, left, options)
    found.status = Status.CONVERGED
    return found


def _others(problem: Glm, left: np.ndarray, options: Options) -> tuple[Glm, np.ndarray]:
    """Return the problem of some rows and of the columns that are independent there."""
    rest, n = problem.rows(left), problem.X.shape[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MinimandWarning)
        found = lstsq(
            rest.X, np.zeros(len(left)), intercept=rest.intercept, rank_deficient="drop",
            weights=rest.weights if rest.weights.size else None,
            threads=options.threads, backend=options.backend,
        )  # fmt: skip
    kept = np.setdiff1d(np.arange(n), found.aliased)
    X = np.ascontiguousarray(rest.X[:, kept])
    if not kept.size:
        kept, X = np.zeros(1, dtype=np.int64), np.zeros((len(left), 1))
    columns = np.append(kept, n) if rest.intercept else kept
    reduced = replace(
        rest, X=X, shift=rest.shift[kept] if found.rank else np.zeros(1), scale=rest.scale[kept],
        penalty=problem.penalty[columns],
    )  # fmt: skip
    return reduced, columns
