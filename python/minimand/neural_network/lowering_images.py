"""How convolutions and pools become operations, and what lowering them shares with the rest."""

from __future__ import annotations

from typing import Any, NoReturn

from minimand.neural_network.builder import Builder, Value
from minimand.neural_network.image_modules import AvgPool2d, Conv2d, MaxPool2d
from minimand.neural_network.module import Module
from minimand.neural_network.program import Op


def name_of(module: Module, path: str) -> str:
    """Return a module with its place, for messages."""
    return f"module {path}, {module}" if path else str(module)


def inside(path: str, part: object) -> str:
    """Return the place of a part."""
    return f"{path}.{part}" if path else str(part)


def clash(module: Module, path: str, expected: str, value: Value) -> NoReturn:
    """Raise the error for shapes that do not chain."""
    raise ValueError(
        f"{name_of(module, path)} expects {expected}, but {value.made_by} gives shape {value.shape}"
    )


def add_bias(wanted: bool, builder: Builder, path: str, size: int) -> int:
    """Return where the biases of a layer begin, -1 without them."""
    if not wanted:
        return -1
    return builder.parameters(inside(path, "bias"), (size,), penalised=False, init="zeros")


def _window(module: Any, value: Value, path: str) -> tuple[tuple[int, ...], int, int]:
    """Return (kh, kw, sh, sw, ph, pw) and the size of the output."""
    if len(value.shape) != 3:
        clash(module, path, "images (channels, height, width)", value)
    _, height, width = value.shape
    (kh, kw), (sh, sw), (ph, pw) = module.kernel_size, module.stride, module.padding
    out_height, out_width = (height + 2 * ph - kh) // sh + 1, (width + 2 * pw - kw) // sw + 1
    if out_height < 1 or out_width < 1:
        clash(module, path, f"images of at least {kh} x {kw} with their padding", value)
    return (kh, kw, sh, sw, ph, pw), out_height, out_width


def conv2d(module: Conv2d, builder: Builder, value: Value, path: str) -> Value:
    """Append a convolution."""
    window, out_height, out_width = _window(module, value, path)
    channels, height, width = value.shape
    if channels != module.in_channels:
        clash(module, path, f"{module.in_channels} channels", value)
    kh, kw = window[:2]
    k = module.out_channels
    patch = channels * kh * kw
    weight = builder.parameters(
        inside(path, "weight"),
        (k, channels, kh, kw),
        penalised=True,
        init=module.init,
        fans=(patch, k * kh * kw),
    )
    bias = add_bias(module.bias, builder, path, k)
    slot = builder.emit(
        Op.CONV2D,
        [value.slot],
        k * out_height * out_width,
        param=weight,
        bias=bias,
        ints=(channels, height, width, k, *window),
        work=k * patch * out_height * out_width,
        scratch=_conv_scratch(value.shape, k, window, out_height, out_width),
    )
    return Value(slot, (k, out_height, out_width), name_of(module, path))


def _conv_scratch(
    shape: tuple[int, ...], k: int, window: tuple[int, ...], out_height: int, out_width: int
) -> int:
    """Return the elements that cpp/neural_network/conv_geometry.hpp lays out: see there."""
    channels, height, width = shape
    kh, kw, sh, sw, ph, pw = window
    rows, pitch, patch, slack, group = height + 2 * ph, width + 2 * pw, channels * kh * kw, 32, 8
    image = channels * rows * pitch + kw + slack
    if sh == sw == 1:
        source, back = image, channels * (rows * pitch + slack)
        spread = (kh - 1) * pitch + kw + rows * pitch + slack
    else:
        spread = out_height * out_width + slack
        source = back = patch * spread
    return image + group * (source + k * spread) + back + k * patch + slack


def pool(module: MaxPool2d | AvgPool2d, builder: Builder, value: Value, path: str) -> Value:
    """Append a pool."""
    window, out_height, out_width = _window(module, value, path)
    if value.size >= 2**24:  # places in it are kept as float32
        clash(module, path, "images of fewer than 2**24 cells", value)
    shape = (value.shape[0], out_height, out_width)
    size = shape[0] * out_height * out_width
    largest = isinstance(module, MaxPool2d)
    slot = builder.emit(
        Op.MAXPOOL if largest else Op.AVGPOOL,
        [value.slot],
        size,
        ints=(*value.shape, *window, *([builder.slot(size)] if largest else [])),
    )
    return Value(slot, shape, name_of(module, path))
