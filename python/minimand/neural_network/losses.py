"""The losses. Each is a mean over the samples, with sample weights scaled to mean 1."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loss:
    """Base of all losses."""


@dataclass(frozen=True, slots=True)
class SquaredError(Loss):
    """Half the squared distance ||f(x) - y||^2 / 2 of output and target (n, k)."""


@dataclass(frozen=True, slots=True)
class CrossEntropy(Loss):
    """log sum_k e^z_k - z_y of logits z (n, K) and labels y = 0..K-1.

    The network ends with the logits: no `Softmax`.
    """


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy(Loss):
    """sum_k log(1 + e^z_k) - y_k z_k of logits z (n, k) and targets y of 0 and 1.

    The network ends with the logits: no `Sigmoid`.
    """


@dataclass(frozen=True, slots=True)
class CategoricalCrossEntropy(Loss):
    """-sum_k [y_k log h_k + (1 - y_k) log(1 - h_k)] of probabilities h and targets y (n, K).

    The network ends with `Softmax` or `Sigmoid`, which this loss works together with, so that
    neither a saturated output nor a rounded logarithm spoils its value or its gradient. Targets
    are labels 0..K-1 or rows of numbers from 0 to 1.
    """


BY_NAME: dict[str, type[Loss]] = {
    kind.__name__: kind
    for kind in (SquaredError, CrossEntropy, BinaryCrossEntropy, CategoricalCrossEntropy)
}
