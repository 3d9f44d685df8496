"""The modules of which networks are made. They only describe; `compile_program` makes the program.

All of them take arrays with one row for each sample; shapes are those of one sample: (features,),
(channels, height, width) for images, (steps, features) for sequences.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from minimand._common.arrays import boolean, fraction, positive_float, positive_int
from minimand._common.conversion import wrong_type
from minimand.neural_network.image_modules import AvgPool2d, Conv2d, MaxPool2d
from minimand.neural_network.initial import checked_init
from minimand.neural_network.module import Module


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Linear(Module):
    """A fully connected layer: x W + b with W (in_features, out_features).

    Parameters
    ----------
    in_features, out_features : int
        Numbers of inputs and outputs.
    bias : bool
        Whether there is a b; it starts at zero.
    init : {"glorot", "he_normal", "zeros"}, float or array
        How W starts: uniform in +-sqrt(6 / (in + out)) (Glorot and Bengio 2010), normal with
        deviation sqrt(2 / in) (He et al. 2015), zero, a constant, or the given array.
    """

    in_features: int
    out_features: int
    bias: bool = field(default=True, kw_only=True)
    init: object = field(default="glorot", kw_only=True)

    def __post_init__(self) -> None:
        positive_int("in_features", self.in_features)
        positive_int("out_features", self.out_features)
        boolean("bias", self.bias)
        shape = (self.in_features, self.out_features)
        object.__setattr__(self, "init", checked_init(self.init, shape))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Flatten(Module):
    """Any shape as a vector of features; nothing moves."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Identity(Module):
    """Does nothing."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReLU(Module):
    """max(0, x)."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LeakyReLU(Module):
    """X where it is positive, slope times x elsewhere.

    Parameters
    ----------
    slope : float
        At least 0 and below 1.
    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        if fraction("slope", self.slope) == 1.0:
            raise ValueError("slope is 1.0, expected a number below 1")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sigmoid(Module):
    """1 / (1 + e^-x)."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tanh(Module):
    """The hyperbolic tangent."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Softmax(Module):
    """e^x_k / sum_j e^x_j over the features of a sample."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dropout(Module):
    """While training, zero with probability p, else x / (1 - p). Inference passes x through.

    Parameters
    ----------
    p : float
        At least 0 and below 1; it is rounded to a multiple of 2**-16.
    """

    p: float = 0.5

    def __post_init__(self) -> None:
        if fraction("p", self.p) > 1.0 - 2.0**-16:
            raise ValueError(f"p is {self.p}, expected a number below 1")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _BatchNorm(Module):
    num_features: int
    epsilon: float = field(default=1e-5, kw_only=True)
    momentum: float = field(default=0.1, kw_only=True)

    def __post_init__(self) -> None:
        positive_int("num_features", self.num_features)
        positive_float("epsilon", self.epsilon)
        fraction("momentum", self.momentum)


class BatchNorm1d(_BatchNorm):
    """gamma (x - mean) / sqrt(var + epsilon) + beta for each feature over the batch.

    Inference takes running averages: running = (1 - momentum) running + momentum (mean, unbiased
    variance).

    Parameters
    ----------
    num_features : int
        Features (channels for `BatchNorm2d`, whose averages go over the cells of images too).
    epsilon, momentum : float
        As in the formulas.
    """

    __slots__ = ()


class BatchNorm2d(_BatchNorm):
    """`BatchNorm1d` for images: one mean and variance for each channel."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False, init=False)
class Sequential(Module):
    """One module after the other."""

    modules: tuple[Module, ...]

    def __init__(self, *modules: Module) -> None:
        _set_modules(self, modules)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Residual(Module):
    """x + f(x); f must keep the shape."""

    module: Module

    def __post_init__(self) -> None:
        _check_module("module", self.module)


@dataclass(frozen=True, slots=True, eq=False, repr=False, init=False)
class Concat(Module):
    """f(x), g(x), ... on the same input, joined along features or channels."""

    modules: tuple[Module, ...]

    def __init__(self, *modules: Module) -> None:
        if not modules:
            raise ValueError("Concat has no modules, expected at least one")
        _set_modules(self, modules)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RNN(Module):
    """h_t = tanh(x_t U + h_{t-1} V + b) with h_0 = 0, unrolled over the steps of the input.

    Parameters
    ----------
    input_size, hidden_size : int
        Features of a step, and of h.
    return_sequence : bool
        Whether the output is (steps, hidden_size) or the last h, (hidden_size,).
    init
        As in `Linear`, of U and V.
    """

    input_size: int
    hidden_size: int
    return_sequence: bool = field(default=False, kw_only=True)
    init: object = field(default="glorot", kw_only=True)

    def __post_init__(self) -> None:
        positive_int("input_size", self.input_size)
        positive_int("hidden_size", self.hidden_size)
        boolean("return_sequence", self.return_sequence)
        object.__setattr__(self, "init", checked_init(self.init, None))


def _set_modules(module: Module, modules: tuple[object, ...]) -> None:
    for number, part in enumerate(modules):
        _check_module(f"module {number}", part)
    object.__setattr__(module, "modules", modules)


def _check_module(name: str, value: object) -> None:
    if not isinstance(value, Module):
        raise wrong_type(name, value, "a module such as Linear(4, 3)")


__all__ = [
    "BY_NAME", "RNN", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Concat", "Conv2d", "Dropout",
    "Flatten", "Identity", "LeakyReLU", "Linear", "MaxPool2d", "Module", "ReLU", "Residual",
    "Sequential", "Sigmoid", "Softmax", "Tanh",
]  # fmt: skip

BY_NAME: dict[str, type[Module]] = {
    kind.__name__: kind
    for kind in (
        Linear,
        Conv2d,
        MaxPool2d,
        AvgPool2d,
        Flatten,
        Identity,
        ReLU,
        LeakyReLU,
        Sigmoid,
        Tanh,
        Softmax,
        Dropout,
        BatchNorm1d,
        BatchNorm2d,
        Sequential,
        Residual,
        Concat,
        RNN,
    )
}
