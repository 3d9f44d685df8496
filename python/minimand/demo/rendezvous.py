"""Two bodies that meet: with least energy, least thrust, at the best time, or not at all."""

from __future__ import annotations

import dataclasses
import time
import warnings
from typing import TYPE_CHECKING

import numpy as np

from minimand import (
    MinimandWarning,
    RendezvousResult,
    ThrustResult,
    min_rendezvous_thrust,
    rendezvous,
    rendezvous_energy,
)
from minimand.plotting import rendezvous as plot
from minimand.plotting._style import tidy
from minimand.problems.rendezvous import lecture, pendulums, spacecraft

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report

_STEPS = 100
_PUBLISHED = 51020.734


def section(report: Report) -> None:
    """Say everything about meetings."""
    report.title(
        "Rendezvous",
        """Two bodies move by their own laws and can be pushed. They are to be at the same place
        with the same velocity after a given time, and the pushes are to cost as little as possible.
        The answer comes with a price for every condition of the meeting, and the prices prove that
        no other plan is cheaper; or, if no plan exists, with a direction in which nobody can
        move.""",
    )
    _lecture(report)
    _proof_by_hand(report)
    _times(report)
    _thrust(report)
    _impossible(report)
    _long(report)


def _lecture(report: Report) -> None:
    report.heading("The example of a lecture")
    problem = lecture()
    full = rendezvous(*problem.bodies, _STEPS)
    fly_by = rendezvous(*problem.bodies, _STEPS, match=[0, 1])
    report.text(
        f"""Two masses in a plane, the first one with little friction, the second one with a hundred
        times as much, start ten units apart and meet after one second, in {_STEPS} steps. A lecture
        on optimisation gives {_PUBLISHED:,.3f} as the least energy, from a program that calls its
        answer solved. It is less than is possible: the bodies of that plan miss each other.
        Rational arithmetic says {problem.energies[_STEPS]:,.6f}."""
    )
    plans = {"places and velocities": full, "places only (a fly-by)": fly_by}
    report.table(
        f"Least energy for a meeting after {_STEPS} steps",
        ("what has to match", "energy", "lower bound", "miss"),
        [
            (name, f"{p.energy:,.6f}", f"{p.lower_bound:,.6f}", f"{p.miss:.0e}")
            for name, p in plans.items()
        ],
    )
    report.certify("Meetings: certificates", plans)

    def draw(figure: Figure) -> None:
        for ax, (name, p) in zip(figure.subplots(1, 2), plans.items(), strict=True):
            tidy(plot.trajectories(p, ax=ax), grid="both", title=name)
            ax.set_xlabel("place, first coordinate")
        figure.axes[0].set_ylabel("second coordinate")

    report.picture(
        "rendezvous_meeting",
        """The paths of both bodies (circles: where they start; dots: a tenth of the time). In a
        fly-by they need not slow down.""",
        draw,
        size=(8.6, 3.8),
    )


_BY_HAND = """
plan = rendezvous(A, B, C, D, x0, z0, T)
price, squares = plan.multiplier, 0.0
mu, nu = price, -price
for t in range(T):                     # from the meeting back to the start
    squares += (B.T @ mu) @ (B.T @ mu) + (D.T @ nu) @ (D.T @ nu)
    mu, nu = A.T @ mu, C.T @ nu
bound = 2 * (-mu @ x0 - nu @ z0) - squares
print(f"energy of the plan        {plan.energy:.9f}")
print(f"no plan needs less than   {bound:.9f}")
"""
_TAMPER = """
u = plan.u.copy()
u[50] *= 0.99
replace(plan, u=u).verify(A, B, C, D, x0, z0, T)
"""


def _proof_by_hand(report: Report) -> None:
    report.heading("Why no plan is cheaper")
    report.text(
        """Let the four prices travel back in time along both bodies. What they are worth at the
        start, doubled, less the squares of what they say on the way to the inputs, is a lower bound
        for the energy of every plan, whatever the prices are. With the right ones it is the energy
        of the plan."""
    )
    problem = lecture()
    A, B, C, D, x0, z0 = problem.bodies
    names = report.run(
        _BY_HAND,
        A=A, B=B, C=C, D=D, x0=x0, z0=z0, T=_STEPS, rendezvous=rendezvous,
        replace=dataclasses.replace,
    )  # fmt: skip
    report.text("Somebody takes a hundredth off one input:")
    report.run(_TAMPER, **names)


def _times(report: Report) -> None:
    report.heading("When to meet")
    problem = lecture()
    energies = rendezvous_energy(*problem.bodies, 400)
    price = 200.0
    cost = energies.energy + price * np.arange(1, 401)
    best = int(np.argmin(cost)) + 1
    report.text(
        f"""One call computes the least energy for every time of the meeting up to 400 steps, in
        {energies.seconds * 1e3:.1f} ms. After one step no meeting is possible, and for twice the
        time the energy falls by a factor of about eight. If a step costs {price:g} on top, the best
        time is {best} steps."""
    )
    report.certify("All times: certificates", energies)

    def draw(figure: Figure) -> None:
        plot.energy(energies, ax=figure.subplots())

    report.picture(
        "rendezvous_energy",
        "The least energy against the time until the meeting. Red: impossible; the dot: the least.",
        draw,
        size=(7.5, 3.4),
    )


def _thrust(report: Report) -> None:
    report.heading("With engines that are only so strong")
    problem = lecture()
    weakest = min_rendezvous_thrust(*problem.bodies, _STEPS, norm="2")
    limit = 1.15 * weakest.bound
    free = rendezvous(*problem.bodies, _STEPS)
    bounded = rendezvous(*problem.bodies, _STEPS, u_max=limit, v_max=limit, norm="2")
    assert free.u is not None
    report.text(
        f"""The plan of least energy pushes with up to {np.linalg.norm(free.u, axis=1).max():.2f}.
        The weakest engines that still suffice have {weakest.bound:.6f}; with less no plan exists,
        and that is proved. With {limit:.2f} the energy is {bounded.energy:,.1f} instead of
        {free.energy:,.1f}."""
    )
    plans: dict[str, RendezvousResult | ThrustResult] = {
        "no bound": free,
        f"bound {limit:.2f}": bounded,
        "least bound": weakest,
    }
    report.certify("Thrust: certificates", plans)

    def draw(figure: Figure) -> None:
        limits = (None, limit, weakest.bound)
        for ax, (name, p), bound in zip(
            figure.subplots(1, 3, sharey=True), plans.items(), limits, strict=True
        ):
            tidy(plot.thrust(p, bound=bound, ax=ax), title=name)
            ax.set_ylabel("")
        figure.axes[0].set_ylabel("thrust")

    report.picture(
        "rendezvous_thrust",
        "The thrust of both bodies over time: free, bounded, and as weak as possible.",
        draw,
        size=(9.0, 3.2),
    )


def _impossible(report: Report) -> None:
    report.heading("When there is no plan")
    problem = lecture()
    weakest = min_rendezvous_thrust(*problem.bodies, _STEPS)
    limit = 0.999 * weakest.bound
    answers: dict[str, RendezvousResult] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answers["T = 1"] = rendezvous(*problem.bodies, 1)
        answers["0.999 of the least thrust"] = rendezvous(
            *problem.bodies, _STEPS, u_max=limit, v_max=limit
        )
        said = [str(warning.message) for warning in caught]
    report.text(
        f"""One step changes velocities, not places. “{said[0]}.” The direction
        {np.array2string(np.asarray(answers["T = 1"].certificate), precision=4)} proves it: no input
        moves the bodies along it, and they are apart along it."""
    )
    report.text(f"With engines a thousandth too weak: “{said[1]}.”")
    report.certify("No plan: certificates", answers)


def _long(report: Report) -> None:
    report.heading("Long, and unstable")
    craft = spacecraft(500 if report.quick else 5000)
    problem = lecture()
    T = 10_000 if report.quick else 1_000_000
    fallers = pendulums(1000)
    rows, answers = [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MinimandWarning)
        for name, bodies, steps in (
            ("two spacecraft, six states each", craft.bodies, craft.steps),
            ("the lecture's bodies", problem.bodies, T),
            ("one falls over: grows by 1.1 a step", fallers.bodies, fallers.steps),
        ):
            start = time.perf_counter()
            plan = rendezvous(*bodies, steps)
            seconds = time.perf_counter() - start
            answers[name] = plan
            rows.append(
                (name, f"{steps:,}", plan.method, f"{plan.energy:.9g}", f"{seconds * 1e3:.1f} ms")
            )
    report.table("Long meetings", ("bodies", "steps", "method", "energy", "time"), rows)
    report.text(
        """The last one multiplies every error by 10 to the power of 41 from start to end: powers of
        its matrix are worthless, and so is a plan that is applied without looking. Its states and
        inputs come from a boundary problem, which they satisfy to rounding in every step; the
        energy is the one that theory gives, 0.84."""
    )
    report.certify("Long meetings: certificates", answers)
