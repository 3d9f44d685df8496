"""Descent beside its theory: guarantees, rates, saddles, flat places, risk and empirical risk."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from minimand import (
    ConvergenceWarning,
    DescentResult,
    classify_stationary_point,
    gradient_descent,
    newton,
)
from minimand.plotting import gradient_descent as plot
from minimand.plotting._style import tidy
from minimand.problems import functions
from minimand.problems import gradient_descent as problems

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report


def section(report: Report) -> None:
    """Say everything about descent."""
    report.title(
        "Gradient descent",
        """A step against the slope, and again. If the slope changes by at most L per unit of way,
        steps of 1/L lower the function by a known amount each, and so promise how flat it gets in
        how many steps. Here the promise is checked while it is kept: every step compares two
        points with L, and an L that is too small is found out.""",
    )
    _promise(report)
    _rates(report)
    _data(report)
    _risk(report)
    _flat(report)


def _promise(report: Report) -> None:
    report.heading("What was promised, and what came")
    f = functions.wavy_parabola()
    report.text(
        """x² + 3 sin²x is not convex, yet 0 is its only flat place; L = 8. The guarantee knows
        nothing of that: it holds for any function with this L."""
    )
    runs = {
        f"from {start:g}": gradient_descent(
            f, [start], grad=f.grad, lipschitz=8.0, f_lower=0.0, tol=1e-10, path=True
        )
        for start in (3.0, 10.0, -7.0)
    }
    report.table(
        "x² + 3 sin²x",
        ("run", "steps", "x", "least |f'|", "guaranteed", "rate"),
        [
            (name, str(r.iterations), f"{r.x[0]:.1e}", f"{r.best_gradient_norm:.1e}",
             f"{r.guarantee:.2f}", str(r.rate))
            for name, r in runs.items()
        ],
    )  # fmt: skip
    report.certify("x² + 3 sin²x: certificates", runs)
    report.run(_REFUTED, gradient_descent=gradient_descent, f=f, warnings=warnings)
    steps = 400 if report.quick else 5000
    valley = functions.rosenbrock()
    slow = _let(valley, [-1.2, 1.0], max_iterations=steps, f_lower=0.0)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plot.curve(runs, f.f, (-11.0, 11.0), ax=left)
        plot.guarantee(slow, ax=right)
        tidy(left, title="x² + 3 sin²x")
        tidy(right, grid="both", title="Rosenbrock: measured and guaranteed")

    report.picture(
        "gradient_descent_guarantee",
        """Left: steps of 1/L from three starts. Right: the least gradient norm so far stays below
        its guarantee, on a function that is not convex.""",
        draw,
        size=(8.6, 3.6),
    )


_REFUTED = """
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    run = gradient_descent(f, [3.0], grad=f.grad, lipschitz=3.0)
print(run.status.value, "Given:", run.lipschitz, "- at least:", round(run.lipschitz_lower, 3))
print("The points that say so:", run.violation.ravel())
"""


def _rates(report: Report) -> None:
    report.heading("How fast")
    problem = problems.quadratic()
    options: dict[str, dict[str, Any]] = {
        "steps of 1/L": {},
        "steps of 2/(L + mu)": {"step": 2 / 101},
        "Nesterov": {"momentum": "nesterov", "restart": False},
        "Nesterov, restarted": {"momentum": "nesterov"},
        "heavy ball": {"momentum": "heavy_ball"},
    }
    runs = {
        name: gradient_descent(problem.f, problem.x0, tol=1e-9, **chosen)
        for name, chosen in options.items()
    }
    report.table(
        "A quadratic with curvatures from 1 to 100",
        ("method", "steps to 1e-10 of f", "measured rate"),
        [
            (name, str(int(np.argmax(r.values <= 1e-10 * r.values[0]))), str(r.rate))
            for name, r in runs.items()
        ],
    )
    report.text("Theory says 0.99 for steps of 1/L, the ratio that was measured.")
    report.certify("The quadratic: certificates", runs)
    valley = functions.rosenbrock()
    steps = newton(valley, [-1.2, 1.0], grad=valley.grad, hess=valley.hess)
    report.certify("Newton on Rosenbrock's function: certificates", {"Newton": steps})
    known = {name: e for name, (e, _, _) in problems.sequences().items()}

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plot.rates({name: r.values for name, r in runs.items()}, ax=left)
        shown = ("1/t", "0.9^t", "1/t!", "0.5^(2^t)")
        plot.rates({name: known[name] for name in shown}, ax=right)
        tidy(left, grid="both", title="f on the quadratic")
        tidy(right, grid="both", title="known sequences, recognised")

    report.picture(
        "gradient_descent_rates",
        "Errors over steps, and what `convergence_rate` makes of them.",
        draw,
        size=(8.6, 3.8),
    )


def _data(report: Report) -> None:
    n, p = (2_000, 20) if report.quick else (100_000, 100)
    report.heading(f"Least squares, {n:,} x {p}")
    problem = problems.least_squares(n, p, condition=1000.0)
    runs = {
        method: _let(problem.f, problem.x0, method=method, max_iterations=1000, path=False)
        for method in ("data", "gram")
    }
    report.table(
        "1000 steps",
        ("from", "time", "f - min f", "bound of it", "data read"),
        [
            (name, f"{1e3 * r.seconds:.0f} ms", f"{r.fun - problem.minimum:.2e}",
             f"{r.gap_bound or math.nan:.2e}", f"{r.evaluations} times")
            for name, r in runs.items()
        ],
    )  # fmt: skip
    report.text(
        """With A'A a step costs p² instead of 2np. What that would lose is won back by reading the
        data again whenever rounding begins to matter."""
    )
    if report.quick:
        report.certify("Least squares: certificates", runs)


def _risk(report: Report) -> None:
    report.heading("Risk and empirical risk")
    risk, empirical = functions.x_cos(), functions.noisy_x_cos()
    starts = (-0.8, 0.35, 0.9, 1.4)
    runs = {
        f"from {x:g}": gradient_descent(
            empirical, [x], grad=empirical.grad, lipschitz=empirical.gradient_lipschitz,
            tol=1e-8, path=True,
        )
        for x in starts
    }  # fmt: skip
    report.text(
        """What counts is the risk; what a sample shows is the empirical risk, here with waves of
        its own. Each of its seven valleys holds what starts in it. The lowest of them is not the
        lowest place of the risk."""
    )
    report.table(
        "Where descent on the empirical risk ends",
        ("run", "x", "empirical risk", "risk"),
        [
            (name, f"{r.x[0]:.6f}", f"{r.fun:.6f}", f"{float(risk.f(r.x[0])):.6f}")
            for name, r in runs.items()
        ],
    )
    report.certify("Empirical risk: certificates", runs)

    def draw(figure: Figure) -> None:
        ax = figure.subplots()
        x = np.linspace(-1.0, 2.0, 500)
        ax.plot(x, risk.f(x), color="#d64550", linewidth=1.4, linestyle=(0, (4, 3)), label="risk")
        plot.curve(runs, empirical.f, (-1.0, 1.6), ax=ax)

    report.picture(
        "gradient_descent_risk",
        "The empirical risk (grey), descents on it, and the risk (dashed).",
        draw,
        size=(7.0, 3.4),
    )


def _flat(report: Report) -> None:
    report.heading("Saddles and flat places")
    saddle, tanh = functions.saddle(), functions.hyperbolic_tangent()
    held = gradient_descent(saddle, [1.0, 0.0], grad=saddle.grad, step=0.2, path=True)
    near = _let(saddle, [1.0, 1e-3], step=0.2, max_iterations=25, path=True)
    kind = classify_stationary_point(saddle, held.x, grad=saddle.grad).kind
    far = _let(tanh, [4.0], lipschitz=4 / (3 * math.sqrt(3)), max_iterations=400)
    woke = int(np.argmax(far.gradient_norms >= 0.5))
    report.text(
        f"""On x² - y², a start on the axis ends at 0 with a gradient of
        {held.gradient_norm:.0e}: a {kind}, which the gradient alone cannot tell. A start beside the
        axis lingers and leaves. On tanh, 4 is so flat that {woke} steps of 1/L pass before the
        slope is 1/2 again: the gradient vanished, the minimum is nowhere near."""
    )
    report.certify("The saddle: certificates", {"on the axis": held})
    report.run(_TAMPER, run=held, f=saddle, replace=dataclasses.replace)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        ways = {"on the axis": held, "beside it": near}
        plot.plane(ways, saddle.f, [[-1.2, 1.2], [-1.2, 1.2]], ax=left)
        right.plot(far.gradient_norms, color="#3b82c4", linewidth=1.8)
        right.axhline(0.5, color="#8b919a", linewidth=0.8)
        right.set_yscale("log")
        right.set_xlabel("steps")
        tidy(left, grid=None, title="x² - y²")
        tidy(right, title="the slope of tanh on the way from 4")

    report.picture(
        "gradient_descent_flat",
        "A saddle holds what comes along its axis; a plateau holds everything for long.",
        draw,
        size=(8.2, 3.6),
    )


_TAMPER = """
for certificate in run.verify(f, run.x0, grad=f.grad):
    print(certificate)
replace(run, x=run.x + 1e-3).verify(f, run.x0, grad=f.grad)
"""


def _let(f: Any, x0: Any, **options: Any) -> DescentResult:
    """Run without a word on runs that are not to converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        grad = None if isinstance(f, problems.LeastSquares) else f.grad
        return gradient_descent(f, x0, grad=grad, **options)
