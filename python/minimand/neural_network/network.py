"""A network with its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import boolean, check_finite, nonnegative_float, one_of
from minimand._common.backend import Backend, kernels
from minimand._common.random import as_key
from minimand._common.threads import resolve_threads
from minimand.neural_network.compile import compile_program
from minimand.neural_network.data import (
    as_samples,
    as_targets,
    as_weights,
    check_output_delta,
    mean_one,
)
from minimand.neural_network.full_batch import Objective
from minimand.neural_network.initial import initial_values
from minimand.neural_network.losses import Loss
from minimand.neural_network.modules import Module
from minimand.neural_network.plan import aligned_zeros, plan
from minimand.neural_network.program import Indices, Segment

if TYPE_CHECKING:
    from minimand.neural_network.gradient_report import GradientCheck
    from minimand.neural_network.lipschitz import LipschitzBounds

DTYPES = ("float32", "float64")
_NO_KEY = np.zeros(2, dtype=np.uint64)
_FORWARD_ROWS = 8192  # samples of one call, so that Ctrl-C arrives


class Network:
    """A network: modules, a loss, and one flat vector of parameters.

    Parameters
    ----------
    module : Module
        What is computed, for example ``Sequential(Linear(4, 8), Tanh(), Linear(8, 3))``.
    loss : Loss
        What `train` minimises: `SquaredError()`, `CrossEntropy()`, `BinaryCrossEntropy()` or
        `CategoricalCrossEntropy()`.
    input_shape : int or tuple of int
        The shape of a sample: (features,), (channels, height, width) or (steps, features).
    dtype : {"float32", "float64"}
        Of parameters and activations.
    rng : None, int, SeedSequence, BitGenerator or Generator
        For the initial values; see `Linear` for what they are.

    Attributes
    ----------
    parameters : ndarray (P,)
        All weights and biases, writable. `segments` tells which is where.
    gradient : ndarray (P,)
        What the last `bprop` or `loss_and_gradient` left.
    segments : tuple of Segment
        Name, begin, end and shape of each array in `parameters`.
    running : ndarray
        The running means and variances of batch norms.

    Raises
    ------
    ValueError
        When shapes do not chain; the message names both modules.

    Examples
    --------
    >>> from minimand import nn
    >>> module = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    >>> network = nn.Network(module, nn.SquaredError(), 2, rng=0)
    >>> [segment.name for segment in network.segments]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    >>> network.fprop([[0.0, 0.0], [1.0, 2.0]]).shape
    (2, 1)
    """

    def __init__(
        self,
        module: Module,
        loss: Loss,
        input_shape: int | tuple[int, ...],
        dtype: str = "float32",
        rng: object = None,
    ) -> None:
        one_of("dtype", dtype, DTYPES)
        self.module, self.loss, self.dtype = module, loss, dtype
        self.program = compile_program(module, loss, input_shape, dtype)
        self._parameters = aligned_zeros(self.program.n_parameters, dtype)
        self.running: NDArray[Any] = np.zeros(self.program.n_state, dtype)
        self.gradient: NDArray[Any] = np.zeros(self.program.n_parameters, dtype)
        self._fed: tuple[NDArray[Any], bool] | None = None
        self.initialise(rng)

    def initialise(self, rng: object = None) -> None:
        """Draw new initial values, and forget the running averages of batch norms."""
        key = as_key(rng)
        for number, segment in enumerate(self.segments):
            size = segment.end - segment.begin
            values = initial_values(segment.init, size, segment.fans, key, number)
            self._parameters[segment.begin : segment.end] = values
        self.running[...] = initial_running(self.program.ops, self.program.n_state)

    @property
    def parameters(self) -> NDArray[Any]:
        """All weights and biases in one flat vector that may be written to."""
        return self._parameters

    def use(self, parameters: NDArray[Any]) -> None:
        """Take this vector for the parameters, as it is: what is written to it counts here too."""
        expected = self._parameters.shape, self._parameters.dtype
        if (parameters.shape, parameters.dtype) != expected or not parameters.flags.c_contiguous:
            raise ValueError(
                f"parameters have shape {parameters.shape} and type {parameters.dtype}, "
                f"expected {expected[0]} and {expected[1]}, contiguous"
            )
        self._parameters = parameters

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Where each array is in `parameters`."""
        return self.program.segments

    def array(self, name: str) -> NDArray[Any]:
        """Return a writable view of one array of the parameters, such as "0.weight"."""
        names = tuple(segment.name for segment in self.segments)
        segment = self.segments[names.index(one_of("name", name, names))]
        return self._parameters[segment.begin : segment.end].reshape(segment.shape)

    def fprop(
        self,
        X: object,
        *,
        training: bool = False,
        threads: int | None = None,
        backend: Backend = "cpp",
    ) -> NDArray[Any]:
        """Return the outputs (n, ...) for samples X.

        With `training`, batch norms take the statistics of these samples, and dropout drops (always
        the same); a following `bprop` does so too.
        """
        boolean("training", training)
        compiled, workers = kernels("neural_network", backend), resolve_threads(threads)
        samples = as_samples("X", X, self.program, np.dtype(self.dtype).type)
        self._fed = (samples, training)
        outputs = self.outputs(samples, compiled, workers, training=training)
        return outputs.reshape(len(samples), *self.program.output_shape)

    def outputs(
        self, samples: NDArray[Any], compiled: Any, threads: int, *, training: bool = False
    ) -> NDArray[Any]:
        """Return the outputs (n, k) for checked samples."""
        p = self.program
        out = np.empty((len(samples), p.n_outputs), self.dtype)
        rows = len(samples) if training else min(len(samples), _FORWARD_ROWS)
        cut = plan(p, rows, training=training, dtype=self.dtype)
        for begin in range(0, len(samples), rows):
            part = slice(begin, begin + rows)
            compiled.forward(
                p.ops, p.reals, p.slots, cut.layout, self._parameters, self.running,
                training, samples[part], _NO_KEY, 0, out[part], cut.work, cut.threads(threads),
            )  # fmt: skip
        return out

    def bprop(
        self, delta: object, *, threads: int | None = None, backend: Backend = "cpp"
    ) -> NDArray[Any]:
        """Take a delta, the derivative of something for the outputs, back to the samples.

        Goes with the last `fprop`. Returns the derivative for its samples, in their shape, and
        leaves that for the parameters in `gradient`.
        """
        compiled, workers = kernels("neural_network", backend), resolve_threads(threads)
        if self._fed is None:
            raise ValueError("bprop goes with samples, call fprop first")
        samples, training = self._fed
        p = self.program
        D = check_output_delta(delta, len(samples), p, np.dtype(self.dtype).type)
        cut = plan(p, len(samples), training=training, dtype=self.dtype)
        gradient = np.zeros((cut.lanes, p.n_parameters), self.dtype)
        back = np.empty_like(samples)
        compiled.backward(
            p.ops, p.reals, p.slots, cut.layout, self._parameters, self.running, training,
            samples, D, _NO_KEY, 0, gradient, back, cut.work,
            cut.threads(workers),
        )  # fmt: skip
        self.gradient = gradient[0]
        return back.reshape(len(samples), *p.input_shape)

    def loss_and_gradient(
        self,
        X: object,
        y: object,
        *,
        sample_weight: object = None,
        l2: float = 0.0,
        training: bool = False,
        threads: int | None = None,
        backend: Backend = "cpp",
    ) -> tuple[float, NDArray[Any]]:
        """Return the mean loss plus l2 ||W||^2 / 2, and its gradient, which `gradient` keeps too.

        Parameters
        ----------
        X, y : array_like
            Samples and targets.
        sample_weight : array_like (n,), optional
            Scaled to mean 1.
        l2 : float
            The penalty.
        training : bool
            Whether batch norms take the statistics of X, and dropout drops (always the same).
        threads, backend
            As everywhere.
        """
        nonnegative_float("l2", l2)
        boolean("training", training)
        compiled, workers = kernels("neural_network", backend), resolve_threads(threads)
        dtype = np.dtype(self.dtype).type
        samples = as_samples("X", X, self.program, dtype)
        targets = as_targets("y", y, self.loss, self.program, dtype, len(samples), "X")
        weights = mean_one(as_weights(sample_weight, None, targets, len(samples)))
        objective = Objective(self.program, self.dtype, samples, targets, weights, l2, 0.0)
        value = objective.gradient(
            self._parameters, self.running, compiled, workers, training=training
        )
        self.gradient = value.gradient
        return value.objective, self.gradient

    def check_gradient(self, X: object, y: object, **options: Any) -> GradientCheck:
        """As `minimand.nn.check_gradient` of this network."""
        from minimand.neural_network.gradient_check import check_gradient

        return check_gradient(self, X, y, **options)

    def lipschitz_bounds(self, X: object = None, **options: Any) -> LipschitzBounds:
        """As `minimand.nn.lipschitz_bounds` of this network."""
        from minimand.neural_network.lipschitz import lipschitz_bounds

        return lipschitz_bounds(self, X, **options)

    def to_bytes(self) -> bytes:
        """Return what `save` writes."""
        from minimand.neural_network.storage import to_bytes

        return to_bytes(self)

    def save(self, path: str | Path) -> None:
        """Write modules, loss, parameters and running averages to an .npz file without pickles."""
        from minimand.neural_network.storage import save

        save(self, path)

    @staticmethod
    def load(path: str | Path) -> Network:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            When the file is not one, is damaged, or its sizes are not those of its modules. Nothing
            of that size is allocated before the check.
        """
        from minimand.neural_network.storage import load

        return load(path)

    def __repr__(self) -> str:
        return (
            f"Network({self.module}, {type(self.loss).__name__}, {self.program.input_shape} -> "
            f"{self.program.output_shape}, {self.program.n_parameters} parameters, {self.dtype})"
        )


def initial_running(ops: Indices, size: int) -> NDArray[np.float64]:
    """Return the first running averages: mean 0, variance 1."""
    from minimand.neural_network.program import CODE, INTS, STATE, Op

    running = np.zeros(size)
    for row in ops[ops[:, CODE] == Op.BATCHNORM]:
        begin, channels = int(row[STATE]), int(row[INTS])
        running[begin + channels : begin + 2 * channels] = 1.0
    return running


def check_parameters(network: Network, name: str = "network") -> None:
    """Raise ValueError for parameters or running averages that are not finite."""
    for part, array in (("parameters", network.parameters), ("running", network.running)):
        check_finite(f"{name}.{part}", array)
