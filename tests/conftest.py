"""Fixtures for all tests: the backends, larger data sets, fresh interpreters; Hypothesis."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import settings

from minimand._common.backend import Backend

# No deadline: machines of CI are slow at times. In CI the same examples every time.
settings.register_profile("minimand", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("minimand")


@pytest.fixture(params=get_args(Backend))
def backend(request: pytest.FixtureRequest) -> str:
    """Either implementation: what one promises, the other has to keep."""
    return str(request.param)


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Path]:
    """A function that returns the path of a larger public data set, or skips and says why."""
    folder = os.environ.get("MINIMAND_DATA")

    def find(name: str) -> Path:
        if not folder:
            pytest.skip(f"{name}: set MINIMAND_DATA to the folder of the larger data sets")
        path = Path(folder) / name
        if not path.exists():
            pytest.skip(f"{name} is not in the folder MINIMAND_DATA = {folder}")
        return path

    return find


@pytest.fixture
def run_python() -> Callable[..., str]:
    """A function that runs code in a fresh interpreter and returns what it printed."""

    def run(code: str, **environment: str) -> str:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
        done = subprocess.run(
            command,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
