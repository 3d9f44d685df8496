"""The two implementations of every kernel: compiled and NumPy."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Literal

from minimand._common.arrays import one_of

Backend = Literal["cpp", "numpy"]

# In the order of the demo and of the documentation.
DOMAINS = (
    "least_squares",
    "linear_models",
    "pca",
    "inpainting",
    "ellipsoid",
    "rendezvous",
    "tsp",
    "neural_network",
    "sgd",
    "derivatives",
    "gradient_descent",
    "global_search",
)

_PACKAGES = {"cpp": "minimand._core", "numpy": "minimand.reference"}


def kernels(domain: str, backend: str) -> ModuleType:
    """Return the kernels of `domain` (or of "random"): the same names on both backends."""
    package = _PACKAGES[one_of("backend", backend, tuple(_PACKAGES))]
    return import_module(f"{package}.{domain}")
