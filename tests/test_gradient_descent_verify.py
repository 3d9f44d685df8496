"""Verification finds what was changed; rates and constants are what is known of them."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

import minimand
from minimand.problems import functions
from minimand.problems import gradient_descent as problems


def arrays(result):
    return [
        field.name
        for field in dataclasses.fields(result)
        if isinstance(getattr(result, field.name), np.ndarray)
    ]


def tampered(result):
    for name in arrays(result):
        value = getattr(result, name)
        for index in {0, value.size // 2, value.size - 1}:
            other = value.copy()
            other.reshape(-1)[index] += 0.1 * (1.0 + np.abs(value).max())
            yield name, dataclasses.replace(result, **{name: other})


@pytest.fixture(params=["none", "nesterov", "heavy_ball", "backtracking", "gram"])
def run(request):
    problem = problems.least_squares(300, 5)
    chosen = request.param
    options = {"momentum": chosen} if chosen in ("none", "nesterov", "heavy_ball") else {}
    if chosen == "backtracking":
        options["step"] = chosen
    method = "gram" if chosen == "gram" else "data"
    result = minimand.gradient_descent(
        problem.f, problem.x0, tol=1e-3, path=True, method=method, **options
    )
    return problem, result


def test_descent(run):
    problem, result = run
    result.verify(problem.f, problem.x0)
    for name, changed in tampered(result):
        with pytest.raises(minimand.CertificateError):
            assert changed.verify(problem.f, problem.x0), name


def test_refutation():
    f = functions.wavy_parabola()
    with pytest.warns(minimand.ConvergenceWarning, match=r"at least 3\.7"):
        result = minimand.gradient_descent(f, [3.0], grad=f.grad, lipschitz=3.0)
    result.verify(f, [3.0], grad=f.grad)
    for name, changed in tampered(result):
        if name != "violation":
            with pytest.raises(minimand.CertificateError):
                changed.verify(f, [3.0], grad=f.grad)
    false = dataclasses.replace(result, violation=np.array([result.x, result.x + 1e-3]))
    with pytest.raises(minimand.CertificateError):
        dataclasses.replace(false, lipschitz=20.0).verify(f, [3.0], grad=f.grad)


def test_other_data():
    problem, other = problems.least_squares(60, 5), problems.least_squares(60, 5, rng=1)
    result = minimand.gradient_descent(problem.f, problem.x0)
    with pytest.raises(minimand.CertificateError):
        result.verify(other.f, problem.x0)
    assert pickle.loads(pickle.dumps(result)) == result


def test_newton():
    f = functions.rosenbrock()
    result = minimand.newton(f, [-1.2, 1.0], grad=f.grad, hess=f.hess)
    for name, changed in tampered(result):
        with pytest.raises(minimand.CertificateError):
            assert changed.verify(f, [-1.2, 1.0], grad=f.grad, hess=f.hess), name


class TestRates:
    @pytest.mark.parametrize("name", problems.sequences())
    def test_known_sequences(self, name):
        errors, kind, number = problems.sequences()[name]
        rate = minimand.convergence_rate(errors)
        assert (rate.kind, rate.confidence) == (kind, "high")
        if kind == "sublinear":
            assert rate.exponent == pytest.approx(number, abs=0.02)
        elif kind == "linear":
            assert rate.ratio == pytest.approx(number, abs=1e-3)
        else:
            assert rate.order == pytest.approx(number, abs=0.05)

    @pytest.mark.parametrize("factor", [1e-200, 1e200])
    def test_units_do_not_matter(self, factor):
        for errors, kind, _ in problems.sequences().values():
            assert minimand.convergence_rate(
                factor * errors, floor=0.0 if factor > 1 else None
            ).kind in (
                kind,
                "too_short",
            )

    @pytest.mark.parametrize(
        "errors", [[1.0], [1.0, 0.5], [0.0] * 9, [1.0] * 9, [1.0, 0.0, 0.0, 0.0]]
    )
    def test_too_short(self, errors):
        assert minimand.convergence_rate(errors).kind == "too_short"

    def test_negative(self):
        with pytest.raises(ValueError, match=r"errors has -1\.0 at entry 1"):
            minimand.convergence_rate([1.0, -1.0])

    def test_descent_on_logistic_loss_is_linear(self):
        problem = problems.logistic(500, 5, condition=10.0, l2=0.1)
        result = minimand.gradient_descent(problem.f, problem.x0, tol=1e-9)
        best = 1.0 - result.strong_convexity / result.lipschitz
        assert result.rate.kind == "linear"
        assert 0.0 < result.rate.ratio <= best


class TestConstants:
    @pytest.mark.parametrize("seed", range(20))
    def test_exact_for_objectives(self, seed, backend):
        rng = np.random.default_rng(seed)
        A = rng.standard_normal((rng.integers(1, 30), rng.integers(1, 30)))
        y = rng.standard_normal(len(A))
        for f in (
            minimand.LeastSquares(A, y, l2=0.5, mean=bool(seed % 2)),
            minimand.Logistic(A, y > 0, l2=0.1),
            minimand.Quadratic(A.T @ A - np.eye(A.shape[1])),
        ):
            found = minimand.gradient_lipschitz_constant(f, backend=backend)
            top = np.abs(np.linalg.eigvalsh(f.hess(np.zeros(f.dimension)))).max()
            assert found.exact
            assert found.lower <= top * (1 + 1e-14)
            assert found.value == pytest.approx(top, rel=1e-10)
            found.verify(f)

    def test_gram_iteration_brackets(self, monkeypatch):
        from minimand.gradient_descent import spectrum

        monkeypatch.setattr(spectrum, "DENSE", 3)
        G = np.cov(np.random.default_rng(0).standard_normal((8, 40)))
        _, low, high, exact = spectrum.bracket(G)
        top = np.linalg.eigvalsh(G)[-1]
        assert not exact
        assert low <= top * (1 + 1e-14) <= high * (1 + 2e-14)
        assert high / low <= 8 ** (1 / 64) * 1.001

    @pytest.mark.parametrize("make", [functions.himmelblau, functions.mccormick])
    def test_certified_between_samples_and_truth(self, make):
        f = make()
        M = minimand.lipschitz_constant(
            f, f.bounds, grad=f.grad, gradient_lipschitz=f.gradient_lipschitz
        )
        assert M.certified
        assert M.method == "cells"
        assert M.lower <= f.lipschitz
        assert M.value >= 0.99 * f.lipschitz
        M.verify(f, f.bounds, grad=f.grad)
        L = minimand.gradient_lipschitz_constant(
            f, f.bounds, hess=f.hess, hessian_lipschitz=f.hessian_lipschitz
        )
        assert L.lower <= f.gradient_lipschitz * 1.001 <= L.value * 1.02
        L.verify(f, f.bounds, hess=f.hess)

    def test_samples_are_labelled(self):
        f = functions.himmelblau()
        found = minimand.gradient_lipschitz_constant(f, f.bounds, hess=f.hess)
        assert (found.method, found.certified, found.exact) == ("sampled", False, False)
        assert found.upper == np.inf
        assert found.value == found.lower <= f.gradient_lipschitz

    def test_vertices(self):
        f = minimand.Quadratic(np.diag([1.0, 2.0]), [1.0, 0.0])
        found = minimand.lipschitz_constant(f, [[-1.0, 3.0], [-1.0, 1.0]])
        assert found.exact
        assert float(found) == pytest.approx(np.hypot(4.0, 2.0))

    @pytest.mark.parametrize(
        ("bounds", "message"),
        [
            (None, "bounds is None"),
            ([0.0, 1.0], "expected"),
            ([[1.0, 0.0]], "low end above"),
            ([[0.0, np.nan]], "NaN"),
            ([[0.0, np.inf]], "infinite"),
            (np.empty((0, 2)), "bounds"),
        ],
    )
    def test_bad_boxes(self, bounds, message):
        with pytest.raises(ValueError, match=message):
            minimand.lipschitz_constant(np.sum, bounds)

    def test_wrong_constant_does_not_verify(self):
        f = problems.least_squares(60, 5).f
        found = minimand.gradient_lipschitz_constant(f)
        with pytest.raises(minimand.CertificateError):
            dataclasses.replace(found, value=0.5 * found.value).verify(f)
