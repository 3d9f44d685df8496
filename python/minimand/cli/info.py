"""`minimand info`: what this installation is."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from minimand._info import build_info


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Print version, compiler, instruction set, threads and installed extras."""
    console = Console()
    found = build_info()
    if as_json:
        console.out(json.dumps(found, indent=2), highlight=False)
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _lines(found):
        table.add_row(name, text)
    console.print(table, highlight=False)


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what a person wants to read, in that order."""
    built, supported = ", ".join(found["built_levels"]), ", ".join(found["supported_levels"])
    lines = [
        ("minimand", found["version"]),
        ("instruction set", f"{found['level']} (built: {built}; this CPU supports: {supported})"),
        ("threads", str(found["threads"])),
        ("compiler", found["compiler"]),
        ("flags", found["flags"]),
        ("Eigen", found["eigen"]),
        ("OpenMP", found["openmp"]),
        ("Python", f"{found['python']} on {found['platform']}"),
        ("NumPy", found["numpy"]),
        ("SciPy", found["scipy"] or "not installed"),
    ]
    for extra, packages in found["extras"].items():
        listed = [f"{package} {version or '(missing)'}" for package, version in packages.items()]
        lines.append((f"extra {extra}", ", ".join(listed)))
    return lines


COMMANDS = (info,)
