"""What the tests of the ellipsoid share: an independent solver and ways to look at an answer."""

from __future__ import annotations

import math
import warnings

import numpy as np

import minimand

EPS = float(np.finfo(np.float64).eps)


def objective(result):
    """Return -log det A as the returned matrix has it."""
    return -float(np.linalg.slogdet(result.A)[1])


def solve(points, **options):
    """Solve, verify, and return the result; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = minimand.min_volume_ellipsoid(points, **options)
        result.verify(points)
    return result


def norms_in_many_orders(result, points):
    """Return max ||A x + b|| with the terms added up in several orders."""
    A, b = result.A, result.b
    products = points[:, np.newaxis, :] * A
    with_b = np.concatenate(
        [products, np.broadcast_to(b[:, np.newaxis], (*products.shape[:2], 1))], 2
    )
    sums = [
        points @ A.T + b,
        np.einsum("ij,kj->ik", points, A) + b,
        np.add.accumulate(with_b, axis=2)[..., -1],
        np.add.accumulate(with_b[..., ::-1], axis=2)[..., -1],
    ]
    norms = [np.linalg.norm(z, axis=1).max() for z in sums]
    norms += [math.hypot(*row) for row in sums[2][np.argsort(-norms_of(sums[2]))[:3]]]
    return max(norms)


def norms_of(z):
    return np.sqrt((z * z).sum(axis=1))


def wolfe_atwood(points, tol=1e-7):
    """Return lower and upper bounds of the least -log det A by coordinate ascent with away steps.

    M. Todd, E. A. Yildirim, Discrete Appl. Math. 155 (2007) 1731: nothing in common with the
    interior-point method but the problem.
    """
    m, d = points.shape
    D = d + 1
    q = np.column_stack([points, np.ones(m)])
    u = np.full(m, 1.0 / m)
    for step in range(100_000):
        if step % (50 * D) == 0:
            inverse = np.linalg.inv((q * u[:, np.newaxis]).T @ q)
            kappa = ((q @ inverse) * q).sum(axis=1)
        up, down = int(kappa.argmax()), int(np.where(u > 0, kappa, np.inf).argmin())
        if kappa[up] - D <= tol * D:
            break
        j = up if kappa[up] - D >= D - kappa[down] else down
        away = -u[j] / (1.0 - u[j])
        length = (kappa[j] - D) / (D * (kappa[j] - 1.0)) if kappa[j] > 1.0 + 1e-12 else away
        length = max(length, away)
        z = inverse @ q[j]
        t = length / (1.0 - length + length * kappa[j])
        inverse = (inverse - t * np.outer(z, z)) / (1.0 - length)
        kappa = (kappa - t * (q @ z) ** 2) / (1.0 - length)
        u *= 1.0 - length
        u[j] = max(u[j] + length, 0.0)
    center = u @ points
    S = ((points - center) * u[:, np.newaxis]).T @ (points - center)
    lower = 0.5 * np.linalg.slogdet(S)[1] + 0.5 * d * math.log(d)
    omega = ((points - center) * np.linalg.solve(S, (points - center).T).T).sum(axis=1)
    return lower, lower + 0.5 * d * math.log(omega.max() / d)
