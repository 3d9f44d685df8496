"""The command `minimand`: what it prints, its exit status, and that it never shows a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import minimand
import minimand.cli.demo
from minimand.cli._app import app

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


@pytest.fixture
def minimand_command(monkeypatch):
    """Run a command line in this process, in a terminal wide enough not to break lines."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    return lambda *arguments: CliRunner().invoke(app(), list(arguments), prog_name="minimand")


def test_version(minimand_command):
    done = minimand_command("--version")
    assert (done.exit_code, done.stdout.strip()) == (0, minimand.__version__)


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("demo", "-h"), ("info", "--help")])
def test_help(minimand_command, arguments):
    done = minimand_command(*arguments)
    assert done.exit_code == 0
    assert "Usage: minimand" in done.stdout


def test_help_lists_the_commands(minimand_command):
    assert {"demo", "info", "inpaint"} <= set(minimand_command("--help").stdout.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("dmeo",), ["No such command 'dmeo'", "demo"]),
        (("demo", "--sectoin", "x"), ["No such option", "--section"]),
        (("demo", "--section", "potatoes"), ["'potatoes' is not one of", "least_squares"]),
        (("info", "--output"), ["No such option"]),
    ],
)
def test_misspellings_get_a_hint(minimand_command, arguments, words):
    done = minimand_command(*arguments)
    assert done.exit_code == 2
    assert all(word in done.stderr for word in words)
    assert "Traceback" not in done.stderr


def test_info_is_for_people(minimand_command):
    done = minimand_command("info")
    info = minimand.build_info()
    assert done.exit_code == 0
    for word in (info["version"], info["level"], info["compiler"], info["eigen"], info["numpy"]):
        assert word in done.stdout


def test_info_is_for_programs(minimand_command):
    done = minimand_command("info", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == minimand.build_info()


def test_build_info_knows_all_extras():
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    extras = minimand.build_info()["extras"]
    assert set(extras) == set(declared) - {"all"}
    assert all(extras["cli"].values())
    assert minimand.build_info()["threads"] >= 1


def test_interruption_is_one_line(minimand_command, monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(minimand.cli.demo, "run", interrupted)
    done = minimand_command("demo")
    assert done.exit_code == 130
    assert done.stderr.strip() == "minimand: interrupted"


def test_folder_that_cannot_be_made_is_one_line(minimand_command, tmp_path):
    (tmp_path / "file").write_text("")
    done = minimand_command("demo", "--output", str(tmp_path / "file" / "folder"))
    assert done.exit_code == 1
    assert done.stderr.startswith("minimand: ")
    assert len(done.stderr.splitlines()) == 1


def test_module_is_the_command():
    command = [sys.executable, "-m", "minimand", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, minimand.__version__)


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_without_its_extra_it_names_the_pip_command(package):
    code = f"import sys; sys.modules[{package!r}] = None; from minimand.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.strip().endswith('pip install "minimand[cli]"')
    assert len(done.stderr.strip().splitlines()) == 1
