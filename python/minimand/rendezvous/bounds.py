"""Bounds on inputs, in the units of the solver or of the user."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats

Bounds = tuple[Floats | None, Floats | None]


def lengths(inputs: Floats, norm: str) -> Floats:
    """Return what a bound belongs to: |u| of components (T, m), or of whole inputs (T,)."""
    if norm == "inf":
        return np.abs(inputs)
    largest = np.abs(inputs).max(axis=1)
    exponent = np.where(largest > 0, np.frexp(largest)[1], 0)
    scaled = np.ldexp(inputs, -exponent[:, np.newaxis])
    return np.asarray(np.ldexp(np.sqrt(np.sum(scaled * scaled, axis=1)), exponent))


def cut(inputs: Floats, bound: Floats | None, norm: str, *, inside: bool = False) -> Floats:
    """Return the inputs with lengths of at most `bound`.

    With `inside` two roundings below it, so that nobody who measures them finds more.
    """
    if bound is None:
        return inputs
    if norm == "inf":
        return np.clip(inputs, -bound, bound)
    size = lengths(inputs, norm)
    over = size > bound * (1 - 2.0**-51) if inside else size > bound
    target = bound * (1 - 2.0**-51) if inside else bound
    share = np.where(over, target / np.where(over & (size > 0), size, 1.0), 1.0)
    return inputs * share[:, np.newaxis]


def conjugate(y: tuple[Floats, Floats], bounds: Bounds, norm: str) -> float:
    """Return the sum of max 2 y'w - |w|^2 over inputs w within their bounds."""
    total = 0.0
    for part, bound in zip(y, bounds, strict=True):
        w = cut(part, bound, norm)
        total += float(np.sum(w * (2 * part - w)))
    return total


def thrust_of(inputs: tuple[Floats, Floats], bounds: Bounds, norm: str) -> float:
    """Return the longest input in units of its bound; 0 where all are free."""
    longest = 0.0
    for part, bound in zip(inputs, bounds, strict=True):
        if bound is not None:
            size = lengths(part, norm)
            ratio = np.divide(size, bound, out=np.zeros_like(size), where=bound > 0)
            ratio[(bound == 0) & (size > 0)] = np.inf
            longest = max(longest, float(ratio.max()))
    return longest
