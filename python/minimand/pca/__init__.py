"""Principal components: with residuals, angles and clusters, at once or from a stream."""

from minimand.pca.pca import pca
from minimand.pca.result import PCAResult
from minimand.pca.state import PCAState

__all__ = ["PCAResult", "PCAState", "pca"]
