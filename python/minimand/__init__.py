"""Classic problems of applied optimisation, each answer with a certificate that NumPy can re-check."""

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
from minimand.least_squares import LeastSquaresResult, lstsq

__all__ = [
    "Certificate",
    "CertificateError",
    "ConditionWarning",
    "ConvergenceWarning",
    "LeastSquaresResult",
    "MinimandWarning",
    "NotPositiveDefiniteError",
    "RankDeficientError",
    "RankWarning",
    "Result",
    "SingularMatrixError",
    "Status",
    "__version__",
    "build_info",
    "lstsq",
]
