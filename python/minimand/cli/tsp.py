"""`minimand tsp`: a short tour through the cities of a TSPLIB file, with a proven gap."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

import minimand
from minimand._common.result import Status

if TYPE_CHECKING:
    from minimand.tsp import Instance, TSPProgress, TSPResult

_NOT_VERIFIED, _BAD_INPUT, _INTERRUPTED = 1, 2, 130


class _Method(StrEnum):
    AUTO = "auto"
    EAX = "eax"
    GENETIC = "genetic"
    LOCAL_SEARCH = "local_search"
    EXACT = "exact"


class _Bound(StrEnum):
    AUTO = "auto"
    ONE_TREE = "one_tree"
    SUBTOUR = "subtour"
    NONE = "none"


def tsp(
    source: Annotated[Path, typer.Argument(metavar="FILE.tsp", help="The cities, as in TSPLIB.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.tour", help="Where the tour goes."),
    ] = None,
    method: Annotated[_Method, typer.Option(help="The algorithm.")] = _Method.AUTO,
    time_limit: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Stop after so many seconds.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="With the same number, the same tour.")
    ] = None,
    open_path: Annotated[
        bool, typer.Option("--open", help="A path that does not return to its first city.")
    ] = False,
    start: Annotated[
        int | None, typer.Option(min=1, help="The first city, by its number in the file.")
    ] = None,
    end: Annotated[
        int | None, typer.Option(min=1, help="The last city of a path, by its number.")
    ] = None,
    bound: Annotated[_Bound, typer.Option(help="The kind of lower bound.")] = _Bound.AUTO,
    generations: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many generations.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Use at most so many threads.")] = None,
    figure: Annotated[
        Path | None, typer.Option("--picture", metavar="FIG", help="Also draw the tour.")
    ] = None,
) -> None:
    """Find a short tour through the cities of a TSPLIB file, and say how short one can be at best.

    Ctrl-C writes the best tour so far.
    """
    out, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        # Read, and look at what may fail at the end before the work begins
        instance = minimand.read_tsplib(source)
        if open_path:
            instance = replace(instance, closed=False)
        _check_target(output)
        _check_target(figure)
        out.print(_input_line(source, instance), markup=False, soft_wrap=True)

        # Solve
        with _progress(errors) as callback, warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always", minimand.MinimandWarning)
            result = minimand.tsp(
                instance,
                method=method.value,
                closed=instance.closed,
                start=None if start is None else start - 1,
                end=None if end is None else end - 1,
                time_limit=time_limit,
                bound=None if bound is _Bound.NONE else bound.value,
                rng=seed,
                generations=generations,
                callback=callback,
                threads=threads,
            )
        for note in notes:
            _say(errors, f"note: {note.message}")

        # Write
        if output is not None:
            minimand.write_tour(
                output, result.tour, name=instance.name or None, comment=_comment(result)
            )
        if figure is not None:
            _draw(figure, result, instance)
    except (ValueError, OverflowError) as error:  # what is wrong with the file or with an option
        _say(errors, str(error))
        raise typer.Exit(_BAD_INPUT) from None

    # Report
    verdict, failed = _verify(result, instance)
    out.print(_summary(result, output, verdict))
    if result.status is Status.INTERRUPTED:
        _say(errors, "interrupted; this is the best tour so far")
        raise typer.Exit(_INTERRUPTED)
    if failed:
        _say(errors, failed)
        raise typer.Exit(_NOT_VERIFIED)


def _check_target(path: Path | None) -> None:
    if path is not None and not path.parent.is_dir():
        raise ValueError(f"{path} cannot be written: {path.parent} is not a folder")


def _input_line(source: Path, instance: Instance) -> str:
    kind = "closed tour" if instance.closed else "open path"
    fixed = f", {len(instance.fixed)} fixed edges" if len(instance.fixed) else ""
    return f"{source}: {instance.N:,} cities, {instance.metric}{fixed}; {kind}"


def _comment(result: TSPResult) -> str:
    words = f"length {result.length:.15g}"
    if math.isfinite(result.lower_bound):
        words += f", lower bound {result.lower_bound:.15g}"
    return f"{words}, minimand {minimand.__version__}"


def _verify(result: TSPResult, instance: Instance) -> tuple[str, str]:
    """Return the verdict on the certificates, and what is wrong if something is."""
    try:
        result.verify(instance)
    except minimand.CertificateError as error:
        return "FAIL", f"warning: {error}"
    return "hold, computed anew in NumPy", ""


def _summary(result: TSPResult, output: Path | None, verdict: str) -> Table:
    """Return what was found, as a table without lines."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    rows = [("length", f"{result.length:.12g}")]
    if math.isfinite(result.lower_bound):
        rows.append(("lower bound", f"{result.lower_bound:.12g}"))
        rows.append(("gap", "0, proven optimal" if result.proven_optimal else f"{result.gap:.3%}"))
    rows += [
        ("certificates", verdict),
        ("method", f"{result.method}, {result.generations:,} generations"),
        ("stopped by", result.stopped_by),
        ("seconds", f"{result.seconds:.3g}"),
    ]
    if output is not None:
        rows.append(("written", str(output)))
    for name, text in rows:
        table.add_row(name, escape(text))
    return table


def progress_line(now: TSPProgress) -> str:
    """Return where a run is, on one line."""
    line = f"generation {now.generations:,}   length {now.length:.10g}"
    if math.isfinite(now.lower_bound):
        gap = (now.length - now.lower_bound) / now.length if now.length > 0 else 0.0
        line += f"   bound {now.lower_bound:.10g}   gap {gap:.3%}"
    return f"{line}   {now.seconds:.1f} s"


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[TSPProgress], None] | None]:
    """Show a line that changes, where somebody is watching."""
    if not console.is_terminal:
        yield None
        return
    with Live(Text("bound …"), console=console, transient=True, refresh_per_second=8) as live:
        yield lambda now: live.update(Text(progress_line(now)))


def _draw(path: Path, result: TSPResult, instance: Instance) -> None:
    from minimand._common.errors import missing_extra

    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("matplotlib", "plot") from None
    from minimand.plotting.tsp import tour

    figure = Figure(figsize=(7.0, 7.0), layout="constrained")
    tour(result, instance, ax=figure.subplots())
    figure.savefig(path, dpi=150)


def _say(console: Console, words: str) -> None:
    line = " ".join(words.split())
    console.print(f"minimand: {line}", markup=False, soft_wrap=True)


COMMANDS = (tsp,)
