"""The optimisers, described; g is the gradient of a batch, with l2 W added for the weights W.

The L1 penalty is not part of g: after each step every weight moves towards zero by its own rate
times l1, and stays there when it arrives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import boolean, fraction, one_of, positive_float, positive_int
from minimand._common.conversion import wrong_type
from minimand._common.schedules import Schedule


@dataclass(frozen=True, slots=True)
class Optimizer:
    """Base of all optimisers."""

    def rates(self, first: int, count: int, per_epoch: int) -> NDArray[np.float64]:
        """Return the learning rates of updates first, first + 1, ..., counted from 1."""
        schedule: Schedule = getattr(self, "schedule", None) or Schedule.constant()
        lr: float = self.lr  # type: ignore[attr-defined]
        return lr * schedule.factors(first, count, per_epoch)

    @property
    def code(self) -> int:
        """Its number in the kernels."""
        raise NotImplementedError

    @property
    def moments(self) -> int:
        """How many numbers it keeps for each parameter."""
        raise NotImplementedError

    @property
    def hyper(self) -> tuple[float, float, float, float]:
        """Its own numbers, as the kernels take them."""
        raise NotImplementedError


def _check(lr: float, schedule: object) -> None:
    positive_float("lr", lr)
    if schedule is not None and not isinstance(schedule, Schedule):
        raise wrong_type("schedule", schedule, "a minimand.Schedule or None")


def _below_one(name: str, value: float) -> float:
    number = fraction(name, value)
    if number == 1.0:
        raise ValueError(f"{name} is {value}, expected a number at least 0 and below 1")
    return number


@dataclass(frozen=True, slots=True)
class SGD(Optimizer):
    """v = momentum v + g, theta -= lr v; Nesterov's: theta -= lr (g + momentum v).

    Parameters
    ----------
    lr : float
        The learning rate; with momentum the steps add up to lr / (1 - momentum).
    momentum : float
        At least 0 and below 1.
    nesterov : bool
        Which of the two.
    schedule : Schedule, optional
        `Schedule.constant()` (also without one), `.inverse_time(...)`, `.power(...)` or
        `.step(...)`.
    """

    lr: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    schedule: Schedule | None = None

    def __post_init__(self) -> None:
        _check(self.lr, self.schedule)
        _below_one("momentum", self.momentum)
        if boolean("nesterov", self.nesterov) and self.momentum == 0.0:
            raise ValueError("nesterov is True but momentum is 0, expected a momentum above 0")

    @property
    def code(self) -> int:
        """Its number in the kernels."""
        return 0

    @property
    def moments(self) -> int:
        """How many numbers it keeps for each parameter."""
        return 1 if self.momentum > 0.0 else 0

    @property
    def hyper(self) -> tuple[float, float, float, float]:
        """Its own numbers, as the kernels take them."""
        return (self.momentum, float(self.nesterov), 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Adagrad(Optimizer):
    """s += g^2, theta -= lr g / (sqrt(s) + epsilon) (Duchi, Hazan, Singer 2011).

    Parameters
    ----------
    lr, epsilon : float
        As in the formula.
    schedule : Schedule, optional
        As in `SGD`.
    """

    lr: float = 0.01
    epsilon: float = 1e-10
    schedule: Schedule | None = None

    def __post_init__(self) -> None:
        _check(self.lr, self.schedule)
        positive_float("epsilon", self.epsilon)

    @property
    def code(self) -> int:
        """Its number in the kernels."""
        return 1

    @property
    def moments(self) -> int:
        """How many numbers it keeps for each parameter."""
        return 1

    @property
    def hyper(self) -> tuple[float, float, float, float]:
        """Its own numbers, as the kernels take them."""
        return (self.epsilon, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class RMSProp(Optimizer):
    """s = decay s + (1 - decay) g^2, theta -= lr g / (sqrt(s) + epsilon) (Hinton 2012).

    Parameters
    ----------
    lr, decay, epsilon : float
        As in the formulas.
    schedule : Schedule, optional
        As in `SGD`.
    """

    lr: float = 0.001
    decay: float = 0.9
    epsilon: float = 1e-8
    schedule: Schedule | None = None

    def __post_init__(self) -> None:
        _check(self.lr, self.schedule)
        _below_one("decay", self.decay)
        positive_float("epsilon", self.epsilon)

    @property
    def code(self) -> int:
        """Its number in the kernels."""
        return 2

    @property
    def moments(self) -> int:
        """How many numbers it keeps for each parameter."""
        return 1

    @property
    def hyper(self) -> tuple[float, float, float, float]:
        """Its own numbers, as the kernels take them."""
        return (self.decay, self.epsilon, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Adam(Optimizer):
    """Steps by running means of g and g^2, both corrected for their start (Kingma, Ba 2015).

    m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
    theta -= lr m^ / (sqrt(v^) + epsilon) with m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t).

    Parameters
    ----------
    lr, beta1, beta2, epsilon : float
        As in the formulas.
    epsilon_is : {"after", "before"}
        Whether epsilon is added to the corrected sqrt(v^), as in the paper's algorithm, or to
        sqrt(v) with the correction in the rate, as scikit-learn does.
    schedule : Schedule, optional
        As in `SGD`.
    """

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_is: str = "after"
    schedule: Schedule | None = None

    def __post_init__(self) -> None:
        _check(self.lr, self.schedule)
        _below_one("beta1", self.beta1)
        _below_one("beta2", self.beta2)
        positive_float("epsilon", self.epsilon)
        one_of("epsilon_is", self.epsilon_is, ("after", "before"))

    @property
    def code(self) -> int:
        """Its number in the kernels."""
        return 3

    @property
    def moments(self) -> int:
        """How many numbers it keeps for each parameter."""
        return 2

    @property
    def hyper(self) -> tuple[float, float, float, float]:
        """Its own numbers, as the kernels take them."""
        return (self.beta1, self.beta2, self.epsilon, float(self.epsilon_is == "before"))


@dataclass(frozen=True, slots=True)
class Newton(Optimizer):
    """Full-batch Newton steps for small networks, the Hessian from differences of the gradient.

    (H + mu I) d = -g by Cholesky, mu tenfold until that succeeds; steps are halved until the
    objective falls by 1e-4 of what the gradient promises; then mu is divided by ten. An epoch is
    one step. float64, at most 2000 parameters, no l1.

    Parameters
    ----------
    mu : float
        The first damping.
    max_halvings : int
        After so many the run has converged to what rounding allows.
    """

    mu: float = 1e-3
    max_halvings: int = 40

    def __post_init__(self) -> None:
        positive_float("mu", self.mu)
        positive_int("max_halvings", self.max_halvings)
