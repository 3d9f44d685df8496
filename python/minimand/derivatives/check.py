"""Checks of a gradient that somebody wrote by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, as_matrix, positive_float, positive_int
from minimand._common.backend import Backend
from minimand._common.random import as_key, below
from minimand._common.result import Certificate, Result, Status
from minimand.derivatives.arguments import Function, as_point
from minimand.derivatives.differences import difference
from minimand.derivatives.estimate import Estimate
from minimand.derivatives.evaluate import Evaluator
from minimand.derivatives.lines import CoordinateLines, DirectionLines, Lines
from minimand.derivatives.run import Options, check_options, evaluator, noise_of

MOST_ENTRIES = 1000  # that are checked one by one
DIRECTIONS = 50
_FLOOR = 1e-3  # of the largest slope: smaller entries are measured by this much of it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GradientCheck(Result):
    """A gradient beside differences, entry by entry or along directions.

    Attributes
    ----------
    ok : bool
        Whether every slope is within its error, or within `rtol`, of the differences.
    worst : int
        The entry (or direction) whose relative error is the largest of those that fail, or of all.
    relative_error : float
        Largest |given - numerical|/max(|given|, |numerical|, 1e-3 of the largest slope).
    given : ndarray (m,)
        The entries of the gradient, or its slopes along the directions.
    numerical, error : ndarray (m,)
        Differences of f, and their errors.
    relative : ndarray (m,)
        The relative errors.
    passed : ndarray of bool (m,)
        The verdict on each slope.
    kinks : ndarray of int (k,)
        Slopes that differ to the left and to the right; what is given may be either, or in between.
    directions : ndarray (m, n) or None
        Unit vectors, where slopes were checked along directions.
    x : ndarray (n,)
        Where.
    rtol : float
        As given.
    evaluations : int
        Points at which f was asked for its value.
    """

    ok: bool
    worst: int
    relative_error: float
    given: Floats
    numerical: Floats
    error: Floats
    relative: Floats
    passed: NDArray[np.bool_]
    kinks: NDArray[np.int64]
    directions: Floats | None
    x: Floats
    rtol: float
    evaluations: int

    def __bool__(self) -> bool:
        return self.ok

    @property
    def table(self) -> str:
        """The worst twenty slopes as lines of text."""
        rows = np.argsort(-np.where(self.passed, -1.0, 1.0) - self.relative, kind="stable")[:20]
        lines = ["    entry        given    numerical   its error   relative"]
        for i in rows:
            mark = "" if self.passed[i] else "  WRONG"
            mark = "  kink" if i in self.kinks and self.passed[i] else mark
            lines.append(
                f"{i:9d} {self.given[i]:12.5g} {self.numerical[i]:12.5g} {self.error[i]:11.1e} "
                f"{self.relative[i]:10.1e}{mark}"
            )
        return "\n".join(lines)

    def verify(
        self, f: Any, grad: Any, x: object, *, args: tuple[Any, ...] = ()
    ) -> tuple[Certificate, ...]:
        """Compare gradient and five-point differences again, in plain NumPy.

        Parameters
        ----------
        f, grad, x, args
            As they were given.

        Raises
        ------
        CertificateError
            When the verdict or a number of the result is not what f and grad show.
        """
        return Result.verify(self, f, grad, x, args=args)

    def _recompute(self, f: Any, grad: Any, x: object, *, args: Any) -> tuple[Certificate, ...]:
        from minimand.derivatives.verification.check import recompute

        return recompute(self, f, grad, x, args)


def check_gradient(
    f: Function,
    grad: Function,
    x: object,
    *,
    directions: object = None,
    rtol: float = 1e-6,
    bounds: object = None,
    noise: object = None,
    vectorized: bool | None = None,
    args: tuple[Any, ...] = (),
    rng: object = 0,
    backend: Backend = "cpp",
) -> GradientCheck:
    """Compare a gradient with differences of f, and say which entries are wrong.

    Parameters
    ----------
    f, grad : callable
        f(x, *args) -> number, grad(x, *args) -> vector (n,).
    x : array_like (n,)
        Where.
    directions : int or array_like (m, n), optional
        Slopes along so many random directions, or along these, instead of entries. By default 50
        where n is above 1000.
    rtol : float
        A slope also passes when it is this close, relative to itself or, where it is small, to
        1e-3 of the largest.
    bounds : sequence of n pairs, optional
        (low, high) for each variable; not with directions.
    noise : float or "estimate", optional
        Absolute noise of f; see `derivative`.
    vectorized : bool, optional
        Whether f takes points in the rows of a matrix; by default that is tried.
    args : tuple
        Further arguments of f and grad.
    rng : int, Generator, ...
        Of random directions.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    GradientCheck
        True or False in a condition; `worst`, `relative_error` and `table` say more. At a kink of f
        any number between the two slopes passes.

    Raises
    ------
    ValueError, TypeError
        Bad arguments, or f or grad return something else than they should.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> check = minimand.check_gradient(
    ...     lambda p: np.sin(p).sum(), lambda p: np.cos(p) * [1, 1, 1.001], [0.5, 1.0, 1.5]
    ... )
    >>> check.ok, check.worst
    (False, 2)
    """
    # Check and convert
    start = time.perf_counter()
    position = as_point("x", x)
    tolerance = positive_float("rtol", rtol)
    along = _directions(directions, len(position), rng)
    if along is not None and bounds is not None:
        raise ValueError("bounds is given, but directions leave it; check entries, or leave it out")
    options = check_options(
        position,
        methods=("central",),
        method="central",
        step=None,
        bounds=bounds,
        pairs=True,
        noise=noise,
        derivative_bound=None,
        vectorized=vectorized,
        args=args,
        backend=backend,
        start=start,
    )

    # Drive
    slopes = evaluator("grad", grad, options, vector=True)
    gradient = slopes.start(position[np.newaxis], False)[0]
    if gradient.shape != position.shape:
        raise ValueError(f"grad returned {len(gradient)} numbers for {len(position)} variables")
    evaluate, lines = _lines(f, position, along, options)
    found = difference(lines, noise=noise_of(options, lines))
    given = gradient if along is None else along @ gradient
    relative, passed = judge(given, found, tolerance)

    # Certify and return
    candidates = relative if passed.all() else np.where(passed, -1.0, relative)
    return GradientCheck(
        status=Status.UNDEFINED_NEARBY if found.missed.any() else Status.CONVERGED,
        iterations=0,
        history=(),
        seconds=time.perf_counter() - start,
        backend=options.backend,
        certificates=(certificate(int(np.count_nonzero(~passed))),),
        ok=bool(passed.all()),
        worst=int(np.argmax(candidates)),
        relative_error=float(relative.max()),
        given=given.copy(),
        numerical=found.value[:, 0].copy(),
        error=found.error[:, 0].copy(),
        relative=relative,
        passed=passed,
        kinks=np.flatnonzero(found.kinks[:, 0]),
        directions=along,
        x=position,
        rtol=tolerance,
        evaluations=evaluate.evaluations,
    )


def judge(given: Floats, found: Estimate, rtol: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the relative errors, and which slopes pass."""
    numerical, error = found.value[:, 0], found.error[:, 0]
    apart = np.abs(given - numerical)
    size = relative_size(given, numerical)
    relative = np.divide(apart, size, out=np.zeros_like(apart), where=size > 0.0)
    relative[~np.isfinite(apart)] = np.inf
    # A kink's error covers all slopes between the two sides, twice.
    covered = np.where(found.kinks[:, 0], 0.5 * error, error)
    return relative, (apart <= covered * (1.0 + 1e-9)) | (relative <= rtol)


def relative_size(given: Floats, numerical: Floats) -> Floats:
    """Return what the difference of two slopes is relative to."""
    size = np.maximum(np.abs(given), np.nan_to_num(np.abs(numerical), nan=0.0))
    return np.asarray(np.maximum(size, _FLOOR * size.max()))


def certificate(wrong: int) -> Certificate:
    """Return the certificate of a check: the verdict, which `verify` has to reach as well."""
    return Certificate(
        "wrong slopes", float(wrong), 0.0, "slopes of the gradient that differences refute"
    )


def _directions(value: object, n: int, rng: object) -> Floats | None:
    """Return unit directions (m, n), None for entry by entry."""
    if value is None and n <= MOST_ENTRIES:
        return None
    if value is None or isinstance(value, (int, np.integer)):
        count = DIRECTIONS if value is None else positive_int("directions", value)
        # Signs: every entry of a gradient counts in every slope.
        signs = below(as_key(rng), 0, 2, count, n)
        return np.asarray((2.0 * signs - 1.0) / np.sqrt(n))
    rows = as_matrix("directions", value, columns=n)
    norms = np.linalg.norm(rows, axis=1)
    if not norms.all():
        raise ValueError(f"directions has a zero vector at row {int((norms == 0).argmax())}")
    return np.asarray(rows / norms[:, np.newaxis])


def _lines(
    f: Function, x: Floats, directions: Floats | None, options: Options
) -> tuple[Evaluator, Lines]:
    evaluate = evaluator("f", f, options)
    value = evaluate.start(x[np.newaxis], options.vectorized)
    if directions is not None:
        return evaluate, DirectionLines(evaluate, x, directions, value, options.compiled)
    centre = np.broadcast_to(value, (len(x), 1))
    return evaluate, CoordinateLines(evaluate, x, options.bounds, centre, options.compiled)
