"""TSPLIB files: a strict reader of problems and tours, whose memory is bounded by the file.

Format: G. Reinelt, TSPLIB 95, Universität Heidelberg. What a file declares is checked before
anything is allocated for it; whatever is wrong with a file becomes a `TSPLIBError` with the line.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minimand._common.conversion import wrong_type
from minimand.tsp.instance import Instance
from minimand.tsp.tsplib_file import TSPLIBFile, parse
from minimand.tsp.tsplib_sections import TSPLIBError

__all__ = ["TSPLIBError", "read_tour", "read_tsplib", "write_tour"]

# EDGE_WEIGHT_TYPE to `metric`, and the number of coordinates.
METRICS = {
    "EUC_2D": ("euc_2d", 2),
    "EUC_3D": ("euc_3d", 3),
    "CEIL_2D": ("ceil_2d", 2),
    "ATT": ("att", 2),
    "GEO": ("geo", 2),
    "MAN_2D": ("man_2d", 2),
    "MAX_2D": ("max_2d", 2),
    "EXPLICIT": ("precomputed", 0),
}


def read_tsplib(path: str | Path) -> Instance:
    r"""Read a symmetric travelling salesman problem in the format of TSPLIB.

    Parameters
    ----------
    path : str or Path
        A file of TYPE TSP (a closed tour) or HPP (an open path).

    Returns
    -------
    Instance
        What `tsp`, `tour_length` and `tour_lower_bound` take in place of points: the cities (city 1
        of the file is 0 here), the metric with TSPLIB's rounding, fixed edges and the name.

    Raises
    ------
    TSPLIBError
        The file is not a problem of these kinds, with the line at fault: an unknown or a repeated
        key, a missing or a repeated section, numbers that do not match DIMENSION, cities that are
        not 1 to n once each, a number that is not finite, data after the end.
    OSError
        The file cannot be read.

    Notes
    -----
    EDGE_WEIGHT_TYPE: EUC_2D, EUC_3D, CEIL_2D, ATT, GEO, MAN_2D, MAX_2D, or EXPLICIT as FULL_MATRIX,
    UPPER_ROW, LOWER_ROW, UPPER_DIAG_ROW or LOWER_DIAG_ROW. At most a million cities.

    Examples
    --------
    >>> import minimand
    >>> from pathlib import Path
    >>> path = Path("corners.tsp")
    >>> text = "TYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EUC_2D\nNODE_COORD_SECTION\n"
    >>> _ = path.write_text(text + "1 0 0\n2 3 0\n3 3 4\n")
    >>> problem = minimand.read_tsplib(path)
    >>> problem.N, problem.metric
    (3, 'euc_2d')
    """
    file = _open(path)
    if file.kind == "TOUR":
        raise TSPLIBError(path, file.kind_line, "this is a tour; read_tour reads it")
    metric, _ = METRICS[file.weight_type]
    try:
        return Instance(
            points=file.points,
            matrix=file.matrix,
            metric=metric,
            fixed=file.fixed,
            closed=file.kind == "TSP",
            start=None,
            end=None,
            name=file.name,
        )
    except (ValueError, OverflowError) as error:  # what is a matter of the whole instance
        raise TSPLIBError(path, file.last_line, str(error)) from None


def read_tour(path: str | Path) -> NDArray[np.int64]:
    """Read a tour in the format of TSPLIB (TYPE TOUR, one tour).

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    ndarray (N,) of int64
        The cities in the order of the tour, counted from 0.

    Raises
    ------
    TSPLIBError
        The file is not a tour through cities 1 to N, with the line at fault.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile, pathlib, minimand
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "round.tour"
    >>> minimand.write_tour(path, [2, 0, 1])
    >>> minimand.read_tour(path)
    array([2, 0, 1])
    """
    file = _open(path)
    if file.kind != "TOUR":
        message = f"TYPE is {file.kind}, expected TOUR; read_tsplib reads problems"
        raise TSPLIBError(path, file.kind_line, message)
    return file.tour


def write_tour(
    path: str | Path, tour: object, *, name: str | None = None, comment: str | None = None
) -> None:
    """Write a tour in the format of TSPLIB, one city a line, counted from 1.

    Parameters
    ----------
    path : str or Path
        The file; one that exists is replaced.
    tour : array_like of int (N,)
        A permutation of 0 to N-1, as in `TSPResult.tour`.
    name : str, optional
        NAME of the file; without it the name of the path.
    comment : str, optional
        COMMENT, one for each of its lines.

    Raises
    ------
    ValueError, TypeError
        `tour` is not a permutation, or `name` has more than one line.
    """
    cities = _permutation(tour)
    title = Path(path).name if name is None else _line("name", name)
    remarks = [] if comment is None else _text("comment", comment).splitlines()
    lines = [f"NAME : {title}", *(f"COMMENT : {remark}" for remark in remarks)]
    lines += ["TYPE : TOUR", f"DIMENSION : {len(cities)}", "TOUR_SECTION"]
    lines += [str(city + 1) for city in cities.tolist()]
    Path(path).write_text("\n".join([*lines, "-1", "EOF", ""]), encoding="utf-8", newline="\n")


def _open(path: str | Path) -> TSPLIBFile:
    if not isinstance(path, (str, Path)):
        raise wrong_type("path", path, "a path")
    return parse(path, {name: dimension for name, (_, dimension) in METRICS.items()})


def _permutation(tour: object) -> NDArray[np.int64]:
    array = np.asarray(tour)
    if array.dtype.kind not in "iu":
        raise TypeError(f"tour has dtype {array.dtype}, expected integers")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"tour has shape {array.shape}, expected a vector (cities,)")
    cities = array.astype(np.int64)
    order = np.sort(cities)
    wrong = np.flatnonzero(order != np.arange(len(order)))
    if wrong.size:
        raise ValueError(
            f"tour is not a permutation of 0 to {len(order) - 1}: city {wrong[0]} occurs "
            f"{np.count_nonzero(cities == wrong[0])} times"
        )
    return cities


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise wrong_type(name, value, "a text")
    if "\0" in value:
        raise ValueError(f"{name} has a NUL character, expected a text")
    return value


def _line(name: str, value: object) -> str:
    text = _text(name, value)
    if len(text.splitlines()) > 1:
        raise ValueError(f"{name} has {len(text.splitlines())} lines, expected one")
    return text.strip()
