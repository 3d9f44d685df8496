"""Exceptions and warnings of the package, and the error for a missing optional dependency."""

from __future__ import annotations

import numpy as np

__all__ = [
    "CertificateError",
    "ConditionWarning",
    "ConvergenceWarning",
    "DerivativeWarning",
    "MinimandWarning",
    "NotPositiveDefiniteError",
    "RankDeficientError",
    "RankWarning",
    "ResolutionWarning",
    "SeparationWarning",
    "SingularMatrixError",
    "SymmetryWarning",
    "missing_extra",
]


class CertificateError(ValueError):
    """A certificate, recomputed from the data, does not hold or was understated."""


class RankDeficientError(np.linalg.LinAlgError):
    """Columns depend on each other and the caller asked for an error."""


class NotPositiveDefiniteError(np.linalg.LinAlgError):
    """A leading minor of the matrix is not positive."""


class SingularMatrixError(np.linalg.LinAlgError):
    """A triangular matrix has a zero on its diagonal."""


class MinimandWarning(UserWarning):
    """Base of all warnings of the package, so that one filter reaches them all."""


class ConvergenceWarning(MinimandWarning):
    """The run ended before its stopping rule was met."""


class RankWarning(MinimandWarning):
    """Columns depend on each other within the accuracy of the data."""


class ConditionWarning(MinimandWarning):
    """The answer is sensitive to the last digits of the data."""


class ResolutionWarning(MinimandWarning):
    """Some numbers are so much smaller than others that they are compared roughly."""


class DerivativeWarning(MinimandWarning):
    """A derivative is not what was asked for: undefined, not smooth, or lost in noise."""


class SeparationWarning(MinimandWarning):
    """The likelihood has no maximum: it grows for ever along a direction."""


class SymmetryWarning(MinimandWarning):
    """All units of a hidden layer start equal, and no gradient will ever tell them apart."""


def missing_extra(package: str, extra: str) -> ImportError:
    """Return the error to raise when `package`, which `minimand[extra]` installs, is not there."""
    return ImportError(
        f'{package} is not installed; it comes with: pip install "minimand[{extra}]"', name=package
    )
