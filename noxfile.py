#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.5"]
# ///
import os
import shutil

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"

PROJECT = nox.project.load_toml("pyproject.toml")


def dependencies(group):
    return nox.project.dependency_groups(PROJECT, group)


@nox.session(tags=["quick"])
def lint(session):
    """Formats, lint, types, layout of the repository."""
    session.install(".", *dependencies("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    sources = session.run("git", "ls-files", "cpp", silent=True, external=True).split()
    session.run("clang-format", "--dry-run", "-Werror", *sources)
    session.run("repo-review", ".")


@nox.session
def tests(session):
    """The test suite; arguments go to pytest."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def bench(session):
    """Measure minimand and its peers on the same problems, and print the ratios."""
    session.install(".", *dependencies("bench"))
    report = f"{session.create_tmp()}/benchmarks.json"
    session.run("pytest", "benchmarks", f"--benchmark-json={report}", *session.posargs)
    session.run("python", "benchmarks/ratios.py", report)


@nox.session(default=False)
def docs(session):
    """Build the documentation into site/; `nox -s docs -- serve` shows it while you write."""
    session.install(".[all]", *dependencies("docs"))
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]))


@nox.session(default=False)
def isa(session):
    """Build every instruction-set level and run the suite on each that this CPU supports."""
    levels = "v2;v3;v4" if os.uname().machine == "x86_64" else "base"
    session.install(".[test]", env={"MINIMAND_ISA_LEVELS": levels, "MINIMAND_WERROR": "ON"})
    print_levels = "from minimand import _core; print(*_core.supported_levels)"
    supported = session.run("python", "-c", print_levels, silent=True).split()
    for level in levels.split(";"):
        if level in supported:
            session.run("pytest", *session.posargs, env={"MINIMAND_ISA": level})
        else:
            session.warn(f"{level}: built, but this CPU does not support it")


@nox.session(default=False)
def sanitize(session):
    """Run the suite on a build with the address and undefined-behaviour sanitizers."""
    if not shutil.which("ninja"):
        session.install("ninja")
    session.install("cmake>=3.25", *PROJECT["build-system"]["requires"])
    extras = PROJECT["project"]["optional-dependencies"]
    own = [name for name in extras["test"] if not name.startswith("minimand")]
    others = [
        name for key in ("sklearn", "plot", "image", "cli", "progress") for name in extras[key]
    ]
    session.install(*PROJECT["project"]["dependencies"], *own, *others)
    session.run("cmake", "--workflow", "--preset", "debug", "--fresh")


if __name__ == "__main__":
    nox.main()
