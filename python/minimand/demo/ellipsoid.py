"""The least ellipse around households, ellipsoids around large clouds, and what proves them."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand import DegeneratePointsError, EllipsoidResult, min_volume_ellipsoid
from minimand.plotting import ellipsoid as plot
from minimand.problems.ellipsoid import boyd_vandenberghe, cloud, cross_polytope, cube, simplex
from minimand.problems.linear_models.quantile import engel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report

Array = NDArray[np.float64]

_CLOUDS = (
    ("gaussian", 30_000, 30),
    ("cube", 200_000, 10),
    ("cauchy", 200_000, 10),
    ("sphere", 100_000, 3),
    ("slab", 100_000, 5),
    ("gaussian", 1_000_000, 10),
)
_QUICK = 10  # times fewer points


def section(report: Report) -> None:
    """Say everything about enclosing ellipsoids."""
    report.title(
        "Ellipsoid of least volume",
        """Put the smallest possible egg around a cloud of points. There is exactly one such
        ellipsoid, and a handful of the points decide what it is: as long as those few stay, all
        others may move about inside as they like. The handful also proves that no smaller
        ellipsoid holds all points.""",
    )
    _households(report)
    _proof_by_hand(report)
    _known(report)
    _large(report)
    _flat(report)


def _households(report: Report) -> None:
    """Draw the ellipse around real points in the plane."""
    report.heading("Income and food")
    data = engel()
    points = np.column_stack([data.X[:, 0], data.y])
    whole = min_volume_ellipsoid(points)
    inner = np.setdiff1d(np.arange(len(points)), whole.support)
    peeled = min_volume_ellipsoid(points[inner])
    report.text(
        f"""What {len(points)} Belgian households earned and what they spent on food, in francs
        (Ernst Engel, 1857). Only {len(whole.support)} households determine the ellipse. Without
        them, the next ellipse has {np.exp(peeled.log_volume - whole.log_volume):.0%} of the area:
        an enclosing ellipsoid is about the extremes, not about the crowd."""
    )
    report.certify(
        "Households: certificates", {"all households": whole, "without the support": peeled}
    )

    def draw(figure: Figure) -> None:
        axes = figure.subplots(1, 2)
        for ax, result, shown in ((axes[0], whole, points), (axes[1], peeled, points[inner])):
            plot.ellipse(result, shown, ax=ax)
            ax.set_xlabel("income")
        axes[0].set_ylabel("food expenditure")

    report.picture(
        "ellipsoid_households",
        """The ellipse of least area around all households, and the one around the rest without
        the households (orange) that determined the first.""",
        draw,
        size=(8.6, 4.0),
    )


_BY_HAND = """
result = min_volume_ellipsoid(points)
u = result.weights
c = u @ points
S = (points - c).T @ (u[:, None] * (points - c))
bound = 0.5 * np.linalg.slogdet(S)[1] + 0.5 * d * np.log(d)
print(f"-log det A   {-np.linalg.slogdet(result.A)[1]:.12f}")
print(f"lower bound  {bound:.12f}")
farthest = np.linalg.norm(points @ result.A.T + result.b, axis=1).max()
print(f"farthest point: |A x + b| = {farthest:.12f}")
print(f"weights {u.round(4)}, sum {u.sum():.12f}")
"""
_TAMPER = """
other = replace(result, A=1.001 * result.A, b=1.001 * result.b)
other.verify(points)
"""


def _proof_by_hand(report: Report) -> None:
    """Show what the weights prove."""
    report.heading("Why no ellipse is smaller")
    report.text(
        """Six points from Boyd and Vandenberghe's book. The proof is one weight u for each point,
        with sum 1. Let c and S be the weighted mean and covariance. Every ellipse |A x + b| <= 1
        that holds all points has -log det A of at least 1/2 log det S + d/2 log d, whatever the
        weights are; for the right ones that is equal to what was found."""
    )
    points = np.array(boyd_vandenberghe().points)
    tools = {
        "np": np, "min_volume_ellipsoid": min_volume_ellipsoid, "replace": dataclasses.replace
    }  # fmt: skip
    names = report.run(_BY_HAND, points=points, d=2, **tools)
    report.certify("Six points: certificates", names["result"])
    report.text("Somebody shrinks the ellipse by a thousandth:")
    report.run(_TAMPER, **names)


def _known(report: Report) -> None:
    """Compare with bodies whose ellipsoid follows from symmetry."""
    report.heading("Bodies whose ellipsoid is known")
    rows: list[tuple[str, ...]] = []
    answers: dict[str, Any] = {}
    for problem in (cube(3), cube(8), cross_polytope(10), simplex(30)):
        result = min_volume_ellipsoid(problem.points)
        objective = -float(np.linalg.slogdet(result.A)[1])
        answers[problem.name] = result
        rows.append(
            (
                problem.name,
                str(len(problem.points)),
                str(len(result.support)),
                f"{problem.objective:.12f}",
                f"{objective - problem.objective:+.1e}",
                f"{result.gap:.1e}",
            )
        )
    report.table(
        "Known answers",
        ("body", "points", "support", "-log det A", "difference", "gap"),
        rows,
    )
    report.certify("Known bodies: certificates", answers)


def _large(report: Report) -> None:
    """Solve large clouds, most of whose points do not matter."""
    report.heading("Large clouds")
    report.text(
        """Points of six distributions. A working set of few points is solved, and passes over all
        points look for those that the ellipsoid misses; the gap is for all of them. A Cauchy
        distribution has outliers a million times as far out as the rest, a slab is 1e-9 thick."""
    )
    rows: list[tuple[str, ...]] = []
    answers: dict[str, Any] = {}
    for kind, count, d in _CLOUDS:
        m = count // _QUICK if report.quick else count
        points = cloud(kind, m, d)
        start = time.perf_counter()
        result = min_volume_ellipsoid(points)
        seconds = time.perf_counter() - start
        name = f"{kind}, {m:,} x {d}"
        answers[name] = result
        rows.append((name, str(len(result.support)), *_cells(result), f"{seconds:.3f}"))
    columns = ("cloud", "support", "working set", "passes", "gap", "largest |A x + b|", "seconds")
    report.table("Large clouds", columns, rows)
    report.certify("Large clouds: certificates", answers)


def _cells(result: EllipsoidResult) -> tuple[str, ...]:
    largest = next(c.value for c in result.certificates if c.name == "containment")
    return (
        f"{result.history[-1]['working_set']}",
        str(result.iterations),
        f"{result.gap:.1e}",
        f"{largest:.15f}",
    )


def _flat(report: Report) -> None:
    """Show what happens to points in a plane."""
    report.heading("Points in a plane")
    points: Array = cloud("gaussian", 500, 2) @ np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 3.0]])
    try:
        min_volume_ellipsoid(points)
    except DegeneratePointsError as error:
        report.text(
            f"""Every ellipsoid around points of a plane in space can be made flatter for ever.
            The error says so: “{error}.”"""
        )
    result = min_volume_ellipsoid(points, on_degenerate="subspace")
    report.text(
        f"""Within that plane there is a least ellipse again, with radii
        {result.radii[0]:.3f} and {result.radii[1]:.3f}."""
    )
    report.certify("Points in a plane: certificates", result)
