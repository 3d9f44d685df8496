"""Whether runs may warn: hundreds of runs of a search say what they have to say in its result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_silent: ContextVar[bool] = ContextVar("silent", default=False)


def is_silent() -> bool:
    """Whether the caller asked for no warnings about the end of a run."""
    return _silent.get()


@contextmanager
def silence() -> Iterator[None]:
    """Let `train` not warn in this thread; the filters of `warnings` belong to the process."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)
