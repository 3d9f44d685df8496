"""NumPy mirror of the ellipsoid kernels, written to be read.

Signatures, in-out arguments and return values are those of the compiled module
``minimand._core.ellipsoid``. Nothing is checked here and nothing is tuned.
"""

from minimand.reference.ellipsoid.axes import principal_axes
from minimand.reference.ellipsoid.interior_point import interior_point_start, interior_point_steps
from minimand.reference.ellipsoid.passes import column_ranges, distance_pass, extreme_points

__all__ = [
    "column_ranges",
    "distance_pass",
    "extreme_points",
    "interior_point_start",
    "interior_point_steps",
    "principal_axes",
]
