"""What a section of the demo can say: text, tables, certificates, pictures, code that is run."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minimand._common.errors import CertificateError, missing_extra
from minimand._common.result import Certificate, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS_OF_LINES = 1 << 13  # that a chart may have, at the smooth edges of its lines


@dataclass(frozen=True, slots=True)
class Title:
    """Begins the section of a domain; the summary tells a layman what it is about."""

    title: str
    summary: str


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a part of a section."""

    title: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; words between backticks are code."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words, one header each column; the first column is the name of the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[str]

    def is_numeric(self, column: int) -> bool:
        """Whether numbers stand in a column, which then is flush right."""
        return any(row[column][:1].isdigit() for row in self.rows)


@dataclass(frozen=True, slots=True)
class Certificates:
    """What answers prove about themselves; each has a name, or "" if there is only one."""

    title: str
    answers: tuple[tuple[str, tuple[Certificate, ...]], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Python that was run, and what it printed."""

    source: str
    output: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture for light and for dark pages; `path` is the light one."""

    path: Path
    night_path: Path
    caption: str


Item = Title | Heading | Text | Table | Certificates | Code | Picture

# Cells of a table that are verdicts begin with one of these words.
GOOD, BAD = ("holds",), ("FAILS", "breaks down")


class Report:
    """Collects what the sections say; a section only calls the methods.

    Attributes
    ----------
    quick : bool
        Whether a section should take its small problems.
    folder, page : Path
        Where pictures and the HTML file go.
    items : list
        What was said so far.
    """

    def __init__(
        self, folder: Path, *, quick: bool = False, show: Callable[[Item], object] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.page = folder / "report.html"
        self.quick = quick
        self.items: list[Item] = []
        self._show = show

    @property
    def certificates(self) -> list[Certificate]:
        """All certificates of answers that the package stands for."""
        items = [item for item in self.items if isinstance(item, Certificates)]
        return [certificate for item in items for _, group in item.answers for certificate in group]

    @property
    def failed(self) -> list[Certificate]:
        """Those of them that do not hold."""
        return [certificate for certificate in self.certificates if not certificate.holds]

    def title(self, title: str, summary: str) -> None:
        """Begin the section of a domain."""
        self._add(Title(title, _one_line(summary)))

    def heading(self, title: str) -> None:
        """Begin a part of it."""
        self._add(Heading(title))

    def text(self, text: str) -> None:
        """Add a paragraph; line breaks do not matter, words between backticks are code."""
        self._add(Text(_one_line(text)))

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        strong: Iterable[str] = (),
    ) -> None:
        """Add a table; `strong` names rows, by their first cell, that should stand out."""
        cells = tuple(tuple(row) for row in rows)
        self._add(Table(title, tuple(columns), cells, frozenset(strong)))

    def certify(self, title: str, answers: Result | Mapping[str, Result]) -> None:
        """Add the certificates of one answer, or of several by name, that the package stands for.

        One that fails fails the demo; what is shown for comparison belongs into a table.
        """
        named = answers if isinstance(answers, Mapping) else {"": answers}
        groups = ((name, result.certificates) for name, result in named.items())
        self._add(Certificates(title, tuple(groups)))

    def run(self, source: str, **names: Any) -> dict[str, Any]:
        """Run Python code that knows `names`, show it with what it prints, return all its names.

        A CertificateError is shown as Python would print it: raising one may be the point.
        """
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                exec(compile(source, "<demo>", "exec"), names)
            except CertificateError as error:
                printed.write(f"{type(error).__name__}: {error}\n")
        self._add(Code(source.strip(), printed.getvalue().rstrip()))
        return names

    def picture(
        self,
        name: str,
        caption: str,
        draw: Callable[[Figure], object],
        *,
        size: tuple[float, float] = (7.5, 4.0),
    ) -> None:
        """Add what `draw` puts on an empty figure of that size in inches, as PNG files.

        The figure is matplotlib's own, not pyplot's: no window, no state that outlives it.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            self.text(f"(No picture here: {missing_extra('matplotlib', 'plot')})")
            return
        from minimand.plotting._style import recolour

        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        path, night_path = self.folder / f"{name}.png", self.folder / f"{name}-dark.png"
        for target, night in ((path, False), (night_path, True)):
            recolour(figure, night=night)
            _save(figure, target)
        self._add(Picture(path, night_path, _one_line(caption)))

    def _add(self, item: Item) -> None:
        self.items.append(item)
        if self._show is not None:
            self._show(item)


def _save(figure: Figure, path: Path) -> None:
    """Write a PNG file of at most 256 colours, a third of the size; dots mix what is between them.

    Charts have few colours and stay as they are; photographs would show bands without the dots.
    """
    from PIL import Image  # comes with matplotlib

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=150)
    image = Image.open(drawn).convert("RGB")
    palette = image.quantize(256, Image.Quantize.MAXCOVERAGE)  # the paper stays white
    photograph = image.getcolors(_COLOURS_OF_LINES) is None
    dither = Image.Dither.FLOYDSTEINBERG if photograph else Image.Dither.NONE
    image.quantize(palette=palette, dither=dither).save(path, optimize=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())
