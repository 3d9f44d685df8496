"""Reader of the linear-regression files of the NIST Statistical Reference Datasets (StRD).

A file has the certified values in its header, which also states the lines that the data fill;
a data line holds y, then the predictors. NIST certifies 15 digits, from 500-digit arithmetic.
"""

import os
import re
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import numpy as np

from minimand.problems.least_squares.problem import (
    ATTAINABLE_DIGITS,
    UNIT_COLUMN_CONDITION,
    NistProblem,
)

_MAX_BYTES = 1 << 20
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d+)?")


def read_nist(path: str | os.PathLike[str]) -> NistProblem:
    """Read a ``.dat`` file of the linear-regression sets of NIST.

    Parameters
    ----------
    path
        File of at most 1 MiB, as NIST publishes it.

    Returns
    -------
    NistProblem
        Design, with the ones column explicit where the model has one, and the certified values.

    Raises
    ------
    ValueError
        The file is not what it should be; the message names the line.

    Examples
    --------
    >>> from importlib.resources import files
    >>> from minimand.problems.least_squares import read_nist
    >>> path = files("minimand.problems").joinpath("data", "Longley.dat")
    >>> read_nist(path).residual_sd
    304.854073561965
    """
    file = Path(path)
    with file.open("rb") as stream:
        return parse_nist(stream.read(_MAX_BYTES + 1), file.name)


def parse_nist(content: bytes, file: str) -> NistProblem:
    """Read the content of a file; `file` is its name in messages."""
    if len(content) > _MAX_BYTES:
        raise ValueError(f"{file}: more than {_MAX_BYTES} bytes, too long for a NIST set")
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{file}, line {line}: not ASCII text") from None
    text = _Lines(file, lines)

    # What the header says of the data and of the model.
    name = text.find("Dataset Name", r"Dataset Name:\s+(\w+)")[1]
    span = text.find("lines of the data", r"\s+Data\s+\(lines (\d{1,6}) to (\d{1,6})\)")
    predictors = int(text.find("predictors", r"\s+(\d{1,6}) Predictor Variables? ")[1])
    m = int(text.find("observations", r"\s+(\d{1,6}) Observations")[1])
    parameters = text.find("parameters", r"\s+(\d{1,6}) Parameters? \(B([01])")
    n, first_parameter = int(parameters[1]), int(parameters[2])
    intercept = first_parameter == 0
    formula = text.find("model", r"\s+y = (.*)")[1]

    # Certified values.
    certified = []
    for j in range(first_parameter, first_parameter + n):
        text.find(f"estimate of B{j}", rf"\s+B{j}\s")
        certified.append(text.numbers(2, skip=1))
    text.find("residual standard deviation", r"\s+Standard Deviation\s+[\d.]")
    residual_sd = text.numbers(1, skip=2)[0]
    text.find("residual sum of squares", r"Residual\s+\d")
    degrees = text.numbers(3, skip=1)[0]
    if degrees != m - n:
        text.fail(f"{degrees:g} residual degrees of freedom, expected {m} - {n}")

    # Data: y, then the predictors.
    begin, end = int(span[1]) - 1, int(span[2])
    if end - begin != m or not text.position <= begin <= end <= len(lines):
        text.fail(f"{m} observations cannot fill lines {span[1]} to {end} of {len(lines)}")
    text.position = begin
    data = np.empty((m, 1 + predictors))
    for row in data:
        text.position += 1
        row[:] = text.numbers(1 + predictors, skip=0)
    for rest in lines[end:]:
        text.position += 1
        if rest.strip():
            text.fail("text after the data")

    # Design: the powers of one predictor, or the predictors themselves.
    if predictors == 1 and "**" in formula:
        # Powers rounded once, on every platform the same; Filip is that sensitive.
        powers = range(first_parameter, first_parameter + n)
        X = np.array([[float(Fraction(x) ** j) for j in powers] for x in data[:, 1]])
    else:
        X = np.hstack([np.ones((m, int(intercept))), data[:, 1:]])
    if X.shape[1] != n:
        raise ValueError(f"{file}: {n} parameters, but the model y = {formula} has {X.shape[1]}")
    return NistProblem(
        name=name,
        X=X,
        y=data[:, 0].copy(),
        coef=np.array([estimate for estimate, _ in certified]),
        rank=n,
        condition=UNIT_COLUMN_CONDITION.get(name),
        leading_ones=intercept,
        standard_error=np.array([deviation for _, deviation in certified]),
        residual_sd=residual_sd,
        attainable_digits=ATTAINABLE_DIGITS.get(name, 15.0),
    )


class _Lines:
    """Lines of a file, read from top to bottom; `position` is the number of the current line."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self.file = file
        self.lines = lines
        self.position = 0

    def fail(self, message: str) -> NoReturn:
        raise ValueError(f"{self.file}, line {self.position}: {message}")

    def find(self, what: str, pattern: str) -> re.Match[str]:
        """Go on to the next line that begins with the pattern."""
        for number, line in enumerate(self.lines[self.position :], self.position + 1):
            match = re.match(pattern, line)
            if match:
                self.position = number
                return match
        return self.fail(f"no {what} from here on")

    def numbers(self, count: int, skip: int) -> list[float]:
        """Read the numbers of the current line, after ``skip`` words."""
        words = self.lines[self.position - 1].split()[skip:]
        if len(words) != count:
            self.fail(f"{len(words)} numbers, expected {count}")
        for word in words:
            if not _NUMBER.fullmatch(word):
                self.fail(f"{word!r} is not a number")
        return [float(word) for word in words]
