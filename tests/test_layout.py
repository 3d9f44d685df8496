"""One name per domain, the same everywhere: a domain whose files are incomplete fails here."""

import re
from pathlib import Path

import pytest

from minimand._common.backend import DOMAINS

ROOT = Path(__file__).parents[1]

# What a domain consists of: in each row one of the patterns must exist. A domain is a file until it
# must become a folder.
PARTS = {
    "kernel header": ["cpp/{domain}.hpp", "cpp/{domain}/*.hpp"],
    "kernel": ["cpp/{domain}.cpp", "cpp/{domain}/*.cpp"],
    "binding": ["cpp/{domain}_bind.cpp"],
    "public functions": ["python/minimand/{domain}.py", "python/minimand/{domain}/__init__.py"],
    "NumPy mirror": [
        "python/minimand/reference/{domain}.py",
        "python/minimand/reference/{domain}/__init__.py",
    ],
    "stub": ["python/minimand/_core/{domain}.pyi"],
    "problems": [
        "python/minimand/problems/{domain}.py",
        "python/minimand/problems/{domain}/__init__.py",
    ],
    "demo section": ["python/minimand/demo/{domain}.py"],
    "tests": ["tests/test_{domain}.py", "tests/{domain}/test_*.py"],
    "benchmarks": ["benchmarks/bench_{domain}.py"],
    "documentation": ["docs/{domain}.md"],
}

# Not every domain has a picture or an estimator; what lies there is named after a domain.
OPTIONAL = ["python/minimand/plotting", "python/minimand/estimators"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_domain_has(domain, part):
    patterns = [pattern.format(domain=domain) for pattern in PARTS[part]]
    found = [path for pattern in patterns for path in ROOT.glob(pattern)]
    assert found, f"the domain {domain} has no {part}: expected {' or '.join(patterns)}"


@pytest.mark.parametrize("folder", OPTIONAL)
def test_optional_parts_are_named_after_domains(folder):
    names = {path.stem for path in (ROOT / folder).glob("[!_]*") if path.name != "py.typed"}
    assert names <= set(DOMAINS)


def test_cmake_has_the_same_domains():
    match = re.search(r"set\(MINIMAND_DOMAINS\s+([^)]*)\)", (ROOT / "CMakeLists.txt").read_text())
    assert tuple(match[1].split()) == DOMAINS


@pytest.mark.parametrize("domain", DOMAINS)
def test_module_registers(domain):
    module = (ROOT / "cpp/module.cpp").read_text()
    assert f"void register_{domain}(py::module_& parent);" in module
    assert f"register_{domain}(module);" in module


@pytest.mark.parametrize("folder", ["cpp", "python", "tests", "benchmarks"])
def test_no_file_is_called_utils(folder):
    assert not [path for path in (ROOT / folder).rglob("*") if path.stem.rstrip("s") == "util"]
