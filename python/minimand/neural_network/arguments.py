"""The arguments of `train`: samples, weights, validation set, and what does not go together."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from minimand._common.conversion import wrong_type
from minimand._common.errors import SymmetryWarning
from minimand._common.result import Status
from minimand.neural_network.data import as_samples, as_targets, as_weights, mean_one
from minimand.neural_network.full_batch import Objective
from minimand.neural_network.network import Network
from minimand.neural_network.optimizers import Optimizer
from minimand.neural_network.program import CODE, Op
from minimand.neural_network.result import TrainingResult, TrainingState
from minimand.neural_network.split import training_rows


def state_of(resume: object) -> TrainingState | None:
    """Return the state in a result or a state."""
    if resume is None or isinstance(resume, TrainingState):
        return resume
    if isinstance(resume, TrainingResult):
        return resume.state
    raise wrong_type("resume", resume, "a TrainingResult, its state, or None")


def as_objectives(
    network: Network,
    X: object,
    y: object,
    validation: object,
    sample_weight: object,
    class_weight: object,
    l2: float,
    l1: float,
    key: Any,
) -> tuple[Objective, Objective | None, float | None]:
    """Return the training set, the validation set, and the fraction that made it."""
    program, dtype = network.program, np.dtype(network.dtype).type
    samples = as_samples("X", X, program, dtype)
    targets = as_targets("y", y, network.loss, program, dtype, len(samples), "X")
    weights = as_weights(sample_weight, class_weight, targets, len(samples))
    fraction: float | None = None
    held: Objective | None = None

    def objective(x: Any, t: Any, w: Any) -> Objective:
        return Objective(program, network.dtype, x, t, w, l2, l1)

    if isinstance(validation, tuple) and len(validation) == 2:
        x = as_samples("validation[0]", validation[0], program, dtype)
        t = as_targets(
            "validation[1]", validation[1], network.loss, program, dtype, len(x), "validation[0]"
        )
        held = objective(x, t, np.empty(0))
    elif validation is not None:
        if isinstance(validation, bool) or not isinstance(validation, (int, float)):
            raise wrong_type("validation", validation, "a fraction, a pair (X, y), or None")
        if not 0.0 < validation < 1.0:
            raise ValueError(f"validation is {validation}, expected a number above 0 and below 1")
        fraction = float(validation)
        kept, out = training_rows(len(samples), targets, fraction, key)
        assert kept is not None
        assert out is not None
        held = objective(samples[out], targets.take(out), np.empty(0))
        samples, targets = samples[kept], targets.take(kept)
        weights = weights[kept] if weights.size else weights
    return objective(samples, targets, mean_one(weights)), held, fraction


def check_batchnorm(network: Network, samples: int, batch: int) -> None:
    """Refuse batches of one sample for a batch norm."""
    if not (network.program.ops[:, CODE] == Op.BATCHNORM).any():
        return
    rest = samples % batch
    if batch == 1 or rest == 1:
        size = "batch_size is 1" if batch == 1 else f"the last batch of {samples} samples has 1"
        raise ValueError(
            f"{size} (batch_size {batch}), expected at least 2 samples in every batch: "
            "a batch norm has no variance otherwise"
        )


def warn_symmetry(network: Network) -> None:
    """Warn of hidden layers whose units all start equal."""
    weights = [s for s in network.segments if s.penalised]
    for segment in weights[:-1]:
        values = network.parameters[segment.begin : segment.end]
        if segment.end - segment.begin > 1 and (values == values[0]).all():
            warnings.warn(
                f"{segment.name} is constant: its units start equal and stay equal; "
                'use init="glorot" or "he_normal"',
                SymmetryWarning,
                stacklevel=3,
            )


def advice(status: Status, method: Optimizer) -> str:
    """Say what to do after a run that did not end as asked for."""
    if status is Status.DIVERGED:
        return (
            f"The loss is not finite any more; the network has the last parameters with a finite "
            f"loss, or the best ones. Lower the learning rate of {method}, or scale the data."
        )
    if status is Status.MAX_ITERATIONS:
        return "The validation loss might still fall: raise epochs."
    return "Raise time_limit." if status is Status.TIME_LIMIT else ""
