"""The modules that look at windows of images."""

from __future__ import annotations

from dataclasses import dataclass, field

from minimand._common.arrays import boolean, positive_int
from minimand.neural_network.initial import checked_init
from minimand.neural_network.module import Module


def _pair(name: str, value: object, *, least: int = 1) -> tuple[int, int]:
    """Return a number for rows and columns, or two, as two."""
    parts = value if isinstance(value, (tuple, list)) else (value, value)
    if len(parts) != 2:
        raise ValueError(f"{name} has {len(parts)} entries, expected a number or two")
    low = 1 - least
    first, second = (positive_int(name, _raised(name, part, low)) - low for part in parts)
    return first, second


def _raised(name: str, value: object, by: int) -> object:
    if by == 0 or isinstance(value, bool) or not isinstance(value, int):
        return value
    if value < 0:
        raise ValueError(f"{name} is {value}, expected an integer >= 0")
    return value + by


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Conv2d(Module):
    """Cross-correlation of images with `out_channels` kernels, stride and zero padding.

    Output sizes are floor((H + 2 p - k) / s) + 1. Parameters: W (out_channels, in_channels, kh, kw)
    and b (out_channels,).

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output.
    kernel_size, stride, padding : int or pair of int
        For rows and columns.
    bias, init
        As in `Linear`; the fans are channels times kh times kw.
    """

    in_channels: int
    out_channels: int
    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int] = field(default=1, kw_only=True)
    padding: int | tuple[int, int] = field(default=0, kw_only=True)
    bias: bool = field(default=True, kw_only=True)
    init: object = field(default="glorot", kw_only=True)

    def __post_init__(self) -> None:
        positive_int("in_channels", self.in_channels)
        positive_int("out_channels", self.out_channels)
        _set_window(self, self.kernel_size, self.stride, self.padding)
        boolean("bias", self.bias)
        kernel: tuple[int, int] = self.kernel_size  # type: ignore[assignment]
        shape = (self.out_channels, self.in_channels, *kernel)
        object.__setattr__(self, "init", checked_init(self.init, shape))


def _set_window(module: Module, kernel: object, stride: object, padding: object) -> None:
    size = _pair("kernel_size", kernel)
    object.__setattr__(module, "kernel_size", size)
    object.__setattr__(module, "stride", size if stride is None else _pair("stride", stride))
    object.__setattr__(module, "padding", _pair("padding", padding, least=0))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Pool2d(Module):
    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int] | None = field(default=None, kw_only=True)
    padding: int | tuple[int, int] = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        _set_window(self, self.kernel_size, self.stride, self.padding)
        kernel, padding = self.kernel_size, self.padding
        if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):  # type: ignore[arg-type]
            raise ValueError(f"padding is {padding}, expected at most half of kernel_size {kernel}")


class MaxPool2d(_Pool2d):
    """The largest value of each window; of equal ones the first in row-major order counts.

    Parameters
    ----------
    kernel_size, stride, padding : int or pair of int
        The stride is the kernel size unless it is given. Cells outside the image do not count.
    """

    __slots__ = ()


class AvgPool2d(_Pool2d):
    """The mean of the cells of each window that lie in the image.

    Parameters
    ----------
    kernel_size, stride, padding : int or pair of int
        As in `MaxPool2d`.
    """

    __slots__ = ()
