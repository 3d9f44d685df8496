"""What the tests of the in-painting kernels share: small instances, and oracles made of loops."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

EPS = float(np.finfo(np.float64).eps)
RATIO = 30.0  # LAPACK's threshold for errors in units of the rounding error


def random_known(m: int, n: int, unknown: float, seed: int = 0) -> np.ndarray:
    """A mask where each pixel is unknown with that probability."""
    return np.random.default_rng([m, n, seed]).random((m, n)) >= unknown


def drawn(*rows: str) -> np.ndarray:
    """A mask from a drawing: "?" is unknown."""
    return np.array([[mark != "?" for mark in row] for row in rows])


def random_image(m: int, n: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Stacked planes of smooth shapes, edges and some noise, in a range of (1/2, 1]."""
    rng = np.random.default_rng([m, n, channels, seed])
    i, j = np.mgrid[0:m, 0:n]
    planes = [
        0.3 * np.sin(0.2 * i + c) + 0.4 * ((i + 2 * j + 3 * c) % 13 < 6) + 0.2 * rng.random((m, n))
        for c in range(channels)
    ]
    stacked = np.vstack(planes)
    return 0.9 * (stacked - stacked.min()) / np.ptp(stacked)


@cache
def terms_of(m: int, n: int) -> list[list[tuple[int, int]]]:
    """The pixels (i,j), (i+1,j), (i,j+1) of every term."""
    return [[(i, j), (i + 1, j), (i, j + 1)] for i in range(m - 1) for j in range(n - 1)]


def label_by_loops(known: np.ndarray) -> np.ndarray:
    """Unknown pixels of one term get one label, over and over; labels 1..k by first pixels."""
    m, n = known.shape
    parent = {(i, j): (i, j) for i in range(m) for j in range(n) if not known[i, j]}

    def root(pixel: tuple[int, int]) -> tuple[int, int]:
        while parent[pixel] != pixel:
            pixel = parent[pixel]
        return pixel

    for pixels in terms_of(m, n):
        roots = [root(pixel) for pixel in pixels if not known[pixel]]
        for other in roots:
            parent[other] = min(roots)  # the first pixel is the root
    labels = np.zeros((m, n), dtype=np.int32)
    number = {pixel: c for c, pixel in enumerate(sorted({root(pixel) for pixel in parent}), 1)}
    for pixel in parent:
        labels[pixel] = number[root(pixel)]
    return labels


def boxes_by_loops(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Range of the known pixels in the terms of each component; image (channels, m, n)."""
    k = int(labels.max(initial=0))
    low, high = np.full((k, len(image)), np.inf), np.full((k, len(image)), -np.inf)
    for pixels in terms_of(*labels.shape):
        inside = {int(labels[pixel]) for pixel in pixels} - {0}
        assert len(inside) <= 1
        for c in inside:
            for i, j in pixels:
                if labels[i, j] == 0:
                    low[c - 1] = np.minimum(low[c - 1], image[:, i, j])
                    high[c - 1] = np.maximum(high[c - 1], image[:, i, j])
    return low, high


@cache
def difference_matrix(m: int, n: int) -> sparse.csr_array:
    """D of one channel: two rows for each term, the vertical difference and the horizontal one."""
    rows, columns, signs = [], [], []
    for e, ((i, j), below, right) in enumerate(terms_of(m, n)):
        for a, end in enumerate((below, right)):
            rows += [2 * e + a, 2 * e + a]
            columns += [end[0] * n + end[1], i * n + j]
            signs += [1.0, -1.0]
    return sparse.csr_array((signs, (rows, columns)), shape=(2 * (m - 1) * (n - 1), m * n))


def split(stacked: np.ndarray, channels: int) -> np.ndarray:
    """(channels, m, n) of a stacked image."""
    return stacked.reshape(channels, -1, stacked.shape[1])


def as_rows(dual: np.ndarray, channels: int) -> np.ndarray:
    """(channels, 2 E) of a stacked dual field, in the order of `difference_matrix`."""
    terms = dual.reshape(channels, 2, -1)
    return terms.transpose(0, 2, 1).reshape(channels, -1)


def term_norms(rows: np.ndarray) -> np.ndarray:
    """|p_e| over both components of all channels, from (channels, 2 E)."""
    return np.sqrt((rows.reshape(len(rows), -1, 2) ** 2).sum(axis=(0, 2)))


def random_dual(m: int, n: int, channels: int = 1, size: float = 0.6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([m, n, channels, seed, 1])
    return size * rng.standard_normal((channels * 2 * (m - 1), n - 1))


class Plan(NamedTuple):
    """What `plan_elimination` returns."""

    order: np.ndarray
    fronts: np.ndarray
    boundary: np.ndarray
    term_table: np.ndarray
    component_front: np.ndarray

    @property
    def components(self) -> int:
        return len(self.component_front) - 1

    def own(self, front: int) -> np.ndarray:
        """Positions that a front owns."""
        return np.arange(self.fronts[front, 0], self.fronts[front + 1, 0])

    def later(self, front: int) -> np.ndarray:
        """Rows of `boundary` of a front."""
        return self.boundary[self.fronts[front, 1] : self.fronts[front + 1, 1]]

    def positions(self, front: int) -> np.ndarray:
        """Positions of all rows of a front."""
        return np.concatenate([self.own(front), self.later(front)[:, 0]])

    def terms(self, front: int) -> np.ndarray:
        """Rows of `term_table` of a front."""
        return self.term_table[self.fronts[front, 2] : self.fronts[front + 1, 2]]

    def pixels_of_component(self, c: int) -> np.ndarray:
        begin, end = self.fronts[self.component_front[[c, c + 1]], 0]
        return np.sort(self.order[begin:end])


class Parts(NamedTuple):
    """First arguments of `plan_elimination`."""

    pixels: np.ndarray
    pixel_begin: np.ndarray
    terms: np.ndarray
    rows: int
    columns: int


def solvable_parts(labels: np.ndarray) -> Parts:
    """Pixels and terms of the components that share a term with a known pixel."""
    m, n = labels.shape
    corners = np.stack([labels[:-1, :-1], labels[1:, :-1], labels[:-1, 1:]])
    component = corners.max(axis=0)
    anchors = (np.arange(m - 1)[:, None] * n + np.arange(n - 1)).astype(np.int64)
    chosen = np.unique(component[(corners == 0).any(axis=0) & (component > 0)])
    pixels = [np.flatnonzero(labels.ravel() == c).astype(np.int64) for c in chosen]
    terms = [anchors[component == c] for c in chosen]

    def joined(parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        sizes = np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)
        return np.concatenate([np.empty(0, np.int64), *parts]), sizes

    return Parts(*joined(pixels), joined(terms)[0], m, n)


@dataclass
class Instance:
    """An image with unknown pixels, and all that the solvers start from, made without a kernel."""

    known: np.ndarray
    channels: int
    labels: np.ndarray
    image: np.ndarray
    low: np.ndarray
    high: np.ndarray
    dual: np.ndarray
    parts: Parts

    def plan(self, kernel: Any, leaf: int = 16) -> Plan:
        return Plan(*kernel.plan_elimination(*self.parts, leaf))

    def arguments(self, plan: Plan) -> dict[str, Any]:
        """Arguments that both Newton kernels take, on copies of what they write."""
        return {
            "image": self.image.copy(),
            "low": self.low,
            "high": self.high,
            "delta": np.zeros_like(self.image),
            "channels": self.channels,
            **plan._asdict(),
            "first": 0,
            "last": plan.components,
        }


def instance(stacked: np.ndarray, known: np.ndarray, channels: int = 1) -> Instance:
    """Iterate in the middle of the boxes; components without known neighbours get the mean."""
    f = split(np.where(np.tile(known, (channels, 1)), stacked, np.nan), channels)
    labels = label_by_loops(known)
    box_low, box_high = boxes_by_loops(f, labels)
    alone = np.isinf(box_low[:, 0])
    box_low[alone] = box_high[alone] = f[:, known].mean(axis=1)
    low, high = f.copy(), f.copy()
    low[:, ~known] = box_low[labels[~known] - 1].T
    high[:, ~known] = box_high[labels[~known] - 1].T
    image = np.where(known, f, 0.5 * (low + high))

    n = known.shape[1]
    g = np.stack([f[:, 1:, :-1] - f[:, :-1, :-1], f[:, :-1, 1:] - f[:, :-1, :-1]], axis=1)
    size = np.sqrt((g**2).sum(axis=(0, 1)))
    constant = known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:] & (size > 0.0)
    dual = np.where(constant, g / np.where(constant, size, 1.0), 0.0)
    return Instance(
        known,
        channels,
        labels,
        image.reshape(-1, n),
        low.reshape(-1, n),
        high.reshape(-1, n),
        dual.reshape(-1, n - 1),
        solvable_parts(labels),
    )


def random_instance(
    m: int, n: int, unknown: float, channels: int = 1, seed: int = 0, levels: int | None = None
) -> Instance:
    """A random mask, but for the first pixel, on `random_image`, rounded to so many levels."""
    image = random_image(m, n, channels, seed)
    if levels:
        image = np.round(image * levels) / levels
    known = random_known(m, n, unknown, seed)
    known[0, 0] = True
    return instance(image, known, channels)


def bounds_of(
    kernel: Any, inst: Instance, image: np.ndarray, dual: np.ndarray
) -> tuple[float, float]:
    """Objective and lower bound, without the guard for rounding."""
    sums = np.empty(5)
    kernel.evaluate_bounds(image, dual, inst.low, inst.high, inst.channels, sums, 1)
    return float(sums[0]), float((sums[1] - sums[2]) / max(1.0, sums[4]))


class Newton:
    """The state of Newton's method on all components of an instance."""

    def __init__(
        self,
        kernel: Any,
        inst: Instance,
        *,
        leaf: int = 16,
        target: float = 0.0,
        threads: int = 1,
        start: bool = True,
    ) -> None:
        self.kernel, self.inst, self.threads = kernel, inst, threads
        self.plan = inst.plan(kernel, leaf)
        size = kernel.newton_work_size(
            self.plan.fronts, self.plan.component_front, inst.channels, threads
        )
        self.common = {**inst.arguments(self.plan), "work": np.empty(size), "threads": threads}
        self.image: np.ndarray = self.common["image"]
        if start:
            kernel.newton_start(**self.common)
        k = self.plan.components
        self.dual = inst.dual.copy()
        self.best_image, self.best_dual = self.image.copy(), self.dual.copy()
        self.state = np.tile([0.1, np.inf, -np.inf, 0.0, 0.0], (k, 1))
        self.target = np.full(k, target)

    def steps(self, iterations: int, first: int = 0, last: int | None = None) -> None:
        where = {"first": first, "last": self.plan.components if last is None else last}
        self.kernel.newton_steps(
            **(self.common | where),
            dual=self.dual,
            best_image=self.best_image,
            best_dual=self.best_dual,
            state=self.state,
            target=self.target,
            max_iterations=iterations,
        )

    def bounds(self) -> tuple[float, float]:
        return bounds_of(self.kernel, self.inst, self.best_image, self.best_dual)

    def arrays(self) -> list[np.ndarray]:
        return [self.image, self.dual, self.best_image, self.best_dual, self.state]
