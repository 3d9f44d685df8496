"""Input checks and conversions: the one place where users' data enter the package.

Every function takes the name of the argument first, for its error messages. Good input (native,
aligned, C-contiguous float64) passes without a copy; anything else is converted once; nothing here
writes to what the user gave.
"""

from __future__ import annotations

import difflib
import math
import numbers
import operator
import reprlib
from collections.abc import Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from minimand._common.conversion import kernel_array, place, real_array, wrong_type

Floats = NDArray[np.float64]
_Array = TypeVar("_Array", bound=NDArray[Any])

_BLOCK = 1 << 19  # entries that check_finite looks at together: a mask of half a megabyte


@overload
def as_matrix(
    name: str,
    value: object,
    *,
    finite: bool = True,
    columns: int | None = None,
    square: bool = False,
) -> Floats: ...
@overload
def as_matrix(
    name: str,
    value: object,
    *,
    dtypes: Sequence[type[np.floating[Any]]],
    finite: bool = True,
    columns: int | None = None,
    square: bool = False,
) -> NDArray[np.floating[Any]]: ...
def as_matrix(
    name: str,
    value: object,
    *,
    dtypes: Sequence[type[np.floating[Any]]] = (np.float64,),
    finite: bool = True,
    columns: int | None = None,
    square: bool = False,
) -> NDArray[np.floating[Any]]:
    """Return `value` as a C-contiguous, aligned, native matrix that is not empty.

    `dtypes` are the types that stay as they are; every other becomes float64. `columns` is the
    number of columns that is expected. `finite=False` leaves the search for NaN and infinity to the
    caller.
    """
    array = real_array(name, value)
    if array.ndim != 2:
        mend = f"; use np.reshape({name}, (-1, 1)) if it is one column" if array.ndim == 1 else ""
        raise ValueError(f"{name} has shape {array.shape}, expected a matrix (rows, columns){mend}")
    _not_empty(name, array, "at least one row and one column")
    if columns is not None and array.shape[1] != columns:
        raise ValueError(f"{name} has {array.shape[1]} columns, expected {columns}")
    if square and array.shape[0] != array.shape[1]:
        raise ValueError(f"{name} has shape {array.shape}, expected a square matrix")
    return _checked(name, kernel_array(array, dtypes), finite)


def as_vector(
    name: str,
    value: object,
    *,
    length: int | None = None,
    like: str | None = None,
    finite: bool = True,
) -> Floats:
    """Return `value` as a contiguous float64 vector.

    `length` is the number of entries that is expected; `like` names the argument whose rows it must
    match.
    """
    array = real_array(name, value)
    if array.ndim != 1:
        one_line = array.size > 0 and array.size == max(array.shape, default=0)
        mend = f"; use np.ravel({name}) to flatten it" if one_line else ""
        raise ValueError(f"{name} has shape {array.shape}, expected a vector (entries,){mend}")
    _not_empty(name, array, "at least one entry")
    _check_length(name, array, "entries", length, like)
    return _checked(name, kernel_array(array, (np.float64,)), finite)


def as_columns(
    name: str,
    value: object,
    *,
    length: int | None = None,
    like: str | None = None,
    finite: bool = True,
) -> tuple[Floats, bool]:
    """Return a vector (m,) or a matrix (m, k) as a float64 matrix, and whether it was a vector."""
    array = real_array(name, value)
    if array.ndim not in (1, 2):
        expected = "a vector (rows,) or a matrix (rows, columns)"
        raise ValueError(f"{name} has shape {array.shape}, expected {expected}")
    was_vector = array.ndim == 1
    _not_empty(name, array, "at least one entry")
    _check_length(name, array, "entries" if was_vector else "rows", length, like)
    converted = _checked(name, kernel_array(array, (np.float64,)), finite)
    return (converted.reshape(-1, 1) if was_vector else converted), was_vector


def check_finite(name: str, array: NDArray[np.floating[Any]]) -> None:
    """Raise ValueError with the first position of a NaN or an infinity in a contiguous array.

    Works block by block with half a megabyte of its own, whatever the size of the array (it may be
    a memory map).
    """
    flat = array.reshape(-1)
    mask = np.empty(min(_BLOCK, flat.size), dtype=np.bool_)
    for begin in range(0, flat.size, _BLOCK):
        block = flat[begin : begin + _BLOCK]
        good = np.isfinite(block, out=mask[: block.size])
        if not good.all():
            first = begin + int(good.argmin())
            came = "NaN" if np.isnan(flat[first]) else str(flat[first])
            where = place(np.unravel_index(first, array.shape))
            rows = ".all(axis=1)" if array.ndim == 2 else ""
            raise ValueError(
                f"{name} has {came} at {where}, expected finite numbers; "
                f"fill the gaps or keep the rows where np.isfinite({name}){rows}"
            )


def check_nonnegative(name: str, array: NDArray[np.floating[Any]]) -> None:
    """Raise ValueError with the first position of a negative entry."""
    if array.min() < 0:
        first = np.unravel_index(int((array < 0).argmax()), array.shape)
        raise ValueError(f"{name} has {array[first]} at {place(first)}, expected numbers >= 0")


def column_names(value: object, count: int) -> tuple[str, ...] | None:
    """Return the names of the `count` columns of a data frame, None for anything nameless."""
    columns = getattr(value, "columns", None)
    if columns is None or isinstance(value, np.ndarray) or callable(columns):
        return None
    names = list(columns)
    if len(names) != count or names == list(range(count)):  # pandas numbers columns without names
        return None
    return tuple(str(name) for name in names)


def freeze(array: _Array) -> _Array:
    """Return a read-only view; the flags of `array` itself, which may be the user's, remain."""
    view = array.view()
    view.flags.writeable = False
    return view


def positive_int(name: str, value: object) -> int:
    """Return `value` as an int >= 1."""
    return _integer(name, value, "a positive integer", 1)


def nonnegative_int(name: str, value: object) -> int:
    """Return `value` as an int >= 0."""
    return _integer(name, value, "an integer >= 0", 0)


def nonnegative_float(name: str, value: object) -> float:
    """Return `value` as a finite float >= 0."""
    return _number(name, value, "a finite number >= 0", 0.0, math.inf)


def positive_float(name: str, value: object) -> float:
    """Return `value` as a finite float > 0."""
    return _number(name, value, "a finite number > 0", math.ulp(0.0), math.inf)


def fraction(name: str, value: object) -> float:
    """Return `value` as a float with 0 <= value <= 1."""
    return _number(name, value, "a number from 0 to 1", 0.0, 1.0)


def one_of(name: str, value: object, options: Sequence[str]) -> str:
    """Return `value`, which must be one of the strings `options`."""
    expected = "one of " + ", ".join(repr(option) for option in options)
    if not isinstance(value, str):
        raise wrong_type(name, value, expected)
    if value not in options:
        near = difflib.get_close_matches(value, options, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name} is {reprlib.repr(value)}, expected {expected}{hint}")
    return str(value)


def boolean(name: str, value: object) -> bool:
    """Return `value`, which must be True or False (a number or a string is likely a mistake)."""
    if not isinstance(value, (bool, np.bool_)):
        raise wrong_type(name, value, "True or False")
    return bool(value)


def _checked(name: str, array: NDArray[Any], finite: bool) -> NDArray[Any]:
    if finite:
        check_finite(name, array)
    return array


def _not_empty(name: str, array: NDArray[Any], expected: str) -> None:
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}), expected {expected}")


def _check_length(
    name: str, array: NDArray[Any], unit: str, length: int | None, like: str | None
) -> None:
    if length is None or array.shape[0] == length:
        return
    if like is None:
        raise ValueError(f"{name} has {array.shape[0]} {unit}, expected {length}")
    raise ValueError(
        f"{name} has {array.shape[0]} {unit} but {like} has {length} rows; they must match"
    )


def _integer(name: str, value: object, expected: str, least: int) -> int:
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise wrong_type(name, value, expected)
    try:
        number = operator.index(value)
    except TypeError:  # an array of several numbers
        raise wrong_type(name, value, expected) from None
    if number < least:
        raise ValueError(f"{name} is {number}, expected {expected}")
    return number


def _number(name: str, value: object, expected: str, low: float, high: float) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise wrong_type(name, value, expected)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (low <= number <= high and math.isfinite(number)):
        raise ValueError(f"{name} is {number}, expected {expected}")
    return number
