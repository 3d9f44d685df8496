"""The ellipsoid of least volume around given points, with a proof that none is smaller."""

from minimand.ellipsoid.hull import DegeneratePointsError
from minimand.ellipsoid.min_volume import min_volume_ellipsoid
from minimand.ellipsoid.result import EllipsoidResult

__all__ = ["DegeneratePointsError", "EllipsoidResult", "min_volume_ellipsoid"]
