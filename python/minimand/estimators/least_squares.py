"""Linear regression for scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real
from typing import Any, Self

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.backend import Backend
from minimand._common.errors import missing_extra
from minimand.least_squares import LeastSquaresResult, LeastSquaresState, lstsq

try:
    from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise missing_extra("scikit-learn", "sklearn") from error

_DTYPES = [np.float64, np.float32]


# scikit-learn has no types.
class LeastSquaresRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Linear least squares with a certificate.

    Minimises over (coef_, intercept_)

        sum_i w_i (y_i - X_i coef_ - intercept_)^2 + ridge ||coef_||^2

    Parameters
    ----------
    method : {"auto", "cholesky", "qr", "svd"}
        As in `minimand.lstsq`. `partial_fit` keeps a Gram matrix with "cholesky" and a Householder
        triangle otherwise.
    fit_intercept : bool
        Whether to fit a constant term; it is never penalised.
    ridge : float
        Penalty on the squares of the coefficients.
    rank_deficient : {"min_norm", "drop", "raise"}
        What to do when columns depend on each other: the shortest coefficients; NaN for the columns
        that depend on columns before them, which then count as 0; RankDeficientError.
    refine : {"working", "extended", "none"}
        As in `minimand.lstsq`; `partial_fit`, which does not keep the rows, always uses "working".
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Attributes
    ----------
    coef_ : ndarray (n_features,) or (n_targets, n_features)
    intercept_ : float or ndarray (n_targets,)
    rank_ : int
        Columns that are independent within the accuracy of the data.
    result_ : minimand.LeastSquaresResult
        Condition, standard errors and the certificates; after `fit`,
        `result_.verify(X, y, sample_weight)` computes these anew.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only where X has names that are strings.

    See Also
    --------
    minimand.lstsq : the function behind it, with the sources.

    Examples
    --------
    >>> from minimand.estimators import LeastSquaresRegressor
    >>> model = LeastSquaresRegressor().fit([[1.0], [2.0], [3.0]], [3.0, 5.0, 7.0])
    >>> model.predict([[10.0]]).round(6)
    array([21.])
    >>> all(certificate.holds for certificate in model.result_.certificates)
    True
    """

    def __init__(
        self,
        method: str = "auto",
        fit_intercept: bool = True,
        ridge: float = 0.0,
        rank_deficient: str = "min_norm",
        refine: str = "working",
        threads: int | None = None,
        backend: Backend = "cpp",
    ) -> None:
        self.method = method
        self.fit_intercept = fit_intercept
        self.ridge = ridge
        self.rank_deficient = rank_deficient
        self.refine = refine
        self.threads = threads
        self.backend = backend

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to all rows at once.

        Parameters
        ----------
        X : array_like (m, n_features)
            float32 is read as it is, without a float64 copy.
        y : array_like (m,) or (m, n_targets)
        sample_weight : array_like (m,), optional
            Weight 0 is the same as leaving the row out, weight 2 as repeating it.
        """
        X, y = self._checked(X, y, reset=True)
        self._accumulated: bytes | None = None
        return self._keep(
            lstsq(
                X,
                y,
                method=self.method,
                intercept=self.fit_intercept,
                ridge=self.ridge,
                weights=_one_for_each_row(sample_weight, X),
                refine=self.refine,
                rank_deficient=self.rank_deficient,
                threads=self.threads,
                backend=self.backend,
            )
        )

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Take in a block of rows and fit to all rows that `partial_fit` has had so far.

        The fit is that of all these rows at once, whatever the blocks; the rows themselves are not
        kept. A call of `fit` forgets them, and does not count as a block.
        """
        # As bytes, a state can be pickled and goes to another backend.
        before: bytes | None = getattr(self, "_accumulated", None)
        X, y = self._checked(X, y, reset=before is None)
        if before is None:
            method = "gram" if self.method == "cholesky" else "qr"
            state = LeastSquaresState(
                intercept=self.fit_intercept,
                method=method,
                threads=self.threads,
                backend=self.backend,
            )
        else:
            state = LeastSquaresState.from_bytes(before, threads=self.threads, backend=self.backend)
        state.update(X, y, _one_for_each_row(sample_weight, X))
        result = state.solve(ridge=self.ridge, rank_deficient=self.rank_deficient)
        self._accumulated = state.to_bytes()
        return self._keep(result)

    def predict(self, X: Any) -> Floats:
        """Return X coef_ + intercept_, (m,) or (m, n_targets)."""
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=_DTYPES)
        fitted: Floats = rows @ np.where(np.isnan(self.coef_), 0.0, self.coef_).T + self.intercept_
        return fitted

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        checked: tuple[Any, Any] = validate_data(
            self, X, y, reset=reset, dtype=_DTYPES, order="C", multi_output=True, y_numeric=True
        )
        return checked

    def _keep(self, result: LeastSquaresResult) -> Self:
        names = getattr(self, "feature_names_in_", None)
        self.result_ = result if names is None else replace(result, feature_names=tuple(names))
        self.coef_ = result.coef.T
        self.intercept_ = result.intercept
        self.rank_ = result.rank
        return self


def _one_for_each_row(sample_weight: Any, X: Any) -> Any:
    """scikit-learn accepts one number for all rows."""
    if isinstance(sample_weight, Real):
        return np.full(X.shape[0], sample_weight)
    return sample_weight
