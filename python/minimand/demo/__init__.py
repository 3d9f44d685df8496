"""Every problem of the package on real data, with its certificates, as one report.

The section of a domain is the function `section(report)` in the module of this package that bears
the name of the domain. It says what there is to say through the methods of `Report`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from minimand._common.arrays import one_of
from minimand._common.backend import DOMAINS
from minimand.demo.page import render
from minimand.demo.report import Item, Report

__all__ = ["Report", "run"]


def run(
    folder: str | Path = "minimand-demo",
    *,
    sections: Sequence[str] = DOMAINS,
    quick: bool = False,
    show: Callable[[Item], object] | None = None,
) -> Report:
    """Run the sections and write `report.html` and the pictures into a folder.

    Parameters
    ----------
    folder : path
        Is made when it does not exist.
    sections : sequence of str
        Names of domains.
    quick : bool
        Smaller problems where a section has large ones.
    show : callable, optional
        Gets each part of the report as soon as it is there.

    Returns
    -------
    Report
        With the attributes `page` (the path of the HTML file) and `failed` (the certificates that
        do not hold).
    """
    for name in sections:
        one_of("sections", name, DOMAINS)
    report = Report(Path(folder), quick=quick, show=show)
    for name in sections:
        import_module(f"minimand.demo.{name}").section(report)
    report.page.write_text(render(report), encoding="utf-8")
    return report
