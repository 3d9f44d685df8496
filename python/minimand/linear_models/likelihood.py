"""Maximum likelihood under five models of the noise."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from minimand._common.arrays import as_matrix, as_vector, one_of
from minimand._common.backend import Backend
from minimand.least_squares import lstsq
from minimand.linear_models.chebyshev import chebyshev_fit
from minimand.linear_models.gaussian import GaussianResult, as_likelihood
from minimand.linear_models.result import LinearModelResult

# Modules of this package, imported when they are needed.
_OTHERS = {
    "laplace": ("quantile", "least_absolute_deviations"),
    "logistic": ("logistic", "logistic_regression"),
    "poisson": ("poisson", "poisson_regression"),
}
NOISES = ("gaussian", "laplace", "uniform", "logistic", "poisson")


def maximum_likelihood(
    X: object,
    y: object,
    *,
    noise: str = "gaussian",
    intercept: bool = True,
    threads: int | None = None,
    backend: Backend = "cpp",
    **options: Any,
) -> GaussianResult | LinearModelResult:
    """Fit a linear model by maximum likelihood: estimate, noise scale and log-likelihood.

    The log-likelihoods have all their constants, so the models for a real y (the first three) can
    be compared: the largest fits best.

    Parameters
    ----------
    X : array_like (m, n)
        One row for each observation.
    y : array_like (m,)
        The targets.
    noise : {"gaussian", "laplace", "uniform", "logistic", "poisson"}
        y - X coef - b0 is Gaussian (least squares, `lstsq`), Laplace (least absolute deviations),
        or uniform on [-a, a] (minimax, `chebyshev_fit`); y is 1 where X coef + b0 + logistic noise
        is positive, and else 0; y is a Poisson count with the mean exp(X coef + b0).
    intercept : bool
        Whether to fit the constant term b0.
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.
    **options
        Those of the function that does it, for example `weights` or `half_width`.

    Returns
    -------
    GaussianResult, ChebyshevResult or another LinearModelResult
        What that function returns, with `coef`, `intercept`, `noise_scale`, `log_likelihood`
        and certificates. An exact fit has an infinite log-likelihood and `Status.EXACT_FIT`.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    Boyd, Vandenberghe, *Convex Optimization* (2004), section 7.1.1.

    Examples
    --------
    >>> import minimand
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 7.0]
    >>> for noise in ("gaussian", "uniform"):
    ...     fit = minimand.maximum_likelihood(X, y, noise=noise)
    ...     print(noise, round(fit.noise_scale, 4), round(fit.log_likelihood, 4))
    gaussian 1.0954 -6.0404
    uniform 1.3333 -3.9233
    """
    one_of("noise", noise, NOISES)
    common: dict[str, Any] = {"intercept": intercept, "threads": threads, "backend": backend}
    if noise == "uniform":
        return chebyshev_fit(X, y, **common, **options)
    if noise != "gaussian":
        module, name = _OTHERS[noise]
        fit: LinearModelResult = getattr(import_module(f"minimand.linear_models.{module}"), name)(
            X, y, **common, **options
        )
        return fit
    if options.get("ridge"):
        raise ValueError("ridge has no place in a likelihood; call lstsq for a penalised fit")
    matrix = as_matrix("X", X, dtypes=(np.float64, np.float32))
    targets = as_vector("y", y, length=matrix.shape[0], like="X")
    result = lstsq(X, targets, **common, **options)
    return as_likelihood(result, matrix, targets, options.get("weights"))
