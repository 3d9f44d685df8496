"""Bad and odd input for every public function: the same rules for all of them, from one table."""

from __future__ import annotations

import dataclasses
import inspect
import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any, get_args

import numpy as np
import pytest
from boundary_registry import REGISTRY, Entry
from scipy import sparse

import minimand
from minimand._common.backend import Backend
from minimand._common.result import Certificate, Result

BACKENDS = get_args(Backend)
WITH_ARRAYS = [entry for entry in REGISTRY if entry.arrays]


def entries(chosen: list[Entry]) -> Any:
    return pytest.mark.parametrize(
        "entry", [pytest.param(entry, id=entry.name) for entry in chosen]
    )


# How results are compared


def contents(result: Any, name: str = "result") -> dict[str, Any]:
    """Flatten what a function returned, without what differs from run to run."""
    if dataclasses.is_dataclass(result):
        left_out = {"seconds", "history", "backend"}
        names = [field.name for field in dataclasses.fields(result) if field.name not in left_out]
        pairs = [(field, getattr(result, field)) for field in names]
    elif isinstance(result, Mapping):
        pairs = list(result.items())
    elif isinstance(result, (tuple, list)):
        pairs = list(enumerate(result))
    elif hasattr(result, "to_bytes") and not isinstance(result, int):
        return {name: result.to_bytes()}
    else:
        return {name: result}
    return {
        key: value
        for field, part in pairs
        for key, value in contents(part, f"{name}.{field}").items()
    }


def bits(result: Any) -> dict[str, Any]:
    """Return the contents as comparable values: equal if and only if all bits are."""
    return {
        name: (value.dtype.str, value.shape, value.tobytes())
        if isinstance(value, np.ndarray)
        else np.float64(value).tobytes()
        if isinstance(value, float)
        else value
        for name, value in contents(result).items()
    }


def arrays_in(result: Any) -> list[np.ndarray]:
    return [value for value in contents(result).values() if isinstance(value, np.ndarray)]


def call(entry: Entry, arguments: Mapping[str, Any], **options: Any) -> Any:
    accepted = {name: value for name, value in options.items() if name in entry.options}
    return entry.call(**arguments, **accepted)


# Every function is registered and follows the conventions


def needs_an_entry(name: str) -> bool:
    value = getattr(minimand, name)
    if inspect.isclass(value):
        is_data = issubclass(value, (BaseException, Enum)) or dataclasses.is_dataclass(value)
        return not is_data
    return inspect.isroutine(value)


def test_every_public_function_is_registered():
    names = {entry.name for entry in REGISTRY}
    assert {name for name in minimand.__all__ if needs_an_entry(name)} <= names


def test_every_registered_function_is_public():
    assert {entry.name.split(".")[0] for entry in REGISTRY} <= set(minimand.__all__)


def test_no_name_is_registered_twice():
    names = [entry.name for entry in REGISTRY]
    assert len(set(names)) == len(names)


@entries(WITH_ARRAYS)
def test_either_backend_can_be_chosen(entry):
    assert ("backend" in entry.options) == entry.kernel


@entries(REGISTRY)
def test_data_are_positional_and_everything_else_is_keyword_only(entry):
    for name, parameter in inspect.signature(entry.signature).parameters.items():
        positional = entry.arrays + entry.positional + entry.counts + entry.paths
        if name != "self" and name not in positional:
            allowed = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
            assert parameter.kind in allowed, name


# Bad input


def with_entry(array: np.ndarray, value: float) -> np.ndarray:
    bad = array.copy()
    bad[(1,) * bad.ndim] = value
    return bad


def flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(len(array), -1)


def place(array: np.ndarray) -> str:
    return ("at entry 1", "at row 1, column 1", "at row 1, column 1, channel 1")[array.ndim - 1]


Bad = tuple[str, str, Callable[[dict[str, Any]], Any], type[Exception], Callable[..., list[str]]]


def bad_arrays(entry: Entry, name: str) -> Iterator[Bad]:
    def says(*words: str) -> Callable[..., list[str]]:
        return lambda _arguments: [name, *words]

    def position(arguments: dict[str, Any]) -> list[str]:
        return [name, place(arguments[name])]

    for label, value in (("NaN", np.nan), ("inf", np.inf), ("-inf", -np.inf)):
        made = lambda a, value=value: with_entry(a[name], value)  # noqa: E731
        yield name, label, made, ValueError, lambda a, label=label: [*position(a), label]
    yield name, "empty", lambda a: a[name][:0], ValueError, says("empty")
    yield name, "0-d", lambda _a: 3.0, ValueError, says("()")
    if name in entry.images:
        yield name, "4-d", lambda _a: np.ones((2, 2, 2, 2)), ValueError, says("(2, 2, 2, 2)")
    else:
        yield name, "3-d", lambda _a: np.ones((2, 2, 2)), ValueError, says("(2, 2, 2)")
    yield name, "ragged", lambda _a: [[1.0, 2.0], [3.0]], ValueError, says("ragged")
    yield name, "complex", lambda a: a[name] + 1j, TypeError, says("complex128")
    yield name, "object", lambda a: a[name].astype(object), TypeError, says("object")
    yield name, "str", lambda a: a[name].astype(str), TypeError, says("<U")
    text = "'data.csv'" if name in entry.colors else "<U"
    yield name, "text", lambda _a: "data.csv", TypeError, says(text)
    yield name, "date", lambda a: a[name].astype("M8[s]"), TypeError, says("datetime64")
    masked = lambda a: np.ma.masked_equal(a[name], a[name].flat[0])  # noqa: E731
    yield name, "masked", masked, TypeError, says("masked")
    if name in entry.matrices:
        yield name, "1-d", lambda a: a[name][0], ValueError, says("matrix")
        yield name, "no columns", lambda a: a[name][:, :0], ValueError, says("empty")
    if name in entry.images + entry.masks:
        yield name, "1-d", lambda _a: np.ones(4), ValueError, says("(4,)", "expected (")
        yield name, "no columns", lambda a: a[name][:, :0], ValueError, says("empty")
    if name in entry.masks:
        other = lambda a: with_entry(a[name], 2.0)  # noqa: E731
        yield name, "not 0 or 1", other, ValueError, lambda a: [*position(a), "2.0", "True means"]
        yield name, "all zero", lambda a: 0.0 * a[name], ValueError, says("no True entry")
    if name in entry.vectors:
        yield name, "2-d", lambda _a: np.ones((2, 2)), ValueError, says("vector", "(2, 2)")
    elif name in entry.colors:
        yield name, "2-d", lambda _a: np.ones((2, 2)), ValueError, says("(2, 2)", "channel")
        yield name, "too short", lambda a: a[name][:-1], ValueError, says("(1,)", "channel")
    else:
        yield name, "None", lambda _a: None, TypeError, says("None")
        if name not in entry.sparse:
            sparse_one = lambda a: sparse.csr_array(flat(a[name]))  # noqa: E731
            yield name, "sparse", sparse_one, TypeError, says("sparse")
    if name in entry.square:
        yield name, "not square", lambda a: a[name][:, :-1], ValueError, says("square")
    if name in entry.nonnegative:
        negative = lambda a: with_entry(a[name], -1.0)  # noqa: E731
        yield name, "negative", negative, ValueError, says("-1")
        yield name, "all zero", lambda a: 0.0 * a[name], ValueError, says("zero")
    if name in entry.lengths:
        other = entry.lengths[name]

        def both(arguments: dict[str, Any]) -> list[str]:
            rows = len(arguments[other])
            return [name, str(rows - 1), other, str(rows)]

        yield name, "too short", lambda a: a[name][:-1], ValueError, both


def bad_numbers(entry: Entry) -> Iterator[Bad]:
    def cases(name: str, error: type[Exception], *values: Any) -> Iterator[Bad]:
        for value in values:
            yield name, repr(value), lambda _a, value=value: value, error, lambda _a: [name]

    threads = ("threads",) if "threads" in entry.options else ()
    counts = entry.positive_ints + entry.counts
    for name in counts + threads + entry.nonnegative_ints:
        yield from cases(name, ValueError, -1)
        yield from cases(name, TypeError, True, 1.5, "2")
    for name in counts + threads:
        yield from cases(name, ValueError, 0)
    for name in entry.positive_floats + entry.nonnegative_floats:
        yield from cases(name, ValueError, -1, -1e-300, np.nan, np.inf)
        yield from cases(name, TypeError, True, "1", 1j)
    for name in entry.positive_floats:
        yield from cases(name, ValueError, 0)
    for name in entry.choices:
        yield from cases(name, ValueError, "nonsense")
        yield from cases(name, TypeError, 3)
    for name in entry.flags:
        yield from cases(name, TypeError, 1, "yes")


def bad_cases() -> Iterator[Any]:
    for entry in REGISTRY:
        arrays = [case for name in entry.arrays for case in bad_arrays(entry, name)]
        for name, label, made, error, words in [*arrays, *bad_numbers(entry)]:
            yield pytest.param(
                entry, name, made, error, words, id=f"{entry.name}-{name}-{label.replace(' ', '_')}"
            )


@pytest.mark.parametrize(("entry", "name", "made", "error", "words"), list(bad_cases()))
def test_bad_input_is_named_in_the_same_words_on_both_backends(entry, name, made, error, words):
    arguments = entry.valid()
    expected = words(arguments)
    messages = set()
    for backend in BACKENDS:
        with pytest.raises(error) as caught:
            call(entry, arguments | {name: made(arguments)}, backend=backend)
        assert caught.type is error
        messages.add(str(caught.value))
    assert len(messages) == 1
    message = messages.pop()
    assert message.startswith(f"{name} ")
    for word in expected:
        assert word in message


@entries([entry for entry in REGISTRY if "backend" in entry.options])
def test_an_unknown_backend_is_named(entry):
    with pytest.raises(ValueError, match="backend is 'fortran', expected one of 'cpp', 'numpy'"):
        call(entry, entry.valid(), backend="fortran")
    with pytest.raises(TypeError, match="backend is None, expected one of 'cpp', 'numpy'"):
        call(entry, entry.valid(), backend=None)


# Good but odd input


def memory_map(array: np.ndarray, folder: Any) -> np.ndarray:
    mapped = np.memmap(folder / "array.bin", dtype=array.dtype, mode="w+", shape=array.shape)
    mapped[...] = array
    return mapped


def read_only(array: np.ndarray, _folder: Any) -> np.ndarray:
    array.flags.writeable = False
    return array


def unaligned(array: np.ndarray, _folder: Any) -> np.ndarray:
    view = np.empty(array.nbytes + 1, dtype=np.uint8)[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def reversed_axes(array: np.ndarray, _folder: Any) -> np.ndarray:
    return np.flip(np.flip(array).copy())


def every_other(array: np.ndarray, _folder: Any) -> np.ndarray:
    return np.repeat(array, 2, axis=-1)[..., ::2]


ODD: dict[str, Callable[[np.ndarray, Any], Any]] = {
    "fortran": lambda array, _folder: np.asfortranarray(array),
    "every_other": every_other,
    "reversed": reversed_axes,
    "read_only": read_only,
    "memory_map": memory_map,
    "unaligned": unaligned,
    "big_endian": lambda array, _folder: array.astype(">f8"),
    "int64": lambda array, _folder: array.astype(np.int64),
    "int8": lambda array, _folder: array.astype(np.int8),
    "float16": lambda array, _folder: array.astype(np.float16),
    "float32": lambda array, _folder: array.astype(np.float32),
    "longdouble": lambda array, _folder: array.astype(np.longdouble),
    "lists": lambda array, _folder: array.tolist(),
}


def odd_cases() -> Iterator[Any]:
    for entry in WITH_ARRAYS:
        for name in entry.arrays:
            for layout in ODD:
                if not (layout == "float32" and name in entry.float32):
                    yield pytest.param(entry, name, layout, id=f"{entry.name}-{name}-{layout}")


@pytest.mark.parametrize(("entry", "name", "layout"), list(odd_cases()))
def test_odd_input_gives_the_same_bits_and_is_not_modified(entry, name, layout, backend, tmp_path):
    arguments = entry.valid()
    expected = bits(call(entry, entry.valid(), backend=backend))
    odd = ODD[layout](arguments[name], tmp_path)
    before = np.array(odd)
    writable = getattr(odd, "flags", None) and odd.flags.writeable
    result = call(entry, arguments | {name: odd}, backend=backend)
    assert bits(result) == expected
    np.testing.assert_array_equal(np.array(odd), before)
    if isinstance(odd, np.ndarray):
        assert odd.flags.writeable == writable


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        pytest.param(entry, name, id=f"{entry.name}-{name}")
        for entry in WITH_ARRAYS
        for name in entry.bools
    ],
)
def test_true_and_false_are_one_and_zero(entry, name, backend):
    arguments = entry.valid()
    truth = arguments[name] > 0
    truth.flat[-1] = True
    result = call(entry, arguments | {name: truth}, backend=backend)
    expected = call(entry, entry.valid() | {name: truth.astype(float)}, backend=backend)
    assert bits(result) == bits(expected)


@entries(WITH_ARRAYS)
def test_arguments_are_not_modified_and_not_returned(entry, backend):
    arguments, before = entry.valid(), entry.valid()
    result = call(entry, arguments, backend=backend)
    for name in entry.arrays:
        assert arguments[name].flags.writeable
        np.testing.assert_array_equal(arguments[name], before[name])
        for array in arrays_in(result):
            assert not np.shares_memory(array, arguments[name])


# Threads


@entries(WITH_ARRAYS)
def test_concurrent_calls_give_the_same_bits(entry, backend):
    expected = bits(call(entry, entry.valid(), backend=backend))
    arguments = entry.valid()
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(call, entry, arguments, backend=backend) for _ in range(12)]
        for one in calls:
            assert bits(one.result()) == expected


@entries([entry for entry in WITH_ARRAYS if "threads" in entry.options])
def test_any_number_of_threads_gives_the_same_bits(entry, backend):
    one = bits(call(entry, entry.valid(), backend=backend, threads=1))
    for threads in (None, 2, 5):
        assert bits(call(entry, entry.valid(), backend=backend, threads=threads)) == one


# Results


@entries(WITH_ARRAYS)
def test_results_are_read_only_reported_stored_and_verified(entry, backend):
    arguments = entry.valid()
    result = call(entry, arguments, backend=backend)
    if not isinstance(result, Result):
        pytest.skip(f"{entry.name} returns {type(result).__name__}")
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        assert not (isinstance(value, np.ndarray) and value.flags.writeable), field.name
    assert result.backend == backend
    assert type(result).__name__ in str(result)
    assert bits(pickle.loads(pickle.dumps(result))) == bits(result)
    assert json.dumps(result.to_dict(), allow_nan=False)
    assert result.status.ok
    assert all(isinstance(c, Certificate) and c.holds for c in result.certificates)
    result.verify(*arguments.values())
