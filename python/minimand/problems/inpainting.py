"""Images with unknown pixels whose least total variation is known.

- exact, with a dual field that proves it: `affine`, `constant`, `line`, `step`, `pair`, `centre`;
- within an interval from other computations: `camera96`;
- only bounded by what the pixels were before they were lost: `lost_pixels`, with the masks
  `random_mask` and `text_mask`;
- `photograph`: pictures to damage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minimand._common.arrays import fraction, nonnegative_int, one_of, positive_int

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Seed: TypeAlias = int | np.random.Generator

_COUPLINGS = ("separate", "joint")


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintingProblem:
    """minimise TV(u) over the images u that agree with `image` where it is known.

    Attributes
    ----------
    name
        Name of the problem.
    image
        Values (m, n) or (m, n, C), read-only; NaN where unknown if its type has a NaN.
    known
        Mask (m, n), read-only.
    lower, upper
        An interval that contains the least total variation.
    coupling
        "separate" or "joint": which total variation is meant.
    answer
        An image that has it, if one is known.
    dual
        A dual field in the layout of `InpaintingResult.dual` that proves it, if one is known.
    """

    name: str
    image: NDArray[Any]
    known: Mask
    lower: float
    upper: float
    coupling: str = "separate"
    answer: Array | None = None
    dual: Array | None = None

    def __post_init__(self) -> None:
        for array in (self.image, self.known, self.answer, self.dual):
            if array is not None:
                array.setflags(write=False)


# Exact


def affine(
    m: int,
    n: int,
    *,
    slopes: Sequence[tuple[float, float]] = ((3.0, 4.0),),
    coupling: str = "separate",
    border: int = 2,
) -> InpaintingProblem:
    """Plane of which only a border of known pixels is left; it is its own best completion.

    Parameters
    ----------
    m, n
        Rows and columns, at least 3.
    slopes
        Increments (per row, per column) of each channel; one channel makes an image (m, n).
    coupling
        "separate" or "joint".
    border
        Width of the known border, at least 1.

    Examples
    --------
    >>> from minimand.problems.inpainting import affine
    >>> affine(5, 7).lower
    120.0
    """
    one_of("coupling", coupling, _COUPLINGS)
    _at_least("m", positive_int("m", m), 3)
    _at_least("n", positive_int("n", n), 3)
    width = positive_int("border", border)
    gradient = np.array(slopes, dtype=np.float64)
    i, j = np.mgrid[:m, :n]
    answer = i[..., np.newaxis] * gradient[:, 0] + j[..., np.newaxis] * gradient[:, 1]
    known = np.ones((m, n), dtype=np.bool_)
    known[width : m - width, width : n - width] = False
    length = np.hypot(gradient[:, :1], gradient[:, 1:])
    if coupling == "joint":
        length = np.full_like(length, math.hypot(*gradient.ravel()))
    direction = np.divide(gradient, length, out=np.zeros_like(gradient), where=length > 0)
    per_term = length[0, 0] if coupling == "joint" else length.sum()
    dual = np.broadcast_to(direction, (m - 1, n - 1, *direction.shape)).copy()
    return _proved(
        "affine", answer, known, float((m - 1) * (n - 1) * per_term), dual, coupling=coupling
    )


def constant(
    m: int, n: int, *, value: float = 0.1, unknown: float = 0.5, rng: Seed = 0
) -> InpaintingProblem:
    """All known pixels equal; unknown ones are as they are, so the least variation is 0."""
    known = random_mask(m, n, unknown=unknown, rng=rng)
    answer = np.full((m, n, 1), float(value))
    if min(m, n) == 1:
        return _proved("constant", answer, known, 0.0, np.zeros((max(m, n) - 1, 1)))
    return _proved("constant", answer, known, 0.0, np.zeros((m - 1, n - 1, 1, 2)))


def line(
    values: ArrayLike, *, column: bool = False, coupling: str = "separate"
) -> InpaintingProblem:
    """One row or one column: straight between known neighbours, constant beyond the ends.

    Parameters
    ----------
    values
        Entries (k,) or (k, C), NaN where unknown.
    column
        Whether to stand them upright.
    coupling
        "separate" or "joint".

    Examples
    --------
    >>> import numpy as np
    >>> from minimand.problems.inpainting import line
    >>> problem = line([np.nan, 1.0, np.nan, 5.0, 2.0])
    >>> problem.answer
    array([[1., 1., 3., 5., 2.]])
    >>> problem.lower
    7.0
    """
    one_of("coupling", coupling, _COUPLINGS)
    given = np.array(values, dtype=np.float64)
    columns = given.reshape(len(given), -1)
    known = ~np.isnan(columns).any(axis=1)
    at = np.flatnonzero(known)
    if at.size == 0:
        raise ValueError("values has no entry without NaN, expected at least one")
    here = np.arange(len(columns))
    answer = np.column_stack([np.interp(here, at, channel[at]) for channel in columns.T])
    steps = np.diff(columns[at], axis=0)
    length = np.abs(steps)
    if coupling == "joint":
        length = np.repeat(np.linalg.norm(steps, axis=1, keepdims=True), steps.shape[1], axis=1)
    direction = np.divide(steps, length, out=np.zeros_like(steps), where=length > 0)
    dual = np.zeros((len(columns) - 1, columns.shape[1]))
    dual[at[0] : at[-1]] = np.repeat(direction, np.diff(at), axis=0)
    optimum = math.fsum((length[:, 0] if coupling == "joint" else length.ravel()).tolist())
    axis = 1 if column else 0
    answer, mask = np.expand_dims(answer, axis), np.expand_dims(known, axis)
    gray = given.ndim == 1
    return _proved("line", answer, mask, optimum, dual, coupling=coupling, gray=gray)


def step(m: int, n: int, *, height: float = 1.0, column: bool = False) -> InpaintingProblem:
    """First column known as 0, last column as `height`: every row but the last has to rise.

    So the least variation is (m - 1) height, whatever the number of columns n >= 2. The answer has
    the edge in the middle; there are many others. With `column` the image is transposed.
    """
    _at_least("m", positive_int("m", m), 2)
    _at_least("n", positive_int("n", n), 2)
    answer = np.zeros((m, n, 1))
    answer[:, n // 2 :] = height
    known = np.zeros((m, n), dtype=np.bool_)
    known[:, [0, -1]] = True
    dual = np.zeros((m - 1, n - 1, 1, 2))
    dual[..., 1] = math.copysign(1.0, height)
    optimum = (m - 1) * abs(float(height))
    if column:
        answer, known, dual = _transposed(answer, known, dual)
    return _proved("step", answer, known, optimum, dual)


def pair(a: float, b: float, *, anchor: bool = True) -> InpaintingProblem:
    """2 x 2 pixels, so one term, with one of its pixels unknown.

    With `anchor` that is the pixel between a (below) and b (to the right): their mean is best, and
    leaves |a - b| / sqrt(2). Else it is the one below the known a, with b to the right: then it
    should be a, which leaves |a - b|. The last corner is unknown as well, and is in no term.
    """
    first, below = ((a + b) / 2, a) if anchor else (a, a)
    last = (below + b) / 2
    answer = np.array([[first, b], [below, last]])[..., np.newaxis]
    known = np.array([[not anchor, True], [anchor, False]])
    sign = float(np.sign(b - a))
    field = [-sign * math.sqrt(0.5), sign * math.sqrt(0.5)] if anchor else [0.0, sign]
    optimum = abs(a - b) * (math.sqrt(0.5) if anchor else 1.0)
    return _proved("pair", answer, known, optimum, np.array(field).reshape(1, 1, 1, 2))


def centre(height: float = 1.0) -> InpaintingProblem:
    """3 x 3 pixels, the centre unknown: 0 above and to the left of it, `height` below and right.

    Three terms hold it, sqrt(2) |height - u| and twice |u|; at u = 0 their sum is least.
    """
    answer = np.zeros((3, 3, 1))
    answer[1, 2] = answer[2, 1] = answer[2, 2] = height
    known = np.ones((3, 3), dtype=np.bool_)
    known[1, 1] = False
    half = math.copysign(math.sqrt(0.5), height)
    dual = np.zeros((2, 2, 1, 2))  # what flows out of the centre by one term comes in by the others
    dual[1, 1, 0] = [half, half]
    dual[0, 1, 0, 0] = dual[1, 0, 0, 1] = half
    return _proved("centre", answer, known, math.sqrt(2.0) * abs(float(height)), dual)


# Within an interval


def camera96(unknown: float) -> InpaintingProblem:
    """Detail of a photograph, 96 x 96, of which a share of the pixels is lost at random.

    `unknown` is 0.707 or 0.99. The intervals were certified by a primal-dual Newton method written
    for that purpose alone, in units of 0 to 255. The photograph is `skimage.data.camera` (CC0).
    """
    intervals = {
        0.707: (92130.29048023824, 92130.29061640146),
        0.99: (17406.59740628138, 17406.597412686824),
    }
    if unknown not in intervals:
        raise ValueError(f"unknown is {unknown}, expected one of {', '.join(map(str, intervals))}")
    lower, upper = intervals[unknown]
    data = _load(f"camera96_{unknown}")
    return InpaintingProblem(
        name=f"camera96, {unknown:.1%} unknown",
        image=data["image"],
        known=data["known"],
        lower=lower,
        upper=upper,
    )


# Bounded by what was lost


def lost_pixels(
    original: ArrayLike, known: ArrayLike, *, coupling: str = "separate", name: str = "lost pixels"
) -> InpaintingProblem:
    """Image of which only the known pixels are left; the rest is NaN.

    What it was is one way to complete it, so its variation is an upper bound.
    """
    one_of("coupling", coupling, _COUPLINGS)
    whole = np.array(original, dtype=np.float64)
    mask = np.array(known, dtype=np.bool_)
    planes = whole.reshape(*whole.shape[:2], -1)
    # Cut off, a rounding above 0, so that the bound is one of exact arithmetic as well.
    upper = _variation(planes, coupling) * (1.0 + 1e-12)
    image = whole.copy()
    image[~mask] = np.nan
    return InpaintingProblem(
        name=name, image=image, known=mask, lower=0.0, upper=upper, coupling=coupling
    )


def random_mask(m: int, n: int, *, unknown: float = 0.5, rng: Seed = 0) -> Mask:
    """Mask with each pixel unknown with the given probability, but for one that is known."""
    positive_int("m", m)
    positive_int("n", n)
    fraction("unknown", unknown)
    generator = np.random.default_rng(rng)
    known = generator.uniform(size=(m, n)) >= unknown
    known.flat[generator.integers(known.size)] = True
    return known


def text_mask(m: int, n: int, *, scale: int = 1, margin: int = 1) -> Mask:
    """Mask with the word "minimand" written over it again and again.

    The letters are 3 x 5 squares of `scale` x `scale` pixels, one apart; two squares lie between
    lines. `margin` pixels around the image stay known.
    """
    positive_int("m", m)
    positive_int("n", n)
    size = positive_int("scale", scale)
    edge = nonnegative_int("margin", margin)
    squares = [
        [pixel == "#" for pixel in " ".join(_GLYPHS[letter][row] for letter in "minimand") + " "]
        for row in range(5)
    ]
    word = np.pad(np.array(squares), ((0, 2), (0, 0)))
    letters = np.kron(word, np.ones((size, size), dtype=np.bool_))
    high, wide = max(0, m - 2 * edge), max(0, n - 2 * edge)
    copies = (-(-high // letters.shape[0]), -(-wide // letters.shape[1]))
    known = np.ones((m, n), dtype=np.bool_)
    known[edge : edge + high, edge : edge + wide] = ~np.tile(letters, copies)[:high, :wide]
    return known


_GLYPHS = {
    "m": ("# #", "###", "###", "# #", "# #"),
    "i": ("###", " # ", " # ", " # ", "###"),
    "n": ("## ", "# #", "# #", "# #", "# #"),
    "a": (" # ", "# #", "###", "# #", "# #"),
    "d": ("## ", "# #", "# #", "# #", "## "),
}


# Pictures


def photograph(name: str) -> NDArray[np.uint8]:
    """Return a photograph that comes with the package.

    Parameters
    ----------
    name
        "camera", gray (256, 256), or "coffee", in colour (200, 300, 3). Both are pictures of
        scikit-image (CC0) at half their size.

    Examples
    --------
    >>> from minimand.problems.inpainting import photograph
    >>> photograph("coffee").shape
    (200, 300, 3)
    """
    image: NDArray[np.uint8] = _load(one_of("name", name, ("camera", "coffee")))["image"]
    return image


def _load(name: str) -> dict[str, NDArray[Any]]:
    source = resources.files("minimand.problems").joinpath("data", f"{name}.npz")
    with source.open("rb") as file, np.load(file, allow_pickle=False) as data:
        return dict(data)


def _proved(
    name: str,
    answer: Array,
    known: Mask,
    optimum: float,
    dual: Array,
    *,
    coupling: str = "separate",
    gray: bool | None = None,
) -> InpaintingProblem:
    """Return a problem from arrays with an axis for the channels, which one channel has not."""
    if answer.shape[2] == 1 if gray is None else gray:
        answer = answer[..., 0]
        dual = dual[:, 0] if dual.ndim == 2 else dual[:, :, 0]
    image = answer.copy()
    image[~known] = np.nan
    return InpaintingProblem(
        name=name,
        image=image,
        known=known,
        lower=optimum,
        upper=optimum,
        coupling=coupling,
        answer=answer.copy(),
        dual=dual.copy(),
    )


def _transposed(answer: Array, known: Mask, dual: Array) -> tuple[Array, Mask, Array]:
    return np.swapaxes(answer, 0, 1), known.T.copy(), np.swapaxes(dual, 0, 1)[..., ::-1]


def _variation(planes: Array, coupling: str) -> float:
    """Return the total variation of (m, n, C)."""
    if 1 in planes.shape[:2]:
        steps = [np.diff(planes.reshape(-1, planes.shape[2]), axis=0)]
    else:
        first = planes[:-1, :-1]
        steps = [planes[1:, :-1] - first, planes[:-1, 1:] - first]
    squares = sum(part**2 for part in steps)
    if coupling == "joint":
        squares = np.sum(squares, axis=-1)
    return float(np.sqrt(squares).sum())


def _at_least(name: str, value: int, least: int) -> int:
    if value < least:
        raise ValueError(f"{name} is {value}, expected at least {least}")
    return value
