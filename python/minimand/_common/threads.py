"""How many threads a call uses: the one place that reads the machine's and the user's limits."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path, PurePosixPath

from minimand import _core
from minimand._common.arrays import positive_int

_forked = False


def _after_fork() -> None:
    # The OpenMP runtime does not survive fork: a parallel region in the child would wait for ever.
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def resolve_threads(threads: int | None) -> int:
    """Return the number of threads for a kernel.

    None asks for as many as are worth while: OMP_NUM_THREADS and threadpoolctl limits, CPU affinity
    and the cgroup quota are honoured. A number is taken as it is, up to a bound beyond which
    threads only fight over the cores.
    """
    wanted = None if threads is None else positive_int("threads", threads)
    if _forked:
        return 1
    available = _usable_cpus()
    if wanted is not None:
        return min(wanted, max(64, available))
    quota = cgroup_quota()
    limit = available if quota is None else min(available, math.ceil(quota))
    return max(1, min(limit, _core.max_threads()))


def _usable_cpus() -> int:
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def cgroup_quota(
    membership: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")
) -> float | None:
    """Return the CPUs that the control groups of this process allow, None without a limit.

    A group is bound by its ancestors too, so the smallest quota on the way to the root counts.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    quotas = []
    for line in lines:
        controllers, _, group = line.partition(":")[2].partition(":")
        if controllers == "":  # version 2
            quotas += [_quota_v2(folder) for folder in _ancestors(mount, group)]
        elif "cpu" in controllers.split(","):  # version 1, mounted under either name
            for tree in {controllers, "cpu"}:
                quotas += [_quota_v1(folder) for folder in _ancestors(mount / tree, group)]
    return min((quota for quota in quotas if quota is not None), default=None)


def _ancestors(root: Path, group: str) -> list[Path]:
    # In a container the path may be the host's, of which only the root is visible.
    parts = PurePosixPath(group.lstrip("/")).parts
    return [root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
