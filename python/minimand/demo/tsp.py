"""A village of houses by two genetic algorithms, and berlin52 with its proof."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from minimand import TSPProgress, TSPResult, tsp
from minimand._common.errors import missing_extra
from minimand.plotting import tsp as plot
from minimand.plotting._style import tidy
from minimand.problems.tsp import random_uniform, tsplib, village

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report

_COLUMNS = ("method", "length", "lower bound", "gap", "generations", "seconds")


def section(report: Report) -> None:
    """Say everything about the travelling salesman."""
    report.title(
        "Travelling salesman",
        """Somebody has to visit every house of a village and come back: in which order is the way
        shortest? For 120 houses there are more orders than atoms in the universe, some 10^196. So
        one looks for a short one with cunning, and proves from the other side that no way can be
        much shorter.""",
    )
    report.text(
        """The proof: whatever the way, it leaves every house on two legs. Take one house out, and
        the rest of the way hangs all the other houses together. The cheapest set of legs that
        does this is quickly found, and no way can be shorter. Tolls at the houses, which every
        way has to pay equally, make this bound better and better; it mostly ends within one per
        cent of the shortest way. Up to 300 houses a linear program does the same exactly."""
    )
    _village(report)
    _berlin(report)
    _speed(report)


def _village(report: Report) -> None:
    """Compare the classic genetic algorithm with edge assembly."""
    report.heading("A village")
    report.text(
        """The classic genetic algorithm keeps 100 orders of the houses. In each generation pairs of
        them have children: a child takes a stretch of one parent, and the other houses in the
        order of the other parent. Some children mutate, two houses swap places. The best 100 of
        parents and children live on. It is easy to understand, and a good baseline, but parents
        hand down hardly any legs to their children whole. Edge assembly (Nagata and Kobayashi)
        does nothing else: a child has the legs of one parent, except along a ring where legs of
        both alternate, and there it takes those of the other."""
    )
    problem = village(60 if report.quick else 120)
    frames: list[TSPProgress] = []
    classic = tsp(
        problem.instance,
        method="genetic",
        generations=2000 if report.quick else 20_000,
        rng=1,
        callback=frames.append,
    )
    assembled = tsp(problem.instance, method="eax", rng=1)
    results = {"classic": classic, "edge assembly": assembled}
    rows = [(name, *_cells(result)) for name, result in results.items()]
    report.table("A way through the village", _COLUMNS, rows)
    report.certify("A way through the village: certificates", results)

    def draw(figure: Figure) -> None:
        for ax, (name, result) in zip(figure.subplots(1, 2), results.items(), strict=True):
            tidy(plot.tour(result, problem.instance, ax=ax), grid=None, title=name)

    report.picture(
        "tsp_village",
        "The village, in metres. Left: classic crossover and mutation. Right: edge assembly.",
        draw,
        size=(8.6, 4.5),
    )

    def draw_convergence(figure: Figure) -> None:
        ax = plot.convergence(classic, over="generation", ax=figure.subplots())
        ax.set_xscale("log")

    report.picture(
        "tsp_convergence",
        """The classic algorithm: the best length and, thin, the mean of the population; dashed is
        the lower bound. Its diversity is lost long before it has found a good way.""",
        draw_convergence,
        size=(6.8, 3.6),
    )
    _film(report, frames, problem.instance)


def _film(report: Report, frames: list[TSPProgress], instance: object) -> None:
    path = report.folder / "tsp_village.gif"
    try:
        plot.animate(frames[:: max(1, len(frames) // 40)], instance, path, seconds=6.0, size=4.0)
    except ImportError:
        report.text(f"(The film needs {missing_extra('matplotlib', 'plot')})")
        return
    report.text(f"`{path.name}` beside this page shows how the classic one got there.")


def _berlin(report: Report) -> None:
    """Solve berlin52 with a proof, and try to forge it."""
    report.heading("52 places in Berlin")
    report.text(
        """A problem on which programs have been compared since 1995 (Groetschel's data, TSPLIB).
        Distances are rounded to whole numbers there. The shortest tour has length 7542, and here
        the bound meets it: nobody will ever find a shorter one."""
    )
    problem = tsplib("berlin52")
    names = report.run(_VERIFY, instance=problem.instance, tsp=tsp)
    result: TSPResult = names["result"]
    report.certify("berlin52: certificates", result)
    report.text(
        """`verify` computes distances, tour and bound anew in NumPy, from the numbers in
        `result.certificate` alone. Somebody who exchanges two places of the tour, or claims a
        better bound, is found out:"""
    )
    report.run(_TAMPER, instance=problem.instance, result=result, replace=dataclasses.replace)

    def draw(figure: Figure) -> None:
        plot.tour(result, problem.instance, ax=figure.subplots())

    report.picture("tsp_berlin52", "The shortest tour of berlin52.", draw, size=(6.8, 4.8))


_VERIFY = """
result = tsp(instance, method="eax", rng=1)
print(result)
for certificate in result.verify(instance):
    print(certificate)
"""
_TAMPER = """
tour = result.tour.copy()
tour[[3, 30]] = tour[[30, 3]]
replace(result, tour=tour).verify(instance)
"""


def _speed(report: Report) -> None:
    """Show larger problems, at short times."""
    report.heading("More places")
    N = 500 if report.quick else 2000
    report.text(
        f"""{N:,} random places. Local search has a good tour at once; edge assembly takes a little
        longer and mostly finds the shortest one. The gap is what is proved, not what is missed:
        for random places the bound alone is some 0.7% below the shortest tour."""
    )
    problem = random_uniform(N, rng=3)
    limit = 0.5 if report.quick else 1.0
    results = {
        f"local search, {limit:g} s": tsp(
            problem.instance, method="local_search", time_limit=limit, rng=1
        ),
        "edge assembly": tsp(
            problem.instance, method="eax", rng=1, population=30 if report.quick else None
        ),
    }
    rows = [(name, *_cells(result)) for name, result in results.items()]
    report.table(f"{N:,} random places", _COLUMNS, rows)
    report.certify(f"{N:,} random places: certificates", results)

    def draw_convergence(figure: Figure) -> None:
        crossed = [row for row in results["edge assembly"].history if row["generation"] > 0]
        shown = dataclasses.replace(results["edge assembly"], history=tuple(crossed))
        plot.convergence(shown, over="generation", ax=figure.subplots())

    report.picture(
        "tsp_assembly",
        """Edge assembly on these places: the best length and, thin, the mean of the population.
        Dashed is the lower bound.""",
        draw_convergence,
        size=(6.8, 3.6),
    )

    def draw(figure: Figure) -> None:
        plot.tour(results["edge assembly"], problem.instance, ax=figure.subplots())

    report.picture("tsp_uniform", f"A tour of {N:,} random places.", draw, size=(6.8, 6.8))


def _cells(result: TSPResult) -> tuple[str, ...]:
    return (
        f"{result.length:,.6g}",
        f"{result.lower_bound:,.6g}",
        f"{result.gap:.2%}",
        f"{result.generations:,}",
        f"{result.seconds:.2f}",
    )
