"""Numerical derivatives with errors, Taylor models with bounds, kinds of stationary points."""

from minimand.derivatives.check import GradientCheck, check_gradient
from minimand.derivatives.derivative import derivative
from minimand.derivatives.gradient import gradient, jacobian
from minimand.derivatives.hessian import hessian
from minimand.derivatives.result import DerivativeResult
from minimand.derivatives.stationary import StationaryPoint, classify_stationary_point
from minimand.derivatives.taylor import taylor_model
from minimand.derivatives.taylor_result import ModelMinimizer, TaylorModel

__all__ = [
    "DerivativeResult",
    "GradientCheck",
    "ModelMinimizer",
    "StationaryPoint",
    "TaylorModel",
    "check_gradient",
    "classify_stationary_point",
    "derivative",
    "gradient",
    "hessian",
    "jacobian",
    "taylor_model",
]
