"""What a loop costs, noise that does not go away, and a proof for a method without one."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from minimand import Schedule, SGDResult, compare_loops, sgd
from minimand._common.errors import missing_extra
from minimand.plotting import sgd as plot
from minimand.problems.linear_models.quantile import engel
from minimand.problems.sgd import line, regression

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report


def section(report: Report) -> None:
    """Say everything about stochastic gradient descent."""
    report.title(
        "Stochastic gradient descent",
        """To improve a model one need not look at all the data: a few rows tell roughly which way
        to go. Steps along such rough gradients, made cheap enough, are how most models of the world
        are fitted. What they lack is an end: nothing in the method says how far there is to go.
        Here a duality gap says it, for one pass over the data more.""",
    )
    _vectorise(report)
    _first_line(report)
    _noise_floor(report)
    _digits(report)
    _engel(report)


def _vectorise(report: Report) -> None:
    """Compare loops."""
    report.heading("What a loop costs")
    report.text(
        """The same computation as a loop over Python lists, as calls of NumPy, and in C++: the sum
        of two vectors, their inner product, and an epoch of least squares in batches of 10. All
        three give the same numbers, up to the order of summation."""
    )
    n = 2_000 if report.quick else 10_000
    found = [compare_loops(n=n, d=10, task=task) for task in ("add", "dot", "sgd")]
    report.table(
        f"{n} numbers, or rows of 10",
        ("task", "Python loop", "NumPy", "C++", "largest difference"),
        [
            (
                one.task,
                f"{1e3 * one.python:.3g} ms",
                f"{1e3 * one.numpy:.3g} ms, {one.numpy_ratio:.0f} times faster",
                f"{1e3 * one.cpp:.3g} ms, {one.cpp_ratio:.0f} times faster",
                f"{one.difference:.0e}",
            )
            for one in found
        ],
    )
    report.text(
        """A vector operation is worth its call when the vector is long. The batches of an epoch are
        short, so NumPy gains little there: its time goes into the calls themselves."""
    )

    def draw(figure: Figure) -> None:
        plot.loops(found, ax=figure.subplots())

    report.picture("sgd_loops", "Seconds for the same result.", draw, size=(7.5, 2.6))


_TAMPER = """
other = replace(fit, coef=fit.coef + 0.001)
other.verify(X, y)
"""


def _first_line(report: Report) -> None:
    """Fit the line of every lecture."""
    report.heading("A first line")
    problem = line()
    report.text(
        """1000 points of y = 2 x1 - 3.4 x2 + 4.2 with a noise of 0.01, batches of 10 rows, steps of
        0.03, ten epochs."""
    )
    names = report.run(
        """
fit = sgd(X, y, batch_size=10, lr=0.03, epochs=10, rng=0)
print(fit.coef.round(4), round(fit.intercept, 4))
print(f"objective {fit.fun:.3e}, and no line is better by more than {fit.gap:.0e}")
""",
        sgd=sgd,
        X=problem.X,
        y=problem.y,
        replace=dataclasses.replace,
    )
    report.certify("The line: certificates", names["fit"])
    report.text("Somebody moves the coefficients a little:")
    report.run(_TAMPER, **names)


def _noise_floor(report: Report) -> None:
    """Show what constant steps do not reach."""
    report.heading("Noise that does not go away")
    report.text(
        """Steps of constant length get close and then wander about: each batch pulls another way.
        Steps that fall like 1/t let the noise die out. SAGA and SVRG subtract it instead: they
        remember what each row said before, and converge at a constant step. Least squares with 2000
        rows of 10 columns, a noise of 2, a small penalty."""
    )
    problem = regression(2000, 10, noise=2.0)
    epochs = 20 if report.quick else 60
    common: dict[str, Any] = {"l2": 1e-3, "epochs": epochs, "tol_gap": 1e-13, "rng": 0}
    rate = sgd(problem.X, problem.y, l2=1e-3, epochs=1, rng=0).rate
    kinds: dict[str, dict[str, Any]] = {
        "constant": {},
        "falling": {"schedule": Schedule.inverse_time(rate / 2)},
        "averaged": {"averaging": True},
        "SAGA": {"variance_reduction": "saga"},
        "SVRG": {"variance_reduction": "svrg"},
    }
    fits: dict[str, SGDResult] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, options in kinds.items():
            fits[name] = sgd(problem.X, problem.y, **common, **options)
    report.table(
        f"After {epochs} epochs",
        ("steps", "objective", "certified gap", "theory, factor of an epoch"),
        [
            (
                name,
                f"{fit.fun:.10f}",
                f"{fit.gap:.1e}",
                "" if fit.expected_rate is None else f"{fit.expected_rate:.2g}",
            )
            for name, fit in fits.items()
        ],
    )

    def draw(figure: Figure) -> None:
        plot.convergence(fits, ax=figure.subplots())

    report.picture(
        "sgd_noise_floor",
        """How far the objective still is from the best lower bound. The average is taken over the
        second half.""",
        draw,
        size=(7.5, 3.6),
    )


def _digits(report: Report) -> None:
    """Tell zeros from ones, with a proof."""
    report.heading("Zeros and ones")
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        report.text(f"(The next data set needs {missing_extra('scikit-learn', 'sklearn')})")
        return
    X, y = load_digits(n_class=2, return_X_y=True)
    report.text(
        """360 written digits of 8 x 8 pixels: logistic regression with the penalty 0.05 ||w||^2,
        SAGA row by row, until the gap is below 1e-8."""
    )
    options: dict[str, Any] = {"loss": "logistic", "batch_size": 1, "variance_reduction": "saga"}
    fit = sgd(X / 16.0, y, **options, l2=0.1, epochs=200, tol_gap=1e-8, rng=0)
    right = int((fit.predict(X / 16.0) == y).sum())
    report.text(f"It took {fit.epochs} epochs; {right} of {len(y)} digits are told apart.")
    report.certify("Zeros and ones: certificates", fit)


def _engel(report: Report) -> None:
    """Fit food expenditure by squares and by absolute values."""
    report.heading("Bread and income")
    problem = engel()
    income = problem.X[:, 0]
    X = ((income - income.mean()) / income.std())[:, np.newaxis]
    y = problem.y / problem.y.std()
    report.text(
        """What 235 Belgian households of 1857 spent on food (Engel), by income, both in units of
        their spread: with squares one rich household pulls the line down, with absolute values it
        hardly counts. A little penalty makes both provable."""
    )
    losses: tuple[Literal["squared", "absolute"], ...] = ("squared", "absolute")
    fits: dict[str, SGDResult] = {
        loss: sgd(X, y, loss=loss, l2=1e-3, batch_size=8, epochs=300, rng=0) for loss in losses
    }
    report.table(
        "Food by income",
        ("loss", "slope", "constant", "certified gap"),
        [
            (name, f"{fit.coef[0]:.4f}", f"{fit.intercept:.4f}", f"{fit.gap:.1e}")
            for name, fit in fits.items()
        ],
    )
    report.certify("Food by income: certificates", fits)
