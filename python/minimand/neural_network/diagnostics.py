"""What goes wrong in a network and how fast it was trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand import _core
from minimand.neural_network.full_batch import norm
from minimand.neural_network.program import (
    ACTIVATION,
    CODE,
    INTS,
    OUT,
    PARAM,
    Activation,
    Op,
    Program,
)

Array = NDArray[Any]

_ROWS, _CONV_ROWS = 512, 64  # samples that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """A look at some hundred training samples, and the speed of the run.

    Attributes
    ----------
    gradient_norms : mapping
        Norm of the gradient of each array, by its name.
    gradient_ratio : float
        Root mean square of the first weights' gradient over that of the last ones': tiny where
        gradients vanish on their way back.
    dead_units : mapping
        By layer, the share of ReLU units that are 0 for all samples.
    saturated : mapping
        By layer, the share of |tanh| > 0.99 or of sigmoids outside 0.01..0.99.
    equal_units : mapping
        By layer, how many units have the weights of another one: they will stay equal.
    steps_per_second : float
        Updates, evaluation included.
    threads : int
        At most so many were used.
    level : str
        The instruction set of the kernels.
    seed : tuple of int
        The key of all random numbers.
    """

    gradient_norms: Mapping[str, float]
    gradient_ratio: float
    dead_units: Mapping[str, float]
    saturated: Mapping[str, float]
    equal_units: Mapping[str, int]
    steps_per_second: float
    threads: int
    level: str
    seed: tuple[int, int]


def diagnose(
    program: Program,
    theta: Array,
    running: Array,
    gradient: Array,
    samples: Array,
    *,
    steps_per_second: float,
    threads: int,
    seed: tuple[int, int],
) -> Diagnostics:
    """Return the diagnostics of parameters with their gradient."""
    from minimand.reference.neural_network.network import Run

    norms = {s.name: norm(gradient[s.begin : s.end]) for s in program.segments}
    weights = [s for s in program.segments if s.penalised]
    ratio = 1.0
    if len(weights) > 1:
        first, last = (norms[s.name] / (s.end - s.begin) ** 0.5 for s in (weights[0], weights[-1]))
        ratio = first / last if last > 0.0 else float("inf")
    has_images = bool((program.ops[:, CODE] == Op.CONV2D).any())
    some = samples[: _CONV_ROWS if has_images else _ROWS]
    run = Run(
        program.ops, program.reals, program.slots, theta, running, False, np.zeros(2, np.uint64), 0
    )
    with np.errstate(all="ignore"):
        values = run.forward(some, len(program.ops))
    dead: dict[str, float] = {}
    saturated: dict[str, float] = {}
    equal: dict[str, int] = {}
    names = {s.begin: s.name.rpartition(".")[0] or "module" for s in program.segments}
    for number, row in enumerate(program.ops):
        h = values[row[OUT]]
        name = names.get(int(row[PARAM]), f"operation {number}")
        kind = Activation(int(row[ACTIVATION]))
        if kind is Activation.RELU:
            units = h.reshape(len(h), -1)
            if row[CODE] == Op.CONV2D:  # a unit is a channel
                units = h.reshape(len(h), int(row[INTS + 3]), -1).max(axis=2)
            dead[name] = float((units <= 0).all(axis=0).mean())
        elif kind is Activation.TANH:
            saturated[name] = float((np.abs(h) > 0.99).mean())
        elif kind is Activation.SIGMOID:
            saturated[name] = float(((h < 0.01) | (h > 0.99)).mean())
        if row[CODE] == Op.LINEAR and row[INTS + 1] > 1:
            n, k = int(row[INTS]), int(row[INTS + 1])
            W = theta[row[PARAM] : row[PARAM] + n * k].reshape(n, k)
            copies = k - len(np.unique(W.T, axis=0))
            if copies:
                equal[name] = copies
    return Diagnostics(
        gradient_norms=norms,
        gradient_ratio=ratio,
        dead_units=dead,
        saturated=saturated,
        equal_units=equal,
        steps_per_second=steps_per_second,
        threads=threads,
        level=str(_core.build_info()["level"]),
        seed=seed,
    )
