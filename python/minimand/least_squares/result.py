"""What `lstsq` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, as_matrix
from minimand._common.result import Certificate, Result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LeastSquaresResult(Result):
    """Coefficients of a linear least-squares fit, and what is known about their accuracy.

    Arrays have a second axis, one column for each right-hand side, where `y` had one.

    Attributes
    ----------
    coef : ndarray (n,) or (n, k)
        The minimiser, in the units of y per unit of the column. NaN for columns that were dropped.
    intercept : float or ndarray (k,)
        The constant term; 0 without `intercept=True`.
    residual_norm : float or ndarray (k,)
        sqrt(sum w (y - X coef - intercept)^2).
    rank : int
        The number of columns of X that are independent within the accuracy of the data, the
        constant not counted.
    aliased : tuple of int
        Columns that depend on columns before them (or are constant, with an intercept). Empty
        where m < n, the rows are independent, and the shortest solution was asked for: then no
        column is more to blame than another.
    pivots : ndarray of int (n,)
        Order of the columns in which independence was decided.
    rank_margin : (float, float)
        log10(pivot / tolerance) of the last pivot that was accepted and of the first one that was
        not (-inf when there is none). Close to 0 means that the decision was close.
    condition : float
        Ratio of the largest to the smallest singular value of X, weighted, centred (with an
        intercept), its columns scaled to length 1; with a ridge, of the augmented matrix.
    backward_error : float
        The smallest relative change of that matrix for which `coef` is an exact minimiser, within
        a factor of sqrt(2) (Karlson and Walden 1997).
    digits : float
        Correct significant digits of the (scaled) coefficients that the solver can vouch for.
    data_digits : float
        Digits that the rounding of the data leaves meaningful, whatever the solver.
    standard_error : ndarray like coef
        Standard deviation of each coefficient under Gaussian noise; NaN where it has no meaning
        (rank-deficient, ridge, no degrees of freedom).
    refinement_steps : int
        Corrections that were applied.
    method : str
        The rung of the ladder that gave the answer: cholesky, cholesky_qr, qr or svd.
    r_factor : ndarray (n, n)
        Upper triangular R with R'R = X_c' W X_c + ridge I, X_c being X, centred with an intercept.
    ridge : float
        The penalty that was asked for.
    has_intercept : bool
        Whether a constant term was fitted.
    feature_names : tuple of str or None
        Names of the columns, where X had any.
    """

    coef: Floats
    intercept: float | Floats
    residual_norm: float | Floats
    rank: int
    aliased: tuple[int, ...]
    pivots: NDArray[np.int64]
    rank_margin: tuple[float, float]
    condition: float
    backward_error: float
    digits: float
    data_digits: float
    standard_error: Floats
    refinement_steps: int
    method: str
    r_factor: Floats
    ridge: float
    has_intercept: bool
    feature_names: tuple[str, ...] | None

    @property
    def dependency(self) -> Floats:
        """How the aliased columns follow from the others: an array (n, len(aliased)).

        X[:, aliased] = X @ dependency, up to a constant with an intercept, and up to the accuracy
        of the data.
        """
        n = self.coef.shape[0]
        aliased = list(self.aliased)
        kept = [j for j in range(n) if j not in set(aliased)]
        largest = np.abs(self.r_factor).max(axis=0, initial=0.0)
        unit = np.where(largest > 0, largest, 1.0)
        R = self.r_factor / unit
        combination = np.zeros((n, len(aliased)))
        if not aliased or not kept:
            return combination
        found = np.linalg.lstsq(R[:, kept], R[:, aliased])[0]
        combination[kept] = found / unit[kept, None] * unit[aliased]
        return combination

    def predict(self, X: object) -> Floats:
        """Return X @ coef + intercept; dropped columns (NaN) count as coefficient 0.

        Examples
        --------
        >>> import minimand
        >>> minimand.lstsq([[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0]).predict([[10.0]]).round(6)
        array([20.])
        """
        rows = as_matrix("X", X, columns=self.coef.shape[0])
        fitted: Floats = rows @ np.where(np.isnan(self.coef), 0.0, self.coef) + self.intercept
        return fitted

    def verify(self, X: object, y: object, weights: object = None) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and return them.

        Parameters
        ----------
        X, y, weights
            As they were given to `lstsq`.

        Raises
        ------
        CertificateError
            When a certificate fails or was understated.
        """
        return Result.verify(self, X, y, weights)

    def _recompute(self, X: object, y: object, weights: object) -> tuple[Certificate, ...]:
        from minimand.least_squares.verification import recompute

        return recompute(self, X, y, weights)
