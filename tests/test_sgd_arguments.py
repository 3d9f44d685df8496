"""Bad arguments, runs that explode, data with no minimum; Ctrl-C, limits and fork."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from scipy import sparse

import minimand
from minimand import ConvergenceWarning, Schedule, Status
from minimand.problems import sgd as problems

X = np.random.default_rng(0).standard_normal((40, 3))
Y = X @ [1.0, -2.0, 0.5]
COUNTS = np.arange(40.0) % 5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": "logistic", "y": np.ones(40)}, "y has only the value 1, expected two classes"),
        ({"loss": "logistic", "y": np.zeros(40)}, "y has only the value 0"),
        ({"loss": "logistic", "y": COUNTS}, "y has 2.0 at entry 2, expected labels 0 and 1"),
        ({"loss": "logistic", "y": 2 * (COUNTS > 1)}, "y has 2.0 at entry 2, expected labels"),
        ({"loss": "softmax", "y": np.ones(40)}, "y has only the value 1, expected two classes"),
        ({"loss": "softmax", "y": COUNTS - 1}, "y has -1.0 at entry 0, expected classes 0, 1, 2"),
        ({"loss": "softmax", "y": COUNTS + 0.5}, "y has 0.5 at entry 0, expected classes"),
        ({"loss": "poisson", "y": COUNTS - 2}, "y has -2.0 at entry 0, expected counts >= 0"),
        ({"loss": "poisson", "y": np.zeros(40)}, "y has only zeros"),
        ({"loss": "absolute", "variance_reduction": "saga"}, "variance_reduction is 'saga'"),
        ({"variance_reduction": "svrg", "momentum": 0.5}, "variance_reduction is 'svrg'"),
        ({"momentum": 1.0}, "momentum is 1, expected 0 <= momentum < 1"),
        ({"nesterov": True}, "nesterov is True, expected False where momentum is 0"),
        ({"w0": [1.0]}, r"w0 has shape \(1,\), expected \(3,\)"),
        ({"w0": [1.0, np.nan, 0.0]}, "w0 has NaN at row 0, column 1"),
        ({"b0": [1.0]}, r"b0 has shape \(1,\), expected \(\)"),
        ({"b0": 1.0, "fit_intercept": False}, "b0 is given, expected None"),
        ({"X": X * 1e200}, "X has entries up to .*, whose squares overflow"),
        ({"y": Y * 1e200}, "y has entries up to .*, whose squares overflow"),
        ({"X": sparse.csr_array((40, 0))}, r"X has shape \(40, 0\)"),
        ({"X": sparse.csr_array(np.where(X > 1, np.inf, 0))}, "X has inf at row"),
        ({"sample_weight": np.zeros(40)}, "sample_weight has only zeros"),
        (
            {"loss": "logistic", "y": COUNTS > 1, "sample_weight": COUNTS > 1},
            "y has only the value 1 where sample_weight is positive",
        ),
        (
            {"loss": "softmax", "y": COUNTS, "sample_weight": COUNTS == 3},
            "y has only the value 3 where sample_weight is positive",
        ),
        (
            {"loss": "poisson", "y": COUNTS, "sample_weight": COUNTS == 0},
            "y has only zeros where sample_weight is positive",
        ),
        ({"loss": "poisson", "y": COUNTS, "w0": [1e4, 0.0, 0.0]}, "w0 and b0 give an infinite"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else None,
)
def test_bad_values(options, words, backend):
    arguments = {"X": X, "y": Y, **options}
    with pytest.raises(ValueError, match=words):
        minimand.sgd(arguments.pop("X"), arguments.pop("y"), backend=backend, **arguments)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schedule": "power"}, "schedule is 'power' of type str, expected a minimand.Schedule"),
        ({"callback": 3}, "callback is 3 of type int, expected a function"),
        ({"w0": ["a", "b", "c"]}, "w0 has dtype <U1"),
        ({"rng": "seed"}, "rng is 'seed'"),
    ],
)
def test_bad_types(options, words):
    with pytest.raises(TypeError, match=words):
        minimand.sgd(X, Y, **options)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Schedule.power(0.5), "exponent is 0.5, expected 1/2 < exponent <= 1"),
        (lambda: Schedule.power(1.1), "exponent is 1.1"),
        (lambda: Schedule.step(1.0, every=2), "factor is 1, expected 0 < factor < 1"),
        (lambda: Schedule.inverse_time(0.0), "decay is 0"),
        (lambda: Schedule.inverse_time(1.0, hold=-1), "hold is -1"),
        (lambda: Schedule("cosine"), "kind is 'cosine', expected one of 'constant'"),
    ],
)
def test_bad_schedules(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_schedules_are_their_formulas():
    t = np.arange(1.0, 9.0)
    assert (Schedule.constant().factors(1, 8) == 1.0).all()
    assert np.array_equal(Schedule.inverse_time(0.3).factors(1, 8), 1 / (1 + 0.3 * t))
    assert np.array_equal(Schedule.power(0.7).factors(3, 6), t[2:] ** -0.7)
    assert np.array_equal(Schedule.step(0.5, every=3).factors(1, 8), 0.5 ** np.floor(t / 3))
    per_epoch = Schedule.power(1.0, per="epoch").factors(1, 6, per_epoch=2)
    assert np.array_equal(per_epoch, 1.0 / np.array([1, 1, 2, 2, 3, 3]))
    held = Schedule.inverse_time(0.5, hold=4).factors(1, 8)
    assert (held[:4] == held[0]).all()
    assert (np.diff(held[3:]) < 0).all()
    kinds = Schedule.constant(), Schedule.power(), Schedule.step(0.5, every=2)
    assert [s.sum_is_infinite for s in kinds] == [True, True, False]
    assert [s.squares_are_summable for s in kinds] == [False, True, True]


# Runs that explode, data with no minimum


@pytest.mark.parametrize("loss", ["squared", "poisson"])
@pytest.mark.parametrize("options", [{}, {"l1": 0.1}, {"batch_size": 1}, {"momentum": 0.9}])
def test_an_exploding_run_ends_with_the_last_finite_weights(loss, options, backend):
    y = COUNTS if loss == "poisson" else Y
    options = {"loss": loss, "lr": 50.0, "epochs": 200, "backend": backend, "rng": 0, **options}
    with pytest.warns(ConvergenceWarning, match="grew beyond all bounds .* lr = 50 is too large"):
        fit = minimand.sgd(X, y, **options)
    assert fit.status is Status.DIVERGED
    assert fit.epochs < 200
    assert np.isfinite(fit.coef).all()
    assert np.isfinite(fit.intercept)
    fit.verify(X, y)


@pytest.mark.parametrize("options", [{}, {"l2": 0.1}, {"l1": 0.1}, {"averaging": True}])
def test_a_last_step_too_far_is_taken_back(options, backend):
    """One step with all rows: the losses that it met were finite, those after it are not."""
    options = {"loss": "poisson", "lr": 1e4, "epochs": 1, "batch_size": 40, **options}
    with pytest.warns(ConvergenceWarning, match="grew beyond all bounds"):
        fit = minimand.sgd(X, COUNTS, backend=backend, **options)
    assert fit.status is Status.DIVERGED
    assert fit.epochs == 0
    assert not fit.coef.any()
    assert np.isfinite(fit.fun)
    fit.verify(X, COUNTS)


@pytest.mark.parametrize("loss", ["logistic", "softmax"])
@pytest.mark.parametrize("penalty", [{"l2": 1e-4}, {"l1": 0.01}, {"l2": 0.01, "l1": 0.01}])
def test_bounds_far_from_the_minimum_verify(loss, penalty, backend):
    """Margins of thousands: the best constant term is far from the one of the answer."""
    y = COUNTS > 1 if loss == "logistic" else COUNTS % 3
    fit = minimand.sgd(30 * X, y, loss=loss, lr=5.0, epochs=1, rng=0, backend=backend, **penalty)
    assert np.isfinite(fit.gap)
    fit.verify(30 * X, y)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e-30, 1e30, 1e70])
@pytest.mark.parametrize("loss", ["squared", "logistic", "absolute", "poisson", "softmax"])
def test_units_of_columns_are_no_trouble(loss, size, backend):
    y = {"logistic": COUNTS > 1, "softmax": COUNTS % 3, "poisson": COUNTS}.get(loss, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = minimand.sgd(X * size, y, loss=loss, l2=1e-3, epochs=3, rng=0, backend=backend)
    assert np.isfinite(fit.coef).all()
    assert np.isfinite(fit.gap)
    fit.verify(X * size, y)


def test_separable_classes_are_noted():
    y = (X[:, 0] > 0).astype(float)
    fit = minimand.sgd(X, y, loss="logistic", epochs=200, lr=1.0, rng=0)
    assert "separates" in fit.notes[0]
    assert fit.gap == np.inf
    assert minimand.sgd(X, y, loss="logistic", epochs=200, lr=1.0, l2=0.1, rng=0).notes == ()


def test_large_batches_are_all_rows():
    assert minimand.sgd(X, Y, batch_size=41, rng=0).batch_size == 40


def test_huge_columns_give_a_warning_and_a_valid_bound():
    scaled = X * [1e8, 1.0, 1.0]
    with pytest.warns(minimand.ConditionWarning, match="standardise"):
        fit = minimand.sgd(scaled, Y, l2=1e-3, rng=0)
    assert np.isfinite(fit.fun)
    fit.verify(scaled, Y)


def test_one_row(backend):
    fit = minimand.sgd([[2.0, 1.0]], [3.0], epochs=50, backend=backend)
    assert fit.predict([[2.0, 1.0]]) == pytest.approx([3.0])


def test_no_features_without_a_constant(backend):
    fit = minimand.sgd(np.zeros((5, 2)), np.arange(5.0), fit_intercept=False, backend=backend)
    assert not fit.coef.any()
    assert fit.gap == 0.0


def test_a_gap_that_is_not_reached_says_what_to_turn():
    with pytest.warns(ConvergenceWarning, match="raise epochs"):
        fit = minimand.sgd(X, COUNTS, epochs=2, tol_gap=1e-12, rng=0)
    assert fit.status is Status.MAX_ITERATIONS
    assert not fit.certificates[0].holds


# Limits, callbacks, interruptions


def test_a_callback_sees_every_epoch_and_may_stop():
    seen = []

    def stop_at_three(now):
        seen.append((now.epoch, now.iterations, now.rate))
        assert not now.coef.flags.writeable
        if now.epoch == 3:
            raise StopIteration

    fit = minimand.sgd(X, Y, callback=stop_at_three, batch_size=10, rng=0)
    assert fit.status is Status.STOPPED_BY_CALLBACK
    assert [epoch for epoch, *_ in seen] == [1, 2, 3]
    assert seen[-1][1] == 12
    assert fit.epochs == 3


def test_time_limit_keeps_what_was_done():
    problem = problems.regression(200_000, 10)
    fit = minimand.sgd(problem.X, problem.y, epochs=100_000, time_limit=0.2, rng=0)
    assert fit.status is Status.TIME_LIMIT
    assert 0 < fit.epochs < 100_000
    assert fit.fun < 1.1 * problem.fun
    fit.verify(problem.X, problem.y)


def test_history_has_losses_and_rates():
    fit = minimand.sgd(X, Y, epochs=7, schedule=Schedule.power(per="epoch"), rng=0, tol_gap=1.0)
    assert {"running_loss", "rate"} <= fit.history[0].keys()
    assert fit.history[-1]["iteration"] == fit.iterations


INTERRUPT = """
import os, signal
import numpy as np
import minimand
rng = np.random.default_rng(0)
X, y = rng.standard_normal((100_000, 8)), rng.standard_normal(100_000)
pressed = []
def press(_now):
    if not pressed:
        pressed.append(True)
        os.kill(os.getpid(), signal.SIGINT)
fit = minimand.sgd(X, y, epochs=100_000, callback=press)
fit.verify(X, y)
print(fit.status.name, fit.epochs < 100)
"""

FORK = """
import os
import numpy as np
import minimand
rng = np.random.default_rng(0)
X, y = rng.standard_normal((60_000, 60)), rng.standard_normal(60_000)
fit = lambda: minimand.sgd(X, y, batch_size=60_000, epochs=3, threads=2)
fit()
child = os.fork()
if child == 0:
    fit()
    os._exit(0)
print("works" if os.waitpid(child, 0)[1] == 0 else "fails")
"""


def test_ctrl_c_returns_what_was_found(run_python):
    assert run_python(INTERRUPT).split() == ["INTERRUPTED", "True"]


@pytest.mark.skipif(not hasattr(sys.modules["os"], "fork"), reason="no fork here")
def test_fork_after_use(run_python):
    assert run_python(FORK).split() == ["works"]


def test_no_warning_where_nothing_is_wrong():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        minimand.sgd(X, Y, rng=0)
