"""The public function."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats, as_matrix, one_of, positive_float
from minimand._common.backend import Backend
from minimand._common.errors import ConvergenceWarning
from minimand._common.iterate import Outcome, drive
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.ellipsoid.body import Body, enclosing, log_unit_ball, single_point
from minimand.ellipsoid.cloud import Cloud, check_magnitudes
from minimand.ellipsoid.hull import Hull, affine_hull
from minimand.ellipsoid.result import EllipsoidResult, Found, certificates
from minimand.ellipsoid.support import core_set
from minimand.ellipsoid.verification import disagreement, gap_rounding, off_hull
from minimand.ellipsoid.working_set import MAX_ROUNDS, WorkingSet

_LARGE_CONDITION = 1e3  # of points around the origin it is below 10 or so


def min_volume_ellipsoid(
    points: object,
    *,
    tol: float = 1e-9,
    on_degenerate: Literal["raise", "subspace"] = "raise",
    threads: int | None = None,
    backend: Backend = "cpp",
) -> EllipsoidResult:
    """Find the ellipsoid of least volume that holds all points (Löwner and John), and prove it.

    Minimises over symmetric positive definite A and b

        -log det A  subject to  ||A x_i + b|| <= 1 for all rows x_i of `points`.

    Parameters
    ----------
    points : array_like (m, d)
        One row for each point.
    tol : float
        The gap log(volume / lower bound of all volumes) to certify.
    on_degenerate : {"raise", "subspace"}
        Points that lie in a plane of fewer dimensions: raise an error, or find the ellipsoid of
        least area within that plane.
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    EllipsoidResult
        The ellipsoid in all its forms, the points that determine it, and a lower bound for the
        volume of every other one; `result.verify(points)` checks all of it in plain NumPy.

    Raises
    ------
    DegeneratePointsError
        The points lie in a plane of fewer dimensions. It is a ValueError that knows the plane.
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    One point far out moves the whole ellipsoid: it encloses, it does not estimate. Sources: F.
    John (1948); L. Khachiyan, Math. Oper. Res. 21 (1996) 307; P. Sun, R. M. Freund, Oper. Res. 52
    (2004) 690; P. Kumar, E. A. Yildirim, J. Optim. Theory Appl. 126 (2005) 1; M. Todd, E. A.
    Yildirim, Discrete Appl. Math. 155 (2007) 1731.

    Examples
    --------
    >>> import minimand
    >>> square = [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [0.2, 0.1]]
    >>> result = minimand.min_volume_ellipsoid(square)
    >>> result.radii.round(6), result.support
    (array([1.414214, 1.414214]), array([0, 1, 2, 3]))
    >>> [certificate.name for certificate in result.verify(square)]
    ['duality gap', 'containment', 'weights', 'forms']
    """
    # Check
    start = time.perf_counter()
    tol = positive_float("tol", tol)
    subspace = one_of("on_degenerate", on_degenerate, ("raise", "subspace")) == "subspace"
    workers = resolve_threads(threads)

    # Convert
    cloud = Cloud(as_matrix("points", points), backend, workers)
    check_magnitudes(cloud)
    hull = affine_hull(cloud, subspace=subspace)

    # Drive, certify, return
    solution = _point(hull) if hull.cloud is None else _solve(cloud, hull, tol)
    result = _report(cloud, solution, tol, backend, start)
    _warn(result)
    return result


@dataclass(frozen=True, slots=True)
class _Solution:
    """The ellipsoid, its core set, and what the weights prove."""

    body: Body
    rows: NDArray[np.int64]
    weights: Floats
    lower_bound: float
    epsilons: tuple[float, float]
    outcome: Outcome


def _point(hull: Hull) -> _Solution:
    outcome = Outcome(Status.CONVERGED, 0, (), 0.0)
    row, weight = np.zeros(1, dtype=np.int64), np.ones(1)
    return _Solution(single_point(hull.center), row, weight, 0.0, (0.0, 0.0), outcome)


def _solve(cloud: Cloud, hull: Hull, tol: float) -> _Solution:
    assert hull.cloud is not None
    assert hull.frame is not None
    working = WorkingSet(hull.cloud, hull.frame, tol)
    outcome = drive(working.advance, max_iterations=MAX_ROUNDS)
    core_set(working)
    rows, weights, found = working.rows, working.weights, working.found

    r = hull.cloud.dimension
    points = cloud.points[rows]
    center = points[0] + weights @ (points - points[0])
    body = enclosing(cloud, found.local @ hull.frame.transform, center, hull.basis)
    half_log_det = float(np.log(np.diag(found.factor)).sum()) - hull.frame.log_det
    nearest = float(found.distances(working.y).min())
    return _Solution(
        body=body,
        rows=rows,
        weights=weights,
        lower_bound=half_log_det + 0.5 * r * math.log(r) + log_unit_ball(r),
        epsilons=((body.distance + 1.0) / (r + 1) - 1.0, 1.0 - (nearest + 1.0) / (r + 1)),
        outcome=outcome,
    )


def _report(
    cloud: Cloud, solution: _Solution, tol: float, backend: str, start: float
) -> EllipsoidResult:
    """Certify, and put the solution into the user's terms."""
    body, outcome = solution.body, solution.outcome
    weights = np.zeros(cloud.count)
    weights[solution.rows] = solution.weights
    gap = max(0.0, body.log_volume - solution.lower_bound)
    status = outcome.status
    if status is not Status.MAX_ITERATIONS:
        status = Status.CONVERGED if gap <= tol else Status.NOT_CERTIFIED
    forms = {
        name: getattr(body, name)
        for name in ("A", "b", "center", "shape", "axes", "radii", "basis")
    }
    found = Found(
        gap=gap,
        rounding=gap_rounding(body.radii, cloud.dimension, body.condition),
        largest=body.largest,
        imbalance=abs(float(solution.weights.sum()) - 1.0),
        disagreement=disagreement(**forms),
        off_hull=off_hull(cloud.points, body.center, body.basis),
    )
    return EllipsoidResult(
        status=status,
        iterations=outcome.iterations,
        history=outcome.history,
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=certificates(found, tol),
        log_volume=body.log_volume,
        lower_bound=solution.lower_bound,
        gap=gap,
        weights=weights,
        support=np.sort(solution.rows),
        rank=len(body.radii),
        condition=body.condition,
        epsilon_plus=solution.epsilons[0],
        epsilon_minus=solution.epsilons[1],
        tol=tol,
        **forms,
    )


def _warn(result: EllipsoidResult) -> None:
    """Say what was not reached, and which knob to turn."""
    if result.status.ok:
        return
    knob = "this is as far as float64 goes here, ask for a larger tol"
    if result.status is Status.MAX_ITERATIONS:
        knob = f"{MAX_ROUNDS} rounds were not enough, ask for a larger tol"
    elif result.condition > _LARGE_CONDITION:
        knob = (
            f"A x + b magnifies rounding errors {result.condition:.1e} times here: subtract a "
            "center from the points, rescale thin directions, or ask for a larger tol"
        )
    text = f"the gap is {result.gap:.1e}, above tol = {result.tol:.1e}: {result.status.value} "
    warnings.warn(f"{text}To get further, {knob}.", ConvergenceWarning, stacklevel=3)
