"""Principal components on real data: a picture of flowers, and small variances that drown."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING

import numpy as np

import minimand
from minimand import PCAResult, PCAState
from minimand.plotting import pca as plot
from minimand.plotting._style import tidy
from minimand.problems.pca import PCAProblem, iris, lauchli, longley, planted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minimand.demo.report import Report


def section(report: Report) -> None:
    """Say everything about principal components."""
    report.title(
        "Principal components",
        """A table with many columns is a cloud of points in a space of many dimensions. Its
        principal components are the directions in which the cloud is longest, second longest, and
        so on. A few of them often show what there is to see, and the rest is noise.""",
    )
    report.text(
        """How far can one trust such a direction? Every component comes with bounds, computed
        from the data: by how much its variance may be wrong, and by what angle its direction. Two
        directions of the same variance cannot be told apart at all: then only the plane that they
        span has a meaning, and the result says so."""
    )
    _iris(report)
    _longley(report)
    _verification(report)
    _degenerate(report)
    _stream(report)


def _iris(report: Report) -> None:
    data = iris("uci")
    result = minimand.pca(data.X)
    report.heading("150 irises, four measurements")
    report.text(
        """R. A. Fisher's irises of three species, measured by E. Anderson: length and width of
        sepals and petals. (This copy has the two famous typing errors, because its components are
        known to 20 digits.) Of the four directions, two hold almost everything."""
    )
    assert data.components is not None
    report.table(
        "Iris: components and what is known of them",
        ("component", "variance", "share", "correct digits", "angle at most", "residual"),
        [
            (
                str(i),
                f"{result.explained_variance[i]:.12f}",
                f"{result.explained_variance_ratio[i]:.2%}",
                f"{_digits(result.singular_values[i], data.singular_values[i]):.1f}",
                f"{result.angle_bound[i]:.0e}",
                f"{result.residual[i]:.0e}",
            )
            for i in range(4)
        ],
    )
    report.certify("Iris: certificates", result)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1.7, 1))
        names = [name.replace("_", " ") for name in data.names]
        plot.scores(result, data.X, labels=data.labels, names=names, ax=left)
        plot.explained_variance(result, ax=right)
        tidy(left, grid="both", title="the flowers in the plane of two components")
        tidy(right, title="how much each explains")

    report.picture(
        "pca_iris",
        """Left: each flower by its first two scores; an arrow shows where a measurement grows.
        The species were not used, and still they separate. Right: share of the variance; the grey
        line adds them up.""",
        draw,
        size=(9.2, 4.0),
    )


def _digits(value: float, truth: float) -> float:
    return float(-np.log10(max(abs(value / truth - 1.0), 1e-16)))


def _longley(report: Report) -> None:
    """Show what squaring does to small singular values."""
    data = longley()
    report.heading("Small variances: the Gram matrix squares them away")
    report.text(
        """The usual fast way sums X'X and takes its eigenvectors. Eigenvalues are squares of
        singular values: where these differ by a factor of a million, the squares differ by 10¹²,
        and up to 12 of the 16 digits of the computer go. The singular values of X itself, from a
        triangle R with X = QR, keep theirs. Six economic figures of NIST's Longley set show it,
        and so does Läuchli's matrix, a row of ones over ε times the identity."""
    )
    problems: list[PCAProblem] = [data, *(lauchli(4, eps) for eps in (1e-5, 1e-7, 1e-8))]
    rows = []
    results: dict[str, PCAResult] = {}
    for problem in problems:
        name = problem.name if problem.center else f"Läuchli, ε = {problem.X[1, 0]:.0e}"
        for method in ("gram", "svd"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", minimand.MinimandWarning)
                result = minimand.pca(problem.X, center=problem.center, method=method)
            if problem is data:
                results[f"method {method!r}"] = result
            found = len(result.components) == len(problem.singular_values)
            rows.append(
                (
                    f"{name}, {method}",
                    f"{result.rank} of {len(problem.singular_values)}",
                    f"{_digits(result.singular_values[-1], problem.singular_values[-1]):.1f}"
                    if found
                    else "lost",
                    f"{result.singular_value_bound[-1] * result.singular_values[0]:.0e}",
                )
            )
    columns = ("matrix, method", "components", "digits of the smallest", "error at most")
    report.table("The smallest singular value", columns, rows)
    chosen = minimand.pca(data.X)
    report.text(
        f"""`minimand.pca(X)` looks at the smallest singular value that is asked for and takes
        `{chosen.method}` here. Each result bounds its own error, without knowing the truth."""
    )
    report.certify("Longley: certificates", chosen)

    def draw(figure: Figure) -> None:
        plot.accuracy(results, truth=data.singular_values.tolist(), ax=figure.subplots())

    report.picture(
        "pca_longley",
        """Longley: by how much each singular value may be wrong, as the result itself proves, and
        by how much it really is (open markers; 1e-16 stands for none). The smaller the component,
        the more does the Gram matrix lose.""",
        draw,
        size=(7.0, 3.6),
    )


_VERIFY = """
data = iris()
result = minimand.pca(data.X, 2)
for certificate in result.verify(data.X):
    print(certificate)
"""
_TAMPER = """
V = result.components.copy()
V[0] += 1e-6 * V[1]    # somebody turns a component by a millionth
forged = dataclasses.replace(result, components=V)
forged.verify(data.X)
"""


def _verification(report: Report) -> None:
    report.heading("Checking an answer")
    report.text(
        """`result.verify(X)` computes means, residuals, lengths and what was left out anew from the
        data, in plain NumPy that shares nothing with the solver."""
    )
    names = report.run(_VERIFY, iris=iris, minimand=minimand)
    report.run(_TAMPER, result=names["result"], data=names["data"], dataclasses=dataclasses)


def _degenerate(report: Report) -> None:
    """Two equal variances: a plane, not two directions."""
    report.heading("Directions that do not exist")
    problem = planted(400, 6, [9.0, 5.0, 5.0, 2.0, 1.0, 0.5], rng=1)
    result = minimand.pca(problem.X, 4)
    assert problem.components is not None
    pair = slice(1, 3)
    mine, theirs = result.components[pair], problem.components[pair]
    vector = np.linalg.norm(mine[0] - (mine[0] @ theirs[0]) * theirs[0])
    plane = np.linalg.norm(mine - (mine @ theirs.T) @ theirs)
    report.text(
        f"""Made-up data with the singular values 9, 5, 5, 2, 1, 0.5. The result has
        `clusters = {result.clusters}`: components 1 and 2 are one plane. Indeed the single vectors
        are {vector:.2f} off (the sine of the angle to the ones that were planted), but the planes
        agree to {plane:.0e}, within the bound of {result.angle_bound[1]:.0e}."""
    )
    report.certify("Equal variances: certificates", result)


def _stream(report: Report) -> None:
    """Blocks that come one after the other."""
    rows = 20_000 if report.quick else 200_000
    report.heading("Data in pieces")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, 12)) * 0.7 ** np.arange(12) + np.arange(12)
    state = PCAState()
    for begin in range(0, rows, 777):
        state.update(X[begin : begin + 777])
    streamed, whole = state.solve(5), minimand.pca(X, 5, method="svd")
    apart = float(np.abs(streamed.singular_values / whole.singular_values - 1).max())
    report.text(
        f"""`PCAState` takes rows in blocks of any size and keeps a triangle of 13 × 13 numbers
        ({len(state.to_bytes())} bytes). After {rows} rows in blocks of 777 its singular values
        differ from those of all rows at once by {apart:.0e}, relatively: nothing was truncated on
        the way."""
    )
    report.certify("Blocks: certificates", streamed)
