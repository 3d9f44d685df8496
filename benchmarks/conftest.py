"""Sizes and the record that every benchmark leaves beside its times.

The members of a group take turns (`turns`), one round each, so that what else the machine does
meets all of them alike; ratios.py takes the best turn of each.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from threadpoolctl import threadpool_info

from minimand._common.threads import resolve_threads

SIZE = os.environ.get("MINIMAND_BENCH_SIZE", "full")
if SIZE not in ("toy", "full"):
    raise pytest.UsageError(f"MINIMAND_BENCH_SIZE is {SIZE!r}, expected 'toy' or 'full'")
TOY = SIZE == "toy"


def turns(problems: Iterable[Any], contenders: Iterable[str]) -> list[Any]:
    """Return parameters (problem, turn, contender): problem by problem, the contenders in turn."""
    names = list(contenders)
    return [
        pytest.param(problem, turn, contender, id=f"{problem.name}-{turn}-{contender}")
        for problem in problems
        for turn in range(1 if TOY else problem.turns)
        for contender in names
    ]


@pytest.fixture
def measure(benchmark: Any) -> Callable[..., Any]:
    """A function that times one turn of a contender and returns what it computed."""

    def run(group: str, contender: str, call: Callable[[], Any], *, calls: int = 1) -> Any:
        benchmark.group = group
        benchmark.extra_info["contender"] = contender
        benchmark.extra_info["threads"] = threads(contender)
        time.sleep(0.0 if TOY else 0.3)  # threads of the one before go on spinning for a while
        return benchmark.pedantic(call, rounds=1 if calls == 1 else 5, iterations=calls)

    return run


def threads(contender: str) -> int:
    if contender.startswith("minimand"):
        return resolve_threads(None)
    pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return max(pools, default=1)
