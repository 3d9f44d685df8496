"""Least squares in pieces: blocks of rows from a stream, a file, or many machines."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from minimand._common.arrays import (
    Floats,
    as_columns,
    as_matrix,
    boolean,
    column_names,
    nonnegative_float,
    one_of,
)
from minimand._common.backend import Backend, kernels
from minimand._common.errors import NotPositiveDefiniteError
from minimand._common.threads import resolve_threads
from minimand.least_squares.accumulated import AccumulatedData, BlockData, Sums
from minimand.least_squares.data import Data, Frame
from minimand.least_squares.ladder import NormalEquations, from_triangle, out_of_range
from minimand.least_squares.lstsq import POLICIES, announce, as_weights, report
from minimand.least_squares.moments import UNIT
from minimand.least_squares.refine import Solution, finish
from minimand.least_squares.result import LeastSquaresResult
from minimand.least_squares.rung import Problem, Rung

_MAGIC = b"minimand.LeastSquaresState 1\n"
_LARGEST = 20_000  # columns that from_bytes accepts
_DEEPEST = 2**32  # merges in a row that it accepts


class LeastSquaresState:
    """What a least-squares fit needs to know of its rows: O((n + k)^2) numbers for any m.

    Blocks of any size may come in any order and states may be merged in any tree; the fit is that
    of all rows at once, up to rounding.

    Parameters
    ----------
    intercept : bool
        Whether to fit a constant term.
    method : {"qr", "gram"}
        "qr" keeps the triangle of [1 X y] (Householder): as accurate as `lstsq(method="qr")`.
        "gram" keeps sums of products about a common origin: half the work, half the digits.
    threads, backend
        As in `lstsq`.

    Attributes
    ----------
    rows : int
        Observations so far, those of weight 0 not counted.

    Notes
    -----
    Sources: Demmel et al., SIAM J. Sci. Comput. 34 (2012) A206 (triangles); Chan, Golub, LeVeque,
    Amer. Statist. 37 (1983) 242 (sums about a common origin).

    Examples
    --------
    >>> import minimand
    >>> state = minimand.LeastSquaresState()
    >>> for x, y in [([[1.0], [2.0]], [3.0, 5.0]), ([[3.0], [5.0]], [7.0, 11.0])]:
    ...     state = state.update(x, y)
    >>> state.solve().coef.round(6)
    array([2.])
    """

    def __init__(
        self,
        *,
        intercept: bool = True,
        method: str = "qr",
        threads: int | None = None,
        backend: Backend = "cpp",
    ) -> None:
        self.intercept = boolean("intercept", intercept)
        self.method = one_of("method", method, ("qr", "gram"))
        self.threads = resolve_threads(threads)
        self.backend: Backend = backend
        self._kernels = kernels("least_squares", backend)
        self.rows = 0
        self._sums = Sums(
            triangular=self.method == "qr", intercept=self.intercept, kernels=self._kernels
        )
        self._columns = 0
        self._single = True
        self._rounding = 0.0
        self._names: tuple[str, ...] | None = None

    def update(self, X: object, y: object, weights: object = None) -> LeastSquaresState:
        """Take in a block of rows and return the state itself.

        Parameters
        ----------
        X : array_like (m, n)
            m >= 1 rows; n is the same for all blocks.
        y : array_like (m,) or (m, k)
            Targets.
        weights : array_like (m,), optional
            w >= 0.

        Raises
        ------
        ValueError, TypeError
            As in `lstsq`; the state stays as it was.
        """
        data, single = self._data(X, y, weights)
        frame = self._sums.frame or data.first_frame()
        block = self._sums.of(data, frame)
        if out_of_range(data, self._sums.lengths(block)):
            data.check_finite()
            frame = self._wider(data, frame)
            block = self._sums.of(data, frame)
        if self._sums.frame is None:
            self._columns, self._single = data.columns, single
            self._names = column_names(X, data.columns)
        self._sums.push(frame, 0, block)
        self.rows += data.observations
        self._rounding = max(self._rounding, data.rounding)
        return self

    def merge(self, other: LeastSquaresState) -> LeastSquaresState:
        """Take in all rows of another state, which stays as it is, and return the state itself.

        Raises
        ------
        TypeError, ValueError
            `other` is no state, or one of another kind or another number of columns.
        """
        if not isinstance(other, LeastSquaresState):
            raise TypeError(
                f"other is a {type(other).__name__}, expected a LeastSquaresState like this one"
            )
        if (other.intercept, other.method) != (self.intercept, self.method):
            raise ValueError(
                f"other has intercept={other.intercept} and method={other.method!r}, expected "
                f"intercept={self.intercept} and method={self.method!r}"
            )
        theirs, mine = other._sums, self._sums
        if theirs.frame is None:
            return self
        if mine.frame is None:
            self._columns, self._single, self._names = other._columns, other._single, other._names
            mine.push(theirs.frame, *theirs.collapsed())
        elif (other._columns, theirs.width) != (self._columns, mine.width):
            raise ValueError(
                f"other has {other._columns} columns of X, this state has {self._columns}; "
                "they must match, and so must the columns of y"
            )
        else:
            scale = np.minimum(mine.frame.scale, theirs.frame.scale)
            frame = replace(mine.frame, scale=scale)
            mine.push(frame, *theirs.seen_from(frame))
        self.rows += other.rows
        self._rounding = max(self._rounding, other._rounding)
        return self

    def solve(
        self,
        *,
        ridge: float = 0.0,
        rank_deficient: str = "min_norm",
        data_error: float | None = None,
    ) -> LeastSquaresResult:
        """Return the fit of the rows so far; the state can go on taking rows.

        The certificate speaks of the matrix that was accumulated, with an allowance for the
        rounding of its additions. `refine` certifies against the data themselves; so does
        `result.verify` with all rows.

        Parameters
        ----------
        ridge, rank_deficient, data_error
            As in `lstsq`.
        """
        problem, rung, depth, start = self._rung(ridge, rank_deficient, data_error)
        solution = finish(problem, rung, "working")
        # The sums differ from those of exact arithmetic by a rounding error for each addition.
        found, rounding = solution.quality, UNIT * float(np.sqrt(1 + depth))
        found = replace(
            found,
            backward_error=found.backward_error + rounding,
            normal_equations=found.normal_equations + rounding,
            intercept=found.intercept + rounding * self.intercept,
        )
        solution = replace(solution, quality=found)
        return self._reported(problem, solution, rank_deficient, start)

    def refine(
        self,
        blocks: Iterable[tuple[Any, ...]],
        *,
        ridge: float = 0.0,
        rank_deficient: str = "min_norm",
        data_error: float | None = None,
    ) -> LeastSquaresResult:
        """Read all blocks again (some times): corrected coefficients, certified on the data.

        Parameters
        ----------
        blocks : sequence (or other re-iterable) of tuples (X, y) or (X, y, weights)
            The same rows as before. An iterator, which can be read only once, is refused.
        """
        if iter(blocks) is blocks:
            raise TypeError(
                f"blocks is a {type(blocks).__name__} that can be read only once, expected a list "
                "or another object that can be iterated again"
            )
        problem, rung, _, start = self._rung(ridge, rank_deficient, data_error)
        data = BlockData(
            *self._empty(),
            seen=self.rows,
            blocks=blocks,
            convert=lambda X, y, weights=None: self._data(X, y, weights)[0],
        )
        again = replace(problem, data=data)
        solution = finish(again, rung, "working")
        return self._reported(again, solution, rank_deficient, start)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by way of `to_bytes`."""
        return _restored, (self.to_bytes(), self.threads, self.backend)

    def to_bytes(self) -> bytes:
        """Return the state as bytes, for a file or another machine; `from_bytes` reads them."""
        depth, sums = self._sums.collapsed() if self._sums.parts else (0, np.empty((0, 0)))
        header = {
            "intercept": self.intercept, "method": self.method, "rows": self.rows,
            "columns": self._columns, "width": self._sums.width, "single": self._single,
            "rounding": self._rounding, "names": self._names, "empty": self._sums.frame is None,
            "depth": depth,
        }  # fmt: skip
        frame = self._sums.frame or Frame(np.empty(0), np.empty(0))
        arrays = (frame.shift, frame.scale, sums)
        body = b"".join(np.ascontiguousarray(a, dtype="<f8").tobytes() for a in arrays)
        return _MAGIC + json.dumps(header).encode() + b"\n" + body

    @classmethod
    def from_bytes(
        cls, data: bytes, *, threads: int | None = None, backend: Backend = "cpp"
    ) -> LeastSquaresState:
        """Return the state that `to_bytes` wrote.

        Raises
        ------
        ValueError
            The bytes are not those of a state, truncated, or altered in their lengths.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data is a {type(data).__name__}, expected bytes")
        raw = bytes(data)
        line, found, body = raw[len(_MAGIC) :].partition(b"\n")
        if not raw.startswith(_MAGIC) or not found:
            raise ValueError("data does not start as the bytes of a LeastSquaresState do")
        try:
            header = json.loads(line)
            state = cls(
                intercept=header["intercept"], method=header["method"], threads=threads,
                backend=backend,
            )  # fmt: skip
            width, columns, rows = (int(header[key]) for key in ("width", "columns", "rows"))
            depth = int(header["depth"])
            empty, names = bool(header["empty"]), header["names"]
            state._single, state._rounding = bool(header["single"]), float(header["rounding"])
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"data has a damaged header ({error})") from None
        lead = int(state.intercept)
        expected = 0 if empty else 8 * (2 * (width - lead) + width * width)
        if (
            not (0 <= columns <= width <= _LARGEST and rows >= 0 <= depth < _DEEPEST)
            or len(body) != expected
        ):
            raise ValueError(
                f"data has {len(body)} bytes after its header, expected {expected}; "
                "it was cut off or altered"
            )
        if not empty:
            numbers = np.frombuffer(body, dtype="<f8").astype(np.float64)
            if not np.isfinite(numbers).all():
                raise ValueError("data has NaN or infinity among its sums, expected finite numbers")
            cut = width - lead
            frame = Frame(numbers[:cut].copy(), numbers[cut : 2 * cut].copy())
            state._sums.push(frame, depth, numbers[2 * cut :].reshape(width, width).copy())
        state._columns, state.rows = columns, rows
        state._names = None if names is None else tuple(str(name) for name in names)
        return state

    def _data(self, X: object, y: object, weights: object) -> tuple[Data, bool]:
        """Check and convert a block."""
        columns = self._columns if self._sums.frame is not None else None
        matrix = as_matrix("X", X, dtypes=(np.float64, np.float32), finite=False, columns=columns)
        targets, single = as_columns("y", y, length=matrix.shape[0], like="X", finite=False)
        if self._sums.frame is not None:
            k = self._sums.width - self._columns - int(self.intercept)
            if targets.shape[1] != k:
                raise ValueError(f"y has {targets.shape[1]} columns, expected {k} as before")
        vector = as_weights(weights, matrix)
        data = Data(matrix, targets, vector, self.intercept, self.threads, self._kernels)
        return data, single

    def _wider(self, data: Data, frame: Frame) -> Frame:
        """Return the frame with units that suit both the rows so far and this block."""
        if self._sums.frame is None:
            return data.scaled_frame()
        fresh = data.scaled_frame().scale
        return replace(frame, scale=np.where(fresh < frame.scale, fresh, frame.scale))

    def _rung(
        self, ridge: float, rank_deficient: str, data_error: float | None
    ) -> tuple[Problem, Rung, int, float]:
        start = time.perf_counter()
        ridge = nonnegative_float("ridge", ridge)
        one_of("rank_deficient", rank_deficient, POLICIES)
        rounding = self._rounding
        if data_error is not None:
            rounding = max(nonnegative_float("data_error", data_error), UNIT)
        if self._sums.frame is None or self.rows == 0:
            raise ValueError("the state has no rows yet (of positive weight); call update first")
        depth, sums = self._sums.collapsed()
        data = AccumulatedData(
            *self._empty(), sums=sums, triangular=self.method == "qr", seen=self.rows
        )
        problem = Problem(data, ridge, rounding, rank_deficient == "drop")
        if self.method == "qr":
            return problem, from_triangle(problem, self._sums.frame, sums), depth, start
        try:
            rung = NormalEquations(problem, self._sums.frame, sums).cholesky()
        except NotPositiveDefiniteError as error:
            raise NotPositiveDefiniteError(
                'the sums of method="gram" are not positive definite: columns are dependent, or '
                'too close to it for half the digits; use LeastSquaresState(method="qr")'
            ) from error
        return problem, rung, depth, start

    def _reported(
        self, problem: Problem, solution: Solution, policy: str, start: float
    ) -> LeastSquaresResult:
        result = report(
            problem, solution, single=self._single, names=self._names, backend=self.backend,
            start=start,
        )  # fmt: skip
        announce(result, policy, self.rows, stacklevel=4)
        return result

    def _empty(self) -> tuple[Floats, Floats, Floats, bool, int, ModuleType]:
        """Return the fields of a `Data` of no rows."""
        n = self._columns
        k = self._sums.width - int(self.intercept) - n
        X, Y, weights = np.empty((0, n)), np.empty((0, k)), np.empty(0)
        return X, Y, weights, self.intercept, self.threads, self._kernels


def _restored(data: bytes, threads: int, backend: Backend) -> LeastSquaresState:
    return LeastSquaresState.from_bytes(data, threads=threads, backend=backend)
