"""Maximum-likelihood fits of linear models, each with a certificate."""

from minimand.linear_models.chebyshev import chebyshev_fit
from minimand.linear_models.chebyshev_result import ChebyshevResult
from minimand.linear_models.gaussian import GaussianResult
from minimand.linear_models.glm_result import GlmResult, LogisticResult, PoissonResult
from minimand.linear_models.likelihood import maximum_likelihood
from minimand.linear_models.logistic import logistic_regression
from minimand.linear_models.poisson import poisson_regression
from minimand.linear_models.quantile import least_absolute_deviations
from minimand.linear_models.quantile_result import QuantileResult
from minimand.linear_models.result import LinearModelResult

__all__ = [
    "ChebyshevResult",
    "GaussianResult",
    "GlmResult",
    "LinearModelResult",
    "LogisticResult",
    "PoissonResult",
    "QuantileResult",
    "chebyshev_fit",
    "least_absolute_deviations",
    "logistic_regression",
    "maximum_likelihood",
    "poisson_regression",
]
