"""Enclosing ellipsoids that are known, and clouds that are hard for other programs.

- `boyd_vandenberghe`: six points in the plane, with the optimum to twelve digits;
- `cube`, `box`, `cross_polytope`, `simplex`: bodies whose ellipsoid follows from symmetry;
- `cloud`: random points by name, from a Gaussian to a slab of thickness 1e-9.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import one_of, positive_int

Array: TypeAlias = NDArray[np.float64]
Seed: TypeAlias = int | np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class EllipsoidProblem:
    """minimise -log det A subject to ||A x_i + b|| <= 1, with its solution.

    Attributes
    ----------
    name
        Name of the problem.
    points
        One row for each point, read-only.
    objective
        The least -log det A.
    A, center
        The solution; b = -A center.
    weights
        A dual solution, (m,), or None if none is written down.
    """

    name: str
    points: Array
    objective: float
    A: Array
    center: Array
    weights: Array | None = None

    def __post_init__(self) -> None:
        for array in (self.points, self.A, self.center, self.weights):
            if array is not None:
                array.setflags(write=False)


def boyd_vandenberghe() -> EllipsoidProblem:
    """Six points in the plane; the last one is inside.

    S. Boyd, L. Vandenberghe, *Convex Optimization* (2004), section 8.4.1; points as in the example
    of CVX. The solution is that of Newton's method for the weights of the five others in 50 decimal
    digits: det(A)^(1/2) = 2.68398539878. (CVX with SeDuMi prints the bracket
    [2.6839853844, 2.6839853947], which is off by 4e-9.)

    Examples
    --------
    >>> from minimand.problems.ellipsoid import boyd_vandenberghe
    >>> boyd_vandenberghe().objective
    -1.974605557998852
    """
    return EllipsoidProblem(
        name="Boyd and Vandenberghe",
        points=np.array(
            [[0.55, 0.0], [0.25, 0.35], [-0.2, 0.2], [-0.25, -0.1], [0.0, -0.3], [0.4, -0.2]]
        ),
        objective=-1.974605557998852,
        A=np.array(
            [
                [2.4282251374424302, -0.05574460934088886],
                [-0.05574460934088886, 2.967964119648919],
            ]
        ),
        center=np.array([0.14022620399386525, 0.021553906562039577]),
    )


def cube(d: int) -> EllipsoidProblem:
    """Return all 2^d corners of [-1, 1]^d: the ball of radius sqrt(d)."""
    return box(np.ones(positive_int("d", d)))


def box(half_sides: Array) -> EllipsoidProblem:
    """Return all corners of a box around 0: radii sqrt(d) times its half-sides."""
    d = len(half_sides)
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=d)))
    radii = math.sqrt(d) * np.asarray(half_sides, dtype=np.float64)
    return EllipsoidProblem(
        name=f"box, d = {d}",
        points=corners * half_sides,
        objective=float(np.log(radii).sum()),
        A=np.diag(1.0 / radii),
        center=np.zeros(d),
        weights=np.full(2**d, 0.5**d),
    )


def cross_polytope(d: int) -> EllipsoidProblem:
    """Return the points ±e_i: the unit ball."""
    identity = np.eye(positive_int("d", d))
    return EllipsoidProblem(
        name=f"cross-polytope, d = {d}",
        points=np.vstack([identity, -identity]),
        objective=0.0,
        A=identity.copy(),
        center=np.zeros(d),
        weights=np.full(2 * d, 0.5 / d),
    )


def simplex(d: int) -> EllipsoidProblem:
    """Return e_1, ..., e_d, (1 - sqrt(d + 1))/d (1, ..., 1), a regular simplex, and its ball."""
    positive_int("d", d)
    points = np.vstack([np.eye(d), np.full((1, d), (1.0 - math.sqrt(d + 1.0)) / d)])
    center = points.mean(axis=0)
    radius = float(np.linalg.norm(points[0] - center))
    return EllipsoidProblem(
        name=f"simplex, d = {d}",
        points=points,
        objective=d * math.log(radius),
        A=np.eye(d) / radius,
        center=center,
        weights=np.full(d + 1, 1.0 / (d + 1)),
    )


def _sphere(generator: np.random.Generator, m: int, d: int) -> Array:
    x = generator.standard_normal((m, d))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def _slab(generator: np.random.Generator, m: int, d: int) -> Array:
    x = generator.standard_normal((m, d))
    x[:, -1] *= 1e-9
    return x


def _duplicates(generator: np.random.Generator, m: int, d: int) -> Array:
    return np.resize(generator.standard_normal((max(1, m // 4), d)), (m, d))


_CLOUDS: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "gaussian": lambda generator, m, d: generator.standard_normal((m, d)),
    "cauchy": lambda generator, m, d: generator.standard_cauchy((m, d)),
    "cube": lambda generator, m, d: generator.uniform(-1.0, 1.0, (m, d)),
    "sphere": _sphere,
    "slab": _slab,
    "duplicates": _duplicates,
    "offset": lambda generator, m, d: generator.standard_normal((m, d)) + 1e6,
}
CLOUDS = tuple(_CLOUDS)


def cloud(kind: str, m: int, d: int, *, rng: Seed = 0) -> Array:
    """Return m random points in d dimensions.

    `kind` is "gaussian"; "cauchy", with tails so heavy that a few points decide; "cube", uniform in
    [-1, 1]^d; "sphere", all at distance 1; "slab", of thickness 1e-9; "duplicates", each point
    four times; "offset", at distance 1e6 from the origin.

    Examples
    --------
    >>> from minimand.problems.ellipsoid import cloud
    >>> cloud("sphere", 100, 3).shape
    (100, 3)
    """
    make = _CLOUDS[one_of("kind", kind, CLOUDS)]
    generator = np.random.default_rng(rng)
    return make(generator, positive_int("m", m), positive_int("d", d))
