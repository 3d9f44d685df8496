"""What `pca` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats, as_matrix
from minimand._common.backend import kernels
from minimand._common.iterate import row_chunks
from minimand._common.result import Certificate, Result
from minimand._common.threads import resolve_threads


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PCAResult(Result):
    """Principal components, and what is known about the accuracy of each.

    With B the weighted and centred data, C = B'B, and exact eigenvalues of C descending, the
    accuracy of component k is given relative to the first eigenvalue lambda_1 = sigma_1^2.

    Attributes
    ----------
    components : ndarray (k, n)
        Orthonormal rows, the first explains most. The largest loading of each is positive.
    singular_values : ndarray (k,)
        sigma_k of B.
    explained_variance : ndarray (k,)
        sigma_k^2 / (W - 1), W being the sum of the weights (the number of rows without them);
        sigma_k^2 / W with `center=False`.
    explained_variance_ratio : ndarray (k,)
        Their shares of the total variance.
    mean : ndarray (n,)
        Weighted means of the columns; zeros with `center=False`.
    noise_variance : float
        Mean of the n - k variances left out: the noise of probabilistic PCA (Tipping, Bishop).
    rank : int
        Singular values above the noise of the data and of the method; for "randomized", among the
        k that were asked for.
    residual : ndarray (k,)
        ||C v_k - lambda_k v_k|| / lambda_1, with an allowance for rounding errors.
    eigenvalue_bound, singular_value_bound : ndarray (k,)
        |lambda_k - exact| / lambda_1 and |sigma_k - exact| / sigma_1 are at most these.
    gap : ndarray (k,)
        How far the other exact eigenvalues are from lambda_k, at least, over lambda_1; for a
        member of a cluster, from those of the cluster. Not positive: nothing is known.
    angle_bound : ndarray (k,)
        The sine of the angle between v_k and the exact component is at most this; for a member of
        a cluster, between the two subspaces. 1 says nothing.
    clusters : tuple of tuples of int
        Components whose eigenvalues cannot be told apart: only the subspace that they span has a
        meaning.
    left_out : float
        An upper bound of the largest eigenvalue that is not among these, over lambda_1.
    leading : str
        "proved": no exact eigenvalue that is left out is larger than `left_out`. "probable": that
        is an estimate, from a random start; a larger one may have been missed.
    discarded_energy : float
        1 - sum(explained_variance_ratio): ||B - B V'V||_F^2 / ||B||_F^2.
    total_variance : float
        ||B||_F^2 / (W - 1), or / W.
    roundoff, backward_error : float
        What rounding may contribute to a residual, over lambda_1; and ||dB|| / sigma_1 of the
        matrix whose singular vectors these are (inf where only eigenvalues were computed).
    constant_columns : tuple of int
        Columns without variance; their loadings are 0.
    method, certified_by : str
        "gram", "svd" or "randomized"; residuals from the "data" or from the "state" (the matrix
        that was accumulated).
    weight : float
        W.
    tol : float
        The residual that was asked for.
    whiten, centered : bool
        As they were asked for.
    feature_names : tuple of str or None
        Names of the columns, where X had any.
    """

    components: Floats
    singular_values: Floats
    explained_variance: Floats
    explained_variance_ratio: Floats
    mean: Floats
    noise_variance: float
    rank: int
    residual: Floats
    eigenvalue_bound: Floats
    singular_value_bound: Floats
    gap: Floats
    angle_bound: Floats
    clusters: tuple[tuple[int, ...], ...]
    left_out: float
    leading: str
    discarded_energy: float
    total_variance: float
    roundoff: float
    backward_error: float
    constant_columns: tuple[int, ...]
    method: str
    certified_by: str
    weight: float
    tol: float
    whiten: bool
    centered: bool
    feature_names: tuple[str, ...] | None

    def transform(self, X: object, *, threads: int | None = None) -> Floats:
        """Return the scores (X - mean) V', (m, k); divided by their standard deviation, if whiten.

        Examples
        --------
        >>> import minimand
        >>> X = [[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]
        >>> minimand.pca(X, 1).transform(X).round(6) + 0.0
        array([[-2.236068],
               [ 0.      ],
               [ 2.236068]])
        """
        rows = as_matrix("X", X, dtypes=(np.float64, np.float32), columns=self.mean.size)
        workers = resolve_threads(threads)
        scores = np.empty((rows.shape[0], len(self.components)))
        Q = np.ascontiguousarray(self.components.T)
        work = 2 * Q.size
        for begin, end in row_chunks(rows.shape[0], work, 2048, elements_per_row=Q.shape[0]):
            kernels("pca", self.backend).project(
                rows, self.mean, np.ones(Q.shape[0]), Q, begin, end, scores,
                workers if work * (end - begin) > 4e5 else 1,
            )  # fmt: skip
        return scores / self._unit() if self.whiten else scores

    def inverse_transform(self, scores: object) -> Floats:
        """Return mean + scores V: the rows that have these scores, as near as k components go."""
        values = as_matrix("scores", scores, columns=len(self.components))
        if self.whiten:
            values = values * self._unit()
        return np.asarray(values @ self.components + self.mean)

    def _unit(self) -> Floats:
        """Return the standard deviations of the scores."""
        unit: Floats = self.singular_values / np.sqrt(self.weight - self.centered)
        return unit

    def verify(self, X: object, weights: object = None) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data in plain NumPy and return them.

        Parameters
        ----------
        X, weights
            As they were given to `pca` (all rows, after a `PCAState`).

        Raises
        ------
        CertificateError
            When a certificate fails or was understated, or a field is not that of the data.
        """
        return Result.verify(self, X, weights)

    def _recompute(self, X: object, weights: object = None) -> tuple[Certificate, ...]:
        from minimand.pca.verification import recompute

        return recompute(self, X, weights)
