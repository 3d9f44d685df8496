"""Prints the megabytes that one fit needs beyond its data: peak_memory.py ROWS COLUMNS DTYPE.

A process of its own, because what a process once had it may keep. The kernel counts, as Python's
tracemalloc does not see the memory of C++.
"""

import sys
from pathlib import Path

from least_squares_problems import Fit, by_minimand, data

STATUS = Path("/proc/self/status")


def kilobytes(field: str) -> int:
    lines = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


if __name__ == "__main__":
    fit = Fit(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    X, y = data(fit)
    by_minimand(X[:1000].copy(), y[:1000].copy(), False)  # threads and libraries are there now
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
    before = kilobytes("VmRSS")
    by_minimand(X, y, False)
    print((kilobytes("VmHWM") - before) / 1000)
