"""The command `minimand`.

Every public module of this package adds commands: it lists functions in `COMMANDS`, and a function
is a command of the same name, its parameters are what typer makes of them. Nothing else has to be
changed for a new one.
"""

from __future__ import annotations

import io
import sys

from minimand._common.errors import missing_extra

__all__ = ["main"]


def main() -> None:
    """Run the command line, or say which extra it needs."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # for terminals that know ASCII only
    try:
        from minimand.cli._app import app
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("typer", "rich"):
            raise
        sys.exit(f"minimand: {missing_extra(package, 'cli')}")
    app()(prog_name="minimand")
