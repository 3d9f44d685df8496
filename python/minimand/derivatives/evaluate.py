"""Calls of the user's function: many points at once where it can, checked in any case."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.derivatives.arguments import Function, describe
from minimand.derivatives.rules import EPS

Values = NDArray[Any]

BLOCK = 1 << 18  # numbers in one call of a vectorised f: 2 MB, which a cache holds

_LARGE = 1 << 14  # numbers from which on arrays are not taken from the heap by default
_FREED = 1 << 21


@cache
def keep_freed_memory() -> None:
    """Let the C library keep what is freed, as it does after any large array was freed once.

    glibc gives arrays above 128 KB back to the system until an array of 16 MB was seen to be freed.
    Before that, a vectorised f spends most of its time on page faults of its temporary arrays: 0.30
    ms instead of 0.08 for 400 points of Rosenbrock's function. No memory is touched here.
    """
    np.empty(_FREED)


class Evaluator:
    """The user's function with a count, for points that are vectors or (`scalars`) numbers.

    Attributes
    ----------
    evaluations : int
        Points at which f was asked for its value.
    vectorized : bool
        Whether f takes points (m, n) at once, numbers (m,) if `scalars`.
    outputs : int
        Numbers that f returns for a point; `vector` tells whether they are a vector.
    eps : float
        Relative precision of the type that f returns.
    """

    def __init__(
        self, name: str, f: Function, args: tuple[Any, ...], *, scalars: bool, vector: bool
    ) -> None:
        self.name = name
        self.evaluations = 0
        self.vectorized = False
        self.outputs = 1
        self.vector = vector
        self.eps = EPS
        self._f, self._args, self._scalars = f, args, scalars

    def start(self, points: Values, vectorized: bool | None) -> Floats:
        """Return f at the points x, finite numbers (m, outputs), and find out what f can."""
        first = self._call(self._single(points[0]), points[0])
        self.evaluations += 1
        value = self._check(first, points[0])
        self.outputs = value.size
        self._precision(first)
        self._check_finite(value[np.newaxis], points[:1])
        self.vectorized = self._probe(points[0], value) if vectorized is None else vectorized
        values = np.concatenate([value[np.newaxis], self.many(points[1:])])
        self._check_finite(values, points)
        return values

    def many(self, points: Values) -> Values:
        """Return f at points (m, n) or numbers (m,): an array (m, outputs), NaN as f returns it.

        Complex points give complex values, or TypeError where f makes them real.
        """
        dtype = np.complex128 if points.dtype.kind == "c" else np.float64
        out = np.empty((len(points), self.outputs), dtype=dtype)
        self.evaluations += len(points)
        with np.errstate(all="ignore"):  # what f is at these points is looked at afterwards
            if self.vectorized:
                if points.size >= _LARGE:
                    keep_freed_memory()
                for part in self._blocks(points):
                    out[part] = self._block(points[part])
            else:
                for i, point in enumerate(points):
                    value = self._call(self._single(point), point)
                    out[i] = value if type(value) is float else self._check(value, point)
        return out

    def _blocks(self, points: Values) -> Iterator[slice]:
        size = max(1, BLOCK // max(1, points[:1].size))
        for begin in range(0, len(points), size):
            yield slice(begin, begin + size)

    def _block(self, points: Values) -> Values:
        values = np.asarray(self._call(points, points[0], len(points)))
        self._check_kind(values, points)
        expected = (len(points), self.outputs) if self.vector else (len(points),)
        if values.shape != expected:
            raise ValueError(
                f"{self.name} returned shape {values.shape} for points of shape {points.shape}, "
                f"expected {expected}; pass vectorized=False if it takes one point at a time"
            )
        return values.reshape(len(points), self.outputs)

    def _single(self, point: Any) -> Any:
        return point.item() if self._scalars else point

    def _call(self, argument: Any, point: Any, count: int = 1) -> Any:
        try:
            return self._f(argument, *self._args)
        except Exception as error:
            many = f"{count} points at once, the first of them " if count > 1 else ""
            error.add_note(f"minimand called {self.name} with {many}x = {describe(point)}")
            raise

    def _check(self, value: Any, point: Any) -> Values:
        """Return what f returned for one point as a vector."""
        array = np.asarray(value)
        self._check_kind(array, point)
        good = array.ndim <= 1 if self.vector else array.size == 1 and array.ndim <= 1
        started = self.evaluations > 1
        if not good or array.size == 0 or (started and array.size != self.outputs):
            expected = "a number" if not self.vector else "a vector"
            if started and self.vector:
                expected = f"{self.outputs} numbers as before"
            raise ValueError(
                f"{self.name} returned shape {array.shape} for x of shape {np.shape(point)}, "
                f"expected {expected}"
            )
        return array.reshape(-1)

    def _check_kind(self, values: Values, points: Any) -> None:
        kind = values.dtype.kind
        if np.asarray(points).dtype.kind == "c":
            if kind != "c":
                raise NotAnalyticError
        elif kind == "c":
            raise ValueError(
                f"{self.name} returned complex values (shape {values.shape}) for real x of shape "
                f"{np.shape(points)}, expected real numbers"
            )
        if kind not in "biufc":
            raise TypeError(
                f"{self.name} returned dtype {values.dtype} for x = {describe(points)}, "
                "expected real numbers"
            )

    def _check_finite(self, values: Values, points: Values) -> None:
        bad = ~np.isfinite(values).all(axis=1)
        if bad.any():
            i = int(bad.argmax())
            raise ValueError(
                f"{self.name} is {describe(values[i])} at x = {describe(points[i])}, "
                "expected a finite value there"
            )

    def _precision(self, value: Any) -> None:
        dtype = np.asarray(value).dtype
        if dtype.kind == "f":
            self.eps = max(EPS, float(np.finfo(dtype).eps))

    def _probe(self, point: Any, value: Values) -> bool:
        """Return whether f takes many points at once, tried on two or three copies of one.

        There are not as many as variables: that tells rows from columns.
        """
        copies = np.array([point] * (3 if self._scalars or len(point) == 2 else 2))
        shape = (len(copies), self.outputs) if self.vector else (len(copies),)
        try:
            with np.errstate(all="ignore"):
                found = np.asarray(self._f(copies, *self._args))
        except Exception:  # whatever it is, f does not take them
            return False
        if found.shape != shape or found.dtype.kind not in "biuf":
            return False
        self.evaluations += len(copies)
        # Matrix products round differently for one row and for many.
        apart = np.abs(found.reshape(len(copies), -1) - value)
        return bool((apart <= 1e-8 * np.abs(value)).all())


class NotAnalyticError(TypeError):
    """A function made complex arguments real."""
