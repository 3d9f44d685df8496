"""Prints the bytes that one call needs beyond its data: peak_memory.py MODULE CLASS FIELDS.

MODULE is the one of the problems, and FIELDS, in JSON, make one of its CLASS. A process of its own,
because what a process once had it may keep. The kernel counts, as Python's tracemalloc does not see
the memory of C++.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")


def extra_bytes(problem: Any) -> int:
    """Return what minimand needs for this problem (Linux)."""
    kind = type(problem)
    command = [
        sys.executable, __file__, kind.__module__, kind.__name__, json.dumps(asdict(problem))
    ]  # fmt: skip
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def size(field: str) -> int:
    lines = STATUS.read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))


if __name__ == "__main__":
    module = importlib.import_module(sys.argv[1])
    problem = getattr(module, sys.argv[2])(**json.loads(sys.argv[3]))
    warm_up, call = module.memory_calls(problem)
    warm_up()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
    before = size("VmRSS")
    call()
    print(size("VmHWM") - before)
