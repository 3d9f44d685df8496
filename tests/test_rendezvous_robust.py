"""What machines and users do to a long meeting: Ctrl-C, fork, threads, memory."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minimand
from minimand.problems.rendezvous import lecture

INTERRUPT = """
import signal, time
import minimand
from minimand.problems.rendezvous import lecture
p = lecture()
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.3)
start = time.perf_counter()
try:
    while True:
        minimand.rendezvous(*p.bodies, 1_000_000, u_max=1e-4, v_max=1e-4, norm="2")
except KeyboardInterrupt:
    print("interrupted", time.perf_counter() - start < 3)
print(minimand.rendezvous(*p.bodies, 100).status.name)
"""

FORK = """
import os
import minimand
from minimand.problems.rendezvous import lecture
p = lecture()
minimand.min_rendezvous_thrust(*p.bodies, 20_000)
child = os.fork()
if child == 0:
    minimand.min_rendezvous_thrust(*p.bodies, 20_000)
    os._exit(0)
print("works" if os.waitpid(child, 0)[1] == 0 else "fails")
"""

MEMORY = """
import resource
import minimand
from minimand.problems.rendezvous import lecture
p = lecture()
minimand.rendezvous(*p.bodies, 100)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
plan = minimand.rendezvous(*p.bodies, STEPS)
held = sum(getattr(plan, name).nbytes for name in "uvxz") / 1024
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / held)
"""


def test_ctrl_c(run_python):
    assert run_python(INTERRUPT, OMP_NUM_THREADS="2").split() == [
        "interrupted",
        "True",
        "CONVERGED",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_fork_after_use(run_python):
    assert run_python(FORK, OMP_NUM_THREADS="2").split() == ["works"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss in kilobytes")
@pytest.mark.parametrize("steps", [300_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_memory_is_that_of_the_plan(run_python, steps):
    """The plan itself, one more of it, and chunks."""
    assert float(run_python(MEMORY.replace("STEPS", str(steps)))) < 4


def test_calls_from_several_threads():
    p = lecture()
    limit = 20.0
    one = minimand.rendezvous(*p.bodies, 100, u_max=limit, v_max=limit)
    with ThreadPoolExecutor(4) as pool:
        calls = [
            pool.submit(minimand.rendezvous, *p.bodies, 100, u_max=limit, v_max=limit)
            for _ in range(20)
        ]
        assert all(call.result().u.tobytes() == one.u.tobytes() for call in calls)


def test_any_number_of_threads_gives_the_same_bits():
    p = lecture()
    T, limit = 20_000, 3e-2
    plans = [
        minimand.rendezvous(*p.bodies, T, u_max=limit, v_max=limit, threads=threads)
        for threads in (1, 2, 3)
    ]
    thrusts = [minimand.min_rendezvous_thrust(*p.bodies, T, threads=k) for k in (1, 2, 3)]
    for results in (plans, thrusts):
        assert len({result.u.tobytes() for result in results}) == 1
        assert len({result.lower_bound for result in results}) == 1


def test_long_plans_are_cut_into_pieces(monkeypatch):
    """Sweeps in pieces give the bits of one sweep."""
    from minimand.rendezvous import sweeps

    p = lecture()
    whole = minimand.rendezvous(*p.bodies, 3000)
    monkeypatch.setattr(sweeps, "_PIECE", 5e4)
    cut = minimand.rendezvous(*p.bodies, 3000)
    for name in ("u", "v", "x", "z"):
        assert np.array_equal(getattr(cut, name), getattr(whole, name))
    limit = 0.9 * np.abs(whole.u).max()
    pieces = minimand.rendezvous(*p.bodies, 3000, u_max=limit, v_max=limit)
    monkeypatch.undo()
    assert np.array_equal(
        pieces.u, minimand.rendezvous(*p.bodies, 3000, u_max=limit, v_max=limit).u
    )
