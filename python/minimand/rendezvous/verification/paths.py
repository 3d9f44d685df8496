"""What a plan shows of itself: whether inputs lead to the states, and whether these meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand.rendezvous.arguments import Given, Weight
from minimand.rendezvous.result import MeetingResult
from minimand.rendezvous.verification.bodies import bodies_of

_AGREE = 1e-9


@dataclass(frozen=True, slots=True)
class Shown:
    """The largest relative mismatch and residual of a step, as in `Found`; the mismatches."""

    meeting: float
    dynamics: float
    miss: float
    open_loop: float
    size: float


def plan_of(result: MeetingResult, given: Given) -> tuple[Floats, Floats, Floats, Floats]:
    """Return u, v, x, z after a check of their shapes."""
    T = given.steps
    expected = {
        "u": (T, given.B.shape[1]),
        "v": (T, given.D.shape[1]),
        "x": (T + 1, len(given.A)),
        "z": (T + 1, len(given.C)),
    }
    arrays = []
    for name, shape in expected.items():
        array = getattr(result, name)
        if array is None or array.shape != shape:
            came = None if array is None else array.shape
            raise CertificateError(f"{name} has shape {came}, expected {shape}")
        if not np.isfinite(array).all():
            raise CertificateError(f"{name} is not finite")
        arrays.append(array)
    return arrays[0], arrays[1], arrays[2], arrays[3]


def show(result: MeetingResult, given: Given, weights: Sequence[Weight]) -> Shown:
    """Measure a plan against the data."""
    u, v, x, z = plan_of(result, given)
    # In units in which nothing overflows
    (first, second), units = bodies_of(given, weights)
    own = [costing(w, weight) for w, weight in zip((u, v), weights, strict=True)]
    largest = max(float(np.abs(w).max()) for w in own)
    push = float(np.ldexp(largest, units.state - units.input))
    for name, path, start in (("x", x, given.x0), ("z", z, given.z0)):
        if not np.array_equal(path[0], start):
            raise CertificateError(f"{name} does not begin at {name}0")
    mismatch = given.Ex @ x[-1] - given.Ez @ z[-1]
    size = np.zeros(len(mismatch))
    for body, path in ((first, x), (second, z)):
        peak, pushed = np.abs(path).max(axis=0), np.abs(body.B).max(axis=1) * push
        size += np.abs(body.E) @ (peak + np.abs(body.A) @ peak + pushed)
    meeting = np.abs(mismatch) / np.where(size > 0, size, 1.0)
    dynamics = max(_steps(given.A, given.B, x, u), _steps(given.C, given.D, z, v))
    ends = [_simulate(given.A, given.B, given.x0, u), _simulate(given.C, given.D, given.z0, v)]
    applied = np.abs(given.Ex @ ends[0] - given.Ez @ ends[1])
    return Shown(
        float(meeting.max()), dynamics, float(np.abs(mismatch).max()), float(applied.max()),
        float(size.max()),
    )  # fmt: skip


def costing(u: Floats, weight: Weight) -> Floats:
    """Return K'u, whose square is u'R u."""
    if isinstance(weight.root, np.ndarray) and weight.root.ndim == 2:
        return np.asarray(u @ weight.root)
    return u * weight.root


def _steps(A: Floats, B: Floats, x: Floats, u: Floats) -> float:
    residual = np.abs(x[1:] - x[:-1] @ A.T - u @ B.T)
    size = np.abs(x[1:]) + np.abs(x[:-1]) @ np.abs(A.T) + np.abs(u) @ np.abs(B.T)
    size = np.maximum.accumulate(size)  # rounding is relative to what has been
    size += 1e-2 * size.max(axis=1, keepdims=True)
    ratio = np.divide(residual, size, out=np.zeros_like(size), where=size > 0)
    return float(ratio.max())


def _simulate(A: Floats, B: Floats, start: Floats, u: Floats) -> Floats:
    x = start
    for push in u @ B.T:
        x = A @ x + push
    return np.asarray(x)


def claims(result: MeetingResult, shown: Shown) -> Iterator[str]:
    """Compare the misses that are stated."""
    if not abs(result.miss - shown.miss) <= 1e-14 * shown.size:
        yield f"miss is {shown.miss:.3g}, recorded was {result.miss:.3g}"
    # Of unstable bodies it is rounding, which another way of adding up sees otherwise.
    applied = result.open_loop_miss
    if result.costates is None and not abs(applied - shown.open_loop) <= 1e-9 * shown.size:
        yield f"open_loop_miss is {shown.open_loop:.3g}, recorded was {applied:.3g}"


def agree(name: str, stated: float, here: float, slack: float) -> Iterator[str]:
    """Compare a stated number with the one that follows from the data."""
    if not (stated == here or abs(stated - here) <= slack + _AGREE * abs(here)):
        yield f"{name} is {here:.12g}, recorded was {stated:.12g}"


def fail(result: MeetingResult, problems: Sequence[str]) -> None:
    """Raise CertificateError if there are problems."""
    if problems:
        raise CertificateError(f"{type(result).__name__} does not verify: {'; '.join(problems)}")
