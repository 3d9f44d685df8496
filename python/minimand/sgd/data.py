"""The data of a linear model as the solver reads them: dense or sparse rows, targets, weights."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from minimand._common.arrays import (
    Floats,
    as_matrix,
    as_vector,
    check_finite,
    check_nonnegative,
)
from minimand._common.backend import kernels
from minimand._common.conversion import place
from minimand._common.iterate import row_chunks

LOSSES = ("squared", "logistic", "absolute", "poisson", "softmax")  # in the order of the kernels
_LARGEST = 1e150  # squares of larger numbers overflow
_NO_WEIGHTS = np.empty(0)
_NEARLY_CONSTANT = 1e-3  # squared spread of a column over its squared mean
_BLOCK = 4096  # rows
_SAMPLE = 1000  # rows whose mean is near enough to that of all


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be predicted: numbers, signs or class indices, and the labels behind them."""

    values: Floats
    classes: tuple[int, ...] = ()  # none for the losses of numbers
    outputs: int = 1  # rows of the coefficients


class Design:
    """Rows x_i with weights of mean 1, and the products with them that a solver needs."""

    def __init__(
        self, X: Any, weights: Floats, *, intercept: bool, backend: str, threads: int
    ) -> None:
        self.X, self.weights, self.intercept = X, weights, intercept
        self.rows, self.columns = int(X.shape[0]), int(X.shape[1])
        self.sparse = not isinstance(X, np.ndarray)
        self.entries: tuple[Any, ...] = (X,)
        if self.sparse:  # as the kernels take them; SciPy wants both kinds of indices of one type
            indices, pointers = X.indices.astype(np.int32), X.indptr.astype(np.int64)
            self.entries = np.ascontiguousarray(X.data), indices, pointers
        self.kernels: ModuleType = kernels("sgd", backend)
        self.backend, self.threads = backend, threads

    def check(self) -> None:
        """Raise ValueError for entries that are not finite, or whose squares are not."""
        if self.row_squares.max() <= _LARGEST**2:  # False for NaN, too
            return
        if not self.sparse:
            check_finite("X", self.X)
        entries = self.X.data if self.sparse else self.X
        _squares_are_finite("X", entries.min(), entries.max())

    @cached_property
    def shares(self) -> Floats:
        """The weights c_i of the objective, which sum to 1."""
        if self.weights.size:
            return np.asarray(self.weights / self.rows)
        return np.full(self.rows, 1.0 / self.rows)

    def _chunks(self, outputs: int) -> Any:
        return row_chunks(self.rows, outputs * self.columns, 1024, elements_per_row=self.columns)

    def margins(self, theta: Floats) -> Floats:
        """Return x_i'w_k + b_k, (rows, outputs)."""
        if self.sparse:
            return np.asarray(self.X @ theta[:, :-1].T + theta[:, -1])
        out = np.empty((self.rows, len(theta)))
        for begin, end in self._chunks(len(theta)):
            self.kernels.margin_pass(self.X, theta, begin, end, out, self.threads)
        return out

    def transposed(self, q: Floats) -> Floats:
        """Return q'X, (columns of q, columns)."""
        if self.sparse:
            return np.asarray((self.X.T @ q).T)
        total = np.zeros((q.shape[1], self.columns))
        part = np.empty_like(total)
        for begin, end in self._chunks(q.shape[1]):
            self.kernels.transposed_pass(self.X, q, begin, end, part, self.threads)
            total += part
        return total

    @cached_property
    def row_squares(self) -> Floats:
        """||x_i||^2, and 1 for the constant term."""
        if self.sparse:
            squares = np.asarray(self.X.multiply(self.X).sum(axis=1)).reshape(-1)
        else:
            squares = np.empty(self.rows)
            for begin, end in self._chunks(1):
                self.kernels.square_pass(self.X, begin, end, squares, self.threads)
        return np.asarray(squares + float(self.intercept))

    @property
    def means(self) -> Floats:
        """Weighted means of the columns; 0 where no constant term takes them up."""
        return self.moments[0]

    @property
    def covariance(self) -> Floats:
        """Sum_i c_i (x_i - means)(x_i - means)'."""
        return self.moments[1]

    def _centred_products(self, means: Floats) -> Floats:
        """Return the covariance of sparse rows whose columns hardly differ from their means.

        Such columns have hardly a zero; the means are subtracted first, which saves the digits.
        """
        total = np.zeros((self.columns, self.columns))
        for begin in range(0, self.rows, _BLOCK):
            chosen = slice(begin, begin + _BLOCK)
            rows = self.X[chosen].toarray() - means
            total += (rows * self.shares[chosen, np.newaxis]).T @ rows
        return total

    @cached_property
    def moments(self) -> tuple[Floats, Floats]:
        """Means and covariance, in one pass; about the mean of some rows, which costs no digits."""
        d = self.columns
        if self.sparse:
            weighted = self.X.multiply(self.shares[:, np.newaxis]).tocsr()
            means = np.asarray(weighted.sum(axis=0)).reshape(-1) * float(self.intercept)
            covariance = np.asarray((self.X.T @ weighted).toarray() - np.outer(means, means))
            if (np.diag(covariance) < _NEARLY_CONSTANT * means**2).any():
                covariance = self._centred_products(means)
            return means, covariance
        near = np.zeros(d)
        if self.intercept:
            near = self.X[:: -(-self.rows // _SAMPLE)].mean(axis=0, dtype=np.float64)
        gram = np.empty((1 + d, 1 + d))
        total = np.zeros_like(gram)
        passes = kernels("least_squares", self.backend)
        data = self.X, np.empty((self.rows, 0)), self.weights, near, np.ones(d), True
        for begin, end in row_chunks(self.rows, d**2 / 2, 8192, elements_per_row=d):
            passes.gram_pass(*data, begin, end, gram, self.threads)
            total += gram
        total /= total[0, 0]
        if not self.intercept:
            return near, total[1:, 1:].copy()
        shift = total[0, 1:]
        return near + shift, total[1:, 1:] - np.outer(shift, shift)


def is_sparse(X: object) -> bool:
    """Whether X is a SciPy sparse array."""
    sparse = sys.modules.get("scipy.sparse")  # not loaded: then nothing can be sparse
    return sparse is not None and bool(sparse.issparse(X))


def as_rows(X: object) -> Any:
    """Return X as a dense matrix in its float type, or as a csr_array of float64.

    Whether dense entries are finite is left to `Design.check`, which reads them anyway.
    """
    if not is_sparse(X):
        return as_matrix("X", X, dtypes=(np.float32, np.float64), finite=False)
    given: Any = X
    if given.dtype.kind not in "biuf":
        raise TypeError(f"X has dtype {given.dtype}, expected real numbers")
    if given.ndim != 2 or 0 in given.shape:
        raise ValueError(f"X has shape {given.shape}, expected a matrix with rows and columns")
    if given.shape[1] >= 2**31:
        raise ValueError(f"X has {given.shape[1]} columns, expected less than 2**31")
    rows = scipy.sparse.csr_array(given, dtype=np.float64)
    if rows.has_canonical_format is False:
        rows = rows.copy()
        rows.sum_duplicates()
    good = np.isfinite(rows.data)
    if not good.all():
        first = int(good.argmin())
        row = int(np.searchsorted(rows.indptr, first, side="right")) - 1
        came = "NaN" if np.isnan(rows.data[first]) else str(rows.data[first])
        raise ValueError(
            f"X has {came} at {place((row, rows.indices[first]))}, expected finite numbers"
        )
    return rows


def as_weights(value: object, rows: int) -> Floats:
    """Return weights scaled to mean 1, empty where none are given."""
    if value is None:
        return _NO_WEIGHTS
    weights = as_vector("sample_weight", value, length=rows, like="X")
    check_nonnegative("sample_weight", weights)
    largest = weights.max()
    if largest == 0.0:
        raise ValueError("sample_weight has only zeros, expected a positive weight")
    scaled = weights / largest
    return np.asarray(scaled * (rows / scaled.sum()))


def as_target(y: object, loss: str, rows: int, weights: Floats) -> Target:
    """Return the targets in the form that the loss wants."""
    values = as_vector("y", y, length=rows, like="X")
    _squares_are_finite("y", values.min(), values.max())
    if loss in ("logistic", "softmax"):
        target = _signs(values) if loss == "logistic" else _labels(values)
        counted = values[weights > 0.0] if weights.size else values
        if counted.min() == counted.max():
            raise ValueError(
                f"y has only the value {counted[0]:g} where sample_weight is positive, "
                "expected two classes"
            )
        return target
    if loss == "poisson":
        if values.min() < 0.0:
            first = int((values < 0.0).argmax())
            raise ValueError(f"y has {values[first]} at entry {first}, expected counts >= 0")
        if (values * weights if weights.size else values).max() == 0.0:
            where = " where sample_weight is positive" if values.max() > 0.0 else ""
            raise ValueError(
                f"y has only zeros{where}: the mean has no logarithm; expected a count > 0"
            )
    return Target(values)


def _signs(values: Floats) -> Target:
    low, high = values.min(), values.max()
    odd = (values != high) & (values != low)
    if odd.any() or (low, high) not in ((0.0, 1.0), (-1.0, 1.0)):
        if low == high and high in (-1.0, 0.0, 1.0):
            raise ValueError(f"y has only the value {high:g}, expected two classes")
        wrong = (values != 1.0) & (values != -1.0) & (values != 0.0)
        first = int((wrong if wrong.any() else values == 0.0).argmax())
        raise ValueError(
            f"y has {values[first]} at entry {first}, expected labels 0 and 1, or -1 and 1"
        )
    return Target(np.where(values == high, 1.0, -1.0), (int(low), int(high)))


def _labels(values: Floats) -> Target:
    wrong = (values < 0.0) | (values != np.floor(values)) | (values >= 2**20)
    if wrong.any():
        first = int(wrong.argmax())
        raise ValueError(
            f"y has {values[first]} at entry {first}, expected classes 0, 1, 2, ... for softmax"
        )
    if values.min() == values.max():
        raise ValueError(f"y has only the value {values[0]:g}, expected two classes or more")
    classes = tuple(range(int(values.max()) + 1))
    return Target(values, classes, len(classes))


def _squares_are_finite(name: str, low: Any, high: Any) -> None:
    largest = max(-float(low), float(high))
    if not largest <= _LARGEST / 1e3:
        raise ValueError(
            f"{name} has entries up to {largest:.1e}, whose squares overflow; "
            f"divide {name} by a scale first"
        )


def as_start(
    w0: object, b0: object, outputs: int, columns: int, *, intercept: bool
) -> NDArray[np.float64] | None:
    """Return the start [w_k, b_k], None where neither is given."""
    if w0 is None and b0 is None:
        return None
    theta = np.zeros((outputs, columns + 1))
    shape = (columns,) if outputs == 1 else (outputs, columns)
    for name, value, wanted, part in (
        ("w0", w0, shape, theta[:, :-1]),
        ("b0", b0, () if outputs == 1 else (outputs,), theta[:, -1]),
    ):
        if value is None:
            continue
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
        if array.shape != wanted:
            raise ValueError(f"{name} has shape {array.shape}, expected {wanted}")
        part[...] = array.reshape(part.shape)
        check_finite(name, np.ascontiguousarray(part))
    if b0 is not None and not intercept:
        raise ValueError("b0 is given, expected None with fit_intercept=False")
    return theta
