from __future__ import annotations

import datetime
import tracemalloc
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from minimand._common.arrays import (
    as_columns,
    as_matrix,
    as_vector,
    boolean,
    check_finite,
    check_nonnegative,
    column_names,
    fraction,
    freeze,
    nonnegative_float,
    nonnegative_int,
    one_of,
    positive_float,
    positive_int,
)

X = np.arange(1.0, 13.0).reshape(4, 3)


class OnlyDLPack:
    """What some array libraries are: no __array__."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def unaligned(array):
    raw = np.empty(array.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def is_ready(array, dtype=np.float64):
    flags = array.flags
    return (
        type(array) is np.ndarray
        and array.dtype == dtype
        and array.dtype.isnative
        and flags.c_contiguous
        and flags.aligned
        and min(array.strides) >= 0
    )


# Good input


def test_good_input_passes_without_a_copy():
    assert as_matrix("X", X) is X
    y = X[:, 0].copy()
    assert as_vector("y", y) is y
    columns, was_vector = as_columns("y", y)
    assert was_vector
    assert columns.shape == (4, 1)
    assert np.shares_memory(columns, y)
    columns, was_vector = as_columns("Y", X)
    assert columns is X
    assert not was_vector


def test_read_only_and_memory_mapped_input_pass_without_a_copy(tmp_path):
    frozen = freeze(X)
    assert np.shares_memory(as_matrix("X", frozen), X)
    mapped = np.memmap(tmp_path / "X.bin", dtype=np.float64, mode="w+", shape=(4, 3))
    mapped[...] = X
    matrix = as_matrix("X", mapped)
    assert is_ready(matrix)
    assert np.shares_memory(matrix, mapped)


def test_float32_stays_only_where_it_may():
    single = X.astype(np.float32)
    assert as_matrix("X", single, dtypes=(np.float64, np.float32)) is single
    assert is_ready(as_matrix("X", single))
    swapped = as_matrix("X", single.astype(">f4"), dtypes=(np.float64, np.float32))
    assert is_ready(swapped, np.float32)
    half = as_matrix("X", X.astype(np.float16), dtypes=(np.float64, np.float32))
    assert is_ready(half)


@pytest.mark.parametrize(
    "odd",
    [
        X.tolist(),
        tuple(map(tuple, X)),
        list(X),
        np.asfortranarray(X),
        X[::-1, ::-1].copy()[::-1, ::-1],
        np.repeat(X, 2, axis=1)[:, ::2],
        X.astype(">f8"),
        X.astype("<f8"),
        unaligned(X),
        X.astype(int),
        X.astype(np.uint8),
        X.astype(np.float16),
        X.astype(np.longdouble),
        np.ma.masked_array(X),
        X.view(np.matrix),
        OnlyDLPack(X),
    ],
    ids=lambda odd: type(odd).__name__,
)
def test_odd_input_is_converted(odd):
    matrix = as_matrix("X", odd)
    assert is_ready(matrix)
    np.testing.assert_array_equal(matrix, X)


def test_bool_is_zero_and_one():
    np.testing.assert_array_equal(as_vector("y", [True, False]), [1.0, 0.0])
    np.testing.assert_array_equal(as_vector("y", np.array([True, False])), [1.0, 0.0])


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (1, 1)])
def test_reversed_axes_of_length_one_get_positive_strides(shape):
    array = np.arange(3.0)[: shape[0] * shape[1]].reshape(shape)
    assert is_ready(as_matrix("X", array[::-1, ::-1]))
    assert is_ready(as_vector("y", array[0, :1][::-1]))


@given(
    hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int32, np.dtype(">f8"), np.bool_]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements={"allow_nan": False, "allow_infinity": False},
    ),
    st.tuples(st.sampled_from([1, -1, 2, -2]), st.sampled_from([1, -1, 2, -2])),
    st.booleans(),
)
def test_any_layout_gives_the_same_matrix(array, steps, transpose):
    view = array[:: steps[0], :: steps[1]]
    view = view.T if transpose else view
    before = array.copy()
    matrix = as_matrix("X", view)
    assert is_ready(matrix)
    np.testing.assert_array_equal(matrix, view.astype(np.float64))
    np.testing.assert_array_equal(array, before)


# Data frames


def test_pandas():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    np.testing.assert_array_equal(as_matrix("X", frame), X)
    np.testing.assert_array_equal(as_vector("y", frame["b"]), X[:, 1])
    mixed = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]})
    np.testing.assert_array_equal(as_matrix("X", mixed), [[1, 0.5, 1], [2, 1.5, 0]])
    nullable = pd.DataFrame({"a": pd.array([1, 2], dtype="Int64"), "b": [0.5, 1.5]})
    np.testing.assert_array_equal(as_matrix("X", nullable), [[1, 0.5], [2, 1.5]])
    gap = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [True, False]})
    with pytest.raises(ValueError, match="X has NaN at row 1, column 0"):
        as_matrix("X", gap)
    with pytest.raises(ValueError, match="y has NaN at entry 1"):
        as_vector("y", gap["a"])
    words = pd.DataFrame({"a": [1.0, 2.0], "b": ["1", "2"]})
    with pytest.raises(TypeError, match=r"X has dtype object \('1' at row 0, column 1\)"):
        as_matrix("X", words)
    with pytest.raises(TypeError, match="y has dtype"):
        as_vector("y", words["b"])
    with pytest.raises(TypeError, match="X has dtype"):
        as_matrix("X", words.assign(b=pd.Categorical(["u", "v"])))


def test_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]})
    np.testing.assert_array_equal(as_matrix("X", frame), [[1, 0.5, 1], [2, 1.5, 0]])
    np.testing.assert_array_equal(as_vector("y", frame["b"]), [0.5, 1.5])
    with pytest.raises(ValueError, match="X has NaN at row 1, column 0"):
        as_matrix("X", pl.DataFrame({"a": [1, None], "b": [0.5, 1.5]}))
    with pytest.raises(TypeError, match="X has dtype object"):
        as_matrix("X", pl.DataFrame({"a": ["u", "v"], "b": [0.5, 1.5]}))
    with pytest.raises(TypeError, match=r"X is .* of type LazyFrame"):
        as_matrix("X", frame.lazy())


def test_column_names():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    assert column_names(pd.DataFrame(X, columns=["a", "b", "c"]), 3) == ("a", "b", "c")
    assert column_names(pl.DataFrame(X, schema=["a", "b", "c"]), 3) == ("a", "b", "c")
    assert column_names(pd.DataFrame(X, columns=[2001, 2002, 2003]), 3) == ("2001", "2002", "2003")
    assert column_names(pd.DataFrame(X), 3) is None
    assert column_names(pd.DataFrame(X, columns=["a", "b", "c"]), 2) is None
    assert column_names(X, 3) is None
    assert column_names(X.tolist(), 3) is None


# Bad input


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (X + 1j, "X has dtype complex128, expected real numbers; pass the real"),
        (X.astype(object), "X has dtype object, expected real numbers; convert"),
        ([[1.0, None]], r"X has dtype object \(None at row 0, column 1\), expected real numbers"),
        ([[1.0, Decimal(1)]], r"X has dtype object \(Decimal\('1'\) at row 0, column 1\)"),
        ([["1", "2"]], "X has dtype <U1, expected real numbers; convert"),
        (X.astype("S"), "X has dtype .*, expected real numbers; convert"),
        (
            X.astype(int).astype("M8[s]"),
            "X has dtype datetime64.*, expected real numbers; subtract",
        ),
        (X.astype(int).astype("m8[s]"), "X has dtype timedelta64.*, expected real numbers; divide"),
        (np.zeros((2, 2), dtype=[("a", float)]), "X has dtype .*, expected real numbers; pass a"),
        (sparse.eye_array(3), r"X is a sparse matrix, expected a dense one; use X.toarray\(\)"),
        (np.ma.masked_greater(X, 5), "X has masked entries, expected a full array; use X.filled"),
        (None, "X is None, expected an array of real numbers"),
        ("X", "X has dtype <U1, expected real numbers"),
        ((row for row in X), "X is <generator.* of type generator, expected an array"),
        ({1.0, 2.0}, "X is {.*} of type set, expected an array"),
        (datetime.datetime(2020, 1, 1), "X is .* of type datetime, expected an array"),
    ],
)
def test_what_is_no_number_is_a_type_error(value, message):
    for check in (as_matrix, as_vector, as_columns):
        with pytest.raises(TypeError, match=message):
            check("X", value)


def test_arrays_of_another_device_are_a_type_error():
    class Elsewhere:
        def __dlpack__(self, **options):
            raise BufferError("not in memory of the CPU")

        def __dlpack_device__(self):
            return (2, 0)

    with pytest.raises(TypeError, match="X could not be read as an array: "):
        as_matrix("X", Elsewhere())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.0, r"X has shape \(\), expected a matrix \(rows, columns\)$"),
        ([1.0, 2.0], r"X has shape \(2,\), expected .*; use np.reshape\(X, \(-1, 1\)\)"),
        (np.ones((2, 2, 2)), r"X has shape \(2, 2, 2\), expected a matrix"),
        (np.ones((0, 3)), r"X is empty \(shape \(0, 3\)\), expected at least one row and one"),
        (np.ones((3, 0)), r"X is empty \(shape \(3, 0\)\)"),
        ([[]], r"X is empty \(shape \(1, 0\)\)"),
        ([[1, 2], [3]], r"X is ragged \(rows of 1 to 2 entries\), expected rows of one length"),
        ([[1, 2], 3], "X is ragged, expected rows of one length"),
    ],
)
def test_wrong_shapes_of_a_matrix(value, message):
    with pytest.raises(ValueError, match=message):
        as_matrix("X", value)


def test_square():
    square = X[:3]
    assert as_matrix("A", square, square=True) is square
    with pytest.raises(ValueError, match=r"A has shape \(4, 3\), expected a square matrix"):
        as_matrix("A", X, square=True)


def test_wrong_number_of_columns():
    assert as_matrix("X", X, columns=3) is X
    with pytest.raises(ValueError, match="X has 3 columns, expected 5"):
        as_matrix("X", X, columns=5)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.0, r"y has shape \(\), expected a vector \(entries,\)$"),
        ([[1.0], [2.0]], r"y has shape \(2, 1\), expected a vector .*; use np.ravel\(y\)"),
        (X, r"y has shape \(4, 3\), expected a vector \(entries,\)$"),
        ([], r"y is empty \(shape \(0,\)\), expected at least one entry"),
    ],
)
def test_wrong_shapes_of_a_vector(value, message):
    with pytest.raises(ValueError, match=message):
        as_vector("y", value)


def test_lengths():
    y = np.ones(5)
    assert as_vector("y", y, length=5) is y
    with pytest.raises(ValueError, match="y has 5 entries, expected 7"):
        as_vector("y", y, length=7)
    with pytest.raises(ValueError, match="y has 5 entries but X has 7 rows"):
        as_vector("y", y, length=7, like="X")
    with pytest.raises(ValueError, match="y has 5 entries but X has 7 rows"):
        as_columns("y", y, length=7, like="X")
    with pytest.raises(ValueError, match="y has 4 rows but X has 7 rows"):
        as_columns("y", X, length=7, like="X")
    with pytest.raises(
        ValueError, match=r"y has shape \(1, 4, 3\), expected a vector \(rows,\) or"
    ):
        as_columns("y", X[None])


# Finite numbers


@pytest.mark.parametrize(("bad", "came"), [(np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_the_first_bad_position_is_named(bad, came):
    matrix = X.copy()
    matrix[2, 1] = bad
    matrix[3, 0] = np.nan
    with pytest.raises(ValueError, match=f"X has {came} at row 2, column 1, expected finite"):
        as_matrix("X", matrix)
    with pytest.raises(ValueError, match=f"y has {came} at entry 2, expected finite"):
        as_vector("y", matrix[:, 1])
    with pytest.raises(ValueError, match=f"y has {came} at entry 2, expected finite"):
        as_columns("y", matrix[:, 1])
    with pytest.raises(ValueError, match=f"X has {came} at row 2, column 1"):
        as_matrix("X", matrix.astype(np.float32), dtypes=(np.float32,))
    assert as_matrix("X", matrix, finite=False) is matrix


def test_what_float64_cannot_hold_is_found():
    huge = np.array([1.0, 2.0], dtype=np.longdouble)
    huge[1] = np.ldexp(np.longdouble(1.0), 2000)
    with pytest.raises(ValueError, match="y has inf at entry 1"):
        as_vector("y", huge)


def test_the_last_entry_of_a_large_array_is_looked_at_in_little_memory():
    large = np.zeros((1 << 16, 65))
    large[-1, -1] = np.nan
    tracemalloc.start()
    with pytest.raises(ValueError, match="X has NaN at row 65535, column 64"):
        check_finite("X", large)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2e6


@given(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5)),
)
def test_finite_or_not(array):
    bad = np.argwhere(~np.isfinite(array))
    if len(bad) == 0:
        check_finite("X", array)
    else:
        with pytest.raises(ValueError, match=f"at row {bad[0][0]}, column {bad[0][1]},"):
            check_finite("X", array)


def test_the_first_negative_entry_is_named():
    check_nonnegative("weights", np.array([0.0, 1.0, 5e-324]))
    with pytest.raises(ValueError, match=r"weights has -2\.0 at entry 1, expected numbers >= 0"):
        check_nonnegative("weights", np.array([1.0, -2.0, -3.0]))
    with pytest.raises(ValueError, match=r"C has -5\.0 at row 1, column 0, expected"):
        check_nonnegative("C", np.array([[1.0, 2.0], [-5.0, 3.0]]))


# Read-only views


def test_freeze_leaves_the_array_of_the_user_alone():
    array = X.copy()
    view = freeze(array)
    assert array.flags.writeable
    assert np.shares_memory(view, array)
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1.0


# Numbers and options


def test_positive_int():
    assert positive_int("n", 3) == 3
    assert type(positive_int("n", np.int8(3))) is int
    assert positive_int("n", 2**70) == 2**70
    for zero in (0, -1, np.int64(-5)):
        with pytest.raises(ValueError, match=f"n is {zero}, expected a positive integer"):
            positive_int("n", zero)
    for wrong in (True, np.True_, 1.0, "1", None, [1], np.ones(2, dtype=int)):
        with pytest.raises(TypeError, match=r"n is .*, expected a positive integer"):
            positive_int("n", wrong)


def test_nonnegative_int():
    assert nonnegative_int("n", 0) == 0
    assert type(nonnegative_int("n", np.int8(3))) is int
    with pytest.raises(ValueError, match="n is -1, expected an integer >= 0"):
        nonnegative_int("n", -1)
    for wrong in (False, 0.0, "0", None, [0]):
        with pytest.raises(TypeError, match=r"n is .*, expected an integer >= 0"):
            nonnegative_int("n", wrong)


def test_floats():
    assert nonnegative_float("ridge", 0) == 0.0
    assert type(positive_float("ridge", np.float32(0.5))) is float
    assert positive_float("ridge", Fraction(1, 2)) == 0.5
    assert positive_float("ridge", 5e-324) == 5e-324
    assert fraction("share", 0) == 0.0
    assert fraction("share", 1) == 1.0
    for check, bad in [
        (nonnegative_float, -1e-300),
        (nonnegative_float, np.nan),
        (nonnegative_float, np.inf),
        (nonnegative_float, 10**400),
        (positive_float, 0.0),
        (positive_float, -1),
        (fraction, 1.5),
        (fraction, -0.5),
        (fraction, np.nan),
    ]:
        with pytest.raises(ValueError, match=r"ridge is \S+, expected a (finite )?number"):
            check("ridge", bad)
    for check in (nonnegative_float, positive_float, fraction):
        for wrong in (True, "0.5", None, 1j, Decimal(1), [0.5]):
            with pytest.raises(TypeError, match=r"ridge is .*, expected a (finite )?number"):
                check("ridge", wrong)


def test_one_of():
    options = ("auto", "cholesky", "qr")
    assert one_of("method", "qr", options) == "qr"
    with pytest.raises(
        ValueError, match=r"method is 'lu', expected one of 'auto', 'cholesky', 'qr'$"
    ):
        one_of("method", "lu", options)
    with pytest.raises(ValueError, match="did you mean 'cholesky'"):
        one_of("method", "cholesk", options)
    for wrong in (None, 1, ["qr"]):
        with pytest.raises(TypeError, match=r"method is .*, expected one of"):
            one_of("method", wrong, options)


def test_boolean():
    assert boolean("intercept", True) is True
    assert boolean("intercept", np.False_) is False
    for wrong in (0, 1, "yes", None):
        with pytest.raises(TypeError, match=r"intercept is .*, expected True or False"):
            boolean("intercept", wrong)
