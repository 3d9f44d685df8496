"""Meetings that are known.

- `lecture`: two bodies in a plane from a lecture on optimisation, with exact optima for many T;
- `integrators`: one integrator each, every input of both bodies is the same;
- `chain`: chains of integrators, whose Gramians are like Hilbert matrices;
- `exact_energy`: the least energy of any small problem in rational arithmetic;
- `spacecraft`: two bodies with six states each;
- `pendulums`: unstable bodies, for which powers of the matrices are useless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minimand._common.arrays import positive_float, positive_int

Array: TypeAlias = NDArray[np.float64]
Seed: TypeAlias = int | np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingProblem:
    """Two bodies that have to meet, with what is known of it.

    Attributes
    ----------
    name
        Name of the problem.
    A, B, C, D, x0, z0
        The bodies, read-only.
    steps
        T.
    energies
        Number of steps: the least energy of a meeting of the full states.
    """

    name: str
    A: Array
    B: Array
    C: Array
    D: Array
    x0: Array
    z0: Array
    steps: int
    energies: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in self.bodies:
            array.setflags(write=False)

    @property
    def bodies(self) -> tuple[Array, Array, Array, Array, Array, Array]:
        """A, B, C, D, x0, z0: what comes first in a call."""
        return self.A, self.B, self.C, self.D, self.x0, self.z0


def lecture() -> MeetingProblem:
    """Two masses in a plane with friction 0.01 and 1, and steps of 0.01 s.

    The example of a lecture on convex optimisation (MIPT), solved there by 200 sub-problems. Its
    published optimum for T = 100, 51020.734, is below the true one: that plan does not meet. The
    energies here are from rational arithmetic; T = 1 is impossible.

    Examples
    --------
    >>> from minimand.problems.rendezvous import lecture
    >>> round(lecture().energies[100], 6)
    51048.687128
    """
    tau = 0.01

    def motion(friction: float) -> Array:
        A = np.eye(4)
        A[0, 2] = A[1, 3] = tau
        A[2, 2] = A[3, 3] = 1 - friction * tau
        return A

    push = np.vstack([np.zeros((2, 2)), tau * np.eye(2)])
    return MeetingProblem(
        name="lecture",
        A=motion(0.01),
        B=push,
        C=motion(1.0),
        D=push.copy(),
        x0=np.array([0.0, 0.1, 1.0, 1.0]),
        z0=np.array([10.0, -0.1, -1.0, 1.0]),
        steps=100,
        energies={
            2: 9893888916.86328456,
            3: 2468581986.67435080,
            5: 491779299.858910241,
            10: 59035972.0416623981,
            50: 436557.668392990674,
            100: 51048.6871277981878,
            200: 5862.95125524591829,
            400: 674.981210896974088,
        },
    )


def integrators(dimensions: int, steps: int, *, rng: Seed = 0) -> MeetingProblem:
    """x[t+1] = x[t] + u[t] for both: every input is d/(2T) or -d/(2T), the energy |d|^2/(2T)."""
    n, T = positive_int("dimensions", dimensions), positive_int("steps", steps)
    generator = np.random.default_rng(rng)
    x0, z0 = (generator.integers(-9, 10, n).astype(np.float64) for _ in range(2))
    matrices = [np.eye(n) for _ in range(4)]
    energies = {t: float((z0 - x0) @ (z0 - x0)) / (2 * t) for t in range(1, T + 1)}
    return MeetingProblem(
        name="integrators",
        A=matrices[0],
        B=matrices[1],
        C=matrices[2],
        D=matrices[3],
        x0=x0,
        z0=z0,
        steps=T,
        energies=energies,
    )


def chain(length: int, steps: int, *, rng: Seed = 0) -> MeetingProblem:
    """Chains of integrators pushed at their end: whole numbers, so that `exact_energy` is exact.

    Steps are to be at least `length`, or nothing but luck makes a meeting possible.
    """
    n = positive_int("length", length)
    generator = np.random.default_rng(rng)
    A = np.eye(n) + np.diag(np.ones(n - 1), 1)
    B = np.zeros((n, 1))
    B[-1] = 1.0
    x0, z0 = (generator.integers(-3, 4, n).astype(np.float64) for _ in range(2))
    problem = MeetingProblem(
        name=f"chain of {n}", A=A, B=B, C=A.copy(), D=B.copy(), x0=x0, z0=z0, steps=steps
    )
    energy = exact_energy(*problem.bodies, steps)
    if energy is not None:
        problem.energies[steps] = float(energy)
    return problem


def spacecraft(steps: int = 5000) -> MeetingProblem:
    """Two bodies in space, positions and velocities, with little friction and steps of 0.01 s."""
    tau = 0.01

    def motion(friction: float) -> Array:
        A = np.eye(6)
        A[:3, 3:] = tau * np.eye(3)
        A[3:, 3:] *= 1 - friction * tau
        return A

    push = np.vstack([np.zeros((3, 3)), tau * np.eye(3)])
    return MeetingProblem(
        name="spacecraft",
        A=motion(0.1),
        B=push,
        C=motion(0.3),
        D=push.copy(),
        x0=np.array([0.0, 0.0, 0.0, 1.0, 1.0, 0.0]),
        z0=np.array([10.0, 5.0, -3.0, -1.0, 0.0, 1.0]),
        steps=positive_int("steps", steps),
    )


def pendulums(steps: int, *, growth: float = 1.1) -> MeetingProblem:
    """Return a body whose motion grows by `growth` with every step, and one that comes to rest.

    The first one falls over unless it is held; after some 400 steps no power of its matrix is worth
    anything. With growth g, and for many steps, holding it needs the energy
    (g^2 - 1) (10 g - 9)^2, and at least the thrust (g - 1) (10 g - 9).
    """
    g = positive_float("growth", growth)
    return MeetingProblem(
        name="pendulums",
        A=np.array([[g, 0.1], [0.0, 0.9]]),
        B=np.array([[0.0], [1.0]]),
        C=np.array([[0.95, 0.1], [-0.1, 0.9]]),
        D=np.array([[0.0], [0.5]]),
        x0=np.array([1.0, 0.0]),
        z0=np.array([0.0, 1.0]),
        steps=positive_int("steps", steps),
    )


def exact_energy(
    A: ArrayLike,
    B: ArrayLike,
    C: ArrayLike,
    D: ArrayLike,
    x0: ArrayLike,
    z0: ArrayLike,
    steps: int,
) -> Fraction | None:
    """Return the least energy of a meeting of the full states as a fraction, None if impossible.

    The floats are taken as the exact numbers that they are. Work grows with the size of the
    numbers: for whole numbers and some ten states.
    """
    first, second = _fractions(A), _fractions(C)
    x, z = [row[0] for row in _fractions(x0)], [row[0] for row in _fractions(z0)]
    W = _zero(len(x))
    for motion, push in ((first, _fractions(B)), (second, _fractions(D))):
        G = push
        for _ in range(steps):
            W = [
                [w + s for w, s in zip(*rows, strict=True)]
                for rows in zip(W, _outer(G), strict=True)
            ]
            G = _product(motion, G)
    for _ in range(steps):
        x, z = [_dot(row, x) for row in first], [_dot(row, z) for row in second]
    d = [b - a for a, b in zip(x, z, strict=True)]
    multiplier = _solve(W, d)
    if multiplier is None:
        return None
    return _dot(d, multiplier)


Rows: TypeAlias = list[list[Fraction]]


def _fractions(values: ArrayLike) -> Rows:
    array = np.asarray(values, dtype=np.float64)
    return [[Fraction(float(v)) for v in row] for row in array.reshape(len(array), -1)]


def _zero(n: int) -> Rows:
    return [[Fraction(0)] * n for _ in range(n)]


def _product(A: Rows, B: Rows) -> Rows:
    columns = list(zip(*B, strict=True))
    return [
        [sum((a * b for a, b in zip(row, c, strict=True)), Fraction(0)) for c in columns]
        for row in A
    ]


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((v * w for v, w in zip(a, b, strict=True)), Fraction(0))


def _outer(G: Rows) -> Rows:
    return _product(G, [list(column) for column in zip(*G, strict=True)])


def _solve(W: Rows, d: list[Fraction]) -> list[Fraction] | None:
    """Return a solution of W x = d, None if there is none."""
    rows = [[*row, right] for row, right in zip(W, d, strict=True)]
    n, pivots, at = len(d), [], 0
    for column in range(n):
        pivot = next((i for i in range(at, n) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[at], rows[pivot] = rows[pivot], rows[at]
        head = rows[at][column]
        rows[at] = [v / head for v in rows[at]]
        for i in range(n):
            if i != at and rows[i][column]:
                factor = rows[i][column]
                rows[i] = [v - factor * w for v, w in zip(rows[i], rows[at], strict=True)]
        pivots.append(column)
        at += 1
    if any(row[n] for row in rows[at:]):
        return None
    x = [Fraction(0)] * n
    for row, column in zip(rows, pivots, strict=False):
        x[column] = row[n]
    return x
