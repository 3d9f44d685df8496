"""The sections of TSPLIB files: numbers, checked line by line as they are read."""

from __future__ import annotations

import math
import os
import reprlib
import stat
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats

_LONGEST_LINE = 1 << 26  # bytes: a matrix of some thousand cities on one line
_NUMBER = b"0123456789+-.eE"
_INTEGER = b"0123456789+-"


class TSPLIBError(ValueError):
    """A TSPLIB file is broken; `path`, `line` (from 1) and `message` say where and how."""

    def __init__(self, path: str | Path, line: int, message: str) -> None:
        super().__init__(path, line, message)
        self.path = path
        self.line = line
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.message}"


# EDGE_WEIGHT_FORMAT: the columns begin..end-1 that row i of n has.
FORMATS: dict[str, Callable[[int, int], tuple[int, int]]] = {
    "FULL_MATRIX": lambda _i, n: (0, n),
    "UPPER_ROW": lambda i, n: (i + 1, n),
    "LOWER_ROW": lambda i, _n: (0, i),
    "UPPER_DIAG_ROW": lambda i, n: (i, n),
    "LOWER_DIAG_ROW": lambda i, _n: (0, i + 1),
}


def matrix_entries(layout: str, n: int) -> int:
    """Return how many numbers a matrix of n cities has in this EDGE_WEIGHT_FORMAT."""
    if layout == "FULL_MATRIX":
        return n * n
    return n * (n + 1) // 2 if "DIAG" in layout else n * (n - 1) // 2


class Lines:
    """The lines of a file that are not blank, with their numbers; one can be given back."""

    def __init__(self, path: str | Path, stream: BinaryIO) -> None:
        self.path = path
        self.number = 0
        self._stream = stream
        self._returned: bytes | None = None
        status = os.fstat(stream.fileno())
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None  # a pipe has none

    def fail(self, message: str, line: int | None = None) -> NoReturn:
        """Raise the error at a line, without one at the line that was read last."""
        raise TSPLIBError(self.path, self.number if line is None else line, message)

    def next(self) -> bytes | None:
        """Return the next line that is not blank, None at the end."""
        if self._returned is not None:
            line, self._returned = self._returned, None
            return line
        while raw := self._stream.readline(_LONGEST_LINE):
            self.number += 1
            if len(raw) == _LONGEST_LINE and not raw.endswith(b"\n"):
                self.fail(f"the line has more than {_LONGEST_LINE:,} bytes")
            if b"\0" in raw:
                self.fail("there is a NUL byte; this is no text file")
            if self.number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            line = raw.strip()
            if line:
                return line
        return None

    def back(self, line: bytes) -> None:
        """Give a line back, so that `next` returns it again."""
        self._returned = line

    def words(self) -> Iterator[tuple[int, str]]:
        """Yield lines as text."""
        while (line := self.next()) is not None:
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                text = line.decode("latin-1")
            yield self.number, text

    def data(self, section: str, done: Callable[[], str]) -> list[bytes]:
        """Return the words of the next line, which must be numbers; `done` says how far we are."""
        line = self.next()
        if line is None:
            self.fail(f"the file ends within {section}, after {done()}")
        if line[:1].isalpha():
            self.fail(f"{section} ends after {done()}")
        return line.split()


def check_size(lines: Lines, declared: int, count: int, least: int, unit: str) -> None:
    """Refuse what the file is too short for; `declared` is the line that declares it."""
    if lines.size is not None and lines.size < least * count - 1:
        lines.fail(f"{count:,} {unit} do not fit into a file of {lines.size:,} bytes", declared)


def read_coordinates(lines: Lines, section: str, n: int, columns: int) -> Floats:
    """Return the coordinates (n, columns) of cities 1 to n, which may come in any order."""
    numbers, order, seen = array("d"), array("q"), bytearray(n + 1)
    while len(order) < n:
        words = lines.data(section, lambda: f"{len(order)} of {n} cities")
        if len(words) != columns + 1:
            lines.fail(f"{len(words)} numbers, expected a city and {columns} coordinates")
        order.append(_new_city(lines, words[0], n, seen))
        numbers.extend(_numbers(lines, words[1:]))
    points = np.empty((n, columns))
    points[np.array(order, dtype=np.int64) - 1] = np.array(numbers).reshape(n, columns)
    return points


def read_matrix(lines: Lines, n: int, layout: str) -> Floats:
    """Return the matrix (n, n); the diagonal, which no tour uses, is 0."""
    entries = matrix_entries(layout, n)
    numbers, ends, line_numbers = array("d"), array("q"), array("q")
    while len(numbers) < entries:
        words = lines.data("EDGE_WEIGHT_SECTION", lambda: f"{len(numbers)} of {entries} entries")
        if len(numbers) + len(words) > entries:
            lines.fail(f"entry {entries + 1} of a matrix that has {entries}")
        numbers.extend(_numbers(lines, words))
        ends.append(len(numbers))
        line_numbers.append(lines.number)
    values, matrix, done = np.array(numbers), np.zeros((n, n)), 0

    def fail(entry: int, i: int, j: int, message: str) -> NoReturn:
        line = line_numbers[bisect_right(ends, entry)]
        lines.fail(f"cities {i + 1} and {j + 1} have distance {values[entry]:g}, {message}", line)

    for i in range(n):
        begin, end = FORMATS[layout](i, n)
        row = values[done : done + end - begin]
        if begin <= i < end:
            row[i - begin] = 0.0
        if row.size and row.min() < 0:
            k = int(np.argmax(row < 0))
            fail(done + k, i, begin + k, "expected numbers >= 0")
        matrix[i, begin:end] = row
        if layout != "FULL_MATRIX":
            matrix[begin:end, i] = row
        elif not np.array_equal(matrix[i, :i], matrix[:i, i]):
            k = int(np.argmax(matrix[i, :i] != matrix[:i, i]))
            fail(done + k, i, k, f"but {matrix[k, i]:g} the other way round")
        done += end - begin
    return matrix


def read_fixed_edges(lines: Lines, n: int, *, path: bool) -> NDArray[np.int64]:
    """Return the edges (k, 2) up to the -1 that ends them; together they must fit into a tour."""
    edges: list[tuple[int, int]] = []
    degree: dict[int, int] = {}
    leader: dict[int, int] = {}

    def top(city: int) -> int:
        while (up := leader.get(city, city)) != city:
            leader[city] = leader.get(up, up)
            city = up
        return city

    for words in _until_minus_one(lines, "FIXED_EDGES_SECTION", 2):
        i, j = (_integer(lines, word) for word in words)
        if not (1 <= i <= n and 1 <= j <= n) or i == j:
            lines.fail(f"edge {i} {j}, expected two cities from 1 to {n}")
        for city in (i, j):
            degree[city] = degree.get(city, 0) + 1
            if degree[city] > 2:
                lines.fail(f"edge {i} {j} is the third fixed one of city {city}")
        if top(i) == top(j) and (path or len(edges) + 1 < n):
            lines.fail(f"edge {i} {j} closes a cycle that is no tour")
        leader[top(i)] = top(j)
        edges.append((i - 1, j - 1))
    return np.array(edges, dtype=np.int64).reshape(-1, 2)


def read_tour_section(lines: Lines, n: int | None, largest: int) -> NDArray[np.int64]:
    """Return the one tour of the section, which -1 or the end of the file ends."""
    order, limit = array("q"), n or largest
    seen = bytearray(limit + 1)
    for (word,) in _until_minus_one(lines, "TOUR_SECTION", 1, open_end=True):
        order.append(_new_city(lines, word, limit, seen))
    if not order or (n is not None and len(order) != n):
        lines.fail(f"TOUR_SECTION ends after {len(order)} of {n or 'its'} cities")
    if max(order) > len(order):
        lines.fail(f"TOUR_SECTION has city {max(order)}, but only {len(order)} cities")
    return np.array(order, dtype=np.int64) - 1


def _until_minus_one(
    lines: Lines, section: str, width: int, *, open_end: bool = False
) -> Iterator[list[bytes]]:
    """Yield groups of words up to -1; with `open_end` EOF or the end of the file will do."""
    while True:
        line = lines.next()
        if open_end and (line is None or line == b"EOF"):
            if line is not None:
                lines.back(line)
            return
        if line is None or line[:1].isalpha():
            lines.fail(f"{section} ends without -1")
        words = line.split()
        last = words[-1] == b"-1"
        words = words[:-1] if last else words
        if len(words) % width:
            lines.fail(f"{len(words)} numbers, expected {width} for each edge")
        for k in range(0, len(words), width):
            yield words[k : k + width]
        if last:
            return


def _new_city(lines: Lines, word: bytes, n: int, seen: bytearray) -> int:
    city = _integer(lines, word)
    if not 1 <= city <= n:
        lines.fail(f"city {city}, expected 1 to {n}")
    if seen[city]:
        lines.fail(f"city {city} for the second time")
    seen[city] = 1
    return city


def _integer(lines: Lines, word: bytes) -> int:
    if word.translate(None, _INTEGER) or len(word) > 20:
        lines.fail(f"{_shown(word)} is no whole number")
    try:
        return int(word)
    except ValueError:
        lines.fail(f"{_shown(word)} is no whole number")


def _numbers(lines: Lines, words: list[bytes]) -> list[float]:
    values = []
    for word in words:
        try:
            value = math.nan if word.translate(None, _NUMBER) else float(word)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            lines.fail(f"{_shown(word)} is no finite number")
        values.append(value)
    return values


def _shown(word: bytes) -> str:
    return reprlib.repr(word.decode("latin-1"))
