"""Linear least squares: fits with a certificate, streaming, and the factorisations behind them."""

from minimand.least_squares.lstsq import lstsq
from minimand.least_squares.result import LeastSquaresResult

__all__ = ["LeastSquaresResult", "lstsq"]
