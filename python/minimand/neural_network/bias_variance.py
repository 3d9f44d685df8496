"""Bias and variance: how much of the loss is the network's, how much the luck of the samples."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import boolean, positive_int
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import real_array, wrong_type
from minimand._common.random import as_key
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.neural_network.bias_variance_result import (
    BiasVariance,
    certificates,
    resampled,
    taken,
)
from minimand.neural_network.decomposition import decompose, is_decomposable
from minimand.neural_network.evaluation import objective_of
from minimand.neural_network.many import TRAINING_OPTIONS, Job, seed_of, train_all
from minimand.neural_network.network import Network
from minimand.neural_network.result import TrainingResult

Array = NDArray[Any]


def bias_variance(
    network: Network,
    X: object,
    y: object,
    X_test: object,
    y_test: object,
    *,
    resamples: int = 20,
    rng: object = None,
    progress: bool = False,
    threads: int | None = None,
    backend: Backend = "cpp",
    **options: Any,
) -> BiasVariance:
    """Split the test loss of a network into bias and variance, by fits to resampled data.

    Networks f_1, ..., f_R like the given one are trained on n samples drawn with replacement from
    the n there are, each from initial values of its own. For squared errors and the mean f of the
    predictions,

        loss = (1/R) sum_r ||f_r(x) - y||^2 / 2 = bias + variance
        bias = ||f(x) - y||^2 / 2,   variance = (1/R) sum_r ||f_r(x) - f(x)||^2 / 2

    For cross-entropies the same holds with f proportional to exp((1/R) sum_r log f_r), and with the
    Kullback-Leibler divergence KL(f || f_r) for the distance (Heskes 1998). Both are identities,
    not estimates. With the noise-free answers for `y_test`, the bias is free of noise.

    Parameters
    ----------
    network : Network
        Modules and loss (`SquaredError`, `CrossEntropy` or `BinaryCrossEntropy`); is not changed.
    X, y : array_like
        Samples (n, ...) and targets to draw from.
    X_test, y_test : array_like
        Samples and targets to judge by.
    resamples : int
        R; 2 at least.
    rng : None, int, SeedSequence, BitGenerator or Generator
        For all there is to draw.
    progress : bool
        Whether to show a progress bar (needs tqdm).
    threads : int, optional
        So many networks are trained at a time, each by one thread; the result has the same bits for
        any number.
    backend : {"cpp", "numpy"}
        The compiled interpreter, or the one in NumPy.
    **options
        Of `train`: optimizer, epochs, batch_size, l2, l1, class_weight, shuffle, time_limit.

    Returns
    -------
    BiasVariance

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.
    KeyboardInterrupt
        After Ctrl-C, when the epochs under way are done.

    Notes
    -----
    The bootstrap's variance is that of fits to some 63 % of the samples, some of them several
    times; it stands for that of fits to fresh samples. What all resamples have in common, such as
    the noise of these n samples as a whole, counts as bias.

    Sources: Geman, Bienenstock, Doursat, Neural Computation 4 (1992) 1; Heskes, Neural Computation
    10 (1998) 1425.

    Examples
    --------
    >>> import numpy as np
    >>> from minimand import nn
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1.0, 1.0, (40, 1))
    >>> y = X**2 + 0.1 * rng.standard_normal((40, 1))
    >>> T = np.linspace(-1.0, 1.0, 50)[:, np.newaxis]
    >>> line = nn.Network(nn.Linear(1, 1), nn.SquaredError(), 1)
    >>> found = nn.bias_variance(line, X, y, T, T**2, optimizer=nn.Adam(0.05), rng=0)
    >>> bool(found.bias > 5 * found.variance)  # no line is a parabola
    True
    """
    # Check
    start = time.perf_counter()
    if not isinstance(network, Network):
        raise wrong_type("network", network, "a Network")
    if not is_decomposable(network.loss):
        raise ValueError(
            f"network has the loss {network.loss}, expected SquaredError, CrossEntropy or "
            "BinaryCrossEntropy: others do not split into bias and variance"
        )
    count = positive_int("resamples", resamples)
    if count < 2:
        raise ValueError(f"resamples is {count}, expected at least 2")
    boolean("progress", progress)
    allowed = [name for name in TRAINING_OPTIONS if name != "patience"]
    for name in options:
        if name not in allowed:
            raise ValueError(f"{name!r} is no option here, expected one of {', '.join(allowed)}")
    compiled, workers = kernels("neural_network", backend), resolve_threads(threads)

    # Convert
    training = objective_of(network, X, y)
    test = objective_of(network, X_test, y_test, ("X_test", "y_test"))
    samples, values = real_array("X", X), real_array("y", y)
    key = as_key(rng)
    n = len(samples)
    drawn = [resampled(key, r, n) for r in range(count)]
    jobs = [
        Job(network, samples[rows], values[rows], options, seed_of(key, r))
        for r, rows in enumerate(drawn)
    ]

    # Drive
    def judge(r: int, result: TrainingResult) -> tuple[Array, Array, Array, float, Status]:
        own = taken(training, drawn[r])
        loss = own.evaluate(result.parameters, result.running, compiled, 1).loss
        z = result.network.outputs(test.samples, compiled, 1)
        return result.parameters, result.running, z, loss, result.status

    fits = train_all(
        jobs, judge, threads=workers, progress=progress, backend=backend, description="resamples"
    )
    z = np.stack([fit[2] for fit in fits])
    parts = decompose(network.loss, z.astype(np.float64), test.targets)

    # Certify and return
    training_losses = np.array([fit[3] for fit in fits])
    bad = [fit[4] for fit in fits if not fit[4].ok]
    result = BiasVariance(
        status=bad[0] if bad else Status.COMPLETED,
        iterations=count,
        history=(),
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=(),
        loss=float(parts.losses.mean()),
        bias=float(parts.bias.mean()),
        variance=float(parts.variance.mean()),
        training_loss=float(training_losses.mean()),
        losses=parts.losses.mean(axis=1),
        training_losses=training_losses,
        sample_bias=parts.bias,
        sample_variance=parts.variance,
        mean=parts.mean,
        predictions=z,
        parameters=np.stack([fit[0] for fit in fits]),
        running=np.stack([fit[1] for fit in fits]),
        network=network,
        key=(int(key[0]), int(key[1])),
    )
    return replace(result, certificates=certificates(result, z, parts, training_losses))
