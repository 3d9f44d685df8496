"""The pictures that are measured, and every way to fill them: the same pixels for all of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import sparse

import minimand
from minimand.problems.inpainting import photograph, random_mask


@dataclass(frozen=True)
class Picture:
    """A photograph with unknown pixels; `turns` is how often each contender has its turn.

    `unknown` is the share of pixels that are lost at random; None is loki with text on it.
    """

    rows: int
    columns: int
    channels: int = 1
    unknown: float | None = 0.5
    tol: float = 1e-6
    coupling: str = "separate"
    turns: int = 3

    @property
    def name(self) -> str:
        size = f"{self.rows} x {self.columns}"
        if self.unknown is None:
            return f"loki {size}, text, tol {self.tol:g}"
        if self.channels > 1:
            size += f" x {self.channels} {self.coupling}"
        return f"{size}, {self.unknown:.1%} unknown, tol {self.tol:g}"


@lru_cache(maxsize=1)  # the large ones do not fit into memory together
def data(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """Intensities between 0 and 1, 0 where unknown, and the mask of the known pixels."""
    if picture.unknown is None:
        whole = _cut(_loki("loki512.png"), picture)
        known = whole == _cut(_loki("loki512_corrupted.png"), picture)
    else:
        whole = _cut(photograph("camera" if picture.channels == 1 else "coffee"), picture)
        known = random_mask(picture.rows, picture.columns, unknown=picture.unknown)
    # The last corner is in no term. Unknown, it would be an empty column in the peers' matrices.
    known[-1, -1] = True
    image = whole / 255
    image[~known] = 0.0
    image.setflags(write=False)
    known.setflags(write=False)
    return image, known


def _cut(whole: np.ndarray, picture: Picture) -> np.ndarray:
    """The middle of a photograph, or, where that is too small, its reflections side by side."""
    for axis, size in enumerate((picture.rows, picture.columns)):
        given = whole.shape[axis]
        if size > given:
            width = [(0, 0)] * whole.ndim
            width[axis] = (0, size - given)
            whole = np.pad(whole, width, mode="symmetric")
        else:
            begin = (given - size) // 2
            whole = np.take(whole, range(begin, begin + size), axis)
    return whole


def _loki(name: str) -> np.ndarray:
    folder = os.environ.get("MINIMAND_DATA")
    if not folder:
        pytest.skip(f"{name}: set MINIMAND_DATA to the folder of the larger data sets")
    path = Path(folder) / "images" / name
    if not path.exists():
        pytest.skip(f"{path} is missing")
    return np.asarray(pytest.importorskip("PIL.Image").open(path))


# Contenders: (image, known, picture) -> what they say of it


class Filled(NamedTuple):
    """An image, and the contender's own word on it."""

    image: np.ndarray
    status: str
    certificate: dict[str, Any]


def by_minimand(image, known, picture, threads=None):
    options = {"coupling": picture.coupling, "tol": picture.tol, "threads": threads}
    with warnings.catch_warnings(action="ignore", category=minimand.ConvergenceWarning):
        result = minimand.inpaint(image, known, **options)
    return Filled(
        result.image,
        result.status.name.lower(),
        {"gap": result.gap, "method": result.method, "iterations": result.iterations},
    )


def by_minimand_alone(image, known, picture):
    return by_minimand(image, known, picture, threads=1)


def by_clarabel_tv(image, known, picture):
    return _solved(*_cvxpy_tv(image, known, picture), **_clarabel(picture))


def by_scs_tv(image, known, picture):
    return _solved(*_cvxpy_tv(image, known, picture), solver="SCS")


def by_clarabel_unknown(image, known, picture):
    return _solved(*_cvxpy_unknown(image, known, picture), **_clarabel(picture))


def by_scs_unknown(image, known, picture):
    return _solved(*_cvxpy_unknown(image, known, picture), solver="SCS")


def by_biharmonic(image, known, picture):
    from skimage.restoration import inpaint_biharmonic

    channel_axis = None if picture.channels == 1 else -1
    return Filled(inpaint_biharmonic(image, ~known, channel_axis=channel_axis), "other model", {})


def _cvxpy_tv(image, known, picture):
    """As in CVXPY's own example: all pixels are variables, those that are known are constrained."""
    import cvxpy as cp

    planes = np.moveaxis(image.reshape(*known.shape, -1), -1, 0)
    variables = [cp.Variable(known.shape) for _ in planes]
    joint = picture.coupling == "joint"
    objective = cp.tv(*variables) if joint else sum(map(cp.tv, variables))
    constraints = [U[known] == plane[known] for U, plane in zip(variables, planes, strict=True)]
    problem = cp.Problem(cp.Minimize(objective), constraints)
    return problem, lambda: np.dstack([U.value for U in variables]).reshape(image.shape)


def _cvxpy_unknown(image, known, picture):
    """As a patient user writes it: unknown pixels are the variables, and only their terms count."""
    import cvxpy as cp

    pixels = np.arange(known.size).reshape(known.shape)
    in_a_term = ~(known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:])
    here, below, right = (
        part[in_a_term] for part in (pixels[:-1, :-1], pixels[1:, :-1], pixels[:-1, 1:])
    )
    terms = len(here)
    row, one = np.arange(2 * terms), np.ones(2 * terms)
    entries = np.r_[one, -one], (np.r_[row, row], np.r_[below, right, here, here])
    D = sparse.csc_array(entries, shape=(2 * terms, known.size))

    where = known.ravel()
    values = image.reshape(known.size, -1)
    variable = cp.Variable((known.size - np.count_nonzero(where), picture.channels))
    differences = D[:, ~where] @ variable + D[:, where] @ values[where]
    vertical, horizontal = differences[:terms], differences[terms:]
    if picture.coupling == "joint":
        stacked = cp.hstack([vertical, horizontal]).T
    else:
        stacked = cp.vstack([cp.vec(part, order="F") for part in (vertical, horizontal)])
    problem = cp.Problem(cp.Minimize(cp.sum(cp.norm(stacked, 2, axis=0))))

    def filled():
        whole = values.copy()
        whole[~where] = variable.value
        return whole.reshape(image.shape)

    return problem, filled


def _clarabel(picture):
    """Clarabel's tolerances, so that it may stop where minimand may; SCS measures other things."""
    tolerances = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), picture.tol)
    return {"solver": "CLARABEL", **tolerances}


def _solved(problem, filled, **options):
    with warnings.catch_warnings(action="ignore"):  # the status says it too
        problem.solve(**options)
    return Filled(filled(), problem.status, {})


class Contender(NamedTuple):
    """A way to fill a picture, the modules it needs, and its threads; None: all there are.

    Clarabel's QDLDL, the MKL inside SCS and SciPy's SuperLU, as their wheels come, use one thread.
    """

    fill: Callable[[np.ndarray, np.ndarray, Picture], Filled]
    modules: tuple[str, ...] = ()
    threads: int | None = 1

    def load(self) -> None:
        """Import what it needs before the clock starts, or skip and say what is missing."""
        for module in self.modules:
            pytest.importorskip(module)


CONTENDERS = {
    "minimand": Contender(by_minimand, threads=None),
    "minimand, threads=1": Contender(by_minimand_alone),
    "CVXPY tv, Clarabel": Contender(by_clarabel_tv, ("cvxpy", "clarabel")),
    "CVXPY tv, SCS": Contender(by_scs_tv, ("cvxpy", "scs")),
    "CVXPY unknown only, Clarabel": Contender(by_clarabel_unknown, ("cvxpy", "clarabel")),
    "CVXPY unknown only, SCS": Contender(by_scs_unknown, ("cvxpy", "scs")),
    "scikit-image biharmonic (another model)": Contender(by_biharmonic, ("skimage.restoration",)),
}


# One measure of quality for all of them


@lru_cache(maxsize=1)
def _lower_bound(picture: Picture) -> float:
    """Bound below every image with these known pixels, as sharp as minimand can make it."""
    tol = min(picture.tol, 1e-9)
    with warnings.catch_warnings(action="ignore", category=minimand.ConvergenceWarning):
        return minimand.inpaint(*data(picture), coupling=picture.coupling, tol=tol).lower_bound


def quality(picture: Picture, filled: Filled) -> dict[str, Any]:
    """Total variation once the known pixels are put in, and how far it is above a proved bound."""
    image, known = data(picture)
    mask = known if image.ndim == 2 else known[..., np.newaxis]
    whole = np.where(mask, image, filled.image)
    objective = minimand.total_variation(whole, coupling=picture.coupling)
    found = {
        "objective": objective,
        "status": filled.status,
        "n_unknown": int(known.size - np.count_nonzero(known)),
        **filled.certificate,
    }
    if "gap" not in found:
        bound = _lower_bound(picture)
        assert objective >= bound * (1 - 1e-12), "an image below the bound: the bound is wrong"
        found["gap"] = (objective - bound) / objective
    return found


def memory_calls(picture: Picture) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return a small call, after which threads and libraries are there, and the one to measure."""
    image, known = data(picture)
    corner = image[:64, :64].copy(), known[:64, :64].copy()
    return (lambda: by_minimand(*corner, picture)), (lambda: by_minimand(image, known, picture))
