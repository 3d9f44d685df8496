"""The Python in docs/linear_models.md does what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

import minimand
from minimand.problems.linear_models import chebyshev as problems

PAGE = Path(__file__).parents[1] / "docs/linear_models.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(marker, **names):
    """Run the only block that contains the marker; return what it printed, and its names."""
    (source,) = [block for block in BLOCKS if marker in block]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, PAGE.name, "exec"), names)
    return printed.getvalue(), names


def test_first_example():
    problem = problems.stackloss()
    printed, names = run('noise="uniform"', X=problem.X, y=problem.y)
    assert names["fit"].status.ok
    assert "duality gap" in printed


@pytest.mark.parametrize("seed", range(3))
def test_certificate_by_hand(seed):
    problem = problems.alternating(300, 4, rng=seed)
    fit = minimand.chebyshev_fit(problem.X, problem.y)
    printed, names = run("bound = d @ y", X=problem.X, y=problem.y, fit=fit)
    assert names["largest"] == pytest.approx(fit.objective, rel=1e-12)
    assert names["bound"] == pytest.approx(fit.lower_bound, rel=1e-12)
    total, balance, constant = map(float, printed.split("\n")[0].split())
    assert total == pytest.approx(1.0)
    assert max(balance, abs(constant)) < 1e-14


def test_known_half_width():
    _, names = run("intervals=True)")
    fit, problem = names["fit"], names["problem"]
    assert fit.slack == pytest.approx(6.0 - problem.objective)
    assert (fit.intervals[:, 0] < np.append(fit.coef, fit.intercept)).all()


def test_longley_is_limited_by_rounding():
    """The page says how much rounding leaves there."""
    from minimand.problems.least_squares import nist

    longley = nist("Longley")
    fit = minimand.chebyshev_fit(longley.X[:, 1:], longley.y)
    gap = fit.certificates[0]
    assert gap.bound - fit.tol == pytest.approx(3e-11, rel=0.2)
