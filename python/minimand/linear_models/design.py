"""The data of a linear model: rows that count, columns that are independent, a first fit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats, as_matrix, as_vector, column_names
from minimand._common.backend import Backend
from minimand._common.errors import MinimandWarning, RankWarning
from minimand.least_squares import LeastSquaresResult, lstsq
from minimand.least_squares.lstsq import as_weights


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What the solvers see.

    Attributes
    ----------
    X : ndarray (m, n)
        Rows of positive weight, columns that do not depend on those before them. The user's own
        array where nothing had to go: never to be written.
    y : ndarray (m,)
        The targets of these rows.
    weights : ndarray (m,) or (0,)
        Their weights, none if all are 1.
    intercept : bool
        Whether a constant term comes last in theta = (coef, intercept).
    rows : ndarray of int or None
        Which rows of the user's these are; None for all.
    columns : ndarray of int
        Which columns of the user's these are.
    aliased : tuple of int
        The others.
    user_columns : int
        How many columns the user gave.
    names : tuple of str or None
        Names of the user's columns.
    least_squares : LeastSquaresResult or None
        The fit that decided the rank.
    """

    X: Floats
    y: Floats
    weights: Floats
    intercept: bool
    rows: np.ndarray | None
    columns: np.ndarray
    aliased: tuple[int, ...]
    user_columns: int
    names: tuple[str, ...] | None
    least_squares: LeastSquaresResult | None

    @property
    def parameters(self) -> int:
        """The length of theta."""
        return int(self.X.shape[1]) + int(self.intercept)

    @property
    def total_weight(self) -> float:
        """Sum of the weights: the number of observations."""
        return float(self.weights.sum()) if self.weights.size else float(len(self.X))

    def coefficients(self, theta: Floats) -> tuple[Floats, float]:
        """Return theta as the user's coefficients (0 where aliased) and intercept."""
        coef = np.zeros(self.user_columns)
        n = self.X.shape[1]
        coef[self.columns] = theta[:n]
        return coef, float(theta[n]) if self.intercept else 0.0

    def to_user_rows(self, values: Floats, fill: float = 0.0) -> Floats:
        """Return a vector for the user's rows, `fill` in those of weight 0."""
        if self.rows is None:
            return values
        full = np.full(self.rows.shape, fill)
        full[self.rows] = values
        return full


def make_design(
    X: object,
    y: object,
    *,
    weights: object,
    intercept: bool,
    threads: int | None,
    backend: Backend,
) -> Design:
    """Check and convert the data, drop rows without weight and columns that depend on others.

    The caller checks what y may be. `Design.rows` is a mask over the user's rows.
    """
    matrix = as_matrix("X", X)
    targets = as_vector("y", y, length=matrix.shape[0], like="X")
    weight = as_weights(weights, matrix)
    names = column_names(X, matrix.shape[1])
    rows = None
    if weight.size and not weight.all():
        rows = weight > 0
        matrix, targets, weight = matrix[rows], targets[rows], weight[rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MinimandWarning)
        fit = lstsq(
            matrix,
            targets,
            intercept=intercept,
            weights=weight if weight.size else None,
            rank_deficient="drop",
            threads=threads,
            backend=backend,
        )
    columns = np.setdiff1d(np.arange(matrix.shape[1]), fit.aliased)
    return Design(
        X=matrix if not fit.aliased else np.ascontiguousarray(matrix[:, columns]),
        y=targets,
        weights=weight,
        intercept=intercept,
        rows=rows,
        columns=columns,
        aliased=fit.aliased,
        user_columns=matrix.shape[1],
        names=names,
        least_squares=fit,
    )


def warn_of_aliased(design: Design, *, stacklevel: int = 3) -> None:
    """Name the columns that were left out."""
    if not design.aliased:
        return
    listed = ", ".join(
        f"column {j}" if design.names is None else f"column {j} ({design.names[j]!r})"
        for j in design.aliased[:8]
    )
    more = f" and {len(design.aliased) - 8} more" if len(design.aliased) > 8 else ""
    others = "others or the constant term" if design.intercept else "others"
    depend = "depends" if len(design.aliased) == 1 else "depend"
    warnings.warn(
        f"{len(design.columns)} of {design.user_columns} columns of X are independent; "
        f"{listed}{more} {depend} on {others}; their coefficients are 0",
        RankWarning,
        stacklevel=stacklevel,
    )
