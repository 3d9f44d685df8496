"""Principal components for scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real
from typing import Any, Self

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.backend import Backend
from minimand._common.errors import missing_extra
from minimand.pca import PCAResult, PCAState, pca

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise missing_extra("scikit-learn", "sklearn") from error

_DTYPES = [np.float64, np.float32]


# scikit-learn has no types.
class PrincipalComponents(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Principal components with a residual, an angle and an eigenvalue bound for each.

    Parameters
    ----------
    n_components : int, float or None
        A number, a fraction of the variance to explain, or all that are above the noise. Fewer come
        back, with a RankWarning, where the rank is lower.
    method : {"auto", "gram", "svd", "randomized"}
        As in `minimand.pca`. `partial_fit` keeps a Gram matrix with "gram" and a Householder
        triangle otherwise.
    whiten : bool
        Whether scores are divided by their standard deviations.
    center : bool
        Whether to subtract the means of the columns.
    tol : float
        Residual that "randomized" has to reach, relative to the first eigenvalue.
    certify : {"auto", "data", "state"}
        As in `minimand.pca`.
    random_state : int, RandomState or None
        For the start of "randomized".
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Attributes
    ----------
    components_ : ndarray (n_components_, n_features)
    explained_variance_, explained_variance_ratio_, singular_values_ : ndarray (n_components_,)
    mean_ : ndarray (n_features,)
    noise_variance_ : float
    n_components_ : int
    result_ : minimand.PCAResult
        Bounds, clusters and the certificates; after `fit`, `result_.verify(X, sample_weight)`
        computes these anew.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only where X has names that are strings.

    See Also
    --------
    minimand.pca : the function behind it, with the sources.

    Examples
    --------
    >>> from minimand.estimators import PrincipalComponents
    >>> model = PrincipalComponents(1).fit([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
    >>> model.transform([[4.0, 8.0]]).round(6)
    array([[4.472136]])
    >>> all(certificate.holds for certificate in model.result_.certificates)
    True
    """

    def __init__(
        self,
        n_components: int | float | None = None,
        method: str = "auto",
        whiten: bool = False,
        center: bool = True,
        tol: float = 1e-6,
        certify: str = "auto",
        random_state: Any = 0,
        threads: int | None = None,
        backend: Backend = "cpp",
    ) -> None:
        self.n_components = n_components
        self.method = method
        self.whiten = whiten
        self.center = center
        self.tol = tol
        self.certify = certify
        self.random_state = random_state
        self.threads = threads
        self.backend = backend

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the components of all rows at once.

        Parameters
        ----------
        X : array_like (m, n_features)
            float32 is read as it is, without a float64 copy.
        y : ignored
        sample_weight : array_like (m,), optional
            Weight 0 is the same as leaving the row out, weight 2 as repeating it.
        """
        del y
        least = 2 if self.center else 1
        X = validate_data(self, X, dtype=_DTYPES, order="C", ensure_min_samples=least)
        self._accumulated: bytes | None = None
        return self._keep(
            pca(
                X,
                self.n_components,
                method=self.method,
                whiten=self.whiten,
                center=self.center,
                weights=_one_for_each_row(sample_weight, X),
                tol=self.tol,
                certify=self.certify,
                rng=_seed(self.random_state),
                threads=self.threads,
                backend=self.backend,
            )
        )

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Take in a block of rows, of any size, and find the components of all rows so far.

        They are those of all these rows at once, whatever the blocks; the rows themselves are not
        kept. As long as there are fewer rows than `n_components`, as many come back as there are.
        A call of `fit` forgets them, and does not count as a block.
        """
        del y
        # As bytes, a state can be pickled and goes to another backend.
        before: bytes | None = getattr(self, "_accumulated", None)
        X = validate_data(self, X, reset=before is None, dtype=_DTYPES, order="C")
        if before is None:
            method = "gram" if self.method == "gram" else "qr"
            state = PCAState(
                center=self.center, method=method, threads=self.threads, backend=self.backend
            )
        else:
            state = PCAState.from_bytes(before, threads=self.threads, backend=self.backend)
        state.update(X, _one_for_each_row(sample_weight, X))
        wanted = self.n_components
        if isinstance(wanted, (int, np.integer)) and state.rows <= wanted <= X.shape[1]:
            wanted = None
        result = state.solve(wanted, whiten=self.whiten)
        self._accumulated = state.to_bytes()
        return self._keep(result)

    def transform(self, X: Any) -> Floats:
        """Return the scores of the rows, (m, n_components_)."""
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=_DTYPES, order="C")
        return self.result_.transform(rows, threads=self.threads)

    def inverse_transform(self, X: Any) -> Floats:
        """Return the rows that have these scores, as near as the components go."""
        check_is_fitted(self)
        return self.result_.inverse_transform(X)

    @property
    def _n_features_out(self) -> int:
        return int(self.n_components_)

    def _keep(self, result: PCAResult) -> Self:
        names = getattr(self, "feature_names_in_", None)
        self.result_ = result if names is None else replace(result, feature_names=tuple(names))
        self.components_ = result.components
        self.explained_variance_ = result.explained_variance
        self.explained_variance_ratio_ = result.explained_variance_ratio
        self.singular_values_ = result.singular_values
        self.mean_ = result.mean
        self.noise_variance_ = result.noise_variance
        self.n_components_ = len(result.components)
        return self


def _seed(random_state: Any) -> Any:
    """scikit-learn's RandomState wraps a BitGenerator of NumPy's."""
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return random_state


def _one_for_each_row(sample_weight: Any, X: Any) -> Any:
    """scikit-learn accepts one number for all rows."""
    if isinstance(sample_weight, Real):
        return np.full(X.shape[0], sample_weight)
    return sample_weight
