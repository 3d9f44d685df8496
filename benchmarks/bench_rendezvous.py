"""Rendezvous: two bodies that meet with least energy, against CVXPY's solvers and PIQP."""

from __future__ import annotations

import pytest
from conftest import TOY, turns
from rendezvous_problems import CONTENDERS, Meeting, quality

SPARSE = ["minimand", "PIQP", "Clarabel", "OSQP"]
EVERYBODY = list(CONTENDERS)

# meeting: who competes, as far as they need no more than about a minute
if TOY:
    MEETINGS = {
        Meeting("lecture", 20): EVERYBODY,
        Meeting("spacecraft", 30): SPARSE,
        Meeting("lecture", 20, bound=1.2): EVERYBODY,
    }
else:
    MEETINGS = {
        Meeting("lecture", 100, turns=5): EVERYBODY,
        Meeting("lecture", 100, turns=5, bound=1.2): EVERYBODY,
        Meeting("spacecraft", 5000, turns=3): SPARSE,
        Meeting("spacecraft", 5000, turns=3, bound=1.2): SPARSE,
        Meeting("lecture", 1_000_000, turns=2): ["minimand"],
    }


@pytest.mark.parametrize(
    ("meeting", "turn", "contender"),
    [
        parameters
        for meeting, contenders in MEETINGS.items()
        for parameters in turns([meeting], contenders)
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_rendezvous(measure, benchmark, meeting, turn, contender):
    solve = CONTENDERS[contender].prepare(meeting)
    small = meeting.steps <= 100 and not TOY
    calls = 20 if small and contender == "minimand" else 1
    answer = measure(f"rendezvous {meeting.name}", contender, solve, calls=calls)
    if turn == 0:
        benchmark.extra_info |= quality(meeting, answer)


@pytest.mark.parametrize("contender", ["minimand", "CVXPY OSQP, 10 horizons"])
@pytest.mark.filterwarnings("ignore")
def test_all_horizons(measure, benchmark, contender):
    """Energies for all horizons in one call, beside ten of them by the peer."""
    meeting = Meeting("lecture", 20 if TOY else 400)
    solve = CONTENDERS["CVXPY OSQP"].horizons if contender != "minimand" else None
    if solve is None:
        import minimand

        call = lambda: minimand.rendezvous_energy(*meeting.bodies, meeting.steps)  # noqa: E731
        found = measure(f"energies up to T = {meeting.steps}", contender, call)
        benchmark.extra_info["objective"] = float(found.energy[-1])
    else:
        found = measure(f"energies up to T = {meeting.steps}", contender, lambda: solve(meeting))
        benchmark.extra_info["objective"] = found[-1]
