"""Which search fits what is known."""

from __future__ import annotations

import math
from types import ModuleType
from typing import TypeAlias

import numpy as np

from minimand._common.arrays import Floats
from minimand.global_search.boxes import Boxes
from minimand.global_search.grid import Grid
from minimand.global_search.line import Line
from minimand.global_search.problem import Constants, grid_counts
from minimand.global_search.quadratic import Quadratic
from minimand.global_search.samples import Samples

Search: TypeAlias = Line | Boxes | Grid

METHODS = ("piyavskii", "branch_and_bound", "grid", "direct")
MOST_EVALUATIONS = {
    "piyavskii": 5_000_000,
    "branch_and_bound": 5_000_000,
    "grid": 1_000_000_000,
    "direct": 5_000,
}


def choose_method(method: str | None, constants: Constants, box: Floats, *, hessian: bool) -> str:
    """Return the method, if it was not given the one for what is known."""
    if method is not None:
        return method
    if not constants.known:
        return "direct"
    line = len(box) == 1 and box[0, 0] < box[0, 1]
    return "piyavskii" if line and not hessian else "branch_and_bound"


def check_method(
    method: str, f: object, grad: object, hessian: object, constants: Constants, box: Floats
) -> None:
    """Raise ValueError for a method that cannot use what was given, or lacks something."""
    third = math.isfinite(constants.third) and not isinstance(f, Quadratic)
    if third != (hessian is not None):
        raise ValueError(
            "hessian_lipschitz and hessian need each other, "
            f"{'hessian' if third else 'hessian_lipschitz'} is missing"
        )
    if third and grad is None:
        raise ValueError("grad is None, but hessian needs it")
    if method != "direct" and not constants.known:
        raise ValueError(
            f"method is {method!r}, which needs lipschitz or gradient_lipschitz; method='direct' "
            "needs neither, and certifies nothing"
        )
    if method == "piyavskii" and (len(box) > 1 or box[0, 0] == box[0, 1]):
        free = int(np.sum(box[:, 0] < box[:, 1]))
        raise ValueError(
            f"method is 'piyavskii' but bounds has {len(box)} variables, {free} of them not "
            "fixed; expected one"
        )
    if method == "piyavskii" and third:
        raise ValueError("method is 'piyavskii', which has no use for hessian")
    if method == "grid" and not constants.of_values:
        raise ValueError("method is 'grid', which needs lipschitz")


def make_search(
    method: str,
    samples: Samples,
    constants: Constants,
    kernel: ModuleType,
    *,
    tol: float,
    batch: int,
    limit: int,
    polish: bool,
) -> Search:
    """Return the search, with its first samples."""
    if method == "grid":
        counts = grid_counts(samples.box, constants, constants.lipschitz, tol)
        total = math.prod(counts)
        if total > limit:
            raise ValueError(
                f"method is 'grid', which takes {total:.3g} points here, more than "
                f"max_evaluations = {limit}; other methods take fewer"
            )
        return Grid(samples, constants, counts)
    if method == "piyavskii":
        return Line(samples, constants, kernel, tol=tol, batch=batch, limit=limit)
    return Boxes(
        samples,
        constants,
        kernel,
        tol=tol,
        batch=batch,
        limit=limit,
        polish=polish,
        direct=method == "direct",
    )
