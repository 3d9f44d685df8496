"""Maximum likelihood: every model of the noise, with all constants of its log-likelihood."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import minimand
from minimand import CertificateError, Status, maximum_likelihood
from minimand.problems.least_squares import nist
from minimand.problems.linear_models import chebyshev as problems

BACKENDS = ("cpp", "numpy")
LINE = np.arange(6.0)[:, None], np.array([0.0, 1.5, 1.0, 4.0, 3.0, 6.0])


def needs(module):
    """Skip where the solver of another model is not there."""
    found = importlib.util.find_spec(f"minimand.linear_models.{module}")
    return pytest.mark.skipif(found is None, reason=f"linear_models.{module} is not there")


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


def test_gaussian_is_lstsq(backend):
    X, y = LINE
    fit = maximum_likelihood(X, y, backend=backend)
    plain = minimand.lstsq(X, y, intercept=True, backend=backend)
    assert isinstance(fit, minimand.LeastSquaresResult)
    assert np.array_equal(fit.coef, plain.coef)
    assert fit.intercept == plain.intercept
    assert fit.certificates == plain.certificates
    residual = y - fit.predict(X)
    assert fit.noise_scale == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-13)
    expected = stats.norm.logpdf(residual, scale=fit.noise_scale).sum()
    assert fit.log_likelihood == pytest.approx(expected, rel=1e-13)
    assert fit.objective == pytest.approx(np.sum(residual**2), rel=1e-13)
    fit.verify(X, y)


def test_gaussian_longley(backend):
    """sigma^2 = RSS/16, from NIST's certified residual standard deviation with 9 degrees left."""
    problem = nist("Longley")
    fit = maximum_likelihood(problem.X[:, 1:], problem.y, backend=backend)
    assert fit.noise_scale**2 == pytest.approx(problem.residual_sd**2 * 9 / 16, rel=1e-10)
    assert fit.noise_scale**2 == pytest.approx(52276.5034691, rel=1e-11)
    assert fit.log_likelihood == pytest.approx(-109.617434809, rel=1e-11)
    fit.verify(problem.X[:, 1:], problem.y)


def test_weights_are_repetitions(backend):
    X, y = LINE
    counts = np.array([1, 0, 3, 2, 1, 2])
    weighted = maximum_likelihood(X, y, weights=counts, backend=backend)
    repeated = maximum_likelihood(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    assert weighted.noise_scale == pytest.approx(repeated.noise_scale, rel=1e-13)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-13)
    weighted.verify(X, y, counts)


def test_uniform_is_chebyshev(backend):
    problem = problems.stackloss()
    fit = maximum_likelihood(problem.X, problem.y, noise="uniform", backend=backend)
    assert isinstance(fit, minimand.ChebyshevResult)
    assert fit.noise_scale == fit.objective == pytest.approx(problem.objective, rel=1e-13)
    assert fit.log_likelihood == pytest.approx(-21 * math.log(2 * problem.objective), rel=1e-13)
    flat = maximum_likelihood(problem.X, problem.y, noise="uniform", half_width=10.0)
    assert flat.log_likelihood == pytest.approx(-21 * math.log(20.0))


def test_options_reach_the_solver(backend):
    X, y = LINE
    fit = maximum_likelihood(X, y, intercept=False, refine="extended", backend=backend)
    assert not fit.has_intercept
    assert fit.coef == pytest.approx([X[:, 0] @ y / (X[:, 0] @ X[:, 0])], rel=1e-14)
    with pytest.raises(TypeError, match="half_width"):
        maximum_likelihood(X, y, half_width=1.0)
    with pytest.raises(ValueError, match="ridge has no place in a likelihood"):
        maximum_likelihood(X, y, ridge=1.0)


@pytest.mark.parametrize("noise", ["gaussian", "uniform"])
def test_exact_fit_has_infinite_likelihood(noise, backend):
    X = np.arange(10.0).reshape(5, 2) ** 2
    y = X @ [3.0, -1.0] + 0.5
    fit = maximum_likelihood(X, y, noise=noise, backend=backend)
    assert fit.status is Status.EXACT_FIT
    assert (fit.noise_scale, fit.log_likelihood) == (0.0, np.inf)
    fit.verify(X, y)


def test_forged_likelihood_does_not_verify():
    X, y = LINE
    fit = maximum_likelihood(X, y)
    with pytest.raises(CertificateError, match="log_likelihood is"):
        dataclasses.replace(fit, log_likelihood=fit.log_likelihood + 1e-3).verify(X, y)
    with pytest.raises(CertificateError, match="noise_scale is"):
        dataclasses.replace(fit, noise_scale=fit.noise_scale * 1.001).verify(X, y)
    with pytest.raises(CertificateError):
        dataclasses.replace(fit, coef=fit.coef * 1.001).verify(X, y)


def test_the_right_noise_is_the_likeliest():
    """Where the noise is uniform, the uniform model has the larger likelihood, and vice versa."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((400, 2))
    for draw, best in [(rng.uniform(-1, 1, 400), "uniform"), (rng.normal(size=400), "gaussian")]:
        y = X @ [1.0, 2.0] + draw
        found = {
            noise: maximum_likelihood(X, y, noise=noise).log_likelihood
            for noise in ("gaussian", "uniform")
        }
        assert max(found, key=found.get) == best


def test_unknown_noise():
    with pytest.raises(ValueError, match="did you mean 'laplace'"):
        maximum_likelihood(*LINE, noise="laplas")


def test_one_target_only():
    with pytest.raises(ValueError, match="y has shape"):
        maximum_likelihood(LINE[0], np.column_stack([LINE[1], LINE[1]]))


@needs("quantile")
def test_laplace_is_least_absolute_deviations(backend):
    problem = problems.stackloss()
    fit = maximum_likelihood(problem.X, problem.y, noise="laplace", backend=backend)
    assert fit.coef == pytest.approx([287 / 345, 66 / 115, -7 / 115], rel=1e-10)
    assert fit.log_likelihood == pytest.approx(-50.1527221366, rel=1e-11)
    fit.verify(problem.X, problem.y)


@needs("logistic")
def test_logistic(backend):
    X, y = LINE[0], np.array([0.0, 0.0, 1.0, 0.0, 1.0, 1.0])
    fit = maximum_likelihood(X, y, noise="logistic", backend=backend)
    mean = 1 / (1 + np.exp(-fit.linear_predictor(X)))
    assert fit.log_likelihood == pytest.approx(stats.bernoulli.logpmf(y, mean).sum(), rel=1e-10)
    fit.verify(X, y)


@needs("poisson")
def test_poisson(backend):
    X, y = LINE[0], np.array([0.0, 2.0, 1.0, 4.0, 3.0, 9.0])
    fit = maximum_likelihood(X, y, noise="poisson", backend=backend)
    mean = np.exp(fit.linear_predictor(X))
    assert fit.log_likelihood == pytest.approx(stats.poisson.logpmf(y, mean).sum(), rel=1e-10)
    fit.verify(X, y)


@pytest.mark.skipif("MINIMAND_DATA" not in os.environ, reason="needs MINIMAND_DATA")
def test_reference_values_are_those_of_the_data():
    reference = Path(os.environ["MINIMAND_DATA"]) / "regression_reference.json"
    truth = json.loads(reference.read_text())["chebyshev"]["stackloss"]
    assert problems.stackloss().objective == pytest.approx(float(truth["max_abs_residual"]))
