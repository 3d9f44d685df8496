"""An upper bound on the largest singular value that no rounding can break."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.iterate import interruptible

Floats = NDArray[np.float64]

GRAM_STEPS = 10
_U = 2.0**-53


def spectral_norm_bound(W: Floats, compiled: Any, threads: int) -> float:
    """Return b >= ||W||_2 by Gram iteration: above it by 1e-12 or so, at worst by n^(1/2048).

    G_0 = W; H = G_i / t_i with t_i = ||G_i||_F; G_{i+1} = H'H. As ||G_i||_2^2 = t_i^2
    ||G_{i+1}||_2, the Frobenius norm of the last one bounds the first one's 2-norm, and the excess
    is squared away (Delattre, Barthelemy, Araujo, Allauzen, ICML 2023). On the way back every
    operation is charged with what it may have rounded: a product of m terms with gamma_m =
    m u / (1 - m u) (Higham, Accuracy and Stability of Numerical Algorithms, 2002, 3.5).
    """
    largest = float(np.abs(W).max(initial=0.0))
    if largest == 0.0:
        return 0.0
    exponent = math.frexp(largest)[1]
    scaled = np.ascontiguousarray(np.ldexp(W if W.shape[0] >= W.shape[1] else W.T, -exponent))
    m, n = scaled.shape
    norms = np.empty(GRAM_STEPS + 1)
    work = np.empty(m * n + n * n)
    flops = float(m) * n * n + GRAM_STEPS * float(n) ** 3
    interruptible(flops, compiled.gram_norms, scaled, norms, work, threads)
    bound = norms[-1] * (1.0 + _gamma(n * n + 2))
    for i in reversed(range(GRAM_STEPS)):
        rows = m if i == 0 else n
        size = 1.0 + _gamma(rows * n + 8)  # at least ||H||_F
        product = (bound + _gamma(rows) * size**2) * (1.0 + 4.0 * _U)
        bound = norms[i] * (math.sqrt(product) + 2.0 * _U * size) * (1.0 + 8.0 * _U)
    # What a subnormal entry of the scaled matrix has lost is below 2^-1074 each.
    return math.ldexp(bound + 2.0**-1000, exponent)


def _gamma(terms: int) -> float:
    return terms * _U / (1.0 - terms * _U)
