"""What this installation is: versions, compiler, instruction set, threads, extras."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from typing import Any

import numpy as np

from minimand import _core
from minimand._common.threads import resolve_threads

__version__ = _core.build_info()["version"]


def build_info() -> dict[str, Any]:
    """Return how minimand was built and what it uses here, JSON-ready.

    Returns
    -------
    dict
        With the keys

        - version, compiler, flags, eigen, openmp: of the compiled kernels that are loaded;
        - level, built_levels, supported_levels: instruction sets loaded, built, run by this CPU;
        - threads: what `threads=None` means in this process;
        - python, numpy, scipy, platform: where it runs;
        - extras: for each extra its packages and their versions, None for those not installed.

    Examples
    --------
    >>> import minimand
    >>> minimand.build_info()["level"] in ("base", "v2", "v3", "v4")
    True
    """
    return {
        **_core.build_info(),
        "built_levels": list(_core.built_levels),
        "supported_levels": list(_core.supported_levels),
        "threads": resolve_threads(None),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": _installed_version("scipy"),
        "platform": platform.platform(),
        "extras": extras(),
    }


def extras() -> dict[str, dict[str, str | None]]:
    """Return the packages of each extra, as pyproject.toml declares them, with their versions."""
    found: dict[str, dict[str, str | None]] = {}
    for requirement in importlib.metadata.requires("minimand") or ():
        match = re.match(r"([\w.-]+).*extra *== *['\"]([\w-]+)['\"]", requirement)
        if match and match[1] != "minimand":
            found.setdefault(match[2], {})[match[1]] = _installed_version(match[1])
    return found


def _installed_version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
