"""Over-relaxed, diagonally preconditioned primal-dual hybrid gradient steps."""

# ruff: noqa: ARG001 -- `threads` belongs to the signature of the compiled kernels

import numpy as np

from minimand.reference.inpainting.variation import (
    Array,
    adjoint,
    as_planes,
    as_terms,
    differences,
    norms,
)


def pdhg_steps(
    image: Array,
    dual: Array,
    low: Array,
    high: Array,
    tau: Array,
    sigma: Array,
    channels: int,
    relaxation: float,
    iterations: int,
    threads: int,
) -> None:
    """Do ``iterations`` steps on the image u and the dual field p, in place.

        v = clip(u - tau D'p, low, high)        q = p + sigma D(2v - u),  q_e /= max(1, |q_e|)
        (u, p) += relaxation ((v, q) - (u, p))

    The last step is not relaxed: it ends at (v, q), in the box and in the unit balls.

    Sources: Chambolle, Pock, J. Math. Imaging Vis. 40 (2011) 120; Condat, J. Optim. Theory Appl.
    158 (2013) 460 for the relaxation.
    """
    u, p = as_planes(image, channels), as_terms(dual, channels)
    least, greatest = as_planes(low, channels), as_planes(high, channels)
    for iteration in range(iterations):
        v = np.clip(u - tau * adjoint(p), least, greatest)
        q = p + sigma * differences(2.0 * v - u)
        q /= np.maximum(1.0, norms(q))
        if iteration == iterations - 1:
            u[...], p[...] = v, q
        else:
            u += relaxation * (v - u)
            p += relaxation * (q - p)
