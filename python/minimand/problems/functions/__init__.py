"""Smooth test functions with their derivatives, constants, minima and stationary points.

One function returns one problem: `himmelblau()`, `rosenbrock(5)`. `catalogue()` returns them all,
by name, at their usual sizes.
"""

from minimand.problems.functions.function import SmoothFunction
from minimand.problems.functions.line import (
    cubic,
    heavy_ball_cycle,
    hyperbolic_tangent,
    newton_cycle,
    noisy_x_cos,
    quartic,
    wavy_parabola,
    x_cos,
)
from minimand.problems.functions.plane import (
    branin,
    himmelblau,
    mccormick,
    monkey_saddle,
    saddle,
    six_hump_camel,
)
from minimand.problems.functions.space import quadratic, rastrigin, rosenbrock

__all__ = [
    "SmoothFunction",
    "branin",
    "catalogue",
    "cubic",
    "heavy_ball_cycle",
    "himmelblau",
    "hyperbolic_tangent",
    "mccormick",
    "monkey_saddle",
    "newton_cycle",
    "noisy_x_cos",
    "quadratic",
    "quartic",
    "rastrigin",
    "rosenbrock",
    "saddle",
    "six_hump_camel",
    "wavy_parabola",
    "x_cos",
]


def catalogue() -> dict[str, SmoothFunction]:
    """Return all functions by their names.

    Examples
    --------
    >>> from minimand.problems.functions import catalogue
    >>> catalogue()["Himmelblau"].minimizers[0]
    array([3., 2.])
    """
    line = (wavy_parabola(), x_cos(), noisy_x_cos(), cubic(), quartic(), hyperbolic_tangent())
    cycles = (newton_cycle(), heavy_ball_cycle())
    plane = (saddle(), monkey_saddle(), himmelblau(), six_hump_camel(), branin(), mccormick())
    space = (rosenbrock(2), rastrigin(2), quadratic(4))
    return {problem.name: problem for problem in (*line, *cycles, *plane, *space)}
