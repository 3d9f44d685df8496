"""Certificates of an in-painted image, computed anew from the data by plain NumPy and SciPy.

A term e ties a pixel to the ones below and to the right of it; the others follow from

    TV(u) = sum_e |(Du)_e| >= sum_e <p_e, (Du)_e> = sum_e <p_e, (Dc)_e> + <r, u - c>,   r = D'p,

for any dual field with |p_e| <= 1 and any image c. Take c = f on the known pixels. On an unknown
one some optimum keeps to the box [l, h], the range of the known pixels that share a term with its
connected region: clipping to it makes no difference longer. So with c in the box

    TV(u) >= LB(p) = sum_e <p_e, (Dc)_e> - sum_unknown w |r|,   w = max(h - c, c - l).

LB is homogeneous, hence LB(p) / max(1, max |p_e|) holds for any p at all. A region without a known
neighbour is constant in some optimum; there l = h.

An image of one row or column has one difference in a term. With separate coupling each channel is
a problem of its own. All this is done in a unit 2^e in which nothing overflows, sums are exact up
to their last rounding, and what rounding may have added is subtracted from the bound.

Nothing here is shared with the solver: no kernel, no reference implementation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand._common.result import Certificate
from minimand.inpainting.arguments import Image, Mask, as_image, as_known, check_known_finite
from minimand.inpainting.result import certificates

if TYPE_CHECKING:
    from minimand.inpainting.result import InpaintingResult

UNIT = 2.0**-53
_BLOCK = 1 << 16  # entries that become Python floats together
# Roundings, in units of 2^-53, that a summand of the bound meets: its difference, its product and
# three additions in r; w; block, sum, difference and quotient. The rest is reserve.
_GUARD = 16

Integers = NDArray[np.intp]


def recompute(result: InpaintingResult, image: object, known: object) -> tuple[Certificate, ...]:
    """Return the certificates of `result` as the data alone show them.

    Parameters
    ----------
    result
        What a solver claims.
    image, known
        The data as they were given to the solver.

    Raises
    ------
    ValueError
        The data have another shape than the result.
    CertificateError
        A number of the result is better than the data and `dual` show, or `dual` has no meaning.
    """
    given = as_image("image", image)
    if given.shape != result.image.shape:
        raise ValueError(
            f"image has shape {given.shape} but the result is for shape {result.image.shape}"
        )
    mask = as_known(known, given.shape)
    check_known_finite("image", given, mask)
    with np.errstate(all="ignore"):  # what is not finite fails
        answer = as_image("image", result.image).planar
        found = assess(given, mask, answer, result.dual, result.coupling)
        problems = list(_overstated(result, mask, found))
    if problems:
        raise CertificateError(f"{type(result).__name__} does not verify: {'; '.join(problems)}")
    changed = _changed(given.planar, mask, answer)
    return certificates(changed, found.gap, result.tol, found.gap_rounding)


def lower_bound(image: object, known: object, dual: object, *, coupling: str = "separate") -> float:
    """Return what the dual field proves, whatever the field: no image has less total variation.

    `dual` has the layout of `InpaintingResult.dual`.

    Examples
    --------
    >>> import numpy as np
    >>> from minimand.inpainting.verification import lower_bound
    >>> bound = lower_bound([[0, 9, 4]], [[True, False, True]], np.array([1.0, 1.0]))
    >>> round(bound, 12)
    4.0
    """
    given = as_image("image", image)
    mask = as_known(known, given.shape)
    check_known_finite("image", given, mask)
    with np.errstate(all="ignore"):
        field = np.asarray(dual, dtype=np.float64)
        some = given.planar[:, mask][:, 0, np.newaxis, np.newaxis]  # any image will do
        found = assess(given, mask, np.where(mask, given.planar, some), field, coupling)
        return float(np.ldexp(found.lower_bound, found.exponent))


@dataclass(frozen=True, slots=True)
class Found:
    """Objective and lower bound in units of 2^exponent, and what rounding may contribute."""

    objective: float
    lower_bound: float
    objective_rounding: float
    bound_rounding: float
    exponent: int

    @property
    def gap(self) -> float:
        """The relative gap that is certain."""
        if self.objective == 0:
            return 0.0
        return max((self.objective - self.lower_bound) / self.objective, 0.0)

    @property
    def gap_rounding(self) -> float:
        """The part of the gap that another way of adding up may see otherwise."""
        if not self.objective > 0:
            return 0.0
        return (self.objective_rounding + self.bound_rounding) / self.objective


def assess(image: Image, known: Mask, answer: Floats, dual: Floats, coupling: str) -> Found:
    """Return the objective of `answer` (C, m, n) and the bound that `dual`, as given, proves."""
    channels, m, n = image.planar.shape
    terms = _terms(m, n)
    u = answer.reshape(channels, -1)
    f = np.where(known.ravel(), image.planar.reshape(channels, -1), u)
    both, exponent = _scaled(np.stack([u, f]), corner=min(m, n) > 1)
    u, f = both

    p = dual.reshape(_dual_shape(image, dual)).transpose(1, 2, 0)
    low, high = _boxes(f, known.ravel(), terms)
    centre = low + (high - low) / 2
    width = np.maximum(high - centre, centre - low)
    groups = [slice(0, channels)] if coupling == "joint" else _single(channels)
    objective = math.fsum(_variation(_differences(u[g], terms)) for g in groups)
    bounds = [_bound(p[g], centre[g], width[g], terms) for g in groups]
    total = math.fsum(value for value, _ in bounds)
    guard = math.fsum(rounding for _, rounding in bounds)
    # A solver adds up rows, say, and then the sums of rows; its bound has a guard of its own.
    tiny = math.ldexp(1.0, -1074 - exponent)  # the rounding of subnormal numbers, scaled
    objective_rounding = (m + n + 2 * channels + 8) * UNIT * objective + tiny
    bound_rounding = 2 * guard + 8 * UNIT * total + tiny
    return Found(objective, total, objective_rounding, bound_rounding, exponent)


def _overstated(result: InpaintingResult, known: Mask, found: Found) -> Iterator[str]:
    """Compare what is stated beside the certificates, in sentences about what is not so."""
    unknown = int(known.size - np.count_nonzero(known))
    corner = int(min(known.shape) > 1 and not known[-1, -1])
    for name, here in [("n_unknown", unknown), ("n_undetermined", corner)]:
        if getattr(result, name) != here:
            yield f"{name} is {here}, recorded was {getattr(result, name)}"
    objective = float(np.ldexp(found.objective, found.exponent))
    apart = abs(np.ldexp(result.objective, -found.exponent) - found.objective)
    agree = apart <= found.objective_rounding or result.objective == objective
    if not (agree and math.isfinite(found.objective)):
        yield f"objective is {objective:.17g}, recorded was {result.objective:.17g}"
    bound = float(np.ldexp(found.lower_bound, found.exponent))
    above = np.ldexp(result.lower_bound, -found.exponent) - found.lower_bound
    if not (above <= found.bound_rounding or result.lower_bound <= bound):
        yield f"lower_bound is {bound:.17g}, recorded was {result.lower_bound:.17g}"
    if not result.gap >= found.gap - found.gap_rounding:
        yield f"gap is {found.gap:.6g}, recorded was {result.gap:.6g}"


def _changed(given: Floats, known: Mask, answer: Floats) -> int:
    """Return how many known values differ in a bit (so -0 and 0 do)."""
    differ = given.view(np.int64) != answer.view(np.int64)
    return int(np.count_nonzero(differ & known))


def _terms(m: int, n: int) -> list[Integers]:
    """Return the pixel of each term and the others of which it is subtracted, as flat numbers."""
    pixel = np.arange(m * n).reshape(m, n)
    if min(m, n) == 1:
        return [pixel.ravel()[:-1], pixel.ravel()[1:]]
    return [part.ravel() for part in (pixel[:-1, :-1], pixel[1:, :-1], pixel[:-1, 1:])]


def _dual_shape(image: Image, dual: Floats) -> tuple[int, int, int]:
    """Return (terms, channels, differences) after a check of the layout."""
    channels, m, n = image.planar.shape
    colour = () if image.gray else (channels,)
    line = min(m, n) == 1
    expected = (max(m, n) - 1, *colour) if line else (m - 1, n - 1, *colour, 2)
    if dual.shape != expected:
        raise CertificateError(f"dual has shape {dual.shape}, expected {expected}")
    return (max(m, n) - 1, channels, 1) if line else ((m - 1) * (n - 1), channels, 2)


def _single(channels: int) -> list[slice]:
    return [slice(c, c + 1) for c in range(channels)]


def _scaled(pixels: Floats, *, corner: bool) -> tuple[Floats, int]:
    """Return (v, e) so that 2^e v has the differences of `pixels` (2, C, N), those of v below 1.

    Values of v are no more than 2^54, because they differ in their last bits at least.
    """
    values = pixels.copy()
    if corner:  # it is in no term
        values[..., -1] = values[..., -2]
    spread = np.ptp(values, axis=(0, 2))
    values[:, spread == 0] = 0.0  # however large: it must not make the other channels vanish
    largest = min(float(spread.max()), np.finfo(np.float64).max)
    exponent = int(np.frexp(largest)[1]) + 1 if math.isfinite(largest) else 0
    return np.ldexp(values, -exponent), exponent


def _differences(u: Floats, terms: list[Integers]) -> Floats:
    """Return Du, (channels, differences, terms)."""
    first = u[:, terms[0]]
    return np.stack([u[:, other] - first for other in terms[1:]], axis=1)


def _variation(differences: Floats) -> float:
    return _sum(np.sqrt((differences**2).sum(axis=(0, 1))))


def _boxes(f: Floats, known: Mask, terms: list[Integers]) -> tuple[Floats, Floats]:
    """Return the ends of the box of each pixel: f where it is known."""
    pairs = list(itertools.permutations(terms, 2))
    ties = [(a[both], b[both]) for a, b in pairs for both in [~(known[a] | known[b])]]
    row, column = (np.concatenate(ends) for ends in zip(*ties, strict=True))
    graph = coo_array((np.ones(row.size, np.int8), (row, column)), shape=(known.size, known.size))
    count, region = connected_components(graph, directed=False)

    low, high = f.copy(), f.copy()
    for c, values in enumerate(f):
        least, most = np.full(count, np.inf), np.full(count, -np.inf)
        for a, b in pairs:
            border = known[a] & ~known[b]
            np.minimum.at(least, region[b[border]], values[a[border]])
            np.maximum.at(most, region[b[border]], values[a[border]])
        alone = least > most  # no known neighbour: the constant 0 is as good as any
        least[alone] = most[alone] = 0.0
        low[c, ~known] = least[region[~known]]
        high[c, ~known] = most[region[~known]]
    return low, high


def _bound(p: Floats, c: Floats, w: Floats, terms: list[Integers]) -> tuple[float, float]:
    """Return the bound that the terms of one group of channels give, and the guard in it."""
    peak = np.abs(p).max(initial=0.0)
    if not math.isfinite(peak):
        return 0.0, 0.0  # proves nothing but that a total variation is not negative
    shift = max(0, int(np.frexp(peak)[1]))
    p = np.ldexp(p, -shift)
    length = float(np.sqrt((p**2).sum(axis=(0, 1)).max(initial=0.0)))
    s = max(math.ldexp(1.0, -shift), length * (1 + (len(p) + 3) * UNIT))

    products = p * _differences(c, terms)
    r, entries = np.zeros_like(c), np.zeros_like(c)
    for channel, field in enumerate(p):
        for other, component in zip(terms[1:], field, strict=True):
            for pixels, values in [(other, component), (terms[0], -component)]:
                r[channel] += np.bincount(pixels, values, c.shape[1])
                entries[channel] += np.bincount(pixels, np.abs(values), c.shape[1])
    guard = _GUARD * UNIT * (_sum(np.abs(products)) + _sum(w * entries))
    value = _sum(products) - _sum(w * np.abs(r))
    return max(0.0, (value - guard) / s), guard / s


def _sum(values: Floats) -> float:
    """Return the sum with two roundings: of its block, and of the whole."""
    flat = values.ravel()
    blocks = (flat[begin : begin + _BLOCK] for begin in range(0, flat.size, _BLOCK))
    return math.fsum(math.fsum(block.tolist()) for block in blocks)
