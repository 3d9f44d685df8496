"""The examples in the docstrings do what they say."""

import doctest
import importlib
import pkgutil

import pytest

import minimand

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(minimand.__path__, "minimand.")
    # The compiled modules have no examples, and one process loads one level only.
    if not module.name.startswith("minimand._core.") and module.name != "minimand.__main__"
)


@pytest.mark.parametrize("name", ["minimand", *MODULES])
def test_examples(name, monkeypatch, tmp_path):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)  # for examples that write a file
    results = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert results.failed == 0
