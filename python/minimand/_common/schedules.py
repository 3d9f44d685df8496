"""Learning rates that fall: the factor of every update by its number, t = 1, 2, ..."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import (
    nonnegative_float,
    nonnegative_int,
    one_of,
    positive_float,
    positive_int,
)

Kind = Literal["constant", "inverse_time", "power", "step"]
Per = Literal["update", "epoch"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the learning rate of update t = 1, 2, ... falls; made by one of four methods.

    The rate is `lr` times

        constant        1
        inverse_time    1 / (1 + decay s)
        power           s ** -exponent
        step            factor ** floor(s / every)

    with s = t - max(hold, 1) + 1, but at least 1: the first `hold` rates are equal. With
    per="epoch", t counts epochs instead of updates.

    For stochastic gradients the theory (Robbins, Monro, Ann. Math. Statist. 22 (1951) 400) wants
    rates whose sum is infinite and whose squares have a finite sum; `sum_is_infinite` and
    `squares_are_summable` tell whether that is so.

    Attributes
    ----------
    kind : str
        "constant", "inverse_time", "power" or "step".
    parameter : float
        The decay, the exponent or the factor.
    every : int
        Length of a step.
    hold : int
        How many rates stay at the first value.
    per : str
        "update" or "epoch".

    Examples
    --------
    >>> from minimand import Schedule
    >>> Schedule.inverse_time(0.5).factors(1, 4).round(3)
    array([0.667, 0.5  , 0.4  , 0.333])
    >>> Schedule.step(0.1, every=2, hold=3).factors(1, 6)
    array([1.  , 1.  , 1.  , 0.1 , 0.1 , 0.01])
    """

    kind: Kind = "constant"
    parameter: float = 0.0
    every: int = 1
    hold: int = 0
    per: Per = "update"

    def __post_init__(self) -> None:
        one_of("kind", self.kind, ("constant", "inverse_time", "power", "step"))
        one_of("per", self.per, ("update", "epoch"))
        positive_int("every", self.every)
        nonnegative_int("hold", self.hold)
        if self.kind == "inverse_time":
            positive_float("decay", self.parameter)
        elif self.kind == "power":
            exponent = positive_float("exponent", self.parameter)
            if not 0.5 < exponent <= 1.0:
                raise ValueError(
                    f"exponent is {exponent:g}, expected 1/2 < exponent <= 1: the sum of the rates "
                    "must be infinite, that of their squares finite"
                )
        elif self.kind == "step":
            factor = nonnegative_float("factor", self.parameter)
            if not 0.0 < factor < 1.0:
                raise ValueError(f"factor is {factor:g}, expected 0 < factor < 1")

    @classmethod
    def constant(cls) -> Schedule:
        """Return the rate that stays as it is."""
        return cls("constant")

    @classmethod
    def inverse_time(cls, decay: float, *, hold: int = 0, per: Per = "update") -> Schedule:
        """Return lr / (1 + decay t)."""
        return cls("inverse_time", decay, hold=hold, per=per)

    @classmethod
    def power(cls, exponent: float = 0.6, *, hold: int = 0, per: Per = "update") -> Schedule:
        """Return lr / t^exponent with 1/2 < exponent <= 1."""
        return cls("power", exponent, hold=hold, per=per)

    @classmethod
    def step(cls, factor: float, *, every: int, hold: int = 0, per: Per = "update") -> Schedule:
        """Return lr factor^floor(t / every): it falls at once every so many updates."""
        return cls("step", factor, every, hold, per)

    @property
    def sum_is_infinite(self) -> bool:
        """Whether the sum of the rates is infinite, so that no start is too far away."""
        return self.kind != "step"

    @property
    def squares_are_summable(self) -> bool:
        """Whether the sum of the squared rates is finite, so that the noise does not last."""
        return self.kind != "constant"

    def factors(self, first: int, count: int, per_epoch: int = 1) -> NDArray[np.float64]:
        """Return the factors of updates first, ..., first + count - 1, counted from 1.

        `per_epoch` is the number of updates in an epoch; only per="epoch" needs it.
        """
        t = np.arange(first, first + count, dtype=np.float64)
        if self.per == "epoch":
            t = np.floor((t - 1.0) / per_epoch) + 1.0
        s = np.maximum(t - max(self.hold, 1) + 1.0, 1.0)
        if self.kind == "inverse_time":
            return np.asarray(1.0 / (1.0 + self.parameter * s))
        if self.kind == "power":
            return np.asarray(s**-self.parameter)
        if self.kind == "step":
            return np.asarray(self.parameter ** np.floor(s / self.every))
        return np.ones_like(s)
