"""How much a network can magnify a change of its input: bounds from both sides."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.random import as_key
from minimand._common.result import Certificate, Result, Status
from minimand._common.threads import resolve_threads
from minimand.neural_network.data import as_samples
from minimand.neural_network.magnification import (
    distinct_layers,
    in_float64,
    layer_name,
    layer_norms,
    lower_norms,
    product_bound,
    quotient,
    steepest_pair,
)
from minimand.neural_network.network import Network, check_parameters
from minimand.neural_network.norm_bound import spectral_norm_bound
from minimand.neural_network.streams import LATENT, normals, stream

Floats = NDArray[np.float64]

_SAMPLES = 256  # that the lower bound looks at
_DRAWN = 32


@dataclass(frozen=True, slots=True)
class LayerBound:
    """Bounds on the magnification of one layer.

    Attributes
    ----------
    name : str
        That of its weights, as in `Network.segments`.
    lower, upper : float
        The largest factor by which it can stretch a difference lies between them.
    """

    name: str
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LipschitzBounds(Result):
    """Bounds on L, the least number with ||f(a) - f(b)|| <= L ||a - b|| for all a and b.

    Attributes
    ----------
    lower, upper : float
        L lies between them.
    layers : tuple of LayerBound
        The factors of layers with parameters, in order.
    a, b : ndarray
        Two inputs that prove the lower bound: ||f(a) - f(b)|| / ||a - b||.
    """

    lower: float
    upper: float
    layers: tuple[LayerBound, ...]
    a: Floats
    b: Floats

    def verify(self, network: object) -> tuple[Certificate, ...]:
        """Compute the bounds anew in NumPy: norms by SVD, outputs with the other interpreter.

        Parameters
        ----------
        network : Network
            As it was given to `lipschitz_bounds`; it must not have been trained since.

        Raises
        ------
        CertificateError
            When a bound does not hold.
        """
        return Result.verify(self, network)

    def _recompute(self, network: object) -> tuple[Certificate, ...]:
        if not isinstance(network, Network):
            raise wrong_type("network", network, "the Network")
        wide = in_float64(network)
        norms = layer_norms(wide, lambda W: float(np.linalg.norm(W, 2)))
        exact = distinct_layers(wide.program, norms).values()
        if len(exact) != len(self.layers):
            return _certificates(math.inf, math.inf)
        pairs = list(zip(exact, self.layers, strict=True))
        worst = max((norm / max(layer.upper, 1e-300) for norm, layer in pairs), default=0.0)
        below = max((layer.lower / max(norm, 1e-300) for norm, layer in pairs), default=0.0)
        product = product_bound(wide, norms)
        lower = quotient(wide, self.a[np.newaxis], self.b[np.newaxis], "numpy")[0]
        # What is claimed must be what the SVD and the two points give.
        honest = self.upper >= product * (1.0 - 1e-9) and math.isclose(
            self.lower, lower, rel_tol=1e-6, abs_tol=1e-12
        )
        claimed = self.lower / self.upper if self.upper > 0.0 else 0.0
        return _certificates(max(worst, below), claimed if honest else math.inf)


def _certificates(layers: float, whole: float) -> tuple[Certificate, ...]:
    bound = 1.0 + 1e-9
    return (
        Certificate("layers", layers, bound, "largest norm from below over its upper bound"),
        Certificate("network", whole, bound, "lower over upper bound of the whole network"),
    )


def lipschitz_bounds(
    network: Network,
    X: object = None,
    *,
    rng: object = None,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> LipschitzBounds:
    """Bound the Lipschitz constant of a network from above and below, in 2-norms, for inference.

    Upper: one pass over the program, each operation multiplying what came in by a bound on its own
    constant: the 2-norm of W for linear layers, that of the matrix (C_out, C_in kh kw) times
    sqrt(ceil(kh/sh) ceil(kw/sw)) for convolutions, max |gamma| / sqrt(var + epsilon) for batch
    norms, 1 for ReLU and tanh, 1/4 for sigmoid, 1/2 for softmax; sums add, branches side by side
    give the root of the sum of squares. Norms are bounded by Gram iteration with every rounding
    charged, so that the bound is a true one; power iteration would only approach from below.

    Lower: the steepest direction at each sample, by power iteration on its Jacobian, and then two
    points in that direction, ||f(a) - f(b)|| / ||a - b||, which anybody can compute again.

    Parameters
    ----------
    network : Network
        With its present parameters; a copy in float64 is looked at.
    X : array_like (n, ...), optional
        Where to look for the lower bound (the first 256); without it 32 normal samples are drawn.
    rng : None, int, SeedSequence, BitGenerator or Generator
        For those, and for the starts of power iterations.
    threads, backend
        As everywhere.

    Returns
    -------
    LipschitzBounds
        Both bounds, those of each layer, and the two points.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    Sources: Delattre, Barthelemy, Araujo, Allauzen: Efficient bound of Lipschitz constant for
    convolutional layers by Gram iteration, ICML 2023; Szegedy et al., Intriguing properties of
    neural networks (2014), 4.3.

    Examples
    --------
    >>> from minimand import nn
    >>> module = nn.Sequential(nn.Linear(2, 2, init=[[3.0, 0.0], [0.0, 4.0]]), nn.ReLU())
    >>> bounds = nn.lipschitz_bounds(nn.Network(module, nn.SquaredError(), 2), [[1.0, 1.0]], rng=0)
    >>> round(bounds.lower, 6), round(bounds.upper, 6)
    (4.0, 4.0)
    """
    start = time.perf_counter()
    if not isinstance(network, Network):
        raise wrong_type("network", network, "a Network")
    compiled, workers = kernels("neural_network", backend), resolve_threads(threads)
    key = stream(as_key(rng), LATENT)
    n_inputs = network.program.n_inputs
    if X is None:
        samples = normals(key, 0, _DRAWN * n_inputs, backend=backend).reshape(-1, n_inputs)
    else:
        samples = as_samples("X", X, network.program, np.float64)[:_SAMPLES]
    check_parameters(network)
    wide = in_float64(network)
    uppers = layer_norms(wide, lambda W: spectral_norm_bound(W, compiled, workers))
    lowers = lower_norms(wide, key, backend, workers)
    layers = tuple(
        LayerBound(layer_name(wide.program, number), lowers[number], upper)
        for number, upper in distinct_layers(wide.program, uppers).items()
    )
    upper = product_bound(wide, uppers)
    directions = normals(key, 1, samples.size, backend=backend).reshape(samples.shape)
    a, b, lower = steepest_pair(wide, samples, directions, backend, workers)
    pairs = [layer.lower / layer.upper for layer in layers if layer.upper > 0.0]
    return LipschitzBounds(
        status=Status.COMPLETED,
        iterations=0,
        history=(),
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=_certificates(max(pairs, default=0.0), lower / upper if upper > 0 else 0.0),
        lower=lower,
        upper=upper,
        layers=layers,
        a=a.reshape(network.program.input_shape),
        b=b.reshape(network.program.input_shape),
    )
