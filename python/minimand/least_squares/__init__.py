"""Linear least squares: fits with a certificate, streaming, and the factorisations behind them."""

from minimand.least_squares.factor import cholesky, pinv, qr, solve_triangular
from minimand.least_squares.factor_result import (
    CholeskyResult,
    PinvResult,
    QRResult,
    TriangularSolution,
)
from minimand.least_squares.lstsq import lstsq
from minimand.least_squares.result import LeastSquaresResult
from minimand.least_squares.state import LeastSquaresState

__all__ = [
    "CholeskyResult",
    "LeastSquaresResult",
    "LeastSquaresState",
    "PinvResult",
    "QRResult",
    "TriangularSolution",
    "cholesky",
    "lstsq",
    "pinv",
    "qr",
    "solve_triangular",
]
