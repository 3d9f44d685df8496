"""Linear models with known answers: one module for each kind of noise."""

from minimand.problems.linear_models import chebyshev, glm, quantile

__all__ = ["chebyshev", "glm", "quantile"]
