"""What a search over networks found, and how it is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import freeze
from minimand._common.result import Certificate, Result, Status
from minimand.neural_network.evaluation import double_loss, first_samples, objective_of, tolerance
from minimand.neural_network.folds import Pair, pairs_again
from minimand.neural_network.network import Network
from minimand.neural_network.program import Indices
from minimand.neural_network.result import TrainingResult

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One combination of options, and what came of it.

    Attributes
    ----------
    number : int
        In the order of the search.
    options : mapping
        What was tried.
    loss : float
        The mean over the folds of the validation loss, infinite if a run had none.
    accuracy : float or None
        The mean share of validation samples predicted right.
    losses, accuracies : tuple of float
        By fold.
    epochs : tuple of int
        The best epoch of each fold.
    status : tuple of Status
        How each run ended.
    parameters, running : tuple of ndarray
        Of the networks, by fold.
    network : Network
        Modules and loss; its parameters are those of the first fold.
    """

    number: int
    options: Mapping[str, Any]
    loss: float
    accuracy: float | None
    losses: tuple[float, ...]
    accuracies: tuple[float, ...]
    epochs: tuple[int, ...]
    status: tuple[Status, ...]
    parameters: tuple[Array, ...]
    running: tuple[Array, ...]
    network: Network = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("parameters", "running"):
            object.__setattr__(self, name, tuple(freeze(a) for a in getattr(self, name)))

    def badness(self, criterion: str) -> float:
        """Return what the search makes small."""
        if criterion == "loss" or self.accuracy is None:
            return self.loss
        return 1.0 - self.accuracy

    def __repr__(self) -> str:
        words = ", ".join(f"{name}={value}" for name, value in self.options.items())
        share = "" if self.accuracy is None else f", accuracy {self.accuracy:.4g}"
        return f"Trial({self.number}: {words}: loss {self.loss:.6g}{share})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SearchResult(Result):
    """The best of many networks. `iterations` counts training runs.

    Attributes
    ----------
    best_options : mapping
        Those of the best trial.
    best : int
        Its number.
    validation_loss, validation_accuracy : float
        What it had on the validation set. As the best of many they flatter: what to expect is what
        `evaluate` says of `network` on a test set.
    criterion : str
        "loss" or "error": by what was chosen.
    network : Network
        The best trial's; with folds, trained anew on all samples for as many epochs as were best
        there.
    trials : tuple of Trial
        All, in the order of the search; `ranking` has the best first.
    refit : TrainingResult or None
        The training of `network` on all samples, with folds.
    parameters, running : ndarray
        Copies of those of `network`.
    rows : tuple of ndarray
        The validation rows, by fold; none with a validation set of its own.
    """

    best_options: Mapping[str, Any]
    best: int
    validation_loss: float
    validation_accuracy: float | None
    criterion: str
    network: Network
    trials: tuple[Trial, ...]
    refit: TrainingResult | None
    parameters: Array
    running: Array
    rows: tuple[Indices, ...]

    @property
    def ranking(self) -> tuple[Trial, ...]:
        """The trials, the best first."""
        return tuple(sorted(self.trials, key=lambda trial: trial.badness(self.criterion)))

    def verify(self, X: object, y: object, validation: object = None) -> tuple[Certificate, ...]:
        """Recompute the validation loss of every trial with the NumPy interpreter, and the choice.

        Parameters
        ----------
        X, y
            As they were given to the search.
        validation
            The pair (X, y), where the search had one.

        Raises
        ------
        CertificateError
            When a loss is not that of the parameters, or the best trial is not the best.
        """
        return Result.verify(self, X, y, validation)

    def _recompute(
        self, X: object, y: object, validation: object = None
    ) -> tuple[Certificate, ...]:
        pairs = pairs_again(X, y, validation, self.rows)
        apart = max(apart_on(trial, pairs) for trial in self.trials)
        if self.refit is not None:
            self.refit.verify(X, y)
        return certificates(self, apart)


def apart_on(trial: Trial, pairs: list[Pair], *, some: bool = False) -> float:
    """Return by how much the interpreters differ on the losses of a trial, relatively.

    With `some`, on the first samples only; then both interpreters compute.
    """
    from minimand._common.backend import kernels

    worst = 0.0
    for (X, y), said, theta, running in zip(
        pairs, trial.losses, trial.parameters, trial.running, strict=True
    ):
        if not math.isfinite(said):
            continue
        data = objective_of(trial.network, X, y)
        if some:
            data = first_samples(data)
            said = data.evaluate(theta, running, kernels("neural_network", "cpp"), 1).loss
        found = double_loss(trial.network, data, theta, running)[0]
        worst = max(worst, abs(found - said) / (1.0 + abs(said)))
    return worst


def certificates(result: SearchResult, apart: float) -> tuple[Certificate, ...]:
    """Return the certificates of a search from the difference of the interpreters."""
    bound = max(tolerance(trial.network) for trial in result.trials)
    chosen = result.trials[result.best]
    excess = chosen.badness(result.criterion) - min(
        trial.badness(result.criterion) for trial in result.trials
    )
    copies = [(result.validation_loss, chosen.loss)]
    copies += [(t.loss, float(np.mean(t.losses))) for t in result.trials]
    pairs = [(result.parameters, result.network.parameters)]
    if result.refit is None:
        pairs += [
            (result.parameters, chosen.parameters[0]), (result.running, chosen.running[0])
        ]  # fmt: skip
    same = all(a == b for a, b in copies) and all(np.array_equal(a, b) for a, b in pairs)
    return (
        Certificate(
            "validation losses", apart, bound,
            "largest difference of the two interpreters over all trials, relative to 1 + loss",
            bound,
        ),
        Certificate(
            "choice", 0.0 if excess == 0.0 and same else math.inf, 0.0,
            "excess of the chosen trial over the best one",
        ),
    )  # fmt: skip
