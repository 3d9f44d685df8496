"""Prints the table of a pytest-benchmark report: time, ratio to minimand, quality of the answer.

Usage: python benchmarks/ratios.py REPORT.json
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

MEASURES = {
    "n_unknown": ("unknown", "{}"),
    "objective": ("objective", "{:.10g}"),
    "gap": ("gap", "{:.1e}"),
    "gradient_norm": ("gradient norm", "{:.1e}"),
    "true_error": ("true error", "{:.1e}"),
    "claimed_error": ("claimed", "{:.1e}"),
    "covered": ("within 10x", "{:.1%}"),
    "violation": ("violation", "{:.1e}"),
    "miss": ("miss", "{:.1e}"),
    "status": ("status", "{}"),
    "method": ("method", "{}"),
    "iterations": ("iterations", "{}"),
    "backward_error": ("backward error", "{:.1e}"),
    "residual": ("residual", "{:.1e}"),
    "residual_norm": ("residual norm", "{:.10g}"),
    "epoch_seconds": ("s an epoch", "{:.4g}"),
    "step_microseconds": ("µs a step", "{:.1f}"),
    "loss": ("loss", "{:.4g}"),
    "extra_megabytes": ("extra MB", "{:.1f}"),
    "extra_arrays": ("extra arrays", "{:.1f}"),
    "threads": ("threads", "{}"),
}


def read(report: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Return group -> contender -> best time and measures, over all turns."""
    groups: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for entry in json.loads(report.read_text())["benchmarks"]:
        extra = entry["extra_info"]
        found = groups[entry["group"]].setdefault(extra["contender"], {"seconds": float("inf")})
        found |= {name: extra[name] for name in MEASURES if name in extra}
        found["seconds"] = min(found["seconds"], entry["stats"]["min"])
    return groups


def table(contenders: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Return the rows of one group; ratios are to the first contender of ours."""
    ours = next((name for name in contenders if name.startswith("minimand")), None)
    base = contenders[ours]["seconds"] if ours else float("nan")
    shown = [name for name in MEASURES if any(name in found for found in contenders.values())]
    rows = [["", "best", "ratio", *(MEASURES[name][0] for name in shown)]]
    for contender, found in contenders.items():
        cells = [MEASURES[name][1].format(found[name]) if name in found else "" for name in shown]
        rows.append(
            [contender, duration(found["seconds"]), f"{found['seconds'] / base:.2f}", *cells]
        )
    return rows


def duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def lines(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for group, contenders in read(Path(sys.argv[1])).items():
        print(f"\n{group}", *lines(table(contenders)), sep="\n")
