"""The grammar of TSPLIB files: lines, keys and sections, each checked where it stands.

Memory grows with what has been read, never with what a file declares; lines are bounded, and a
DIMENSION that the file is too short for is refused before its sections are read.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand.tsp.tsplib_sections import (
    FORMATS,
    Lines,
    TSPLIBError,
    check_size,
    matrix_entries,
    read_coordinates,
    read_fixed_edges,
    read_matrix,
    read_tour_section,
)

LARGEST = 1_000_000  # cities
TYPES = ("TSP", "HPP", "TOUR")

_KEYS = (
    "NAME",
    "TYPE",
    "COMMENT",
    "DIMENSION",
    "EDGE_WEIGHT_TYPE",
    "EDGE_WEIGHT_FORMAT",
    "NODE_COORD_TYPE",
    "DISPLAY_DATA_TYPE",
)
_SECTIONS = (
    "NODE_COORD_SECTION",
    "EDGE_WEIGHT_SECTION",
    "FIXED_EDGES_SECTION",
    "DISPLAY_DATA_SECTION",
    "TOUR_SECTION",
)
_NODE_COORD_TYPES = {"TWOD_COORDS": 2, "THREED_COORDS": 3, "NO_COORDS": 0}
_DISPLAY_TYPES = ("COORD_DISPLAY", "TWOD_DISPLAY", "NO_DISPLAY")
_LINE = re.compile(r"([A-Z][A-Z0-9_]*)\s*(:?)\s*(.*)")


@dataclass(slots=True)
class TSPLIBFile:
    """What a file says; `points` and `matrix` are empty where it has none."""

    kind: str = "TSP"
    kind_line: int = 1
    name: str = ""
    weight_type: str = ""
    points: Floats = field(default_factory=lambda: np.empty((0, 0)))
    matrix: Floats = field(default_factory=lambda: np.empty((0, 0)))
    fixed: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    tour: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    last_line: int = 1


def parse(path: str | Path, weight_types: Mapping[str, int]) -> TSPLIBFile:
    """Return the content of a file; `weight_types` gives the number of coordinates of each type."""
    with Path(path).open("rb") as stream:
        return _Parser(path, stream, weight_types).run()


class _Parser:
    def __init__(self, path: str | Path, stream: BinaryIO, weight_types: Mapping[str, int]) -> None:
        self.lines = Lines(path, stream)
        self.weight_types = weight_types
        self.values: dict[str, tuple[int, str]] = {}  # key: line, value
        self.seen: dict[str, int] = {}  # section: line
        self.file = TSPLIBFile()

    def run(self) -> TSPLIBFile:
        for number, text in self.lines.words():
            if text == "EOF":
                self._nothing_after_the_end()
                break
            match = _LINE.fullmatch(text)
            if match is None:
                self._fail(number, f"{reprlib.repr(text)} stands outside of a section")
            key, colon, value = match.groups()
            if key in _SECTIONS and not value:
                self._section(number, key)
            elif key in _KEYS and colon:
                self._key(number, key, value)
            else:
                self._fail(number, self._unknown(key, value, colon))
        self._complete()
        return self.file

    def _fail(self, line: int, message: str) -> NoReturn:
        raise TSPLIBError(self.lines.path, line, message)

    def _unknown(self, key: str, value: str, colon: str) -> str:
        if key in _SECTIONS:
            return f"{key} has {reprlib.repr(value)} on its line, expected nothing"
        if key in _KEYS:
            return f"{key} has no colon, expected '{key} : value'"
        kind = "key" if colon else "section or key"
        near = difflib.get_close_matches(key[:40], (*_KEYS, *_SECTIONS, "EOF"), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"{reprlib.repr(key)} is an unknown {kind}{hint}"

    def _nothing_after_the_end(self) -> None:
        for number, text in self.lines.words():
            self._fail(number, f"{reprlib.repr(text)} stands after EOF")

    # Keys

    def _key(self, number: int, key: str, value: str) -> None:
        if key == "COMMENT":
            return
        if key in self.values:
            self._fail(number, f"{key} is given twice, first in line {self.values[key][0]}")
        if self.seen and key != "NAME":
            self._fail(number, f"{key} stands after a section, expected it before")
        self.values[key] = (number, value)
        self.file.last_line = number
        if key == "NAME":
            self.file.name = value
        elif key == "TYPE":
            self.file.kind = value.partition("(")[0].strip()  # some have a remark in parentheses
            self.file.kind_line = number
            self._one_of(number, key, self.file.kind, TYPES)
        elif key == "DIMENSION":
            self._dimension()
        elif key == "EDGE_WEIGHT_TYPE":
            self._one_of(number, key, value, tuple(self.weight_types))
            self.file.weight_type = value
        elif key == "EDGE_WEIGHT_FORMAT":
            self._one_of(number, key, value, (*FORMATS, "FUNCTION"))
        elif key == "NODE_COORD_TYPE":
            self._one_of(number, key, value, tuple(_NODE_COORD_TYPES))
        elif key == "DISPLAY_DATA_TYPE":
            self._one_of(number, key, value, _DISPLAY_TYPES)

    def _one_of(self, number: int, key: str, value: str, options: tuple[str, ...]) -> None:
        if value not in options:
            self._fail(number, f"{key} is {reprlib.repr(value)}, expected {_or(options)}")

    def _dimension(self) -> int:
        number, value = self.values["DIMENSION"]
        if not re.fullmatch(r"\d+", value, re.ASCII):
            self._fail(number, f"DIMENSION is {reprlib.repr(value)}, expected a whole number")
        digits = value.lstrip("0") or "0"
        if len(digits) > 7 or not 1 <= int(digits) <= LARGEST:
            shown = reprlib.repr(digits).strip("'")
            self._fail(number, f"DIMENSION is {shown}, expected 1 to {LARGEST:,}")
        return int(digits)

    def _cities(self, number: int, section: str) -> int:
        if "DIMENSION" not in self.values:
            self._fail(number, f"{section} comes before DIMENSION, which is needed to read it")
        return self._dimension()

    # Sections

    def _section(self, number: int, name: str) -> None:
        if name in self.seen:
            self._fail(number, f"{name} is given twice, first in line {self.seen[name]}")
        if (name == "TOUR_SECTION") != (self.file.kind == "TOUR"):
            self._fail(number, f"{name} does not belong into a file of TYPE {self.file.kind}")
        self.seen[name] = number
        if name == "TOUR_SECTION":
            n = self._dimension() if "DIMENSION" in self.values else None
            check_size(self.lines, self._line_of("DIMENSION"), n or 1, 2, "cities of a tour")
            self.file.tour = read_tour_section(self.lines, n, LARGEST)
        elif name == "FIXED_EDGES_SECTION":
            n, path = self._cities(number, name), self.file.kind == "HPP"
            self.file.fixed = read_fixed_edges(self.lines, n, path=path)
        elif name == "EDGE_WEIGHT_SECTION":
            self.file.matrix = self._matrix(number)
        else:
            n, columns = self._cities(number, name), self._columns(number, name)
            check_size(self.lines, self._line_of("DIMENSION"), n, 2 + 2 * columns, "cities")
            points = read_coordinates(self.lines, name, n, columns)
            if name == "NODE_COORD_SECTION" and self.file.weight_type != "EXPLICIT":
                self.file.points = points
        self.file.last_line = self.lines.number

    def _columns(self, number: int, name: str) -> int:
        if name == "DISPLAY_DATA_SECTION":
            return 2
        if not self.file.weight_type:
            self._fail(number, f"{name} comes before EDGE_WEIGHT_TYPE, which is needed to read it")
        expected = self.weight_types[self.file.weight_type]
        line, kind = self.values.get("NODE_COORD_TYPE", (number, ""))
        declared = _NODE_COORD_TYPES.get(kind, expected or 2)
        if declared == 0 or (expected and declared != expected):
            self._fail(line, f"NODE_COORD_TYPE is {kind}, which {name} contradicts")
        return declared

    def _matrix(self, number: int) -> Floats:
        n = self._cities(number, "EDGE_WEIGHT_SECTION")
        if self.file.weight_type != "EXPLICIT":
            given = self.file.weight_type or "missing"
            self._fail(number, f"EDGE_WEIGHT_TYPE is {given}, but there is an EDGE_WEIGHT_SECTION")
        line, layout = self.values.get("EDGE_WEIGHT_FORMAT", (number, "missing"))
        if layout not in FORMATS:
            self._fail(line, f"EDGE_WEIGHT_FORMAT is {layout}, expected {_or(tuple(FORMATS))}")
        entries = matrix_entries(layout, n)
        check_size(self.lines, self._line_of("DIMENSION"), entries, 2, "entries of the matrix")
        return read_matrix(self.lines, n, layout)

    def _line_of(self, key: str) -> int:
        return self.values[key][0] if key in self.values else self.lines.number

    def _complete(self) -> None:
        """Refuse a file whose end leaves something out."""
        last = max(1, self.lines.number)
        needed = ["TOUR_SECTION"]
        if self.file.kind != "TOUR":
            keys = [key for key in ("DIMENSION", "EDGE_WEIGHT_TYPE") if key not in self.values]
            explicit = self.file.weight_type == "EXPLICIT"
            needed = [*keys, "EDGE_WEIGHT_SECTION" if explicit else "NODE_COORD_SECTION"]
        if "TYPE" not in self.values:
            needed.insert(0, "TYPE")
        for name in needed:
            if name not in self.values and name not in self.seen:
                self._fail(last, f"the file ends without {name}")


def _or(options: tuple[str, ...]) -> str:
    return f"{', '.join(options[:-1])} or {options[-1]}"
