"""Certificates of a training run: what the NumPy interpreter computes in float64 instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.backend import Backend, kernels
from minimand._common.result import Certificate
from minimand.neural_network.compile import compile_program
from minimand.neural_network.data import Targets, as_samples, as_targets, as_weights, mean_one
from minimand.neural_network.full_batch import Objective, norm_with_l1
from minimand.neural_network.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from minimand.neural_network.network import Network
from minimand.neural_network.program import ACTIVATION, BIAS, CODE, Op
from minimand.neural_network.split import training_rows

if TYPE_CHECKING:
    from minimand.neural_network.result import TrainingResult

Array = NDArray[Any]

_CONVEX: dict[type[Loss], str] = {
    SquaredError: "squared",
    CrossEntropy: "softmax",
    BinaryCrossEntropy: "logistic",
}
_SAMPLE, _IMAGES = 256, 32  # samples that a run itself looks at


def recompute(
    result: TrainingResult, X: object, y: object, sample_weight: object
) -> tuple[Certificate, ...]:
    """Return objective and gradient norm of the returned parameters against the stated ones."""
    network = result.network
    data = _training_set(result, X, y, sample_weight, "numpy")
    stated = result.objective, result.gradient_norm
    return _compared(network, data, result.parameters, result.running, stated)


def _training_set(
    result: TrainingResult, X: object, y: object, sample_weight: object, backend: Backend
) -> Objective:
    """Return what the run minimised, from the data it was given."""
    network, options = result.network, result.options
    dtype = np.dtype(network.dtype).type
    samples = as_samples("X", X, network.program, dtype)
    targets = as_targets("y", y, network.loss, network.program, dtype, len(samples), "X")
    weights = as_weights(sample_weight, options.class_weight, targets, len(samples))
    key = np.array(options.key, dtype=np.uint64)
    rows = training_rows(len(samples), targets, options.fraction, key, backend=backend)[0]
    if rows is not None:
        samples, targets = samples[rows], targets.take(rows)
        weights = weights[rows] if weights.size else weights
    return Objective(
        network.program, network.dtype, samples, targets, mean_one(weights), options.l2, options.l1
    )


def duality_gap(result: TrainingResult, X: object, y: object, sample_weight: object) -> float:
    """Return objective minus lower bound, for one linear layer with a convex loss."""
    from minimand.sgd.data import Design
    from minimand.sgd.dual import Problem, bounds

    program, loss = result.network.program, result.network.loss
    single = len(program.ops) == 1 and program.ops[0, CODE] == Op.LINEAR
    kind = _CONVEX.get(type(loss)) if single and program.ops[0, ACTIVATION] == 0 else None
    if kind is None or (kind != "softmax" and program.n_outputs != 1):
        raise ValueError(
            f"network is {result.network}, expected one Linear with SquaredError or "
            "BinaryCrossEntropy and one output, or with CrossEntropy"
        )
    data = _training_set(result, X, y, sample_weight, "cpp")
    n, k = program.n_inputs, program.n_outputs
    theta = np.zeros((k, n + 1))
    theta[:, :n] = result.parameters[: n * k].reshape(n, k).T
    bias = bool(program.ops[0, BIAS] >= 0)
    if bias:
        theta[:, n] = result.parameters[n * k :]
    design = Design(
        data.samples.astype(np.float64), data.weights, intercept=bias, backend=result.backend,
        threads=result.diagnostics.threads,
    )  # fmt: skip
    values = data.targets.values[:, 0].astype(np.float64) if kind != "softmax" else np.empty(0)
    y_model = data.targets.labels.astype(np.float64) if kind == "softmax" else values
    if kind == "logistic":
        y_model = 2.0 * y_model - 1.0
    return bounds(Problem(design, y_model, kind, data.l2, data.l1), theta).gap


def on_some_samples(
    network: Network, data: Objective, compiled: Any, threads: int
) -> tuple[Certificate, ...]:
    """Return the certificates as far as the first samples tell."""
    has_images = bool((network.program.ops[:, CODE] == Op.CONV2D).any())
    rows = np.arange(min(len(data.samples), _IMAGES if has_images else _SAMPLE))
    some = Objective(
        data.program, data.dtype, data.samples[rows], data.targets.take(rows), np.empty(0),
        data.l2, data.l1,
    )  # fmt: skip
    theta, running = network.parameters, network.running
    value = some.gradient(theta, running, compiled, threads)
    stated = value.objective, norm_with_l1(data.program, value.gradient, theta, data.l1)
    return _compared(network, some, theta, running, stated)


def _compared(
    network: Network, data: Objective, theta: Array, running: Array, stated: tuple[float, float]
) -> tuple[Certificate, ...]:
    from minimand.neural_network.result import certificates

    wide = in_double(network, data)
    theta, running = theta.astype(np.float64), running.astype(np.float64)
    with np.errstate(all="ignore"):
        value = wide.gradient(theta, running, kernels("neural_network", "numpy"), 1)
    norm = norm_with_l1(wide.program, value.gradient, theta, data.l1)
    differences = (
        abs(found - said) / (1.0 + abs(said))
        for found, said in zip((value.objective, norm), stated, strict=True)
    )
    return certificates(network.dtype, *differences)


def in_double(network: Network, data: Objective) -> Objective:
    """Return the same objective for a network that is compiled anew, in float64."""
    program = compile_program(network.module, network.loss, network.program.input_shape, "float64")
    t = data.targets
    return Objective(
        program, "float64", data.samples.astype(np.float64),
        Targets(t.labels, t.values.astype(np.float64), t.classes), data.weights, data.l2, data.l1,
    )  # fmt: skip
