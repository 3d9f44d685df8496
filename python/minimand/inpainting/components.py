"""Which unknown pixels hang together: each connected component is a problem of its own."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.inpainting.arguments import Mask

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The connected components of the unknown pixels over the terms that tie them.

    Attributes
    ----------
    labels : ndarray of int32 (m, n)
        0 where known, else the number of the component, from 1.
    sizes : ndarray of int (k,)
        Pixels of each.
    """

    labels: NDArray[np.int32]
    sizes: Indices

    @classmethod
    def of(cls, known: Mask, kernels: ModuleType, threads: int) -> Components:
        """Find the components of a mask."""
        labels = np.empty(known.shape, dtype=np.int32)
        count = kernels.label_components(known, labels, threads)
        sizes = np.bincount(labels.reshape(-1), minlength=count + 1)[1:]
        return cls(labels, sizes.astype(np.int64))

    @property
    def count(self) -> int:
        """How many there are."""
        return self.sizes.size

    def boxes(
        self, planes: Floats, mean: Floats, kernels: ModuleType, threads: int
    ) -> tuple[Floats, Floats]:
        """Return the least and the greatest known value (k, d) that bear on each component.

        One that no known pixel bears on can be any constant; it gets the mean of the known pixels.
        """
        channels = mean.size
        low, high = np.empty((2, self.count, channels))
        kernels.component_boxes(planes, self.labels, channels, low, high, threads)
        free = low > high
        low[free] = high[free] = np.broadcast_to(mean, low.shape)[free]
        return low, high

    def members(self, chosen: Indices) -> tuple[Indices, Indices, Indices, Indices]:
        """Return pixels and terms of the components `chosen`, as `plan_elimination` takes them."""
        labels = self.labels
        place = np.zeros(self.count + 1, dtype=np.int64)  # among the chosen, from 1
        place[chosen] = np.arange(1, chosen.size + 1)
        # All unknown pixels of a term are in one component.
        term_labels = np.maximum(np.maximum(labels[:-1, :-1], labels[1:, :-1]), labels[:-1, 1:])
        pixels = _grouped(place, labels, labels.shape[1])
        terms = _grouped(place, term_labels, labels.shape[1])
        return (*pixels, *terms)


def _grouped(place: Indices, labels: NDArray[np.int32], columns: int) -> tuple[Indices, Indices]:
    """Return flat indices group by group, and where each group begins."""
    rows, at = np.nonzero(labels)
    group = place[labels[rows, at]]
    wanted = group > 0
    flat, group = (rows * columns + at)[wanted], group[wanted]
    order = np.argsort(group, kind="stable")
    begin = np.concatenate(([0], np.cumsum(np.bincount(group, minlength=place.max() + 1)[1:])))
    return flat[order], begin.astype(np.int64)
