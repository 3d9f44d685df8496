"""The demo: it runs, shows every certificate in the terminal and on the page, and fails loudly."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import matplotlib as mpl
import pytest
from PIL import Image
from typer.testing import CliRunner

import minimand
from minimand import demo
from minimand._common.backend import DOMAINS
from minimand.cli._app import app
from minimand.demo import inpainting
from minimand.demo.page import render, verdict
from minimand.demo.report import Certificates, Picture, Report, Table, Text, Title
from minimand.demo.report import _one_line as one_line

ONE_SECTION = ("demo", "--section", "least_squares")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the command once: its result, what was reported, and the page."""
    folder = tmp_path_factory.mktemp("demo") / "not yet there"
    reports = []

    def spy(*args, **options):
        reports.append(demo.run(*args, **options))
        return reports[0]

    settings = dict(mpl.rcParams)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minimand.cli.demo.run", spy)
        patch.setenv("COLUMNS", "240")
        patch.setenv("TERM", "dumb")
        done = CliRunner().invoke(app(), ["demo", "--quick", "--output", str(folder)])
    assert dict(mpl.rcParams) == settings  # the demo leaves matplotlib as it was
    return done, reports[0], reports[0].page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def fit():
    return minimand.lstsq([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0])


def failing(result):
    """Return the result with its first certificate broken."""
    first, *others = result.certificates
    return replace(result, certificates=(replace(first, value=1.0), *others))


def test_every_certificate_holds(run):
    done, report, _ = run
    assert done.exit_code == 0, done.output
    assert report.failed == []
    assert len(report.certificates) >= 10


def test_every_domain_has_its_section(run):
    _, report, _ = run
    titles = [item for item in report.items if isinstance(item, Title)]
    assert len(titles) == len(DOMAINS)


def test_every_certificate_is_printed_and_on_the_page(run):
    done, report, page = run
    assert all(certificate.name in done.stdout for certificate in report.certificates)
    for item in report.items:
        if isinstance(item, Certificates):
            for name, certificates in item.answers:
                assert html.escape(name) in page
                for certificate in certificates:
                    assert f"{certificate.value:.1e}" in done.stdout
                    assert html.escape(certificate.meaning) in page
    assert str(report.page.resolve()) in done.stdout
    assert verdict(report) in done.stdout


def test_comparisons_show_that_cholesky_squares_the_condition(run):
    _, report, _ = run
    tables = [item for item in report.items if isinstance(item, Table)]
    longley, filip = (
        {row[0]: row[1:] for row in table.rows}
        for table in tables
        if table.title.startswith(("Longley", "Filip"))
    )
    for rows in (longley, filip):
        squared = float(rows["Cholesky of X'X"][0])
        assert squared == pytest.approx(float(rows["QR"][0]) ** 2, rel=0.1)
        assert rows["minimand.lstsq"][-1] == "holds"
    assert longley["Cholesky of X'X"][-1] == "FAILS"
    assert filip["Cholesky of X'X"][-1] in ("breaks down", "FAILS")


def test_page_is_self_contained(run):
    _, report, page = run
    assert not re.search(r'(?:src|href|srcset)="(?!data:|#)', page)
    assert "http" not in re.sub(r"data:[^\"]*", "", page)
    assert "prefers-color-scheme: dark" in page
    pictures = [item for item in report.items if isinstance(item, Picture)]
    assert page.count("<img ") == len(pictures) >= 3
    assert page.count("<table>") == page.count("</table>") > 0


def test_pictures_are_small_files(run):
    _, report, _ = run
    for item in report.items:
        if isinstance(item, Picture):
            for path in (item.path, item.night_path):
                # Photographs need more.
                assert path.stat().st_size < (500_000 if "inpainting" in path.name else 60_000)
                with Image.open(path) as image:
                    assert image.format == "PNG"
                    assert image.width >= 1000


@pytest.mark.parametrize("name", ["LeastSquaresResult", "InpaintingResult"])
def test_tampering_is_found(run, name):
    _, report, _ = run
    outputs = [item.output for item in report.items if hasattr(item, "output")]
    assert any(output.startswith(f"CertificateError: {name}") for output in outputs)
    assert any(output.startswith("holds") for output in outputs)


def test_lost_pixels_have_their_bounds(run):
    _, report, _ = run
    (table,) = (x for x in report.items if isinstance(x, Table) and x.title == "Lost pixels")
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [float(row["unknown"].rstrip("%")) for row in rows] == pytest.approx(
        [70.7, 90, 95, 99], abs=2
    )
    objectives = [float(row["objective"].replace(",", "")) for row in rows]
    assert objectives == sorted(objectives, reverse=True)  # the fewer known, the calmer
    for row, objective in zip(rows, objectives, strict=True):
        assert float(row["lower bound"].replace(",", "")) <= objective
        assert float(row["gap"]) <= 1e-4


def test_couplings_are_best_in_their_own_measure(run):
    _, report, _ = run
    (table,) = (x for x in report.items if isinstance(x, Table) and "TV joint" in x.columns)
    separate, joint = ([float(cell.replace(",", "")) for cell in row[1:3]] for row in table.rows)
    assert separate[0] < joint[0]
    assert joint[1] < separate[1]


def test_failed_certificate_fails_the_command(monkeypatch, tmp_path, fit):
    def section(report):
        report.certify("broken", failing(fit))

    monkeypatch.setattr("minimand.demo.least_squares.section", section)
    done = CliRunner().invoke(app(), [*ONE_SECTION, "--output", str(tmp_path)])
    assert done.exit_code == 1
    assert "FAILS" in done.stdout
    assert "1 of 2 certificates FAIL." in (tmp_path / "report.html").read_text()


def test_open_shows_the_page(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr("minimand.demo.least_squares.section", lambda report: report.text("x"))
    monkeypatch.setattr("webbrowser.open", opened.append)
    for option in ("--no-open", "--open"):
        done = CliRunner().invoke(app(), [*ONE_SECTION, option, "--output", str(tmp_path)])
        assert done.exit_code == 0
    assert opened == [(tmp_path / "report.html").resolve().as_uri()]


def test_unknown_section_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'least_squares'"):
        demo.run(tmp_path, sections=["least_square"])


def test_words_are_escaped(tmp_path):
    report = Report(tmp_path)
    report.text("a < b & `c<d>`\n     [red]not markup[/red]")
    report.table("<t>", ("<c>",), [("<cell>",)])
    page = render(report)
    assert "a &lt; b &amp; <code>c&lt;d&gt;</code> [red]not markup[/red]" in page
    assert "&lt;cell&gt;" in page
    assert "<cell>" not in page


def test_report_says_it_as_it_goes(tmp_path, fit):
    said = []
    report = Report(tmp_path, show=said.append)
    report.text("one\n  two")
    report.run("print(6 * value)", value=7)
    report.certify("two answers", {"a": fit, "b": failing(fit)})
    assert said == report.items
    assert said[0] == Text("one two")
    assert said[1].output == "42"
    assert [certificate.value for certificate in report.failed] == [1.0]
    assert one_line("  a\n b ") == "a b"


def test_without_matplotlib_the_text_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    report = Report(tmp_path)
    report.picture("name", "caption", lambda figure: figure.subplots())
    assert 'pip install "minimand[plot]"' in report.items[0].text


def test_without_pillow_the_text_says_so(tmp_path, monkeypatch):
    report = Report(tmp_path, quick=True)
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    monkeypatch.setattr(report, "picture", lambda *_args, **_options: None)  # it needs pillow, too
    inpainting.section(report)
    assert any('pip install "minimand[image]"' in getattr(x, "text", "") for x in report.items)
    assert report.failed == []


def test_without_scikit_learn_the_text_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    report = demo.run(tmp_path, sections=["least_squares"])
    assert any('pip install "minimand[sklearn]"' in getattr(x, "text", "") for x in report.items)
    assert report.failed == []
