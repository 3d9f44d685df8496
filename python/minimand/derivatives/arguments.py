"""Arguments of the derivative functions: functions, points, bounds, steps and noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, as_vector, check_finite, positive_float
from minimand._common.conversion import kernel_array, real_array, wrong_type

Function = Callable[..., Any]


def as_function(name: str, value: object) -> Function:
    """Return `value`, which must be callable."""
    if not callable(value):
        raise wrong_type(name, value, "a function")
    return value


def as_arguments(name: str, value: object) -> tuple[Any, ...]:
    """Return the further arguments of f as a tuple."""
    if not isinstance(value, tuple):
        raise wrong_type(name, value, "a tuple")
    return value


def as_points(name: str, value: object) -> tuple[Floats, tuple[int, ...]]:
    """Return a number or an array of numbers as a vector that is a copy, and its shape."""
    array = real_array(name, value)
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}), expected at least one number")
    flat = kernel_array(array.reshape(-1), (np.float64,)).copy()
    check_finite(name, flat.reshape(array.shape) if array.ndim else flat)
    return flat, array.shape


def as_point(name: str, value: object) -> Floats:
    """Return a vector that is a copy."""
    return as_vector(name, value).copy()


def as_bounds(
    name: str, value: object, position: Floats, *, pairs: bool
) -> tuple[Floats, Floats] | None:
    """Return lower and upper bounds of each entry of x, None if there are none.

    `pairs`: one pair for each entry, as an (n, 2) array or a sequence in which None stands for no
    bound; else one pair for all entries.
    """
    if value is None:
        return None
    n = len(position)
    expected = f"{n} pairs (low, high)" if pairs else "a pair (low, high)"
    rows = value if pairs else [value]
    try:
        table = [[_end(end, side) for end, side in zip(row, (-1, 1), strict=True)] for row in rows]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}, expected {expected}") from None
    if pairs and len(table) != n:
        raise ValueError(f"{name} has {len(table)} pairs but x has {n} entries")
    low, high = np.broadcast_to(np.array(table, dtype=np.float64), (n, 2)).T.copy()
    for bad, what in (
        (np.isnan(low) | np.isnan(high), "NaN"),
        (low > high, "a low end above the high one"),
        (low == high, "an interval without width"),
    ):
        if bad.any():
            i = int(bad.argmax())
            raise ValueError(
                f"{name} has {what} at entry {i} ({low[i]}, {high[i]}), expected low < high"
            )
    outside = (position < low) | (position > high)
    if outside.any():
        i = int(outside.argmax())
        raise ValueError(
            f"x has {position[i]} at entry {i}, outside its bounds ({low[i]}, {high[i]})"
        )
    return low, high


def _end(value: Any, side: int) -> float:
    return side * math.inf if value is None else float(value)


def as_step(name: str, value: object, position: Floats) -> tuple[Floats | None, bool]:
    """Return the steps, None for the default, and whether they are to be improved."""
    if value is None:
        return None, False
    if isinstance(value, str):
        if value != "auto":
            raise ValueError(f"{name} is {value!r}, expected a positive number, 'auto' or None")
        return None, True
    if np.ndim(value) == 0:  # type: ignore[arg-type]
        h = np.full(len(position), positive_float(name, value))
    else:
        h = as_vector(name, value, length=len(position), like="x")
        if h.min() <= 0.0:
            i = int((h <= 0.0).argmax())
            raise ValueError(f"{name} has {h[i]} at entry {i}, expected numbers > 0")
    none = position + h == position
    if none.any():
        i = int(none.argmax())
        raise ValueError(
            f"{name} has {h[i]} at entry {i}, which is lost beside x = {position[i]}; "
            f"expected at least {np.spacing(abs(position[i]))}"
        )
    return h, False


def as_noise(name: str, value: object) -> float | str | None:
    """Return the noise of f: an absolute level, "estimate", or None for rounding alone."""
    if value is None:
        return None
    if isinstance(value, str):
        if value != "estimate":
            raise ValueError(f"{name} is {value!r}, expected a positive number, 'estimate' or None")
        return value
    return positive_float(name, value)


def as_vectorized(name: str, value: object) -> bool | None:
    """Return whether f takes many points at once; None means that it is tried."""
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    raise wrong_type(name, value, "True, False or None")


def describe(point: Any) -> str:
    """Return a point in a few words, for messages."""
    array = np.asarray(point)
    if array.ndim == 0:
        return str(array)
    text = ", ".join(str(entry) for entry in array.reshape(-1)[:6])
    return f"[{text}{', ...' if array.size > 6 else ''}]"


def names_of(values: Sequence[int]) -> str:
    """Return indices in words: "1, 4, 7 and 12 more"."""
    shown = ", ".join(str(int(v)) for v in values[:6])
    return shown if len(values) <= 6 else f"{shown} and {len(values) - 6} more"
