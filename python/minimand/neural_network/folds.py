"""The validation sets of a search: a fraction, a set of its own, or folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.conversion import real_array, wrong_type
from minimand._common.errors import missing_extra
from minimand._common.random import Key
from minimand.neural_network.data import Targets
from minimand.neural_network.evaluation import objective_of
from minimand.neural_network.network import Network
from minimand.neural_network.program import Indices
from minimand.neural_network.split import training_rows

Array = NDArray[Any]
Pair = tuple[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """What one network of a trial is trained on and judged by; `rows` are None for a pair."""

    training: Pair
    validation: Pair
    rows: Indices | None


def folds_of(
    network: Network, X: object, y: object, validation: object, key: Key, backend: str
) -> list[Fold]:
    """Return the folds, checked against the first network of the search."""
    targets = objective_of(network, X, y).targets
    samples, values = real_array("X", X), real_array("y", y)
    n = len(samples)
    if isinstance(validation, tuple) and len(validation) == 2:
        objective_of(network, *validation, names=("validation[0]", "validation[1]"))
        return [Fold((samples, values), validation, None)]
    return [
        Fold((samples[kept], values[kept]), (samples[held], values[held]), held)
        for kept, held in _rows(n, targets, validation, key, backend)
    ]


def _rows(
    n: int, targets: Targets, validation: object, key: Key, backend: str
) -> list[tuple[Indices, Indices]]:
    if hasattr(validation, "split"):
        return _checked(validation.split(np.zeros((n, 1)), _labels(targets)), n)
    if isinstance(validation, bool) or not isinstance(validation, (int, float, np.number)):
        expected = "a fraction, a number of folds, a pair (X, y) or a splitter of scikit-learn"
        raise wrong_type("validation", validation, expected)
    if isinstance(validation, (int, np.integer)):
        return _checked(_splitter(int(validation), n, targets, key).split(
            np.zeros((n, 1)), _labels(targets)
        ), n)  # fmt: skip
    share = float(validation)
    if not 0.0 < share < 1.0:
        raise ValueError(f"validation is {share}, expected a number above 0 and below 1")
    kept, held = training_rows(n, targets, share, key, backend=backend)
    assert kept is not None
    assert held is not None
    return [(kept, held)]


def _labels(targets: Targets) -> Indices | None:
    return targets.classes if targets.classes.size else None


def _splitter(folds: int, n: int, targets: Targets, key: Key) -> Any:
    """Return scikit-learn's splitter into folds, of each class alike where there are classes."""
    if not 2 <= folds <= n:
        raise ValueError(f"validation is {folds}, expected 2 to {n} folds, or a fraction below 1")
    try:
        from sklearn.model_selection import KFold, StratifiedKFold
    except ImportError:
        raise missing_extra("scikit-learn", "sklearn") from None
    state = int(key[1]) % 2**32
    labels = _labels(targets)
    if labels is None or np.bincount(labels)[np.unique(labels)].min() < folds:
        return KFold(folds, shuffle=True, random_state=state)
    return StratifiedKFold(folds, shuffle=True, random_state=state)


def _checked(pairs: Any, n: int) -> list[tuple[Indices, Indices]]:
    """Return the rows that a splitter gives, which may be anybody's."""
    found = [tuple(np.asarray(rows, dtype=np.int64) for rows in pair) for pair in pairs]
    if not found:
        raise ValueError("validation gives no folds, expected one at least")
    for number, pair in enumerate(found):
        for rows in pair:
            if rows.ndim != 1 or not rows.size or rows.min() < 0 or rows.max() >= n:
                raise ValueError(
                    f"validation gives rows that are not among 0, ..., {n - 1} in fold {number}"
                )
    return [(kept, held) for kept, held in found]


def pairs_again(X: object, y: object, validation: object, rows: Sequence[Indices]) -> list[Pair]:
    """Return the validation sets of a search from its data and the rows it kept."""
    if not rows:
        if not (isinstance(validation, tuple) and len(validation) == 2):
            raise wrong_type("validation", validation, "the pair (X, y) that the search had")
        return [validation]
    samples, values = real_array("X", X), real_array("y", y)
    last = max(int(r.max()) for r in rows)
    if min(len(samples), len(values)) <= last:
        raise ValueError(f"X has {len(samples)} rows, expected those of the search: over {last}")
    return [(samples[held], values[held]) for held in rows]
