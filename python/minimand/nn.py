"""Neural networks under a short name: all of `minimand.neural_network`."""

from minimand.neural_network import *  # noqa: F403
from minimand.neural_network import __all__ as __all__
