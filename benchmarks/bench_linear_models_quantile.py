"""Linear models: median regression, against scikit-learn and statsmodels."""

from __future__ import annotations

import pytest
from conftest import TOY, turns
from quantile_problems import CONTENDERS as QUANTILE_CONTENDERS
from quantile_problems import QuantileFit, data, quality

EVERYBODY = list(QUANTILE_CONTENDERS)

# fit: who competes, as far as they need no more than about a minute
QUANTILE_FITS = (
    {QuantileFit(500, 4): EVERYBODY}
    if TOY
    else {
        QuantileFit(1_000, 5, turns=5): EVERYBODY,
        QuantileFit(100_000, 20, turns=2): EVERYBODY,
        QuantileFit(1_000_000, 20): ["minimand"],
    }
)


@pytest.mark.parametrize(
    ("fit", "turn", "contender"),
    [
        parameters
        for fit, contenders in QUANTILE_FITS.items()
        for parameters in turns([fit], contenders)
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_quantile(measure, benchmark, fit, turn, contender):
    X, y = data(fit)
    solve = QUANTILE_CONTENDERS[contender]
    small = fit.rows <= 1_000 and not TOY
    answer = measure(
        f"median regression {fit.name}", contender, lambda: solve(X, y), calls=3 if small else 1
    )
    if turn == 0:
        benchmark.extra_info |= quality(fit, answer)
