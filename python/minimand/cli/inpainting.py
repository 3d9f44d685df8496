"""`minimand inpaint`: fill the unknown pixels of a picture, with a certificate."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import minimand
from minimand._common.errors import missing_extra
from minimand._common.result import Status
from minimand.cli._images import ImageFileError, Picture, check_target, colour_of, read, write

if TYPE_CHECKING:
    from minimand.inpainting import InpaintingResult

_NOT_CERTIFIED, _BAD_INPUT, _INTERRUPTED = 1, 2, 130


class _Coupling(StrEnum):
    SEPARATE = "separate"
    JOINT = "joint"


class _Method(StrEnum):
    AUTO = "auto"
    NEWTON = "newton"
    PDHG = "pdhg"


def inpaint(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The picture to fill.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="Where the filled one goes.")
    ],
    known: Annotated[
        Path | None,
        typer.Option(metavar="MASK", help="Picture of the same size: black where IN is unknown."),
    ] = None,
    unknown_color: Annotated[
        str | None,
        typer.Option(metavar="COLOR", help="Unknown is what has this colour: white, #ff0000, …"),
    ] = None,
    tol: Annotated[
        float,
        typer.Option(
            min=0.0, help="How far from COLOR, or from black in MASK, a channel may be; file units."
        ),
    ] = 0.0,
    dilate: Annotated[
        int, typer.Option(min=0, help="Grow the unknown area by so many pixels all round.")
    ] = 0,
    coupling: Annotated[
        _Coupling, typer.Option(help="Colour channels one by one, or with common edges.")
    ] = _Coupling.SEPARATE,
    gap: Annotated[
        float, typer.Option(min=1e-12, help="The certified relative gap at which to stop.")
    ] = 1e-4,
    method: Annotated[_Method, typer.Option(help="The algorithm.")] = _Method.AUTO,
    time_limit: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Stop after so many seconds.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Use at most so many threads.")] = None,
    figure: Annotated[
        Path | None,
        typer.Option("--picture", metavar="FIG", help="Also draw before, after and difference."),
    ] = None,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Refuse larger pictures before they are decoded.")
    ] = 64_000_000,
) -> None:
    """Fill the unknown pixels of a picture so that its total variation is least.

    Known pixels stay as they are, transparency too. Ctrl-C writes the best picture so far.
    """
    out, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        # Read, and look at what may fail at the end before the work begins
        picture = read(source, max_pixels=max_pixels)
        mask, notes = _mask(picture, known, unknown_color, tol, dilate, max_pixels)
        check_target(output, picture)
        save_figure = None if figure is None else _figure(figure)
        for note in (*picture.notes, *notes):
            _say(errors, f"note: {note}")
        out.print(_input_line(source, picture, mask), markup=False, soft_wrap=True)

        # Solve
        with _progress(errors, gap) as callback, warnings.catch_warnings():
            warnings.simplefilter("ignore", minimand.ConvergenceWarning)  # said below, in words
            result = minimand.inpaint(
                picture.pixels,
                mask,
                coupling=coupling.value,
                method=method.value,
                tol=gap,
                time_limit=time_limit,
                callback=callback,
                threads=threads,
            )

        # Write
        filled = replace(picture, pixels=result.to_dtype(picture.pixels.dtype))
        exact = write(output, filled)
        if save_figure is not None:
            save_figure(result, picture.pixels, mask)
    except ValueError as error:  # what is wrong with a file, or with what it holds
        _say(errors, str(error))
        raise typer.Exit(_BAD_INPUT) from None

    # Report
    verdict, problem = _verify(result, picture.pixels, mask)
    out.print(_summary(result, filled, output, verdict))
    if not exact:
        _say(errors, f"note: {output} is in a format that changes pixels; .png does not")
    if problem:
        _say(errors, problem)
        interrupted = result.status is Status.INTERRUPTED
        raise typer.Exit(_INTERRUPTED if interrupted else _NOT_CERTIFIED)


def _mask(
    picture: Picture,
    known: Path | None,
    color: str | None,
    tol: float,
    dilate: int,
    max_pixels: int,
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Return what is known of the picture, from either of the two options, and what to note."""
    notes: tuple[str, ...] = ()
    if (known is None) == (color is None):
        raise ImageFileError("say what is unknown: either --known MASK or --unknown-color COLOR")
    if known is not None:
        mask = read(known, max_pixels=max_pixels)
        if mask.pixels.shape[:2] != picture.pixels.shape[:2]:
            raise ImageFileError(
                f"{known} has {mask.size} pixels, expected {picture.size} as the picture has"
            )
        values = mask.pixels.reshape(*mask.pixels.shape[:2], -1)
        if mask.alpha is not None:  # what is transparent is not white
            values = np.where(mask.alpha[..., np.newaxis] > 0, values, 0)
        if tol == 0 and ((values != 0) & (values != values.max())).any():
            notes = (f"{known} is not only black and white; all but black counts as known (--tol)",)
        found = minimand.mask_from_color(values, [0] * values.shape[2], tol=tol, dilate=dilate)
        nothing = f"{known} is black everywhere: white means known"
    else:
        assert color is not None
        wanted = colour_of(color, picture)
        found = minimand.mask_from_color(picture.pixels, wanted, tol=tol, dilate=dilate)
        nothing = f"every pixel counts as {color}, with --tol {tol:g} and --dilate {dilate}"
    if not found.any():
        raise ImageFileError(f"no pixel is known: {nothing}")
    return found, notes


def _input_line(source: Path, picture: Picture, mask: NDArray[np.bool_]) -> str:
    unknown = mask.size - int(np.count_nonzero(mask))
    share = f"{unknown:,} unknown ({unknown / mask.size:.1%})" if unknown else "nothing unknown"
    return f"{source}: {picture.size} pixels, {picture.kind}; {share}"


def _summary(result: InpaintingResult, filled: Picture, output: Path, verdict: str) -> Table:
    """Return what was found, as a table without lines."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    rows = [
        ("objective", f"{result.objective:.12g}"),
        ("lower bound", f"{result.lower_bound:.12g}"),
        ("gap", f"{result.gap:.2e} ({result.tol:g} was asked for)"),
        ("certificates", verdict),
        ("components", f"{result.n_components:,}"),
        ("method", f"{result.method}, {result.iterations:,} iterations"),
        ("seconds", f"{result.seconds:.3g}"),
        ("written", str(output)),
        *_rounding(result, filled),
    ]
    for name, text in rows:
        table.add_row(name, escape(text))
    return table


def _rounding(result: InpaintingResult, filled: Picture) -> list[tuple[str, str]]:
    """Return what becomes of the objective by rounding to the type of the file."""
    if filled.pixels.dtype == np.float32 or result.n_unknown == 0:
        return []
    objective = minimand.total_variation(filled.pixels, coupling=result.coupling)
    gap = (objective - result.lower_bound) / objective if objective else 0.0
    bits = 8 * filled.pixels.dtype.itemsize
    return [("", f"rounded to {bits} bits: objective {objective:.12g}, gap {gap:.2e}")]


def _verify(
    result: InpaintingResult, pixels: NDArray[Any], mask: NDArray[np.bool_]
) -> tuple[str, str]:
    """Return the verdict on the certificates, and the warning if there is one."""
    if result.status is Status.INTERRUPTED:
        warning = f"interrupted; what was written has a certified gap of {result.gap:.2e}"
    elif not result.status.ok:
        warning = f"warning: {result.status.value} The certified gap is {result.gap:.2e}"
    else:
        try:
            result.verify(pixels, mask)
        except minimand.CertificateError as error:
            return "FAIL", f"warning: {error}"
        return "hold, computed anew in NumPy", ""
    return "the gap is larger than was asked for", warning


def _figure(
    path: Path,
) -> Callable[[InpaintingResult, NDArray[Any], NDArray[np.bool_]], None]:
    """Return a function that draws and saves; what would stop it is found now."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("matplotlib", "plot") from None
    from minimand.plotting.inpainting import panels

    figure = Figure(figsize=(12.0, 3.6), layout="constrained")
    kinds = figure.canvas.get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in kinds:
        raise ImageFileError(f"{path} cannot be drawn: its ending is none of {', '.join(kinds)}")
    if not path.parent.is_dir():
        raise ImageFileError(f"{path} cannot be drawn: {path.parent} is not a folder")

    def save(result: InpaintingResult, pixels: NDArray[Any], mask: NDArray[np.bool_]) -> None:
        panels(result, pixels, mask, axes=figure.subplots(1, 4))
        try:
            figure.savefig(path, dpi=150)
        except OSError as error:
            raise ImageFileError(f"{path} cannot be drawn: {error.strerror or error}") from None

    return save


@contextmanager
def _progress(console: Console, target: float) -> Iterator[Callable[[Any], None] | None]:
    """Show how far the gap has come down to its target, where somebody is watching."""
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("in-painting"),
        BarColumn(),
        TextColumn("gap {task.fields[gap]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=1.0, gap="–")

        def show(now: Any) -> None:
            progress.update(task, completed=_share_done(now.gap, target), gap=f"{now.gap:.1e}")

        yield show


def _share_done(gap: float, target: float) -> float:
    """Return the share of the digits that are there; a run begins with a gap of about 1."""
    least = min(0.5, target)
    return math.log(min(1.0, max(gap, least))) / math.log(least)


def _say(console: Console, words: str) -> None:
    line = " ".join(words.split())
    console.print(f"minimand: {line}", markup=False, soft_wrap=True)


COMMANDS = (inpaint,)
