"""How good a difference quotient can be, what a Taylor model promises, and kinds of points."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minimand import (
    check_gradient,
    classify_stationary_point,
    derivative,
    gradient,
    hessian,
    taylor_model,
)
from minimand.plotting import derivatives as plot
from minimand.plotting._style import tidy
from minimand.problems.derivatives import squire_trapp
from minimand.problems.functions import himmelblau, monkey_saddle, rosenbrock, wavy_parabola

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report

_EXACT = 4.053427893898621  # of e^x/sqrt(sin^3 x + cos^3 x) at 1.5
_METHODS = ("forward", "central", "richardson", "complex")


def section(report: Report) -> None:
    """Say everything about derivatives."""
    report.title(
        "Derivatives",
        """How steep is a function that one can only evaluate? The school's answer, a small step and
        the change over it, fails at both ends: a large step sees too much of the curve, a tiny
        one sees nothing but rounding. Each derivative here comes with an error that says what is
        left of both. Then: what slopes and curvatures promise of a function nearby, and whether a
        flat place is a valley, a peak or a pass, as far as that can be known.""",
    )
    _steps(report)
    _many_variables(report)
    _checked_gradient(report)
    _models(report)
    _kinds(report)


def _steps(report: Report) -> None:
    report.heading("The right step")
    report.text(
        """The derivative of `exp(x)/sqrt(sin(x)**3 + cos(x)**3)` at 1.5 is known to 16 digits.
        Every method claims an error of its own; none sees the true one."""
    )
    found = {name: derivative(squire_trapp, 1.5, method=name) for name in _METHODS}
    report.table(
        "One derivative, four methods",
        ("method", "calls", "value", "error claimed", "true error"),
        [
            (
                name,
                str(result.evaluations),
                f"{float(result):.15f}",
                f"{float(np.asarray(result.error)):.1e}",
                f"{abs(float(result) - _EXACT):.1e}",
            )
            for name, result in found.items()
        ],
    )
    report.certify("One derivative: certificates", found)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plot.step_errors(np.exp, 1.0, math.e, ax=left)
        plot.step_errors(squire_trapp, 1.5, _EXACT, ax=right)
        tidy(left, grid="both", title="exp at 1")
        tidy(right, grid="both", title="exp(x)/sqrt(sin³x + cos³x) at 1.5")

    report.picture(
        "derivatives_steps",
        """True errors over the step: rounding to the left, truncation to the right. Dots: the steps
        that are taken by default; the bars above them reach to the error that is claimed.""",
        draw,
        size=(8.6, 3.6),
    )


def _many_variables(report: Report) -> None:
    n = 20 if report.quick else 100
    report.heading(f"{n} variables")
    problem = rosenbrock(n)
    x = np.random.default_rng(1).standard_normal(n)
    results = {"gradient": gradient(problem, x), "Hessian": hessian(problem, x)}
    exact = {"gradient": problem.grad(x), "Hessian": problem.hess(x)}
    report.text(
        f"""Rosenbrock's function takes many points at once, so all points of the differences go to
        it together: {results["gradient"].evaluations} for the gradient and
        {results["Hessian"].evaluations:,} for the Hessian."""
    )
    rows = []
    for name, result in results.items():
        true = np.abs(result.value - exact[name])
        error = np.asarray(result.error)
        rows.append(
            (
                name,
                f"{1e3 * result.seconds:.1f} ms",
                f"{true.max():.1e}",
                f"{error.max():.1e}",
                f"{np.mean(true <= error):.1%}",
            )
        )
    columns = ("", "time", "largest error", "largest claimed", "errors within the claim")
    report.table("Rosenbrock's function", columns, rows)
    report.certify("Rosenbrock's function: certificates", results)


def _checked_gradient(report: Report) -> None:
    report.heading("Somebody's gradient")
    report.text(
        """A gradient written by hand, with one sign wrong. The check says which entry it is, and
        measures it in units of its own error, so that small gradients are not excused."""
    )
    report.run(_CHECK, check_gradient=check_gradient, np=np)


_CHECK = """
def f(p):
    return np.sum(p**2 + np.cos(p), axis=-1)

def grad(p):
    g = 2 * p - np.sin(p)
    g[2] = 2 * p[2] + np.sin(p[2])      # a slip of the pen
    return g

check = check_gradient(f, grad, [0.5, 1.0, 1e-4, 2.0])
print(check.ok, "- the worst entry is", check.worst)
print(check.table)
"""


def _models(report: Report) -> None:
    report.heading("What slope and curvature promise")
    report.text(
        """A function whose slope changes by at most L per unit stays within L d²/2 of its tangent
        at the distance d; with a bound M on the change of the curvature, within M d³/6 of its
        parabola. For x² + 3 sin²x the numbers are L = 8 and M = 12. A constant that is too small
        does not go unnoticed: points nearby refute it."""
    )
    curve = wavy_parabola()
    models = {
        "order 1, L = 8": taylor_model(curve.f, 1.0, 1, lipschitz_gradient=8.0, radius=1.0),
        "order 2, M = 12": taylor_model(curve.f, 1.0, 2, lipschitz_hessian=12.0, radius=1.0),
    }
    report.certify("Taylor models: certificates", models)
    names = {"taylor_model": taylor_model, "f": curve.f}
    report.run(_REFUTED, **names)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plot.taylor_models(models, curve.f, reach=1.2, ax=left)
        orders = {
            f"order {p}": taylor_model(np.exp, 0.0, p, derivative_bound=math.e**2)
            for p in (1, 2, 4)
        }
        plot.taylor_models(orders, np.exp, reach=2.0, ax=right)
        tidy(left, title="x² + 3 sin²x around 1")
        tidy(right, title="exp around 0")

    report.picture(
        "derivatives_taylor",
        """The function (grey), its models, and the bands in which the bounds keep it. The better
        the model, the wider the range in which its band is narrow.""",
        draw,
        size=(8.0, 3.3),
    )


_REFUTED = """
model = taylor_model(f, 1.0, 1, lipschitz_gradient=3.0, radius=1.0)
print(model.status.value, "Given:", model.constant, "- at least:", round(model.observed, 3))
"""


def _kinds(report: Report) -> None:
    report.heading("Valley, peak or pass")
    report.text(
        """Where the gradient vanishes, the eigenvalues of the Hessian decide, if they can: each
        gets an interval from the errors of the second derivatives. All above zero prove a valley,
        all below a peak, one on either side a pass. If an interval contains zero, nothing is
        proved, and nothing is claimed."""
    )
    problem = himmelblau()
    assert problem.stationary_points is not None
    points = {
        f"({x[0]:.4f}, {x[1]:.4f})": classify_stationary_point(problem, x)
        for x in problem.stationary_points
    }
    report.table(
        "Himmelblau's function",
        ("point", "value", "eigenvalues", "their radius", "kind"),
        [
            (
                name,
                f"{point.fun:.3f}",
                ", ".join(f"{value:.2f}" for value in point.eigenvalues),
                f"{0.5 * float(np.ptp(point.intervals, axis=1).max()):.0e}",
                point.kind,
            )
            for name, point in points.items()
        ],
    )
    report.certify("Himmelblau's function: certificates", points)
    report.run(_UNDETERMINED, classify=classify_stationary_point, monkey_saddle=monkey_saddle())
    tools: dict[str, Any] = {"replace": dataclasses.replace, "f": problem}
    report.run(_TAMPER, point=next(iter(points.values())), **tools)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plot.stationary_points(list(points.values()), problem, problem.bounds, ax=left)
        monkey = monkey_saddle()
        flat = classify_stationary_point(monkey, [0.0, 0.0])
        plot.stationary_points([flat], monkey, [[-1, 1], [-1, 1]], ax=right)
        tidy(left, grid=None, title="Himmelblau")
        tidy(right, grid=None, title="the monkey saddle")

    report.picture(
        "derivatives_kinds",
        """Left: nine stationary points; lines at the passes show where it goes down. Right: the
        Hessian of the monkey saddle is zero, so second derivatives leave it open.""",
        draw,
        size=(6.8, 3.9),
    )


_UNDETERMINED = """
for name, f, x in (("x^4", lambda p: p[..., 0] ** 4, [0.0]), ("monkey", monkey_saddle, [0.0, 0.0])):
    point = classify(f, x)
    print(f"{name}: {point.kind}; a lower point nearby: {point.lower_point}")
"""
_TAMPER = """
for certificate in point.verify(f, point.x):
    print(certificate)
replace(point, kind="saddle").verify(f, point.x)
"""
