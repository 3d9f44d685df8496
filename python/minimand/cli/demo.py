"""`minimand demo`: every problem of the package on real data, in the terminal and as a page."""

from __future__ import annotations

import webbrowser
from functools import singledispatch
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table as Grid
from rich.text import Text as Line

from minimand._common.backend import DOMAINS
from minimand.demo import run
from minimand.demo.page import verdict
from minimand.demo.report import (
    BAD,
    GOOD,
    Certificates,
    Code,
    Heading,
    Item,
    Picture,
    Table,
    Text,
    Title,
)

_SHORT = 20  # letters of a cell that is not yet a sentence


def _sections(names: list[str] | None) -> list[str] | None:
    for name in names or ():
        if name not in DOMAINS:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(DOMAINS)}")
    return names


def demo(
    section: Annotated[
        list[str] | None,
        typer.Option(help="Only this section; may be repeated.", callback=_sections),
    ] = None,
    output: Annotated[
        Path, typer.Option(help="Folder for the report and its pictures.", file_okay=False)
    ] = Path("minimand-demo"),
    quick: Annotated[bool, typer.Option("--quick", help="Take the smaller problems.")] = False,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the report in the browser.")
    ] = False,
) -> None:
    """Solve every problem of the package on real data and write an HTML report."""
    console = Console(highlight=False)
    report = run(
        output,
        sections=section or DOMAINS,
        quick=quick,
        show=lambda item: console.print(_terminal(item)),
    )
    console.print(Rule())
    console.print(Line(verdict(report), style="bold red" if report.failed else "bold green"))
    console.print(f"Report: {escape(str(report.page.resolve()))}", soft_wrap=True)
    if open_page:
        webbrowser.open(report.page.resolve().as_uri())
    if report.failed:
        raise typer.Exit(1)


@singledispatch
def _terminal(item: Item) -> RenderableType:
    raise TypeError(f"no terminal output for {type(item).__name__}")


@_terminal.register
def _(item: Title) -> RenderableType:
    return Group("", Rule(Line(item.title, "bold"), align="left"), "", _words(item.summary), "")


@_terminal.register
def _(item: Heading) -> RenderableType:
    return Group("", Line(item.title, "bold cyan"), "")


@_terminal.register
def _(item: Text) -> RenderableType:
    return Padding(_words(item.text), (0, 0, 1, 0))


@_terminal.register
def _(item: Table) -> RenderableType:
    grid = _grid(item.title)
    for j, column in enumerate(item.columns):
        side: Literal["right", "left"] = "right" if item.is_numeric(j) else "left"
        longest = max((len(row[j]) for row in item.rows), default=0)
        head = column if longest >= len(column) else column.replace(" ", "\n")
        grid.add_column(head, justify=side, vertical="bottom", no_wrap=longest <= _SHORT)
    for row in item.rows:
        style = "bold" if row[0] in item.strong else ""
        grid.add_row(*(_verdict(cell) for cell in row), style=style)
    return Padding(grid, (0, 0, 1, 0))


@_terminal.register
def _(item: Certificates) -> RenderableType:
    grids = []
    for answer, certificates in item.answers:
        grid = _grid(f"{item.title} of {answer}" if answer else item.title)
        grid.add_column("certificate", no_wrap=True, min_width=16)
        grid.add_column("value", justify="right", no_wrap=True)
        grid.add_column("at most", justify="right", no_wrap=True)
        grid.add_column("verdict", no_wrap=True)
        grid.add_column("meaning", style="dim")
        for c in certificates:
            word = _verdict("holds" if c.holds else "FAILS")
            grid.add_row(c.name, f"{c.value:.1e}", f"{c.bound:.1e}", word, escape(c.meaning))
        grids.append(Padding(grid, (0, 0, 1, 0)))
    return Group(*grids)


@_terminal.register
def _(item: Code) -> RenderableType:
    source = Syntax(item.source, "python", background_color="default", word_wrap=True)
    shown: list[RenderableType] = [source]
    if item.output:
        shown += [Rule(style="dim"), Line(item.output, "dim")]
    return Padding(Panel(Group(*shown), border_style="dim"), (0, 0, 1, 0))


@_terminal.register
def _(item: Picture) -> RenderableType:
    return Padding(Line(f"[picture {item.path}] {item.caption}", "dim"), (0, 0, 1, 0))


def _grid(title: str) -> Grid:
    return Grid(
        title=escape(title),
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
    )


def _words(text: str) -> Line:
    line = Line()
    for k, part in enumerate(text.split("`")):
        line.append(part, "cyan" if k % 2 else "")
    return line


def _verdict(cell: str) -> Line:
    if cell.startswith(GOOD):
        return Line(cell, "green")
    return Line(cell, "bold red") if cell.startswith(BAD) else Line(cell)


COMMANDS = (demo,)
