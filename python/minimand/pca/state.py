"""Principal components in pieces: blocks of rows from a stream, a file, or many machines."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minimand._common.arrays import as_matrix, boolean, column_names, one_of
from minimand._common.backend import Backend, kernels
from minimand._common.threads import resolve_threads
from minimand.least_squares.accumulated import Sums
from minimand.least_squares.data import Frame
from minimand.least_squares.lstsq import as_weights
from minimand.pca.data import Rows
from minimand.pca.direct import from_sums, lengths
from minimand.pca.report import Options, announce, report, wanted_components
from minimand.pca.result import PCAResult

_MAGIC = b"minimand.PCAState 1\n"
_LARGEST = 20_000  # columns that from_bytes accepts
_TOL = 1e-6


@dataclass(frozen=True, slots=True)
class _Accumulated(Rows):
    """Rows that a state has seen, none of which is at hand."""

    seen: int
    total: float
    deepest: int
    unit: float

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.seen

    @property
    def observations(self) -> int:
        """Rows that count."""
        return self.seen

    @property
    def weight(self) -> float:
        """Sum of the weights."""
        return self.total

    @property
    def rounding(self) -> float:
        """Unit roundoff of the coarsest type so far."""
        return self.unit

    def gram_depth(self) -> int:
        """Additions one after the other, at most, in an entry of the sums."""
        return self.deepest


class PCAState:
    """What a principal component analysis needs to know of its rows: O(n^2) numbers for any m.

    Blocks of any size >= 1 may come in any order and states may be merged in any tree; the result
    is that of all rows at once, up to rounding. Nothing is truncated on the way.

    Parameters
    ----------
    center : bool
        Whether to subtract the means of the columns, which need not be known before.
    method : {"qr", "gram"}
        "qr" keeps the triangle of [1 X] (Householder): as accurate as `pca(method="svd")`. "gram"
        keeps sums of products about a common origin: half the work, half the digits.
    threads, backend
        As in `pca`.

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
    >>> state = minimand.PCAState()
    >>> for block in [[[1.0, 2.0]], [[2.0, 4.0], [3.0, 6.5]], [[5.0, 9.5]]]:
    ...     state = state.update(block)
    >>> state.solve(1).components.round(4)
    array([[0.465 , 0.8853]])
    """

    def __init__(
        self,
        *,
        center: bool = True,
        method: str = "qr",
        threads: int | None = None,
        backend: Backend = "cpp",
    ) -> None:
        self.center = boolean("center", center)
        self.method = one_of("method", method, ("qr", "gram"))
        self.threads = resolve_threads(threads)
        self.backend: Backend = backend
        self._kernels = kernels("least_squares", backend)
        self._passes = kernels("pca", backend)
        self.rows = 0
        self._sums = Sums(triangular=method == "qr", intercept=self.center, kernels=self._kernels)
        self._columns = 0
        self._weight = 0.0
        self._depth = 0  # of the sums of a single block, at most
        self._rounding = 0.0
        self._names: tuple[str, ...] | None = None

    def update(self, X: object, weights: object = None) -> PCAState:
        """Take in a block of rows and return the state itself.

        Parameters
        ----------
        X : array_like (m, n)
            m >= 1 rows; n is the same for all blocks.
        weights : array_like (m,), optional
            w >= 0.

        Raises
        ------
        ValueError, TypeError
            As in `pca`; the state stays as it was.
        """
        columns = self._columns if self._sums.frame is not None else None
        matrix = as_matrix("X", X, dtypes=(np.float64, np.float32), finite=False, columns=columns)
        data = self._rows(matrix, as_weights(weights, matrix))
        frame = self._sums.frame or data.first_frame()
        block = self._sums.of(data, frame)
        if data.out_of_range(lengths(block, data.lead, self.method)):
            fresh = data.scaled_frame()
            if self._sums.frame is not None:
                fresh = replace(frame, scale=np.minimum(frame.scale, fresh.scale))
            frame = fresh
            block = self._sums.of(data, frame)
        if self._sums.frame is None:
            self._columns = data.columns
            self._names = column_names(X, data.columns)
        self._sums.push(frame, 0, block)
        self.rows += data.observations
        self._weight += data.weight
        self._depth = max(self._depth, data.gram_depth())
        self._rounding = max(self._rounding, data.rounding)
        return self

    def merge(self, other: PCAState) -> PCAState:
        """Take in all rows of another state, which stays as it is, and return the state itself.

        Raises
        ------
        TypeError, ValueError
            `other` is no state, or one of another kind or another number of columns.
        """
        if not isinstance(other, PCAState):
            raise TypeError(f"other is a {type(other).__name__}, expected a PCAState like this one")
        if (other.center, other.method) != (self.center, self.method):
            raise ValueError(
                f"other has center={other.center} and method={other.method!r}, expected "
                f"center={self.center} and method={self.method!r}"
            )
        theirs, mine = other._sums, self._sums
        if theirs.frame is None:
            return self
        if mine.frame is None:
            self._columns, self._names = other._columns, other._names
            mine.push(theirs.frame, *theirs.collapsed())
        elif other._columns != self._columns:
            raise ValueError(
                f"other has {other._columns} columns, this state has {self._columns}; "
                "they must match"
            )
        else:
            scale = np.minimum(mine.frame.scale, theirs.frame.scale)
            frame = replace(mine.frame, scale=scale)
            mine.push(frame, *theirs.seen_from(frame))
        self.rows += other.rows
        self._weight += other._weight
        self._depth = max(self._depth, other._depth)
        self._rounding = max(self._rounding, other._rounding)
        return self

    def solve(self, n_components: int | float | None = None, *, whiten: bool = False) -> PCAResult:
        """Return the components of the rows so far; the state can go on taking rows.

        The certificates speak of the matrix that was accumulated, with an allowance for the
        rounding of its sums; `result.verify` takes all rows.

        Parameters
        ----------
        n_components, whiten
            As in `pca`.
        """
        start = time.perf_counter()
        whiten = boolean("whiten", whiten)
        if self._sums.frame is None:
            raise ValueError("the state has no rows yet; call update first")
        wanted = wanted_components(n_components, min(self.rows, self._columns))
        depth, sums = self._sums.collapsed()
        empty = np.empty((0, self._columns))
        # Moving the sums of a block to another origin, or adding them, is a rounding or two.
        data = _Accumulated(
            empty, np.empty((0, 0)), np.empty(0), self.center, self.threads, self._kernels,
            passes=self._passes, seen=self.rows, total=self._weight,
            deepest=self._depth + 4 * (depth + 1), unit=self._rounding,
        )  # fmt: skip
        method = "svd" if self.method == "qr" else "gram"
        spectrum = from_sums(data, self._sums.frame, sums, method)
        options = Options(_TOL, whiten, False, self.backend, self._names, start)
        result = report(data, spectrum, wanted, options)
        announce(result, wanted)
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by way of `to_bytes`."""
        return _restored, (self.to_bytes(), self.threads, self.backend)

    def to_bytes(self) -> bytes:
        """Return the state as bytes, for a file or another machine; `from_bytes` reads them."""
        empty = self._sums.frame is None
        depth, sums = (0, np.empty((0, 0))) if empty else self._sums.collapsed()
        header = {
            "center": self.center, "method": self.method, "rows": self.rows,
            "columns": self._columns, "weight": self._weight, "rounding": self._rounding,
            "names": self._names, "empty": empty, "depth": depth, "deepest": self._depth,
        }  # fmt: skip
        frame = self._sums.frame or Frame(np.empty(0), np.empty(0))
        body = b"".join(
            np.ascontiguousarray(a, dtype="<f8").tobytes() for a in (frame.shift, frame.scale, sums)
        )
        return _MAGIC + json.dumps(header).encode() + b"\n" + body

    @classmethod
    def from_bytes(
        cls, data: bytes, *, threads: int | None = None, backend: Backend = "cpp"
    ) -> PCAState:
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
            raise ValueError("data does not start as the bytes of a PCAState do")
        try:
            header = json.loads(line)
            state = cls(
                center=header["center"], method=header["method"], threads=threads, backend=backend
            )
            n, depth = int(header["columns"]), int(header["depth"])
            state.rows, state._depth = int(header["rows"]), int(header["deepest"])
            state._weight, state._rounding = float(header["weight"]), float(header["rounding"])
            empty, names = bool(header["empty"]), header["names"]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"data has a damaged header ({error})") from None
        width = n + int(state.center)
        expected = 0 if empty else 8 * (2 * n + width * width)
        sane = 0 <= n <= _LARGEST and min(state.rows, depth, state._depth) >= 0
        if not sane or len(body) != expected:
            raise ValueError(
                f"data has {len(body)} bytes after its header, expected {expected}; "
                "it was cut off or altered"
            )
        if not empty:
            numbers = np.frombuffer(body, dtype="<f8").astype(np.float64)
            if not np.isfinite([*numbers, state._weight, state._rounding]).all():
                raise ValueError("data has NaN or infinity among its sums, expected finite numbers")
            frame = Frame(numbers[:n].copy(), numbers[n : 2 * n].copy())
            state._sums.push(frame, depth, numbers[2 * n :].reshape(width, width).copy())
        state._columns = n
        state._names = None if names is None else tuple(str(name) for name in names)
        return state

    def _rows(self, X: Any, weights: Any) -> Rows:
        nothing = np.empty((len(X), 0))
        return Rows(
            X, nothing, weights, self.center, self.threads, self._kernels, passes=self._passes
        )


def _restored(data: bytes, threads: int, backend: Backend) -> PCAState:
    return PCAState.from_bytes(data, threads=threads, backend=backend)
