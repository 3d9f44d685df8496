"""One primal-dual Newton iteration on one component.

Chan, Golub, Mulet, SIAM J. Sci. Comput. 20 (1999) 1964, 10.1137/S1064827596299767; the symmetrised
matrix as in Andersen, Christiansen, Conn, Overton, SIAM J. Sci. Comput. 22 (2000) 243,
10.1137/S1064827598343954.
"""

import numpy as np

from minimand.reference.inpainting.component import Component, differences_of_corners
from minimand.reference.inpainting.variation import Array, norms, squared_norms

HALVINGS = 30


def iterate(part: Component, image: Array, dual: Array, beta: float) -> float:
    """Move u and p of a component; return the smaller one of the two step lengths."""
    g = differences_of_corners(part.corners_of(image))
    p = part.terms_of(dual)
    eta = np.sqrt(squared_norms(g) + beta**2)

    # D_U'M D_U delta = -D_U'(g/eta)
    M = newton_matrix(g, p, eta)
    delta = part.solve(M, 1.0 / eta, part.gather(-g / eta))

    # q = g/eta + M D_U delta has D_U'q = 0
    change = part.spread(delta)
    q = g / eta + np.einsum("rse,se->re", M, change.reshape(len(M), -1)).reshape(g.shape)
    dual_step = min(1.0, 0.99 * longest_step(p, q - p))
    part.put_terms(dual, p + dual_step * (q - p))

    def smoothed(step: float) -> float:
        return float(np.sqrt(squared_norms(g + step * change) + beta**2).sum())

    steps = [0.5**k for k in range(HALVINGS + 1)]
    bound = eta.sum() * (1.0 + 1e-12)
    primal_step = next((step for step in steps if smoothed(step) <= bound), 0.0)
    part.put_pixels(image, part.pixels_of(image) + primal_step * delta)
    return min(primal_step, dual_step)


def newton_matrix(g: Array, p: Array, eta: Array) -> Array:
    """M_e = (I - (p g' + g p')/(2 eta))/eta for every term: (2 channels, 2 channels, E).

    It is positive definite, since |p_e| <= 1 and |g_e| < eta_e.
    """
    G, P = g.reshape(-1, eta.size), p.reshape(-1, eta.size)
    products = P[:, np.newaxis] * G
    identity = np.eye(len(G))[:, :, np.newaxis]
    matrix: Array = (identity - (products + products.swapaxes(0, 1)) / (2.0 * eta)) / eta
    return matrix


def longest_step(p: Array, e: Array) -> float:
    """max{a : |p + a e| <= 1 in every term}, for |p| <= 1; infinity for e = 0.

    The positive root of A a^2 + 2 b a - s = 0 with A = |e|^2, b = <p, e>, s = 1 - |p|^2, in the
    form that does not cancel.
    """
    A, b = squared_norms(e), np.sum(p * e, axis=(0, 1))
    s = np.maximum(0.0, 1.0 - norms(p) ** 2)
    root = np.sqrt(b**2 + A * s)
    steps = np.where(b > 0.0, s / (b + root), (root - b) / A)
    return float(np.min(steps[A > 0.0], initial=np.inf))
