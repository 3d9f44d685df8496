"""Minibatch stochastic gradient descent for linear models, with a duality gap."""

from minimand.sgd.loops import LoopComparison, compare_loops
from minimand.sgd.result import SGDProgress, SGDResult
from minimand.sgd.solve import sgd

__all__ = ["LoopComparison", "SGDProgress", "SGDResult", "compare_loops", "sgd"]
