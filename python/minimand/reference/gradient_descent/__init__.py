"""Descent on built-in objectives, in NumPy written to be read."""

from minimand.reference.gradient_descent.kernels import descent_steps, value_gradient

__all__ = ["descent_steps", "value_gradient"]
