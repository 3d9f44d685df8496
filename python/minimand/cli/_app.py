"""Gathers the commands, and turns the errors that users cause into one line each."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

import minimand
import minimand.cli

_INTERRUPTED = 130  # what shells report for a process that Ctrl-C ended


def app() -> typer.Typer:
    """Return the application with the commands of every module beside this one."""
    application = typer.Typer(
        help="Classic optimisation problems; every answer carries a certificate of its quality.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(_options)
    for module in pkgutil.iter_modules(minimand.cli.__path__):
        if not module.name.startswith("_"):
            for command in importlib.import_module(f"minimand.cli.{module.name}").COMMANDS:
                application.command()(_kind(command))
    return application


def _print_version(wanted: bool) -> None:
    if wanted:
        Console().print(minimand.__version__, highlight=False)
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and stop.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None: ...


def _kind(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command: what the user or the system did wrong needs a sentence, not a traceback."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        errors = Console(stderr=True, highlight=False)
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            errors.print("\nminimand: interrupted", markup=False)
            raise typer.Exit(_INTERRUPTED) from None
        except ModuleNotFoundError:
            raise  # a defect; a missing extra is a plain ImportError
        except (ImportError, OSError) as error:  # a missing extra, a folder that is not writable
            errors.print(f"minimand: {error}", markup=False, soft_wrap=True)
            raise typer.Exit(1) from None

    return run
