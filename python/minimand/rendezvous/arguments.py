"""What the functions take: two bodies, what has to match, weights of inputs, bounds on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import (
    Floats,
    as_matrix,
    as_vector,
    check_finite,
    check_nonnegative,
    nonnegative_float,
    positive_float,
    positive_int,
)
from minimand._common.conversion import kernel_array, place, real_array, wrong_type

NORMS = ("inf", "2")


@dataclass(frozen=True, slots=True)
class Given:
    """The data of a problem as float64 arrays, in the user's units.

    Attributes
    ----------
    A, B, C, D, x0, z0
        The bodies.
    steps
        T.
    Ex, Ez
        (q, states) of each body: Ex x[T] = Ez z[T] is a meeting.
    """

    A: Floats
    B: Floats
    C: Floats
    D: Floats
    x0: Floats
    z0: Floats
    steps: int
    Ex: Floats
    Ez: Floats


def as_given(
    A: object,
    B: object,
    C: object,
    D: object,
    x0: object,
    z0: object,
    steps: object,
    match: object,
    *,
    steps_name: str = "T",
) -> Given:
    """Check and convert the data that every function takes."""
    first = _body("A", A, "B", B, "x0", x0)
    second = _body("C", C, "D", D, "z0", z0)
    count = positive_int(steps_name, steps)
    Ex, Ez = _match(match, first[0], second[0])
    return Given(first[0], first[1], second[0], second[1], first[2], second[2], count, Ex, Ez)


def _body(
    name: str, A: object, input_name: str, B: object, start_name: str, x0: object
) -> tuple[Floats, Floats, Floats]:
    motion = as_matrix(name, A, square=True)
    inputs = as_matrix(input_name, B)
    n = len(motion)
    if len(inputs) != n:
        raise ValueError(
            f"{input_name} has {len(inputs)} rows but {name} has {n} rows; they must match: "
            f"{input_name} has shape {inputs.shape}, {name} has shape {motion.shape}"
        )
    return motion, inputs, as_vector(start_name, x0, length=n, like=name)


def _match(match: object, A: Floats, C: Floats) -> tuple[Floats, Floats]:
    n, k = len(A), len(C)
    if not isinstance(match, tuple) or len(match) != 2 or not hasattr(match[0], "__len__"):
        if n != k:
            raise ValueError(
                f"match has to be a pair for bodies of different states: A has shape {A.shape}, "
                f"C has shape {C.shape}; give (matrix or indices for x, the same for z)"
            )
        E = np.eye(n) if match is None else _rows("match", match, n)
        return E, E
    Ex, Ez = _rows("match[0]", match[0], n), _rows("match[1]", match[1], k)
    if len(Ex) != len(Ez):
        raise ValueError(
            f"match has {len(Ex)} rows for x but {len(Ez)} rows for z; they must match: "
            f"the shapes are {Ex.shape} and {Ez.shape}"
        )
    return Ex, Ez


def _rows(name: str, value: object, states: int) -> Floats:
    """Return a matrix (q, states), from a matrix or from indices of states."""
    array = real_array(name, value)
    if array.ndim == 2:
        return as_matrix(name, value, columns=states)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape}, expected indices of states or a matrix (q, {states})"
        )
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}, expected integer indices of states")
    beyond = (array < 0) | (array >= states)
    if beyond.any():
        first = int(beyond.argmax())
        raise ValueError(
            f"{name} has {array[first]} at {place((first,))}, expected indices from 0 to "
            f"{states - 1}"
        )
    return np.asarray(np.eye(states)[array])


@dataclass(frozen=True, slots=True)
class Weight:
    """R = K K' of an input u; the solver's input is K'u, which costs its square.

    `root` is K, a matrix, or its diagonal, or a number for all.
    """

    root: Floats | float = 1.0

    @property
    def is_number(self) -> bool:
        """Whether R is a multiple of the identity."""
        return not isinstance(self.root, np.ndarray)

    @property
    def is_diagonal(self) -> bool:
        """Whether the components of the input do not interact."""
        return not isinstance(self.root, np.ndarray) or self.root.ndim == 1

    def of_inputs(self, B: Floats) -> Floats:
        """Return B K'^-1, the matrix of the solver's inputs."""
        if isinstance(self.root, np.ndarray) and self.root.ndim == 2:
            return np.ascontiguousarray(np.linalg.solve(self.root, B.T).T)
        return B / self.root

    def to_user(self, inputs: Floats) -> Floats:
        """Return u of the solver's inputs, one in a row."""
        if isinstance(self.root, np.ndarray) and self.root.ndim == 2:
            return np.ascontiguousarray(np.linalg.solve(self.root.T, inputs.T).T)
        return inputs / self.root


def as_weights(value: object, m: int, k: int) -> tuple[Weight, Weight]:
    """Return the weights of both inputs, (m,) and (k,)."""
    if value is None:
        return Weight(), Weight()
    if not isinstance(value, (tuple, list)):
        raise wrong_type("input_weights", value, "a pair (R1, R2)")
    if len(value) != 2:
        raise ValueError(f"input_weights has {len(value)} entries, expected a pair (R1, R2)")
    return _weight("input_weights[0]", value[0], m), _weight("input_weights[1]", value[1], k)


def _weight(name: str, value: object, m: int) -> Weight:
    if not hasattr(value, "__len__"):
        return Weight(math.sqrt(positive_float(name, value)))
    if real_array(name, value).ndim <= 1:
        diagonal = as_vector(name, value, length=m)
        if not (diagonal > 0).all():
            first = int((diagonal <= 0).argmax())
            raise ValueError(f"{name} has {diagonal[first]} at entry {first}, expected numbers > 0")
        return Weight(np.sqrt(diagonal))
    R = as_matrix(name, value, columns=m, square=True)
    size = np.sqrt(np.abs(np.diag(R)))
    if not (np.abs(R - R.T) <= 1e-12 * np.outer(size, size)).all():
        raise ValueError(f"{name} is not symmetric, expected a symmetric positive definite matrix")
    try:
        return Weight(np.asarray(np.linalg.cholesky((R + R.T) / 2), dtype=np.float64))
    except np.linalg.LinAlgError:
        least = float(np.linalg.eigvalsh(R)[0])
        raise ValueError(
            f"{name} has the eigenvalue {least:.3g}, expected a symmetric positive definite matrix"
        ) from None


def as_bound(
    name: str, value: object, steps: int, inputs: int, norm: str, weight: Weight
) -> Floats | None:
    """Return the bounds (T, inputs) on components, or (T,) on lengths; None for a free body."""
    if value is None:
        return None
    fits = weight.is_diagonal if norm == "inf" else weight.is_number
    if not fits:
        kind = "diagonal" if norm == "inf" else "a multiple of the identity"
        raise ValueError(
            f"{name} with norm={norm!r} needs input_weights that are {kind}; "
            f"without that the projection on the bounds is no formula"
        )
    if not hasattr(value, "__len__"):
        value = nonnegative_float(name, value)
    array = real_array(name, value)
    shape = array.shape
    allowed: Sequence[tuple[int, ...]] = ((), (steps,))
    if norm == "inf":
        allowed = ((), (inputs,), (steps,), (steps, inputs))
    if shape not in allowed:
        shapes = ", ".join("a number" if s == () else str(s) for s in dict.fromkeys(allowed))
        raise ValueError(f"{name} has shape {shape}, expected {shapes}")
    if norm == "inf" and shape == (steps,) == (inputs,) and steps > 1:
        raise ValueError(
            f"{name} has shape {shape}, and T = {steps} is the number of inputs: per step or per "
            f"component? Give the shape (T, inputs), as np.broadcast_to({name}, ...) makes it"
        )
    converted = kernel_array(np.atleast_1d(array), (np.float64,))
    check_finite(name, converted)
    check_nonnegative(name, converted)
    if norm == "2":
        return np.array(np.broadcast_to(converted, (steps,)))
    if shape == (steps,) and shape != (inputs,):
        converted = converted[:, np.newaxis]
    return np.array(np.broadcast_to(converted, (steps, inputs)))
