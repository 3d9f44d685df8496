"""The one driver of every iterative solver, for both backends.

A solver gives the driver a function `advance(count)` that does at most `count` iterations on state
which the solver owns. The driver calls it in chunks of 20 to 50 ms and looks after all the rest in
between: limits, history, progress, callback, and Ctrl-C, which Python can only deliver while no
kernel runs. What the driver does never changes the iterates, so a solver's answer does not depend
on the cutting into chunks.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Literal

from minimand._common.errors import missing_extra
from minimand._common.result import Status

_SHORTEST, _AIM, _LONGEST = 0.020, 0.035, 0.050  # seconds of a chunk
_GROWTH = 8  # so that a lucky first measurement does not lead to a chunk of minutes
_HISTORY = 256  # records; when full, every other one goes

_LONG_CALL = 1e9  # multiply-adds from which on a single kernel call may outlast a second
_CHUNK_WORK = 2e9  # multiply-adds in a chunk of rows: some 50 ms on two cores
_WORK_PER_ELEMENT = 32  # reading an element costs as much: 64M elements in a chunk


@dataclass(frozen=True, slots=True)
class Advance:
    """What a call of `advance` did: iterations done, measures to record, and why to stop, if so."""

    iterations: int
    measures: Mapping[str, float] = field(default_factory=dict)
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went; the fields are those of `Result`."""

    status: Status
    iterations: int
    history: tuple[Mapping[str, float], ...]
    seconds: float


def drive(
    advance: Callable[[int], Advance],
    *,
    max_iterations: int | None,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
    snapshot: Callable[[], Any] | None = None,
    progress: bool = False,
    description: str = "",
    on_interrupt: Literal["raise", "return"] = "raise",
    first_chunk: int = 1,
) -> Outcome:
    """Run `advance` until it gives a status or a limit is reached.

    Parameters
    ----------
    advance : callable
        `advance(count)` does between 1 and `count` iterations and returns an `Advance`. It may do
        fewer only together with a status, or when the next iteration needs the driver's attention
        first.
    max_iterations : int or None
        The limit on the sum of iterations, if there is one.
    time_limit : float, optional
        Seconds; looked at between chunks, and the chunks shrink towards it.
    callback : callable, optional
        Called as `callback(snapshot())` after every chunk; StopIteration from it ends the run.
    snapshot : callable, optional
        Makes the callback's argument; None is passed without it.
    progress : bool
        Whether to show a tqdm bar with `description`.
    on_interrupt : {"raise", "return"}
        Whether Ctrl-C raises KeyboardInterrupt or ends the run with `Status.INTERRUPTED` after the
        current chunk, the state whole. A second Ctrl-C always raises.
    first_chunk : int
        The first `count`; larger where an iteration is known to be cheap.
    """
    start = time.perf_counter()
    history = _History()
    done, chunk, per_iteration = 0, max(1, first_chunk), 0.0
    status: Status | None = None

    with ExitStack() as stack:
        interrupted = stack.enter_context(_deferred_interrupt(on_interrupt == "return"))
        bar = stack.enter_context(progress_bar(max_iterations, description)) if progress else None
        try:
            while status is None:
                # Limits
                seconds = time.perf_counter() - start
                if interrupted():
                    status = Status.INTERRUPTED
                elif max_iterations is not None and done >= max_iterations:
                    status = Status.MAX_ITERATIONS
                elif time_limit is not None and seconds >= time_limit:
                    status = Status.TIME_LIMIT
                if status is not None:
                    break
                count = chunk if max_iterations is None else min(chunk, max_iterations - done)
                if time_limit is not None and per_iteration > 0:
                    count = max(1, min(count, int((time_limit - seconds) / per_iteration)))

                # Work
                began = time.perf_counter()
                step = advance(count)
                elapsed = time.perf_counter() - began
                if step.iterations < 1 and step.status is None:
                    raise RuntimeError("advance() did no iteration and gave no reason to stop")
                done += step.iterations
                status = step.status

                # Report
                history.add(done, time.perf_counter() - start, step.measures)
                if bar is not None:
                    bar.update(step.iterations)
                    bar.set_postfix(step.measures, refresh=False)
                if callback is not None:
                    try:
                        callback(None if snapshot is None else snapshot())
                    except StopIteration:
                        status = status or Status.STOPPED_BY_CALLBACK

                # The next chunk
                if step.iterations:
                    per_iteration = elapsed / step.iterations
                    if not _SHORTEST <= elapsed <= _LONGEST:
                        chunk = _next_chunk(chunk, per_iteration)
        except KeyboardInterrupt:
            if on_interrupt == "raise" or interrupted():
                raise
            status = Status.INTERRUPTED

    return Outcome(status, done, history.records(), time.perf_counter() - start)


def row_chunks(
    rows: int, work_per_row: float, block: int, *, elements_per_row: int = 0
) -> Iterator[tuple[int, int]]:
    """Cut a pass over `rows` rows into chunks (begin, end), between which Python can act.

    A chunk has about 2e9 multiply-adds or 64 million elements, whichever is reached first, in whole
    multiples of `block` rows. It depends on these sizes alone, so the rounding of a sum over chunks
    is always the same.
    """
    work = max(work_per_row, _WORK_PER_ELEMENT * elements_per_row, 1.0)
    size = block * max(1, int(_CHUNK_WORK / work / block))
    for begin in range(0, rows, size):
        yield begin, min(begin + size, rows)


def interruptible(work: float, kernel: Callable[..., Any], *arguments: Any) -> Any:
    """Call a kernel that cannot be cut into chunks, so that Ctrl-C need not wait for its end.

    A compiled call of more than about a second of `work` (multiply-adds) runs in a thread of its
    own. After Ctrl-C it runs on to its end unobserved, on arrays that only it holds; the caller,
    who must not have handed it an array of the user's to write to, gets KeyboardInterrupt at once.
    """
    compiled = not isinstance(kernel, FunctionType)  # NumPy mirrors are interrupted as they are
    main = threading.current_thread() is threading.main_thread()
    if work < _LONG_CALL or not compiled or not main:
        return kernel(*arguments)
    call: Future[Any] = Future()

    def run() -> None:
        try:
            call.set_result(kernel(*arguments))
        except BaseException as error:
            call.set_exception(error)

    threading.Thread(target=run, name=kernel.__name__).start()
    return call.result()


class _History:
    """All records of a short run, evenly spaced ones of a long run, the last one always."""

    def __init__(self) -> None:
        self._records: list[dict[str, float]] = []
        self._last: dict[str, float] | None = None
        self._count = 0
        self._stride = 1

    def add(self, iteration: int, seconds: float, measures: Mapping[str, float]) -> None:
        self._last = {"iteration": iteration, "seconds": seconds, **measures}
        if self._count % self._stride == 0:
            self._records.append(self._last)
            if len(self._records) >= _HISTORY:
                self._records = self._records[::2]
                self._stride *= 2
        self._count += 1

    def records(self) -> tuple[Mapping[str, float], ...]:
        if self._last is None or self._records[-1] is self._last:
            return tuple(self._records)
        return (*self._records, self._last)


def _next_chunk(chunk: int, per_iteration: float) -> int:
    wanted = int(_AIM / per_iteration) if per_iteration > 0 else _GROWTH * chunk
    return max(1, min(wanted, _GROWTH * chunk))


@contextmanager
def _deferred_interrupt(wanted: bool) -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C wait for the end of the chunk, so that the state is whole; yield "pressed?".

    Only where Python's own handler is in force and signals arrive at all, which is in the main
    thread.
    """
    pressed = False

    def remember(*_: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    main = threading.current_thread() is threading.main_thread()
    if not (wanted and main and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
        yield lambda: False
        return
    signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def progress_bar(total: int | None, description: str) -> Any:
    """Return a bar to be updated and closed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise missing_extra("tqdm", "progress") from None
    return tqdm(total=total, desc=description or None)
