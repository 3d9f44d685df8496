"""Classic problems of applied optimisation; every answer has a certificate NumPy can re-check."""

from minimand._common.errors import (
    CertificateError,
    ConditionWarning,
    ConvergenceWarning,
    MinimandWarning,
    NotPositiveDefiniteError,
    RankDeficientError,
    RankWarning,
    SingularMatrixError,
)
from minimand._common.result import Certificate, Result, Status
from minimand._info import __version__, build_info
from minimand.inpainting import (
    InpaintingProgress,
    InpaintingResult,
    inpaint,
    mask_from_color,
    total_variation,
)
from minimand.least_squares import (
    CholeskyResult,
    LeastSquaresResult,
    LeastSquaresState,
    PinvResult,
    QRResult,
    TriangularSolution,
    cholesky,
    lstsq,
    pinv,
    qr,
    solve_triangular,
)

__all__ = [
    "Certificate",
    "CertificateError",
    "CholeskyResult",
    "ConditionWarning",
    "ConvergenceWarning",
    "InpaintingProgress",
    "InpaintingResult",
    "LeastSquaresResult",
    "LeastSquaresState",
    "MinimandWarning",
    "NotPositiveDefiniteError",
    "PinvResult",
    "QRResult",
    "RankDeficientError",
    "RankWarning",
    "Result",
    "SingularMatrixError",
    "Status",
    "TriangularSolution",
    "__version__",
    "build_info",
    "cholesky",
    "inpaint",
    "lstsq",
    "mask_from_color",
    "pinv",
    "qr",
    "solve_triangular",
    "total_variation",
]
