"""Samples, targets and weights as the kernels take them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import as_vector, check_finite, check_nonnegative, one_of
from minimand._common.conversion import kernel_array, place, real_array, wrong_type
from minimand.neural_network.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    CrossEntropy,
    Loss,
    SquaredError,
)
from minimand.neural_network.program import Indices, Program

Array = NDArray[Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What the loss compares outputs with; each field is empty where it means nothing.

    `labels` (n,), `values` (n, k) in the type of the network, `classes` (n,): the class of each
    sample, for stratification and class weights.
    """

    labels: Indices
    values: Array
    classes: Indices

    def take(self, rows: Indices) -> Targets:
        """Return those of some samples."""
        return Targets(
            *(a[rows] if len(a) else a for a in (self.labels, self.values, self.classes))
        )


def as_samples(name: str, value: object, program: Program, dtype: type[Any]) -> Array:
    """Return samples as a matrix (n, inputs) of the network's type."""
    array = real_array(name, value)
    shape = program.input_shape
    n = program.n_inputs
    accepted = [shape, (n,)]
    if len(shape) == 3 and shape[0] == 1:
        accepted.append(shape[1:])
    if array.ndim > 0 and array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}), expected at least one sample")
    if array.ndim == 0 or array.shape[1:] not in accepted:
        forms = " or ".join(str(("n", *form)).replace("'", "") for form in dict.fromkeys(accepted))
        kind = "a matrix " if accepted == [(n,), (n,)] else ""
        raise ValueError(f"{name} has shape {array.shape}, expected {kind}{forms}")
    return _converted(name, array.reshape(len(array), n), dtype)


def _converted(name: str, array: Array, dtype: type[Any]) -> Array:
    if array.dtype.type is not dtype and array.dtype.kind == "f":
        wide = kernel_array(array, (np.float64, np.float32))
        check_finite(name, wide)
        if dtype is np.float32 and wide.dtype == np.float64:
            largest = float(np.finfo(np.float32).max)
            if not (np.abs(wide) <= largest).all():
                first = np.unravel_index(int((np.abs(wide) > largest).argmax()), wide.shape)
                raise ValueError(
                    f"{name} has {wide[first]} at {place(first)}, too large for a float32 network; "
                    'scale the data or take dtype="float64"'
                )
        array = wide
    with np.errstate(under="ignore"):
        converted = np.require(array, dtype, ("C", "A"))
    if min(converted.strides) < 0:
        converted = converted.copy()
    check_finite(name, converted)
    return converted


def as_targets(
    name: str,
    value: object,
    loss: Loss,
    program: Program,
    dtype: type[Any],
    samples: int,
    like: str,
) -> Targets:
    """Return the targets of a loss, checked against the outputs of the network."""
    k = program.n_outputs
    array = real_array(name, value)
    if array.ndim > 0 and array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}), expected targets")
    if array.ndim not in (1, 2) and array.shape[1:] != program.output_shape:
        raise ValueError(f"{name} has shape {array.shape}, expected one target for each sample")
    if len(array) != samples:
        raise ValueError(
            f"{name} has {len(array)} rows but {like} has {samples} rows; they must match"
        )
    none = np.empty((0, k), dtype)
    if isinstance(loss, CrossEntropy) or (
        isinstance(loss, CategoricalCrossEntropy) and array.ndim == 1 and k > 1
    ):
        labels = _labels(name, array, k)
        if isinstance(loss, CrossEntropy):
            return Targets(labels, none, labels)
        return Targets(_no_labels(), np.eye(k, dtype=dtype)[labels], labels)
    expected = f"(n, {k})" if k > 1 else "(n,) or (n, 1)"
    if array.shape not in [(samples, k), (samples, *program.output_shape)] and not (
        k == 1 and array.ndim == 1
    ):
        raise ValueError(f"{name} has shape {array.shape}, expected {expected}")
    values = _converted(name, array, dtype).reshape(samples, k)
    classes = _no_labels()
    if isinstance(loss, BinaryCrossEntropy):
        _check_range(name, values, (values != 0) & (values != 1), "0 or 1")
        if k == 1:
            classes = values[:, 0].astype(np.int64)
    elif isinstance(loss, CategoricalCrossEntropy):
        _check_range(name, values, (values < 0) | (values > 1), "numbers from 0 to 1")
        classes = values.argmax(axis=1) if k > 1 else (values[:, 0] > 0.5).astype(np.int64)
    else:
        assert isinstance(loss, SquaredError)
    return Targets(_no_labels(), values, classes)


def _no_labels() -> Indices:
    return np.empty(0, dtype=np.int64)


def _labels(name: str, array: Array, k: int) -> Indices:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}, expected labels (n,)")
    if array.dtype.kind == "f":
        check_finite(name, kernel_array(array, (np.float64,)))
    bad = (array < 0) | (array > k - 1)
    if array.dtype.kind == "f":
        bad |= array != np.floor(array)
    _check_range(name, array, bad, f"labels 0, 1, ..., {k - 1}")
    return np.ascontiguousarray(array, dtype=np.int64)


def _check_range(name: str, array: Array, bad: Array, expected: str) -> None:
    if bad.any():
        first = np.unravel_index(int(bad.argmax()), bad.shape)
        raise ValueError(f"{name} has {array[first]} at {place(first)}, expected {expected}")


def as_weights(
    sample_weight: object, class_weight: object, targets: Targets, samples: int
) -> Floats:
    """Return the product of sample and class weights; empty where all are 1."""
    weights = np.empty(0)
    if sample_weight is not None:
        weights = as_vector("sample_weight", sample_weight, length=samples, like="X")
        check_nonnegative("sample_weight", weights)
        if not weights.any():
            raise ValueError("sample_weight has only zeros, expected a positive weight")
    if class_weight is not None:
        own = _class_weights(class_weight, targets)
        weights = weights * own if weights.size else own
    return weights


def _class_weights(class_weight: object, targets: Targets) -> Floats:
    if not targets.classes.size:
        raise ValueError("class_weight is given but the targets are no classes, expected None")
    present, counts = np.unique(targets.classes, return_counts=True)
    factors = np.ones(int(present.max()) + 1)
    if isinstance(class_weight, Mapping):
        for label, factor in class_weight.items():
            number = float(factor)
            if not (math.isfinite(number) and number >= 0.0):
                raise ValueError(
                    f"class_weight[{label!r}] is {factor}, expected a finite number >= 0"
                )
            if int(label) in present:
                factors[int(label)] = number
    elif isinstance(class_weight, str):
        one_of("class_weight", class_weight, ("balanced",))
        factors[present] = len(targets.classes) / (len(present) * counts)
    else:
        raise wrong_type("class_weight", class_weight, 'None, "balanced" or a mapping')
    return factors[targets.classes]


def mean_one(weights: Floats) -> Floats:
    """Return weights scaled to mean 1; all equal ones need none."""
    if not weights.size:
        return weights
    total = math.fsum(weights)
    if not 0.0 < total < math.inf:
        raise ValueError(
            f"the weights of the samples add up to {total}, expected a finite positive sum"
        )
    scaled: Floats = weights * (len(weights) / total)
    return np.empty(0) if (scaled == 1.0).all() else scaled


def check_output_delta(value: object, samples: int, program: Program, dtype: type[Any]) -> Array:
    """Return a delta for each output of each sample."""
    array = real_array("delta", value)
    k = program.n_outputs
    if array.shape not in [(samples, k), (samples, *program.output_shape)]:
        raise ValueError(
            f"delta has shape {array.shape}, expected {(samples, *program.output_shape)}, "
            "the shape of the last outputs"
        )
    return _converted("delta", array.reshape(samples, k), dtype)
