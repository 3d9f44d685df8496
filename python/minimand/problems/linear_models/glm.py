"""Logistic and Poisson problems whose maximum is known, or known not to exist.

- `table`: one parameter for each group, so that the fit is in closed form; groups without events,
  or (logistic) with nothing else, are separated;
- `exact_fit`: any X and any coefficients; the targets are their means, where the gradient vanishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import one_of

Array: TypeAlias = NDArray[np.float64]

_FAMILIES = ("logistic", "poisson")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GlmProblem:
    """A logistic or Poisson problem with a constant term.

    Attributes
    ----------
    family
        "logistic" or "poisson".
    X, y, weights, exposure
        The data, read-only; the last two may be None.
    coef, intercept
        The maximum; where there is none, its limit: 0 in columns that go to infinity.
    infinite
        The sign with which each coefficient goes to infinity, 0 where it does not.
    separated
        Rows on which the likelihood only grows.
    """

    family: str
    X: Array
    y: Array
    weights: Array | None = None
    exposure: Array | None = None
    coef: Array
    intercept: float
    infinite: Array
    separated: NDArray[np.bool_]

    def __post_init__(self) -> None:
        arrays = (self.X, self.y, self.weights, self.exposure, self.coef, self.infinite)
        for array in (*arrays, self.separated):
            if array is not None:
                array.setflags(write=False)

    @property
    def data(self) -> dict[str, Array]:
        """The keyword arguments that hold data."""
        pairs = {"weights": self.weights, "exposure": self.exposure}
        return {name: value for name, value in pairs.items() if value is not None}


def table(
    family: str, events: Sequence[float], sizes: Sequence[float], *, repeat: int = 1
) -> GlmProblem:
    """Return groups with a level each; the first, which must have a maximum, is the base line.

    Parameters
    ----------
    family
        "logistic": `events` of `sizes` trials. "poisson": `events` in the exposure `sizes`.
    events, sizes
        One entry for each group.
    repeat
        How many rows share a group.

    Examples
    --------
    >>> from minimand.problems.linear_models.glm import table
    >>> table("poisson", [2, 6], [1, 1]).coef.round(6)
    array([1.098612])
    """
    one_of("family", family, _FAMILIES)
    count, size = np.asarray(events, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    k = count.size
    group = np.repeat(np.arange(k), repeat)
    X = (group[:, None] == np.arange(1, k)).astype(np.float64)
    with np.errstate(divide="ignore"):
        rest = size - count if family == "logistic" else size
        level = np.log(count) - np.log(rest)
    finite = np.isfinite(level)
    infinite = np.where(finite, 0.0, np.sign(level))[1:]
    coef = np.where(finite[1:], np.where(finite, level, 0.0)[1:] - level[0], 0.0)
    logistic = family == "logistic"
    return GlmProblem(
        family=family,
        X=X,
        y=(count / size if logistic else count)[group],
        weights=size[group] / repeat if logistic else None,
        exposure=None if logistic else size[group],
        coef=coef,
        intercept=float(level[0]),
        infinite=infinite,
        separated=~finite[group],
    )


def exact_fit(
    family: str, m: int, n: int, *, scales: Sequence[float] = (1.0,), seed: int = 0
) -> GlmProblem:
    """Return targets that are the means of a known model: shares of successes, or counts.

    Parameters
    ----------
    family
        "logistic" or "poisson".
    m, n
        Rows and columns.
    scales
        Units of the columns, repeated as needed.
    seed
        Of the generator.
    """
    one_of("family", family, _FAMILIES)
    rng = np.random.default_rng(seed)
    unit = np.resize(np.asarray(scales, dtype=np.float64), n)
    X = rng.standard_normal((m, n)) * unit
    coef, intercept = rng.standard_normal(n) / np.sqrt(n) / unit, 0.5
    eta = X @ coef + intercept
    return GlmProblem(
        family=family,
        X=X,
        y=1.0 / (1.0 + np.exp(-eta)) if family == "logistic" else np.exp(eta),
        weights=rng.integers(1, 5, m).astype(np.float64),
        coef=coef,
        intercept=intercept,
        infinite=np.zeros(n),
        separated=np.zeros(m, dtype=np.bool_),
    )
