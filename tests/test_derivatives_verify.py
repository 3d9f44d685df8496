"""`verify` computes everything anew, and whoever changes a number is found out."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

import minimand
from minimand import CertificateError
from minimand.problems import derivatives as problems
from minimand.problems import functions

A = np.random.default_rng(0).standard_normal((4, 3))
SINES = lambda p: np.sin(p @ A.T)  # noqa: E731
ROSENBROCK = functions.rosenbrock(3)
POINT = [-1.2, 1.0, 0.5]
X = [1.0, 0.3, 4.0]


def cases():
    for method in ("central", "forward", "backward", "richardson", "complex", "cauchy"):
        yield f"derivative {method}", minimand.derivative, (np.sin, X), {"method": method}
    yield "derivative order 2", minimand.derivative, (np.sin, 1.0), {"order": 2}
    for order in (2, 3, 4, 5):
        options = {"order": order, "method": "richardson"}
        yield f"richardson order {order}", minimand.derivative, (np.sin, 1.0), options
    yield "cauchy order 6", minimand.derivative, (np.sin, 1.0), {"order": 6, "method": "cauchy"}
    bounds = {"bounds": (0.1, None)}
    yield "at a bound", minimand.derivative, (np.sqrt, 0.1), bounds
    yield "order 2 at a bound", minimand.derivative, (np.sqrt, 0.1), bounds | {"order": 2}
    yield "rigorous", minimand.derivative, (np.sin, X), {"derivative_bound": 1.0}
    for method in ("central", "forward", "backward", "richardson", "complex"):
        yield f"gradient {method}", minimand.gradient, (ROSENBROCK, POINT), {"method": method}
        yield f"jacobian {method}", minimand.jacobian, (SINES, X), {"method": method}
        options = {"grad": ROSENBROCK.grad, "method": method}
        yield f"hessian {method} of grad", minimand.hessian, (None, POINT), options
    yield "gradient auto", minimand.gradient, (ROSENBROCK, POINT), {"step": "auto"}
    yield "hessian", minimand.hessian, (ROSENBROCK, POINT), {}
    bounds = {"bounds": [(-1.2, 1), (0, 1), (None, None)]}
    yield "hessian at bounds", minimand.hessian, (ROSENBROCK, POINT), bounds


CASES = [pytest.param(*case[1:], id=case[0]) for case in cases()]
FIELDS = ("value", "error", "truncation", "rounding", "step", "x", "sides")


def tampered(result, name):
    """Return the result with the first entry of a field changed, by 1e-5 of it."""
    value = np.array(getattr(result, name))
    first = value.reshape(-1)[:1]
    first[...] = np.where(first == 0, 1, 0) if name == "sides" else first * (1 + 1e-5)
    new = value if isinstance(getattr(result, name), np.ndarray) else value.item()
    return dataclasses.replace(result, **{name: new})


@pytest.mark.parametrize(("call", "arguments", "options"), CASES)
def test_derivatives(call, arguments, options, backend):
    result = call(*arguments, **options, backend=backend)
    data = {"grad": options["grad"]} if "grad" in options else {}
    (certificate,) = result.verify(*arguments, **data)
    assert certificate.value <= 1.0
    for name in FIELDS:
        changed = tampered(result, name)
        if np.array_equal(getattr(changed, name), getattr(result, name)):
            continue
        if name == "truncation" and np.ravel(result.truncation)[0] == 0.0:
            continue
        with pytest.raises(CertificateError):
            changed.verify(*arguments, **data)
    assert pickle.loads(pickle.dumps(result)) == result


def test_errors_that_are_too_small_are_found():
    """Numbers that fit each other, but not f."""
    result = minimand.gradient(ROSENBROCK, POINT)
    small = dataclasses.replace(
        result,
        truncation=0.01 * result.truncation,
        rounding=0.01 * result.rounding,
        error=0.01 * result.error,
    )
    with pytest.raises(CertificateError, match="truncation"):
        small.verify(ROSENBROCK, POINT)


def test_another_function_is_found():
    result = minimand.gradient(ROSENBROCK, POINT)
    with pytest.raises(CertificateError):
        result.verify(lambda p: ROSENBROCK(p) + 1e-3 * p[..., 0], POINT)
    with pytest.raises(CertificateError, match="x is not the point"):
        result.verify(ROSENBROCK, [-1.2, 1.0, 0.5 + 1e-12])
    with pytest.raises(ValueError, match="x has shape"):
        result.verify(ROSENBROCK, [1.0])
    hessian = minimand.hessian(None, POINT, grad=ROSENBROCK.grad)
    with pytest.raises(ValueError, match="grad is None"):
        hessian.verify(ROSENBROCK, POINT)


def test_noise_that_was_given_is_allowed_for():
    f = problems.noisy(np.sin, 1e-5)
    for noise in (1e-5, "estimate"):
        result = minimand.derivative(f, [0.3, 1.0], noise=noise)
        result.verify(f, [0.3, 1.0])


@pytest.mark.parametrize("kind", ["minimum", "saddle", "maximum"])
def test_stationary_points(kind, backend):
    problem = functions.himmelblau()
    x = problem.stationary_points[problem.kinds.index(kind)]
    result = minimand.classify_stationary_point(problem, x, backend=backend)
    result.verify(problem, x)
    result.verify(problem, x, grad=problem.grad, hess=problem.hess)
    other = {"minimum": "saddle", "saddle": "undetermined", "maximum": "minimum"}[kind]
    with pytest.raises(CertificateError, match=f"kind is {other}, the intervals say {kind}"):
        dataclasses.replace(result, kind=other).verify(problem, x)
    for name in ("hessian", "eigenvalues", "intervals", "directions", "x"):
        changed = np.array(getattr(result, name))
        changed.reshape(-1)[0] += 1e-3 * max(1.0, abs(changed.reshape(-1)[0]))
        with pytest.raises(CertificateError):
            dataclasses.replace(result, **{name: changed}).verify(problem, x)
    for name in ("gradient", "fun"):
        changed = getattr(result, name) + 1e-3
        with pytest.raises(CertificateError):
            dataclasses.replace(result, **{name: changed}).verify(problem, x)
    narrow = np.column_stack([result.eigenvalues, result.eigenvalues])
    with pytest.raises(CertificateError, match="intervals are smaller"):
        dataclasses.replace(result, intervals=narrow).verify(problem, x)


def test_points_that_are_lower():
    f = lambda p: p[..., 0] ** 3  # noqa: E731
    result = minimand.classify_stationary_point(f, [0.0])
    result.verify(f, [0.0])
    with pytest.raises(CertificateError, match="f at lower_point is"):
        dataclasses.replace(result, lower_point=result.higher_point).verify(f, [0.0])


def test_models(backend):
    model = minimand.taylor_model(
        ROSENBROCK, POINT, 2, lipschitz_hessian=5000.0, radius=0.1, backend=backend
    )
    _, remainder = model.verify(ROSENBROCK, POINT)
    assert 0.0 < remainder.value <= 1.0
    for name in ("gradient", "hessian", "a"):
        changed = np.array(getattr(model, name))
        changed.reshape(-1)[0] *= 1 + 1e-4
        with pytest.raises(CertificateError):
            dataclasses.replace(model, **{name: changed}).verify(ROSENBROCK, POINT)
    for name, value in (("value", model.value + 1e-6), ("constant", 20.0)):
        with pytest.raises(CertificateError):
            dataclasses.replace(model, **{name: value}).verify(ROSENBROCK, POINT)


def test_models_of_one_variable(backend):
    model = minimand.taylor_model(np.exp, 0.5, 6, derivative_bound=10.0, backend=backend)
    model.verify(np.exp, 0.5)
    for k in range(7):
        coefficients = model.coefficients.copy()
        coefficients[k] *= 1 + 1e-3
        with pytest.raises(CertificateError):
            dataclasses.replace(model, coefficients=coefficients).verify(np.exp, 0.5)


def test_checks(backend):
    data = (ROSENBROCK, ROSENBROCK.grad, POINT)
    check = minimand.check_gradient(*data, backend=backend)
    check.verify(*data)
    for name in ("given", "numerical", "error", "relative", "x"):
        changed = np.array(getattr(check, name))
        changed[-1] = 1.1 * changed[-1] + 1e-3
        with pytest.raises(CertificateError):
            dataclasses.replace(check, **{name: changed}).verify(*data)
    with pytest.raises(CertificateError, match="the verdict is not that of the numbers"):
        dataclasses.replace(check, ok=False).verify(*data)
    wrong = minimand.check_gradient(ROSENBROCK, lambda p: 1.1 * ROSENBROCK.grad(p), POINT)
    with pytest.raises(CertificateError, match="wrong slopes is 3"):
        wrong.verify(ROSENBROCK, lambda p: 1.1 * ROSENBROCK.grad(p), POINT)
