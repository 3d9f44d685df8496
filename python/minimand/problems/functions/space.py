"""Functions of any number of variables."""

from typing import Any

import numpy as np

from minimand._common.arrays import positive_float, positive_int
from minimand.problems.functions.function import SmoothFunction, box

PI = float(np.pi)


def rosenbrock(n: int = 2) -> SmoothFunction:
    """Return sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2, a long bent valley.

    For n > 2 the constants come from bounds of the entries, and stationary points are not listed
    (there is a second minimum from n = 4 on).
    """
    n = positive_int("n", n)
    if n < 2:
        raise ValueError(f"n is {n}, expected at least 2")
    plane = n == 2
    ones = np.ones((1, n))
    return SmoothFunction(
        name=f"Rosenbrock {n}",
        dimension=n,
        f=_rosenbrock,
        grad=_rosenbrock_grad,
        hess=_rosenbrock_hess,
        bounds=box(*[(-2.0, 2.0)] * n),
        lipschitz=4960.0 if plane else 6006.0 * np.sqrt(n),
        gradient_lipschitz=5724.0 if plane else 7402.0,
        hessian_lipschitz=4880.0 if plane else None,
        polyak_lojasiewicz=None,
        minimum=0.0,
        minimizers=ones,
        stationary_points=ones.copy() if plane else None,
        kinds=("minimum",) if plane else (),
        source="Rosenbrock, Computer J. 3 (1960) 175.",
    )


def rastrigin(n: int = 2) -> SmoothFunction:
    """Return sum_i x_i^2 + 10 (1 - cos(2 pi x_i)): a minimum near every point of whole numbers."""
    n = positive_int("n", n)
    return SmoothFunction(
        name=f"Rastrigin {n}",
        dimension=n,
        f=lambda p: np.sum(_rastrigin(p), axis=-1) if n > 1 else _rastrigin(p),
        grad=lambda p: 2.0 * p + 20.0 * PI * np.sin(2.0 * PI * p),
        hess=lambda p: (
            _diagonal(2.0 + 40.0 * PI**2 * np.cos(2.0 * PI * p))
            if n > 1
            else 2.0 + 40.0 * PI**2 * np.cos(2.0 * PI * p)
        ),
        bounds=box(*[(-2.0, 3.0)] * n),
        lipschitz=67.4 * float(np.sqrt(n)),
        gradient_lipschitz=396.8,
        hessian_lipschitz=2480.6,
        polyak_lojasiewicz=0.0,
        minimum=0.0,
        minimizers=np.zeros((1, n)),
        source="Rastrigin, Systems of Extremal Control (1974).",
    )


def quadratic(n: int = 4, *, condition: float = 100.0, rng: int = 0) -> SmoothFunction:
    """Return (x - c)' Q (x - c) / 2 with eigenvalues from 1 to `condition`, evenly in log."""
    n, condition = positive_int("n", n), positive_float("condition", condition)
    if n < 2:
        raise ValueError(f"n is {n}, expected at least 2")
    if condition < 1.0:
        raise ValueError(f"condition is {condition}, expected at least 1")
    generator = np.random.default_rng(rng)
    basis = np.linalg.qr(generator.standard_normal((n, n)))[0]
    Q = basis * np.geomspace(1.0, condition, n) @ basis.T
    Q = 0.5 * (Q + Q.T)
    c = generator.uniform(-1.0, 1.0, n)
    return SmoothFunction(
        name=f"quadratic {n}",
        dimension=n,
        f=lambda p: 0.5 * np.sum((p - c) * ((p - c) @ Q), axis=-1),
        grad=lambda p: (p - c) @ Q,
        hess=lambda p: np.broadcast_to(Q, (*np.shape(p), n)),
        bounds=box(*[(-2.0, 2.0)] * n),
        lipschitz=condition * float(np.linalg.norm(2.0 + np.abs(c))),
        gradient_lipschitz=condition * (1.0 + 1e-12),
        hessian_lipschitz=0.0,
        strong_convexity=1.0 - 1e-12 * condition,
        polyak_lojasiewicz=1.0 - 1e-12 * condition,
        minimum=0.0,
        minimizers=c[np.newaxis].copy(),
        stationary_points=c[np.newaxis].copy(),
        kinds=("minimum",),
        source="The constants of the gradient and of the Hessian hold everywhere.",
    )


def _rosenbrock(p: Any) -> Any:
    x, y = p[..., :-1], p[..., 1:]
    return np.sum(100.0 * (y - x * x) ** 2 + (1.0 - x) ** 2, axis=-1)


def _rosenbrock_grad(p: Any) -> Any:
    x, y = p[..., :-1], p[..., 1:]
    valley = y - x * x
    g = np.zeros_like(p)
    g[..., :-1] = -400.0 * x * valley - 2.0 * (1.0 - x)
    g[..., 1:] += 200.0 * valley
    return g


def _rosenbrock_hess(p: Any) -> Any:
    n = p.shape[-1]
    x, y = p[..., :-1], p[..., 1:]
    H = np.zeros((*p.shape, n), dtype=p.dtype)
    i = np.arange(n - 1)
    H[..., i, i] = 1200.0 * x * x - 400.0 * y + 2.0
    H[..., i + 1, i + 1] += 200.0
    H[..., i, i + 1] = H[..., i + 1, i] = -400.0 * x
    return H


def _rastrigin(p: Any) -> Any:
    return p * p + 10.0 * (1.0 - np.cos(2.0 * PI * p))


def _diagonal(d: Any) -> Any:
    return d[..., np.newaxis] * np.eye(d.shape[-1])
