"""NumPy mirror of the linear-model kernels, written to be read.

Signatures, in-out arguments and return values are those of the compiled module
``minimand._core.linear_models``. Nothing is checked here and nothing is tuned.
"""

from minimand.reference.linear_models.chebyshev import chebyshev_exchange, residual_extremes
from minimand.reference.linear_models.glm import glm_direction_pass, glm_pass
from minimand.reference.linear_models.quantile import (
    quantile_bands,
    quantile_normal,
    quantile_residuals,
    quantile_steps,
)

__all__ = [
    "chebyshev_exchange",
    "glm_direction_pass",
    "glm_pass",
    "quantile_bands",
    "quantile_normal",
    "quantile_residuals",
    "quantile_steps",
    "residual_extremes",
]
