"""Certificates of a least-squares fit, computed anew from the data by plain NumPy alone.

The certified matrix B is X, weighted, centred (with an intercept), its columns scaled to length 1
(constant columns become 0); x are the coefficients scaled accordingly and r = y_c - B x. With
B = U S V' the backward error is, within a factor sqrt(2),

    mu / ||B||_F,  mu = || (||x||^2 S^2 + ||r||^2)^(-1/2) V' B'r ||

Karlson, Walden, BIT 37 (1997) 862; Grcar, Saunders, Su (2007). Written like this the formula has
its limits built in: ||B'r|| / ||r|| for x = 0, and nothing to divide by ||x||. With a ridge, B
stands for [B; sqrt(ridge) diag(1/s)] and y for [y; 0], s being the lengths of the columns.

Nothing here is shared with the solver: no kernel, no reference implementation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minimand._common.errors import CertificateError
from minimand._common.result import Certificate
from minimand.least_squares.verification.backward_error import (
    Design,
    Found,
    assess,
    design,
    norm,
    ratio,
    triangle,
)
from minimand.least_squares.verification.claims import (
    false_coef,
    false_r_factor,
    false_rank,
    false_residual_norm,
)
from minimand.least_squares.verification.rows import Fit, column_moments, read

if TYPE_CHECKING:
    from minimand.least_squares.result import LeastSquaresResult

__all__ = ["recompute"]


def recompute(
    result: LeastSquaresResult, X: object, y: object, weights: object = None
) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the data alone show them.

    Parameters
    ----------
    result
        What a solver claims.
    X, y, weights
        The data as they were given to the solver. X may be float32 or a memory map of any size.

    Raises
    ------
    ValueError
        The data have another shape than the result.
    CertificateError
        `residual_norm`, `rank`, `pivots` or `r_factor` is not that of the data.
    """
    fit = Fit(result)
    data = read(fit, X, y, weights)
    with np.errstate(all="ignore"):  # what is not finite fails its certificate
        moments = column_moments(data)
        B = design(data, moments, fit)
        found = [assess(data, moments, B, fit, j) for j in range(fit.coef.shape[1])]
        problems = [
            *false_residual_norm(found, data, fit),
            *false_coef(B, fit),
            *false_rank(B, data, fit),
            *false_r_factor(B, fit),
        ]
    if problems:
        raise CertificateError(f"{type(result).__name__} does not verify: {'; '.join(problems)}")
    return _certificates(found, B, fit)


def _certificates(found: list[Found], B: Design, fit: Fit) -> tuple[Certificate, ...]:
    """Return the worst over the right-hand sides; NaN is the worst of all."""

    def worst(name: str) -> float:
        return float(np.max([getattr(one, name) for one in found]))

    # What the rank decision took for rounding of the data changes X no less than the answer.
    limit = max(B.bound, min(_cut(B, fit), _recorded_bound(fit)))
    grain = fit.columns * B.rounding
    goal = "a perfect fit" if all(one.perfect for one in found) else "an exact minimiser"
    listed = [
        ("backward error", f"relative change of X that makes coef {goal}"),
        ("normal equations", "X'r against ||X|| (||r|| + ||X|| ||coef||), columns of length 1"),
    ]
    if fit.claimed.has_intercept:
        listed.append(("intercept", "sum of the residuals against what is added up in them"))
    certificates = [
        Certificate(name, worst(name.replace(" ", "_")), limit, meaning, grain)
        for name, meaning in listed
    ]
    if fit.ridge:
        fine = worst("objective_rounding")
        meaning = "relative excess of the penalised sum of squares over its minimum"
        certificates.append(
            Certificate(
                "objective gap", worst("objective_gap"), max(1e-8, 10 * fine), meaning,
                max(1e-20, fine),
            )
        )  # fmt: skip
    return tuple(certificates)


def _cut(B: Design, fit: Fit) -> float:
    """Return the relative change of B that makes its rank the claimed one, with some slack."""
    rank = int(fit.claimed.rank)
    if rank >= min(B.R.shape):
        return 0.0
    tail = triangle(B.R[:, fit.claimed.pivots])[rank:, rank:]
    return 2 * ratio(norm(tail), B.frobenius)


def _recorded_bound(fit: Fit) -> float:
    recorded = [c.bound for c in fit.claimed.certificates if c.name == "backward error"]
    return max(recorded, default=0.0)
