"""Photographs with writing on them, and with up to 99% of their pixels lost."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand import InpaintingResult, inpaint, mask_from_color, total_variation
from minimand._common.errors import missing_extra
from minimand.plotting import inpainting as plot
from minimand.plotting._style import tidy
from minimand.problems.inpainting import photograph

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_SENTENCE = (
    "Of all pictures that agree with what is left of this one, the computer looks for the one "
    "with the least total variation: no larger steps in brightness than the known pixels "
    "demand, and no more of them. That it has found it is not a matter of taste or of trust. "
    "It proves it, with an arrow at every pixel. "
)
_LETTERS = 18  # pixels
_RATES = (0.707, 0.9, 0.95, 0.99)
_COLUMNS = ("picture", "unknown", "pieces", "objective", "lower bound", "gap", "seconds", "PSNR")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filled:
    """A damaged photograph and what became of it."""

    original: Pixels
    image: Pixels
    known: Mask
    result: InpaintingResult

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table, without the name."""
        result = self.result
        return (
            f"{result.n_unknown / self.known.size:.1%}",
            f"{result.n_components:,}",
            f"{result.objective:,.2f}",
            f"{result.lower_bound:,.2f}",
            f"{result.gap:.1e}",
            f"{result.seconds:.2f}",
            f"{_psnr(self.original, result.image):.1f} dB",
        )


def section(report: Report) -> None:
    """Say everything about in-painting."""
    report.title(
        "In-painting",
        """Some pixels of a picture are lost: a scratch, writing across it, a bad transmission.
        Which values should they have? Those that make the picture calmest: add up, over all
        pixels, how far the brightness steps from a pixel to its neighbours. This sum is the total
        variation, and of all ways to fill the holes the one that makes it least is taken. Known
        pixels stay exactly as they are.""",
    )
    report.text(
        """Edges cost as much as their length times their height, whether they are sharp or soft:
        so the filled areas have clear edges, where an average over the neighbours would blur.
        Many programs do this by eye, and stop when the picture no longer changes. Here each
        picture comes with a proof. Put an arrow of length at most 1 at every pixel, so that at
        every unknown pixel as much flows in as out. Any such arrows give a number below which no
        way of filling the holes can get, a lower bound. The solver looks for the best picture and
        for the best arrows at the same time; where the two numbers meet, both are right. What is
        left between them, relative to the objective, is the gap."""
    )
    _writing(report)
    filled = _lost_pixels(report)
    _pictures_of_lost_pixels(report, filled)
    _colours_together(report)


def _writing(report: Report) -> None:
    """Remove writing from the photograph, and check the certificates by hand."""
    report.heading("Writing on a photograph")
    original = photograph("camera")
    if report.quick:
        original = original[26:90, 82:178]
    try:
        image = _write_on(original)
    except ImportError:
        report.text(f"(The writing needs {missing_extra('pillow', 'image')})")
        return
    known = mask_from_color(image, 255, tol=8, dilate=1)
    painted = image != original
    exact = np.count_nonzero(painted & (image == 255)) / np.count_nonzero(painted)
    missed = np.count_nonzero(painted & known)
    report.text(
        f"""White letters with smooth edges: only {exact:.0%} of the pixels that they changed are
        white, the others are mixtures with the picture. `mask_from_color` takes all pixels
        within 8 of white for unknown, and those around them (`dilate=1`). Of the changed pixels
        {missed or "none"} escaped it."""
    )
    names = report.run(_VERIFY, image=image, inpaint=inpaint, mask_from_color=mask_from_color)
    result: InpaintingResult = names["result"]
    text = _Filled(original=original, image=image, known=known, result=result)
    report.table("Writing removed", _COLUMNS, [("camera", *text.cells)])
    report.certify("Writing removed: certificates", result)
    report.text(
        """`verify` computed all that anew, from the picture and the arrows, in NumPy and SciPy
        alone. So nobody can pass off another picture as the answer. Say somebody brightens what
        was filled in by a thousandth of a gray level, and keeps the books straight:"""
    )
    tools = {"replace": dataclasses.replace, "total_variation": total_variation}
    report.run(_TAMPER, image=image, known=known, result=result, **tools)

    def draw(figure: Figure) -> None:
        axes = _tight(figure).subplots(1, 4)
        plot.panels(result, image, known, original=original, axes=axes)

    report.picture(
        "inpainting_text",
        """The photograph, the pixels that count as unknown (orange), the in-painted picture, and
        how it differs from the original: blue is too dark, red too bright.""",
        draw,
        size=(8.6, 2.1 if report.quick else 2.8),
    )


_VERIFY = """
known = mask_from_color(image, 255, tol=8, dilate=1)
result = inpaint(image, known, tol=1e-8)
for certificate in result.verify(image, known):
    print(certificate)
"""
_TAMPER = """
brighter = result.image.copy()
brighter[~known] += 0.001
objective = total_variation(brighter)
gap = (objective - result.lower_bound) / objective
forged = replace(result, image=brighter, objective=objective, gap=gap)
forged.verify(image, known)
"""


def _write_on(image: Pixels) -> Pixels:
    """Write across a gray image in white, with pillow's own font."""
    from PIL import Image, ImageDraw, ImageFont

    try:
        font: Any = ImageFont.load_default(_LETTERS)
    except (ImportError, OSError):  # a pillow without FreeType has a small font of its own
        font = ImageFont.load_default()
    paper = Image.fromarray(image)
    pen = ImageDraw.Draw(paper)
    words = iter((_SENTENCE * 4).split())
    word, top = next(words), 3
    while top + _LETTERS < paper.height:
        line = ""
        while pen.textlength(f"{line}{word}", font=font) < paper.width - 8:
            line, word = f"{line}{word} ", next(words)
        if not line:  # not even one word has room
            line, word = word, next(words)
        pen.text((5, top), line, fill=255, font=font, stroke_width=1, stroke_fill=255)
        top += _LETTERS + 22
    return np.array(paper)


def _lost_pixels(report: Report) -> dict[str, _Filled]:
    """Lose more and more pixels of a colour photograph."""
    report.heading("Lost pixels")
    report.text(
        """From a photograph in colour, pixels are lost at random: first seven in ten, in the end
        99 of 100. The known pixels hardly touch each other any more, nearly all of the unknown
        ones hang together in one piece, and each depends on all the others there. The red, green
        and blue parts are three problems of their own."""
    )
    original = photograph("coffee")
    if report.quick:
        original = original[::4, ::4]
    chance = np.random.default_rng(2024).random(original.shape[:2])
    filled = {}
    for rate in _RATES:
        known = chance >= rate
        image = np.where(known[..., np.newaxis], original, 0).astype(np.uint8)
        result = inpaint(image, known, tol=_TOL)
        name = f"coffee, {rate:.1%} lost"
        filled[name] = _Filled(original=original, image=image, known=known, result=result)
    report.table("Lost pixels", _COLUMNS, [(name, *f.cells) for name, f in filled.items()])
    report.text(
        """PSNR tells how close the picture comes to the original, which the solver does not know:
        about 30 dB look alike at a glance. It is no measure of the solver, but of the idea that
        calm pictures are likely ones."""
    )
    report.certify("Lost pixels: certificates", {name: f.result for name, f in filled.items()})
    return filled


_TOL = 1e-4


def _pictures_of_lost_pixels(report: Report, filled: dict[str, _Filled]) -> None:
    def draw(figure: Figure) -> None:
        rows = _tight(figure).subplots(len(filled), 4)
        for k, f in enumerate(filled.values()):
            for ax in plot.panels(f.result, f.image, f.known, original=f.original, axes=rows[k]):
                if k > 0:
                    ax.set_title("", loc="left")

    report.picture(
        "inpainting_lost",
        """Seven in ten, 90%, 95% and 99% of the pixels lost: original, what is left of it, the
        in-painted picture, the difference. At 99% the proof is as good as before, but calm and
        true are no longer the same.""",
        draw,
        size=(8.6, 6.7),
    )

    def draw_convergence(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plot.convergence({name.partition(", ")[2]: f.result for name, f in filled.items()}, ax=left)
        last = list(filled.values())[-1].result
        plot.bounds(last, over="iterations", ax=right)
        tidy(left, title="how the gaps closed")
        tidy(right, title="99% lost: what is certain, step by step")

    report.picture(
        "inpainting_convergence",
        """Left: the certified gap over time; dashed is what was asked for. Right: the least total
        variation lies between the objective of the picture and the lower bound of the arrows,
        from the first step on. Red, green and blue are solved one after the other.""",
        draw_convergence,
        size=(8.6, 3.4),
    )


def _colours_together(report: Report) -> None:
    """Compare the two couplings of the channels."""
    report.heading("Colours one by one, or together")
    report.text(
        """With `coupling="joint"` the three colours share one total variation: a step in red is
        cheaper where green and blue step as well. Edges of the three then tend to fall on the same
        place, without coloured fringes. Each picture is the best one in its own measure, and the
        certificates say so; the table shows each in both."""
    )
    original = photograph("coffee")[60:130, 150:255]
    if report.quick:
        original = original[10:42, 10:58]
    known = np.random.default_rng(7).random(original.shape[:2]) >= 0.9
    results = {
        name: inpaint(original, known, coupling=name, tol=_TOL) for name in ("separate", "joint")
    }
    measures = [
        (
            f'coupling="{name}"',
            *(f"{total_variation(r.image, coupling=c):,.1f}" for c in results),
            f"{_psnr(original, r.image):.1f} dB",
            f"{r.seconds:.2f}",
        )
        for name, r in results.items()
    ]
    columns = ("picture", "TV separate", "TV joint", "PSNR", "seconds")
    report.table("A part of coffee, 90% lost", columns, measures)
    report.certify(
        "Both couplings: certificates",
        {row[0]: r for row, r in zip(measures, results.values(), strict=True)},
    )


def _psnr(original: Pixels, image: NDArray[np.float64]) -> float:
    """Return the peak signal-to-noise ratio in decibels, for intensities from 0 to 255."""
    error = float(np.mean((image - original) ** 2))
    return 10 * math.log10(255**2 / error) if error > 0 else math.inf


def _tight(figure: Figure) -> Figure:
    """Leave little room between the panels."""
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
    return figure
