"""Minimax fits: known answers, proofs, scaling, ties, the half-width of the noise."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

import minimand
from minimand import CertificateError, ConvergenceWarning, RankWarning, Status, chebyshev_fit
from minimand._common.backend import kernels
from minimand.linear_models import exchange, highs
from minimand.linear_models.design import make_design
from minimand.problems.linear_models import chebyshev as problems

DATA = os.environ.get("MINIMAND_DATA")
BACKENDS = ("cpp", "numpy")

PROBLEMS = [
    problems.stackloss(),
    *(problems.chebyshev_polynomial(degree) for degree in (2, 3, 4, 7, 10)),
    problems.alternating(5, 3),
    problems.alternating(4, 3, intercept=False, rng=1),
    problems.alternating(60, 1, rng=2),
    problems.alternating(400, 4, height=1e-3, rng=3),
    problems.alternating(3000, 12, height=1e5, rng=4),
    problems.clustered_signs(6),
    problems.clustered_signs(77, rng=1),
    problems.strip(1)[0],
    problems.strip(5)[0],
]
known = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: f"{p.name} {p.X.shape}")


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


def rounding(fit, X, y):
    """What rounding leaves of a residual, as the documentation says."""
    size = np.abs(y).max() + np.abs(X).max(axis=0) @ np.abs(fit.coef) + abs(fit.intercept)
    return (X.shape[1] + 5) * 2.0**-53 * size


def by_highs(X, y, intercept):
    """The smallest largest residual, to the tolerance of HiGHS."""
    A = np.hstack([X, np.ones((len(X), int(intercept)))])
    one = np.ones((len(X), 1))
    found = linprog(
        np.append(np.zeros(A.shape[1]), 1.0),
        A_ub=np.vstack([np.hstack([A, -one]), np.hstack([-A, -one])]),
        b_ub=np.concatenate([y, -y]),
        bounds=(None, None),
    )
    return found.fun


@known
def test_known_answers(problem, backend):
    fit = chebyshev_fit(problem.X, problem.y, intercept=problem.intercept, backend=backend)
    assert fit.status is Status.CONVERGED
    noise = rounding(fit, problem.X, problem.y)
    assert fit.objective == pytest.approx(problem.objective, rel=1e-12, abs=4 * noise)
    assert fit.lower_bound == pytest.approx(problem.objective, rel=1e-12, abs=4 * noise)
    residual = problem.y - fit.linear_predictor(problem.X)
    assert np.abs(residual).max() == pytest.approx(fit.objective, rel=0, abs=2 * noise)
    if problem.unique:
        near = {"rel": 1e-10, "abs": 1e-12 * max(1.0, problem.objective)}
        assert fit.coef == pytest.approx(problem.coef, **near)
        assert fit.intercept == pytest.approx(problem.constant, **near)
        assert fit.unique is not False
    else:
        assert fit.unique is not True
    fit.verify(problem.X, problem.y)


@known
def test_problems_are_proved(problem):
    A = np.hstack([problem.X, np.ones((len(problem.X), int(problem.intercept)))])
    residual = problem.y - problem.X @ problem.coef - problem.constant
    assert np.abs(residual).max() == pytest.approx(problem.objective, rel=1e-9)
    if problem.dual is not None:
        assert np.abs(problem.dual).sum() == pytest.approx(1.0)
        assert problem.dual @ A == pytest.approx(0.0, abs=1e-14)
        assert problem.dual @ problem.y == pytest.approx(problem.objective, rel=1e-9)


def test_stackloss_is_exact(backend):
    problem = problems.stackloss()
    fit = chebyshev_fit(problem.X, problem.y, backend=backend)
    assert fit.coef == pytest.approx(problem.coef, rel=1e-14)
    assert fit.intercept == pytest.approx(problem.constant, rel=1e-14)
    assert sorted(fit.reference) == [2, 8, 11, 16, 20]
    weights = {8: 0.125662012518055, 2: 0.231102551757342, 20: 0.346172363986519,
               16: 0.0281656234954261, 11: 0.268897448242658}  # fmt: skip
    for row, weight in weights.items():
        assert abs(fit.dual[row]) == pytest.approx(weight, rel=1e-13)
    assert fit.unique is True
    assert fit.log_likelihood == pytest.approx(-21 * np.log(2 * 19705 / 4154), rel=1e-14)


@pytest.mark.skipif(DATA is None, reason="needs MINIMAND_DATA")
@pytest.mark.parametrize("name", ["stackloss", "engel", "longley"])
def test_published_data(name, backend):
    with (Path(DATA) / "quantile" / f"{name}.csv").open(encoding="utf-8") as file:
        table = np.array(list(csv.reader(file))[1:], dtype=float)
    target, first, last = {"stackloss": (0, 1, 4), "engel": (1, 0, 1), "longley": (1, 2, 8)}[name]
    X, y = table[:, first:last], table[:, target]
    reference = json.loads((Path(DATA) / "regression_reference.json").read_text())
    truth = reference["chebyshev"][name]
    exact = np.array([float(Fraction(number)) for number in truth["coef_exact"]])
    fit = chebyshev_fit(X, y, backend=backend)
    assert np.append(fit.intercept, fit.coef) == pytest.approx(exact, rel=1e-12)
    assert fit.objective == pytest.approx(float(truth["max_abs_residual"]), rel=1e-11)
    assert sorted(fit.reference) == sorted(truth["reference_rows_0based"])
    assert fit.unique is True
    fit.verify(X, y)


@pytest.mark.parametrize("seed", range(40))
def test_against_highs(seed, backend):
    """Small integers: ties, duplicates and degenerate references everywhere."""
    rng = np.random.default_rng(seed)
    m, n, intercept = int(rng.integers(8, 50)), int(rng.integers(1, 6)), bool(rng.integers(2))
    X = rng.integers(-2, 3, (m, n)).astype(float)
    y = rng.integers(-3, 4, m).astype(float)
    fit = chebyshev_fit(X, y, intercept=intercept, backend=backend)
    assert fit.status.ok
    assert fit.objective == pytest.approx(by_highs(X, y, intercept), rel=1e-8)
    fit.verify(X, y)


# Scaling and order


def test_scaling_by_powers_of_two_changes_no_bit(backend):
    problem = problems.alternating(500, 4, rng=5)
    fit = chebyshev_fit(problem.X, problem.y, backend=backend)
    scaled = chebyshev_fit(problem.X, 2.0**-30 * problem.y, backend=backend)
    assert np.array_equal(scaled.coef, 2.0**-30 * fit.coef)
    assert np.array_equal(scaled.dual, fit.dual)
    assert scaled.lower_bound == 2.0**-30 * fit.lower_bound


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_units_do_not_matter(backend, factor):
    problem = problems.stackloss()
    X = problem.X * np.array([1.0, factor, 1.0])
    fit = chebyshev_fit(X, 1e-8 * problem.y, backend=backend)
    assert fit.objective == pytest.approx(1e-8 * problem.objective, rel=1e-12)
    expected = 1e-8 * problem.coef / np.array([1.0, factor, 1.0])
    assert fit.coef == pytest.approx(expected, rel=1e-12)
    fit.verify(X, 1e-8 * problem.y)


def test_order_of_the_rows_does_not_matter(backend):
    problem = problems.alternating(700, 5, rng=6)
    order = np.random.default_rng(0).permutation(700)
    fit = chebyshev_fit(problem.X, problem.y, backend=backend)
    other = chebyshev_fit(problem.X[order], problem.y[order], backend=backend)
    assert other.coef == pytest.approx(fit.coef, rel=1e-13)
    assert other.dual == pytest.approx(fit.dual[order], abs=1e-13)


def test_any_number_of_threads_gives_the_same_bits():
    rng = np.random.default_rng(7)
    X = rng.standard_normal((90_000, 13))
    y = X.sum(axis=1) + rng.uniform(-1, 1, len(X))
    one = chebyshev_fit(X, y, threads=1)
    two = chebyshev_fit(X, y, threads=3)
    assert one.coef.tobytes() == two.coef.tobytes()
    assert one.dual.tobytes() == two.dual.tobytes()
    assert one.iterations > 1  # rows came in that were not in the first working set
    one.verify(X, y)


# Special shapes


@pytest.mark.filterwarnings("ignore::minimand.RankWarning")
def test_mid_range(backend):
    fit = chebyshev_fit(np.ones((4, 1)), [1.0, 5.0, 2.0, 4.0], backend=backend)
    assert (fit.intercept, fit.objective, fit.unique) == (3.0, 2.0, True)
    assert fit.aliased == (0,)
    fit.verify(np.ones((4, 1)), [1.0, 5.0, 2.0, 4.0])


@pytest.mark.filterwarnings("ignore::minimand.RankWarning")
def test_a_column_of_zeros(backend):
    fit = chebyshev_fit(np.zeros((3, 1)), [1.0, -5.0, 2.0], intercept=False, backend=backend)
    assert (fit.coef[0], fit.objective) == (0.0, 5.0)
    fit.verify(np.zeros((3, 1)), [1.0, -5.0, 2.0])


def test_dependent_columns_are_named(backend):
    problem = problems.stackloss()
    X = np.column_stack([problem.X, problem.X[:, 1], problem.X[:, 0] + problem.X[:, 2]])
    with pytest.warns(RankWarning, match="3 of 5 columns of X are independent; column 3, column 4"):
        fit = chebyshev_fit(X, problem.y, backend=backend)
    assert fit.aliased == (3, 4)
    assert fit.coef == pytest.approx(np.append(problem.coef, [0.0, 0.0]), rel=1e-11)
    fit.verify(X, problem.y)


def test_exact_fit(backend):
    X = np.arange(12.0).reshape(6, 2) ** 2
    y = X @ [1.0, -3.0] + 7.0
    fit = chebyshev_fit(X, y, backend=backend)
    assert fit.status is Status.EXACT_FIT
    assert (fit.log_likelihood, fit.noise_scale) == (np.inf, 0.0)
    assert fit.coef == pytest.approx([1.0, -3.0], rel=1e-9)
    assert all(certificate.holds for certificate in fit.certificates)
    fit.verify(X, y)


def test_fewer_rows_than_columns(backend):
    X = np.random.default_rng(0).standard_normal((3, 5))
    with pytest.warns(RankWarning):
        fit = chebyshev_fit(X, [1.0, 2.0, 4.0], backend=backend)
    assert fit.status is Status.EXACT_FIT
    assert len(fit.aliased) == 3
    fit.verify(X, [1.0, 2.0, 4.0])


def test_one_row(backend):
    with pytest.warns(RankWarning):
        fit = chebyshev_fit([[2.0]], [3.0], backend=backend)
    assert (fit.status, fit.intercept) == (Status.EXACT_FIT, 3.0)


def test_bad_conditioning(backend):
    """Monomials: condition 1e9, and the optimum is that of Chebyshev's polynomial."""
    problem = problems.chebyshev_polynomial(12)
    t = np.cos(np.pi * np.arange(13) / 12)
    X = (t[:, None] + 1.0) ** np.arange(1, 12)
    fit = chebyshev_fit(X, problem.y, backend=backend)
    assert fit.objective == pytest.approx(problem.objective, abs=4 * rounding(fit, X, problem.y))
    fit.verify(X, problem.y)


# Limits


def test_lower_bounds_hold_from_the_first_pass(backend):
    rng = np.random.default_rng(8)
    X = rng.standard_normal((20_000, 10))
    y = rng.uniform(-1, 1, len(X))
    full = chebyshev_fit(X, y, backend=backend)
    bounds = [record["lower_bound"] for record in full.history]
    assert len(bounds) > 1
    assert (np.diff(bounds) >= -1e-12).all()
    assert max(bounds) <= full.objective * (1 + 1e-12)
    with pytest.warns(ConvergenceWarning, match="raise max_iterations"):
        part = chebyshev_fit(X, y, max_iterations=1, backend=backend)
    assert part.status is Status.MAX_ITERATIONS
    assert 0 < part.lower_bound < full.objective < part.objective
    assert not part.certificates[0].holds
    loose = chebyshev_fit(X, y, tol=0.5, backend=backend)
    assert loose.status.ok
    assert loose.iterations < full.iterations


def test_highs_agrees():
    """The way out when exchanges break down, called directly."""
    problem = problems.alternating(900, 6, rng=9)
    design = make_design(
        problem.X, problem.y, weights=None, intercept=True, threads=1, backend="cpp"
    )
    rows = exchange.Rows(design, kernels("linear_models", "cpp"), 1)
    nothing = exchange.Fit(rows.start, np.inf, 0.0, np.empty(0, np.int64), np.empty(0))
    fit = exchange.finish(rows, highs.minimax(rows, nothing, 1e-12))
    assert fit.largest == pytest.approx(problem.objective, rel=1e-12)
    assert fit.lower_bound == pytest.approx(problem.objective, rel=1e-12)


def test_breakdown_is_handled(backend, monkeypatch):
    """Whatever the exchange says, what is returned is certified."""
    problem = problems.alternating(900, 6, rng=10)
    module = kernels("linear_models", backend)
    monkeypatch.setattr(module, "chebyshev_exchange", lambda *_arguments: 2)
    fit = chebyshev_fit(problem.X, problem.y, backend=backend)
    assert fit.status.ok
    assert fit.objective == pytest.approx(problem.objective, rel=1e-12)
    fit.verify(problem.X, problem.y)


# A known half-width


def test_intervals_of_a_box(backend):
    problem, ends = problems.strip(4, half_width=3.0)
    fit = chebyshev_fit(
        problem.X, problem.y, intercept=False, half_width=3.0, intervals=True, backend=backend
    )
    assert fit.status.ok
    assert fit.unique is False
    assert fit.slack == pytest.approx(3.0 - problem.objective)
    assert fit.intervals == pytest.approx(ends, rel=1e-12)
    assert fit.log_likelihood == pytest.approx(-8 * np.log(6.0))
    assert fit.noise_scale == 3.0
    fit.verify(problem.X, problem.y)


@pytest.mark.parametrize("factor", [1.0, 1.01, 3.0])
def test_intervals_contain_every_possible_fit(factor, backend):
    problem = problems.stackloss()
    a = factor * chebyshev_fit(problem.X, problem.y).objective
    fit = chebyshev_fit(problem.X, problem.y, half_width=a, intervals=True, backend=backend)
    low, high = fit.intervals.T
    A = np.hstack([problem.X, np.ones((21, 1))])
    for j in range(4):
        for sign in (1.0, -1.0):
            found = linprog(
                sign * np.eye(4)[j],
                A_ub=np.vstack([A, -A]),
                b_ub=np.concatenate([problem.y + a, a - problem.y]),
                bounds=(None, None),
            )
            end = low[j] if sign > 0 else high[j]
            assert sign * found.fun == pytest.approx(end, rel=1e-5, abs=1e-5)
    if factor == 1.0:
        assert low == pytest.approx(np.append(problem.coef, problem.constant), rel=1e-9)
        assert high == pytest.approx(low, rel=1e-9)
    fit.verify(problem.X, problem.y)


def test_infeasible_half_width(backend):
    problem = problems.stackloss()
    with pytest.warns(ConvergenceWarning, match="every fit has a residual of at least 4.74362"):
        fit = chebyshev_fit(problem.X, problem.y, half_width=4.7, intervals=True, backend=backend)
    assert fit.status is Status.INFEASIBLE
    assert fit.slack < 0
    assert fit.log_likelihood == -np.inf
    assert fit.intervals is None
    assert fit.dual @ problem.y > 4.7
    assert fit.dual @ problem.X == pytest.approx(0.0, abs=1e-12)
    fit.verify(problem.X, problem.y)


@pytest.mark.filterwarnings("ignore::minimand.RankWarning")
def test_intervals_of_dependent_columns(backend):
    problem = problems.stackloss()
    X = np.column_stack([problem.X[:, 0], problem.X])
    fit = chebyshev_fit(X, problem.y, half_width=5.0, intervals=True, backend=backend)
    plain = chebyshev_fit(problem.X, problem.y, half_width=5.0, intervals=True, backend=backend)
    assert np.array_equal(fit.intervals[1], [0.0, 0.0])
    assert fit.intervals[[0, 2, 3, 4]] == pytest.approx(plain.intervals, rel=1e-9)
    fit.verify(X, problem.y)


@pytest.mark.filterwarnings("ignore::minimand.RankWarning")
@pytest.mark.parametrize("columns", [1, 2])
def test_intervals_of_exact_fits_and_of_a_constant(backend, columns):
    X = np.arange(4.0)[:, None] ** np.arange(1, columns + 1)
    fit = chebyshev_fit(X, X.sum(axis=1), half_width=1.0, intervals=True, backend=backend)
    assert fit.status.ok
    assert (fit.intervals[:, 0] < 1.0).all()
    assert fit.intervals[-1] == pytest.approx([-fit.intervals[-1, 1], fit.intervals[-1, 1]])
    fit.verify(X, X.sum(axis=1))
    y = [1.0, 2.0, 5.0]
    fit = chebyshev_fit(np.ones((3, 1)), y, half_width=2.5, intervals=True, backend=backend)
    assert fit.intervals == pytest.approx(np.array([[0.0, 0.0], [2.5, 3.5]]))
    fit.verify(np.ones((3, 1)), y)


def test_intervals_that_cannot_be_had_are_announced(backend, monkeypatch):
    monkeypatch.setattr("scipy.optimize.linprog", lambda *_a, **_o: type("", (), {"x": None})())
    problem = problems.stackloss()
    with pytest.warns(ConvergenceWarning, match="HiGHS could not solve") as caught:
        fit = chebyshev_fit(problem.X, problem.y, half_width=6.0, intervals=True, backend=backend)
    assert fit.status is Status.NOT_CERTIFIED
    assert fit.intervals is None
    assert caught[0].filename == __file__


def test_intervals_need_a_half_width():
    with pytest.raises(ValueError, match="intervals is True, expected a half_width"):
        chebyshev_fit([[1.0], [2.0], [4.0]], [1.0, 3.0, 2.0], intervals=True)


# Nobody can pass off another answer


def forgeries(fit):
    other = fit.dual.copy()
    row = fit.reference[0]
    other[row] *= 1 + 1e-9
    yield "dual balance", dataclasses.replace(fit, dual=other)
    yield "lower_bound is", dataclasses.replace(fit, lower_bound=fit.lower_bound * (1 + 1e-9))
    yield "objective is", dataclasses.replace(fit, coef=fit.coef * (1 + 1e-6))
    moved = dataclasses.replace(fit, intercept=fit.intercept + 1e-3 * fit.objective)
    yield "objective is", moved
    honest = dataclasses.replace(moved, objective=fit.objective * 1.001, noise_scale=fit.objective)
    yield "noise_scale is", honest
    yield "duality gap is", dataclasses.replace(fit, dual=-fit.dual, lower_bound=0.0, gap=1.0)
    yield "log_likelihood is", dataclasses.replace(fit, log_likelihood=fit.log_likelihood + 1.0)
    yield "not finite", dataclasses.replace(fit, coef=fit.coef * np.nan)


@pytest.mark.parametrize("number", range(8))
def test_forged_fits_do_not_verify(number):
    problem = problems.stackloss()
    fit = chebyshev_fit(problem.X, problem.y)
    says, forged = list(forgeries(fit))[number]
    with pytest.raises(CertificateError, match=says):
        forged.verify(problem.X, problem.y)


def test_forged_intervals_do_not_verify():
    problem = problems.stackloss()
    fit = chebyshev_fit(problem.X, problem.y, half_width=6.0, intervals=True)
    narrow = fit.intervals * 1.0
    narrow[1, 0] += 1e-6
    with pytest.raises(CertificateError, match="intervals is"):
        dataclasses.replace(fit, intervals=narrow).verify(problem.X, problem.y)
    duals = fit.interval_duals * 1.0
    duals[2, 0] *= 1.001
    with pytest.raises(CertificateError, match="interval balance is"):
        dataclasses.replace(fit, interval_duals=duals).verify(problem.X, problem.y)
    with pytest.raises(CertificateError, match="slack is"):
        dataclasses.replace(fit, slack=fit.slack * 1.01).verify(problem.X, problem.y)


def test_other_data_do_not_verify():
    problem = problems.stackloss()
    fit = chebyshev_fit(problem.X, problem.y)
    other = problem.y.copy()
    other[3] += 20.0
    with pytest.raises(CertificateError):
        fit.verify(problem.X, other)
    with pytest.raises(ValueError, match="y has 20 entries but X has 21 rows"):
        fit.verify(problem.X, problem.y[:-1])
    with pytest.raises(ValueError, match="X has 2 columns, expected 3"):
        fit.verify(problem.X[:, :2], problem.y)


# Problems


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: problems.chebyshev_polynomial(1), "degree is 1, expected at least 2"),
        (lambda: problems.alternating(3, 3), "m is 3, expected at least 5"),
        (lambda: problems.clustered_signs(5), "m is 5, expected at least 6"),
    ],
)
def test_bad_sizes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_names_of_columns():
    pandas = pytest.importorskip("pandas")
    problem = problems.stackloss()
    table = pandas.DataFrame(problem.X, columns=["air", "water", "acid"])
    fit = minimand.chebyshev_fit(table, problem.y)
    assert fit.feature_names == ("air", "water", "acid")
    fit.verify(table, problem.y)
