"""How good a solution is, from the triangle of the scaled columns and the gradient alone.

The certified matrix B is X, weighted, centred (with an intercept), its columns scaled to length 1.
With omega = ||r|| / ||x|| and g = B'r the backward error of x is, within a factor sqrt(2),

    || (B'B + omega^2 I)^(-1/2) g || / (||x|| ||B||_F)

Karlson, Walden, "Estimation of optimal backward perturbation bounds for the linear least squares
problem", BIT 37 (1997) 862; Grcar, Saunders, Su, "Estimates of optimal backward perturbations for
linear least squares problems" (2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.result import Certificate
from minimand.least_squares.moments import UNIT, Moments

_SAFE_TO_SQUARE = 1e4  # condition up to which R'R serves as well as R
_SVD_COLUMNS = 128  # up to here the singular values are computed, above they are estimated


@dataclass(frozen=True, slots=True)
class Quality:
    """What one evaluation of the gradient tells about a solution."""

    backward_error: float
    normal_equations: float
    intercept: float
    objective_gap: float
    objective_rounding: float  # the gap that rounding the coefficients may leave
    residual_norm: Floats
    perfect_fit: bool


def quality(
    R: Floats,
    x: Floats,
    gradient: Floats,
    squares: Floats,
    constant: Floats,
    summands: Floats,
    kappa: float,
    target_norm: Floats,
    moments: Moments,
    penalty: Floats,
    kernels: ModuleType,
) -> Quality:
    """Assess the scaled coefficients `x` (n, k).

    R : triangle of B, penalty rows folded in; gradient : B'r - penalty^2 x; squares : ||r||^2;
    constant : sum w r (0 without an intercept); summands : |b0| + sum |mean_j coef_j|;
    kappa : condition of R;
    target_norm : ||y||; penalty : sqrt(ridge) / s_j.
    """
    frobenius = float(np.hypot(moments.frobenius, np.linalg.norm(penalty)))
    size = np.linalg.norm(x, axis=0)
    penalised = squares + np.sum((penalty[:, None] * x) ** 2, axis=0)
    residual = np.sqrt(penalised)
    if not (np.isfinite(x).all() and np.isfinite(gradient).all() and np.isfinite(residual).all()):
        return Quality(np.nan, np.nan, np.nan, np.nan, 0.0, np.sqrt(squares), False)
    reference = frobenius * size + target_norm
    perfect = residual <= 10 * R.shape[1] * UNIT * reference
    backward = normal = gap = gap_rounding = 0.0
    for j in range(x.shape[1]):
        g = gradient[:, j]
        # Rounding x alone moves B'r by u ||B||^2 ||x||, however small the residual is.
        size_of_sums = frobenius * (residual[j] + frobenius * size[j])
        if size_of_sums > 0:
            normal = max(normal, np.abs(g).max(initial=0.0) / size_of_sums)
        if perfect[j]:
            backward = max(backward, residual[j] / reference[j] if reference[j] > 0 else 0.0)
            continue
        backward = max(
            backward, _karlson_walden(R, g, size[j], residual[j], frobenius, kappa, kernels)
        )
        if penalty.any():
            gap = max(gap, _excess(R, g, kernels) / penalised[j])
            gap_rounding = max(gap_rounding, (len(x) * UNIT * reference[j]) ** 2 / penalised[j])
    root = np.sqrt(moments.total_weight)
    scale = root * (residual + moments.frobenius * size + root * summands)
    share = np.divide(np.abs(constant), scale, out=np.zeros_like(scale), where=scale > 0)
    return Quality(
        float(backward), float(normal), float(share.max(initial=0.0)), float(gap),
        float(gap_rounding),
        np.sqrt(squares), bool(perfect.all()),
    )  # fmt: skip


def _karlson_walden(
    R: Floats,
    g: Floats,
    size: float,
    residual: float,
    frobenius: float,
    kappa: float,
    kernels: ModuleType,
) -> float:
    """Return ||(size^2 R'R + residual^2 I)^(-1/2) g|| / ||B||: the formula above, all limits in."""
    if not g.any():
        return 0.0
    if R.shape[0] < R.shape[1]:  # g lies in the span of the rows, so a basis of it will do
        columns = np.ascontiguousarray(R.T)
        Q, R = np.empty_like(columns), np.empty((R.shape[0], R.shape[0]))
        kernels.qr_factor(columns, Q, R, 1)
        R, g = np.ascontiguousarray(R.T), Q.T @ g
    n, unit = R.shape[1], float(np.hypot(size, residual))
    a, b = size / unit, residual / unit
    if kappa < _SAFE_TO_SQUARE:
        lower = a**2 * (R.T @ R) + b**2 * np.eye(n)
        kernels.cholesky_factor(lower, 1)
        stack = np.ascontiguousarray(lower.T)
    else:
        stack = np.zeros((n, n))
        stack[: R.shape[0]] = a * R[:n]
        kernels.merge_r(stack, b * np.eye(n))
    z = g.reshape(-1, 1).copy()
    kernels.solve_triangular(stack, z, False, True, 1)
    return float(np.linalg.norm(z)) / unit / frobenius


def _excess(R: Floats, g: Floats, kernels: ModuleType) -> float:
    """Return g'(R'R)^-1 g = f(x) - min f: the objective is quadratic."""
    used = np.any(R != 0, axis=0)  # constant columns take no part
    stack = np.zeros((np.count_nonzero(used),) * 2)
    kernels.merge_r(stack, np.ascontiguousarray(R[:, used]))
    z = np.ascontiguousarray(g[used, None])
    if kernels.solve_triangular(stack, z, False, True, 1):
        return np.inf
    return float(np.sum(z**2))


def condition(head: Floats, kernels: ModuleType) -> float:
    """Return the ratio of the extreme singular values of a triangle."""
    n = head.shape[0]
    if n == 0:
        return 1.0
    if n > _SVD_COLUMNS:
        return _estimated_condition(head, kernels)
    s = np.empty(n)
    kernels.svd(head, np.empty((n, n)), s, np.empty((n, n)))
    return float(s[0] / s[-1]) if s[-1] > 0 else np.inf


def _estimated_condition(head: Floats, kernels: ModuleType, steps: int = 12) -> float:
    """Subspace iteration with R'R and its inverse on a few fixed vectors: within a few per cent."""
    n = head.shape[0]
    if not np.diag(head).all():
        return np.inf
    start = np.cos(np.outer(np.arange(n), np.arange(1.0, 7.0)) + np.arange(6.0))
    large, small = np.linalg.qr(start)[0], np.linalg.qr(start)[0]
    for _ in range(steps):
        large = np.linalg.qr(head.T @ (head @ large))[0]
        small = np.ascontiguousarray(small)
        kernels.solve_triangular(head, small, False, True, 1)
        kernels.solve_triangular(head, small, False, False, 1)
        small = np.ascontiguousarray(np.linalg.qr(small)[0])
    return float(
        np.linalg.norm(head @ large, 2) / np.linalg.svd(head @ small, compute_uv=False)[-1]
    )


def accuracy(found: Quality, kappa: float, x: Floats, moments: Moments) -> tuple[float, float]:
    """Return the digits that the backward error guarantees, and those that the data carry."""
    size, residual = np.linalg.norm(x), np.linalg.norm(found.residual_norm)
    ratio = residual / (moments.frobenius * size) if size > 0 else 0.0
    sensitivity = kappa * (1.0 + kappa * float(ratio))
    with np.errstate(divide="ignore"):
        digits = -np.log10(sensitivity * max(found.backward_error, UNIT))
        data_digits = -np.log10(sensitivity * moments.worst_noise)
    return float(np.clip(digits, 0.0, 16.0)), float(np.clip(data_digits, 0.0, 16.0))


def bound(columns: int, rounding: float) -> float:
    """Return the backward error up to which a solution counts as accurate: 10 n rounding errors."""
    return 10 * columns * rounding


def certificates(
    found: Quality, columns: int, rounding: float, *, intercept: bool, ridge: bool
) -> tuple[Certificate, ...]:
    """Put the quality of a solution into words."""
    limit, grain = bound(columns, rounding), columns * rounding
    fit = "a perfect fit" if found.perfect_fit else "an exact minimiser"
    rows = [
        ("backward error", found.backward_error, f"relative change of X that makes coef {fit}"),
        (
            "normal equations",
            found.normal_equations,
            "X'r against ||X|| (||r|| + ||X|| ||coef||), columns of length 1",
        ),
    ]
    if intercept:
        rows.append(
            ("intercept", found.intercept, "sum of the residuals against what is added up in them")
        )
    listed = [Certificate(name, value, limit, text, grain) for name, value, text in rows]
    if ridge:
        text = "relative excess of the penalised sum of squares over its minimum"
        fine = found.objective_rounding
        gap = found.objective_gap
        listed.append(
            Certificate("objective gap", gap, max(1e-8, 10 * fine), text, max(1e-20, fine))
        )
    return tuple(listed)
