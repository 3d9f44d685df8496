"""Primal-dual Newton, component by component, with a sparse direct solver.

The plan of the elimination only tells which pixels and terms a component has; the solver finds an
order of its own.
"""

# ruff: noqa: ARG001 -- all parameters belong to the signature of the compiled kernels

import numpy as np

from minimand.reference.inpainting.component import Component, Indices, differences_of_corners
from minimand.reference.inpainting.iteration import iterate, newton_matrix
from minimand.reference.inpainting.variation import Array, middle_and_width, norms

LEAST_BETA = 1e-13


def newton_work_size(fronts: Indices, component_front: Indices, channels: int, threads: int) -> int:
    """Return how many doubles ``work`` must have: here it is not used."""
    return 1


def newton_start(
    image: Array,
    low: Array,
    high: Array,
    delta: Array,
    channels: int,
    order: Indices,
    fronts: Indices,
    boundary: Indices,
    term_table: Indices,
    component_front: Indices,
    first: int,
    last: int,
    work: Array,
    threads: int,
) -> None:
    """Harmonic fill of components first..last-1: argmin sum_e |(Du)_e|^2, clipped to the box."""
    for c in range(first, last):
        part = Component(image.shape, channels, order, fronts, term_table, component_front, c)
        g = differences_of_corners(part.corners_of(image))
        ones = np.ones(part.size)
        identity = newton_matrix(g, np.zeros_like(g), ones)
        u = part.pixels_of(image) + part.solve(identity, ones, part.gather(-g))
        part.put_pixels(image, np.clip(u, part.pixels_of(low), part.pixels_of(high)))


@np.errstate(all="ignore")
def newton_steps(
    image: Array,
    dual: Array,
    best_image: Array,
    best_dual: Array,
    low: Array,
    high: Array,
    delta: Array,
    channels: int,
    order: Indices,
    fronts: Indices,
    boundary: Indices,
    term_table: Indices,
    component_front: Indices,
    first: int,
    last: int,
    state: Array,
    target: Array,
    max_iterations: int,
    work: Array,
    threads: int,
) -> None:
    """At most ``max_iterations`` iterations on each of the components first..last-1, in place.

    ``state[c]`` = beta, upper, lower, iterations, stalled. A component rests once it is stalled or
    upper - lower <= target[c]. ``upper`` is the variation of ``best_image``, ``lower`` the bound
    that ``best_dual`` gives, both over the terms of the component.
    """
    for c in range(first, last):
        part = Component(image.shape, channels, order, fronts, term_table, component_front, c)
        if np.isinf(state[c, 1]):  # the start
            state[c, 1:3] = assess(part, best_image, best_dual, low, high)
        for _ in range(max_iterations):
            beta, upper, lower, _, stalled = state[c]
            if stalled or upper - lower <= target[c]:
                break
            step = iterate(part, image, dual, beta)
            improved = keep_best(part, image, dual, best_image, best_dual, low, high, state[c])
            # Where nothing moves any more beta shrinks too, so that it ends.
            factor = 0.2 if step > 0.5 else 0.6 if step > 0.1 or not improved else 1.0
            state[c, 0] = max(LEAST_BETA, factor * beta)
            state[c, 3] += 1.0
            state[c, 4] = beta <= LEAST_BETA and not improved


def assess(
    part: Component, image: Array, dual: Array, low: Array, high: Array
) -> tuple[float, float]:
    """Return the variation of clip(u), and the bound that p proves.

    The bound is (sum_e <p_e, (Dc)_e> - sum_i w_i |r_i|)/max(1, max_e |p_e|), as in
    `evaluate_bounds`.
    """
    p = part.terms_of(dual)
    least, greatest = part.corners_of(low), part.corners_of(high)
    clipped = np.clip(part.corners_of(image), least, greatest)
    variation = norms(differences_of_corners(clipped)).sum()
    middle, _ = middle_and_width(least, greatest)
    _, width = middle_and_width(part.pixels_of(low), part.pixels_of(high))
    slack = np.sum(width * np.abs(part.gather(p)))
    centre = np.sum(p * differences_of_corners(middle))
    return float(variation), float((centre - slack) / max(1.0, norms(p).max()))


def keep_best(
    part: Component,
    image: Array,
    dual: Array,
    best_image: Array,
    best_dual: Array,
    low: Array,
    high: Array,
    state: Array,
) -> bool:
    """Keep clip(u) if it has less variation, p if its bound is greater; tell whether one is so.

    A change in the last digit is kept, but does not count as progress.
    """
    _, upper, lower, _, _ = state
    variation, bound = assess(part, image, dual, low, high)
    if variation < upper:
        u = np.clip(part.pixels_of(image), part.pixels_of(low), part.pixels_of(high))
        part.put_pixels(best_image, u)
        state[1] = variation
    if bound > lower:
        part.put_terms(best_dual, part.terms_of(dual))
        state[2] = bound
    return bool(variation < upper * (1.0 - 1e-15) or bound > lower + 1e-15 * abs(lower))
