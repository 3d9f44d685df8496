"""Sawtooths over an interval, ternary covers of a box, and their bounds: the mirror in NumPy."""

from minimand.reference.global_search.boxes import (
    boxes_bound,
    boxes_divide,
    boxes_observe,
    hull_select,
    pop_least,
    quadratic,
)
from minimand.reference.global_search.line import line_insert, line_open

__all__ = [
    "boxes_bound",
    "boxes_divide",
    "boxes_observe",
    "hull_select",
    "line_insert",
    "line_open",
    "pop_least",
    "quadratic",
]
