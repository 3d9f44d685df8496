"""The public least-squares fit."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import (
    Floats,
    as_columns,
    as_matrix,
    as_vector,
    boolean,
    check_nonnegative,
    column_names,
    nonnegative_float,
    one_of,
)
from minimand._common.backend import Backend, kernels
from minimand._common.errors import (
    ConditionWarning,
    ConvergenceWarning,
    NotPositiveDefiniteError,
    RankDeficientError,
    RankWarning,
)
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.least_squares import certificate, rank
from minimand.least_squares.data import Data
from minimand.least_squares.dense import dense, needs_all_rows
from minimand.least_squares.ladder import (
    NormalEquations,
    householder,
    prefers_householder,
    stays_with_cholesky,
)
from minimand.least_squares.moments import UNIT
from minimand.least_squares.rank import RowFactor
from minimand.least_squares.refine import Solution, finish
from minimand.least_squares.result import LeastSquaresResult
from minimand.least_squares.rung import Problem, Rung, penalty_cut

METHODS = ("auto", "cholesky", "qr", "svd")
REFINEMENTS = ("none", "working", "extended")
POLICIES = ("min_norm", "drop", "raise")


def lstsq(
    X: object,
    y: object,
    *,
    method: str = "auto",
    intercept: bool = False,
    ridge: float = 0.0,
    weights: object = None,
    refine: str = "working",
    rank_deficient: str = "min_norm",
    data_error: float | None = None,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> LeastSquaresResult:
    """Fit a linear model by least squares and certify the answer.

    Minimises over (coef, b0)

        sum_i w_i (y_i - X_i coef - b0)^2 + ridge ||coef||^2

    with b0 = 0 unless `intercept`.

    Parameters
    ----------
    X : array_like (m, n)
        One row for each observation. float32 is read as it is, without a float64 copy.
    y : array_like (m,) or (m, k)
        The targets; k of them are fitted at once.
    method : {"auto", "cholesky", "qr", "svd"}
        "auto" starts with the Gram matrix and climbs to Householder reflections as far as the
        condition of X and the certificate demand. The others are the textbook's: Cholesky of X'X
        and two triangular solves, QR, and the pseudo-inverse by singular values.
    intercept : bool
        Whether to fit a constant term; it is never penalised.
    ridge : float
        Penalty on the squares of the coefficients, in the units of the data.
    weights : array_like (m,), optional
        w >= 0. Weight 0 is the same as leaving the row out, weight 2 as repeating it.
    refine : {"working", "extended", "none"}
        "working": corrected semi-normal steps until they are rounding errors. "extended": the
        residual in twice the precision, until every coefficient is correct to the last digit that
        the data allow. "none": the bare method.
    rank_deficient : {"min_norm", "drop", "raise"}
        What to do when columns depend on each other: the shortest coefficients in the units of the
        data; NaN for the columns that depend on columns before them; RankDeficientError.
    data_error : float, optional
        Relative error of the entries of X, for the rank decision; the rounding of its dtype by
        default.
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    LeastSquaresResult
        Coefficients, rank, condition, backward error, correct digits, and certificates that
        `result.verify(X, y, weights)` computes anew.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.
    RankDeficientError
        Dependent columns with `rank_deficient="raise"`.
    NotPositiveDefiniteError
        `method="cholesky"` where X'X is not positive definite in float64.

    Notes
    -----
    The rank does not depend on the number of rows or on the units of the columns. Sources: Björck,
    *Numerical Methods for Least Squares Problems* (1996); Fukaya et al., SIAM J. Sci. Comput. 42
    (2020) A477; Demmel et al., SIAM J. Sci. Comput. 34 (2012) A206; Karlson, Walden, BIT 37 (1997)
    862.

    Examples
    --------
    >>> import minimand
    >>> X = [[1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 4.0]]
    >>> fit = minimand.lstsq(X, [6.0, 5.0, 7.0, 10.0])
    >>> fit.coef.round(6)
    array([3.5, 1.4])
    >>> all(certificate.holds for certificate in fit.certificates)
    True
    """
    # Check
    start = time.perf_counter()
    one_of("method", method, METHODS)
    one_of("refine", refine, REFINEMENTS)
    one_of("rank_deficient", rank_deficient, POLICIES)
    intercept = boolean("intercept", intercept)
    ridge = nonnegative_float("ridge", ridge)
    compiled = kernels("least_squares", backend)
    workers = resolve_threads(threads)

    # Convert
    matrix = as_matrix("X", X, dtypes=(np.float64, np.float32), finite=False)
    targets, single = as_columns("y", y, length=matrix.shape[0], like="X", finite=False)
    data = Data(matrix, targets, as_weights(weights, matrix), intercept, workers, compiled)
    names = column_names(X, matrix.shape[1])
    rounding = data.rounding
    if data_error is not None:
        rounding = max(nonnegative_float("data_error", data_error), UNIT)

    # Drive
    problem = Problem(data, ridge, rounding, rank_deficient == "drop", rank_deficient == "min_norm")
    solution = _solve(problem, method, refine)

    # Certify and return
    result = report(problem, solution, single=single, names=names, backend=backend, start=start)
    announce(result, rank_deficient, data.observations)
    return result


def as_weights(weights: object, matrix: NDArray[Any]) -> Floats:
    """Return the weights as a vector, of length 0 for none."""
    if weights is None:
        return np.empty(0)
    vector = as_vector("weights", weights, length=matrix.shape[0], like="X")
    check_nonnegative("weights", vector)
    if not vector.any():
        raise ValueError("weights are all zero, expected at least one positive entry")
    return vector


def _solve(problem: Problem, method: str, refine: str) -> Solution:
    """Go up the ladder until the certificate holds; explicit methods stay on their rung."""
    data = problem.data
    if needs_all_rows(problem) and method != "cholesky":
        return finish(problem, dense(problem, by_svd=method == "svd"), refine)
    if method in ("qr", "svd"):
        direct = householder(problem, data.first_frame(), by_svd=method == "svd")
        return finish(problem, direct, refine)

    normal = NormalEquations.of_rows(problem)
    if method == "cholesky":
        return finish(problem, normal.cholesky(), refine)
    rung = _cheapest(problem, normal)
    if rung is not None:
        solution = finish(problem, rung, refine)
        if solution.certified():
            return solution
    return finish(problem, householder(problem, normal.frame), refine)


def _cheapest(problem: Problem, normal: NormalEquations) -> Rung | None:
    """Return the lowest rung that the condition of X allows, None for Householder."""
    try:
        rung: Rung | None = normal.cholesky()
    except NotPositiveDefiniteError:
        rung = None
    if rung is not None and stays_with_cholesky(rung):
        return rung
    if prefers_householder(problem):
        return None
    rung = normal.cholesky_qr()
    return rung if rung is not None and rung.factor.rank == problem.data.columns else None


def report(
    problem: Problem,
    solution: Solution,
    *,
    single: bool,
    names: tuple[str, ...] | None,
    backend: str,
    start: float,
) -> LeastSquaresResult:
    """Put a solution into the user's terms."""
    rung, data, found = solution.rung, problem.data, solution.quality
    n, factor, moments = data.columns, rung.factor, rung.moments
    coef, intercept = solution.coef.copy(), solution.intercept

    aliased = _aliased(problem, rung)
    if problem.basic:
        coef[list(aliased)] = np.nan

    scale_x, scale_y = rung.frame.scale[:n, None], rung.frame.scale[n:]
    residual_norm = found.residual_norm / scale_y
    freedom = data.observations - data.lead - factor.rank
    error = np.full_like(coef, np.nan)
    if freedom > 0 and not problem.ridge:
        spread = factor.inverse_row_norms() * moments.inverse_length
        error = np.outer(spread * scale_x[:, 0], residual_norm / np.sqrt(freedom))
    digits, data_digits = certificate.accuracy(found, rung.condition, solution.scaled, moments)
    status = Status.CONVERGED if solution.certified() else Status.NOT_CERTIFIED
    return LeastSquaresResult(
        status=status,
        iterations=solution.steps,
        history=solution.history,
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=certificate.certificates(
            found, n, rung.rounding, intercept=data.intercept, ridge=problem.ridge > 0
        ),
        coef=coef[:, 0] if single else coef,
        intercept=(float(intercept[0]) if single else intercept) if data.intercept else 0.0,
        residual_norm=float(residual_norm[0]) if single else residual_norm,
        rank=factor.rank,
        aliased=aliased,
        pivots=factor.pivots,
        rank_margin=factor.margin,
        condition=rung.condition,
        backward_error=found.backward_error,
        digits=digits,
        data_digits=data_digits,
        standard_error=error[:, 0] if single else error,
        refinement_steps=solution.steps,
        method=rung.name,
        r_factor=rung.triangle
        * (moments.length / rung.frame.scale[:n] / penalty_cut(problem, rung)),
        ridge=problem.ridge,
        has_intercept=data.intercept,
        feature_names=names,
    )


def _aliased(problem: Problem, rung: Rung) -> tuple[int, ...]:
    """Return the dependent columns, always by the order in which the user gave the columns."""
    factor = rung.factor
    if isinstance(factor, RowFactor):
        return ()
    if factor.rank < factor.columns and not factor.basic:
        none = np.empty((rung.triangle.shape[0], 0))
        floor, backend = rank.noise_floor(rung.moments), problem.data.kernels
        factor, _ = rank.decide(
            rung.triangle, none, floor, factor.unit, basic=True, kernels=backend
        )
    return factor.aliased


def announce(result: LeastSquaresResult, policy: str, rows: int, *, stacklevel: int = 3) -> None:
    """Warn of (or refuse) what the user should not overlook."""
    n = result.coef.shape[0]
    listed = ", ".join(_name(result, j) for j in result.aliased[:8])
    more = f" and {len(result.aliased) - 8} more" if len(result.aliased) > 8 else ""
    depend = "depends" if len(result.aliased) == 1 else "depend"
    others = "others or the constant term" if result.has_intercept else "others"
    text = f"{result.rank} of {n} columns of X are independent; {listed}{more} {depend} on {others}"
    if result.aliased and policy == "raise":
        raise RankDeficientError(
            f'{text}; leave them out, or choose rank_deficient="min_norm" or "drop"'
        )
    if result.rank < min(rows - result.has_intercept, n):
        effect = (
            "their coefficients are NaN"
            if policy == "drop"
            else "the shortest solution is returned"
        )
        warnings.warn(f"{text}; {effect}", RankWarning, stacklevel=stacklevel)
    if result.condition > UNIT**-0.5:
        warnings.warn(
            f"X has condition {result.condition:.1e}: its own rounding leaves about "
            f"{result.data_digits:.0f} digits of the coefficients meaningful",
            ConditionWarning,
            stacklevel=stacklevel,
        )
    if not result.status.ok:
        warnings.warn(
            f"backward error {result.backward_error:.1e} is above the bound of a stable method; "
            f'use method="auto" or refine="extended"',
            ConvergenceWarning,
            stacklevel=stacklevel,
        )


def _name(result: LeastSquaresResult, column: int) -> str:
    names = result.feature_names
    return f"column {column}" if names is None else f"column {column} ({names[column]!r})"
