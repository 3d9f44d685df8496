"""Bad input of the global search: errors name what came and what was expected."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minimand import minimize_lipschitz
from minimand.global_search import Quadratic
from minimand.problems import functions


def wave(x):
    return np.sin(x)


def bowl(p):
    return np.sum(p * p, axis=-1)


BOX = [(-1, 1), (-1, 2)]


@pytest.mark.parametrize(
    ("bounds", "error", "words"),
    [
        ((1, 1), ValueError, r"bounds has a low end that is not below .* \(1.0, 1.0\).*a < b"),
        ((2, 1), ValueError, r"bounds has a low end that is not below"),
        ([(0, 1), (2, 1)], ValueError, r"bounds has .* at entry 1 \(2.0, 1.0\), expected a <= b"),
        ([], ValueError, r"bounds has shape \(0,\)"),
        (3.0, ValueError, r"bounds has shape \(\), expected a pair"),
        ([(0, 1, 2)], ValueError, r"bounds has shape \(1, 3\)"),
        ((0, math.inf), ValueError, "bounds has a number that is not finite at entry 0"),
        ((math.nan, 1), ValueError, "bounds has a number that is not finite"),
        ((-1.7e308, 1.7e308), ValueError, "bounds has a width beyond"),
        ((0, 1j), TypeError, "bounds has dtype complex128"),
        ("ab", TypeError, "bounds has dtype <U2"),
        (None, TypeError, "bounds is None"),
        ([(0, 1)] * 31, ValueError, "bounds has 31 pairs, expected at most 30"),
    ],
)
def test_bounds(bounds, error, words, backend):
    with pytest.raises(error, match=words):
        minimize_lipschitz(wave, bounds, lipschitz=1, backend=backend)


@pytest.mark.parametrize("name", ["lipschitz", "gradient_lipschitz"])
@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf])
def test_constants_are_positive(name, value, backend):
    with pytest.raises(ValueError, match=f"{name} is {float(value)}, expected a finite number > 0"):
        minimize_lipschitz(wave, (0, 1), backend=backend, **{name: value})


@pytest.mark.parametrize("value", ["1", True, 1j])
def test_constants_are_numbers(value):
    with pytest.raises(TypeError, match="lipschitz is"):
        minimize_lipschitz(wave, (0, 1), lipschitz=value)


@pytest.mark.parametrize(
    "value", [[1.0], [1.0, 0.0], [1.0, math.nan], [1.0, 2.0, 3.0], [[1.0, 2.0]]]
)
def test_bounds_of_partial_derivatives(value):
    with pytest.raises(ValueError, match=r"lipschitz is .* or 2 of them"):
        minimize_lipschitz(bowl, BOX, lipschitz=value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "piyavskii"}, "which needs lipschitz or gradient_lipschitz"),
        ({"method": "branch_and_bound"}, "which needs lipschitz or gradient_lipschitz"),
        ({"method": "grid", "gradient_lipschitz": 2}, "method is 'grid', which needs lipschitz"),
        ({"method": "piyavskii", "lipschitz": 2}, "bounds has 2 variables, 2 of them not fixed"),
        ({"method": "nonsense"}, "method is 'nonsense', expected one of"),
        ({"hessian_lipschitz": 1.0}, "hessian is missing"),
        ({"hessian": bowl, "lipschitz": 1.0}, "hessian_lipschitz is missing"),
        ({"hessian": bowl, "hessian_lipschitz": 1.0}, "grad is None"),
        ({"lipschitz": 1.0, "tol": 0}, "tol is 0.0"),
        ({"lipschitz": 1.0, "tol": 1e-3, "f_error": 1e-3}, "expected more than 2 f_error"),
        ({"lipschitz": 1.0, "max_evaluations": 0}, "max_evaluations is 0"),
        ({"lipschitz": 1.0, "batch": 0}, "batch is 0"),
        ({"lipschitz": 1.0, "time_limit": -1.0}, "time_limit is -1"),
        ({"lipschitz": 1e6, "method": "grid"}, "takes .* points here, more than"),
    ],
)
def test_options(options, words, backend):
    with pytest.raises(ValueError, match=words):
        minimize_lipschitz(bowl, BOX, backend=backend, **options)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("method", ["piyavskii", "grid", "direct", "branch_and_bound"])
def test_values_must_be_finite(bad, method, backend):
    f = lambda x: np.where(np.abs(x - 0.5) < 0.2, bad, wave(x))  # noqa: E731
    with pytest.raises(ValueError, match=r"f is .* at x = .*, expected .*finite value"):
        minimize_lipschitz(f, (0, 2), lipschitz=1, method=method, backend=backend)


def test_derivatives_must_be_finite():
    with pytest.raises(ValueError, match=r"grad is .*nan.* at x"):
        minimize_lipschitz(wave, (-1, 1), gradient_lipschitz=1, grad=lambda x: x * math.nan)


@pytest.mark.parametrize("vectorized", [None, True, False])
def test_errors_of_f_go_through_with_a_note(vectorized, backend):
    def f(_x):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        minimize_lipschitz(f, (0, 1), lipschitz=1, vectorized=vectorized, backend=backend)
    assert "minimand called f with" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("f", "error", "words"),
    [
        (lambda p: p, ValueError, r"f returned shape \(2,\)"),
        (lambda p: 1j * p[..., 0], ValueError, "f returned complex values"),
        (lambda _p: "1", TypeError, "f returned dtype <U1"),
        (lambda _p: None, TypeError, "f returned dtype object"),
        (3.0, TypeError, "f is 3.0 of type float, expected a function"),
    ],
)
def test_what_f_returns(f, error, words, backend):
    with pytest.raises(error, match=words):
        minimize_lipschitz(f, BOX, lipschitz=1, backend=backend)


def test_shape_of_many_values():
    f = lambda p: np.sum(p * p)  # noqa: E731
    with pytest.raises(ValueError, match=r"expected \(1,\); pass vectorized=False"):
        minimize_lipschitz(f, BOX, lipschitz=4, vectorized=True)
    assert minimize_lipschitz(f, BOX, lipschitz=5, tol=0.1).certified  # by itself, it is tried


@pytest.mark.parametrize("given", ["grad", "hessian"])
def test_shapes_of_derivatives(given, backend):
    problem = functions.himmelblau()
    options = {"grad": problem.grad, "hessian": problem.hess, given: lambda p: p[..., 0]}
    with pytest.raises(ValueError, match=f"{given} returned"):
        minimize_lipschitz(
            problem.f, problem.bounds, hessian_lipschitz=121.0, backend=backend, **options
        )


def test_a_tolerance_below_rounding():
    with pytest.raises(ValueError, match="below the rounding of f; expected at least"):
        minimize_lipschitz(lambda x: 1e6 + wave(x), (0, 1), lipschitz=1, tol=1e-10)


def test_quadratic_functions():
    with pytest.raises(ValueError, match="Q is not symmetric"):
        Quadratic([[1.0, 2.0], [0.0, 1.0]])
    with pytest.raises(ValueError, match="p has 3 entries but Q has 2 rows"):
        Quadratic(np.eye(2), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"bounds has shape \(2,\), expected \(2, 2\) as Q has"):
        minimize_lipschitz(Quadratic(np.eye(2)), (0, 1))
