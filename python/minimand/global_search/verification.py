"""The lower bound of a result, proved again in plain NumPy from f and the cover alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate, Status
from minimand.global_search.grid import centres
from minimand.global_search.problem import (
    ENOUGH,
    EPS,
    NEAR,
    Constants,
    as_box,
    as_constants,
    as_function,
    grid_counts,
    rounding_of,
)
from minimand.global_search.quadratic import Quadratic, as_quadratic
from minimand.global_search.result import certificates
from minimand.global_search.tree import Cover, derivatives, rebuild

if TYPE_CHECKING:
    from minimand.global_search.result import GlobalResult


def recompute(
    result: GlobalResult,
    f: Any,
    bounds: object,
    *,
    grad: Any,
    hessian: Any,
    lipschitz: object,
    gradient_lipschitz: object,
    hessian_lipschitz: object,
    f_error: object,
) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as f and the constants show them.

    Raises
    ------
    CertificateError
        A number of the result is not what f shows.
    """
    f = as_quadratic(as_function("f", f))
    box, scalar = as_box("bounds", bounds)
    constants = as_constants(f, box, lipschitz, gradient_lipschitz, hessian_lipschitz, f_error)
    plain = Plain(f, grad, hessian, box, scalar=scalar)
    x = np.atleast_1d(np.asarray(result.x))
    if x.shape != (len(box),):
        raise ValueError(f"bounds has {len(box)} variables but the result has {x.size}")
    value = float(plain.values(x[np.newaxis])[0])
    problems = _contradictions(result, x, box)
    cover, scale = _cover(result, plain, box, constants, problems)
    rounding = 64.0 * EPS * (scale + abs(result.fun)) + constants.margin
    lower, excess = -math.inf, -math.inf
    if cover is not None and math.isfinite(result.lower_bound):
        lower = min(float(cover.bound.min(initial=math.inf)), result.fun)
        rounding += _of_differences(result, plain, cover, box, constants)
        excess = result.lower_bound - lower
        if excess <= NEAR * result.tol:  # else the certificate says it
            problems += _misplaced(result, cover, rounding)
    elif result.minimizer_boxes.size:
        problems.append("minimizer_boxes are there without a bound")
    if result.status is Status.CONSTANT_REFUTED:
        above = cover is not None and cover.bound.min(initial=math.inf) > result.fun + rounding
        if not (above or refutes(result.witness, plain, box, constants)):
            problems.append("witness does not refute the constants")
    if problems:
        raise CertificateError(f"GlobalResult does not verify: {'; '.join(problems)}")
    return certificates(
        gap=result.fun - lower if math.isfinite(result.gap) else math.inf,
        tol=result.tol * (1.0 + 1e-3),
        certified=result.certified,
        excess=max(excess, 0.0),
        value=abs(value - result.fun),
        rounding=rounding,
    )


def _of_differences(
    result: GlobalResult, plain: Plain, cover: Cover, box: Floats, constants: Constants
) -> float:
    """Return what rounding of f at rebuilt points changes in a bound by central differences."""
    if result.method != "branch_and_bound" or plain.has_gradient or not len(cover.bound):
        return 0.0
    K = constants.curvature
    if not math.isfinite(K):
        return 0.0
    noise = rounding_of(plain.values, box, K, constants.margin)
    widths = float(cover.half[int(cover.bound.argmin())].sum())
    return 0.5 * math.sqrt(0.5 * noise * K) * widths


class Plain:
    """f and its derivatives at points (m, n): all at once if that agrees with one by one."""

    def __init__(self, f: Any, grad: Any, hessian: Any, box: Floats, *, scalar: bool) -> None:
        quadratic = isinstance(f, Quadratic)
        self._f, self._scalar, self.n = f, scalar, len(box)
        self._grad = f.grad if quadratic else grad
        self._hessian = (
            (lambda x: np.broadcast_to(f.Q, (*x.shape, len(box)))) if quadratic else hessian
        )
        self.has_gradient, self.has_hessian = self._grad is not None, self._hessian is not None

    def values(self, points: Floats) -> Floats:
        """Return f (m,)."""
        return self._ask(self._f, points, ())

    def gradients(self, points: Floats) -> Floats:
        """Return the gradients (m, n)."""
        if self._scalar:
            return self._ask(self._grad, points, ())[:, np.newaxis]
        return self._ask(self._grad, points, (self.n,))

    def hessians(self, points: Floats) -> Floats:
        """Return the Hessians (m, n, n)."""
        return self._ask(self._hessian, points, () if self._scalar else (self.n, self.n)).reshape(
            -1, self.n, self.n
        )

    def _ask(self, function: Any, points: Floats, shape: tuple[int, ...]) -> Floats:
        where = points[:, 0] if self._scalar else points
        single = where.tolist() if self._scalar else where
        if not len(points):
            return np.empty((0, *shape))
        first = np.reshape(np.asarray(function(single[0]), dtype=np.float64), shape)
        try:
            found = np.asarray(function(where), dtype=np.float64)
        except Exception:  # it takes one point at a time
            found = np.empty(0)
        apart = 1e-8 * (1.0 + np.abs(first).max(initial=0.0))
        if found.shape == (len(points), *shape) and (np.abs(found[0] - first) <= apart).all():
            return found
        return np.stack(
            [np.reshape(np.asarray(function(x), dtype=np.float64), shape) for x in single]
        )


def _contradictions(result: GlobalResult, x: Floats, box: Floats) -> list[str]:
    problems = []
    if not ((box[:, 0] <= x) & (x <= box[:, 1])).all():
        problems.append("x is outside the bounds")
    gap = result.fun - result.lower_bound
    if not (gap == result.gap and result.certified == (gap <= result.tol * ENOUGH)):
        problems.append("gap and certified do not belong to fun and lower_bound")
    if result.status is Status.CONVERGED and not result.certified:
        problems.append("the status is CONVERGED but nothing is certified")
    return problems


def _cover(
    result: GlobalResult, plain: Plain, box: Floats, constants: Constants, problems: list[str]
) -> tuple[Cover | None, float]:
    """Return a cover of the box with bounds, and the size of f."""
    if result.method == "piyavskii":
        return _line(result, plain, box, constants, problems)
    if result.method == "grid":
        return _grid(result, plain, box, constants)
    cover, nodes, values = rebuild(result.actions, plain, box, constants, result.method)
    scale = float(np.abs(values).max())
    if values.shape != result.values.shape:
        problems.append(f"values has shape {result.values.shape}, the tree {values.shape}")
        return None, scale
    steps = float(np.abs(box).max()) * max(result.lipschitz_observed, 1.0)
    if not (
        np.abs(values - result.values) <= 1e-9 * (scale + steps) + 2.0 * constants.margin
    ).all():
        problems.append("values are not what f returns")
    if result.fun > float(values.min()) + 1e-9 * (scale + steps):
        problems.append("fun is not the least of the values")
    if result.certified_up_to is not None:
        above = values[nodes] - result.fun - constants.margin + result.tol
        with np.errstate(divide="ignore"):
            known = float((above / np.linalg.norm(cover.half, axis=1)).min())
        same = result.certified_up_to == known  # infinite ones, too
        if not (same or abs(result.certified_up_to - known) <= 1e-6 * abs(known)):
            problems.append(f"certified_up_to is {result.certified_up_to}, the tree says {known}")
    return cover, scale


def _line(
    result: GlobalResult, plain: Plain, box: Floats, constants: Constants, problems: list[str]
) -> tuple[Cover | None, float]:
    x, values = result.points, result.values
    ends = x.size > 1 and x[0] == box[0, 0] and x[-1] == box[0, 1]
    if not (ends and (np.diff(x) > 0.0).all()):
        problems.append("points do not go from one end to the other")
        return None, 0.0
    f = plain.values(x[:, np.newaxis])
    scale = float(np.abs(f).max())
    if (
        f.shape != values.shape
        or not (np.abs(f - values) <= 64.0 * EPS * scale + 2.0 * constants.margin).all()
    ):
        problems.append("values are not what f returns")
    slope = plain.gradients(x[:, np.newaxis])[:, 0] if plain.has_gradient else None
    bound = teeth(x, f, slope, constants) - constants.margin
    edges = np.stack([x[:-1], x[1:]], axis=1)
    return Cover(low=edges[:, :1], high=edges[:, 1:], bound=bound), scale


def teeth(x: Floats, f: Floats, slope: Floats | None, constants: Constants) -> Floats:
    """Return the least value between neighbours that the constants allow."""
    M, K = constants.lipschitz, constants.curvature
    w, fa, fb = np.diff(x), f[:-1], f[1:]
    bound = np.full(len(w), -math.inf)
    if math.isfinite(M):
        bound = np.maximum(bound, (fa + fb - M * w) / 2.0)
    if math.isfinite(K):
        # f(a + t) >= chord - K t (w - t)/2, which is convex in t.
        t = np.clip(w / 2.0 - (fb - fa) / (K * w), 0.0, w)
        bound = np.maximum(bound, fa + (fb - fa) * (t / w) - K * t * (w - t) / 2.0)
        if slope is not None:
            ga, gb = slope[:-1], slope[1:]
            with np.errstate(all="ignore"):
                t = (fa - fb + gb * w + K * w**2 / 2.0) / (K * w + gb - ga)
            t = np.clip(np.nan_to_num(t), 0.0, w)
            left = fa + ga * t - K * t**2 / 2.0
            right = fb - gb * (w - t) - K * (w - t) ** 2 / 2.0
            # Both are concave; left of the crossing the first one counts, right of it the other.
            low = np.minimum(np.minimum(fa, fb), np.minimum(left, right))
            bound = np.maximum(bound, low)
    return bound


def _grid(
    result: GlobalResult, plain: Plain, box: Floats, constants: Constants
) -> tuple[Cover, float]:
    counts = grid_counts(box, constants, constants.lipschitz, result.tol)
    total = math.prod(counts)
    c = centres(box, counts, 0, total)
    f = plain.values(c)
    h = 0.5 * (box[:, 1] - box[:, 0]) / counts
    M = constants.lipschitz
    reach = M * math.sqrt(float(h @ h)) if math.isfinite(M) else float(constants.slopes @ h)
    return Cover(low=c - h, high=c + h, bound=f - reach - constants.margin), float(np.abs(f).max())


def _misplaced(result: GlobalResult, cover: Cover, slack: float) -> list[str]:
    """Return what is wrong with the boxes of the minimisers."""
    import scipy

    edges = np.concatenate([cover.low, cover.high], axis=1)
    recorded = np.concatenate(
        [result.minimizer_boxes[..., 0], result.minimizer_boxes[..., 1]], axis=1
    )
    must = edges[cover.bound <= result.fun + 0.5 * NEAR * result.tol - slack]
    near = 1e-9 * (1.0 + float(np.abs(edges).max(initial=0.0)))
    for some, all_of_them in ((recorded, edges), (must, recorded)):
        if not len(some):
            continue
        if not len(all_of_them) or not np.isfinite(some).all():
            return ["minimizer_boxes are not those of the cover"]
        far = scipy.spatial.cKDTree(all_of_them).query(some)[0]
        if not (far <= near).all():
            return ["minimizer_boxes are not those of the cover"]
    return []


def refutes(points: Floats, plain: Plain, box: Floats, constants: Constants) -> bool:
    """Return whether values and derivatives at these points show that a constant is too small."""
    f = plain.values(points)
    M, K, third = constants.lipschitz, constants.curvature, constants.third
    i, j = np.triu_indices(len(points), 1)
    d = points[j] - points[i]
    r, rise = np.linalg.norm(d, axis=1), f[j] - f[i]
    shown: list[tuple[Floats, Any]] = [(np.abs(rise) / r, M)]
    if np.isfinite(constants.slopes).all():
        shown.append((np.abs(rise), np.abs(d) @ constants.slopes))
    g, e, H = derivatives(plain, points, box, constants)
    # Differences do not look across a face.
    on_face = (points == box[:, 0]) | (points == box[:, 1])
    unknown = on_face & (not plain.has_gradient)
    if g is not None and e is not None:
        steep = np.maximum(np.abs(g) - e, 0.0)
        shown += [(np.linalg.norm(steep, axis=1), M), *zip(steep.T, constants.slopes, strict=True)]
        for a, sign in ((i, 1.0), (j, -1.0)):
            rest = rise - np.sum(g[a] * d, axis=1)
            error = np.sum(np.where(unknown[a] & (d != 0.0), np.inf, e[a] * np.abs(d)), axis=1)
            shown.append((2.0 * (np.abs(rest) - error) / r**2, K))
            if H is not None:
                bend = 0.5 * np.einsum("ki,kij,kj->k", d, H[a], d)
                shown.append((6.0 * np.abs(rest - sign * bend) / r**3, third))
    if len(points) == 3 and points.shape[1] == 1:
        slope = np.diff(f) / np.diff(points[:, 0])
        shown.append((2.0 * np.abs(np.diff(slope)) / (points[-1] - points[0]), K))
    return any(bool((seen > known).any()) for seen, known in shown)
