"""Differences of an image, their adjoint, the objective and the lower bound of a dual field."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


def as_planes(stacked: Array, channels: int) -> Array:
    """View of a stacked image as (channels, m, n)."""
    return stacked.reshape(channels, -1, stacked.shape[1])


def as_terms(dual: Array, channels: int) -> Array:
    """View of a stacked dual field as (channels, 2, m-1, n-1): vertical, horizontal."""
    return dual.reshape(channels, 2, -1, dual.shape[1])


def differences(u: Array) -> Array:
    """D u, (channels, 2, m-1, n-1), of the planes u (channels, m, n)."""
    corner = u[:, :-1, :-1]
    return np.stack([u[:, 1:, :-1] - corner, u[:, :-1, 1:] - corner], axis=1)


def adjoint(p: Array, corner: float = -1.0) -> Array:
    """Return r = D'p, planes (channels, m, n) with <Du, p> = <u, r> for every u.

    ``corner`` = 1 takes the absolute values of the entries of D instead.
    """
    channels, _, rows, columns = p.shape
    r = np.zeros((channels, rows + 1, columns + 1))
    r[:, 1:, :-1] += p[:, 0]
    r[:, :-1, 1:] += p[:, 1]
    r[:, :-1, :-1] += corner * (p[:, 0] + p[:, 1])
    return r


def squared_norms(g: Array) -> Array:
    """|g_e|^2 of every term, over both differences of all channels."""
    squares: Array = np.sum(g**2, axis=(0, 1))
    return squares


def norms(g: Array) -> Array:
    """|g_e| of every term."""
    return np.sqrt(squared_norms(g))


def total_variation_sum(image: Array, channels: int, joint: bool, threads: int) -> float:
    """TV(u), with one norm over all channels (``joint``) or the sum over the channels."""
    u = as_planes(image, channels)
    if joint:
        return float(norms(differences(u)).sum())
    return float(sum(norms(differences(plane[np.newaxis])).sum() for plane in u))


@np.errstate(all="ignore")
def evaluate_bounds(
    image: Array, dual: Array, low: Array, high: Array, channels: int, sums: Array, threads: int
) -> None:
    """Evaluate an image u in its box and a dual field p.

    With the middle c of the box, w = max(high - c, c - low) and r = D'p, ``sums`` gets

        upper  = TV(u)                  centre = sum_e <p_e, (Dc)_e>
        slack  = sum_i w_i |r_i|        norm   = max_e |p_e|
        weight = sum_e (|px Dxc| + |py Dyc|) + sum_i w_i a_i,  a = |D|'|p|

    in the order upper, centre, slack, weight, norm. As <p, Du> = <p, Dc> + <r, u - c>, no image in
    the box has less variation than (centre - slack)/max(1, norm); ``weight`` is what the rounding
    errors of that bound are relative to.
    """
    u, p = as_planes(image, channels), as_terms(dual, channels)
    c, w = middle_and_width(as_planes(low, channels), as_planes(high, channels))
    products = p * differences(c)
    sums[0] = norms(differences(u)).sum()
    sums[1] = products.sum()
    sums[2] = np.sum(w * np.abs(adjoint(p)))
    sums[3] = np.abs(products).sum() + np.sum(w * adjoint(np.abs(p), corner=1.0))
    sums[4] = norms(p).max()


def middle_and_width(low: Array, high: Array) -> tuple[Array, Array]:
    """Middle c of the box, and the distance w = max(high - c, c - low) to its ends."""
    c = 0.5 * (low + high)
    return c, np.maximum(high - c, c - low)
