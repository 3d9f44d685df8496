"""The kind of a stationary point, with intervals for the eigenvalues of the Hessian."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, nonnegative_float
from minimand._common.backend import Backend
from minimand._common.random import as_key, uniform
from minimand._common.result import Certificate, Result, Status
from minimand.derivatives.arguments import Function, as_point
from minimand.derivatives.evaluate import Evaluator
from minimand.derivatives.given import gradient_of, hessian_of
from minimand.derivatives.rules import EPS, scale
from minimand.derivatives.run import check_options, evaluator

KINDS = ("minimum", "maximum", "saddle", "undetermined", "not_stationary")
RADII = (1e-3, 1e-2, 1e-1)
_COMBINATIONS = 32
_ROUNDING = 4.0  # roundings of f that a point must beat x by


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StationaryPoint(Result):
    """What the second derivatives prove of a stationary point.

    Attributes
    ----------
    kind : str
        "minimum" or "maximum" (strict and local), "saddle", "undetermined" when the intervals of
        the eigenvalues allow more than one answer, "not_stationary".
    x, gradient, gradient_error : ndarray (n,)
    hessian, hessian_error : ndarray (n, n)
        Empty for "not_stationary".
    eigenvalues : ndarray (n,)
        Of the Hessian, ascending.
    intervals : ndarray (n, 2)
        In which the eigenvalues of the true Hessian are, if its entries are within their errors.
    directions : ndarray (n, n)
        Eigenvectors in columns. At a saddle f falls along the first and rises along the last.
    lower_point, higher_point : ndarray (n,) or None
        For "undetermined": points near x where f is lower, or higher, than at x beyond rounding.
        They show that x is no minimum (maximum) of a ball that holds them.
    fun : float
        f(x).
    tol : float
        As given.
    """

    kind: str
    x: Floats
    gradient: Floats
    gradient_error: Floats
    hessian: Floats
    hessian_error: Floats
    eigenvalues: Floats
    intervals: Floats
    directions: Floats
    lower_point: Floats | None
    higher_point: Floats | None
    fun: float
    tol: float

    def verify(
        self, f: Any, x: object, *, grad: Any = None, hess: Any = None, args: tuple[Any, ...] = ()
    ) -> tuple[Certificate, ...]:
        """Recompute gradient, Hessian, eigenvalues and kind in plain NumPy.

        Parameters
        ----------
        f, x, grad, hess, args
            As they were given.

        Raises
        ------
        CertificateError
            When a number of the result is not what f shows.
        """
        return Result.verify(self, f, x, grad=grad, hess=hess, args=args)

    def _recompute(
        self, f: Any, x: object, *, grad: Any, hess: Any, args: Any
    ) -> tuple[Certificate, ...]:
        from minimand.derivatives.verification.stationary import recompute

        return recompute(self, f, x, grad, hess, args)


def classify_stationary_point(
    f: Function,
    x: object,
    *,
    grad: Function | None = None,
    hess: Function | None = None,
    tol: float = 1e-6,
    vectorized: bool | None = None,
    args: tuple[Any, ...] = (),
    rng: object = 0,
    backend: Backend = "cpp",
) -> StationaryPoint:
    """Say whether a stationary point is a minimum, a maximum or a saddle, as far as can be proved.

    Each eigenvalue of the Hessian gets an interval (Weyl: eigenvalues move no more than the norm of
    what is added to a matrix). All above 0: a strict local minimum. All below 0: a maximum. One on
    either side: a saddle. Else the second derivatives do not tell, whatever the size of the
    eigenvalues: x^4 has a minimum at 0 and x^3 has none, with the same derivatives up to the
    second.

    Parameters
    ----------
    f : callable
        As in `gradient`.
    x : array_like (n,)
        The point.
    grad, hess : callable, optional
        grad(x, *args) -> (n,), hess(x, *args) -> (n, n); by default differences.
    tol : float
        x is stationary when |g_i| <= tol + 3 error_i for every entry of the gradient.
    vectorized : bool, optional
        Whether f (and grad) takes points in the rows of a matrix; by default that is tried.
    args : tuple
        Further arguments of f, grad and hess.
    rng : int, Generator, ...
        Of the points around an undetermined one.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    StationaryPoint

    Raises
    ------
    ValueError, TypeError
        Bad arguments, or a function returns something else than it should.

    Notes
    -----
    A gradient within `tol` does not prove that there is a stationary point; what is said of the
    kind is meant for one at x.

    Examples
    --------
    >>> import minimand
    >>> point = minimand.classify_stationary_point(
    ...     lambda p: p[..., 0] ** 2 - p[..., 1] ** 2, [0, 0]
    ... )
    >>> point.kind, point.eigenvalues.round(6)
    ('saddle', array([-2.,  2.]))
    >>> quartic = minimand.classify_stationary_point(lambda p: p[..., 0] ** 4, [0])
    >>> quartic.kind, quartic.lower_point is None
    ('undetermined', True)
    """
    # Check and convert
    start = time.perf_counter()
    position = as_point("x", x)
    tolerance = nonnegative_float("tol", tol)
    options = check_options(
        position,
        methods=("central",),
        method="central",
        step=None,
        bounds=None,
        pairs=True,
        noise=None,
        derivative_bound=None,
        vectorized=vectorized,
        args=args,
        backend=backend,
        start=start,
    )
    shared: dict[str, Any] = {"vectorized": vectorized, "args": args, "backend": backend}

    # Drive
    evaluate = evaluator("f", f, options)
    fun = float(evaluate.start(position[np.newaxis], options.vectorized)[0, 0])
    g, g_error = gradient_of(f, grad, position, shared)
    stationary = bool((np.abs(g) <= tolerance + 3.0 * g_error).all())
    empty = np.zeros((0, 0))
    H, H_error = hessian_of(f, grad, hess, position, shared) if stationary else (empty, empty)
    values, vectors = np.linalg.eigh(H)
    radius = eigenvalue_radius(H, H_error)
    intervals = np.column_stack([values - radius, values + radius])
    kind = kind_of(intervals) if stationary else "not_stationary"
    lower, higher = None, None
    if kind == "undetermined":
        lower, higher = _neighbours(evaluate, position, fun, intervals, vectors, rng)

    # Certify and return
    return StationaryPoint(
        status=Status.CONVERGED if np.isfinite(intervals).all() else Status.UNDEFINED_NEARBY,
        iterations=0,
        history=(),
        seconds=time.perf_counter() - start,
        backend=options.backend,
        certificates=certificates(residual(H, values, vectors), 0.0),
        kind=kind,
        x=position,
        gradient=g,
        gradient_error=g_error,
        hessian=H,
        hessian_error=H_error,
        eigenvalues=values,
        intervals=intervals,
        directions=vectors,
        lower_point=lower,
        higher_point=higher,
        fun=fun,
        tol=tolerance,
    )


def residual(H: Floats, values: Floats, vectors: Floats) -> float:
    """Return the largest |Hv - lambda v| relative to |H|."""
    size = norm(H)
    if size == 0.0:
        return float(np.abs(values).max(initial=0.0))
    scaled = (H / size) @ vectors - vectors * (values / size)
    return float(np.linalg.norm(scaled, axis=0).max())


def certificates(eigenvectors: float, agreement: float) -> tuple[Certificate, ...]:
    """Return the certificates; `agreement` is known to `verify` only."""
    return (
        Certificate(
            "eigenvector residual",
            float(eigenvectors),
            1e-12,
            "largest |Hv - lambda v|, relative to |H|",
            1e-14,
        ),
        Certificate(
            "agreement of derivatives",
            float(agreement),
            1.0,
            "largest difference to other rules, in units of the sum of both errors",
            1.0,
        ),
    )


def kind_of(intervals: Floats) -> str:
    """Return what intervals of the eigenvalues prove."""
    above, below = intervals[:, 0] > 0.0, intervals[:, 1] < 0.0
    if above.all():
        return "minimum"
    if below.all():
        return "maximum"
    return "saddle" if above.any() and below.any() else "undetermined"


def eigenvalue_radius(H: Floats, error: Floats) -> float:
    """Return rho >= ||E||_2 for every symmetric |E| <= error, and the rounding of eigh."""
    return norm(error) + 4.0 * len(H) * EPS * norm(H)


def norm(matrix: Floats) -> float:
    """Return the Frobenius norm, without overflow on the way."""
    largest = float(np.abs(matrix).max(initial=0.0))
    if not 0.0 < largest < np.inf:
        return largest
    return largest * float(np.linalg.norm(matrix / largest))


def _neighbours(
    f: Evaluator, x: Floats, fun: float, intervals: Floats, vectors: Floats, rng: object
) -> tuple[Floats | None, Floats | None]:
    """Return points near x where f is lower, and higher, the nearest that show it.

    They lie on spheres, along the directions whose eigenvalue may be 0 and 32 combinations of them.
    """
    flat = vectors[:, (intervals[:, 0] <= 0.0) & (intervals[:, 1] >= 0.0)].T
    weights = uniform(as_key(rng), 0, _COMBINATIONS, len(flat)) - 0.5
    mixed = weights @ flat
    directions = np.concatenate([flat, -flat, mixed / np.linalg.norm(mixed, axis=1)[:, None]])
    lower, higher = None, None
    for radius in RADII:
        points = x + radius * float(scale(x).max()) * directions
        values = f.many(points)[:, 0]
        with np.errstate(invalid="ignore"):
            margin = _ROUNDING * f.eps * np.maximum(np.abs(values), abs(fun))
            falls, rises = fun - values - margin, values - fun - margin
        falls, rises = np.nan_to_num(falls, nan=-1.0), np.nan_to_num(rises, nan=-1.0)
        if lower is None and falls.max() > 0.0:
            lower = points[int(falls.argmax())].copy()
        if higher is None and rises.max() > 0.0:
            higher = points[int(rises.argmax())].copy()
    return lower, higher
