"""What the installation says about itself."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import minimand
from minimand import _core

ROOT = Path(__file__).parents[1]


def test_one_version_everywhere():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert minimand.__version__ == declared
    assert importlib.metadata.version("minimand") == declared
    assert _core.build_info()["version"] == declared


def test_build_info_tells_what_was_built():
    info = _core.build_info()
    assert set(info) == {"version", "level", "compiler", "flags", "openmp", "eigen"}
    assert all(isinstance(value, str) and value for value in info.values())
    assert info["level"] == _core.level
    assert re.fullmatch(r"3\.4\.\d+", info["eigen"])
    assert re.match(r"(GCC|Clang) \d+", info["compiler"])


def test_arithmetic_is_strict():
    flags = _core.build_info()["flags"].split()
    assert {"-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"} <= set(flags)
    loose = [
        "-f" + name
        for name in ("fast" + "-math", "associative-math", "unsafe-math" + "-optimizations")
    ]
    assert not set(flags) & {*loose, "-O" + "fast", "-march=" + "native"}
    if _core.level != "base":
        assert f"-march=x86-64-{_core.level}" in flags


def test_max_threads_is_one_without_openmp():
    assert _core.max_threads() >= 1
    if _core.build_info()["openmp"] == "none":
        assert _core.max_threads() == 1


def test_package_says_that_it_is_typed_and_under_which_licences():
    assert (Path(minimand.__file__).parent / "py.typed").is_file()
    metadata = importlib.metadata.metadata("minimand")
    assert metadata["License-Expression"] == "BSD-3-Clause AND MPL-2.0"
    assert {"LICENSE", "LICENSES/MPL-2.0.txt"} <= set(metadata.get_all("License-File"))
