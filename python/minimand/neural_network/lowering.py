"""How each module becomes operations."""

# ruff: noqa: ARG001 -- all take the same arguments

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minimand.neural_network.builder import Builder, Value
from minimand.neural_network.lowering_images import add_bias, clash, conv2d, inside, name_of, pool
from minimand.neural_network.modules import (
    RNN,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    Identity,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)
from minimand.neural_network.program import Activation, Op

_MOST_STEPS = 4096  # of a recurrent network

_ACTIVATIONS: dict[type[Module], Activation] = {
    ReLU: Activation.RELU,
    LeakyReLU: Activation.LEAKY,
    Sigmoid: Activation.SIGMOID,
    Tanh: Activation.TANH,
}


def lower(module: Module, builder: Builder, value: Value, path: str) -> Value:
    """Append the operations of `module` on `value` and return what it gives."""
    kind = type(module)
    if kind in _ACTIVATIONS:
        slope = module.slope if isinstance(module, LeakyReLU) else 0.0
        return builder.activate(value, _ACTIVATIONS[kind], slope, name_of(module, path))
    return _LOWER[kind](module, builder, value, path)


def _sequential(module: Sequential, builder: Builder, value: Value, path: str) -> Value:
    for number, part in enumerate(module.modules):
        value = lower(part, builder, value, inside(path, number))
    return value


def _identity(module: Identity, builder: Builder, value: Value, path: str) -> Value:
    return value


def _flatten(module: Flatten, builder: Builder, value: Value, path: str) -> Value:
    return Value(value.slot, (value.size,), f"{name_of(module, path)} after {value.made_by}")


def _linear(module: Linear, builder: Builder, value: Value, path: str) -> Value:
    n, k = module.in_features, module.out_features
    if value.shape != (n,):
        mend = "" if value.size != n else " (put Flatten() between them)"
        clash(module, path, f"{n} features{mend}", value)
    weight = builder.parameters(
        inside(path, "weight"), (n, k), penalised=True, init=module.init, fans=(n, k)
    )
    bias = add_bias(module.bias, builder, path, k)
    slot = builder.emit(
        Op.LINEAR, [value.slot], k, param=weight, bias=bias, ints=(n, k), work=n * k
    )
    return Value(slot, (k,), name_of(module, path))


def _softmax(module: Softmax, builder: Builder, value: Value, path: str) -> Value:
    slot = builder.emit(Op.SOFTMAX, [value.slot], value.size)
    return Value(slot, value.shape, name_of(module, path))


def _dropout(module: Dropout, builder: Builder, value: Value, path: str) -> Value:
    drop = min(round(module.p * 2**16), 2**16 - 1)
    stream = builder.n_dropout
    builder.n_dropout += 1
    mask = builder.slot(value.size)
    slot = builder.emit(
        Op.DROPOUT,
        [value.slot],
        value.size,
        ints=(stream, drop, mask),
        reals=(1.0 / (1.0 - drop / 2**16), 0.0),
    )
    return Value(slot, value.shape, name_of(module, path))


def _batchnorm(
    module: BatchNorm1d | BatchNorm2d, builder: Builder, value: Value, path: str
) -> Value:
    images = isinstance(module, BatchNorm2d)
    if len(value.shape) != (3 if images else 1):
        kind = "images (channels, height, width)" if images else "features (n,)"
        clash(module, path, kind, value)
    channels = module.num_features
    if value.shape[0] != channels:
        clash(module, path, f"{channels} {'channels' if images else 'features'}", value)
    scale = builder.parameters(inside(path, "scale"), (channels,), penalised=False, init=1.0)
    shift = builder.parameters(inside(path, "shift"), (channels,), penalised=False, init="zeros")
    normalised, deviations = builder.slot(value.size), builder.slot(channels)
    number = builder.n_batchnorm
    builder.n_batchnorm += 1
    slot = builder.emit(
        Op.BATCHNORM,
        [value.slot],
        value.size,
        param=scale,
        bias=shift,
        state=builder.running(channels),
        ints=(channels, value.size // channels, number, normalised, deviations),
        reals=(module.epsilon, module.momentum),
    )
    return Value(slot, value.shape, name_of(module, path))


def _residual(module: Residual, builder: Builder, value: Value, path: str) -> Value:
    builder.pin(value)
    inner = lower(module.module, builder, value, inside(path, "module"))
    if inner.shape != value.shape:
        raise ValueError(
            f"{name_of(module, path)} adds its input to what it computes, but {value.made_by} "
            f"gives shape {value.shape} and {inner.made_by} gives shape {inner.shape}"
        )
    builder.pin(inner)
    slot = builder.emit(Op.ADD, [value.slot, inner.slot], value.size)
    return Value(slot, value.shape, name_of(module, path))


def _concat(module: Concat, builder: Builder, value: Value, path: str) -> Value:
    builder.pin(value)
    joined: Value | None = None
    for number, part in enumerate(module.modules):
        branch = lower(part, builder, value, inside(path, number))
        builder.pin(branch)
        if joined is None:
            joined = branch
            continue
        if len(branch.shape) != len(joined.shape) or branch.shape[1:] != joined.shape[1:]:
            raise ValueError(
                f"{name_of(module, path)} joins its branches along features or channels, but "
                f"{joined.made_by} gives shape {joined.shape} and {branch.made_by} gives shape "
                f"{branch.shape}"
            )
        slot = builder.emit(Op.CONCAT, [joined.slot, branch.slot], joined.size + branch.size)
        shape = (joined.shape[0] + branch.shape[0], *joined.shape[1:])
        joined = Value(slot, shape, name_of(module, path))
    assert joined is not None
    return joined


def _rnn(module: RNN, builder: Builder, value: Value, path: str) -> Value:
    n, k = module.input_size, module.hidden_size
    if len(value.shape) != 2 or value.shape[1] != n:
        clash(module, path, f"sequences (steps, {n})", value)
    steps = value.shape[0]
    if steps > _MOST_STEPS:
        clash(module, path, f"at most {_MOST_STEPS} steps, which it unrolls", value)
    builder.pin(value)

    def weight(name: str, rows: int) -> int:
        return builder.parameters(
            inside(path, name), (rows, k), penalised=True, init=module.init, fans=(rows, k)
        )

    U, V = weight("input_weight", n), weight("hidden_weight", k)
    bias = builder.parameters(inside(path, "bias"), (k,), penalised=False, init="zeros")
    name = name_of(module, path)
    sequence: list[Value] = []
    for step in range(steps):
        x = builder.emit(Op.SLICE, [value.slot], n, ints=(step * n,))
        slot = builder.emit(Op.LINEAR, [x], k, param=U, bias=bias, ints=(n, k), work=n * k)
        if sequence:
            before = sequence[-1].slot
            carried = builder.emit(Op.LINEAR, [before], k, param=V, ints=(k, k), work=k * k)
            slot = builder.emit(Op.ADD, [slot, carried], k)
        hidden = builder.activate(Value(slot, (k,), name), Activation.TANH, 0.0, name)
        builder.pin(hidden)
        sequence.append(hidden)
    if not module.return_sequence:
        return sequence[-1]
    while len(sequence) > 1:  # pairs of pairs: joining one by one would copy the first ones often
        joined = [
            Value(
                builder.emit(Op.CONCAT, [a.slot, b.slot], a.size + b.size), (a.size + b.size,), name
            )
            for a, b in zip(sequence[::2], sequence[1::2], strict=False)
        ]
        sequence = joined + sequence[2 * len(joined) :]
    return Value(sequence[0].slot, (steps, k), name)


_LOWER: dict[type[Module], Callable[[Any, Builder, Value, str], Value]] = {
    Sequential: _sequential,
    Identity: _identity,
    Flatten: _flatten,
    Linear: _linear,
    Conv2d: conv2d,
    MaxPool2d: pool,
    AvgPool2d: pool,
    Softmax: _softmax,
    Dropout: _dropout,
    BatchNorm1d: _batchnorm,
    BatchNorm2d: _batchnorm,
    Residual: _residual,
    Concat: _concat,
    RNN: _rnn,
}
