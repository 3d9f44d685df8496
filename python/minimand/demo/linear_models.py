"""One data set under several models of the noise, and data for which a model has no fit."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand import MinimandWarning, chebyshev_fit, maximum_likelihood
from minimand._common.result import Result
from minimand.plotting import linear_models as plot
from minimand.plotting._style import tidy
from minimand.problems.least_squares import nist
from minimand.problems.linear_models.chebyshev import stackloss
from minimand.problems.pca import iris

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report

Array = NDArray[np.float64]

_SUMS = {
    "gaussian": "sum of squared misses",
    "laplace": "sum of the misses",
    "uniform": "largest miss",
}
_NAMES = ("Air.Flow", "Water.Temp", "Acid.Conc")


def section(report: Report) -> None:
    """Say everything about linear models."""
    report.title(
        "Linear models",
        """A line through points, but in which sense the best? The answer depends on what one
        believes of the errors. If they are Gaussian, the most likely line has the smallest sum of
        squares; if they have heavy tails (Laplace), the smallest sum of absolute values; if they
        are uniform between two limits, the smallest largest error. Each is a problem of its own,
        with its own proof that the best line was found.""",
    )
    _three_noises(report)
    _proof_by_hand(report)
    _half_width(report)
    _separation(report)


def _three_noises(report: Report) -> None:
    """Fit clean and contaminated data under every noise model."""
    report.heading("One wrong digit")
    problem = nist("Longley")
    year, clean = problem.X[:, 6], problem.y
    wrong = clean.copy()
    row = int(np.flatnonzero(year == 1961.0)[0])
    wrong[row] = 96331.0
    report.text(
        f"""Employment in the United States from 1947 to 1962, in thousands, grows almost along a
        line. Somebody types 96331 for the {clean[row]:.0f} of 1961: two digits swapped. The table
        compares, for the data before and after, the slope of the most likely line, the scale of
        the noise that goes with it, and the log-likelihood. All constants are included in the
        latter, so the models can be compared: the larger, the better does the model explain the
        data."""
    )
    fits: dict[str, dict[str, Any]] = {}
    X = np.ascontiguousarray(year[:, None])
    for name, y in (("as published", clean), ("one wrong", wrong)):
        fits[name] = {noise: maximum_likelihood(X, y, noise=noise) for noise in _SUMS}
    columns = ("data, noise", "minimises", "people a year", "noise scale", "log-likelihood")
    report.table(
        "The most likely line",
        columns,
        [
            (
                f"{name}, {noise}",
                _SUMS[noise],
                f"{fit.coef[0]:.1f} thousand",
                f"{fit.noise_scale:.1f}",
                f"{fit.log_likelihood:.2f}",
            )
            for name, group in fits.items()
            for noise, fit in group.items()
        ],
        strong=[
            f"{name}, {max(group, key=lambda noise: group[noise].log_likelihood)}"
            for name, group in fits.items()
        ],
    )
    before, after = fits.values()
    moved = ", ".join(
        f"{noise} {abs(after[noise].coef[0] / before[noise].coef[0] - 1):.0%} and "
        f"{after[noise].noise_scale / before[noise].noise_scale:.1f}"
        for noise in _SUMS
    )
    report.text(
        f"""The strong rows are the likeliest of their group. By how much two swapped digits
        change the slope, and by what factor the noise scale: {moved}. Squares and largest errors
        let one number decide; a sum of absolute values does not."""
    )
    report.certify(
        "Three models of the noise: certificates",
        {f"{name}, {noise}": fit for name, group in fits.items() for noise, fit in group.items()},
    )

    def draw(figure: Figure) -> None:
        for ax, (name, group) in zip(figure.subplots(1, 2, sharey=True), fits.items(), strict=True):
            plot.lines(group, year, clean if name == "as published" else wrong, ax=ax)
            tidy(ax, title=name)
            ax.set_xticks([1950, 1955, 1960])
            ax.set_xlabel("year")
        figure.axes[0].set_ylabel("employment (thousands)")

    report.picture(
        "linear_models_noises",
        """The same data under several models of the noise, before and after two digits of one
        number were swapped.""",
        draw,
        size=(8.6, 3.8),
    )


_BY_HAND = """
fit = chebyshev_fit(X, y)
d = fit.dual
largest = np.abs(y - X @ fit.coef - fit.intercept).max()
print(f"largest residual {largest:.12f}")
print(f"lower bound y'd  {d @ y:.12f}")
print(f"sum |d| - 1 = {np.abs(d).sum() - 1:.0e}, sum d = {d.sum():.0e},"
      f" X'd = {np.abs(d @ X).max():.0e}; {np.count_nonzero(d)} of {len(d)} rows carry it")
"""
_TAMPER = """
other = replace(fit, intercept=fit.intercept + 0.001, objective=largest + 0.001,
                noise_scale=largest + 0.001)
other.verify(X, y)
"""


def _proof_by_hand(report: Report) -> None:
    """Show what the dual of a minimax fit proves."""
    report.heading("Why no line has a smaller largest residual")
    report.text(
        """Brownlee's stack-loss data: 21 days of a chemical plant, three settings. The proof is a
        column d of weights, one for each day, with sum |d| = 1, that balances every column of X
        and the constant. The sum of d times the residuals is then the same for all
        coefficients, and no larger than the largest residual. It takes three lines to
        check."""
    )
    problem = stackloss()
    tools = {"np": np, "chebyshev_fit": chebyshev_fit, "replace": dataclasses.replace}
    names = report.run(_BY_HAND, X=problem.X, y=problem.y, **tools)
    fit: Result = names["fit"]
    report.certify("Stack loss, minimax: certificates", fit)
    report.text("Somebody moves the constant a little, and keeps the books straight:")
    report.run(_TAMPER, **names)


def _half_width(report: Report) -> None:
    """Say which coefficients are possible for a known half-width of the noise."""
    report.heading("When the size of the noise is known")
    report.text(
        """Let it be known that no measurement is off by more than 6. Then all coefficients whose
        residuals stay within 6 are equally likely, and there is no single best answer. What can be
        said for certain is how large each coefficient may be; multipliers prove every end of
        these intervals. If it is said that none is off by more than 4.5, the data contradict it,
        and the weights d of above prove that."""
    )
    problem = stackloss()
    fit = chebyshev_fit(problem.X, problem.y, half_width=6.0, intervals=True)
    assert fit.intervals is not None
    report.table(
        "Possible coefficients for a half-width of 6",
        ("coefficient", "least", "most slack", "largest"),
        [
            (name, f"{low:.4f}", f"{value:.4f}", f"{high:.4f}")
            for name, value, (low, high) in zip(
                (*_NAMES, "constant"),
                (*fit.coef, fit.intercept),
                fit.intervals.tolist(),
                strict=True,
            )
        ],
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        impossible = chebyshev_fit(problem.X, problem.y, half_width=4.5)
    report.text(f"The warning for 4.5: “{caught[0].message}.”")
    answers = {"half_width=6": fit, "half_width=4.5": impossible}
    report.certify("Known half-width: certificates", answers)

    def draw(figure: Figure) -> None:
        plot.intervals(fit, names=_NAMES, ax=figure.subplots())

    report.picture(
        "linear_models_intervals",
        """Where each coefficient must lie if no measurement is off by more than 6. Blue: its sign
        is certain.""",
        draw,
        size=(7.5, 2.4),
    )


def _separation(report: Report) -> None:
    """Diagnose data that a plane separates."""
    report.heading("When there is no most likely fit")
    flowers = iris()
    kinds = np.array(flowers.labels)
    report.text(
        """Fisher's irises: can two measurements of a flower tell its species? For setosa against
        versicolor a line separates the two without an error. The steeper the model, the likelier
        the data: the likelihood has no maximum, and a program that does not notice returns
        large numbers that depend on when it stopped. `maximum_likelihood` notices, and proves it by
        a direction. For virginica against versicolor the two overlap, and there is a fit."""
    )
    answers: dict[str, Any] = {}
    for name in ("setosa", "virginica"):
        chosen = (kinds == name) | (kinds == "versicolor")
        X = np.ascontiguousarray(flowers.X[chosen][:, 2:])
        y = (kinds[chosen] == name).astype(np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MinimandWarning)
            answers[name] = maximum_likelihood(X, y, noise="logistic")
    report.table(
        "Logistic models of irises",
        ("against versicolor", "log-likelihood", "separated flowers", "what it says"),
        [
            (
                name,
                f"{fit.log_likelihood:.4f}",
                f"{np.count_nonzero(fit.separated)} of {len(fit.separated)}",
                fit.status.value,
            )
            for name, fit in answers.items()
        ],
    )
    report.certify("Irises: certificates", answers)
