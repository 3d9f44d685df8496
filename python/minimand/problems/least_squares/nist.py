"""Linear-regression sets of the NIST Statistical Reference Datasets (StRD), by name.

Longley and Filip come with the package as files. NoInt2 and the Wampler sets are made from their
definition, and their solutions are exact.

Source: https://www.itl.nist.gov/div898/strd/ (public domain).
R. H. Wampler, J. Amer. Statist. Assoc. 65 (1970) 549.
"""

import math
from importlib import resources

import numpy as np

from minimand._common.arrays import one_of
from minimand.problems.least_squares.exact import exact_lstsq
from minimand.problems.least_squares.nist_file import parse_nist
from minimand.problems.least_squares.problem import (
    ATTAINABLE_DIGITS,
    UNIT_COLUMN_CONDITION,
    Array,
    NistProblem,
)

# Wampler's perturbation, orthogonal to all polynomials of degree 5 on 0, 1, ..., 20.
_HALF = [759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048]
_WAMPLER_DELTA = np.array([*_HALF, 2048, *reversed(_HALF)], dtype=np.float64)

_NAMES = ("Longley", "Filip", "NoInt2", *(f"Wampler{i}" for i in range(1, 6)))


def nist(name: str) -> NistProblem:
    """Return a NIST set by name, with the ones column explicit where the model has one.

    Parameters
    ----------
    name
        ``"Longley"``, ``"Filip"``, ``"NoInt2"`` or ``"Wampler1"`` to ``"Wampler5"``.

    Examples
    --------
    >>> from minimand.problems.least_squares import nist
    >>> nist("Longley").X.shape
    (16, 7)
    """
    one_of("name", name, _NAMES)
    if name in ("Longley", "Filip"):
        source = resources.files("minimand.problems").joinpath("data", f"{name}.dat")
        return parse_nist(source.read_bytes(), f"{name}.dat")
    if name == "NoInt2":
        return _made_set(name, np.array([[4.0], [5.0], [6.0]]), np.array([3.0, 4.0, 4.0]))

    X = np.vander(np.arange(21.0), 6, increasing=True)
    if name == "Wampler2":
        powers = np.arange(6.0)
        return _made_set(name, X, X @ 10.0 ** (5 - powers) / 1e5, coef=1.0 / 10.0**powers)
    factor = {"Wampler1": 0, "Wampler3": 1, "Wampler4": 100, "Wampler5": 10000}[name]
    return _made_set(name, X, X.sum(axis=1) + factor * _WAMPLER_DELTA)


def _made_set(name: str, X: Array, y: Array, coef: Array | None = None) -> NistProblem:
    """Return a set made from its definition; ``coef`` if given fits, but for the rounding of y."""
    m, n = X.shape
    exact = exact_lstsq(X, y)
    variance = exact.squares / (m - n) if coef is None else 0
    return NistProblem(
        name=name,
        X=X,
        y=y,
        coef=exact.coef if coef is None else coef,
        rank=n,
        condition=UNIT_COLUMN_CONDITION[name],
        leading_ones=n > 1,
        standard_error=np.sqrt([float(variance * v) for v in exact.variances]),
        residual_sd=math.sqrt(variance),
        attainable_digits=ATTAINABLE_DIGITS.get(name, 15.0),
    )
