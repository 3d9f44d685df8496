"""Three parts of the data: one to fit with, one to choose with, one to judge by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import boolean, freeze, positive_float
from minimand._common.conversion import real_array
from minimand._common.random import as_key, permutation
from minimand.neural_network.program import Indices
from minimand.neural_network.streams import VALIDATION, stream

Array = NDArray[Any]
Pair = tuple[Array, Array]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ThreeWaySplit:
    """Samples and targets in three parts, each a pair (X, y).

    Attributes
    ----------
    training : (ndarray, ndarray)
        To fit parameters with.
    validation : (ndarray, ndarray)
        To choose networks, penalties and the end of training with.
    test : (ndarray, ndarray)
        To be looked at once, when all is chosen.
    rows : tuple of ndarray
        Which rows the three parts have, in order.
    """

    training: Pair
    validation: Pair
    test: Pair
    rows: tuple[Indices, Indices, Indices]

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{name} {len(rows)}"
            for name, rows in zip(("training", "validation", "test"), self.rows, strict=True)
        )
        return f"ThreeWaySplit({sizes})"


def three_way_split(
    X: object,
    y: object,
    *,
    validation: float = 0.2,
    test: float = 0.2,
    stratify: bool | None = None,
    rng: object = None,
) -> ThreeWaySplit:
    """Split samples at random into a training, a validation and a test set.

    A network is fitted to the first. Whatever is chosen - layers, rates, penalties, the epoch to
    stop at - is chosen by the second, whose loss is too small afterwards: it is the least of many.
    What the third says is true, as long as nothing was chosen by it.

    Parameters
    ----------
    X : array_like (n, ...)
        Samples.
    y : array_like (n,) or (n, k)
        Targets.
    validation, test : float
        Their shares of the samples; together below 1. Each part has a sample at least.
    stratify : bool, optional
        Whether each class of y is shared out alike, to one sample. Without a word, whether y is a
        vector of integers.
    rng : None, int, SeedSequence, BitGenerator or Generator
        For the choice.

    Returns
    -------
    ThreeWaySplit
        Pairs (X, y) that go into ``train(network, *split.training, validation=split.validation)``.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument.

    Notes
    -----
    Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning (2009), section 7.2.

    Examples
    --------
    >>> import numpy as np
    >>> from minimand import nn
    >>> X, y = np.arange(20.0).reshape(10, 2), [0, 1] * 5
    >>> split = nn.three_way_split(X, y, rng=0)
    >>> split
    ThreeWaySplit(training 6, validation 2, test 2)
    >>> sorted(split.test[1].tolist())
    [0, 1]
    """
    # Check
    samples, targets = real_array("X", X), real_array("y", y)
    for name, array in (("X", samples), ("y", targets)):
        if array.ndim == 0:
            raise ValueError(f"{name} has shape (), expected one row for each sample")
    if len(samples) != len(targets):
        raise ValueError(
            f"y has {len(targets)} rows but X has {len(samples)} rows; they must match"
        )
    n = len(samples)
    if n < 3:
        raise ValueError(f"X has {n} rows, expected at least 3: one for each part")
    shares = positive_float("validation", validation), positive_float("test", test)
    if sum(shares) >= 1.0:
        raise ValueError(
            f"validation is {shares[0]} and test is {shares[1]}, expected a sum below 1"
        )
    labelled = targets.ndim == 1 and targets.dtype.kind in "biu"
    by_class = labelled if stratify is None else boolean("stratify", stratify)
    if by_class and targets.ndim != 1:
        raise ValueError(f"stratify is True but y has shape {targets.shape}, expected labels (n,)")

    # Share out
    order = permutation(stream(as_key(rng), VALIDATION), 0, n)
    if by_class:  # class after class, each in the order that was drawn
        order = order[np.argsort(targets[order], kind="stable")]
    part = _dealt(n, shares)
    rows = [freeze(np.sort(order[part == k])) for k in range(3)]
    pairs = [(samples[r], targets[r]) for r in rows]
    return ThreeWaySplit(
        training=pairs[0], validation=pairs[1], test=pairs[2], rows=(rows[0], rows[1], rows[2])
    )


def _dealt(n: int, shares: tuple[float, float]) -> Indices:
    """Return 0, 1 or 2 for each place; 1 and 2 are spread evenly, so runs have their shares."""
    held = min(max(2, round(sum(shares) * n)), n - 1)
    judged = min(max(1, round(shares[1] * n)), held - 1)
    part = np.zeros(n, dtype=np.int64)
    chosen = _evenly(n, held)
    part[chosen] = 1
    part[chosen[_evenly(held, judged)]] = 2
    return part


def _evenly(places: int, count: int) -> Indices:
    """Return `count` of the places 0, ..., places - 1, as far apart as can be."""
    return (2 * np.arange(count, dtype=np.int64) + 1) * places // (2 * count)
