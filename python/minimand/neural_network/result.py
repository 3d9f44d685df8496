"""What `train` returns, what it tells a callback on the way, and what it needs to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.result import Certificate, Result
from minimand.neural_network.diagnostics import Diagnostics
from minimand.neural_network.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingProgress:
    """Where a run is; a callback gets it after each epoch.

    Attributes
    ----------
    epoch, iterations : int
        Epochs and updates done.
    seconds : float
        Since the start.
    record : mapping
        This epoch's entry of the history: loss, accuracy, validation_loss, rate, ...
    network : Network
        With the parameters as they are now.
    """

    epoch: int
    iterations: int
    seconds: float
    record: Mapping[str, float]
    network: Network


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TrainingState:
    """All that a later run needs to continue as if there had been no break; it pickles.

    Attributes
    ----------
    theta, running, moments : ndarray
        Parameters (the last, not the best), averages of batch norms, moments of the optimiser.
    step, epoch, position : int
        Updates and whole epochs done, and updates of the epoch that is under way.
    key : ndarray (2,)
        Of the random streams.
    sums : ndarray (3,)
        Of the losses in the epoch that is under way.
    best : tuple or None
        Validation loss, epoch, parameters and averages of the best epoch so far.
    """

    theta: Array
    running: Array
    moments: Array
    step: int
    epoch: int
    position: int
    key: NDArray[np.uint64]
    sums: NDArray[np.float64]
    best: tuple[float, int, Array, Array] | None

    def __repr__(self) -> str:
        return f"TrainingState(after {self.step} updates, {self.epoch} epochs)"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """What `verify` needs to know of the run."""

    l2: float
    l1: float
    fraction: float | None
    class_weight: Any
    key: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TrainingResult(Result):
    """A trained network. `iterations` counts updates, `history` has a record for each epoch.

    Attributes
    ----------
    network : Network
        The network that was given, with the parameters that the run ended with.
    parameters, running : ndarray
        Copies of them: the best ones with a validation set, else the last.
    loss, objective : float
        The mean loss of the training samples with these parameters, and with penalties.
    gradient_norm : float
        The norm of the objective's gradient (with l1: of its least subgradient).
    accuracy : float or None
        The share of training samples predicted right, where the targets are classes.
    validation_loss : float or None
        With these parameters.
    epochs : int
        Epochs done, those before a resumption included.
    best_epoch : int or None
        The one with the least validation loss.
    diagnostics : Diagnostics
        Gradients by layer, dead and saturated units, speed.
    notes : tuple of str
        What was done otherwise than asked for.
    options : TrainingOptions
        What `verify` needs to know.
    state : TrainingState
        For ``train(..., resume=result)``.
    """

    network: Network
    parameters: Array
    running: Array
    loss: float
    objective: float
    gradient_norm: float
    accuracy: float | None
    validation_loss: float | None
    epochs: int
    best_epoch: int | None
    diagnostics: Diagnostics
    notes: tuple[str, ...] = field(default=())
    options: TrainingOptions
    state: TrainingState

    def verify(self, X: object, y: object, sample_weight: object = None) -> tuple[Certificate, ...]:
        """Recompute every certificate from the data, with the NumPy interpreter in float64.

        Parameters
        ----------
        X, y, sample_weight
            As they were given to `train`.

        Raises
        ------
        CertificateError
            When objective or gradient norm are not those of `parameters`.
        """
        return Result.verify(self, X, y, sample_weight)

    def duality_gap(self, X: object, y: object, sample_weight: object = None) -> float:
        """Return a proven bound on how far `objective` is above its least value.

        For a single `Linear` with `SquaredError` of one output, `CrossEntropy`, or
        `BinaryCrossEntropy` of one logit, where the problem is convex: by the dual points of
        `minimand.sgd`. Without penalties only `SquaredError` has a finite one.

        Parameters
        ----------
        X, y, sample_weight
            As they were given to `train`.

        Raises
        ------
        ValueError
            When the network is another one.
        """
        from minimand.neural_network.verification import duality_gap

        return duality_gap(self, X, y, sample_weight)

    def _recompute(
        self, X: object, y: object, sample_weight: object = None
    ) -> tuple[Certificate, ...]:
        from minimand.neural_network.verification import recompute

        return recompute(self, X, y, sample_weight)


def certificates(dtype: str, objective: float, gradient: float) -> tuple[Certificate, ...]:
    """Return the certificates of a training run from their two relative differences."""
    small, large = (1e-11, 1e-9) if dtype == "float64" else (1e-5, 1e-4)
    return (
        Certificate(
            "objective",
            objective,
            small,
            "difference of the two interpreters, relative to 1 + objective",
            small,
        ),
        Certificate(
            "gradient norm",
            gradient,
            large,
            "difference of the two interpreters, relative to 1 + norm",
            large,
        ),
    )
