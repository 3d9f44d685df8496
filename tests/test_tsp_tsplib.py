"""TSPLIB files: problems and tours as published, the traps of the format, and broken files."""

from __future__ import annotations

import contextlib
import csv
import math
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minimand.tsp.tsplib import TSPLIBError, read_tour, read_tsplib, write_tour

HEAD = "NAME : small\nTYPE : TSP\nDIMENSION : 4\nEDGE_WEIGHT_TYPE : EUC_2D\n"
SQUARE = HEAD + "NODE_COORD_SECTION\n1 0 0\n2 3 0\n3 3 4\n4 0 4\nEOF\n"
MATRIX = "NAME : m\nTYPE : TSP\nDIMENSION : 4\nEDGE_WEIGHT_TYPE : EXPLICIT\n"

# The distances 12, 13, 14, 23, 24, 34 of cities 1 to 4 in each layout.
LAYOUTS = {
    "FULL_MATRIX": "0 12 13 14\n12 0 23 24\n13 23 0 34\n14 24 34 0",
    "UPPER_ROW": "12 13 14\n23 24\n34",
    "LOWER_ROW": "12\n13 23\n14 24 34",
    "UPPER_DIAG_ROW": "0 12 13 14 0 23 24\n0 34 0",
    "LOWER_DIAG_ROW": "0\n12 0\n13 23 0\n14 24\n34 0",
}


def explicit(layout: str, numbers: str) -> str:
    return f"{MATRIX}EDGE_WEIGHT_FORMAT : {layout}\nEDGE_WEIGHT_SECTION\n{numbers}\nEOF\n"


@pytest.fixture
def write(tmp_path):
    def written(text: str | bytes) -> Path:
        path = tmp_path / "file.tsp"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


# Good files


@pytest.mark.parametrize(
    "text",
    [
        SQUARE,
        SQUARE.replace("\n", "\r\n"),
        "\ufeff" + SQUARE,
        SQUARE.replace(" : ", ": "),
        SQUARE.replace(" : ", ":"),
        SQUARE.replace("EOF\n", ""),
        SQUARE.replace("EOF\n", "\n EOF \n\n\n"),
        SQUARE.replace("2 3 0\n3 3 4", "3 3.0 4e0\n\n 2\t3.E+0 0.00"),
        SQUARE.replace("DIM", "COMMENT : Bücher\nCOMMENT : EOF\nDIM"),
        SQUARE.replace("TYPE : TSP", "TYPE : TSP (M.~Hofmeister)"),
        SQUARE.replace("EOF", "DISPLAY_DATA_SECTION\n1 1 1\n2 2 2\n3 3 3\n4 4 4\nEOF"),
        SQUARE.replace("NODE_COORD_S", "NODE_COORD_TYPE : TWOD_COORDS\nNODE_COORD_S"),
    ],
)
def test_variants_of_the_same_problem(write, text):
    problem = read_tsplib(write(text))
    assert (problem.name, problem.metric, problem.closed) == ("small", "euc_2d", True)
    assert problem.points.tolist() == [[0, 0], [3, 0], [3, 4], [0, 4]]
    assert problem.length(np.arange(4)) == 14.0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_matrices_in_every_layout(write, layout):
    problem = read_tsplib(write(explicit(layout, LAYOUTS[layout])))
    expected = [[0, 12, 13, 14], [12, 0, 23, 24], [13, 23, 0, 34], [14, 24, 34, 0]]
    assert problem.matrix.tolist() == expected
    assert (problem.metric, problem.N, problem.integer) == ("precomputed", 4, True)


def test_what_stands_on_the_diagonal_does_not_matter(write):
    text = explicit("FULL_MATRIX", LAYOUTS["FULL_MATRIX"].replace("34 0", "34 9999"))
    assert not np.diag(read_tsplib(write(text)).matrix).any()


def test_latin_1_in_a_comment(write):
    text = SQUARE.replace("NAME : small", "NAME : small\nCOMMENT : Bierg\xe4rten")
    assert read_tsplib(write(text.encode("latin-1"))).N == 4


def test_fixed_edges_and_open_paths(write):
    text = SQUARE.replace("EOF", "FIXED_EDGES_SECTION\n1 3\n4 2\n-1\nEOF")
    problem = read_tsplib(write(text))
    assert problem.fixed.tolist() == [[0, 2], [3, 1]]
    path = read_tsplib(write(text.replace("TYPE : TSP", "TYPE : HPP")))
    assert not path.closed
    assert path.length(np.arange(4)) == 10.0


def test_three_dimensions(write):
    text = SQUARE.replace("2D", "3D").replace("0\n", "0 0\n").replace("4\nEOF", "4 12\nEOF")
    text = text.replace("3 3 4", "3 3 4 0")
    problem = read_tsplib(write(text))
    assert problem.points[3].tolist() == [0, 4, 12]
    assert problem.distances(2, 3) == 12.0  # nint(sqrt(9 + 144))


def test_a_tour_survives_writing_and_reading(tmp_path):
    path = tmp_path / "a.tour"
    tour = np.random.default_rng(0).permutation(40)
    write_tour(path, tour, name="forty", comment="two\nlines")
    assert read_tour(path).tolist() == tour.tolist()
    lines = path.read_text().splitlines()
    assert lines[:4] == ["NAME : forty", "COMMENT : two", "COMMENT : lines", "TYPE : TOUR"]
    assert lines[-2:] == ["-1", "EOF"]


@pytest.mark.parametrize("ending", ["-1\nEOF\n", "-1", "EOF\n", ""])
def test_tours_may_end_in_many_ways(write, ending):
    text = "NAME : t\nTYPE : TOUR\nTOUR_SECTION\n 3 1\n2\n" + ending
    assert read_tour(write(text)).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("tour", "error"),
    [
        ([0, 0, 1], ValueError),
        ([1, 2, 3], ValueError),
        ([], TypeError),
        ([[0, 1]], ValueError),
        ([0.0, 1.0], TypeError),
        ("01", TypeError),
    ],
)
def test_what_is_no_tour_is_not_written(tmp_path, tour, error):
    with pytest.raises(error, match="tour "):
        write_tour(tmp_path / "a.tour", tour)
    assert not (tmp_path / "a.tour").exists()


def test_names_and_comments_cannot_break_a_file(tmp_path):
    with pytest.raises(ValueError, match="name has 2 lines"):
        write_tour(tmp_path / "a", [0], name="a\nEOF")
    with pytest.raises(TypeError, match="comment is 3"):
        write_tour(tmp_path / "a", [0], comment=3)


# Broken files: the line and what is wrong with it

BROKEN = {
    "truncated": (SQUARE[: SQUARE.index("4 0 4")], 8, "after 3 of 4 cities"),
    "truncated line": (SQUARE[: SQUARE.index(" 4\nEOF")], 9, "2 numbers, expected a city and 2"),
    "early EOF": (SQUARE.replace("4 0 4\n", ""), 9, "NODE_COORD_SECTION ends after 3 of 4"),
    "huge dimension": (SQUARE.replace(": 4", ": 1000000000000"), 3, "expected 1 to 1,000,000"),
    "absurd dimension": (SQUARE.replace(": 4", ": " + "9" * 9999), 3, "expected 1 to 1,000,000"),
    "large dimension": (SQUARE.replace(": 4", ": 999999"), 3, "do not fit into a file"),
    "no dimension": (SQUARE.replace("DIMENSION : 4\n", ""), 4, "before DIMENSION"),
    "zero dimension": (SQUARE.replace(": 4", ": 0"), 3, "DIMENSION is 0"),
    "fraction": (SQUARE.replace(": 4", ": 4.0"), 3, "'4.0', expected a whole number"),
    "negative": (SQUARE.replace(": 4", ": -4"), 3, "'-4', expected a whole number"),
    "unknown key": (SQUARE.replace("NAME", "NAMES"), 1, "did you mean NAME?"),
    "unknown section": (SQUARE.replace("NODE_COORD", "NODES_COORD"), 5, "unknown section"),
    "unknown type": (SQUARE.replace(": TSP", ": ATSP"), 2, "expected TSP, HPP or TOUR"),
    "unknown metric": (SQUARE.replace("EUC_2D", "XRAY1"), 4, "EDGE_WEIGHT_TYPE is 'XRAY1'"),
    "no type": (SQUARE.replace("TYPE : TSP\n", ""), 9, "without TYPE"),
    "empty": ("", 1, "the file ends without TYPE"),
    "only a head": (HEAD, 4, "without NODE_COORD_SECTION"),
    "duplicate key": (SQUARE.replace("EDGE", "DIMENSION: 4\nEDGE"), 4, "twice, first in line 3"),
    "key without colon": (SQUARE.replace("SION :", "SION"), 3, "has no colon"),
    "duplicate city": (SQUARE.replace("4 0 4", "2 0 4"), 9, "city 2 for the second time"),
    "city 0": (SQUARE.replace("1 0 0", "0 0 0"), 6, "city 0, expected 1 to 4"),
    "city 5": (SQUARE.replace("4 0 4", "5 0 4"), 9, "city 5, expected 1 to 4"),
    "no city": (SQUARE.replace("1 0 0", "1.0 0 0"), 6, "'1.0' is no whole number"),
    "NUL": (SQUARE.replace("3 3 4", "3 3\0 4"), 8, "NUL byte"),
    "too many cities": (SQUARE.replace("EOF", "5 1 1\nEOF"), 10, "outside of a section"),
    "one coordinate": (SQUARE.replace("3 3 4", "3 3"), 8, "2 numbers"),
    "three coordinates": (SQUARE.replace("3 3 4", "3 3 4 5"), 8, "4 numbers"),
    "NaN": (SQUARE.replace("3 3 4", "3 nan 4"), 8, "'nan' is no finite number"),
    "infinite": (SQUARE.replace("3 3 4", "3 1e999 4"), 8, "'1e999' is no finite number"),
    "underscore": (SQUARE.replace("3 3 4", "3 1_0 4"), 8, "'1_0' is no finite number"),
    "text": (SQUARE.replace("3 3 4", "3 x 4"), 8, "'x' is no finite number"),
    "data after EOF": (SQUARE + "7\n", 11, "stands after EOF"),
    "second section": (SQUARE.replace("EOF", SQUARE[SQUARE.index("NODE"):]), 10, "given twice"),
    "key after section": (SQUARE.replace("EOF", "TYPE : TSP"), 10, "TYPE is given twice"),
    "matrix of points": (
        SQUARE.replace("NODE_COORD_SECTION", "EDGE_WEIGHT_SECTION"), 5, "but there is an EDGE_W",
    ),
    "no format": (explicit("X", "1").replace("EDGE_WEIGHT_FORMAT : X\n", ""), 5, "is missing"),
    "function": (explicit("FUNCTION", "1"), 5, "EDGE_WEIGHT_FORMAT is FUNCTION"),
    "short matrix": (explicit("UPPER_ROW", "1 2 3\n4 5"), 9, "after 5 of 6 entries"),
    "long matrix": (explicit("UPPER_ROW", "1 2 3\n4 5\n6 7"), 9, "entry 7"),
    "asymmetric": (
        explicit("FULL_MATRIX", LAYOUTS["FULL_MATRIX"].replace("14 24", "14 25")), 10,
        "cities 4 and 2 have distance 25, but 24 the other way round",
    ),
    "negative distance": (explicit("LOWER_ROW", "12\n13 -3\n14 24 34"), 8, "cities 3 and 2"),
    "tour in a problem": (SQUARE.replace("EOF", "TOUR_SECTION\n1\n-1"), 10, "does not belong"),
    "fixed loop": (SQUARE.replace("EOF", "FIXED_EDGES_SECTION\n1 1\n-1"), 11, "edge 1 1"),
    "fixed star": (
        SQUARE.replace("EOF", "FIXED_EDGES_SECTION\n1 2\n1 3\n1 4\n-1"), 13, "third fixed one",
    ),
    "fixed cycle": (
        SQUARE.replace("EOF", "FIXED_EDGES_SECTION\n1 2\n2 3\n3 1\n-1"), 13, "closes a cycle",
    ),
    "fixed without end": (SQUARE.replace("EOF", "FIXED_EDGES_SECTION\n1 2"), 11, "without -1"),
    "half an edge": (SQUARE.replace("EOF", "FIXED_EDGES_SECTION\n1\n-1"), 11, "1 numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_refused_with_the_line(write, case):
    text, line, words = BROKEN[case]
    path = write(text)
    with pytest.raises(TSPLIBError) as caught:
        read_tsplib(path)
    error = caught.value
    assert words in error.message
    assert error.line == line
    assert str(error) == f"{path}, line {line}: {error.message}"
    assert len(str(error)) < 500
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


BROKEN_TOURS = {
    "short": ("TYPE: TOUR\nDIMENSION: 3\nTOUR_SECTION\n1\n2\n-1\n", 6, "after 2 of 3"),
    "long": ("TYPE: TOUR\nDIMENSION: 3\nTOUR_SECTION\n1 2 3 1\n-1\n", 4, "second time"),
    "twice": ("TYPE: TOUR\nDIMENSION: 3\nTOUR_SECTION\n1\n2\n2\n-1\n", 6, "second time"),
    "beyond": ("TYPE: TOUR\nTOUR_SECTION\n1\n3\n-1\n", 5, "city 3, but only 2 cities"),
    "none": ("TYPE: TOUR\nTOUR_SECTION\n-1\n", 3, "after 0"),
    "two tours": ("TYPE: TOUR\nTOUR_SECTION\n1 2\n-1\n2 1\n-1\n", 5, "outside of a section"),
    "huge": ("TYPE: TOUR\nDIMENSION: 999999\nTOUR_SECTION\n1\n-1\n", 2, "do not fit"),
    "no section": ("TYPE: TOUR\nDIMENSION: 3\n", 2, "without TOUR_SECTION"),
    "a problem": (SQUARE, 2, "expected TOUR"),
}


@pytest.mark.parametrize("case", BROKEN_TOURS)
def test_broken_tours_are_refused_with_the_line(write, case):
    text, line, words = BROKEN_TOURS[case]
    with pytest.raises(TSPLIBError, match=words) as caught:
        read_tour(write(text))
    assert caught.value.line == line


def test_a_tour_is_no_problem(write):
    with pytest.raises(TSPLIBError, match="read_tour reads it"):
        read_tsplib(write("TYPE: TOUR\nTOUR_SECTION\n1 2\n-1\n"))


def test_declared_sizes_cost_no_memory(write):
    texts = [
        SQUARE.replace(": 4", ": 1000000"),
        explicit("FULL_MATRIX", "1 2 3").replace("DIMENSION : 4", "DIMENSION : 1000000"),
        explicit("LOWER_ROW", "1 2 3 " * 2000).replace("DIMENSION : 4", "DIMENSION : 100000"),
        SQUARE.replace("1 0 0", "1 0 " + "0" * 100_000),
    ]
    tracemalloc.start()
    try:
        for text in texts:
            path = write(text)
            tracemalloc.reset_peak()
            with contextlib.suppress(TSPLIBError):
                read_tsplib(path)
            assert tracemalloc.get_traced_memory()[1] < 2_000_000 + 10 * len(text)
    finally:
        tracemalloc.stop()


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_tsplib(tmp_path / "none.tsp")
    with pytest.raises(TypeError, match="path is 3"):
        read_tsplib(3)


# Fuzz: whatever stands in a file, it is read or it is a TSPLIBError

WORDS = """
NAME TYPE COMMENT DIMENSION EDGE_WEIGHT_TYPE EDGE_WEIGHT_FORMAT NODE_COORD_TYPE TSP HPP TOUR EOF
NODE_COORD_SECTION EDGE_WEIGHT_SECTION FIXED_EDGES_SECTION DISPLAY_DATA_SECTION TOUR_SECTION
EXPLICIT EUC_2D EUC_3D GEO ATT FULL_MATRIX UPPER_ROW FUNCTION TWOD_COORDS NO_COORDS
: :: -1 0 1 2 3 4 5 1e300 1e308 -0.5 nan 1e 999999999999 --1 +1 ٣ é
"""
WORDS = [*WORDS.split(), *":::123", "\0", "\x1c", "\r", " "]


def read_whatever_it_is(path):
    for read in (read_tsplib, read_tour):
        with contextlib.suppress(TSPLIBError):
            read(path)


@given(st.data())
def test_mutated_files_raise_nothing_else(tmp_path_factory, data):
    start = data.draw(st.sampled_from([SQUARE, *(explicit(k, v) for k, v in LAYOUTS.items())]))
    text = bytearray(start.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        until = min(len(text), at + data.draw(st.integers(0, 8)))
        word = data.draw(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)))
        text[at:until] = word.encode()
    path = tmp_path_factory.getbasetemp() / "mutated.tsp"
    path.write_bytes(text)
    read_whatever_it_is(path)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join), max_size=14))
def test_files_of_random_words_raise_nothing_else(tmp_path_factory, lines):
    path = tmp_path_factory.getbasetemp() / "words.tsp"
    path.write_text("\n".join(lines), encoding="utf-8")
    read_whatever_it_is(path)


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_else(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes.tsp"
    path.write_bytes(content)
    read_whatever_it_is(path)


# The published problems: every optimal tour has the optimal length, in the file's own metric


def optima(data_file) -> dict[str, int]:
    with data_file("tsplib/optima.csv").open() as stream:
        return {row["name"]: int(row["optimum"]) for row in csv.DictReader(stream)}


def test_optimal_tours_have_the_optimal_lengths(data_file):
    expected = optima(data_file)
    tours = sorted(data_file("tsplib").glob("*.opt.tour"))
    assert len(tours) >= 20
    for path in tours:
        name = path.name.removesuffix(".opt.tour")
        problem = read_tsplib(path.with_name(f"{name}.tsp"))
        assert problem.length(read_tour(path)) == expected[name], name


def test_every_problem_is_read(data_file):
    for path in sorted(data_file("tsplib").glob("*.tsp")):
        problem = read_tsplib(path)
        assert problem.integer
        assert len(problem.points) == problem.N
        digits = "".join(c for c in path.stem if c.isdigit())
        assert int(digits) == problem.N or path.stem == "vm1748"


def test_rounding_of_the_published_values(data_file):
    folder = data_file("tsplib")

    def read(name):
        return read_tsplib(folder / f"{name}.tsp")

    def tour(name):
        return read_tour(folder / f"{name}.opt.tour")

    assert read("att532").length(np.arange(532)) == 309636
    assert read("ulysses16").length(tour("ulysses16")) == 6859  # 6917 with rounded degrees
    assert read("gr96").length(tour("gr96")) == 55209  # 55489
    assert read("dsj1000").metric == "ceil_2d"
    eil51 = read("eil51")
    steps = np.diff(eil51.points[np.append(tour("eil51"), tour("eil51")[0])], axis=0)
    assert math.isclose(np.hypot(*steps.T).sum(), 429.983312, abs_tol=1e-6)


def test_duplicates_are_one_apart_on_the_globe_and_zero_in_the_plane(data_file):
    airports = read_tsplib(data_file("tsplib/ali535.tsp"))
    i, j = np.triu_indices(airports.N, 1)
    same = (airports.points[i] == airports.points[j]).all(axis=1)
    assert same.sum() == 29
    assert (airports.distances(i[same], j[same]) == 1).all()
    drills = read_tsplib(data_file("tsplib/a280.tsp"))
    i, j = np.triu_indices(drills.N, 1)
    same = (drills.points[i] == drills.points[j]).all(axis=1)
    assert same.sum() == 1
    assert drills.distances(i[same], j[same]) == 0
