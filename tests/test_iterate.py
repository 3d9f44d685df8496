from __future__ import annotations

import signal
import sys
import threading
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from minimand._common import iterate
from minimand._common.backend import kernels as backend_kernels
from minimand._common.iterate import Advance, drive, interruptible, row_chunks
from minimand._common.result import Status


class Clock:
    """Time that only passes when an iteration takes some."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


class Solver:
    """Halves a number; an iteration takes `pause` seconds of the clock."""

    def __init__(self, stop_at=None, clock=None, pause=0.0):
        self.iterations = 0
        self.value = 1.0
        self.stop_at = stop_at
        self.clock = clock or Clock()
        self.pause = pause
        self.counts = []

    def advance(self, count):
        self.counts.append(count)
        if self.stop_at is not None:
            count = min(count, self.stop_at - self.iterations)
        self.clock.now += count * self.pause
        self.iterations += count
        self.value *= 0.5**count
        status = Status.CONVERGED if self.iterations == self.stop_at else None
        return Advance(count, {"value": self.value}, status)

    def snapshot(self):
        return self.value


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(iterate, "time", SimpleNamespace(perf_counter=clock.perf_counter))
    return clock


# Limits


def test_the_status_of_the_solver_ends_the_run():
    solver = Solver(stop_at=10)
    outcome = drive(solver.advance, max_iterations=100)
    assert outcome.status is Status.CONVERGED
    assert outcome.iterations == solver.iterations == 10


def test_the_limit_of_iterations_is_exact():
    solver = Solver()
    outcome = drive(solver.advance, max_iterations=12_345)
    assert outcome.status is Status.MAX_ITERATIONS
    assert outcome.iterations == solver.iterations == 12_345


def test_the_status_counts_on_the_last_iteration():
    assert drive(Solver(stop_at=7).advance, max_iterations=7).status is Status.CONVERGED


def test_no_iterations_are_none():
    outcome = drive(Solver().advance, max_iterations=0)
    assert (outcome.status, outcome.iterations) == (Status.MAX_ITERATIONS, 0)
    assert outcome.history == ()


def test_the_time_limit_ends_the_run(clock):
    solver = Solver(clock=clock, pause=0.001)
    outcome = drive(solver.advance, max_iterations=10**9, time_limit=10.0)
    assert outcome.status is Status.TIME_LIMIT
    assert 10.0 <= outcome.seconds < 10.002  # the last chunks shrink to the time that is left
    assert outcome.iterations == solver.iterations


def test_an_advance_that_does_nothing_is_a_mistake():
    with pytest.raises(RuntimeError, match="did no iteration"):
        drive(lambda _count: Advance(0), max_iterations=5)
    outcome = drive(lambda _count: Advance(0, status=Status.INFEASIBLE), max_iterations=5)
    assert (outcome.status, outcome.iterations) == (Status.INFEASIBLE, 0)


# Chunks


@pytest.mark.parametrize("pause", [1e-7, 1e-5, 1e-3])
def test_chunks_grow_to_about_35_ms(clock, pause):
    solver = Solver(clock=clock, pause=pause)
    drive(solver.advance, max_iterations=round(1.0 / pause))
    assert solver.counts[0] == 1
    assert all(b <= 8 * a for a, b in pairwise(solver.counts))
    assert all(0.020 <= count * pause <= 0.050 for count in solver.counts[8:-1])


def test_chunks_shrink_when_iterations_become_dear(clock):
    solver = Solver(clock=clock, pause=1e-5)
    drive(solver.advance, max_iterations=10_000)
    solver.pause, solver.counts = 0.005, []
    drive(solver.advance, max_iterations=30, first_chunk=20)
    assert solver.counts == [20, 7, 3]


def test_dear_iterations_come_one_by_one(clock):
    solver = Solver(clock=clock, pause=0.06)
    drive(solver.advance, max_iterations=4)
    assert solver.counts == [1, 1, 1, 1]


def test_the_first_chunk_can_be_given():
    solver = Solver()
    drive(solver.advance, max_iterations=1000, first_chunk=100)
    assert solver.counts[0] == 100


# History


def test_the_history_of_a_short_run_is_whole(clock):
    outcome = drive(Solver(clock=clock, pause=0.03).advance, max_iterations=5)
    assert [record["iteration"] for record in outcome.history] == [1, 2, 3, 4, 5]
    assert [record["value"] for record in outcome.history] == [0.5**i for i in range(1, 6)]
    seconds = [record["seconds"] for record in outcome.history]
    assert seconds == pytest.approx([0.03, 0.06, 0.09, 0.12, 0.15])


@pytest.mark.parametrize("steps", [1, 255, 256, 257, 1000, 12_345])
def test_the_history_of_a_long_run_is_bounded(steps):
    done = 0

    def advance(_count):
        nonlocal done
        done += 1
        return Advance(1, {"done": done})

    history = drive(advance, max_iterations=steps).history
    iterations = [record["iteration"] for record in history]
    assert len(history) <= 257
    assert len(history) >= min(steps, 100)
    assert iterations[0] == 1
    assert iterations[-1] == steps
    gaps = {b - a for a, b in pairwise(iterations[:-1])}
    assert len(gaps) <= 1  # evenly spaced


# Callback


def test_the_callback_sees_every_chunk():
    seen = []
    solver = Solver(stop_at=50)
    drive(solver.advance, max_iterations=100, callback=seen.append, snapshot=solver.snapshot)
    assert len(seen) == len(solver.counts)
    assert seen[-1] == solver.value


def test_the_callback_can_stop():
    def stop(_value):
        raise StopIteration

    solver = Solver()
    outcome = drive(solver.advance, max_iterations=100, callback=stop)
    assert outcome.status is Status.STOPPED_BY_CALLBACK
    assert len(solver.counts) == 1
    # What the solver says comes first.
    outcome = drive(Solver(stop_at=1).advance, max_iterations=100, callback=stop)
    assert outcome.status is Status.CONVERGED


def test_errors_of_the_callback_come_through():
    def fail(_value):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drive(Solver().advance, max_iterations=100, callback=fail)


# Ctrl-C


def press_ctrl_c_at(solver, iteration):
    def advance(count):
        step = solver.advance(count)
        if solver.iterations >= iteration:
            signal.raise_signal(signal.SIGINT)
        return step

    return advance


def test_ctrl_c_raises_and_the_run_can_go_on():
    solver = Solver()
    with pytest.raises(KeyboardInterrupt):
        drive(press_ctrl_c_at(solver, 50), max_iterations=10**6)
    outcome = drive(solver.advance, max_iterations=100)
    assert outcome.status is Status.MAX_ITERATIONS


def test_ctrl_c_can_return_a_whole_state():
    handler = signal.getsignal(signal.SIGINT)
    solver = Solver()
    outcome = drive(press_ctrl_c_at(solver, 50), max_iterations=10**6, on_interrupt="return")
    assert outcome.status is Status.INTERRUPTED
    assert outcome.iterations == solver.iterations >= 50
    assert outcome.history[-1]["iteration"] == solver.iterations
    assert signal.getsignal(signal.SIGINT) is handler


def test_ctrl_c_twice_raises():
    def advance(_count):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second Ctrl-C did not raise")

    with pytest.raises(KeyboardInterrupt):
        drive(advance, max_iterations=10, on_interrupt="return")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("on_interrupt", ["raise", "return"])
def test_in_another_thread(on_interrupt):
    outcomes = []

    def work():
        solver = Solver(stop_at=10)
        outcomes.append(drive(solver.advance, max_iterations=100, on_interrupt=on_interrupt))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert outcomes[0].status is Status.CONVERGED


def test_an_interrupt_from_the_callback_counts_as_one():
    def press(_value):
        raise KeyboardInterrupt

    outcome = drive(Solver().advance, max_iterations=9, callback=press, on_interrupt="return")
    assert outcome.status is Status.INTERRUPTED


# Progress


def test_progress_is_shown(capsys):
    pytest.importorskip("tqdm")
    drive(Solver().advance, max_iterations=20, progress=True, description="halving")
    shown = capsys.readouterr().err
    assert "halving" in shown
    assert "20/20" in shown


def test_progress_without_tqdm_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r'pip install "minimand\[progress\]"'):
        drive(Solver().advance, max_iterations=20, progress=True)


# Chunks of rows


@pytest.mark.parametrize("rows", [1, 7, 64, 1000, 30_000])
@pytest.mark.parametrize("work", [0, 1, 50.5, 1e5, 1e6, 1e12])
@pytest.mark.parametrize("block", [1, 64, 4096])
def test_row_chunks_are_a_partition_in_whole_blocks(rows, work, block):
    chunks = list(row_chunks(rows, work, block))
    assert chunks[0][0] == 0
    assert chunks[-1][1] == rows
    for (begin, end), (following, _) in pairwise(chunks):
        assert end == following
        assert begin < end
    sizes = {end - begin for begin, end in chunks[:-1]}
    assert len(sizes) <= 1
    assert all(size % block == 0 for size in sizes)
    assert all(size == block or size * work <= 2e9 for size in sizes)


def test_row_chunks_count_elements_too():
    begin, end = next(row_chunks(10**9, 1, 64, elements_per_row=10))
    assert 62e6 < (end - begin) * 10 < 64e6


def test_no_rows_no_chunks():
    assert list(row_chunks(0, 10, 64)) == []


LONG_CALL = """
import os, signal, threading, time
import numpy as np
import minimand
rng = np.random.default_rng(0)
A = rng.standard_normal((2500, 2500))
A = A @ A.T + 2500 * np.eye(2500)
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    while True:
        minimand.cholesky(A)
        minimand.qr(A)
except KeyboardInterrupt:
    print("interrupted")
minimand.cholesky(A[:50, :50]).verify(A[:50, :50])
print("works")
"""


def test_ctrl_c_reaches_long_kernel_calls(run_python):
    assert run_python(LONG_CALL).split() == ["interrupted", "works"]


def test_long_kernel_calls_run_in_a_thread_and_hand_everything_back():
    kernels = backend_kernels("least_squares", "cpp")
    A = np.diag([4.0, -1.0])
    assert interruptible(1e12, kernels.cholesky_factor, A, 1) == 2  # the failing minor
    with pytest.raises(TypeError, match="incompatible function arguments"):
        interruptible(1e12, kernels.cholesky_factor, "not a matrix", 1)
    names = []
    interruptible(1e12, lambda: names.append(threading.current_thread().name))
    assert names == [threading.current_thread().name]  # Python itself can be interrupted
