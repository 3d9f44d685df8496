"""How good a network is on samples it has not seen, and within which limits that is known."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import positive_float
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.result import Certificate, Result, Status
from minimand._common.threads import resolve_threads
from minimand.neural_network.data import as_samples, as_targets
from minimand.neural_network.full_batch import Objective
from minimand.neural_network.network import Network, check_parameters
from minimand.neural_network.verification import in_double

Array = NDArray[Any]

_SAMPLE = 256  # samples that are looked at twice


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Evaluation(Result):
    """What `evaluate` found.

    Attributes
    ----------
    loss : float
        The mean loss.
    accuracy : float or None
        The share of samples predicted right, where the targets are classes.
    interval : (float, float) or None
        Contains the accuracy on all samples of this kind with probability `confidence` at least,
        if these were drawn independently and had no part in the making of the network.
    confidence : float
        As asked for.
    samples : int
        How many there were.
    """

    loss: float
    accuracy: float | None
    interval: tuple[float, float] | None
    confidence: float
    samples: int

    def verify(self, network: Network, X: object, y: object) -> tuple[Certificate, ...]:
        """Recompute loss and accuracy with the NumPy interpreter in float64.

        Parameters
        ----------
        network, X, y
            As they were given to `evaluate`.

        Raises
        ------
        CertificateError
            When they are not what was said.
        """
        return Result.verify(self, network, X, y)

    def _recompute(self, network: Network, X: object, y: object) -> tuple[Certificate, ...]:
        data = objective_of(network, X, y)
        found = double_loss(network, data, network.parameters, network.running)
        return _certificates(network, self, *found)


def evaluate(
    network: Network,
    X: object,
    y: object,
    *,
    confidence: float = 0.95,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> Evaluation:
    """Return mean loss and accuracy of a network, with limits for the accuracy.

    The limits are those of Clopper and Pearson: with r of n samples right, the accuracies p for
    which neither P(at least r right) nor P(at most r right) is below (1 - confidence) / 2. They
    hold for samples that were never looked at before, the test set of `three_way_split`. They do
    not for a validation set by which one of many networks was chosen.

    Parameters
    ----------
    network : Network
        Is not changed.
    X, y : array_like
        Samples (n, ...) and targets, as `train` takes them.
    confidence : float
        Above 0 and below 1.
    threads, backend
        As everywhere.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    Source: Clopper, Pearson, Biometrika 26 (1934) 404.

    Examples
    --------
    >>> from minimand import nn
    >>> network = nn.Network(nn.Linear(1, 2, init=[[-1.0, 1.0]]), nn.CrossEntropy(), 1)
    >>> found = nn.evaluate(network, [[-2.0], [-1.0], [1.0], [2.0]], [0, 0, 1, 0])
    >>> found.accuracy
    0.75
    >>> [round(limit, 3) for limit in found.interval]
    [0.194, 0.994]
    """
    # Check and convert
    start = time.perf_counter()
    if not isinstance(network, Network):
        raise wrong_type("network", network, "a Network")
    share = check_confidence(confidence)
    compiled, workers = kernels("neural_network", backend), resolve_threads(threads)
    data = objective_of(network, X, y)
    check_parameters(network)

    # Drive
    value = data.evaluate(network.parameters, network.running, compiled, workers)
    n = len(data.samples)
    has_classes = bool(data.targets.classes.size)

    # Certify and return
    result = Evaluation(
        status=Status.COMPLETED,
        iterations=0,
        history=(),
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=(),
        loss=value.loss,
        accuracy=value.accuracy if has_classes else None,
        interval=clopper_pearson(round(value.accuracy * n), n, share) if has_classes else None,
        confidence=share,
        samples=n,
    )
    some = first_samples(data)
    said = some.evaluate(network.parameters, network.running, compiled, workers)
    found = double_loss(network, some, network.parameters, network.running)
    trial = replace(result, loss=said.loss, accuracy=said.accuracy if has_classes else None)
    return replace(result, certificates=_certificates(network, trial, *found))


def check_confidence(value: object) -> float:
    """Return a probability above 0 and below 1."""
    number = positive_float("confidence", value)
    if number >= 1.0:
        raise ValueError(f"confidence is {number}, expected a number above 0 and below 1")
    return number


def clopper_pearson(right: int, samples: int, confidence: float) -> tuple[float, float]:
    """Return exact limits for the probability of which `right` of `samples` were seen."""
    import scipy

    tail = 0.5 * (1.0 - confidence)
    quantile = scipy.special.betaincinv
    low = 0.0 if right == 0 else float(quantile(right, samples - right + 1, tail))
    high = 1.0 if right == samples else float(quantile(right + 1, samples - right, 1.0 - tail))
    return low, high


def objective_of(
    network: Network, X: object, y: object, names: tuple[str, str] = ("X", "y")
) -> Objective:
    """Return the mean loss on samples and targets, checked."""
    dtype = np.dtype(network.dtype).type
    samples = as_samples(names[0], X, network.program, dtype)
    targets = as_targets(names[1], y, network.loss, network.program, dtype, len(samples), names[0])
    return Objective(network.program, network.dtype, samples, targets, np.empty(0), 0.0, 0.0)


def first_samples(data: Objective, count: int = _SAMPLE) -> Objective:
    """Return the same mean over the first samples."""
    rows = np.arange(min(len(data.samples), count))
    return Objective(
        data.program, data.dtype, data.samples[rows], data.targets.take(rows), np.empty(0), 0.0, 0.0
    )


def double_loss(
    network: Network, data: Objective, theta: Array, running: Array
) -> tuple[float, float]:
    """Return loss and accuracy by the NumPy interpreter in float64."""
    wide = in_double(network, data)
    with np.errstate(all="ignore"):
        value = wide.evaluate(
            theta.astype(np.float64), running.astype(np.float64),
            kernels("neural_network", "numpy"), 1,
        )  # fmt: skip
    return value.loss, value.accuracy


def tolerance(network: Network) -> float:
    """Return how far two interpreters may differ, relative to 1 + loss."""
    return 1e-11 if network.dtype == "float64" else 1e-5


def _certificates(
    network: Network, said: Evaluation, loss: float, accuracy: float
) -> tuple[Certificate, ...]:
    bound = tolerance(network)
    apart = abs(loss - said.loss) / (1.0 + abs(said.loss))
    first = Certificate(
        "loss", apart, bound, "difference of the two interpreters, relative to 1 + loss", bound
    )
    if said.accuracy is None or said.interval is None:
        return (first,)
    allowed = 1e-3 + 1.0 / said.samples  # ties of two classes within rounding
    second = Certificate(
        "accuracy", abs(accuracy - said.accuracy), allowed,
        "difference of the two interpreters; nearly equal outputs may fall to either side", allowed,
    )  # fmt: skip
    return first, second
