"""What the derivative functions return."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.errors import DerivativeWarning
from minimand._common.result import Certificate, Result, Status
from minimand.derivatives.arguments import describe

_KNOBS = {
    Status.UNDEFINED_NEARBY: "pass bounds=, or a smaller step=",
    Status.NOT_ANALYTIC: "abs, comparisons, .real and norms break complex arguments; use another "
    "method=, or a smaller radius=",
    Status.NONSMOOTH: "value is in the middle of the two slopes, error covers both",
    Status.NOISE_DOMINATES: 'pass noise="estimate" or step="auto"',
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DerivativeResult(Result):
    """A derivative with an error for each entry; `np.asarray(result)` is its value.

    Attributes
    ----------
    value : ndarray or float
        f' in the shape of x, the gradient (n,), the Jacobian (k, n) or the Hessian (n, n). NaN with
        an infinite error where f is undefined around x.
    error : ndarray or float
        |value - derivative| <= error, entry by entry: an estimate from two steps and from the
        noise of f. With `derivative_bound` the truncation in it is rigorous.
    truncation, rounding : ndarray or float
        The two parts of it; the error is a small multiple of their sum.
    step : ndarray or float
        h, one for each entry of x.
    sides : ndarray of int or int
        0 where differences look to both sides of x, 1 or -1 where to one (bounds).
    x : ndarray or float
        Where the derivative was taken.
    quantity, method, order
        What was computed ("derivative", "gradient", "jacobian", "hessian"), and how.
    from_gradient : bool
        Whether a Hessian comes from differences of gradients.
    noise : ndarray or float
        Absolute noise of f that was given or found, 0 for rounding alone.
    derivative_bound : float or None
        As given.
    kinks : ndarray of int (q, dimensions of value)
        Entries whose slopes from the left and from the right differ.
    undefined : ndarray (q, n) or (q,)
        The first few points where f is not finite.
    evaluations : int
        Points at which f was asked for its value.
    vectorized : bool
        Whether f took them many at a time.
    """

    value: Floats | float
    error: Floats | float
    truncation: Floats | float
    rounding: Floats | float
    step: Floats | float
    sides: NDArray[np.int64] | int
    x: Floats | float
    quantity: str
    method: str
    order: int
    from_gradient: bool
    noise: Floats | float
    derivative_bound: float | None
    kinks: NDArray[np.int64]
    undefined: Floats
    evaluations: int
    vectorized: bool

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False and not isinstance(self.value, np.ndarray):
            raise ValueError("a float cannot become an array without a copy")
        return np.array(self.value, dtype=dtype) if copy else np.asarray(self.value, dtype=dtype)

    def __float__(self) -> float:
        if np.size(self.value) != 1:
            raise TypeError(f"value has {np.size(self.value)} entries, expected one")
        return float(np.reshape(self.value, -1)[0])

    def verify(
        self, f: Any, x: object, *, grad: Any = None, args: tuple[Any, ...] = ()
    ) -> tuple[Certificate, ...]:
        """Recompute value and errors in plain NumPy, then by another rule, and return certificates.

        Parameters
        ----------
        f, x, args
            As they were given.
        grad : callable, optional
            Needed for a Hessian that was computed from gradients.

        Raises
        ------
        CertificateError
            When the other rule differs by more than both errors, or a number of the result is not
            what f and x show.
        """
        return Result.verify(self, f, x, grad=grad, args=args)

    def _recompute(self, f: Any, x: object, *, grad: Any, args: Any) -> tuple[Certificate, ...]:
        from minimand.derivatives.verification.derivative import recompute

        return recompute(self, f, x, grad=grad, args=args)


def agreement(value: float) -> Certificate:
    """Return the certificate of a derivative."""
    return Certificate(
        "agreement of two rules",
        value,
        1.0,
        "largest difference between two rules, in units of the sum of their errors",
        1.0,
    )


def warn(result: DerivativeResult) -> DerivativeResult:
    """Return the result, with a warning if it is not what was asked for."""
    if not result.status.ok:
        where = ""
        if result.status is Status.UNDEFINED_NEARBY and len(result.undefined):
            where = f" One of them is {describe(result.undefined[0])}."
        elif result.status is Status.NONSMOOTH:
            where = f" So it is at entry {describe(result.kinks[0])}."
        knob = _KNOBS[result.status]
        text = f"{result.quantity}: {result.status.value}{where} To mend it, {knob}."
        if result.status is Status.NONSMOOTH:
            text = f"{result.quantity}: {result.status.value}{where} The {knob}."
        warnings.warn(text, DerivativeWarning, stacklevel=3)
    return result
