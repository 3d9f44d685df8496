"""The public principal component analysis."""

from __future__ import annotations

import time

import numpy as np

from minimand._common.arrays import as_matrix, boolean, column_names, one_of, positive_float
from minimand._common.backend import Backend, kernels
from minimand._common.random import Key, as_key
from minimand._common.threads import resolve_threads
from minimand.least_squares.lstsq import as_weights
from minimand.pca.data import Rows
from minimand.pca.direct import decompose
from minimand.pca.krylov import OVERSAMPLING, leading
from minimand.pca.report import Options, Wanted, announce, count, report, wanted_components
from minimand.pca.result import PCAResult
from minimand.pca.spectrum import Spectrum

METHODS = ("auto", "gram", "svd", "randomized")
ORIGINS = ("auto", "data", "state")

_SMALL_WORK = 5e7  # m n min(m, n) below which the safest method costs no time worth saving
_RESOLVED = (
    1e-4  # smallest wanted singular value, over the first, for which the Gram matrix will do
)
_PASSES = 8  # reads of the data that a converging iteration needs, as a rule


def pca(
    X: object,
    n_components: int | float | None = None,
    *,
    method: str = "auto",
    whiten: bool = False,
    center: bool = True,
    weights: object = None,
    tol: float = 1e-6,
    certify: str = "auto",
    rng: object = 0,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> PCAResult:
    """Find the principal components of a table of numbers and certify them.

    Minimises over the k x n matrices V with orthonormal rows

        sum_i w_i || (x_i - mean) - V'V (x_i - mean) ||^2

    by the k leading right singular vectors of B = sqrt(w) (X - mean). Columns are not scaled to
    unit variance.

    Parameters
    ----------
    X : array_like (m, n)
        One row for each observation. float32 is read as it is, without a float64 copy.
    n_components : int, float or None
        A number k <= min(m, n); a fraction, 0 < f < 1, of the variance to explain; None for all
        that are above the noise.
    method : {"auto", "gram", "svd", "randomized"}
        "gram": eigenvectors of B'B (of BB' if m < n), one read of X; singular values under about
        1e-7 of the first drown. "svd": singular vectors of R, B = QR. "randomized": block Krylov
        iteration until the residuals are below `tol`. "auto": the fastest of these that resolves
        the smallest component that is asked for.
    whiten : bool
        Whether `transform` divides the scores by their standard deviations.
    center : bool
        Whether to subtract the means of the columns.
    weights : array_like (m,), optional
        w >= 0. Weight 0 is the same as leaving the row out, weight 2 as repeating it.
    tol : float
        Residual ||C v - lambda v|| / lambda_1, C = B'B, that the iteration has to reach.
    certify : {"auto", "data", "state"}
        Residuals from another read of the data, or from the matrix that was accumulated, with an
        allowance for its rounding errors. "auto" reads the data where that is cheap.
    rng : None, int, SeedSequence, BitGenerator or Generator
        For the random start of "randomized".
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    PCAResult
        Components, variances and scores (`transform`), with residual, angle and eigenvalue bound
        for each component, and certificates that `result.verify(X, weights)` computes anew.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.
    MemoryError
        No room for a square matrix of order min(m, n); `method="randomized"` needs none.

    Notes
    -----
    Fewer components than asked for come back, with a RankWarning, where the rank is lower. Sources:
    Jolliffe, *Principal Component Analysis* (2002); Demmel et al., SIAM J. Sci. Comput. 34 (2012)
    A206; Musco, Musco, arXiv:1504.05477; Davis, Kahan, SIAM J. Numer. Anal. 7 (1970) 1.

    Examples
    --------
    >>> import minimand
    >>> X = [[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    >>> result = minimand.pca(X)
    >>> result.components.round(6) + 0.0
    array([[1., 0.],
           [0., 1.]])
    >>> result.explained_variance_ratio.round(6)
    array([0.8, 0.2])
    >>> all(certificate.holds for certificate in result.certificates)
    True
    """
    # Check
    start = time.perf_counter()
    one_of("method", method, METHODS)
    one_of("certify", certify, ORIGINS)
    whiten, center = boolean("whiten", whiten), boolean("center", center)
    tol = positive_float("tol", tol)
    key = as_key(rng)
    passes, sums = kernels("pca", backend), kernels("least_squares", backend)
    workers = resolve_threads(threads)

    # Convert
    matrix = as_matrix("X", X, dtypes=(np.float64, np.float32), finite=False)
    vector = as_weights(weights, matrix)
    wanted = wanted_components(n_components, min(matrix.shape))
    data = Rows(matrix, np.empty((len(matrix), 0)), vector, center, workers, sums, passes=passes)

    # Drive
    spectrum = _solve(data, wanted, method, key, tol)

    # Certify and return
    from_data = None if certify == "auto" else certify == "data"
    options = Options(tol, whiten, from_data, backend, column_names(X, data.columns), start)
    result = report(data, spectrum, wanted, options)
    announce(result, wanted)
    return result


def _solve(data: Rows, wanted: Wanted, method: str, key: Key, tol: float) -> Spectrum:
    """Choose the method, and another one where it does not suffice."""
    small = min(data.observations, data.columns)
    if method == "randomized":
        if not isinstance(wanted, int):
            raise ValueError(f'n_components is {wanted}, expected an int with method="randomized"')
        return leading(data, wanted, key, tol, data.columns)
    if method != "auto":
        _room(small)
        return decompose(data, method)
    if isinstance(wanted, int) and _iterates(small, wanted):
        # Beyond n / 4 columns the direct way would have been as fast.
        found = leading(data, wanted, key, tol, small // 4, patient=False)
        if found.converged and resolved(found, wanted):
            return found
    _room(small)
    work = float(data.observations) * data.columns * small
    if work > _SMALL_WORK:
        gram = decompose(data, "gram")
        most = min(small - (data.intercept and small == data.observations), data.columns)
        most -= int(np.count_nonzero(gram.moments.constant))
        if resolved(gram, count(wanted, gram, most)):
            return gram
    return decompose(data, "svd")


def resolved(spectrum: Spectrum, k: int) -> bool:
    """Whether the k-th singular value is so large that squares of them have digits to spare."""
    sigma = spectrum.sigma
    return 0 < k <= sigma.size and bool(sigma[k - 1] >= _RESOLVED * sigma[0] > 0)


def _iterates(small: int, k: int) -> bool:
    """Whether reading the data a few times is less work than a Gram matrix."""
    return 10 * k <= small and 4 * _PASSES * (k + OVERSAMPLING) <= small


def _room(order: int) -> None:
    """Raise MemoryError before the work if a square matrix of that order is not to be had."""
    try:
        np.empty((order + 1, order + 1))
    except MemoryError:
        raise MemoryError(
            f'no memory for a matrix of order {order}; use method="randomized" with a number of '
            "components, which needs none"
        ) from None
