"""Descent with its guarantees checked while it runs; constants; measured rates."""

from minimand.gradient_descent.constants import (
    LipschitzConstant,
    gradient_lipschitz_constant,
    lipschitz_constant,
)
from minimand.gradient_descent.descent import gradient_descent
from minimand.gradient_descent.newton import newton
from minimand.gradient_descent.newton_result import NewtonResult
from minimand.gradient_descent.objectives import LeastSquares, Logistic, Objective, Quadratic
from minimand.gradient_descent.rate import Rate, convergence_rate
from minimand.gradient_descent.result import DescentResult

__all__ = [
    "DescentResult",
    "LeastSquares",
    "LipschitzConstant",
    "Logistic",
    "NewtonResult",
    "Objective",
    "Quadratic",
    "Rate",
    "convergence_rate",
    "gradient_descent",
    "gradient_lipschitz_constant",
    "lipschitz_constant",
    "newton",
]
