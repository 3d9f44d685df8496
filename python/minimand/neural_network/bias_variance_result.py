"""The result of `bias_variance`, and how it is checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.random import Key, below
from minimand._common.result import Certificate, Result
from minimand.neural_network.decomposition import Parts, decompose
from minimand.neural_network.evaluation import double_loss, objective_of, tolerance
from minimand.neural_network.full_batch import Objective
from minimand.neural_network.network import Network
from minimand.neural_network.program import Indices
from minimand.neural_network.streams import BOOTSTRAP, stream
from minimand.neural_network.verification import in_double

Array = NDArray[Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class BiasVariance(Result):
    """The mean test loss in two parts: loss = bias + variance. `iterations` counts fits.

    Attributes
    ----------
    loss : float
        The mean loss of the fits on the test samples.
    bias : float
        The loss of their mean prediction: what no luck with the samples mends. The noise of the
        test targets is in it.
    variance : float
        How far the fits are from their mean prediction.
    training_loss : float
        The mean loss of each fit on its own samples.
    losses, training_losses : ndarray (R,)
        By fit.
    sample_bias, sample_variance : ndarray (n_test,)
        By test sample.
    mean : ndarray (n_test, k)
        The mean prediction: numbers for `SquaredError`, else probabilities.
    predictions : ndarray (R, n_test, k)
        The outputs of all fits.
    parameters, running : ndarray (R, P), (R, ...)
        Of the networks.
    network : Network
        What was fitted, as it was given.
    key : tuple of int
        Of the random streams.
    """

    loss: float
    bias: float
    variance: float
    training_loss: float
    losses: Floats
    training_losses: Floats
    sample_bias: Floats
    sample_variance: Floats
    mean: Floats
    predictions: Array
    parameters: Array
    running: Array
    network: Network
    key: tuple[int, int]

    def verify(
        self, X: object, y: object, X_test: object, y_test: object
    ) -> tuple[Certificate, ...]:
        """Recompute all predictions with the NumPy interpreter in float64, and the two parts.

        Parameters
        ----------
        X, y, X_test, y_test
            As they were given to `bias_variance`.

        Raises
        ------
        CertificateError
            When the parts do not add up, or are not those of the parameters.
        """
        return Result.verify(self, X, y, X_test, y_test)

    def _recompute(
        self, X: object, y: object, X_test: object, y_test: object
    ) -> tuple[Certificate, ...]:
        test = objective_of(self.network, X_test, y_test, ("X_test", "y_test"))
        wide = in_double(self.network, test)
        z = np.stack([_outputs(wide, t, s) for t, s in self._networks()])
        parts = decompose(self.network.loss, z, wide.targets)
        training = objective_of(self.network, X, y)
        key = np.array(self.key, dtype=np.uint64)
        own = [
            double_loss(
                self.network, taken(training, resampled(key, r, len(training.samples))), t, s
            )[0]
            for r, (t, s) in enumerate(self._networks())
        ]
        return certificates(self, z, parts, np.array(own))

    def _networks(self) -> list[tuple[Array, Array]]:
        return list(zip(self.parameters, self.running, strict=True))


def resampled(key: Key, resample: int, n: int) -> Indices:
    """Return n rows of n, drawn with replacement."""
    rows: Indices = below(stream(key, BOOTSTRAP), resample, n, 1, n)[0]
    return rows


def taken(data: Objective, rows: Indices) -> Objective:
    """Return the mean loss over these rows."""
    return replace(data, samples=data.samples[rows], targets=data.targets.take(rows))


def _outputs(wide: Objective, theta: Array, running: Array) -> Floats:
    """Return the outputs by the NumPy interpreter, layer for layer, in float64."""
    from minimand.reference.neural_network.network import Run

    p = wide.program
    run = Run(
        p.ops, p.reals, p.slots, theta.astype(np.float64), running.astype(np.float64), False,
        np.zeros(2, np.uint64), 0,
    )  # fmt: skip
    with np.errstate(all="ignore"):
        values = run.forward(wide.samples, len(p.ops))
    outputs: Floats = values[p.output_slot].reshape(len(wide.samples), -1)
    return outputs


def certificates(
    result: BiasVariance, z: Array, parts: Parts, training: Floats
) -> tuple[Certificate, ...]:
    """Return the certificates of a result from outputs, parts and training losses found anew."""
    bound = tolerance(result.network)
    pairs = (
        (result.predictions, z),
        (result.mean, parts.mean),
        (result.sample_bias, parts.bias),
        (result.sample_variance, parts.variance),
        (result.losses, parts.losses.mean(axis=1)),
        (result.training_losses, training),
        (result.training_loss, training.mean()),
        (result.loss, parts.losses.mean()),
        (result.bias, parts.bias.mean()),
        (result.variance, parts.variance.mean()),
    )
    apart = max(_apart(said, found) for said, found in pairs)
    rest = abs(result.loss - result.bias - result.variance) / (1.0 + abs(result.loss))
    return (
        Certificate(
            "identity", rest, 1e-13, "loss minus bias minus variance, relative to 1 + loss", 1e-13
        ),
        Certificate(
            "predictions", apart, 10.0 * bound,
            "largest difference of the two interpreters, relative to 1 + the largest entry",
            10.0 * bound,
        ),
    )  # fmt: skip


def _apart(said: Any, found: Any) -> float:
    largest = float(np.abs(found).max())
    difference = float(np.abs(np.asarray(said, dtype=np.float64) - found).max())
    return difference / (1.0 + largest) if math.isfinite(largest) else math.inf
