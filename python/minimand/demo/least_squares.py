"""Least squares on real data: what the textbook routes do to the digits, and how one can tell."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import minimand
from minimand import LeastSquaresResult, LeastSquaresState, lstsq
from minimand._common.errors import missing_extra
from minimand.plotting import least_squares as plot
from minimand.plotting._style import BLUE, GREY, ORANGE, tidy
from minimand.problems.least_squares import correct_digits, exact_lstsq, nist

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report

Array = NDArray[np.float64]

_CHOLESKY, _QR, _SVD, _NUMPY = "Cholesky of X'X", "QR", "pseudo-inverse", "numpy.linalg.lstsq"
_AUTO, _EXTENDED, _CENTRED = "minimand.lstsq", 'refine="extended"', "intercept=True"

_ROUTES: dict[str, dict[str, Any]] = {
    _CHOLESKY: {"method": "cholesky", "refine": "none"},
    _QR: {"method": "qr", "refine": "none"},
    _SVD: {"method": "svd", "refine": "none"},
    _AUTO: {},
    _EXTENDED: {"refine": "extended"},
    _CENTRED: {"intercept": True},
}
_COLUMNS = ("route", "condition", "correct digits", "digits claimed", "backward error", "verdict")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """How one route did."""

    result: LeastSquaresResult | None
    said: str  # the error or the warnings, as text
    digits: float
    condition: float  # of the matrix that the route factors
    claims: bool = True

    @property
    def holds(self) -> bool:
        """Whether there is an answer and all its certificates hold."""
        return self.result is not None and all(c.holds for c in self.result.certificates)

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table, without the name."""
        if self.result is None:
            return f"{self.condition:.1e}", "none", "–", "–", "breaks down"
        return (
            f"{self.condition:.1e}",
            f"{self.digits:.1f}",
            f"{self.result.digits:.1f}" if self.claims else "–",
            f"{self.result.certificates[0].value:.1e}",
            "holds" if self.holds else "FAILS",
        )


def section(report: Report) -> None:
    """Say everything about least squares."""
    report.title(
        "Least squares",
        """Given a table of numbers X, one row for each observation, and a column y, find the
        coefficients for which X · coef comes closest to y: the sum of the squared misses is
        as small as it can be. This is how straight lines, polynomials and most simple models
        are fitted.""",
    )
    report.text(
        """A computer carries about 16 significant digits. How many of them survive depends on
        the data, through one number, the condition of X (its columns brought to length 1):
        with a condition of 10⁵ a careful method loses about 5 digits. The oldest textbook
        route, Cholesky factorisation of X'X, has to work with the condition squared, and
        loses about 10. Two public data sets for which NIST certifies the true coefficients
        show it.""",
    )
    report.text(
        """In the tables, “correct digits” compares with the truth: those of the worst
        coefficient. “Digits claimed” is what a result says of itself without knowing the
        truth, for the coefficients as a whole: a small one may have fewer. “Backward error”
        is how much X would have to change, relatively, to make the answer exactly right: near
        1e-16 no method can do better, and the certificate holds. When it fails, so does the
        claim."""
    )
    fits = {name: _certified_set(report, name) for name in ("Longley", "Filip")}
    _picture_of_digits(report, fits)
    _picture_of_filip(report, fits["Filip"])
    _verification(report)
    _diabetes(report)


def _certified_set(report: Report, name: str) -> dict[str, _Fit]:
    """Compare all routes on a NIST set, and certify the answers that the package stands for."""
    about = {
        "Longley": "Employment in the United States from 1947 to 1962, explained by six economic "
        "figures that all grow together.",
        "Filip": "A polynomial of degree 10 through 82 measurements: the powers of x are nearly "
        "indistinguishable, and many programs give up or give nonsense.",
    }
    problem = nist(name)
    report.heading(f"NIST {name}: {problem.X.shape[0]} rows, {problem.X.shape[1]} columns")
    report.text(about[name])
    fits = _compare(problem.X, problem.y, problem.coef)
    report.table(
        f"{name}: correct digits of the worst coefficient",
        _COLUMNS,
        [(route, *fit.cells) for route, fit in fits.items()],
        strong=[_AUTO],
    )
    for paragraph in _in_words(fits, problem.attainable_digits):
        report.text(paragraph)
    answers = {
        route if route == _AUTO else f"{_AUTO} with {route}": result
        for route in (_AUTO, _EXTENDED, _CENTRED)
        if (result := fits[route].result) is not None
    }
    report.certify(f"{name}: certificates", answers)
    return fits


def _compare(X: Array, y: Array, truth: Array) -> dict[str, _Fit]:
    """Fit X, whose first column is the constant, by every route."""
    fits = {route: _fit(X, y, truth, options) for route, options in _ROUTES.items()}
    fits[_NUMPY] = _fit_by_numpy(X, y, truth, fits[_AUTO].result)
    # Normal equations have the condition of X squared, whether or not Cholesky gets through.
    kappa = fits[_AUTO].condition
    fits[_CHOLESKY] = replace(fits[_CHOLESKY], condition=kappa**2)
    return fits


def _fit(X: Array, y: Array, truth: Array, options: dict[str, Any]) -> _Fit:
    data = X[:, 1:] if options.get("intercept") else X
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = lstsq(data, y, **options)
        except minimand.NotPositiveDefiniteError as error:
            return _Fit(result=None, said=str(error), digits=0.0, condition=math.nan)
    coef = np.append(result.intercept, result.coef) if result.has_intercept else result.coef
    said = "; ".join(str(warning.message) for warning in caught)
    digits = correct_digits(coef, truth)
    return _Fit(result=result, said=said, digits=digits, condition=result.condition)


def _fit_by_numpy(X: Array, y: Array, truth: Array, ours: LeastSquaresResult | None) -> _Fit:
    """Put NumPy's coefficients into a result of ours, so that the same formulas assess them."""
    assert ours is not None
    solution = np.linalg.lstsq(X, y)
    coef, rank = solution[0].astype(np.float64), int(solution[2])
    carrier = replace(ours, coef=coef, residual_norm=float(np.linalg.norm(y - X @ coef)))
    result = replace(carrier, certificates=carrier._recompute(X, y, None))
    cut = f"it takes X for a matrix of rank {rank}, by a rule that depends on the units of x"
    said = cut if rank < X.shape[1] else ""
    digits = correct_digits(coef, truth)
    return _Fit(result=result, said=said, digits=digits, condition=ours.condition, claims=False)


def _in_words(fits: dict[str, _Fit], attainable: float) -> list[str]:
    """Say what the table shows, from its numbers, in paragraphs."""
    kappa, bare, auto = fits[_QR].condition, fits[_CHOLESKY], fits[_AUTO]
    peers = [f"X has condition {kappa:.1e}, X'X has {kappa**2:.1e}."]
    if bare.result is None:
        peers.append(
            f"That is beyond the {1 / np.finfo(float).eps:.0e} at which 16 digits are used up: "
            f"Cholesky breaks down. Its error message: “{bare.said}”"
        )
    else:
        peers.append(
            f"Cholesky is left with {bare.digits:.1f} correct digits, QR with "
            f"{fits[_QR].digits:.1f}."
        )
        if fits[_QR].holds and not bare.holds:
            peers.append("The certificate tells them apart without knowing the truth.")
    if fits[_NUMPY].said:
        peers.append(f"`{_NUMPY}` has {fits[_NUMPY].digits:.1f} digits: {fits[_NUMPY].said}.")

    ours = [
        f"`{_AUTO}` reaches {auto.digits:.1f} digits by itself and {fits[_EXTENDED].digits:.1f} "
        f"with extended precision, where {attainable:.1f} are all that the data, rounded to 16 "
        "digits, contain."
    ]
    centred = fits[_CENTRED]
    if centred.condition < kappa / 10:
        ours.append(
            "With the constant fitted as an intercept, instead of by a column of ones, the "
            f"condition is {centred.condition:.1e} and {centred.digits:.1f} digits come out."
        )
    if auto.said:
        ours.append(f"Its warning: “{auto.said}.”")
    return [" ".join(peers), " ".join(ours)]


def _picture_of_digits(report: Report, fits: dict[str, dict[str, _Fit]]) -> None:
    def draw(figure: Figure) -> None:
        for ax, (name, routes) in zip(
            figure.subplots(1, len(fits), sharey=True), fits.items(), strict=True
        ):
            plot.correct_digits(
                {route: fit.digits for route, fit in routes.items()},
                claimed={
                    route: fit.result.digits
                    for route, fit in routes.items()
                    if fit.result is not None and fit.claims
                },
                failed=[route for route, fit in routes.items() if not fit.holds],
                attainable=nist(name).attainable_digits,
                ax=ax,
            )
            tidy(ax, grid="x", title=f"{name}, condition {routes[_QR].condition:.0e}")

    report.picture(
        "least_squares_digits",
        """Correct digits of the worst coefficient. Circles: the certificate holds. Crosses: it
        fails, or there is no answer. Orange ticks: the digits that the answer claims for
        itself. Dotted line: what the rounding of the data to 16 digits leaves.""",
        draw,
        size=(8.6, 3.4),
    )


def _picture_of_filip(report: Report, fits: dict[str, _Fit]) -> None:
    problem = nist("Filip")
    x = problem.X[:, 1]
    powers = np.arange(problem.X.shape[1])
    grid = np.linspace(x.min(), x.max(), 600)

    def draw(figure: Figure) -> None:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        top.scatter(x, problem.y, s=16, color=GREY, linewidths=0, label="data")
        lines = ((_NUMPY, ORANGE, (0, (4, 2)), "s"), (_EXTENDED, BLUE, "-", "o"))
        for route, colour, dashes, marker in lines:
            result = fits[route].result
            if result is None:
                continue
            label = "minimand.lstsq" if route == _EXTENDED else route
            curve = grid[:, np.newaxis] ** powers @ result.coef
            top.plot(grid, curve, color=colour, linewidth=1.8, linestyle=dashes, label=label)
            left = problem.y - problem.X @ result.coef
            bottom.scatter(x, left, s=14, color=colour, marker=marker, linewidths=0, alpha=0.75)
        bottom.axhline(0.0, color=GREY, linewidth=1.0)
        top.set_ylabel("y")
        top.legend(loc="lower right")
        bottom.set_ylabel("residual")
        bottom.set_xlabel("x")
        figure.align_ylabels()
        for ax in (top, bottom):
            tidy(ax)

    norms = {
        route: float(np.linalg.norm(problem.y - problem.X @ result.coef))
        for route in (_EXTENDED, _NUMPY)
        if (result := fits[route].result) is not None
    }
    report.picture(
        "least_squares_filip",
        f"""Filip: the fitted polynomial of degree 10 and what it leaves over. Length of the
        residual: {norms[_EXTENDED]:.5f} for minimand, {norms[_NUMPY]:.5f} for
        numpy.linalg.lstsq.""",
        draw,
        size=(8.0, 4.8),
    )


_VERIFY = """
problem = nist("Longley")
result = lstsq(problem.X, problem.y)
for certificate in result.verify(problem.X, problem.y):
    print(certificate)
"""
_TAMPER = """
coef = result.coef.copy()
coef[3] *= 1 + 1e-8    # somebody changes the ninth digit
forged = dataclasses.replace(result, coef=coef)
forged.verify(problem.X, problem.y)
"""


def _verification(report: Report) -> None:
    """Show that certificates can be checked, and that a wrong answer cannot hide."""
    import dataclasses

    report.heading("Checking an answer")
    report.text(
        """`result.verify(X, y)` computes every certificate anew from the data and the
        coefficients, in plain NumPy that shares nothing with the solver. It raises an error
        when one fails."""
    )
    problem = nist("Longley")
    result = lstsq(problem.X, problem.y)
    report.run(_VERIFY, nist=nist, lstsq=lstsq)
    report.run(_TAMPER, result=result, problem=problem, dataclasses=dataclasses)


class _NamedColumns:
    """A table with named columns, where pandas may not be installed."""

    def __init__(self, values: Array, columns: list[str]) -> None:
        self.values = values
        self.columns = columns

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.values, dtype=dtype, copy=copy)


def _diabetes(report: Report) -> None:
    """Real data with named columns: accuracy, errors of the coefficients, dependent columns."""
    try:
        from sklearn.datasets import load_diabetes
    except ImportError:
        report.text(f"(The next data set needs {missing_extra('scikit-learn', 'sklearn')})")
        return
    loaded = load_diabetes(scaled=False)
    X, y = np.ascontiguousarray(loaded.data), loaded.target
    names = list(loaded.feature_names)

    report.heading(f"Diabetes: {X.shape[0]} patients, {X.shape[1]} measurements")
    report.text(
        """Progress of the disease after a year, explained by age, sex, body mass, blood pressure
        and six blood values (scikit-learn's data, in the original units). Here the truth was
        computed in exact fractions. The data are harmless: every route does well, and says
        so."""
    )
    ones = np.column_stack([np.ones(len(y)), X])
    fits = _compare(ones, y, exact_lstsq(ones, y).coef)
    report.table(
        "Diabetes: correct digits of the worst coefficient",
        _COLUMNS,
        [(route, *fit.cells) for route, fit in fits.items()],
        strong=[_AUTO],
    )
    result = lstsq(_NamedColumns(X, names), y, intercept=True)
    report.certify("Diabetes: certificates", {f"{_AUTO} with {_CENTRED}": result})

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        plot.coefficients(result, ax=left)
        plot.residuals(result, X, y, ax=right)
        tidy(left, grid="x", title="which measurements matter")
        tidy(right, title="what remains unexplained")

    report.picture(
        "least_squares_diabetes",
        """Left: each coefficient over its standard error; inside the grey band it could be
        noise. Right: the residuals; a good model leaves no pattern, here the spread grows
        with the value.""",
        draw,
        size=(8.6, 3.8),
    )
    _dependent_columns(report, X, y, names)
    _three_hospitals(report, X, y)


def _dependent_columns(report: Report, X: Array, y: Array, names: list[str]) -> None:
    """Add columns that say nothing new, and let the package find them."""
    report.heading("Columns that say the same thing twice")
    report.text(
        """Blood pressure in a second unit and the sum of two blood values add nothing that the
        other columns do not know. The coefficients are no longer unique, and a method that
        does not notice returns arbitrary ones. `lstsq` decides the rank independently of
        units and of the number of rows, names the columns, and says how they depend on the
        others."""
    )
    extra = np.column_stack([X, X[:, names.index("bp")] * 0.1333, X[:, 4] + X[:, 5]])
    table = _NamedColumns(extra, [*names, "bp_kPa", "s1_plus_s2"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shortest = lstsq(table, y, intercept=True)
        dropped = lstsq(table, y, intercept=True, rank_deficient="drop")
    report.text(f"The warning: “{caught[0].message}”." if caught else "There was no warning.")
    found = []
    for k, column in enumerate(shortest.aliased):
        weights = shortest.dependency[:, k]
        parts = [
            f"{weights[j]:.4g} · {table.columns[j]}"
            for j in np.flatnonzero(np.abs(weights) > 1e-9 * np.abs(weights).max())
        ]
        found.append((table.columns[column], "= " + " + ".join(parts)))
    report.table("What depends on what", ("column", "found by lstsq"), found)
    gap = np.max(np.abs(shortest.predict(extra) - dropped.predict(extra)))
    before, after = shortest.rank_margin
    report.text(
        f"""Rank {shortest.rank} of {extra.shape[1]}, and not a close call: the last column that
        was kept stands {10**before:.0e} times above the tolerance, of the first one that was
        not the remainder is {10**after:.0e} of it. The two ways to go on, the shortest
        coefficients (`min_norm`) and leaving columns out (`drop`), give the same predictions
        to {gap:.0e}."""
    )
    report.certify(
        "Dependent columns: certificates",
        {'rank_deficient="min_norm"': shortest, 'rank_deficient="drop"': dropped},
    )


_HOSPITALS = """
letters = []
for hospital in np.split(np.arange(442), [57, 301]):
    state = LeastSquaresState().update(X[hospital], y[hospital])
    letters.append(state.to_bytes())

together = LeastSquaresState.from_bytes(letters[0])
for letter in letters[1:]:
    together.merge(LeastSquaresState.from_bytes(letter))
merged, at_once = together.solve(), lstsq(X, y, intercept=True)

difference = np.max(np.abs(merged.coef / at_once.coef - 1))
print(f"{together.rows} patients; {len(letters[0])} bytes per hospital")
print(f"coefficients differ from those of one fit by {difference:.0e}")
"""


def _three_hospitals(report: Report, X: Array, y: Array) -> None:
    """Fit rows that never come together."""
    report.heading("Rows that never come together")
    report.text(
        """A `LeastSquaresState` takes in rows block by block and keeps a small triangle of numbers,
        whatever the number of rows: enough for the exact fit, not for the rows. So data may be
        larger than the memory, and three hospitals can fit one model without showing each other a
        patient."""
    )
    tools = {"np": np, "lstsq": lstsq, "LeastSquaresState": LeastSquaresState}
    names = report.run(_HOSPITALS, X=X, y=y, **tools)
    report.certify("Three hospitals: certificates", names["merged"])
