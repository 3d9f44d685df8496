"""What proves a lower bound on the length of every tour."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, freeze
from minimand.tsp.instance import Integers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class BoundCertificate:
    """A lower bound, and the numbers from which anybody can compute it again.

    Attributes
    ----------
    kind : str
        "one_tree", "subtour", "dp", "milp" or "trivial".
    lower_bound : float
        No tour is shorter.
    potentials : ndarray (N,)
        pi of the one-tree, or y of the subtour relaxation; empty for the other kinds.
    subsets : tuple of int64 arrays
        The sets of cities S whose cuts x(delta(S)) >= 2 are used.
    multipliers : ndarray (len(subsets),)
        Their dual variables z >= 0.
    edges : ndarray (K, 2) of int64
        Of "milp": the edges that the dual does not exclude from a shorter tour. An integer program
        found none among them.
    independent : bool
        Whether NumPy alone can check it; False where a part rests on an integer program.
    tolerance : float
        Relative to the length, what the bound leaves open for real metrics.
    """

    kind: str
    lower_bound: float
    potentials: Floats = field(default_factory=lambda: np.empty(0))
    subsets: tuple[Integers, ...] = ()
    multipliers: Floats = field(default_factory=lambda: np.empty(0))
    edges: Integers = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    independent: bool = True
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "potentials", freeze(self.potentials))
        object.__setattr__(self, "multipliers", freeze(self.multipliers))
        object.__setattr__(self, "edges", freeze(self.edges))
        object.__setattr__(self, "subsets", tuple(freeze(subset) for subset in self.subsets))

    def __repr__(self) -> str:
        return f"BoundCertificate({self.kind}, lower_bound={self.lower_bound:.10g})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundCertificate):
            return NotImplemented
        return all(
            _same(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, so that arrays are read-only again after unpickling.
        return _rebuild, ({field.name: getattr(self, field.name) for field in fields(self)},)


def _rebuild(values: dict[str, Any]) -> BoundCertificate:
    return BoundCertificate(**values)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(np.array_equal, a, b))
    return bool(np.array_equal(a, b))
