"""What the tests of inpaint share: certified answers, and what is known without the solver."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from minimand import ConvergenceWarning, InpaintingResult, Status, inpaint
from minimand.problems import inpainting as problems
from minimand.problems.inpainting import InpaintingProblem

NAN = math.nan
EXACT = 1e-12  # relative: what rounding may do to an objective or a bound

# Problems with an answer and a dual field that proves it.
PROVED = {
    "affine": problems.affine(5, 7),
    "affine, one ring": problems.affine(9, 4, border=1),
    "affine, colour": problems.affine(6, 5, slopes=((3, 4), (0, 0), (-5, 12))),
    "affine, joint": problems.affine(6, 5, slopes=((3, 4), (0, 0), (-5, 12)), coupling="joint"),
    "affine, one channel": problems.affine(5, 5, slopes=((0, -2),), coupling="joint"),
    "constant": problems.constant(4, 6),
    "constant row": problems.constant(1, 6),
    "one pixel": problems.constant(1, 1),
    "row": problems.line([NAN, 1.0, NAN, 5.0, 2.0, NAN]),
    "column": problems.line([NAN, 1.0, NAN, 5.0, 2.0, NAN], column=True),
    "colour row": problems.line([[1, 1, 0], [NAN] * 3, [2, 7, 0]]),
    "joint column": problems.line([[1, 1], [NAN] * 2, [4, 5]], column=True, coupling="joint"),
    "step": problems.step(4, 6),
    "step down": problems.step(6, 3, height=-0.1, column=True),
    "step of two columns": problems.step(3, 2),
    "pair": problems.pair(1.0, 4.0),
    "pair, below": problems.pair(4.0, 1.0, anchor=False),
    "centre": problems.centre(),
    "centre, negative": problems.centre(-3.0),
}

proved = pytest.mark.parametrize("problem", PROVED.values(), ids=PROVED.keys())


def certified(image: Any, known: Any, **options: Any) -> InpaintingResult:
    """In-paint, and check the certificates, recorded and recomputed."""
    result = inpaint(image, known, **options)
    assert result.status is Status.CONVERGED, str(result)
    check(result, image, known)
    return result


def stopped(image: Any, known: Any, status: Status, **options: Any) -> InpaintingResult:
    """In-paint where a limit ends the run above the tolerance, and check what is there anyway."""
    with pytest.warns(ConvergenceWarning):
        result = inpaint(image, known, **options)
    assert result.status is status, str(result)
    assert result.gap > result.tol
    loose = loosened(result)
    check(loose, image, known)
    return result


def loosened(result: InpaintingResult) -> InpaintingResult:
    """The same result, had a gap of 1 been asked for."""
    certificates = [
        dataclasses.replace(c, bound=1.0) if c.name == "duality gap" else c
        for c in result.certificates
    ]
    return dataclasses.replace(result, tol=1.0, certificates=tuple(certificates))


def check(result: InpaintingResult, image: Any, known: Any) -> None:
    """Check all that is true of any answer."""
    given, mask = np.asarray(image), np.asarray(known).astype(bool)
    assert [c.name for c in result.certificates] == ["known pixels", "duality gap"]
    assert all(c.holds for c in result.certificates), str(result)
    assert all(c.holds for c in result.verify(image, known))
    assert result.gap <= result.tol
    assert result.lower_bound <= result.objective * (1 + EXACT)
    if result.objective == 0:
        assert result.gap == 0
    elif math.isfinite(result.objective):
        excess = 1.0 - result.lower_bound / result.objective
        grain = 2 * 5e-324 / result.objective  # where they are subnormal
        assert result.gap == pytest.approx(max(0.0, excess), abs=EXACT + grain)
    assert result.image.shape == given.shape
    assert result.image.dtype == np.float64
    assert np.isfinite(result.image).all()
    assert result.image[mask].tobytes() == given[mask].astype(np.float64).tobytes()
    assert result.dual.shape == dual_shape(given.shape)
    assert result.n_unknown == np.count_nonzero(~mask)
    assert result.n_undetermined == int(min(mask.shape) > 1 and not mask[-1, -1])


def within(result: InpaintingResult, problem: InpaintingProblem) -> None:
    """Check an answer against what is known of the optimum."""
    assert result.objective >= problem.lower * (1 - EXACT)
    assert result.lower_bound <= problem.upper * (1 + EXACT)


def solved(problem: InpaintingProblem, **options: Any) -> InpaintingResult:
    """In-paint a problem; the certificate first, then the known answer."""
    result = certified(problem.image, problem.known, coupling=problem.coupling, **options)
    within(result, problem)
    return result


def dual_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    m, n, *colour = shape
    return (max(m, n) - 1, *colour) if min(m, n) == 1 else (m - 1, n - 1, *colour, 2)


# Without the package


def differences(u: np.ndarray) -> np.ndarray:
    """Du of (m, n, C), m, n >= 2, as (m-1, n-1, C, 2)."""
    first = u[:-1, :-1]
    return np.stack([u[1:, :-1] - first, u[:-1, 1:] - first], axis=-1)


def variation(u: np.ndarray, *, joint: bool = False) -> float:
    """The total variation of (m, n) or (m, n, C), as written in the definition."""
    u = np.asarray(u, dtype=float)
    planes = u.reshape(*u.shape[:2], -1)
    if min(u.shape[:2]) == 1:
        steps = np.diff(planes.reshape(max(u.shape[:2]), -1), axis=0)
        return float(np.sqrt((steps**2).sum(axis=1)).sum() if joint else np.abs(steps).sum())
    squares = differences(planes) ** 2
    return float(np.sqrt(squares.sum(axis=(2, 3) if joint else 3)).sum())


def approximate(
    image: np.ndarray, known: np.ndarray, *, joint: bool = False, steps: int = 300
) -> tuple[np.ndarray, np.ndarray]:
    """A fair answer and dual field (m-1, n-1, C, 2) of a small image in 0 to 1, by plain PDHG."""
    f = np.asarray(image, dtype=float).reshape(*known.shape, -1)
    mask = known[..., np.newaxis]
    u = np.where(mask, f, 0.0)
    u = np.where(mask, u, u.sum(axis=(0, 1)) / known.sum())
    p, old = np.zeros(differences(u).shape), u
    for _ in range(steps):
        p = p + 1.25 * differences(2 * u - old)
        length = np.sqrt((p**2).sum(axis=(2, 3) if joint else 3, keepdims=True))
        p /= np.maximum(length, 1.0)
        r = np.zeros(u.shape)
        r[1:, :-1] += p[..., 0]
        r[:-1, 1:] += p[..., 1]
        r[:-1, :-1] -= p.sum(axis=-1)
        old, u = u, np.where(mask, u, u - 0.1 * r)
    return u, p
