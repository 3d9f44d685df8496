"""Whoever changes a result is found out."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

import minimand
from minimand import CertificateError, MinimandWarning
from minimand._common.backend import kernels as kernels_of
from minimand.problems import rendezvous as problems

LECTURE = problems.lecture()
# Both bodies have to do something.
UNSTABLE = replace(
    problems.pendulums(300),
    C=np.array([[0.995, 0.05], [-0.05, 0.995]]),
    z0=np.array([0.0, 5.0]),
)


def plan(problem=LECTURE, steps=100, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MinimandWarning)
        result = minimand.rendezvous(*problem.bodies, steps, **options)
    return result, (*problem.bodies, steps), options


def thrust(problem=LECTURE, steps=100, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MinimandWarning)
        result = minimand.min_rendezvous_thrust(*problem.bodies, steps, **options)
    return result, (*problem.bodies, steps), options


def energies():
    result = minimand.rendezvous_energy(*LECTURE.bodies, 40)
    return result, (*LECTURE.bodies, 40), {}


PLANS = {
    "free": lambda: plan(),
    "weights": lambda: plan(input_weights=([1.0, 3.0], np.array([[2.0, 1.0], [1.0, 2.0]]))),
    "components": lambda: plan(u_max=20.0, v_max=22.0),
    "lengths": lambda: plan(u_max=20.0, v_max=22.0, norm="2"),
    "one free": lambda: plan(u_max=8.0),
    "fly-by": lambda: plan(match=[0, 1]),
    "boundary": lambda: plan(UNSTABLE, 300),
    "boundary with bounds": lambda: plan(UNSTABLE, 300, u_max=0.25, v_max=0.5),
    "thrust": lambda: thrust(),
    "thrust of lengths": lambda: thrust(norm="2", ratio=0.5),
    "thrust of unstable": lambda: thrust(UNSTABLE, 300),
}
ALL = PLANS | {
    "too short": lambda: plan(steps=1),
    "too tight": lambda: plan(u_max=10.0, v_max=10.0),
    "energies": energies,
}


def arrays_of(result):
    for name in ("u", "v", "x", "z", "multiplier", "certificate", "energy", "rank", "condition"):
        if isinstance(getattr(result, name, None), np.ndarray):
            yield name


@pytest.mark.parametrize("name", ALL)
def test_what_the_solver_returns_verifies(name):
    result, data, options = ALL[name]()
    assert result.verify(*data, **options) == result.verify(*data, **options)
    names = [certificate.name for certificate in result.verify(*data, **options)]
    assert names == [certificate.name for certificate in result.certificates]


@pytest.mark.parametrize("name", ALL)
def test_tampering_with_any_array_is_found(name):
    result, data, options = ALL[name]()
    for field in arrays_of(result):
        array = getattr(result, field)
        for change in ("entry", "all", "nan", "shape"):
            changed = np.array(array)
            at = tuple(size // 2 for size in array.shape)
            if change == "entry":
                largest = np.abs(array[np.isfinite(array)]).max()
                changed[at] = changed[at] + (largest if array.dtype.kind == "f" else 1)
            elif change == "all":
                changed = changed + (0.01 if array.dtype.kind == "f" else 1) * np.abs(changed).max()
            elif change == "nan":
                if array.dtype.kind != "f":
                    continue
                changed[at] = np.nan
            else:
                changed = changed[:-1]
            if field == "certificate" and change in ("entry", "all"):
                changed = -array  # one that is only a little different may prove it as well
            if field == "condition" and change in ("entry", "all"):
                continue  # an estimate, of which only the range is checked
            if field == "energy" and change == "all":
                changed = 1.001 * array
            with pytest.raises(CertificateError):
                replace(result, **{field: changed}).verify(*data, **options)


@pytest.mark.parametrize("name", [name for name in PLANS if "boundary" in name or "unst" in name])
def test_tampering_with_costates_is_found(name):
    result, data, options = PLANS[name]()
    largest = max(np.abs(mu).max() for mu in result.costates)
    for k in (0, 1):
        for t in (0, 100, 300):
            changed = [np.array(mu) for mu in result.costates]
            changed[k][t] += 1e-3 * largest
            with pytest.raises(CertificateError):
                replace(result, costates=tuple(changed)).verify(*data, **options)


@pytest.mark.parametrize("name", PLANS)
def test_overstated_numbers_are_found(name):
    result, data, options = PLANS[name]()
    value = "bound" if hasattr(result, "bound") else "energy"
    claims = [
        {value: 0.999 * getattr(result, value)},
        {"lower_bound": 1.001 * result.lower_bound},
        {"gap": -0.5},
        {"miss": result.miss + 1.0},
    ]
    for claim in claims:
        with pytest.raises(CertificateError):
            replace(result, **claim).verify(*data, **options)


@pytest.mark.parametrize("name", PLANS)
def test_other_data_do_not_verify(name):
    result, data, options = PLANS[name]()
    for k, factor in ((0, 1.001), (1, 1.01), (3, 0.99), (4, 1.01), (5, 0.99)):
        other = list(data)
        other[k] = factor * other[k]
        if np.array_equal(other[k], data[k]):
            continue
        with pytest.raises(CertificateError):
            result.verify(*other, **options)
    with pytest.raises(CertificateError):
        result.verify(*data[:-1], data[-1] + 1, **options)


def test_a_tighter_bound_does_not_verify():
    result, data, _ = PLANS["components"]()
    with pytest.raises(CertificateError, match="u is not what the multiplier asks for"):
        result.verify(*data, u_max=19.9, v_max=22.0)


def test_a_proof_for_one_problem_proves_nothing_for_another():
    result, data, _ = ALL["too short"]()
    with pytest.raises(CertificateError):
        result.verify(*data[:-1], 2)
    result, data, _ = ALL["too tight"]()
    with pytest.raises(CertificateError):
        result.verify(*data, u_max=30.0, v_max=30.0)


def test_claims_about_the_curve():
    result, data, _ = energies()
    for claim in ({"first_feasible": 1}, {"best": 3}, {"first_feasible": None}):
        with pytest.raises(CertificateError):
            replace(result, **claim).verify(*data)
    possible = np.array(result.energy)
    possible[0] = 1e12
    with pytest.raises(CertificateError):
        replace(result, energy=possible, first_feasible=1).verify(*data)


def test_verify_is_plain_numpy(monkeypatch):
    """Nothing of the kernels is used."""
    cases = [ALL[name]() for name in ("free", "boundary", "thrust", "energies", "too short")]

    def fail(*_args):
        raise AssertionError("a kernel was called")

    for backend in ("cpp", "numpy"):
        kernels = kernels_of("rendezvous", backend)
        for name in ("adjoint_sweep", "rollout", "match_factor", "reach_factor", "energy_curve"):
            monkeypatch.setattr(kernels, name, fail)
    for result, data, options in cases:
        result.verify(*data, **options)
