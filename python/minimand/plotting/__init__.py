"""Pictures of results, one module per domain; they need matplotlib (`minimand[plot]`).

Every function draws on the axes `ax` that it is given, or on those of a new figure, and returns
them. matplotlib is imported when a picture is drawn, not before.
"""

from minimand.plotting import least_squares

__all__ = ["least_squares"]
