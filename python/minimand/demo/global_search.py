"""The lowest point of all, with a proof: a sawtooth, cells of a box, a trained network."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from minimand import minimize_lipschitz
from minimand.global_search import Quadratic
from minimand.plotting import global_search as plot
from minimand.plotting._style import tidy
from minimand.problems.functions import himmelblau, noisy_x_cos
from minimand.problems.global_search import pracma_waves, tanh_network, univariate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report


def section(report: Report) -> None:
    """Say everything about global search."""
    report.title(
        "Global search",
        """Descent ends in a valley; is there a deeper one? Without any knowledge of the function
        nobody can tell. But if it cannot change faster than a known rate, every sample says
        something about all points around it, and enough samples leave no room for a lower value.
        A grid fine enough would do; the searches here reach the same guarantee with a fraction of
        its points, because they look where the bound is low.""",
    )
    _sawtooth(report)
    _line(report)
    _boxes(report)
    _network(report)
    _wrong(report)


def _sawtooth(report: Report) -> None:
    report.heading("The sawtooth")
    risk = noisy_x_cos()
    M, K = risk.lipschitz, risk.gradient_lipschitz
    bounds = risk.bounds[0]
    slopes = minimize_lipschitz(risk.f, bounds, lipschitz=M, tol=0.05, vectorized=True)
    bends = minimize_lipschitz(risk.f, bounds, gradient_lipschitz=K, tol=0.05, vectorized=True)
    report.text(
        f"""x cos πx + 0.2 cos 5πx has seven valleys on [-1, 2]. It changes by at most {M:.2f} per
        unit, so the lines of that slope from two neighbouring samples bound what is between them.
        The next sample goes to the deepest tooth. If a bound of the curvature is known as well
        ({K:.0f}), parabolas take the place of lines: {len(bends.points)} samples instead of
        {len(slopes.points)}."""
    )
    report.certify("The least value, to within 0.05", {"by slopes": slopes, "by curvature": bends})

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        plot.sawtooth(slopes, risk.f, lipschitz=M, ax=left)
        plot.sawtooth(bends, risk.f, gradient_lipschitz=K, ax=right)
        tidy(left, title="slopes")
        tidy(right, title="curvature")

    report.picture(
        "global_search_sawtooth",
        """Samples are dense where the function is low, and a few are enough elsewhere. Green: only
        there can the least value be, as far as the samples tell.""",
        draw,
        size=(8.0, 3.2),
    )


def _line(report: Report) -> None:
    report.heading("SciPy's test problems of one variable")
    report.text(
        """Each certified to a millionth by a bound of its second derivative, beside the points of
        the uniform grid that would say the same."""
    )
    rows = []
    for problem in univariate().values():
        found = minimize_lipschitz(
            problem.f,
            problem.bounds,
            lipschitz=problem.lipschitz,
            gradient_lipschitz=problem.gradient_lipschitz,
            tol=1e-6,
            vectorized=True,
        )
        rows.append(
            (
                problem.name,
                f"{found.fun:.7f}",
                f"{found.fun - problem.minimum:.0e}",
                f"{found.gap:.1e}",
                f"{found.evaluations}",
                f"{found.grid_points_equivalent:,}",
            )
        )
    columns = ("", "least value", "above the published", "proved gap", "evaluations", "grid")
    report.table("SciPy's univariate problems", columns, rows)


def _boxes(report: Report) -> None:
    report.heading("Several variables")
    problem = himmelblau()
    K, H = problem.gradient_lipschitz, problem.hessian_lipschitz
    first = minimize_lipschitz(
        problem.f,
        problem.bounds,
        gradient_lipschitz=K,
        grad=problem.grad,
        tol=0.01,
        vectorized=True,
    )
    second = minimize_lipschitz(
        problem.f,
        problem.bounds,
        grad=problem.grad,
        hessian=problem.hess,
        hessian_lipschitz=H,
        tol=0.01,
        vectorized=True,
    )
    report.text(
        f"""Himmelblau's function has four least points, and the search finds all of them: what it
        cannot rule out are {len(first.minimizer_boxes)} small cells around them. What has no lines
        in the picture was left out because the gradient cannot vanish there. Most of the work goes
        into the last cells around each minimum; where Hessians are given, the function is nearly a
        parabola there, and the bound as good as that: {second.evaluations} evaluations instead of
        {first.evaluations:,}."""
    )
    report.certify("Himmelblau's function", {"gradients": first, "Hessians": second})
    n = 4 if report.quick else 6
    rng = np.random.default_rng(2)
    Q = rng.standard_normal((n, n))
    saddle = Quadratic(Q + Q.T, rng.standard_normal(n))
    found = minimize_lipschitz(saddle, [(-1, 2)] * n, tol=1e-3)
    report.text(
        f"""Quadratic functions bring all their constants with them. An indefinite one of {n}
        variables over a box, where descent may end in any of many corners:
        {found.evaluations:,} evaluations, where the grid takes {found.grid_points_equivalent:.1e}
        points."""
    )
    report.certify(f"An indefinite quadratic function of {n} variables", found)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        for ax, result, title in ((left, first, "gradients"), (right, second, "Hessians")):
            plot.cells(result, problem.f, problem.bounds, ax=ax)
            tidy(ax, grid=None, title=title)

    report.picture(
        "global_search_cells",
        "Cells of the search for the least value of Himmelblau's function, with its level lines.",
        draw,
        size=(6.8, 3.8),
    )


def _network(report: Report) -> None:
    report.heading("A trained network cannot go lower")
    problem = tanh_network()
    tol = 0.05 if report.quick else 0.01
    found = minimize_lipschitz(
        problem.f,
        problem.bounds,
        lipschitz=problem.lipschitz,
        gradient_lipschitz=problem.gradient_lipschitz,
        grad=problem.grad,
        tol=tol,
        vectorized=True,
    )
    report.text(
        f"""A network with two hidden layers of eight tanh units, trained on a wavy function. The
        product of the norms of its weights bounds its slope by {problem.lipschitz:.1f} (the
        steepest seen is {found.lipschitz_observed:.2f}), a similar sum its curvature by
        {problem.gradient_lipschitz:.0f}. So for no input in [-3, 3]² is its output below
        {found.lower_bound:.3f}; the input {np.round(found.x, 3)} gives {found.fun:.3f}.
        {found.evaluations:,} evaluations; the grid has {found.grid_points_equivalent:,} points."""
    )
    report.certify("The least output of a network", found)


def _wrong(report: Report) -> None:
    report.heading("When the constant is wrong")
    report.text(
        """A proof is as good as its assumption. A constant that the samples contradict is
        reported, with the two points that do; and a result that was tampered with does not
        verify."""
    )
    report.run(_REFUTED, minimize_lipschitz=minimize_lipschitz, f=pracma_waves)
    found = minimize_lipschitz(pracma_waves, (-3, 8), lipschitz=5.0)
    report.run(_TAMPER, found=found, f=pracma_waves, replace=dataclasses.replace)


_REFUTED = """
import warnings
with warnings.catch_warnings(action="ignore"):
    found = minimize_lipschitz(f, (-3, 8), lipschitz=2.0)
print(found.status.value)
print("points", found.witness[:, 0], "- the constant is at least", found.lipschitz_observed)
"""
_TAMPER = """
print(found.certified, found.lower_bound)
lower = found.lower_bound + 0.01
better = replace(found, lower_bound=lower, gap=found.fun - lower)
better.verify(f, (-3, 8), lipschitz=5.0)
"""
