"""From a description of modules to the flat program that the interpreters execute."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import positive_int
from minimand._common.conversion import wrong_type
from minimand.neural_network.builder import Builder, Value
from minimand.neural_network.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    CrossEntropy,
    Loss,
    SquaredError,
)
from minimand.neural_network.lowering import lower
from minimand.neural_network.modules import Module, Sequential, Sigmoid, Softmax
from minimand.neural_network.program import LossCode, Program

_CODES: dict[type[Loss], LossCode] = {
    SquaredError: LossCode.SQUARED_ERROR,
    CrossEntropy: LossCode.CROSS_ENTROPY,
    BinaryCrossEntropy: LossCode.BINARY_CROSS_ENTROPY,
}


def compile_program(
    module: Module, loss: Loss | None, input_shape: int | tuple[int, ...], dtype: str = "float32"
) -> Program:
    """Return the program of a module with a loss.

    Parameters
    ----------
    module : Module
        The network.
    loss : Loss or None
        What is minimised; without one the program can only be run forward and backward.
    input_shape : int or tuple of int
        (features,), (channels, height, width) or (steps, features).
    dtype : {"float32", "float64"}
        Of the arena, whose rows are padded to whole cache lines.

    Raises
    ------
    ValueError
        When shapes do not chain (the message names both modules) or the loss does not go with the
        last module.
    """
    if not isinstance(module, Module):
        raise wrong_type("module", module, "a module such as Linear(4, 3)")
    if loss is not None and not isinstance(loss, Loss):
        raise wrong_type("loss", loss, "a loss such as CrossEntropy()")
    shape = as_shape(input_shape)
    builder = Builder(np.dtype(dtype).itemsize)
    body, last = _without_last(module)
    _check_loss(loss, last)
    value = builder.input(shape)

    if isinstance(loss, CategoricalCrossEntropy):
        value = lower(body, builder, value, "")
        code: LossCode | None = (
            LossCode.CATEGORICAL_SOFTMAX
            if isinstance(last, Softmax)
            else LossCode.CATEGORICAL_SIGMOID
        )
        builder.pin(value)
        loss_slot, loss_ops = value.slot, builder.count
        assert last is not None
        value = lower(last, builder, value, "last")
    else:
        value = lower(module, builder, value, "")
        code = None if loss is None else _CODES[type(loss)]
        loss_slot, loss_ops = value.slot, builder.count
    _check_outputs(loss, last, value)
    return builder.program(
        value,
        input_shape=shape,
        loss_code=-1 if code is None else int(code),
        loss_slot=loss_slot,
        loss_ops=loss_ops,
    )


def as_shape(value: object) -> tuple[int, ...]:
    """Return the shape of one sample."""
    parts = value if isinstance(value, (tuple, list)) else (value,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(
            f"input_shape is {value}, expected (features,), (steps, features) or "
            "(channels, height, width)"
        )
    shape = tuple(positive_int("input_shape", part) for part in parts)
    if np.prod(shape, dtype=object) >= 2**31:
        raise ValueError(f"input_shape is {value}, expected fewer than 2**31 numbers")
    return shape


def _without_last(module: Module) -> tuple[Module, Module | None]:
    """Split off the last module that is not a Sequential."""
    if not isinstance(module, Sequential):
        return Sequential(), module
    if not module.modules:
        return module, None
    *before, last = module.modules
    body, end = _without_last(last)
    if isinstance(last, Sequential):
        return Sequential(*before, body), end
    return Sequential(*before), end


def _check_loss(loss: Loss | None, last: Module | None) -> None:
    if isinstance(loss, CategoricalCrossEntropy) and not isinstance(last, (Softmax, Sigmoid)):
        raise ValueError(
            f"CategoricalCrossEntropy takes probabilities, but the network ends with {last}; "
            "append Softmax() or Sigmoid()"
        )
    for kind, wrong in ((CrossEntropy, Softmax), (BinaryCrossEntropy, Sigmoid)):
        if isinstance(loss, kind) and isinstance(last, (Softmax, Sigmoid)):
            raise ValueError(
                f"{kind.__name__} takes logits, but the network ends with {last}; "
                f"leave {last} out, or use CategoricalCrossEntropy() with "
                f"{wrong.__name__}()"
            )


def _check_outputs(loss: Loss | None, last: Module | None, value: Value) -> None:
    softmax = isinstance(loss, CategoricalCrossEntropy) and isinstance(last, Softmax)
    if (softmax or isinstance(loss, CrossEntropy)) and value.size < 2:
        raise ValueError(
            f"{type(loss).__name__} needs a number for each of at least 2 classes, but "
            f"{value.made_by} gives shape {value.shape}; use BinaryCrossEntropy() with one logit"
        )
