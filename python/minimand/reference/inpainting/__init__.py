"""NumPy mirror of the in-painting kernels, written to be read.

Signatures, in-out arguments and return values are those of the compiled module
``minimand._core.inpainting``. Nothing is checked here and nothing is tuned.

Image and mask are m x n. The term (i, j), i < m-1, j < n-1, of the total variation

    TV(u) = sum_(i,j) |(u[i+1,j] - u[i,j], u[i,j+1] - u[i,j])|

ties the pixels (i,j), (i+1,j), (i,j+1). With several channels there is one norm over the
differences of all. Arrays are stacked planes: an image (channels m, n), a dual field
(channels 2 (m-1), n-1) with the vertical and the horizontal component of each channel.
``threads`` is accepted and ignored.
"""

from minimand.reference.inpainting.elimination import plan_elimination
from minimand.reference.inpainting.newton import newton_start, newton_steps, newton_work_size
from minimand.reference.inpainting.pdhg import pdhg_steps
from minimand.reference.inpainting.structure import (
    component_boxes,
    label_components,
    prepare,
)
from minimand.reference.inpainting.variation import evaluate_bounds, total_variation_sum

__all__ = [
    "component_boxes",
    "evaluate_bounds",
    "label_components",
    "newton_start",
    "newton_steps",
    "newton_work_size",
    "pdhg_steps",
    "plan_elimination",
    "prepare",
    "total_variation_sum",
]
