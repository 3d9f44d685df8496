"""The neural-network kernels in NumPy: an interpreter of the program, losses, optimiser steps."""

from minimand.reference.neural_network.checks import gram_norms, losses_around
from minimand.reference.neural_network.kernels import (
    backward,
    evaluate,
    forward,
    loss_and_gradient,
    train_steps,
)
from minimand.reference.neural_network.updates import update

__all__ = [
    "backward",
    "evaluate",
    "forward",
    "gram_norms",
    "loss_and_gradient",
    "losses_around",
    "train_steps",
    "update",
]
