"""How lists, data frames, DLPack objects and odd arrays become plain arrays of real numbers."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CAST = "convert it first, for example with np.asarray({name}, dtype=float)"
_MEND = {
    "c": "pass the real and the imaginary parts as real numbers",
    "O": _CAST,
    "U": _CAST,
    "S": _CAST,
    "T": _CAST,
    "M": "subtract a start and divide by a unit such as np.timedelta64(1, 's')",
    "m": "divide by a unit such as np.timedelta64(1, 's')",
    "V": "pass a plain array; numpy.lib.recfunctions.structured_to_unstructured makes one",
}


def real_array(name: str, value: object) -> NDArray[Any]:
    """Return `value` as an array of bool, integer or float numbers, of any shape and layout."""
    array = _to_array(name, value)
    kind = array.dtype.kind
    if kind == "O" and array.ndim == 0:
        raise wrong_type(name, value, "an array of real numbers")
    if kind not in "biuf":
        odd = _first_object(array) if kind == "O" else ""
        mend = _MEND.get(kind, _CAST).format(name=name)
        raise TypeError(f"{name} has dtype {array.dtype}{odd}, expected real numbers; {mend}")
    return array


def kernel_array(array: NDArray[Any], dtypes: Sequence[type[np.floating[Any]]]) -> NDArray[Any]:
    """Return `array` native, aligned and C-contiguous, in a type of `dtypes` or else float64."""
    dtype = array.dtype.type if array.dtype.type in dtypes else np.float64
    with np.errstate(all="ignore"):  # a huge longdouble becomes an infinity, found later
        converted = np.require(array, dtype, ("C", "A"))
    if (
        min(converted.strides) < 0
    ):  # NumPy calls a reversed axis of length 1 contiguous, Eigen does not
        converted = converted.copy()
    return converted


def place(index: Sequence[Any]) -> str:
    """Return a position in words: "row 3, column 1" or "entry 3"."""
    labels = ("row", "column") if len(index) == 2 else ("entry",) * len(index)
    return ", ".join(f"{label} {int(i)}" for label, i in zip(labels, index, strict=True))


def wrong_type(name: str, value: object, expected: str) -> TypeError:
    """Return the error for a value of a type that cannot be meant."""
    came = "None" if value is None else f"{reprlib.repr(value)} of type {type(value).__name__}"
    return TypeError(f"{name} is {came}, expected {expected}")


def _to_array(name: str, value: object) -> NDArray[Any]:
    sparse = sys.modules.get("scipy.sparse")  # not loaded: then nothing can be sparse
    if sparse is not None and sparse.issparse(value):
        raise TypeError(f"{name} is a sparse matrix, expected a dense one; use {name}.toarray()")
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise TypeError(
                f"{name} has masked entries, expected a full array; "
                f"use {name}.filled(...) or leave those rows out"
            )
        return np.asarray(value.data)
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)
        array = np.asarray(value)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise ValueError(f"{name} could not be read as an array: {error}") from error
        raise ValueError(
            f"{name} is ragged{_row_lengths(value)}, expected rows of one length; pad or cut them"
        ) from None
    except (TypeError, BufferError, RuntimeError) as error:  # other devices, exotic types
        raise TypeError(f"{name} could not be read as an array: {error}") from error
    if array.dtype.kind == "O" and _frame_kinds(value) <= set("biuf"):
        # pandas: numbers beside booleans, or types with gaps; a gap becomes NaN.
        frame: Any = value
        return np.asarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))
    return array


def _frame_kinds(value: Any) -> set[str]:
    """Return the kinds of the columns of a pandas frame or series, {"O"} for anything else."""
    if not hasattr(value, "to_numpy") or not hasattr(value, "dtypes"):
        return {"O"}
    dtypes = value.dtypes if hasattr(value, "columns") else [value.dtypes]
    return {getattr(dtype, "kind", "O") for dtype in dtypes}


def _first_object(array: NDArray[Any]) -> str:
    """Return what stands where no number does, as a part of a sentence."""
    for index, entry in np.ndenumerate(array):
        if not isinstance(entry, (int, float)):
            return f" ({reprlib.repr(entry)} at {place(index)})"
    return ""


def _row_lengths(value: Any) -> str:
    try:
        lengths = {len(row) for row in value}
    except TypeError:
        return ""
    return f" (rows of {min(lengths)} to {max(lengths)} entries)" if len(lengths) > 1 else ""
