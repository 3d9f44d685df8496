"""The validation set: a fraction of the samples, of each class alike."""

from __future__ import annotations

import numpy as np

from minimand._common.random import Key, permutation
from minimand.neural_network.data import Targets
from minimand.neural_network.program import Indices
from minimand.neural_network.streams import VALIDATION, stream


def training_rows(
    samples: int, targets: Targets, fraction: float | None, key: Key, *, backend: str = "cpp"
) -> tuple[Indices | None, Indices | None]:
    """Return the rows to train on and those to validate on, both in order; None without a fraction.

    Each class gives round(fraction * its size) of its samples, one at least of all together.
    """
    if fraction is None:
        return None, None
    order = permutation(stream(key, VALIDATION), 0, samples, backend=backend)
    chosen = np.zeros(samples, dtype=np.bool_)
    if targets.classes.size:
        for label in np.unique(targets.classes):
            own = order[targets.classes[order] == label]
            chosen[own[: round(fraction * len(own))]] = True
    else:
        chosen[order[: round(fraction * samples)]] = True
    if not chosen.any():
        chosen[order[0]] = True
    if chosen.all():
        raise ValueError(
            f"validation is {fraction}, which leaves none of the {samples} samples to train on"
        )
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
