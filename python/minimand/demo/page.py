"""One HTML page of a report, without anything outside it: pictures are inside, as data."""

from __future__ import annotations

import base64
import html
import re
from functools import singledispatch
from importlib import resources
from pathlib import Path

from minimand._info import build_info
from minimand.demo.report import (
    BAD,
    GOOD,
    Certificates,
    Code,
    Heading,
    Item,
    Picture,
    Report,
    Table,
    Text,
    Title,
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>minimand: answers with certificates</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="brand">minimand {version}</p>
<h1>Answers, and the proof that they are good</h1>
<p>Each part below solves a classic problem on real data. Beside every answer stand
<em>certificates</em>: numbers, computed from the data and the answer alone, that prove how good the
answer is. Nobody has to trust the program that found it; a few lines of NumPy check it.</p>
<p class="verdict {mood}">{verdict}</p>
{contents}</header>
<main>
{body}
</main>
<footer>
<p>{footer}</p>
</footer>
</body>
</html>
"""


def render(report: Report) -> str:
    """Return the page."""
    titles = [item for item in report.items if isinstance(item, Title)]
    links = "".join(
        f'<li><a href="#{_anchor(t.title)}">{_inline(t.title)}</a></li>' for t in titles
    )
    info = build_info()
    return _PAGE.format(
        style=resources.files("minimand.demo").joinpath("page.css").read_text("utf-8"),
        version=html.escape(info["version"]),
        mood="bad" if report.failed else "good",
        verdict=html.escape(verdict(report)),
        contents=f"<nav><ul>{links}</ul></nav>\n" if len(titles) > 1 else "",
        body="\n".join(_html(item) for item in report.items),
        footer=html.escape(
            f"Made by `minimand demo`: kernels for {info['level']} from {info['compiler']}, "
            f"Eigen {info['eigen']}, {info['threads']} threads; "
            f"NumPy {info['numpy']}, Python {info['python']}."
        ),
    )


def verdict(report: Report) -> str:
    """Return one sentence about all certificates."""
    count, failed = len(report.certificates), len(report.failed)
    if failed:
        return f"{failed} of {count} certificates FAIL."
    return f"All {count} certificates hold."


@singledispatch
def _html(item: Item) -> str:
    raise TypeError(f"no HTML for {type(item).__name__}")


@_html.register
def _(item: Title) -> str:
    title = f'<h2 id="{_anchor(item.title)}">{_inline(item.title)}</h2>'
    return f'{title}\n<p class="summary">{_inline(item.summary)}</p>'


@_html.register
def _(item: Heading) -> str:
    return f"<h3>{_inline(item.title)}</h3>"


@_html.register
def _(item: Text) -> str:
    return f"<p>{_inline(item.text)}</p>"


@_html.register
def _(item: Table) -> str:
    words = ["" if item.is_numeric(j) else "words" for j in range(len(item.columns))]
    rows = []
    for name, *cells in item.rows:
        body = "".join(_cell(cell, kind) for cell, kind in zip(cells, words[1:], strict=True))
        mark = "strong" if name in item.strong else ""
        rows.append(f'<tr{_class(mark)}><th scope="row">{_inline(name)}</th>{body}</tr>')
    return _table(item.title, list(zip(item.columns, words, strict=True)), rows)


@_html.register
def _(item: Certificates) -> str:
    columns = [("certificate", ""), ("value", ""), ("at most", ""), ("verdict", "words")]
    rows = []
    for answer, certificates in item.answers:
        if answer:
            rows.append(f'<tr class="strong"><th colspan="5">{_inline(answer)}</th></tr>')
        for c in certificates:
            cells = _cell(f"{c.value:.1e}") + _cell(f"{c.bound:.1e}")
            cells += _cell("holds" if c.holds else "FAILS", "words") + _cell(
                c.meaning, "words long"
            )
            rows.append(f'<tr><th scope="row">{_inline(c.name)}</th>{cells}</tr>')
    return _table(item.title, [*columns, ("meaning", "words")], rows)


@_html.register
def _(item: Code) -> str:
    source = f'<pre class="source"><code>{html.escape(item.source)}</code></pre>'
    output = f'<pre class="output"><samp>{html.escape(item.output)}</samp></pre>'
    return f'<div class="run">{source}{output if item.output else ""}</div>'


@_html.register
def _(item: Picture) -> str:
    return (
        f'<figure><picture><source media="(prefers-color-scheme: dark)" '
        f'srcset="{_data(item.night_path)}">'
        f'<img src="{_data(item.path)}" alt="{html.escape(item.caption)}"></picture>'
        f"<figcaption>{_inline(item.caption)}</figcaption></figure>"
    )


def _table(title: str, columns: list[tuple[str, str]], rows: list[str]) -> str:
    head = "".join(f'<th scope="col"{_class(kind)}>{_inline(name)}</th>' for name, kind in columns)
    return (
        f'<div class="table"><table><caption>{_inline(title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(text: str, kind: str = "") -> str:
    mood = "good" if text.startswith(GOOD) else "bad" if text.startswith(BAD) else ""
    return f"<td{_class(f'{kind} {mood}'.strip())}>{_inline(text)}</td>"


def _class(names: str) -> str:
    return f' class="{names}"' if names else ""


def _inline(text: str) -> str:
    """Escape, and set words between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _data(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
