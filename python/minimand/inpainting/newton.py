"""Primal-dual Newton on the components of one field: the accurate method."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats
from minimand.inpainting.components import Indices
from minimand.inpainting.field import Field

LARGE = 5000  # pixels of a component that all threads work on together
LEAF = 24  # pixels of a set that is not cut further: fronts of about 50 rows
COLD, WARM = 0.1, 1e-3  # smoothing at the start, relative to the range of the values

_BATCH_WORK = 400_000  # pixels times iterations in one call, about 50 ms
_BATCH_MOST = 8  # iterations in one call
_MARGIN = 0.45  # of the tolerance for what a component has, and once more for its share of all


class Newton:
    """Iterates on all open components of a field until each has its share of the tolerance.

    `warm` starts from the best pair of the field, else from the harmonic fill and a dual field of
    zeros. The small components run side by side, each large one by all threads.
    """

    def __init__(self, field: Field, tol: float, *, warm: bool) -> None:
        self.field, self.tol = field, tol
        if warm:
            np.copyto(field.image, field.best_image)
            np.copyto(field.dual, field.best_dual)
        chosen = field.open_components()
        sizes = field.components.sizes[chosen - 1]
        order = np.argsort(-sizes, kind="stable")  # the longest first, so that threads end together
        chosen, sizes = chosen[order], sizes[order]
        groups = [chosen[k : k + 1] for k in np.flatnonzero(sizes > LARGE)]
        if (sizes <= LARGE).any():
            groups.append(chosen[sizes <= LARGE])
        delta = np.zeros_like(field.image)
        self._groups = [_Group(field, group, delta, warm=warm) for group in groups]

    def advance(self, limit: int) -> int:
        """Do at most `limit` iterations on the next group that is not done; return how many."""
        field = self.field
        for group in self._groups:
            if not group.done:
                count = group.advance(self.tol, limit)
                field.consider(field.best_image, field.best_dual)
                return count
        return 0

    @property
    def done(self) -> bool:
        """Whether every component has reached its target or the end of float64."""
        return all(group.done for group in self._groups)


class _Group:
    """Components that are worked on together: many small ones, or a large one."""

    def __init__(self, field: Field, chosen: Indices, delta: Floats, *, warm: bool) -> None:
        self.field, self._delta = field, delta
        kernels = field.kernels
        pixels, pixel_begin, terms, term_begin = field.components.members(chosen)
        self._plan = kernels.plan_elimination(
            pixels, pixel_begin, terms, field.rows, field.columns, LEAF
        )
        _, fronts, _, _, component_front = self._plan
        size = kernels.newton_work_size(fronts, component_front, field.channels, field.threads)
        self._work = np.empty(size)
        self._share = np.diff(term_begin) / field.sigma.size
        self._steps = min(_BATCH_MOST, max(1, _BATCH_WORK // pixels.size))
        self._state = np.zeros((chosen.size, 5))  # beta, upper, lower, iterations, stalled
        self._state[:, :3] = WARM if warm else COLD, np.inf, -np.inf
        self.done = False
        if not warm:
            kernels.newton_start(
                field.image,
                field.low,
                field.high,
                delta,
                field.channels,
                *self._plan,
                0,
                chosen.size,
                self._work,
                field.threads,
            )

    def advance(self, tol: float, limit: int) -> int:
        field, state = self.field, self._state
        before = state[:, 3].max()
        target = self._target(tol)
        field.kernels.newton_steps(
            field.image,
            field.dual,
            field.best_image,
            field.best_dual,
            field.low,
            field.high,
            self._delta,
            field.channels,
            *self._plan,
            0,
            len(state),
            state,
            target,
            min(self._steps, limit),
            self._work,
            field.threads,
        )
        stalled = state[:, 4] != 0
        self.done = bool(((state[:, 1] - state[:, 2] <= self._target(tol)) | stalled).all())
        if self.done:
            self._work = np.empty(0)
        return int(state[:, 3].max() - before)

    def _target(self, tol: float) -> Floats:
        """Return the gap that each component may keep, so that the sum keeps the promise.

        A half in proportion to its own objective, a half in proportion to its terms; the lower
        bound stands for the objective of all.
        """
        upper = np.where(np.isfinite(self._state[:, 1]), self._state[:, 1], 0.0)
        target: Floats = _MARGIN * tol * (upper + max(0.0, self.field.lower) * self._share)
        return target
