"""Networks that squeeze their input through a few numbers and give it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from numpy.typing import NDArray

from minimand._common.arrays import positive_int
from minimand._common.backend import Backend
from minimand._common.conversion import wrong_type
from minimand.neural_network.losses import Loss, SquaredError
from minimand.neural_network.modules import Linear, Module, Sequential, Tanh
from minimand.neural_network.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Autoencoder:
    """A network whose target is its input; made by `autoencoder`.

    Attributes
    ----------
    network : Network
        The whole: train it with ``train(auto.network, X, X)``.
    """

    network: Network

    @property
    def encoder(self) -> Network:
        """The first half, on the same parameters: what `train` does to one is done to both."""
        body = self._half(0)
        code = Network(body, SquaredError(), self.network.program.input_shape, self.network.dtype)
        return _on(code, self.network, 0)

    @property
    def decoder(self) -> Network:
        """The second half, on the same parameters."""
        body = self._half(1)
        width = _first(body).in_features
        code = Network(body, self.network.loss, width, self.network.dtype)
        return _on(code, self.network, self.network.parameters.size - code.parameters.size)

    def encode(self, X: object, *, threads: int | None = None, backend: Backend = "cpp") -> Array:
        """Return the codes (n, k) of samples X (n, features)."""
        return self.encoder.fprop(X, threads=threads, backend=backend)

    def decode(
        self, codes: object, *, threads: int | None = None, backend: Backend = "cpp"
    ) -> Array:
        """Return samples (n, features) for codes (n, k)."""
        return self.decoder.fprop(codes, threads=threads, backend=backend)

    def reconstruct(
        self, X: object, *, threads: int | None = None, backend: Backend = "cpp"
    ) -> Array:
        """Return what is left of samples X after encoding and decoding."""
        return self.network.fprop(X, threads=threads, backend=backend)

    def _half(self, number: int) -> Module:
        module = self.network.module
        assert isinstance(module, Sequential)
        return module.modules[number]


def autoencoder(
    sizes: Sequence[int],
    *,
    activation: Module | None = None,
    output: Module | None = None,
    loss: Loss | None = None,
    bias: bool = True,
    dtype: str = "float32",
    rng: object = None,
) -> Autoencoder:
    """Make an autoencoder of linear layers: x -> code -> x^, with ||x^ - x||^2 / 2 to minimise.

    The encoder has layers of the given sizes, the decoder the same in reverse; between them an
    activation, but none on the code. With ``activation=Identity()`` it can do what principal
    components do and no more (Baldi and Hornik 1989): the least loss is half the energy that
    `minimand.pca` leaves out.

    Parameters
    ----------
    sizes : sequence of int
        Features, hidden layers, code: (64, 32, 8).
    activation : Module, optional
        Between layers; ``Tanh()`` without one.
    output : Module, optional
        After the last layer, for example ``Sigmoid()`` for numbers from 0 to 1.
    loss : Loss, optional
        ``SquaredError()`` without one.
    bias : bool
        Whether layers have biases.
    dtype, rng
        As in `Network`.

    Returns
    -------
    Autoencoder
        To be trained by ``train(auto.network, X, X)``.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument.

    Notes
    -----
    Sources: Baldi, Hornik, Neural Networks 2 (1989) 53, doi:10.1016/0893-6080(89)90014-2; Hinton,
    Salakhutdinov, Science 313 (2006) 504.

    Examples
    --------
    >>> import numpy as np
    >>> from minimand import nn
    >>> t = np.linspace(-1.0, 1.0, 50)[:, np.newaxis]
    >>> X = np.hstack([t, 2.0 * t, -t])  # a line: one number says it all
    >>> auto = nn.autoencoder((3, 1), activation=nn.Identity(), rng=0)
    >>> result = nn.train(auto.network, X, X, optimizer=nn.Adam(0.02), epochs=200, rng=0)
    >>> auto.encode(X).shape
    (50, 1)
    >>> bool(np.abs(auto.reconstruct(X) - X).max() < 0.01)
    True
    """
    if isinstance(sizes, (str, bytes)) or not isinstance(sizes, Sequence):
        raise wrong_type("sizes", sizes, "a sequence of integers such as (64, 32, 8)")
    if len(sizes) < 2:
        raise ValueError(f"sizes is {tuple(sizes)}, expected at least two: features and code")
    widths = [positive_int(f"sizes[{k}]", size) for k, size in enumerate(sizes)]
    between = Tanh() if activation is None else activation
    for name, part in (("activation", between), ("output", output)):
        if part is not None and not isinstance(part, Module):
            raise wrong_type(name, part, "a module such as Tanh(), or None")
    ending = [] if output is None else [output]
    module = Sequential(
        _stack(widths, between, bias, []), _stack(widths[::-1], between, bias, ending)
    )
    chosen = SquaredError() if loss is None else loss
    return Autoencoder(Network(module, chosen, widths[0], dtype, rng))


def _stack(widths: list[int], between: Module, bias: bool, ending: list[Module]) -> Sequential:
    modules: list[Module] = []
    for number, (n, k) in enumerate(pairwise(widths)):
        modules += [between, Linear(n, k, bias=bias)] if number else [Linear(n, k, bias=bias)]
    return Sequential(*modules, *ending)


def _first(module: Module) -> Linear:
    assert isinstance(module, Sequential)
    first = module.modules[0]
    assert isinstance(first, Linear)
    return first


def _on(part: Network, whole: Network, begin: int) -> Network:
    """Put a network on a run of the parameters of another one."""
    part.use(whole.parameters[begin : begin + part.parameters.size])
    return part
